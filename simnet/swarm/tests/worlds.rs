//! A few worlds of every kind, as many as a test may take; `cargo xtask sim` runs thousands.

use std::{collections::BTreeSet, num::NonZeroUsize};

use swarm::{Ice, Known, Outcome, Record, World as _, differing, run, tell};

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("not 0")
}

fn swarm(seeds: impl IntoIterator<Item = u64>, count: usize) -> Vec<Record> {
    let seeds: Vec<u64> = seeds.into_iter().collect();
    run(&Ice, &seeds, threads(count), &|_, _| ())
}

/// The first seeds; those on the record of known failures break what it says, and nothing else.
#[test]
fn fifty_worlds_keep_their_promises() {
    let known = Known::parse(Ice.known()).unwrap();
    let records = swarm(1..=50, 2);
    let failed = records.iter().filter(|record| known.is_new(record));
    let told: Vec<_> = failed.map(|record| tell::failure(&Ice, record, None)).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    let kept = tell::known(&known, &records);
    assert!(!kept.out_of_date, "{}", kept.text);
    let kinds: BTreeSet<_> = records.iter().map(|record| record.kind.as_str()).collect();
    assert!(kinds.len() >= 6, "{kinds:?}");
    assert!(records.iter().any(|record| record.outcome == Outcome::Excused));
}

#[test]
fn a_world_is_the_same_on_any_number_of_threads() {
    let (one, three) = (swarm(1..7, 1), swarm(1..7, 3));
    assert_eq!(differing(&one, &three), [0_u64; 0]);
    let mut other = one.clone();
    other[2].hash.push('0');
    assert_eq!(differing(&other, &three), [3], "another hash is another run");
}

#[test]
fn what_is_left_out_of_a_world_is_gone() {
    let cuts = Ice.cuts(2, &[]);
    let first = cuts.first().expect("something can be left out").clone();
    assert!(!Ice.cuts(2, std::slice::from_ref(&first)).contains(&first));
    let (whole, part) = (Ice.describe(2, &[]), Ice.describe(2, &[first]));
    assert_ne!(whole, part);
}
