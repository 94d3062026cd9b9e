//! Delays: their moments, and what they do to the order.

use std::{collections::BTreeMap, time::Duration};

use rstest::rstest;
use simnet::{DelayTrace, Jitter, Link, Peak, Received, Spikes};

use super::pair::{ms, number_of, pair, us};

const COUNT: u32 = 40_000;

/// How long each packet took, in milliseconds, in the order of sending, and whether any overtook another.
fn delays(link: Link, count: u32, gap: Duration) -> (Vec<f64>, bool) {
    let mut pair = pair(link);
    pair.train(count, 40, gap);
    let arrived = pair.arrived();
    let swapped = !arrived.is_sorted_by_key(number_of);
    let took = |received: &Received| {
        let sent = base::Instant::ZERO + gap * number_of(received);
        (number_of(received), (received.at - sent).as_secs_f64() * 1e3)
    };
    let delays: BTreeMap<u32, f64> = arrived.iter().map(took).collect();
    assert_eq!(delays.len(), count as usize, "all arrive");
    (delays.into_values().collect(), swapped)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// How much neighbours have in common.
fn correlation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let product = |one: &f64, two: &f64| (one - mean) * (two - mean);
    let own: f64 = values.iter().map(|value| product(value, value)).sum();
    values.iter().zip(values.iter().skip(1)).map(|(one, two)| product(one, two)).sum::<f64>() / own
}

const fn uniform(correlation: f64, reordering: bool) -> Jitter {
    Jitter::Uniform { spread: ms(10), correlation, reordering }
}

const fn normal(correlation: f64, reordering: bool) -> Jitter {
    Jitter::Normal { deviation: ms(5), correlation, reordering }
}

const fn pareto(correlation: f64, max: u64) -> Jitter {
    let (scale, shape) = (ms(4), 3.0);
    Jitter::Pareto { scale, shape, max: ms(max), correlation, reordering: true }
}

/// A gap far above all delays, so that nobody waits for anybody.
#[rstest]
#[case::uniform(uniform(0.0, true), 50.0, 10.0 / 3.0_f64.sqrt(), 0.0)]
#[case::uniform_with_memory(uniform(0.6, true), 50.0, 10.0 / 3.0_f64.sqrt(), 0.58)]
#[case::normal(normal(0.0, true), 50.0, 5.0, 0.0)]
#[case::normal_with_memory(normal(0.8, true), 50.0, 5.0, 0.8)]
#[case::pareto(pareto(0.0, 0), 52.0, 3.464, 0.0)]
fn moments_are_those_of_the_distribution(
    #[case] jitter: Jitter,
    #[case] expected: f64,
    #[case] deviation: f64,
    #[case] memory: f64,
) {
    let (delays, _) = delays(Link::delayed(ms(50)).jitter(jitter), COUNT, ms(200));
    let found = mean(&delays);
    assert!((found - expected).abs() < 0.15, "mean {found}, not {expected}");
    let square: f64 = delays.iter().map(|delay| (delay - found).powi(2)).sum();
    let spread = (square / f64::from(COUNT)).sqrt();
    // The fourth moment of this Pareto distribution does not exist: its spread converges slowly.
    let tolerance = if matches!(jitter, Jitter::Pareto { .. }) { 0.2 } else { 0.03 };
    assert!((spread / deviation - 1.0).abs() < tolerance, "deviation {spread}, not {deviation}");
    let found = correlation(&delays);
    assert!((found - memory).abs() < 0.02, "correlation {found}, not {memory}");
}

#[test]
fn a_pareto_tail_may_be_cut_off() {
    let (delays, _) = delays(Link::delayed(ms(50)).jitter(pareto(0.0, 20)), 10_000, ms(200));
    assert!(delays.iter().all(|delay| (50.0..=70.0).contains(delay)));
    assert!(delays.iter().any(|delay| *delay > 69.999), "some are cut off");
}

#[rstest]
#[case::uniform(uniform(0.0, false), uniform(0.0, true))]
#[case::normal(normal(0.3, false), normal(0.3, true))]
fn order_is_kept_unless_asked_otherwise(#[case] kept: Jitter, #[case] free: Jitter) {
    let link = |jitter| Link::delayed(ms(20)).jitter(jitter);
    let (late, swapped) = delays(link(kept), 5_000, us(500));
    assert!(!swapped);
    assert!(late.iter().all(|delay| *delay >= 0.0));
    assert!(delays(link(free), 5_000, us(500)).1);
}

#[test]
fn spikes_come_on_time() {
    // RFC 8867 knows none; a satellite that changes every 100 ms does.
    let peaks = vec![
        Peak { at: ms(0), length: ms(10), extra: ms(60) },
        Peak { at: ms(90), length: ms(10), extra: ms(20) },
    ];
    let link = Link::delayed(ms(10)).spikes(Spikes::Periodic { every: ms(100), peaks });
    let (delays, swapped) = delays(link, 40, ms(5));
    assert!(!swapped, "who follows a late packet waits for it");
    let expected = [70, 70, 65, 60, 55, 50, 45, 40, 35, 30, 25, 20, 15, 10, 10, 10, 10, 10, 30, 30];
    for (number, delay) in delays.iter().enumerate() {
        assert!(
            (delay - f64::from(expected[number % 20])).abs() < 1e-9,
            "packet {number}: {delay}"
        );
    }
}

#[test]
fn random_spikes_take_their_share_of_the_time() {
    let (every, length, extra) = (ms(300), ms(100), ms(25));
    let link = Link::delayed(ms(10)).spikes(Spikes::Random { every, length, extra });
    let (delays, _) = delays(link, COUNT, ms(10));
    let late = delays.iter().filter(|delay| **delay > 34.9).count() as f64 / f64::from(COUNT);
    assert!((late - 0.25).abs() < 0.02, "{late}");
}

#[test]
fn recorded_delays_are_played_and_repeat() {
    let mut trace =
        DelayTrace::new([(0, 5), (10, 0), (20, 30)].map(|(at, extra)| (ms(at), ms(extra))));
    trace.repeat = Some(ms(70));
    let (delays, _) = delays(Link::delayed(ms(1)).delay_trace(trace), 9, ms(10));
    let expected = [6, 1, 31, 31, 31, 31, 31, 21, 11].map(f64::from);
    for (delay, expected) in delays.iter().zip(expected) {
        assert!((delay - expected).abs() < 1e-9, "{delays:?}");
    }
}

#[test]
fn some_are_late_and_overtaken() {
    let link = Link::delayed(ms(10)).reordering(0.1, ms(7));
    let (delays, swapped) = delays(link, COUNT, ms(5));
    assert!(swapped);
    let late = delays.iter().filter(|delay| **delay > 16.9).count() as f64 / f64::from(COUNT);
    assert!((late - 0.1).abs() < 0.006, "{late}");
    assert!(delays.iter().all(|delay| *delay < 10.1 || (*delay - 17.0).abs() < 1e-9));
}

#[test]
fn neighbours_change_places_and_nobody_else() {
    let mut pair = pair(Link::delayed(ms(10)).swapping(0.3, ms(8)));
    pair.train(10_000, 40, ms(5));
    let numbers = pair.arrived_numbers();
    let mut swaps = 0;
    for (place, number) in numbers.iter().enumerate() {
        let place = u32::try_from(place).expect("small");
        assert!(place.abs_diff(*number) <= 1, "{number} at {place}");
        swaps += u32::from(*number > place);
    }
    // Whoever is held passes the turn on: p / (1 + p) of all.
    assert!((f64::from(swaps) / 10_000.0 - 0.3 / 1.3).abs() < 0.02, "{swaps}");
}

#[test]
fn who_waits_for_nobody_goes_on() {
    let mut pair = pair(Link::delayed(ms(10)).swapping(1.0, ms(8)));
    pair.send(7, 40);
    assert_eq!(pair.arrival_times(), [super::pair::at(18)]);
}

#[test]
fn a_second_path_is_longer_and_keeps_its_own_order() {
    let link = Link::delayed(ms(10)).multipath(0.4, ms(12));
    let (delays, swapped) = delays(link, COUNT, ms(3));
    assert!(swapped);
    let long = delays.iter().filter(|delay| (**delay - 22.0).abs() < 1e-9).count() as f64;
    assert!((long / f64::from(COUNT) - 0.4).abs() < 0.01);
    assert!(delays.iter().all(|delay| (delay - 10.0).abs() < 1e-9 || *delay > 21.9));
}
