//! How much memory a host takes.
//!
//! A counting allocator stands between this test and the system's; it sees every byte that the world
//! holds, capacity that is not used included.

use std::time::Duration;

use base::Instant;
use simnet::{
    Builder, Cx, Endpoint, Host, Link, Network, QueueLimit, RecvMeta, SocketId,
    nat::{Config, Nat},
};

/// Sends a keep-alive each 15 seconds.
struct Idler {
    socket: Option<SocketId>,
    next: Instant,
}

impl Endpoint for Idler {
    fn start(&mut self, cx: &mut Cx<'_>) {
        self.socket = cx.bind("0.0.0.0:5000".parse().expect("an address")).ok();
        self.next = cx.now() + Duration::from_nanos(cx.stream().below(15_000_000_000));
    }

    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, _: &[u8]) {}

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        if let Some(socket) = self.socket {
            cx.send(socket, "11.0.0.3:3478".parse().expect("an address"), &[0; 20]);
        }
        self.next += Duration::from_secs(15);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next)
    }
}

/// Answers.
struct Server;

impl Endpoint for Server {
    fn start(&mut self, cx: &mut Cx<'_>) {
        cx.bind("0.0.0.0:3478".parse().expect("an address")).expect("the port is free");
    }

    fn handle_datagram(&mut self, cx: &mut Cx<'_>, socket: SocketId, meta: &RecvMeta, data: &[u8]) {
        cx.send(socket, meta.source, data);
    }
}

/// 500 homes with a NAT and two hosts each.
fn homes() -> Builder {
    let access = |rate| {
        let queue = QueueLimit::time(Duration::from_millis(300));
        Link::delayed(Duration::from_millis(12)).rate(rate).queue(queue)
    };
    let mut builder = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .host("server", Host::on("wan").address("11.0.0.3").endpoint(Server));
    for number in 0..500 {
        let (lan, nat) = (format!("lan-{number}"), format!("nat-{number}"));
        builder = builder
            .lan(&lan, "192.168.1.0/24")
            .nat(&nat, &lan, "wan", Nat::new(Config::port_restricted_cone()))
            .link_from(&nat, "wan", access(10_000_000))
            .link_from("wan", &nat, access(50_000_000));
        for which in ["a", "b"] {
            let idler = Idler { socket: None, next: Instant::ZERO };
            let host = Host::on(&lan).endpoint(idler);
            builder = builder.host(&format!("host-{number}{which}"), host);
        }
    }
    builder
}

#[test]
fn an_idle_host_takes_at_most_sixteen_kibibytes_with_its_share_of_nat_and_lan() {
    let mut world: Option<Network> = None;
    let used = allocation_counter::measure(|| {
        let mut net = homes().build().expect("the world fits together");
        net.run_for(Duration::from_secs(60));
        world = Some(net);
    });
    let net = world.expect("it was built");
    assert!(net.tally().delivered > 7_000, "everybody talks: {}", net.tally());
    let per_host = used.bytes_current / 1_000;
    println!("{per_host} bytes per idle host, with half a NAT, half a LAN and 1.5 wires");
    assert!((1..=16 * 1_024).contains(&per_host), "{per_host} bytes per host");
}
