//! What shrinking leaves of a failure.

use std::time::Duration;

use lab::{
    At, Boxed, Do, Expect, Host, Link, Outcome, Scenario, Segment, Signalling,
    roles::{Discovery, Echo, Flow, Keepalive, Peer, Sink, Stun},
    shrink::{self, Progress},
};
use simnet::DropReason;

/// A world of twenty parts and more, of which a failure needs few.
fn crowded() -> Scenario {
    let mut scenario = Scenario::new("crowded");
    scenario.about = "A failure hides in here.".to_owned();
    scenario.duration = Duration::from_secs(20);
    scenario.wans.push(Segment::new("wan", "11.0.0.0/8"));
    for (lan, prefix) in [("a", "192.168.1.0/24"), ("b", "192.168.1.0/24"), ("c", "10.0.0.0/24")] {
        scenario.lans.push(Segment::new(lan, prefix));
        let name = format!("box-{lan}");
        scenario.nats.push(Boxed::new(&name, lan, "wan").preset("linux-masquerade"));
        scenario.links.push(Link::between(&name, "wan").with("delay", "12ms").up("rate", "5Mbps"));
    }
    scenario.lans.push(Segment::new("office", "10.1.0.0/24"));
    scenario.firewalls.push(Boxed::new("guard", "office", "wan").preset("corp-udp-blocked"));
    let hosts = [
        Host::new("stun", "wan", Stun::default()).address("11.0.0.3").address("11.0.1.3"),
        Host::new("sink", "wan", Sink::default()),
        Host::new("echo", "wan", Echo::default()),
        Host::new("alice", "a", Peer::with("bob")),
        Host::new("bob", "b", Peer::with("alice")),
        Host::new("carol", "c", Discovery::default()),
        Host::new("dave", "a", Flow::to("sink")),
        Host::new("erin", "b", Keepalive::to("echo")),
        Host::new("frank", "office", Flow::to("sink").rate(8_000)),
    ];
    scenario.hosts.extend(hosts);
    scenario.links.push(Link::between("dave", "a").with("loss", "1%"));
    scenario.signalling = Signalling::default().with("alice", "bob", Duration::from_millis(300));
    let at = |seconds, action| At::new(Duration::from_secs(seconds), action);
    scenario.events.push(at(3, Do::NatReboot("box-a".to_owned())));
    scenario.events.push(at(5, Do::Crash("sink".to_owned())));
    scenario.events.push(at(9, Do::Restart("sink".to_owned())));
    scenario.expects.push(Expect { still_connected: Some(true), ..Expect::default() });
    scenario
}

fn shrunk(scenario: &Scenario, fails: &dyn Fn(&Outcome) -> bool) -> shrink::Shrunk {
    shrink::shrink(scenario, 7, fails, &mut |_| {}).expect("it fails to begin with")
}

/// The firewall drops something: that takes a firewall, two networks, and somebody behind it who sends.
#[test]
fn a_failure_in_twenty_parts_shrinks_to_what_it_needs() {
    let fails = |outcome: &Outcome| outcome.tally.dropped(DropReason::Firewall) > 0;
    let crowded = crowded();
    assert!(shrink::parts(&crowded) > 20);
    let first = shrunk(&crowded, &fails);
    insta::assert_snapshot!(first.scenario.to_toml());
    assert!(fails(&first.outcome));
    // What is left fails again when it is read from its own file.
    let again = Scenario::parse(&first.scenario.to_toml()).unwrap();
    assert_eq!(again.build(()).unwrap().run().hash, first.outcome.hash);
}

/// A host that was sent to has crashed.
#[test]
fn a_failure_that_needs_an_event_keeps_it() {
    let fails = |outcome: &Outcome| outcome.tally.dropped(DropReason::HostDown) > 0;
    let left = shrunk(&crowded(), &fails).scenario;
    insta::assert_snapshot!(left.to_toml());
}

#[test]
fn shrinking_ends_the_same_every_time_and_tells_how_far_it_is() {
    let fails = |outcome: &Outcome| outcome.tally.dropped(DropReason::Firewall) > 0;
    let mut told: Vec<Progress> = Vec::new();
    let one = shrink::shrink(&crowded(), 7, &fails, &mut |progress| told.push(progress)).unwrap();
    let other = shrunk(&crowded(), &fails);
    assert_eq!(one.scenario, other.scenario);
    assert_eq!(one.outcome, other.outcome);
    assert_eq!(told.last(), Some(&one.progress));
    assert!(told.windows(2).all(|pair| pair[0].tried < pair[1].tried));
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    assert!(shrink::shrink(&crowded(), 7, &|_| false, &mut |_| {}).is_none());
}
