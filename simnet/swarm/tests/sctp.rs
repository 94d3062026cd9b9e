//! A few worlds of SCTP, as many as a test may take.

use std::{collections::BTreeSet, num::NonZeroUsize};

use swarm::{Record, Sctp, differing, run, tell};

fn swarm(seeds: impl IntoIterator<Item = u64>, threads: usize) -> Vec<Record> {
    let seeds: Vec<u64> = seeds.into_iter().collect();
    run(&Sctp, &seeds, NonZeroUsize::new(threads).expect("not 0"), &|_, _| ())
}

#[test]
fn forty_worlds_keep_their_promises() {
    let records = swarm(1..=40, 2);
    let failed = records.iter().filter(|record| !record.broken.is_empty());
    let told: Vec<_> = failed.map(|record| tell::failure(&Sctp, record, None)).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    let kinds: BTreeSet<_> = records.iter().map(|record| record.kind.as_str()).collect();
    assert!(kinds.len() >= 6, "{kinds:?}");
}

#[test]
fn a_world_is_the_same_on_any_number_of_threads() {
    assert_eq!(differing(&swarm(1..9, 1), &swarm(1..9, 3)), [0_u64; 0]);
}
