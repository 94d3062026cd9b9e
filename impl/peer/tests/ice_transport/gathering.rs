//! Sockets on the addresses of the host, and what is offered of them.

use std::net::SocketAddr;

use base::{Machine, SocketCommand, SocketInput, StreamCommand, StreamId, StreamInput};
use peer::{IceServer, IceTransport, Policy, TcpCandidates};

use crate::support::{T0, addr, config, interface, reports, sends, serve, transport, turn};

#[test]
fn opens_a_socket_on_every_address_and_offers_it() {
    let mut it = transport(config());
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1", "2001:db8::1"])]);
    assert_eq!(it.poll_socket(), None, "nobody asked for candidates yet");
    it.gather(T0);
    let mut port = 5_000;
    let opened = serve(&mut it, &mut port);
    assert_eq!(opened, ["open 192.0.2.1:0", "open [2001:db8::1]:0"]);
    let told = reports(&mut it);
    assert!(told.contains(&"host 192.0.2.1:5000".to_owned()), "{told:?}");
    assert!(told.contains(&"host [2001:db8::1]:5001".to_owned()), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("GatheringFinished"));
}

#[test]
fn waits_for_the_interfaces() {
    let mut it = transport(config());
    it.gather(T0);
    assert_eq!(it.poll_socket(), None);
    assert!(reports(&mut it).is_empty());
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1"])]);
    assert_eq!(serve(&mut it, &mut 5_000), ["open 192.0.2.1:0"]);
}

#[test]
fn a_port_that_is_taken_is_replaced_by_another() {
    let mut it = transport({
        let mut config = config();
        config.port = 4_000;
        config
    });
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1"])]);
    it.gather(T0);
    let asked = addr("192.0.2.1:4000");
    assert_eq!(it.poll_socket(), Some(SocketCommand::Open { local: asked }));
    it.handle_socket(T0, SocketInput::Refused { asked, in_use: true });
    let anywhere = addr("192.0.2.1:0");
    assert_eq!(it.poll_socket(), Some(SocketCommand::Open { local: anywhere }));
    it.handle_socket(T0, SocketInput::Refused { asked: anywhere, in_use: false });
    assert_eq!(it.poll_socket(), None);
    assert_eq!(reports(&mut it), ["GatheringFinished"], "there is nothing to be had");
}

#[test]
fn sockets_come_and_go_with_the_addresses() {
    let mut it = transport(config());
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1"])]);
    it.gather(T0);
    let mut port = 5_000;
    serve(&mut it, &mut port);
    reports(&mut it);
    it.handle_interfaces(T0, &[interface("wlan0", &["198.51.100.1"])]);
    let said = serve(&mut it, &mut port);
    assert_eq!(said, ["close 192.0.2.1:5000", "open 198.51.100.1:0"]);
    assert_eq!(it.local_addresses().collect::<Vec<_>>(), [addr("198.51.100.1:5001")]);
    assert!(reports(&mut it).contains(&"host 198.51.100.1:5001".to_owned()));
}

#[test]
fn a_socket_that_comes_after_its_address_is_gone_is_closed() {
    let mut it = transport(config());
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1"])]);
    it.gather(T0);
    let asked = addr("192.0.2.1:0");
    assert_eq!(it.poll_socket(), Some(SocketCommand::Open { local: asked }));
    it.handle_interfaces(T0, &[]);
    let local = addr("192.0.2.1:5000");
    it.handle_socket(T0, SocketInput::Opened { asked, local });
    assert_eq!(it.poll_socket(), Some(SocketCommand::Close { local }));
    assert_eq!(it.local_addresses().count(), 0);
}

#[test]
fn with_relays_alone_nobody_but_the_turn_server_hears_of_the_host() {
    let mut config = config();
    config.policy = Policy::Relay;
    config.servers = vec![
        IceServer::Stun(addr("203.0.113.1:3478")),
        turn("203.0.113.2:3478", turn::Transport::Udp),
    ];
    let mut it = transport(config);
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1"])]);
    it.gather(T0);
    serve(&mut it, &mut 5_000);
    assert!(reports(&mut it).is_empty(), "no host candidate, and the relay is not there yet");
    assert_eq!(sends(&mut it, T0), ["192.0.2.1:5000 > 203.0.113.2:3478"]);
}

#[test]
fn servers_are_asked_from_addresses_of_their_family_one_at_a_time() {
    let mut config = config();
    config.policy = Policy::Relay;
    config.servers = vec![
        turn("203.0.113.1:3478", turn::Transport::Udp),
        turn("[2001:db8::5]:3478", turn::Transport::Udp),
        turn("203.0.113.2:3478", turn::Transport::Udp),
        turn("203.0.113.1:3478", turn::Transport::Udp),
    ];
    let pacing = config.ice.pacing;
    let mut it = transport(config);
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1", "2001:db8::1"])]);
    it.gather(T0);
    serve(&mut it, &mut 5_000);
    assert_eq!(sends(&mut it, T0), ["192.0.2.1:5000 > 203.0.113.1:3478"]);
    it.handle_timeout(T0 + pacing);
    assert_eq!(sends(&mut it, T0 + pacing), ["192.0.2.1:5000 > 203.0.113.2:3478"]);
    it.handle_timeout(T0 + pacing * 2);
    let third = sends(&mut it, T0 + pacing * 2);
    assert_eq!(third, ["[2001:db8::1]:5001 > [2001:db8::5]:3478"]);
}

/// What it wants of streams.
fn stream_commands(it: &mut IceTransport) -> Vec<StreamCommand> {
    let mut buffer = Vec::new();
    std::iter::from_fn(|| it.poll_stream(T0, &mut buffer)).collect()
}

/// A transport that listens for ICE-TCP on one address, and the number of its listener.
fn listening() -> (IceTransport, StreamId, SocketAddr) {
    let mut config = config();
    config.tcp = TcpCandidates::BOTH;
    let mut it = transport(config);
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1"])]);
    it.gather(T0);
    serve(&mut it, &mut 5_000);
    let listen = |command: &StreamCommand| match command {
        StreamCommand::Listen { id, .. } => Some(*id),
        _ => None,
    };
    let id = stream_commands(&mut it).iter().find_map(listen).expect("it listens");
    let local = addr("192.0.2.1:7000");
    it.handle_stream(T0, StreamInput::Listening { id, local });
    (it, id, local)
}

#[test]
fn the_tcp_listener_and_its_connections_go_with_the_address() {
    let (mut it, listener, local) = listening();
    let (id, remote) = (StreamId::accepted(1), addr("198.51.100.7:4000"));
    it.handle_stream(T0, StreamInput::Accepted { listener, id, local, remote });
    assert!(it.agent().stats().local_candidates.len() > 1, "UDP and TCP");
    it.handle_interfaces(T0, &[interface("wlan0", &["198.51.100.1"])]);
    let said = stream_commands(&mut it);
    assert!(said.contains(&StreamCommand::Close { id: listener }), "{said:?}");
    assert!(said.contains(&StreamCommand::Close { id }), "{said:?}");
    assert!(it.agent().stats().local_candidates.is_empty());
}

#[test]
fn a_listener_that_is_not_there_yet_goes_with_the_address() {
    let mut config = config();
    config.tcp = TcpCandidates::BOTH;
    let mut it = transport(config);
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1"])]);
    it.gather(T0);
    serve(&mut it, &mut 5_000);
    stream_commands(&mut it);
    it.handle_interfaces(T0, &[]);
    let said = stream_commands(&mut it);
    assert!(matches!(said[..], [StreamCommand::Close { .. }]), "{said:?}");
}

#[test]
fn a_socket_that_comes_after_the_end_is_closed() {
    let mut it = transport(config());
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1"])]);
    it.gather(T0);
    let asked = addr("192.0.2.1:0");
    assert_eq!(it.poll_socket(), Some(SocketCommand::Open { local: asked }));
    it.close(T0);
    let local = addr("192.0.2.1:5000");
    it.handle_socket(T0, SocketInput::Opened { asked, local });
    assert_eq!(it.poll_socket(), Some(SocketCommand::Close { local }));
    assert_eq!(it.local_addresses().count(), 0);
}

#[test]
fn a_connection_that_comes_after_the_end_is_aborted() {
    let (mut it, listener, local) = listening();
    it.close(T0);
    stream_commands(&mut it);
    let (id, remote) = (StreamId::accepted(1), addr("198.51.100.7:4000"));
    it.handle_stream(T0, StreamInput::Accepted { listener, id, local, remote });
    assert_eq!(stream_commands(&mut it), [StreamCommand::Abort { id }]);
}

#[test]
fn connections_to_servers_end_with_the_address() {
    let mut config = config();
    config.servers = vec![turn("203.0.113.1:3478", turn::Transport::Tcp)];
    let mut it = transport(config);
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1"])]);
    it.gather(T0);
    serve(&mut it, &mut 5_000);
    let said = stream_commands(&mut it);
    let [StreamCommand::Connect { id, .. }] = said[..] else { panic!("{said:?}") };
    it.handle_interfaces(T0, &[]);
    assert_eq!(stream_commands(&mut it), [StreamCommand::Abort { id }]);
}

#[test]
fn answers_about_sockets_are_for_the_component_that_asked() {
    let mut config = config();
    config.ice.components = 2;
    config.port = 4_000;
    let mut it = transport(config);
    it.handle_interfaces(T0, &[interface("eth0", &["192.0.2.1"])]);
    it.gather(T0);
    while it.poll_socket().is_some() {}
    let (first, second) = (addr("192.0.2.1:4000"), addr("192.0.2.1:4001"));
    // The first is asked for again, behind the second.
    it.handle_socket(T0, SocketInput::Refused { asked: first, in_use: true });
    it.handle_socket(T0, SocketInput::Opened { asked: second, local: second });
    let asked = addr("192.0.2.1:0");
    it.handle_socket(T0, SocketInput::Opened { asked, local: addr("192.0.2.1:5000") });
    let component_of = |event| match event {
        ice::Event::LocalCandidate(it) => Some((it.component, it.address.ip()?.port())),
        _ => None,
    };
    let mut found: Vec<_> =
        std::iter::from_fn(|| it.poll_event()).filter_map(component_of).collect();
    found.sort_unstable();
    assert_eq!(found, [(1, 5_000), (2, 4_001)]);
}
