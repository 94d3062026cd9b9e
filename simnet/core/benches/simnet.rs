//! How fast the simulator is: deliveries per second, and simulated seconds per second.
//!
//! `deliveries` counts arrivals at the end of a link. The throughput of the others is in simulated
//! seconds: `1.5 Kelem/s` means 1,500 of them per second. `call` is the case that matters in practice:
//! two hosts behind two NATs that exchange 3 Mbit/s each way in packets of 1,200 bytes. In
//! `thousand hosts behind 500 NATs` each host talks to a server that answers: one packet in 15 s (`idle`),
//! 10 packets of 100 bytes in a second (`light`), or 50, as in a voice call (`voice`).
//!
//! The targets of the project: a million deliveries a second, 500 seconds of a call with the trace hash
//! in a second, and ten times real time for the thousand hosts with light traffic.

use std::{hint::black_box, net::SocketAddr, time::Duration};

use base::Instant;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use simnet::{
    Builder, Cx, Endpoint, Host, Link, Network, QueueLimit, RecvMeta, SocketId,
    nat::{Config, Nat},
};

/// Sends datagrams of one size at a steady pace, and swallows what arrives.
struct Source {
    local: SocketAddr,
    remote: SocketAddr,
    socket: Option<SocketId>,
    interval: Duration,
    next: Instant,
    payload: Vec<u8>,
    received: u64,
    /// Whether it sends for the first time at a random point of its interval.
    scattered: bool,
}

impl Source {
    fn new(local: &str, remote: &str, interval: Duration, size: usize) -> Self {
        Self {
            local: local.parse().expect("an address"),
            remote: remote.parse().expect("an address"),
            socket: None,
            interval,
            next: Instant::ZERO,
            payload: vec![0; size],
            received: 0,
            scattered: false,
        }
    }
}

/// Sends back what arrives.
struct Echo;

impl Endpoint for Echo {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.bind("0.0.0.0:3478".parse().expect("an address")).expect("the port is free");
    }

    fn handle_datagram(&mut self, cx: &mut Cx<'_>, socket: SocketId, meta: &RecvMeta, data: &[u8]) {
        cx.send(socket, meta.source, data);
    }
}

impl Endpoint for Source {
    fn start(&mut self, cx: &mut Cx<'_>) {
        self.socket = cx.bind(self.local).ok();
        self.next = cx.now() + self.interval;
        if self.scattered {
            let nanos = u64::try_from(self.interval.as_nanos()).expect("below 500 years");
            self.next = cx.now() + Duration::from_nanos(cx.stream().below(nanos));
        }
    }

    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, payload: &[u8]) {
        self.received += u64::from(black_box(payload).len() > 1);
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        if let Some(socket) = self.socket {
            cx.send(socket, self.remote, &self.payload);
        }
        self.next += self.interval;
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next)
    }
}

/// Of 3 Mbit/s in IP packets of 1,200 bytes: 8 × 1,200 bits each 3.2 ms.
const INTERVAL: Duration = Duration::from_micros(3_200);
const UDP_PAYLOAD: usize = 1_200 - 28;

fn access(up: u64) -> Link {
    Link::delayed(Duration::from_millis(12))
        .rate(up)
        .queue(QueueLimit::time(Duration::from_millis(300)))
}

/// Two hosts behind two NATs. Both use the same private network.
fn call() -> Builder {
    let source = |remote| Source::new("0.0.0.0:5000", remote, INTERVAL, UDP_PAYLOAD);
    Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .lan("lan-a", "192.168.1.0/24")
        .lan("lan-b", "192.168.1.0/24")
        .middlebox(
            "home-a",
            simnet::Attach::to("lan-a").and_to("wan").address("11.0.0.7"),
            Nat::new(Config::port_restricted_cone()),
        )
        .middlebox(
            "home-b",
            simnet::Attach::to("lan-b").and_to("wan").address("11.0.0.8"),
            Nat::new(Config::port_restricted_cone()),
        )
        .host("alice", Host::on("lan-a").endpoint(source("11.0.0.8:5000")))
        .host("bob", Host::on("lan-b").endpoint(source("11.0.0.7:5000")))
        .link_from("home-a", "wan", access(10_000_000))
        .link_from("wan", "home-a", access(50_000_000))
        .link_from("home-b", "wan", access(10_000_000))
        .link_from("wan", "home-b", access(50_000_000))
}

/// A chain of routers with a queued link of some delay between each two.
fn chain() -> Builder {
    let link = || Link::delayed(Duration::from_millis(1)).rate(1_000_000_000);
    let source = Source::new("0.0.0.0:5000", "10.8.0.10:9", Duration::from_micros(20), 100);
    let sink = Source::new("0.0.0.0:9", "10.0.0.10:5000", Duration::from_secs(3_600), 100);
    let mut builder = Network::builder(1);
    for number in 0..9 {
        let (here, there) = (format!("lan-{number}"), format!("lan-{}", number + 1));
        builder = builder.lan(&here, &format!("10.{number}.0.0/24"));
        if number < 8 {
            let router = format!("router-{number}");
            builder = builder
                .router(&router, simnet::Attach::to(&here).and_to(&there))
                .link(&router, &here, link())
                .link(&router, &there, link());
        }
    }
    builder
        .host("source", Host::on("lan-0").endpoint(source).gateway("10.0.0.1"))
        .host("sink", Host::on("lan-8").endpoint(sink))
}

/// Homes with a NAT and two hosts each, all with the same private network.
fn homes(count: u32, interval: Duration) -> Builder {
    let mut builder = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .host("server", Host::on("wan").address("11.0.0.3").endpoint(Echo));
    for number in 0..count {
        let (lan, nat) = (format!("lan-{number}"), format!("nat-{number}"));
        builder = builder
            .lan(&lan, "192.168.1.0/24")
            .nat(&nat, &lan, "wan", Nat::new(Config::port_restricted_cone()))
            .link_from(&nat, "wan", access(10_000_000))
            .link_from("wan", &nat, access(50_000_000));
        for which in ["a", "b"] {
            let mut source = Source::new("0.0.0.0:5000", "11.0.0.3:3478", interval, 72);
            source.scattered = true;
            builder =
                builder.host(&format!("host-{number}{which}"), Host::on(&lan).endpoint(source));
        }
    }
    builder
}

fn idle() -> Builder {
    homes(500, Duration::from_secs(15))
}

fn light() -> Builder {
    homes(500, Duration::from_millis(100))
}

fn voice() -> Builder {
    homes(500, Duration::from_millis(20))
}

/// Runs a world second by second of its time and counts arrivals, or seconds.
fn run(criterion: &mut Criterion, name: &str, build: fn() -> Builder, seconds: bool) {
    let mut net = build().build().expect("the world fits together");
    net.run_for(Duration::from_secs(1));
    let before = net.tally().carried;
    net.run_for(Duration::from_secs(1));
    let carried = net.tally().carried - before;
    assert!(carried > 100, "packets arrive: {}", net.tally());
    let mut group = criterion.benchmark_group("simnet");
    group.throughput(Throughput::Elements(if seconds { 1 } else { carried }));
    group.bench_function(name, |bencher| bencher.iter(|| net.run_for(Duration::from_secs(1))));
    group.finish();
}

fn deliveries(criterion: &mut Criterion) {
    run(criterion, "deliveries", || chain().without_trace_hash(), false);
    run(criterion, "call deliveries", || call().without_trace_hash(), false);
}

fn sim_seconds(criterion: &mut Criterion) {
    run(criterion, "call", || call().without_trace_hash(), true);
    run(criterion, "call with trace hash", call, true);
}

fn thousand_hosts_behind_500_nats(criterion: &mut Criterion) {
    run(criterion, "thousand hosts behind 500 NATs, idle", idle, true);
    run(criterion, "thousand hosts behind 500 NATs, light", light, true);
    run(criterion, "thousand hosts behind 500 NATs, voice", voice, true);
}

criterion_group!(benches, deliveries, sim_seconds, thousand_hosts_behind_500_nats);
criterion_main!(benches);
