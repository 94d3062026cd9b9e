//! Paths that are narrower in the middle than at their beginning.

use base::SocketErrorKind;
use rstest::rstest;
use simnet::{Attach, DropReason, Host, Link, Network};

use super::pair::{Pair, addr, ms, open};

/// Alice, a router, and a path of 1,400 bytes behind it, or before it.
fn narrow(icmp: bool, behind: bool) -> Pair {
    let path = Link::delayed(ms(5)).path_mtu(1_400, icmp);
    let world = Network::builder(1)
        .lan("a", "10.0.1.0/24 fd00:1::/64")
        .lan("b", "10.0.0.0/24 fd00:2::/64")
        .host("alice", Host::on("a"))
        .router("r", Attach::to("a").and_to("b"))
        .host("bob", Host::on("b").address("10.0.0.2").address("fd00:2::2"));
    let world =
        if behind { world.link_from("r", "b", path) } else { world.link_from("alice", "a", path) };
    open(world.build().expect("the world fits together"))
}

#[rstest]
#[case::behind_the_router(true)]
#[case::before_it(false)]
fn a_black_hole_says_nothing(#[case] behind: bool) {
    let mut pair = narrow(false, behind);
    pair.net.set_dont_fragment(pair.alice, true);
    pair.net.send(pair.alice, addr("10.0.0.2:2"), &[0; 1_373]);
    pair.net.send(pair.alice, addr("10.0.0.2:2"), &[0; 1_372]);
    let sizes: Vec<_> = pair.arrived().iter().map(|received| received.payload.len()).collect();
    assert_eq!(sizes, [1_372]);
    assert!(pair.net.socket_error(pair.alice).is_none());
    assert_eq!(pair.net.tally().dropped(DropReason::PathTooBig), 1);
    assert!(pair.net.tally().is_conserved());
}

#[rstest]
#[case::behind_the_router(true)]
#[case::before_it(false)]
fn an_honest_path_says_too_big(#[case] behind: bool) {
    let mut pair = narrow(true, behind);
    pair.net.set_dont_fragment(pair.alice, true);
    pair.net.send(pair.alice, addr("10.0.0.2:2"), &[0; 1_373]);
    assert_eq!(pair.arrived().len(), 0);
    let error = pair.net.socket_error(pair.alice).expect("the sender is told");
    assert_eq!(error.kind, SocketErrorKind::TooBig { mtu: 1_400 });
    assert!(pair.net.tally().is_conserved());
}

#[test]
fn ipv6_is_never_fragmented_on_the_way() {
    let mut pair = narrow(true, true);
    let (alice, bob) = (pair.net.node("alice"), pair.net.node("bob"));
    let alice = pair.net.bind(alice, addr("[::]:1")).expect("the port is free");
    let bob = pair.net.bind(bob, addr("[::]:2")).expect("the port is free");
    pair.net.send(alice, addr("[fd00:2::2]:2"), &[0; 1_353]);
    pair.net.run_for(ms(100));
    assert!(pair.net.receive(bob).is_none());
    let error = pair.net.socket_error(alice).expect("the sender is told");
    assert_eq!(error.kind, SocketErrorKind::TooBig { mtu: 1_400 });
}

#[test]
fn ipv4_that_may_be_fragmented_is() {
    let mut pair = narrow(false, true);
    pair.net.send(pair.alice, addr("10.0.0.2:2"), &[7; 1_473]);
    let arrived = pair.arrived();
    assert_eq!(arrived[0].payload, [7; 1_473][..]);
    assert!(pair.net.tally().split > 0 && pair.net.tally().is_conserved());
}
