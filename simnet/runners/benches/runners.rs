//! How many seconds of simulated time pass in a second, under each runner.
//!
//! `1.5 Kelem/s` means 1,500 of them. Two hosts on a LAN, 20 ms apart: `idle` sleeps, `ping-pong` keeps
//! one datagram of 1,200 bytes under way, `call` sends 225 of them per second each way. The trace hash is
//! off.

use std::{io, time::Duration};

use base::Instant;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use runners::{LockStep, Paused, Runner, UdpSocket, spawn};
use simnet::{Builder, Cx, Endpoint, Host, Link, Network, RecvMeta, SocketId};
use tokio::time::{MissedTickBehavior, interval, sleep};

const HOSTS: [(&str, &str); 2] = [("a", "10.0.0.2:5000"), ("b", "10.0.0.1:5000")];
const PAYLOAD: [u8; 1_200] = [0; 1_200];
/// Of 225 datagrams per second.
const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / 225);

#[derive(Clone, Copy, Debug)]
enum Load {
    Idle,
    PingPong,
    Call,
}

const LOADS: [(&str, Load); 3] =
    [("idle", Load::Idle), ("ping-pong", Load::PingPong), ("call", Load::Call)];

fn world(of: impl Fn(&str) -> Host) -> Builder {
    Network::builder(1)
        .lan("lan", "10.0.0.0/24")
        .host("a", of("10.0.0.2:5000").address("10.0.0.1"))
        .host("b", of("10.0.0.1:5000").address("10.0.0.2"))
        .link("a", "lan", Link::delayed(Duration::from_millis(20)))
        .without_trace_hash()
}

/// The software of a host whose peer is `peer`.
async fn software(load: Load, first: bool, peer: &'static str) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:5000").await?;
    socket.connect(peer).await?;
    match load {
        Load::Idle => loop {
            sleep(Duration::from_secs(1)).await;
        },
        Load::PingPong => {
            let mut buffer = [0; 1_500];
            if first {
                sleep(Duration::from_millis(1)).await;
                socket.send(&PAYLOAD).await?;
            }
            loop {
                socket.recv(&mut buffer).await?;
                socket.send(&PAYLOAD).await?;
            }
        }
        Load::Call => {
            let socket = std::sync::Arc::new(socket);
            let sending = std::sync::Arc::clone(&socket);
            spawn(async move {
                let mut ticks = interval(INTERVAL);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
                loop {
                    ticks.tick().await;
                    if sending.send(&PAYLOAD).await.is_err() {
                        // The peer was not there yet.
                    }
                }
            });
            let mut buffer = [0; 1_500];
            loop {
                let _ = socket.recv(&mut buffer).await;
            }
        }
    }
}

fn asynchronous<R: Runner<Observer = ()>>(criterion: &mut Criterion, runner: &str) {
    for (name, load) in LOADS {
        let net = world(|_| Host::on("lan")).build().expect("the world fits together");
        let mut run = R::new(net);
        for (index, (host, peer)) in HOSTS.into_iter().enumerate() {
            run.host(host, move || software(load, index == 0, peer));
        }
        measure(criterion, runner, name, || {
            run.run_for(Duration::from_secs(1)).expect("no program fails");
        });
    }
}

/// The same as [`software`], without I/O.
struct Machine {
    load: Load,
    first: bool,
    peer: std::net::SocketAddr,
    socket: Option<SocketId>,
    next: Instant,
}

impl Endpoint for Machine {
    fn start(&mut self, cx: &mut Cx<'_>) {
        self.socket = cx.bind("0.0.0.0:5000".parse().expect("an address")).ok();
        if let (Load::PingPong, true, Some(socket)) = (self.load, self.first, self.socket) {
            cx.send(socket, self.peer, &PAYLOAD);
        }
    }

    fn handle_datagram(&mut self, cx: &mut Cx<'_>, socket: SocketId, _: &RecvMeta, bytes: &[u8]) {
        if let Load::PingPong = self.load {
            cx.send(socket, self.peer, bytes);
        }
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        match (self.load, self.socket) {
            (Load::Call, Some(socket)) => {
                cx.send(socket, self.peer, &PAYLOAD);
                self.next += INTERVAL;
            }
            _ => self.next += Duration::from_secs(1),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next)
    }
}

fn virtual_time(criterion: &mut Criterion) {
    for (name, load) in LOADS {
        let host = |peer: &str| {
            let first = peer == HOSTS[0].1;
            let peer = peer.parse().expect("an address");
            let machine = Machine { load, first, peer, socket: None, next: Instant::ZERO };
            Host::on("lan").endpoint(machine)
        };
        let mut net = world(host).build().expect("the world fits together");
        measure(criterion, "virtual", name, || net.run_for(Duration::from_secs(1)));
    }
}

fn measure(criterion: &mut Criterion, runner: &str, load: &str, mut second: impl FnMut()) {
    second();
    let mut group = criterion.benchmark_group(runner);
    group.throughput(Throughput::Elements(1));
    group.bench_function(load, |bencher| bencher.iter(&mut second));
    group.finish();
}

fn paused(criterion: &mut Criterion) {
    asynchronous::<Paused>(criterion, "paused");
}

fn lock_step(criterion: &mut Criterion) {
    asynchronous::<LockStep>(criterion, "lock-step");
}

criterion_group!(benches, virtual_time, paused, lock_step);
criterion_main!(benches);
