//! Link presets at work: every one carries a call's worth of packets, no faster than it says.

use std::time::Duration;

use lab::{
    Figure, Host, Link, Outcome, Scenario, Segment, presets,
    roles::{Flow, Sink},
};

/// A minute of audio through a link with this preset, downwards.
fn call(preset: &str, rate: u64) -> Outcome {
    let mut scenario = Scenario::new(preset);
    scenario.duration = Duration::from_secs(60);
    scenario.wans.push(Segment::new("wan", "11.0.0.0/8"));
    scenario.hosts.push(Host::new("alice", "wan", Flow::to("bob").rate(rate)));
    scenario.hosts.push(Host::new("bob", "wan", Sink::default()));
    scenario.links.push(Link::between("bob", "wan").preset(preset));
    scenario.build(()).unwrap_or_else(|problem| panic!("{preset}: {problem}")).run()
}

fn count(outcome: &Outcome, name: &str) -> u64 {
    match outcome.figure(name) {
        Some(Figure::Count(count)) => *count,
        other => panic!("{name} is {other:?}"),
    }
}

fn median(outcome: &Outcome) -> Duration {
    match outcome.figure("bob.delay-p50") {
        Some(Figure::Time(time)) => *time,
        other => panic!("the median is {other:?}"),
    }
}

#[test]
fn every_preset_carries_a_call() {
    let all = presets::all("link");
    assert!(all.len() >= 30, "{}", all.len());
    for preset in all {
        let outcome = call(preset.name, 64_000);
        let received = count(&outcome, "bob.received");
        // 50 a second for 59 s; the worst loses 2 %, or a gap of 200 ms in 15 s besides.
        assert!((2_830..=2_960).contains(&received), "{}: {received}", preset.name);
        assert!(outcome.tally.is_conserved());
    }
}

#[test]
fn delays_are_those_of_the_preset() {
    for (preset, least, most) in [
        ("wifi", 4, 7),
        ("4g", 20, 30),
        ("geo", 295, 310),
        ("edge", 650, 680),
        ("starlink", 10, 16),
        ("rfc8867-reference", 52, 65),
    ] {
        let median = median(&call(preset, 64_000)).as_millis();
        assert!((least..=most).contains(&median), "{preset}: {median} ms");
    }
}

#[test]
fn a_queue_fills_where_the_preset_says_it_does() {
    // 5 Mbit/s into 1 Mbit/s: 300 ms of queue, and four of five packets lost.
    let outcome = call("rfc8867-reference", 5_000_000);
    let median = median(&outcome);
    assert!(
        (Duration::from_millis(350)..Duration::from_millis(400)).contains(&median),
        "{median:?}"
    );
    // Through FQ-CoDel a flow that does not react still loses, but waits for less.
    let better = call("home-fq-codel", 30_000_000);
    assert!(count(&better, "bob.received") > 0);
}
