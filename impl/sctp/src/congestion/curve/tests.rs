//! Claims about the curve.

use rstest::rstest;

use super::*;

#[test]
fn cube_roots_are_exact() {
    for (value, root) in [(0, 0), (1, 1), (7, 1), (8, 2), (26, 2), (27, 3), (1_000_000_000, 1_000)]
    {
        assert_eq!(cube_root(value), root);
    }
    assert_eq!(cube_root(u128::MAX), (1 << 40) - 1, "bounded");
}

#[test]
fn a_window_climbs_to_its_plateau_in_the_time_that_the_cube_root_says() {
    // 100 packets, of which 70 remain: cbrt(30 / 0.4) seconds.
    assert_eq!(to_plateau(30 * 1_000, 1_000), 4_217);
    let epoch = Epoch { began: Instant::ZERO, to_plateau: 4_217, plateau: 100_000, reno: 0 };
    let at: Vec<u64> = [0, 1_000, 2_000, 4_217, 6_000].map(|ms| epoch.at(ms, 1_000)).to_vec();
    assert_eq!(at, [70_004, 86_683, 95_642, 100_000, 102_267]);
}

#[test]
fn who_meets_congestion_below_the_last_plateau_makes_room() {
    let mut curve = Curve::default();
    assert_eq!(curve.reduce(100_000, (7, 10)), 70_000);
    assert_eq!(curve.plateau(), 100_000);
    assert_eq!(curve.reduce(80_000, (7, 10)), 56_000);
    assert_eq!(curve.plateau(), 68_000);
}

#[rstest]
fn nothing_breaks_the_sums(
    #[values(0, 1, 1 << 40)] window: u64,
    #[values(1, 280, 9_000, 65_536)] packet: u64,
) {
    let mut curve = Curve::default();
    let window = curve.reduce(window, (7, 10));
    let mut acked = crate::congestion::tests::extremes::acked(std::time::Duration::MAX, u64::MAX);
    for now in [Instant::ZERO, Instant::from_nanos(1), Instant::MAX] {
        acked.now = now;
        let next = curve.grow(&acked, window, packet);
        assert!(next >= window);
        curve.stand_still(now);
    }
}
