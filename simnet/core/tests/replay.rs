//! Worlds whose hashes are committed: the same in debug and release builds, with one thread and many.
//!
//! Each world has a bit of everything that is hard to repeat. A deliberate change of the events or of the
//! models changes hashes here, and in the notes on the release:
//! `INSTA_UPDATE=always cargo test -p peerlab-simnet --test replay`.

use std::time::Duration;

use base::{Ecn, Instant, InterfaceAddress, Transmit};
use rstest::rstest;
use simnet::{
    Attach, Builder, Change, Clock, Cx, Endpoint, Host, Jitter, Link, Loss, Network, Queue,
    QueueLimit, RecvMeta, SocketId, SocketOption, Stream,
    firewall::{self, Firewall},
    nat::{Config, Nat},
    traffic::{TcpSink, TcpSource},
};

/// Sends datagrams of random size at random times to random others, and answers some of what it hears.
struct Chatter {
    others: Vec<std::net::SocketAddr>,
    next: Instant,
    socket: Option<SocketId>,
}

impl Chatter {
    fn new(others: &[&str]) -> Self {
        let others = others.iter().map(|text| text.parse().expect("an address")).collect();
        Self { others, next: Instant::ZERO, socket: None }
    }
}

impl Endpoint for Chatter {
    fn start(&mut self, cx: &mut Cx<'_>) {
        self.socket = cx.bind("0.0.0.0:7".parse().expect("an address")).ok();
        self.next = cx.now();
        if let Some(socket) = self.socket {
            let group = std::net::IpAddr::from([224, 0, 0, 251]);
            cx.set_option(socket, SocketOption::Join(group, None));
        }
    }

    fn handle_datagram(&mut self, cx: &mut Cx<'_>, socket: SocketId, meta: &RecvMeta, data: &[u8]) {
        if cx.stream().chance(0.3) {
            cx.send(socket, meta.source, data.split_at(data.len() / 2).0);
        }
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        let to = pick(cx.stream(), &self.others);
        let size = usize::try_from(cx.stream().below(2_000)).expect("a size");
        let mark = pick(cx.stream(), &[Ecn::NotEct, Ecn::Ect0, Ecn::Ect1]);
        if let Some(socket) = self.socket {
            let mut transmit = Transmit::new(to, size);
            transmit.ecn = mark;
            cx.transmit(socket, &transmit, &vec![1; size]);
        }
        self.next = cx.now() + Duration::from_micros(1 + cx.stream().below(8_000));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next)
    }
}

fn pick<T: Copy>(dice: &mut Stream, among: &[T]) -> T {
    let at = usize::try_from(dice.below(among.len() as u64)).expect("an index");
    *among.get(at).expect("one of them")
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

const EVERYONE: [&str; 5] =
    ["11.0.0.3:7", "11.0.0.7:7", "11.0.0.8:7", "192.168.1.11:7", "224.0.0.251:7"];

/// Two homes behind NATs of two kinds, and a server; `link` says how the homes are connected.
fn homes(seed: u64, link: impl Fn(Link) -> Link) -> Builder {
    let chatter = || Chatter::new(&EVERYONE);
    let access = || link(Link::delayed(ms(12)));
    let outside = |lan: &str, ip: &str| Attach::to(lan).and_to("wan").address(ip);
    Network::builder(seed)
        .wan("wan", "11.0.0.0/8")
        .lan("home-a", "192.168.1.0/24")
        .lan("home-b", "192.168.1.0/24")
        .middlebox("nat-a", outside("home-a", "11.0.0.7"), Nat::new(Config::linux_masquerade()))
        .middlebox("nat-b", outside("home-b", "11.0.0.8"), Nat::new(Config::symmetric_random()))
        .host("alice", Host::on("home-a").endpoint_from(chatter))
        .host("anna", Host::on("home-a").endpoint(chatter()))
        .host("bob", Host::on("home-b").endpoint(chatter()))
        .host("server", Host::on("wan").address("11.0.0.3").endpoint(chatter()))
        .link("nat-a", "wan", access())
        .link("nat-b", "wan", access())
}

fn run(builder: Builder, changes: impl FnOnce(&Network) -> Vec<(Instant, Change)>) -> String {
    let mut net = builder.build().expect("the world fits together");
    for (at, change) in changes(&net) {
        net.schedule(at, change);
    }
    net.run_for(Duration::from_secs(2));
    let tally = net.tally();
    assert!(tally.is_conserved() && tally.delivered > 100, "{tally}");
    let hash = net.trace_hash().expect("it was not switched off");
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn nats() -> String {
    run(homes(1, |link| link), |_| Vec::new())
}

fn jitter_and_loss() -> String {
    let bad = |link: Link| {
        link.rate(2_000_000)
            .queue(QueueLimit::time(ms(40)))
            .loss(Loss::bursts(0.05, 3.0))
            .jitter(Jitter::reordering(ms(5)))
            .duplicating(0.02)
            .corrupting(0.02)
            .mtu(1_400)
    };
    run(homes(2, bad), |_| Vec::new())
}

fn queues() -> String {
    let managed = [Queue::codel(), Queue::fq_codel(), Queue::pie(), Queue::dualpi2()];
    let hashes = managed.into_iter().map(|queue| {
        let full = |link: Link| link.rate(400_000).queue(queue.clone());
        run(homes(3, full), |_| Vec::new())
    });
    hashes.collect::<Vec<_>>().join(" ")
}

fn tcp() -> String {
    let address = "11.0.0.3:5001".parse().expect("an address");
    let bottleneck = Link::delayed(ms(20))
        .rate(5_000_000)
        .queue(QueueLimit::time(ms(50)))
        .loss(Loss::random(0.002));
    let builder = Network::builder(4)
        .wan("wan", "11.0.0.0/8")
        .lan("home", "192.168.1.0/24")
        .nat("nat", "home", "wan", Nat::new(Config::port_restricted_cone()))
        .host("source", Host::on("home").endpoint(TcpSource::to(address)))
        .host("sink", Host::on("wan").address("11.0.0.3").endpoint(TcpSink::at(address)))
        .link("nat", "wan", bottleneck);
    run(builder, |_| Vec::new())
}

fn changes() -> String {
    let builder = homes(5, |link| link.rate(3_000_000))
        .lan("cafe", "192.168.1.0/24")
        .middlebox(
            "guard",
            Attach::to("cafe").and_to("wan"),
            Firewall::new(firewall::Config::stateful()),
        )
        .host(
            "carol",
            Host::on("cafe").endpoint(Chatter::new(&EVERYONE)).clock(Clock::drifting(70)),
        );
    run(builder, |net| {
        let (alice, server, bob) = (net.node("alice"), net.node("server"), net.node("bob"));
        let hop = |name| net.hop(name).expect("the interface exists");
        let (eth0, inside) = (hop("bob.eth0"), hop("nat-a.inside"));
        let more = InterfaceAddress::new("192.168.1.77".parse().expect("an address"), 24);
        vec![
            (at(200), Change::Crash(alice)),
            (at(300), Change::Down(inside)),
            (at(400), Change::Up(inside)),
            (at(600), Change::Restart(alice)),
            (at(700), Change::AddAddress(eth0, more)),
            (at(750), Change::RemoveAddress(eth0, "192.168.1.10".parse().expect("an address"))),
            (at(800), Change::Partition(vec![server], vec![bob])),
            (at(1_000), Change::Heal(vec![server], vec![bob])),
            (at(1_100), Change::Drift(bob, -200)),
            (at(1_200), Change::Move(hop("anna.eth0"), net.node("cafe"), Vec::new())),
            (at(1_500), Change::Link(hop("nat-a.outside"), Box::new(Link::delayed(ms(40))))),
        ]
    })
}

type World = (&'static str, fn() -> String);

const WORLDS: [World; 5] = [
    ("nats", nats),
    ("jitter and loss", jitter_and_loss),
    ("codel, fq-codel, pie, dualpi2", queues),
    ("tcp", tcp),
    ("crashes, moves, partitions, clocks", changes),
];

#[rstest]
#[case(0)]
#[case(1)]
#[case(2)]
#[case(3)]
#[case(4)]
fn the_hash_of_a_world_is_the_committed_one(#[case] number: usize) {
    let (name, world) = WORLDS[number];
    insta::assert_snapshot!(name.replace(' ', "-").replace(',', ""), world());
}

#[test]
fn worlds_that_run_side_by_side_leave_each_other_alone() {
    let all = || WORLDS.map(|(_, world)| world());
    let alone = all();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(all)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it ends")).collect()
    });
    for hashes in together {
        assert_eq!(hashes, alone);
    }
}
