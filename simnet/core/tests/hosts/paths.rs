//! What hosts remember of path MTUs.

use std::time::Duration;

use base::SocketErrorKind;
use simnet::{Attach, Builder, DropReason, Host, Icmp, IcmpError, Link, Network, Packet, Quote};

use crate::support::{addr, arrived, ip, ms, socket};

/// Alice, and Bob behind a link of `mtu` bytes.
fn narrow(mtu: u32) -> Builder {
    Network::builder(1)
        .lan("a", "10.0.0.0/24 fd00:a::/64")
        .lan("b", "10.1.0.0/24 fd00:b::/64")
        .router("r", Attach::to("a").and_to("b"))
        .host("alice", Host::on("a"))
        .host("bob", Host::on("b"))
        .link("r", "b", Link::perfect().mtu(mtu))
}

#[test]
fn a_report_lowers_the_estimate_and_ten_minutes_later_it_is_forgotten() {
    let mut net = narrow(1_400).build().expect("the world fits together");
    let (node, bob) = (net.node("alice"), ip("10.1.0.10"));
    let alice = socket(&mut net, "alice", "0.0.0.0:1");
    net.set_dont_fragment(alice, true);
    assert_eq!(net.path_mtu(node, bob), 1_500);
    net.send(alice, addr("10.1.0.10:2"), &[0; 1_472]);
    net.run_for(ms(1));
    assert_eq!(net.path_mtu(node, bob), 1_400);
    assert_eq!(net.path_mtu(node, ip("10.0.0.1")), 1_500, "of others it has learned nothing");
    net.send(alice, addr("10.1.0.10:2"), &[0; 1_373]);
    let kinds: Vec<_> = std::iter::from_fn(|| net.socket_error(alice)).map(|it| it.kind).collect();
    assert_eq!(kinds, [SocketErrorKind::TooBig { mtu: 1_400 }; 2], "the second without a packet");
    assert_eq!(net.tally().dropped(DropReason::TooBig), 2);
    net.run_for(Duration::from_secs(600));
    assert_eq!(net.path_mtu(node, bob), 1_500);
}

#[test]
fn an_estimate_shortens_fragments_of_those_that_may_be_split() {
    let mut net = narrow(1_400).build().expect("the world fits together");
    let whole = socket(&mut net, "alice", "0.0.0.0:1");
    let split = socket(&mut net, "alice", "0.0.0.0:2");
    let bob = socket(&mut net, "bob", "0.0.0.0:2");
    net.set_dont_fragment(whole, true);
    net.send(whole, addr("10.1.0.10:2"), &[0; 1_472]);
    net.run_for(ms(1));
    net.send(split, addr("10.1.0.10:2"), &[0; 1_472]);
    net.run_for(ms(1));
    assert_eq!(arrived(&mut net, bob).len(), 1);
    assert_eq!(net.tally().split, 1, "Alice split it, and the router had nothing to do");
}

/// A report that a packet from Alice's port 1 to Bob was too big.
fn report(mtu: u32, port: u16, ipv6: bool) -> Packet {
    let (reporter, alice, bob) = if ipv6 {
        ("fd00:a::1", "fd00:a::10", "fd00:b::10")
    } else {
        ("10.0.0.1", "10.0.0.10", "10.1.0.10")
    };
    let about = Packet::udp((ip(alice), port).into(), (ip(bob), 2).into(), vec![0; 1_472]);
    let quote = Box::new(Quote::of(&about));
    Packet::icmp(ip(reporter), ip(alice), Icmp::Error { kind: IcmpError::TooBig { mtu }, quote })
}

#[test]
fn forged_reports_are_ignored() {
    let mut net = narrow(1_500).build().expect("the world fits together");
    let (alice, router) = (net.node("alice"), net.node("r"));
    let four = socket(&mut net, "alice", "0.0.0.0:1");
    let six = socket(&mut net, "alice", "[::]:1");
    for forged in [
        report(575, 1, false),
        report(1_279, 1, true),
        report(9_000, 1, false),
        report(1_300, 99, false),
    ] {
        net.inject(router, forged);
        net.run_for(ms(1));
    }
    assert_eq!(net.path_mtu(alice, ip("10.1.0.10")), 1_500);
    assert_eq!(net.path_mtu(alice, ip("fd00:b::10")), 1_500);
    assert!(net.socket_error(four).is_none() && net.socket_error(six).is_none());
    net.inject(router, report(1_280, 1, true));
    net.run_for(ms(1));
    assert_eq!(net.path_mtu(alice, ip("fd00:b::10")), 1_280, "a believable one counts");
    net.inject(router, report(0, 1, false));
    net.run_for(ms(1));
    assert_eq!(net.path_mtu(alice, ip("10.1.0.10")), 1_492, "the next size that occurs");
}
