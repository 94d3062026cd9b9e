//! Claims about round-trip times and timeouts.

use rstest::rstest;

use super::*;

fn rtt() -> Rtt {
    Rtt::new(RttConfig {
        initial: Duration::from_secs(1),
        min: Duration::from_millis(400),
        max: Duration::from_mins(1),
    })
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

#[test]
fn the_first_measurement_makes_the_timeout_three_round_trips() {
    let mut rtt = rtt();
    assert_eq!(rtt.rto(), Duration::from_secs(1));
    rtt.on_measured(at(500), Duration::from_millis(500));
    assert_eq!(rtt.smoothed(), Some(Duration::from_millis(500)));
    assert_eq!(rtt.variance(), Duration::from_millis(250));
    assert_eq!(rtt.rto(), Duration::from_millis(1_500));
}

#[test]
fn smoothed_values_move_once_a_round_trip_and_the_minimum_always() {
    let mut rtt = rtt();
    rtt.on_measured(at(100), Duration::from_millis(100));
    rtt.on_measured(at(150), Duration::from_millis(50));
    assert_eq!(rtt.smoothed(), Some(Duration::from_millis(100)));
    assert_eq!(rtt.min(), Duration::from_millis(50));
    rtt.on_measured(at(200), Duration::from_millis(180));
    assert_eq!(rtt.smoothed(), Some(Duration::from_millis(110)));
    assert_eq!(rtt.variance(), Duration::from_micros(57_500));
    assert_eq!(rtt.latest(), Some(Duration::from_millis(180)));
}

#[test]
fn the_timeout_doubles_up_to_its_bound_and_collapses_with_a_measurement() {
    let mut rtt = rtt();
    for _ in 0..40 {
        rtt.back_off();
    }
    assert_eq!(rtt.rto(), Duration::from_mins(1));
    rtt.on_measured(at(1), Duration::from_millis(1));
    assert_eq!(rtt.rto(), Duration::from_millis(400));
    rtt.back_off();
    assert_eq!(rtt.rto(), Duration::from_millis(800));
}

#[rstest]
#[case::zero(Duration::ZERO)]
#[case::a_nanosecond(Duration::from_nanos(1))]
#[case::eighteen_minutes(Duration::from_nanos(1 << 40))]
#[case::forever(Duration::MAX)]
fn no_round_trip_breaks_the_sums(#[case] value: Duration) {
    let mut rtt = rtt();
    for step in 0..100 {
        rtt.on_measured(at(step * 700_000), value);
        let rto = rtt.rto();
        assert!((Duration::from_millis(400)..=Duration::from_mins(1)).contains(&rto), "{rto:?}");
        assert!(!rtt.variance().is_zero());
        assert!(rtt.min() <= LONGEST);
    }
}

#[test]
fn a_minimum_is_forgotten_after_minutes() {
    let mut rtt = rtt();
    rtt.on_measured(at(0), Duration::from_millis(10));
    for second in 1..=400 {
        rtt.on_measured(at(second * 1_000), Duration::from_millis(90));
    }
    assert_eq!(rtt.min(), Duration::from_millis(90));
}
