//! Claims about reductions.

use super::*;

#[test]
fn a_window_shrinks_by_a_share_of_each_acknowledgement() {
    let mut reduction = Reduction::new(100_000, 70_000, 1_000);
    assert_eq!(reduction.allowance(), 1_000, "what was lost leaves at once");
    let (mut in_flight, mut sent) = (100_000_u64, 0);
    for _ in 0..50 {
        in_flight -= 2_000;
        reduction.on_ack(2_000, in_flight, 1_000, true);
        while reduction.allowance() >= 1_000 {
            reduction.on_sent(1_000);
            in_flight += 1_000;
            sent += 1_000;
        }
    }
    assert!((69_000..=71_000).contains(&sent), "seven of ten: {sent}");
    assert!((69_000..=71_000).contains(&in_flight), "{in_flight}");
    assert!(reduction.is_round_over());
}

#[test]
fn a_path_that_ran_dry_is_filled_again_a_packet_at_a_time() {
    let mut reduction = Reduction::new(100_000, 50_000, 1_000);
    reduction.on_sent(1_000);
    reduction.on_ack(3_000, 10_000, 1_000, true);
    assert_eq!(reduction.allowance(), 4_000);
    reduction.on_sent(4_000);
    reduction.on_ack(1_000, 10_000, 1_000, false);
    assert_eq!(reduction.allowance(), 1_000, "no more than arrived while losses go on");
}

#[test]
fn no_bytes_break_the_sums() {
    let mut reduction = Reduction::new(0, u64::MAX, u64::MAX);
    reduction.on_ack(u64::MAX, u64::MAX, u64::MAX, true);
    reduction.on_sent(u64::MAX);
    reduction.on_ack(u64::MAX, 0, u64::MAX, true);
    assert!(reduction.is_round_over());
}
