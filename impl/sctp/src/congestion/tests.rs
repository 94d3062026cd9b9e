//! Claims about controllers on a lane: one bottleneck, ideal senders, exact figures.

pub(super) mod extremes;
mod lane;
mod timeout;

use std::time::Duration;

use lane::{Lane, Queue};
use rstest::rstest;

use super::Algorithm;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How a window lives: a line a second.
#[rstest]
fn windows_over_time(
    #[values(Algorithm::Rfc9260, Algorithm::Cubic, Algorithm::ModelBased)] algorithm: Algorithm,
    #[values((0, Queue::DropTail), (10_000, Queue::DropTail), (0, Queue::Codel))] path: (
        u64,
        Queue,
    ),
) {
    let (loss, queue) = path;
    let mut lane = Lane::new(ms(20), queue).loss(loss).watch(ms(500));
    lane.flow(algorithm, Duration::ZERO);
    let done = lane.run(ms(6_000));
    let name = format!("{algorithm:?}_{queue:?}_{loss}").to_lowercase();
    insta::assert_snapshot!(name, format!("{}\n{}", done.seen.join("\n"), done.line()));
}

#[test]
fn loss_without_a_queue_leaves_the_path_full() {
    let mut lane = Lane::new(ms(20), Queue::DropTail).loss(10_000);
    lane.flow(Algorithm::ModelBased, Duration::ZERO);
    let done = lane.run(ms(6_000));
    assert!(done.shares[0] > 80.0, "{}", done.line());
}

#[rstest]
#[case::drop_tail(Queue::DropTail)]
#[case::codel(Queue::Codel)]
fn the_model_leaves_a_cubic_flow_its_share(#[case] queue: Queue) {
    let mut lane = Lane::new(ms(20), queue);
    lane.flow(Algorithm::ModelBased, Duration::ZERO);
    lane.flow(Algorithm::Cubic, Duration::ZERO);
    let done = lane.run(ms(10_000));
    assert!(done.jain > 0.85, "{}", done.line());
}
