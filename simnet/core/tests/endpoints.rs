//! Endpoints, machines on hosts, and the laws that machines keep.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use base::{Datagram, Instant, Machine, SocketError, SocketErrorKind, Transmit};
use rstest::rstest;
use simnet::{
    Cx, Driven, Endpoint, Host, Link, Network, NetworkChange, RecvMeta, SocketId, Stream,
    laws::{self, Law, Step},
};

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How a [`Pinger`] breaks a law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vice {
    None,
    DecidesInPoll,
    NeverSilent,
    ActsEarly,
    StuckDeadline,
    Forgetful,
    FollowsClocksBack,
    Endless,
}

/// Pings a peer three times, 100 ms apart, and reports answers.
struct Pinger {
    vice: Vice,
    peer: SocketAddr,
    now: Instant,
    left: u32,
    next: Option<Instant>,
    out: VecDeque<(SocketAddr, Vec<u8>)>,
    events: VecDeque<Heard>,
    started: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Answer(Vec<u8>, Instant),
    Error(SocketErrorKind),
    Done,
}

impl Pinger {
    fn new(peer: &str, vice: Vice) -> Self {
        Self {
            vice,
            peer: addr(peer),
            now: Instant::ZERO,
            left: 0,
            next: None,
            out: VecDeque::new(),
            events: VecDeque::new(),
            started: 0,
        }
    }

    fn see(&mut self, now: Instant) {
        self.now = if self.vice == Vice::FollowsClocksBack { now } else { self.now.max(now) };
    }

    fn begin(&mut self, now: Instant, count: u32) {
        self.see(now);
        self.left = count;
        self.next = Some(self.now);
        self.started += 1;
    }
}

impl Machine for Pinger {
    type Event = Heard;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.see(now);
        if self.vice == Vice::Endless {
            self.out.extend((0..100_001).map(|_| (datagram.source, vec![0])));
        }
        if datagram.source == self.peer {
            self.events.push_back(Heard::Answer(datagram.payload.to_vec(), self.now));
        }
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.see(now);
        self.events.push_back(Heard::Error(error.kind));
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.see(now);
        let Some(next) = self.next else { return };
        if next > self.now && self.vice != Vice::ActsEarly {
            return;
        }
        self.out.push_back((self.peer, vec![u8::try_from(self.left % 256).expect("a byte")]));
        self.left = self.left.saturating_sub(1);
        self.next = (self.left > 0).then(|| next + ms(100));
        if self.vice == Vice::StuckDeadline {
            self.next = Some(next);
        }
        if self.left == 0 {
            self.events.push_back(Heard::Done);
        }
    }

    fn poll_transmit(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (to, payload) = self.out.pop_front()?;
        if self.vice == Vice::DecidesInPoll {
            self.events.push_back(Heard::Answer(payload.clone(), self.now));
        }
        buffer.extend_from_slice(&payload);
        Some(Transmit::new(to, payload.len()))
    }

    fn poll_event(&mut self) -> Option<Heard> {
        if self.vice == Vice::NeverSilent && self.started > 0 {
            self.started += 1;
            return self.started.is_multiple_of(2).then_some(Heard::Done);
        }
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }
}

struct Echo;

impl Endpoint for Echo {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.bind(addr("0.0.0.0:7")).expect("the port is free");
    }

    fn handle_datagram(&mut self, cx: &mut Cx<'_>, socket: SocketId, meta: &RecvMeta, data: &[u8]) {
        cx.send(socket, meta.source, data);
    }
}

fn pinging(peer: &str) -> Network {
    Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .host("echo", Host::on("wan").address("11.0.0.3").endpoint(Echo))
        .host(
            "alice",
            Host::on("wan")
                .endpoint(Driven::new(Pinger::new(peer, Vice::None)).bind(addr("0.0.0.0:0"))),
        )
        .link("alice", "wan", Link::delayed(ms(20)))
        .build()
        .expect("the world fits together")
}

fn events(net: &mut Network) -> Vec<Heard> {
    let alice = net.node("alice");
    std::iter::from_fn(|| net.machine_event::<Pinger>(alice)).map(|event| event.1).collect()
}

#[test]
fn a_machine_on_a_host_talks_and_is_woken() {
    let mut net = pinging("11.0.0.3:7");
    let alice = net.node("alice");
    net.command(alice, |pinger: &mut Pinger, now| pinger.begin(now, 3)).expect("it is a pinger");
    net.run_for(Duration::from_secs(1));
    let answer =
        |byte, millis: u64| Heard::Answer(vec![byte], Instant::from_nanos(millis * 1_000_000));
    assert_eq!(events(&mut net), [answer(3, 40), answer(2, 140), Heard::Done, answer(1, 240)]);
    assert_eq!(net.machine::<Pinger>(alice).map(|pinger| pinger.left), Some(0));
    assert_eq!(net.next_event(), None);
}

#[test]
fn a_machine_on_a_host_hears_of_errors() {
    let mut net = pinging("11.0.0.3:8");
    let alice = net.node("alice");
    net.command(alice, |pinger: &mut Pinger, now| pinger.begin(now, 1));
    net.run_for(Duration::from_secs(1));
    assert_eq!(events(&mut net), [Heard::Done, Heard::Error(SocketErrorKind::PortUnreachable)]);
}

#[test]
fn asking_for_another_machine_gets_none() {
    let mut net = pinging("11.0.0.3:7");
    let echo = net.node("echo");
    assert!(net.machine::<Pinger>(echo).is_none());
    assert!(net.endpoint::<Echo>(echo).is_some());
    assert_eq!(net.command(echo, |_: &mut Pinger, _| ()), None);
}

#[derive(Default)]
struct Watcher(Vec<(Instant, bool, usize)>);

impl Endpoint for Watcher {
    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, _: &[u8]) {}

    fn handle_network_change(&mut self, cx: &mut Cx<'_>, change: NetworkChange) {
        let addresses = cx.interfaces().iter().map(|interface| interface.addresses.len()).sum();
        self.0.push((cx.now(), matches!(change, NetworkChange::Up { .. }), addresses));
    }
}

#[test]
fn endpoints_learn_of_interfaces_that_come_and_go() {
    let mut net = Network::builder(1)
        .lan("lan", "10.0.0.0/24")
        .host("alice", Host::on("lan").endpoint(Watcher::default()))
        .build()
        .expect("the world fits together");
    let hop = net.hop("alice.eth0").expect("it exists");
    net.run_for(ms(5));
    net.set_interface(hop, false);
    net.set_interface(hop, false);
    net.run_for(ms(5));
    net.set_interface(hop, true);
    let watcher: &Watcher = net.endpoint(net.node("alice")).expect("it lives there");
    let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
    assert_eq!(watcher.0, [(at(5), false, 0), (at(10), true, 1)]);
}

const PEER: &str = "192.0.2.1:7";

/// A life in which every law can be broken.
fn life() -> Vec<Step<u32>> {
    vec![
        Step::Wait(ms(10)),
        Step::Command(3),
        Step::Wait(ms(150)),
        Step::Reflect,
        Step::Datagram { source: addr(PEER), destination: addr("10.0.0.1:1"), payload: vec![9] },
        Step::Wait(Duration::from_secs(1)),
        Step::Command(1),
        Step::SocketError(SocketError {
            local: addr("10.0.0.1:1"),
            remote: addr(PEER),
            kind: SocketErrorKind::HostUnreachable,
        }),
        Step::Wait(Duration::from_secs(1)),
    ]
}

fn judge(vice: Vice, script: &[Step<u32>]) -> Option<Law> {
    let births = std::cell::Cell::new(0);
    let make = || {
        births.set(births.get() + 1);
        let mut pinger = Pinger::new(PEER, vice);
        if vice == Vice::Forgetful {
            pinger.peer.set_port(births.get());
        }
        pinger
    };
    let begin = |pinger: &mut Pinger, now: Instant, count: &u32| pinger.begin(now, *count);
    laws::check(make, begin, script).err().map(|broken| broken.law)
}

#[rstest]
#[case::lawful(Vice::None, None)]
#[case::decides_in_poll(Vice::DecidesInPoll, Some(Law::PollsInAnyOrder))]
#[case::never_silent(Vice::NeverSilent, Some(Law::DrainedIsDrained))]
#[case::acts_early(Vice::ActsEarly, Some(Law::DeadlinesAdvance))]
#[case::stuck_deadline(Vice::StuckDeadline, Some(Law::DeadlinesAdvance))]
#[case::forgetful(Vice::Forgetful, Some(Law::SameAgain))]
#[case::follows_clocks_back(Vice::FollowsClocksBack, Some(Law::NeverBackwards))]
#[case::endless(Vice::Endless, Some(Law::Bounded))]
fn each_broken_law_is_found(#[case] vice: Vice, #[case] law: Option<Law>) {
    assert_eq!(judge(vice, &life()), law);
}

#[test]
fn a_lawful_machine_stays_lawful_through_random_lives() {
    for seed in 0..50 {
        let mut dice = Stream::new(seed, "life");
        let datagram = |dice: &mut Stream| {
            let source = if dice.chance(0.5) { PEER } else { "192.0.2.9:9" };
            (addr(source), addr("10.0.0.1:1"), vec![1, 2, 3])
        };
        let script = laws::script(&mut dice, 40, datagram, |dice| Some(dice.u32() % 5));
        assert_eq!(judge(Vice::None, &script), None, "seed {seed}");
    }
}

/// Hears of sockets that somebody else reads.
#[derive(Default)]
struct Ear(Vec<SocketId>);

impl Endpoint for Ear {
    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, _: &[u8]) {
        unreachable!("it binds no socket");
    }

    fn handle_ready(&mut self, _: &mut Cx<'_>, socket: SocketId) {
        self.0.push(socket);
    }
}

#[test]
fn an_installed_endpoint_hears_what_waits_in_sockets_of_the_caller() {
    let mut net = Network::builder(1)
        .lan("lan", "10.0.0.0/24")
        .host("a", Host::on("lan").address("10.0.0.1"))
        .host("b", Host::on("lan").address("10.0.0.2"))
        .build()
        .expect("it fits together");
    let (a, b) = (net.node("a"), net.node("b"));
    net.install(a, Ear::default());
    net.install(b, Ear::default());
    let from = net.bind(a, addr("0.0.0.0:1000")).expect("the port is free");
    let to = net.bind(b, addr("0.0.0.0:2000")).expect("the port is free");

    net.send(from, addr("10.0.0.2:2000"), b"a datagram for b");
    net.send(from, addr("10.0.0.2:2001"), b"an error for a");
    net.run_for(ms(10));
    assert_eq!(net.endpoint::<Ear>(b).map(|ear| ear.0.as_slice()), Some(&[to][..]));
    assert_eq!(net.endpoint::<Ear>(a).map(|ear| ear.0.as_slice()), Some(&[from][..]));
    let datagram = net.receive(to).expect("it waits");
    assert_eq!(Some(datagram.hop), net.hop("b.eth0"), "the interface is known");
    assert!(net.socket_error(from).is_some());
}
