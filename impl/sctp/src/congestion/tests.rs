//! Claims about controllers on a lane: one bottleneck, ideal senders, exact figures.

mod lane;

use std::time::Duration;

use lane::{Lane, Queue};

use super::Algorithm;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn tune_goodput() {
    let Ok(_) = std::env::var("TUNE") else { return };
    for algorithm in Algorithm::ALL {
        if algorithm == Algorithm::Rfc9260 { continue; }
        for rtt in [10, 50, 100, 200] {
            for loss in [0, 1_000, 10_000, 30_000] {
                let mut lane = Lane::new(ms(rtt), Queue::DropTail).loss(loss);
                lane.flow(algorithm, Duration::ZERO);
                let done = lane.run(ms(30_000));
                println!(
                    "{algorithm:?} rtt {rtt} loss {}: {}",
                    loss as f64 / 10_000.0,
                    done.line()
                );
            }
        }
    }
}

#[test]
fn tune_fairness() {
    let Ok(_) = std::env::var("TUNE") else { return };
    use Algorithm::*;
    for queue in [Queue::DropTail, Queue::Codel] {
        for rtt in [20, 50, 100] {
            for flows in [
                &[(Cubic, 0), (Cubic, 0)][..],
                &[(ModelBased, 0), (Cubic, 0)],
                &[(ModelBased, 5_000), (Cubic, 0)],
                &[(ModelBased, 0), (ModelBased, 0)],
                &[(ModelBased, 5_000), (ModelBased, 0)],
                &[(ModelBased, 0), (Rfc9260, 0)],
                &[(ModelBased, 0), (Cubic, 0), (Cubic, 0), (Cubic, 0), (Cubic, 0)],
                &[(ModelBased, 5_000), (Cubic, 0), (Cubic, 0), (Cubic, 0), (Cubic, 0)],
            ] {
                let mut lane = Lane::new(ms(rtt), queue);
                for &(algorithm, start) in flows {
                    lane.flow(algorithm, ms(start));
                }
                let done = lane.run(ms(60_000));
                let name: Vec<_> = flows.iter().map(|(a, s)| format!("{a:?}@{s}")).collect();
                println!("{queue:?} rtt {rtt} {}: {}", name.join(" "), done.line());
            }
        }
    }
}
