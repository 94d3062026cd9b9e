//! How connections begin and end.

use simnet::{Link, TcpClosed, TcpConfig, TcpRead, TcpState, observe::Ladder};

use super::{connected, ms, read_all, world};

#[test]
fn the_ladder_of_a_short_conversation() {
    let mut net = world(1, Link::delayed(ms(10)), TcpConfig::default(), Ladder::new());
    let (client, server) = connected(&mut net);
    net.tcp_send(client, b"question");
    net.run_for(ms(100));
    assert_eq!(read_all(&mut net, server), (b"question".to_vec(), TcpRead::Empty));
    net.tcp_send(server, b"answer");
    net.tcp_shutdown(server);
    net.run_for(ms(100));
    assert_eq!(net.tcp_state(client), TcpState::CloseWait);
    assert_eq!(read_all(&mut net, client), (b"answer".to_vec(), TcpRead::Closed));
    net.tcp_shutdown(client);
    net.run_for(ms(100));
    assert_eq!(net.tcp_state(client), TcpState::Closed(TcpClosed::Finished));
    assert_eq!(net.tcp_state(server), TcpState::TimeWait);
    net.run_for(ms(20_000));
    assert_eq!(net.tcp_state(server), TcpState::Closed(TcpClosed::Finished));
    assert!(net.tally().is_conserved());
    insta::assert_snapshot!(net.observer().render());
}
