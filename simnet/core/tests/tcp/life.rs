//! How connections begin and end.

use std::net::SocketAddr;

use base::SocketErrorKind;
use rstest::rstest;
use simnet::{
    Attach, BindError, Change, DropReason, Host, Link, Network, Packet, Tcp, TcpClosed, TcpConfig,
    TcpConnectError, TcpFlags, TcpRead, TcpState,
    firewall::{Config, Firewall},
    nat::Nat,
    observe::Ladder,
};

use super::{SERVER, at, connected, ms, nodes, read_all, world};

fn plain() -> Network {
    world(1, Link::delayed(ms(10)), TcpConfig::default(), ())
}

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
    assert_eq!(net.tcp_state(server), TcpState::FinWait2);
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

#[test]
fn a_half_closed_connection_goes_on_the_other_way() {
    let mut net = plain();
    let (client, server) = connected(&mut net);
    net.tcp_send(client, b"all I have");
    net.tcp_shutdown(client);
    assert_eq!(net.tcp_send(client, b"more"), 0, "nothing goes after the end");
    net.run_for(ms(100));
    assert_eq!(read_all(&mut net, server), (b"all I have".to_vec(), TcpRead::Closed));
    for _ in 0..10 {
        assert_eq!(net.tcp_send(server, b"still here"), 10);
        net.run_for(ms(100));
        assert_eq!(read_all(&mut net, client), (b"still here".to_vec(), TcpRead::Empty));
    }
}

#[test]
fn what_came_before_the_end_can_be_read_after_it() {
    let mut net = plain();
    let (client, server) = connected(&mut net);
    net.tcp_send(server, b"last words");
    net.tcp_shutdown(server);
    net.tcp_shutdown(client);
    net.run_for(ms(60_000));
    assert_eq!(net.tcp_state(client), TcpState::Closed(TcpClosed::Finished));
    assert_eq!(read_all(&mut net, client), (b"last words".to_vec(), TcpRead::Closed));
    assert_eq!(read_all(&mut net, server), (Vec::new(), TcpRead::Closed));
}

#[test]
fn an_aborted_connection_is_reset() {
    let mut net = plain();
    let (client, server) = connected(&mut net);
    net.tcp_send(client, b"never read");
    net.run_for(ms(50));
    net.tcp_abort(client);
    assert_eq!(net.tcp_state(client), TcpState::Closed(TcpClosed::Aborted));
    net.run_for(ms(50));
    assert_eq!(net.tcp_state(server), TcpState::Closed(TcpClosed::Reset));
    assert_eq!(read_all(&mut net, server), (Vec::new(), TcpRead::Reset), "RFC 9293 §3.10.7.4");
    assert_eq!(net.tcp_send(server, b"?"), 0);
    assert!(net.tally().is_conserved());
}

#[rstest]
#[case::ipv4("11.0.0.3:81")]
#[case::ipv6("[2001:db8::3]:81")]
fn a_closed_port_refuses(#[case] remote: &str) {
    let mut net = plain();
    let client = net.tcp_connect(net.node("alice"), None, at(remote)).unwrap();
    assert_eq!(net.tcp_state(client), TcpState::SynSent);
    net.run_for(ms(100));
    assert_eq!(net.tcp_state(client), TcpState::Closed(TcpClosed::Refused));
    assert_eq!(read_all(&mut net, client).1, TcpRead::Reset);
}

#[rstest]
#[case::nobody_has_the_address("11.9.9.9:80", SocketErrorKind::HostUnreachable)]
#[case::no_route("[fd00::1]:80", SocketErrorKind::NetworkUnreachable)]
fn the_network_says_that_there_is_no_way(#[case] remote: &str, #[case] why: SocketErrorKind) {
    let mut net = plain();
    let client = net.tcp_connect(net.node("alice"), None, at(remote)).unwrap();
    net.run_for(ms(100));
    assert_eq!(net.tcp_state(client), TcpState::Closed(TcpClosed::Unreachable(why)));
    assert!(net.tally().is_conserved());
}

#[test]
fn addresses_that_cannot_be_used_are_refused_at_once() {
    let mut net = plain();
    let (alice, server) = nodes(&net);
    let wan = net.node("wan");
    assert_eq!(net.tcp_listen(wan, at("0.0.0.0:80")), Err(BindError::NotAHost));
    let foreign = at("11.0.0.9:80");
    assert_eq!(net.tcp_listen(server, foreign), Err(BindError::NoSuchAddress(foreign.ip())));
    net.tcp_listen(server, at(SERVER)).unwrap();
    for again in [at(SERVER), at("0.0.0.0:80")] {
        assert_eq!(net.tcp_listen(server, again), Err(BindError::InUse(again)));
    }
    let other_port = net.tcp_listen(server, at("0.0.0.0:0")).unwrap();
    assert!(net.tcp_listener_address(other_port).port() >= 49_152);
    let mixed = net.tcp_connect(alice, Some(at("11.0.0.2:1")), at("[2001:db8::3]:80"));
    assert_eq!(mixed, Err(TcpConnectError::MixedFamilies));
    for bad in ["11.0.0.3:0", "0.0.0.0:80", "224.0.0.251:80"] {
        assert_eq!(net.tcp_connect(alice, None, at(bad)), Err(TcpConnectError::BadRemote));
    }
    let local = at("11.0.0.2:5000");
    net.tcp_connect(alice, Some(local), at(SERVER)).unwrap();
    let twice = net.tcp_connect(alice, Some(local), at(SERVER));
    assert_eq!(twice, Err(BindError::InUse(local).into()));
}

#[test]
fn a_silent_host_is_given_up_with_longer_and_longer_pauses() {
    let config = TcpConfig { connect_timeout: ms(70_000), ..TcpConfig::default() };
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .host("alice", Host::on("wan").address("11.0.0.2").tcp(config))
        .host("server", Host::on("wan").address("11.0.0.3").silent())
        .build_observed(Ladder::new())
        .unwrap();
    let client = net.tcp_connect(net.node("alice"), None, at(SERVER)).unwrap();
    net.run_for(ms(100_000));
    assert_eq!(net.tcp_state(client), TcpState::Closed(TcpClosed::TimedOut));
    insta::assert_snapshot!(net.observer().render());
}

#[test]
fn the_backlog_is_bounded() {
    let config = TcpConfig { backlog: 2, ..TcpConfig::default() };
    let mut net = world(1, Link::delayed(ms(10)), config, ());
    let (alice, server) = nodes(&net);
    let listener = net.tcp_listen(server, at(SERVER)).unwrap();
    let clients: Vec<_> =
        (0..3).map(|_| net.tcp_connect(alice, None, at(SERVER)).unwrap()).collect();
    net.run_for(ms(500));
    let states: Vec<_> = clients.iter().map(|&id| net.tcp_state(id)).collect();
    assert_eq!(states, [TcpState::Established, TcpState::Established, TcpState::SynSent]);
    assert_eq!(net.tally().dropped(DropReason::TcpBacklogFull), 1);
    assert!(net.tcp_accept(listener).is_some());
    net.run_for(ms(2_000));
    assert_eq!(net.tcp_state(clients[2]), TcpState::Established, "the next SYN finds room");
}

#[test]
fn connections_are_bounded() {
    let config = TcpConfig { connections: 2, ..TcpConfig::default() };
    let mut net = world(1, Link::delayed(ms(10)), config, ());
    let (alice, server) = nodes(&net);
    net.tcp_listen(server, at(SERVER)).unwrap();
    for _ in 0..2 {
        net.tcp_connect(alice, None, at(SERVER)).unwrap();
    }
    let third = net.tcp_connect(alice, None, at(SERVER));
    assert_eq!(third, Err(TcpConnectError::TooMany(2)));
    net.run_for(ms(100));
    net.tcp_set_config(alice, TcpConfig::default());
    net.tcp_connect(alice, None, at(SERVER)).unwrap();
    net.run_for(ms(100));
    assert_eq!(net.tally().dropped(DropReason::TcpTooMany), 1);
}

/// RFC 9293 §3.5: both send a SYN, and one connection results.
#[test]
fn a_simultaneous_open_makes_one_connection() {
    let mut net = world(1, Link::delayed(ms(10)), TcpConfig::default(), Ladder::new());
    let (alice, server) = nodes(&net);
    let (here, there) = (at("11.0.0.2:5000"), at("11.0.0.3:6000"));
    let one = net.tcp_connect(alice, Some(here), there).unwrap();
    let other = net.tcp_connect(server, Some(there), here).unwrap();
    net.run_for(ms(200));
    assert_eq!(net.tcp_state(one), TcpState::Established);
    assert_eq!(net.tcp_state(other), TcpState::Established);
    net.tcp_send(one, b"there");
    net.tcp_send(other, b"here");
    net.run_for(ms(200));
    assert_eq!(read_all(&mut net, one).0, b"here");
    assert_eq!(read_all(&mut net, other).0, b"there");
    insta::assert_snapshot!(net.observer().render());
}

#[test]
fn a_new_syn_ends_time_wait() {
    let mut net = plain();
    let (alice, server) = nodes(&net);
    let listener = net.tcp_listen(server, at(SERVER)).unwrap();
    let local = Some(at("11.0.0.2:5000"));
    let first = net.tcp_connect(alice, local, at(SERVER)).unwrap();
    net.run_for(ms(100));
    let accepted = net.tcp_accept(listener).unwrap();
    net.tcp_shutdown(accepted);
    net.run_for(ms(100));
    net.tcp_shutdown(first);
    net.run_for(ms(100));
    assert_eq!(net.tcp_state(accepted), TcpState::TimeWait);
    let second = net.tcp_connect(alice, local, at(SERVER)).unwrap();
    net.run_for(ms(100));
    assert_eq!(net.tcp_state(second), TcpState::Established);
    assert_eq!(net.tcp_state(accepted), TcpState::Closed(TcpClosed::Finished));
    assert!(net.tcp_accept(listener).is_some());
}

#[test]
fn a_crashed_host_answers_with_resets_when_it_is_back() {
    let mut net = plain();
    let (client, server) = connected(&mut net);
    let node = net.node("server");
    net.change(Change::Crash(node));
    net.tcp_send(client, b"anybody there?");
    net.run_for(ms(500));
    assert_eq!(net.tcp_state(client), TcpState::Established);
    net.change(Change::Restart(node));
    net.run_for(ms(5_000));
    assert_eq!(net.tcp_state(client), TcpState::Closed(TcpClosed::Reset));
    assert_eq!(net.tcp_state(server), TcpState::Closed(TcpClosed::Aborted));
    net.tcp_listen(node, at(SERVER)).expect("the port is free again");
    assert!(net.tally().is_conserved());
}

#[test]
fn an_idle_connection_asks_for_a_sign_of_life_and_gives_up_without() {
    let config =
        TcpConfig { keep_alive: Some(ms(10_000)), keep_alive_probes: 3, ..TcpConfig::default() };
    let mut net = world(1, Link::delayed(ms(10)), config, Ladder::new());
    let (client, _) = connected(&mut net);
    net.run_for(ms(35_000));
    assert_eq!(net.tcp_state(client), TcpState::Established);
    let server = net.hop("server.eth0").unwrap();
    net.set_interface(server, false);
    net.run_for(ms(60_000));
    assert_eq!(net.tcp_state(client), TcpState::Closed(TcpClosed::TimedOut));
    insta::assert_snapshot!(net.observer().render());
}

#[test]
fn an_idle_connection_without_keep_alive_lives_on() {
    let config = TcpConfig { user_timeout: ms(100_000), ..TcpConfig::default() };
    let mut net = world(1, Link::delayed(ms(10)), config, ());
    let (client, server) = connected(&mut net);
    net.run_for(ms(100_000_000));
    net.tcp_send(client, b"back");
    net.run_for(ms(100));
    assert_eq!(read_all(&mut net, server).0, b"back");
    net.run_for(ms(100_000_000));
    net.tcp_shutdown(client);
    net.tcp_shutdown(server);
    net.run_for(ms(100));
    assert!(matches!(
        net.tcp_state(client),
        TcpState::Closed(TcpClosed::Finished) | TcpState::TimeWait
    ));
}

#[test]
fn unacknowledged_data_ends_a_connection_after_the_user_timeout() {
    let config = TcpConfig { user_timeout: ms(100_000), ..TcpConfig::default() };
    let mut net = world(1, Link::delayed(ms(10)), config, ());
    let (client, _) = connected(&mut net);
    let server = net.hop("server.eth0").unwrap();
    net.set_interface(server, false);
    net.tcp_send(client, b"lost");
    net.run_for(ms(99_000));
    assert_eq!(net.tcp_state(client), TcpState::Established);
    net.run_for(ms(2_000));
    assert_eq!(net.tcp_state(client), TcpState::Closed(TcpClosed::TimedOut));
}

#[test]
fn an_interface_that_comes_back_carries_on() {
    let mut net = plain();
    let (client, server) = connected(&mut net);
    let hop = net.hop("alice.eth0").unwrap();
    net.set_interface(hop, false);
    net.tcp_send(client, b"patience");
    net.run_for(ms(5_000));
    net.set_interface(hop, true);
    net.run_for(ms(20_000));
    assert_eq!(read_all(&mut net, server).0, b"patience");
}

#[test]
fn a_host_talks_to_itself() {
    let mut net = plain();
    let alice = net.node("alice");
    let listener = net.tcp_listen(alice, at("127.0.0.1:80")).unwrap();
    let client = net.tcp_connect(alice, None, at("127.0.0.1:80")).unwrap();
    net.run_for(ms(100));
    let server = net.tcp_accept(listener).expect("it is made");
    assert_eq!(net.tcp_addresses(client).0.ip().to_string(), "127.0.0.1");
    net.tcp_send(client, &[7; 100_000]);
    net.run_for(ms(100));
    assert_eq!(read_all(&mut net, server).0.len(), 100_000);
}

#[test]
fn a_stateful_firewall_lets_the_inside_connect_and_nobody_else() {
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .lan("office", "10.0.0.0/24 2001:db8:1::/64")
        .middlebox(
            "wall",
            Attach::to("office").and_to("wan"),
            Firewall::new(Config::tcp_443_only()),
        )
        .host("alice", Host::on("office").address("10.0.0.2"))
        .host("server", Host::on("wan").address("11.0.0.3"))
        .build()
        .unwrap();
    let (alice, server) = nodes(&net);
    for port in ["11.0.0.3:443", "11.0.0.3:25"] {
        net.tcp_listen(server, at(port)).unwrap();
    }
    net.tcp_listen(alice, at("10.0.0.2:443")).unwrap();
    let allowed = net.tcp_connect(alice, None, at("11.0.0.3:443")).unwrap();
    let forbidden = net.tcp_connect(alice, None, at("11.0.0.3:25")).unwrap();
    let inward = net.tcp_connect(server, None, at("10.0.0.2:443")).unwrap();
    net.run_for(ms(3_000));
    assert_eq!(net.tcp_state(allowed), TcpState::Established);
    assert_ne!(net.tcp_state(forbidden), TcpState::Established);
    assert_ne!(net.tcp_state(inward), TcpState::Established);
    assert!(net.tally().is_conserved());
}

#[test]
fn a_nat_lets_the_inside_connect_and_sees_both_ends_close() {
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .lan("home", "10.0.0.0/24")
        .nat("box", "home", "wan", Nat::new(simnet::nat::Config::port_restricted_cone()))
        .host("alice", Host::on("home"))
        .host("server", Host::on("wan").address("11.0.0.3"))
        .build()
        .unwrap();
    let (alice, server) = nodes(&net);
    let listener = net.tcp_listen(server, at(SERVER)).unwrap();
    let client = net.tcp_connect(alice, None, at(SERVER)).unwrap();
    net.run_for(ms(100));
    let accepted = net.tcp_accept(listener).expect("it is made");
    let (inside, outside) = (net.tcp_addresses(client).0, net.tcp_addresses(accepted).1);
    assert_ne!(inside.ip(), outside.ip(), "translated");
    net.tcp_send(client, &[1; 50_000]);
    net.tcp_send(accepted, &[2; 50_000]);
    net.run_for(ms(500));
    assert_eq!(read_all(&mut net, client).0, [2; 50_000]);
    assert_eq!(read_all(&mut net, accepted).0, [1; 50_000]);
    net.tcp_listen(alice, at("0.0.0.0:80")).unwrap();
    let uninvited = SocketAddr::new(outside.ip(), 80);
    let inward = net.tcp_connect(server, None, uninvited).unwrap();
    net.run_for(ms(5_000));
    assert_ne!(net.tcp_state(inward), TcpState::Established);
    net.tcp_shutdown(client);
    net.tcp_shutdown(accepted);
    net.run_for(ms(30_000));
    assert_eq!(net.tcp_state(client), TcpState::Closed(TcpClosed::Finished));
    assert_eq!(net.tcp_state(accepted), TcpState::Closed(TcpClosed::Finished));
    assert!(net.tally().is_conserved());
}

/// Whoever does not see the numbers cannot end a connection from afar.
#[test]
fn guessed_resets_and_reports_are_not_believed() {
    let mut net = plain();
    let (client, server) = connected(&mut net);
    let (local, remote) = net.tcp_addresses(client);
    let node = net.node("server");
    let reset = Packet::tcp(remote, local, Tcp::new(TcpFlags::RST).sequence(12_345));
    net.inject(node, reset);
    let about = Packet::tcp(local, remote, Tcp::new(TcpFlags::ACK).sequence(12_345));
    let kind = simnet::IcmpError::TooBig { mtu: 600 };
    net.inject(node, about.icmp_error(remote.ip(), kind).unwrap());
    net.run_for(ms(100));
    assert_eq!(net.tcp_state(client), TcpState::Established);
    net.tcp_send(client, &[1; 1_000]);
    net.run_for(ms(100));
    assert_eq!(read_all(&mut net, server).0.len(), 1_000);
    assert_eq!(net.tcp_stats(client).segments_sent, 3, "SYN, ACK, and one whole segment");
}
