//! A few worlds of DTLS, as many as a test may take, and what handshakes cost.

use std::num::NonZeroUsize;

use swarm::{Dtls, Record, differing, run, tell};

fn swarm(seeds: impl IntoIterator<Item = u64>, threads: usize) -> Vec<Record> {
    let seeds: Vec<u64> = seeds.into_iter().collect();
    run(&Dtls, &seeds, NonZeroUsize::new(threads).expect("not 0"), &|_, _| ())
}

#[test]
fn forty_worlds_keep_their_promises() {
    let records = swarm(1..=40, 2);
    let failed = records.iter().filter(|record| !record.broken.is_empty());
    let told: Vec<_> = failed.map(|record| tell::failure(&Dtls, record, None)).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn a_world_is_the_same_on_any_number_of_threads() {
    assert_eq!(differing(&swarm(1..5, 1), &swarm(1..5, 3)), [0_u64; 0]);
}

/// The table that `cargo xtask sim --table dtls` prints, of fewer handshakes.
#[test]
fn what_handshakes_cost() {
    insta::assert_snapshot!(Dtls::costs(20));
}
