//! Seeds whose worlds are known to break promises.
//!
//! The record is a text: a line for each seed, with the promises that its world breaks. It excuses nothing
//! but what it names: another promise broken by a listed seed is a failure, and so is a broken promise of
//! any other seed. A listed promise that is kept makes the record out of date.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::Record;

/// The promises that are known to be broken, by seed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<u64, BTreeSet<String>>);

impl Known {
    /// Reads a record: `0x2a connects steady`, a line for each seed; `#` begins a comment.
    ///
    /// # Errors
    ///
    /// The line that is no such thing, or names a seed again.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut known = BTreeMap::new();
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        for line in lines.filter(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            let digits = words.next().and_then(|word| word.strip_prefix("0x"));
            let seed = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
            let promises: BTreeSet<String> = words.map(str::to_owned).collect();
            match seed {
                Some(seed) if !promises.is_empty() && !known.contains_key(&seed) => {
                    known.insert(seed, promises);
                }
                _ => return Err(line.to_owned()),
            }
        }
        Ok(Self(known))
    }

    /// What the records break, to be written down: read again, it is the same.
    #[must_use]
    pub fn text(records: &[Record]) -> String {
        let mut text = String::new();
        for record in records.iter().filter(|record| !record.broken.is_empty()) {
            let promises = broken(record).into_iter().collect::<Vec<_>>().join(" ");
            let _ = writeln!(text, "{:#x} {promises}", record.seed);
        }
        text
    }

    /// Whether the world is listed.
    #[must_use]
    pub fn lists(&self, record: &Record) -> bool {
        self.0.contains_key(&record.seed)
    }

    /// Whether the world breaks a promise that is not listed for it.
    #[must_use]
    pub fn is_new(&self, record: &Record) -> bool {
        let listed = self.0.get(&record.seed);
        broken(record).iter().any(|it| listed.is_none_or(|listed| !listed.contains(*it)))
    }

    /// The promises that are listed for the world, and are kept.
    #[must_use]
    pub fn kept(&self, record: &Record) -> Vec<&str> {
        let broken = broken(record);
        let listed = self.0.get(&record.seed).into_iter().flatten().map(String::as_str);
        listed.filter(|it| !broken.contains(it)).collect()
    }
}

fn broken(record: &Record) -> BTreeSet<&'static str> {
    record.broken.iter().map(|broken| broken.promise).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Broken, Outcome, worlds};

    fn record(seed: u64, promises: &[&'static str]) -> Record {
        let broken = promises.iter().map(|&promise| Broken {
            promise,
            wanted: String::new(),
            got: String::new(),
        });
        Record {
            seed,
            kind: String::new(),
            outcome: Outcome::Failed,
            detail: String::new(),
            connected_after: None,
            recovered_after: None,
            faults: Vec::new(),
            broken: broken.collect(),
            figures: BTreeMap::new(),
            hash: String::new(),
        }
    }

    #[test]
    fn only_what_is_listed_is_excused() {
        let known = Known::parse("# why\n0x2a connects steady # more\n").unwrap();
        assert!(!known.is_new(&record(0x2a, &["connects"])));
        assert!(known.is_new(&record(0x2a, &["connects", "memory"])), "another promise");
        assert!(known.is_new(&record(0x2b, &["connects"])), "another seed");
        assert_eq!(known.kept(&record(0x2a, &["connects"])), ["steady"]);
        assert_eq!(known.kept(&record(0x2a, &[])), ["connects", "steady"]);
        assert_eq!(known.kept(&record(0x2b, &[])), [""; 0]);
    }

    #[test]
    fn what_is_written_is_read_and_other_lines_are_refused() {
        let records = [record(7, &["steady", "connects"]), record(8, &[])];
        let text = Known::text(&records);
        assert_eq!(text, "0x7 connects steady\n");
        assert!(
            Known::parse(&text).is_ok_and(|it| it.lists(&records[0]) && !it.lists(&records[1]))
        );
        for wrong in ["7 connects", "0x7", "0xg connects", "0x7 a\n0x7 b"] {
            assert!(Known::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_record_can_be_read() {
        for world in worlds() {
            assert_eq!(Known::parse(world.known()).err(), None, "{}", world.name());
        }
    }
}
