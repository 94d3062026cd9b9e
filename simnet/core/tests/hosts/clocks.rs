//! Hosts with clocks of their own.

use std::time::Duration;

use base::Instant;
use rstest::rstest;
use simnet::{Change, Clock, Host, Network};

use crate::support::{Beacon, at, ms};

/// A beacon that fires every 100 ms of a clock, and the host that hears it.
fn world(clock: Clock) -> Network {
    Network::builder(1)
        .lan("lan", "10.0.0.0/24")
        .host("alice", Host::on("lan").clock(clock).endpoint(Beacon::to("10.0.0.11:7")))
        .host("bob", Host::on("lan"))
        .build()
        .expect("the world fits together")
}

/// When packets came out of Alice, in true time, and what her clock showed.
fn beats(net: &mut Network, span: Duration) -> (Vec<u64>, Vec<Instant>) {
    let bob = net.bind(net.node("bob"), "0.0.0.0:7".parse().expect("an address")).expect("free");
    net.run_for(span);
    let arrivals = std::iter::from_fn(|| net.receive(bob)).map(|got| got.at.as_nanos()).collect();
    let beacon: &Beacon = net.endpoint(net.node("alice")).expect("it lives there");
    (arrivals, beacon.fired.clone())
}

#[rstest]
#[case::right(Clock::default(), 0, [100_000_000, 200_000_000, 300_000_000])]
#[case::ahead(Clock::ahead(Duration::from_secs(7)), 7_000, [100_000_000, 200_000_000, 300_000_000])]
#[case::fast(Clock::drifting(1_000), 0, [99_900_100, 199_800_200, 299_700_300])]
#[case::slow(Clock::drifting(-1_000), 0, [100_100_101, 200_200_201, 300_300_301])]
fn timers_fire_by_the_clock_of_the_host(
    #[case] clock: Clock,
    #[case] ahead: u64,
    #[case] nanos: [u64; 3],
) {
    let mut net = world(clock);
    let (arrivals, shown) = beats(&mut net, ms(350));
    assert_eq!(arrivals, nanos);
    for (count, shown) in (1..).zip(shown) {
        let due = at(ahead + 100 * count);
        assert!(due <= shown && shown - due < Duration::from_nanos(3), "{shown} is not {due}");
    }
}

#[test]
fn a_clock_that_begins_to_drift_takes_its_timers_along() {
    let mut net = world(Clock::default());
    let alice = net.node("alice");
    net.schedule(at(50), Change::Drift(alice, 100_000));
    net.schedule(at(250), Change::Drift(alice, 0));
    let (arrivals, _) = beats(&mut net, ms(400));
    // 50 ms right, then each 100 ms take 90.9; at 250 the clock shows 270.
    let micros: Vec<_> = arrivals.iter().map(|nanos| nanos / 1_000).collect();
    assert_eq!(micros, [95_454, 186_363, 280_000, 380_000]);
}

#[test]
fn what_an_endpoint_is_told_is_the_time_of_its_host_alone() {
    let mut net = world(Clock::ahead(Duration::from_secs(7)));
    let (alice, bob) = (net.node("alice"), net.node("bob"));
    net.install(bob, Beacon::default());
    net.run_for(ms(10));
    let times = |net: &mut Network, node| {
        net.with_endpoint(node, |_: &mut Beacon, cx| (cx.now(), cx.true_time())).expect("one lives")
    };
    assert_eq!(times(&mut net, alice), (at(7_010), at(10)));
    assert_eq!(times(&mut net, bob), (at(10), at(10)));
    assert_eq!(net.now(), at(10));
}
