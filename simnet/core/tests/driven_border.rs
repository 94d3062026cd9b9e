//! What a driven machine can do besides sending datagrams: sockets of its own, streams, interfaces.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use base::{
    Datagram, Instant, Interface, Machine, SocketCommand, SocketInput, StreamCommand, StreamEnd,
    StreamId, StreamInput, StreamSecurity, Transmit,
};
use rstest::rstest;
use simnet::{
    Change, Driven, Host, Link, Network,
    laws::{self, Law, Step},
};

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Does what the test says, and notes everything it is told.
#[derive(Default)]
struct Puppet {
    sockets: VecDeque<SocketCommand>,
    streams: VecDeque<(StreamCommand, Vec<u8>)>,
    datagrams: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
    heard: Vec<String>,
    bytes: Vec<u8>,
    /// Sends back what arrives on streams.
    echoes: bool,
    /// Decides in a poll.
    vicious: bool,
    polls: u64,
}

impl Puppet {
    fn stream(&mut self, command: StreamCommand) {
        self.streams.push_back((command, Vec::new()));
    }

    fn send(&mut self, id: StreamId, bytes: &[u8]) {
        self.streams.push_back((StreamCommand::Send { id, size: bytes.len() }, bytes.to_vec()));
    }

    fn connect(&mut self, n: u64, remote: &str) -> StreamId {
        let id = StreamId::own(n);
        let (remote, security) = (addr(remote), StreamSecurity::Plain);
        self.stream(StreamCommand::Connect { id, local: None, remote, security });
        id
    }
}

impl Machine for Puppet {
    type Event = String;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.heard.push(format!("{now} {} > {}", datagram.source, datagram.destination));
    }

    fn handle_stream(&mut self, _: Instant, input: StreamInput<'_>) {
        match input {
            StreamInput::Received { id, bytes } => {
                self.bytes.extend_from_slice(bytes);
                if self.echoes {
                    self.send(id, bytes);
                }
            }
            other => self.heard.push(format!("{other:?}")),
        }
    }

    fn handle_socket(&mut self, _: Instant, input: SocketInput) {
        self.heard.push(format!("{input:?}"));
    }

    fn handle_interfaces(&mut self, now: Instant, interfaces: &[Interface]) {
        let ips = interfaces.iter().flat_map(|it| &it.addresses).map(|address| address.ip);
        self.heard.push(format!("{now} {:?}", ips.collect::<Vec<_>>()));
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_transmit(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (from, to, payload) = self.datagrams.pop_front()?;
        buffer.extend_from_slice(&payload);
        Some(Transmit::new(to, payload.len()).from(from))
    }

    fn poll_stream(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        let (command, bytes) = self.streams.pop_front()?;
        if self.vicious {
            self.sockets.push_back(SocketCommand::Close { local: addr("10.0.0.1:1") });
        }
        buffer.extend_from_slice(&bytes);
        Some(command)
    }

    fn poll_socket(&mut self) -> Option<SocketCommand> {
        self.polls += 1;
        self.sockets.pop_front()
    }

    fn poll_event(&mut self) -> Option<String> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// Alice and a server, 20 ms apart. The server listens on TCP port 80.
fn world(server: Puppet) -> Network {
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .host("alice", Host::on("wan").address("11.0.0.3").endpoint(Driven::new(Puppet::default())))
        .host("server", Host::on("wan").address("11.0.0.2").endpoint(Driven::new(server)))
        .link("alice", "wan", Link::delayed(ms(20)))
        .build()
        .expect("the world fits together");
    let server = net.node("server");
    let listen = StreamCommand::Listen { id: StreamId::own(0), local: addr("11.0.0.2:80") };
    net.command(server, |puppet: &mut Puppet, _| puppet.stream(listen));
    net.run_for(ms(1));
    net
}

fn act<R>(net: &mut Network, host: &str, act: impl FnOnce(&mut Puppet) -> R) -> R {
    let host = net.node(host);
    net.command(host, |puppet: &mut Puppet, _| act(puppet)).expect("a puppet lives there")
}

fn heard(net: &mut Network, host: &str) -> Vec<String> {
    act(net, host, |puppet| std::mem::take(&mut puppet.heard))
}

fn bytes(net: &mut Network, host: &str) -> Vec<u8> {
    act(net, host, |puppet| std::mem::take(&mut puppet.bytes))
}

#[test]
fn a_machine_learns_of_interfaces_first_of_all_and_at_each_change() {
    let mut net = world(Puppet::default());
    let hop = net.hop("alice.eth0").expect("it exists");
    net.set_interface(hop, false);
    net.set_interface(hop, true);
    net.change(Change::RemoveAddress(hop, "11.0.0.3".parse().expect("an address")));
    let expected = ["0.000000s [11.0.0.3]", "0.001000s []", "0.001000s [11.0.0.3]", "0.001000s []"];
    assert_eq!(heard(&mut net, "alice"), expected);
}

#[test]
fn a_machine_opens_sockets_and_closes_them_after_its_last_word() {
    let mut net = world(Puppet::default());
    let (one, two) = (addr("11.0.0.2:7"), addr("11.0.0.2:8"));
    act(&mut net, "server", |it| {
        it.sockets.push_back(SocketCommand::Open { local: one });
        it.sockets.push_back(SocketCommand::Open { local: one });
        it.sockets.push_back(SocketCommand::Open { local: addr("11.0.0.9:0") });
        it.sockets.push_back(SocketCommand::Open { local: two });
    });
    let opened = heard(&mut net, "server").split_off(2);
    insta::assert_debug_snapshot!(opened, @r#"
    [
        "Opened { asked: 11.0.0.2:7, local: 11.0.0.2:7 }",
        "Refused { asked: 11.0.0.2:7, in_use: true }",
        "Refused { asked: 11.0.0.9:0, in_use: false }",
        "Opened { asked: 11.0.0.2:8, local: 11.0.0.2:8 }",
    ]
    "#);
    act(&mut net, "alice", |it| {
        it.sockets.push_back(SocketCommand::Open { local: addr("11.0.0.3:9") });
    });
    heard(&mut net, "alice");
    act(&mut net, "server", |it| {
        it.datagrams.push_back((two, addr("11.0.0.3:9"), vec![1]));
        it.datagrams.push_back((addr("11.0.0.2:99"), addr("11.0.0.3:9"), vec![1]));
        it.sockets.push_back(SocketCommand::Close { local: one });
    });
    net.run_for(ms(100));
    assert_eq!(heard(&mut net, "alice"), ["0.021000s 11.0.0.2:8 > 11.0.0.3:9"]);
    let server: &Driven<Puppet> = net.endpoint(net.node("server")).expect("it lives there");
    assert_eq!(server.unsent(), 1, "nothing is bound to port 99");
    assert_eq!(server.local_addresses().collect::<Vec<_>>(), [two]);
}

#[test]
fn machines_talk_over_a_stream_and_close_it() {
    let mut net = world(Puppet { echoes: true, ..Puppet::default() });
    let id = act(&mut net, "alice", |it| it.connect(5, "11.0.0.2:80"));
    // Before the connection is there: the driver keeps it, and says so.
    act(&mut net, "alice", |it| it.send(id, b"hello"));
    net.run_for(ms(200));
    assert_eq!(bytes(&mut net, "alice"), b"hello");
    act(&mut net, "alice", |it| {
        it.send(id, b" and goodbye");
        it.stream(StreamCommand::Close { id });
        it.send(id, b" into the void");
    });
    net.run_for(ms(200));
    assert_eq!(bytes(&mut net, "server"), b"hello and goodbye");
    assert!(bytes(&mut net, "alice").is_empty(), "who closes hears no more");
    let ports = |all: Vec<String>| -> Vec<String> {
        let tidy = |line: String| match line.split_once("11.0.0.3:") {
            Some((head, tail)) => {
                let rest = tail.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{head}11.0.0.3:port{rest}")
            }
            None => line,
        };
        all.into_iter().skip(1).map(tidy).collect()
    };
    insta::assert_debug_snapshot!([
        ports(heard(&mut net, "alice")),
        ports(heard(&mut net, "server"))
    ]);
}

#[test]
fn a_full_connection_says_how_much_waits_and_when_it_is_gone() {
    let mut net = world(Puppet::default());
    let id = act(&mut net, "alice", |it| it.connect(0, "11.0.0.2:80"));
    net.run_for(ms(100));
    act(&mut net, "server", |it| it.stream(StreamCommand::Pause { id: StreamId::accepted(0) }));
    let data: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    act(&mut net, "alice", |it| it.send(id, &data));
    net.run_for(Duration::from_secs(20));
    let waits = |all: &[String]| -> Vec<usize> {
        let number = |line: &String| {
            line.split_once("bytes: ")?.1.trim_end_matches(" }").parse::<usize>().ok()
        };
        all.iter().filter_map(number).collect()
    };
    let before = waits(&heard(&mut net, "alice"));
    assert!(before.last().is_some_and(|&left| left > 0), "a paused reader stops the sender");
    assert!(bytes(&mut net, "server").is_empty());
    act(&mut net, "server", |it| it.stream(StreamCommand::Resume { id: StreamId::accepted(0) }));
    net.run_for(Duration::from_secs(20));
    let after = waits(&heard(&mut net, "alice"));
    assert!(after.is_sorted_by(|a, b| a > b), "{after:?}");
    assert_eq!(after.last(), Some(&0));
    assert_eq!(bytes(&mut net, "server"), data);
}

#[rstest]
#[case::refused("11.0.0.2:81", StreamEnd::Refused)]
#[case::nobody_there("11.0.0.77:80", StreamEnd::Unavailable)]
#[case::no_such_port("11.0.0.2:0", StreamEnd::Unavailable)]
fn a_connection_that_cannot_be_made_ends_with_its_reason(
    #[case] remote: &str,
    #[case] reason: StreamEnd,
) {
    let mut net = world(Puppet::default());
    let id = act(&mut net, "alice", |it| it.connect(3, remote));
    net.run_for(Duration::from_secs(300));
    let last = heard(&mut net, "alice").pop();
    assert_eq!(last, Some(format!("{:?}", StreamInput::Closed { id, reason })));
}

#[test]
fn an_abort_resets_the_other_side_and_nothing_follows() {
    let mut net = world(Puppet::default());
    let id = act(&mut net, "alice", |it| it.connect(0, "11.0.0.2:80"));
    net.run_for(ms(100));
    heard(&mut net, "alice");
    act(&mut net, "alice", |it| it.stream(StreamCommand::Abort { id }));
    net.run_for(ms(100));
    assert!(heard(&mut net, "alice").is_empty());
    let id = StreamId::accepted(0);
    let closed = StreamInput::Closed { id, reason: StreamEnd::Reset };
    assert_eq!(heard(&mut net, "server").pop(), Some(format!("{closed:?}")));
}

#[test]
fn a_connection_that_is_given_up_before_it_is_made_stays_gone() {
    let mut net = world(Puppet::default());
    act(&mut net, "alice", |it| {
        let id = it.connect(0, "11.0.0.2:80");
        it.stream(StreamCommand::Abort { id });
    });
    net.run_for(Duration::from_secs(1));
    assert_eq!(heard(&mut net, "alice"), ["0.000000s [11.0.0.3]"]);
    let closed = StreamInput::Closed { id: StreamId::accepted(0), reason: StreamEnd::Reset };
    assert_eq!(heard(&mut net, "server").pop(), Some(format!("{closed:?}")));
}

#[test]
fn a_closed_listener_refuses() {
    let mut net = world(Puppet::default());
    act(&mut net, "server", |it| it.stream(StreamCommand::Close { id: StreamId::own(0) }));
    let id = act(&mut net, "alice", |it| it.connect(0, "11.0.0.2:80"));
    net.run_for(Duration::from_secs(1));
    let closed = |id, reason| format!("{:?}", StreamInput::Closed { id, reason });
    assert_eq!(heard(&mut net, "alice").pop(), Some(closed(id, StreamEnd::Refused)));
    let last = heard(&mut net, "server").pop();
    assert_eq!(last, Some(closed(StreamId::own(0), StreamEnd::Finished)));
}

/// A life that uses the whole border.
fn life() -> Vec<Step<u64>> {
    vec![
        Step::Command(1),
        Step::Serve(true),
        Step::Serve(true),
        Step::Accept(addr("192.0.2.1:5")),
        Step::Bytes(vec![1, 2, 3]),
        Step::Unsent(9),
        Step::End(StreamEnd::TimedOut),
        Step::Interfaces(Vec::new()),
        Step::Command(2),
        Step::Serve(false),
        Step::Wait(ms(5)),
    ]
}

fn puppet_asks(puppet: &mut Puppet, _: Instant, n: &u64) {
    puppet.sockets.push_back(SocketCommand::Open { local: addr("10.0.0.1:0") });
    let listen = StreamCommand::Listen { id: StreamId::own(*n), local: addr("10.0.0.1:0") };
    puppet.stream(listen);
}

#[rstest]
#[case::lawful(false, None)]
#[case::decides_in_poll(true, Some(Law::DrainedIsDrained))]
fn the_laws_hold_for_sockets_and_streams_too(#[case] vicious: bool, #[case] law: Option<Law>) {
    let make = || Puppet { echoes: true, vicious, ..Puppet::default() };
    assert_eq!(laws::check(make, puppet_asks, &life()).err().map(|broken| broken.law), law);
}
