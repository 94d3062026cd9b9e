//! Whatever happens, every packet is accounted for, and the run repeats.

use std::time::Duration;

use base::{Instant, InterfaceAddress};
use simnet::{
    Attach, Builder, Change, Clock, Cx, Endpoint, HopId, Host, Jitter, Link, Network, NodeId,
    RecvMeta, SocketId, SocketOption, StaticRoute, Stream,
    firewall::{self, Firewall},
    nat::{Config, Nat},
};

use crate::support::{addr, ip};

/// Sends to random others, answers some, and binds again when its addresses change.
struct Chatter {
    socket: Option<SocketId>,
    next: Instant,
}

impl Endpoint for Chatter {
    fn start(&mut self, cx: &mut Cx<'_>) {
        self.socket = cx.bind(addr("0.0.0.0:7")).ok();
        self.next = cx.now();
        if let Some(socket) = self.socket {
            cx.set_option(socket, SocketOption::Join(ip("224.0.0.251"), None));
            cx.set_dont_fragment(socket, cx.host().get().is_multiple_of(2));
        }
    }

    fn handle_datagram(&mut self, cx: &mut Cx<'_>, socket: SocketId, meta: &RecvMeta, data: &[u8]) {
        if cx.stream().chance(0.3) {
            cx.send(socket, meta.source, data);
        }
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        const OTHERS: [&str; 6] = [
            "11.0.0.3:7",
            "11.0.0.7:7",
            "192.168.1.10:7",
            "192.168.1.12:7",
            "224.0.0.251:7",
            "10.9.9.9:7",
        ];
        let to = usize::try_from(cx.stream().below(6)).expect("an index");
        let size = usize::try_from(cx.stream().below(3_000)).expect("a size");
        if let Some(socket) = self.socket {
            cx.send(socket, addr(OTHERS.get(to).expect("one of them")), &vec![0; size]);
        }
        self.next = cx.now() + Duration::from_micros(1 + cx.stream().below(10_000));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next)
    }
}

fn chatter() -> Chatter {
    Chatter { socket: None, next: Instant::ZERO }
}

fn world(seed: u64) -> Builder {
    let slow = Link::delayed(Duration::from_millis(8)).rate(2_000_000);
    let shaky = slow.clone().jitter(Jitter::reordering(Duration::from_millis(3))).mtu(1_000);
    Network::builder(seed)
        .wan("wan", "11.0.0.0/8")
        .lan("home", "192.168.1.0/24")
        .isolated_lan("cafe", "192.168.1.0/24")
        .lan("office", "10.1.0.0/16")
        .middlebox(
            "nat",
            Attach::to("home").and_to("wan").address("11.0.0.7"),
            Nat::new(Config::linux_masquerade()),
        )
        .nat("cafe-nat", "cafe", "wan", Nat::new(Config::symmetric_random()))
        .middlebox(
            "guard",
            Attach::to("office").and_to("wan"),
            Firewall::new(firewall::Config::stateful()),
        )
        .host("alice", Host::on("home").and_on("office").endpoint_from(chatter))
        .host("anna", Host::on("home").clock(Clock::drifting(90)).endpoint_from(chatter))
        .host("bob", Host::on("office").firewall(firewall::Config::stateful()).endpoint(chatter()))
        .host("carol", Host::on("cafe").endpoint_from(chatter))
        .host("server", Host::on("wan").address("11.0.0.3").endpoint_from(chatter))
        .link("alice", "home", shaky)
        .link("nat", "wan", slow.clone())
        .link("anna", "home", slow)
}

/// A change drawn from `dice`, sensible or not.
fn any_change(net: &Network, dice: &mut Stream) -> Change {
    let mut pick = |count: usize| usize::try_from(dice.below(count as u64)).expect("an index");
    let nodes: Vec<NodeId> = net.topology().nodes.iter().map(|node| node.id).collect();
    let hops: Vec<HopId> = net.topology().hops.iter().map(|hop| hop.id).collect();
    let (node, other) = (pick(nodes.len()), pick(nodes.len()));
    let node = *nodes.get(node).expect("one of them");
    let other = *nodes.get(other).expect("one of them");
    let hop = *hops.get(pick(hops.len())).expect("one of them");
    let last = u8::try_from(pick(20)).expect("a small number");
    let address = InterfaceAddress::new(std::net::IpAddr::from([192, 168, 1, last]), 24);
    let prefix = "10.9.0.0/16".parse().expect("a prefix");
    match pick(13) {
        0 | 1 => Change::Up(hop),
        2 => Change::Down(hop),
        3 => Change::AddAddress(hop, address),
        4 => Change::RemoveAddress(hop, address.ip),
        5 => Change::Deprecate(hop, address.ip),
        6 => Change::Move(hop, node, if last > 10 { vec![address] } else { Vec::new() }),
        7 => Change::AddRoute(node, StaticRoute::new(prefix, hop, Some(address.ip))),
        8 => Change::RemoveRoute(node, prefix, hop),
        9 => Change::Crash(node),
        10 => Change::Restart(node),
        11 => Change::Partition(vec![node], vec![other]),
        _ => Change::Heal(vec![node], vec![other]),
    }
}

fn live(seed: u64) -> [u8; 32] {
    let mut net = world(seed).build().expect("the world fits together");
    let mut dice = Stream::new(seed, "changes");
    for _ in 0..150 {
        let change = any_change(&net, &mut dice);
        let words = format!("{change:?}");
        net.change(change);
        net.run_for(Duration::from_millis(10));
        let tally = net.tally();
        assert!(tally.is_conserved(), "seed {seed}, after {words}: {tally}");
    }
    assert!(net.tally().delivered > 100, "seed {seed}: {}", net.tally());
    net.trace_hash().expect("it was not switched off")
}

#[test]
fn packets_are_conserved_and_runs_repeat_whatever_changes() {
    for seed in 0..24 {
        let hash = live(seed);
        if seed % 4 == 0 {
            assert_eq!(live(seed), hash, "seed {seed}");
        }
    }
}
