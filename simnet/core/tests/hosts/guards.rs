//! Hosts that guard themselves.

use base::SocketErrorKind;
use rstest::rstest;
use simnet::{
    DropReason, Host, Network,
    firewall::{Action, Config, Direction, Rule},
};

use crate::support::{addr, arrived, ms, reaches, socket};

/// Alice with a firewall, and Bob without.
fn world(config: Config) -> Network {
    Network::builder(1)
        .lan("lan", "10.0.0.0/24 fd00::/64")
        .host("alice", Host::on("lan").firewall(config))
        .host("bob", Host::on("lan"))
        .build()
        .expect("the world fits together")
}

#[test]
fn answers_come_in_and_strangers_do_not() {
    let mut net = world(Config::stateful());
    let (alice, bob) =
        (socket(&mut net, "alice", "0.0.0.0:5"), socket(&mut net, "bob", "0.0.0.0:7"));
    assert!(!reaches(&mut net, bob, "10.0.0.10:5", alice), "nobody asked");
    assert!(reaches(&mut net, alice, "10.0.0.11:7", bob));
    assert!(reaches(&mut net, bob, "10.0.0.10:5", alice), "the answer");
    let stranger = socket(&mut net, "bob", "0.0.0.0:8");
    assert!(!reaches(&mut net, stranger, "10.0.0.10:5", alice));
    assert_eq!(net.firewall(net.node("alice")).map(|rules| rules.flows()), Some(1));
    assert!(net.tally().is_conserved());
}

#[rstest]
#[case::in_silence(Action::Drop, None)]
#[case::with_port_unreachable(Action::Reject, Some(SocketErrorKind::PortUnreachable))]
#[case::with_prohibited(Action::Prohibit, Some(SocketErrorKind::Prohibited))]
fn strangers_are_refused(#[case] action: Action, #[case] hears: Option<SocketErrorKind>) {
    let mut net = world(Config { inbound: action, ..Config::stateful() });
    let alice = socket(&mut net, "alice", "0.0.0.0:5");
    let bob = socket(&mut net, "bob", "0.0.0.0:7");
    assert!(!reaches(&mut net, bob, "10.0.0.10:5", alice));
    assert_eq!(net.socket_error(bob).map(|error| error.kind), hears);
    assert_eq!(net.tally().dropped(DropReason::Firewall), 1);
}

#[test]
fn what_must_not_leave_comes_back_to_the_socket() {
    let rule = Rule { direction: Some(Direction::Outbound), ..Rule::new(Action::Drop) };
    let mut net = world(Config { rules: vec![rule], ..Config::stateful() });
    let (alice, bob) =
        (socket(&mut net, "alice", "0.0.0.0:5"), socket(&mut net, "bob", "0.0.0.0:7"));
    net.send(alice, addr("10.0.0.11:7"), b"secret");
    net.run_for(ms(1));
    assert!(arrived(&mut net, bob).is_empty());
    assert_eq!(net.socket_error(alice).map(|error| error.kind), Some(SocketErrorKind::Prohibited));
    let beside = socket(&mut net, "alice", "0.0.0.0:6");
    assert!(
        reaches(&mut net, alice, "127.0.0.1:6", beside),
        "what a host says to itself is its own"
    );
}

#[test]
fn long_packets_are_judged_whole() {
    let mut net = world(Config::stateful());
    let (alice, bob) =
        (socket(&mut net, "alice", "0.0.0.0:5"), socket(&mut net, "bob", "0.0.0.0:7"));
    net.send(alice, addr("10.0.0.11:7"), &[0; 4_000]);
    net.send(bob, addr("10.0.0.10:5"), &[0; 4_000]);
    net.run_for(ms(1));
    assert_eq!(arrived(&mut net, bob).len(), 1);
    assert_eq!(arrived(&mut net, alice).len(), 1);
}
