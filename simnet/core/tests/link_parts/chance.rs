//! Loss within its bounds.

use std::{collections::BTreeSet, time::Duration};

use rstest::rstest;
use simnet::{DropReason, Link, Loss, LossTrace, Markov};

use super::pair::{ms, pair};

/// Which of `count` packets are lost.
fn lost(loss: Loss, count: u32) -> Vec<bool> {
    let mut pair = pair(Link::perfect().loss(loss));
    pair.train(count, 40, Duration::ZERO);
    let arrived: BTreeSet<u32> = pair.arrived_numbers().into_iter().collect();
    (0..count).map(|number| !arrived.contains(&number)).collect()
}

fn share(lost: &[bool]) -> f64 {
    lost.iter().filter(|&&lost| lost).count() as f64 / lost.len() as f64
}

/// The shares of packets in each state in the long run: the balance of what enters and leaves each.
fn long_run(chain: &Markov) -> [f64; 4] {
    let three = chain.p13 / chain.p31;
    let two = three * chain.p32 / chain.p23;
    let four = chain.p14;
    let sum = 1.0 + two + three + four;
    [1.0 / sum, two / sum, three / sum, four / sum]
}

#[rstest]
#[case::bursts(Markov { p13: 0.02, p31: 0.25, p32: 0.0, p23: 1.0, p14: 0.0 })]
#[case::bursts_with_holes(Markov { p13: 0.02, p31: 0.2, p32: 0.3, p23: 0.6, p14: 0.0 })]
#[case::everything(Markov { p13: 0.02, p31: 0.2, p32: 0.3, p23: 0.6, p14: 0.03 })]
fn four_states_lose_what_their_balance_says(#[case] chain: Markov) {
    const COUNT: u32 = 200_000;
    let [_, _, burst, alone] = long_run(&chain);
    let expected = burst + alone;
    let found = share(&lost(Loss::Markov(chain), COUNT));
    // A burst, with its holes, is one draw: some 7 packets at most, so 14 times the variance of single
    // packets. Four standard deviations.
    let bound = 4.0 * (14.0 * expected * (1.0 - expected) / f64::from(COUNT)).sqrt();
    assert!((found - expected).abs() < bound, "{found}, not {expected} ± {bound}");
}

#[test]
fn lost_alone_means_alone() {
    let chain = Markov { p13: 0.0, p31: 1.0, p32: 0.0, p23: 1.0, p14: 0.2 };
    let lost = lost(Loss::Markov(chain), 20_000);
    assert!(lost.windows(2).all(|two| !(two[0] && two[1])));
    let expected = 0.2 / 1.2;
    assert!((share(&lost) - expected).abs() < 0.01, "{}", share(&lost));
}

#[test]
fn periodic_loss_counts() {
    let numbers = |loss| {
        let lost = lost(loss, 20);
        let lost = lost.iter().enumerate().filter(|(_, lost)| **lost);
        lost.map(|(number, _)| number + 1).collect::<Vec<_>>()
    };
    assert_eq!(numbers(Loss::every(6)), [6, 12, 18]);
    assert_eq!(numbers(Loss::Periodic { every: 6, first: 1 }), [1, 7, 13, 19]);
    let trace = LossTrace::parse("110 1\n0").expect("a trace");
    assert_eq!(numbers(Loss::Trace(trace)), [3, 5, 8, 10, 13, 15, 18, 20]);
}

#[test]
fn a_black_hole_swallows_for_a_while() {
    let loss = Loss::Blackhole { from: ms(10), to: ms(20) };
    let mut pair = pair(Link::delayed(ms(100)).loss(loss));
    pair.train(6, 40, ms(5));
    assert_eq!(pair.arrived_numbers(), [0, 1, 4, 5]);
    assert_eq!(pair.net.tally().dropped(DropReason::LinkBlackhole), 2);
}
