//! What came of a swarm, for people.

pub(crate) mod figures;

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use self::figures::{percentile, seconds, table};
use crate::{Known, Outcome, Record, Shrunk, World};

/// Tables of outcomes by kind of world and by fault, and how long it took to connect.
#[must_use]
pub fn summary(records: &[Record]) -> String {
    let mut text = by_kind(records);
    text.push('\n');
    text.push_str(&by_fault(records));
    text.push('\n');
    text.push_str(&distribution(records));
    text.push('\n');
    text.push_str(&extremes(records));
    text
}

/// A line for each kind of world.
fn by_kind(records: &[Record]) -> String {
    let mut kinds: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        kinds.entry(&record.kind).or_default().push(record);
    }
    let all: Vec<&Record> = records.iter().collect();
    let rows = kinds.into_iter().chain([("all", all)]).map(|(kind, records)| {
        let count = |outcome| records.iter().filter(|it| it.outcome == outcome).count();
        let times = sorted(records.iter().filter_map(|it| it.connected_after));
        vec![
            kind.to_owned(),
            records.len().to_string(),
            count(Outcome::Connected).to_string(),
            count(Outcome::Excused).to_string(),
            count(Outcome::Failed).to_string(),
            seconds(percentile(&times, 50)),
            seconds(percentile(&times, 95)),
            seconds(times.last().copied()),
        ]
    });
    let head =
        ["kind of world", "worlds", "connected", "excused", "FAILED", "median", "95 %", "longest"];
    format!("Outcomes, and seconds until both could send\n\n{}", table(&head, rows))
}

/// A line for each kind of fault.
fn by_fault(records: &[Record]) -> String {
    let mut kinds: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        if record.faults.is_empty() {
            kinds.entry("(none)").or_default().push(record);
        }
        for fault in &record.faults {
            kinds.entry(fault).or_default().push(record);
        }
    }
    let rows = kinds.into_iter().map(|(kind, records)| {
        let times = sorted(records.iter().filter_map(|it| it.recovered_after));
        let failed = records.iter().filter(|it| it.outcome == Outcome::Failed).count();
        vec![
            kind.to_owned(),
            records.len().to_string(),
            failed.to_string(),
            seconds(percentile(&times, 50)),
            seconds(percentile(&times, 95)),
            seconds(times.last().copied()),
        ]
    });
    let head = ["fault in the world", "worlds", "FAILED", "median", "95 %", "longest"];
    let title = "Faults, and seconds from the healing of the network until data passed both ways";
    format!("{title}\n\n{}", table(&head, rows))
}

/// How many worlds connected within so many milliseconds.
fn distribution(records: &[Record]) -> String {
    const BOUNDS: [u64; 11] =
        [100, 200, 300, 500, 750, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000];
    const WIDTH: usize = 50;
    let times = sorted(records.iter().filter_map(|it| it.connected_after));
    let mut counts = Vec::new();
    let mut before = 0;
    for bound in BOUNDS {
        let upto = times.partition_point(|time| *time <= Duration::from_millis(bound));
        counts.push((
            format!("{:>6.1} s", Duration::from_millis(bound).as_secs_f64()),
            upto - before,
        ));
        before = upto;
    }
    counts.push(("   later".to_owned(), times.len() - before));
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let mut text = "Time to connect: worlds up to\n\n".to_owned();
    for (bound, count) in counts {
        let bar = "█".repeat((count * WIDTH).div_ceil(most));
        let _ = writeln!(text, "  {bound} {count:>6} {bar}");
    }
    text
}

/// The largest figures of all worlds, and where they were.
fn extremes(records: &[Record]) -> String {
    let mut largest: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for record in records {
        for (name, value) in &record.figures {
            let entry = largest.entry(name).or_insert((*value, record.seed));
            if *value > entry.0 {
                *entry = (*value, record.seed);
            }
        }
    }
    let rows = largest.into_iter().map(|(name, (value, seed))| {
        vec![name.to_owned(), value.to_string(), format!("{seed:#x}")]
    });
    format!("Largest figures\n\n{}", table(&["figure", "largest", "seed"], rows))
}

fn sorted(times: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times
}

/// What became of worlds on the record of known failures.
#[derive(Clone, Debug)]
pub struct Kept {
    /// How many failed as the record says, by promise, and those that did not.
    pub text: String,
    /// Whether a promise was kept that the record says is broken.
    pub out_of_date: bool,
}

/// Holds the records against the record of known failures.
#[must_use]
pub fn known(known: &Known, records: &[Record]) -> Kept {
    let listed: Vec<&Record> = records.iter().filter(|it| known.lists(it)).collect();
    let failed = listed.iter().filter(|it| !it.broken.is_empty()).count();
    let mut promises: BTreeMap<&str, usize> = BTreeMap::new();
    for broken in records.iter().flat_map(|it| &it.broken) {
        *promises.entry(broken.promise).or_default() += 1;
    }
    let each: Vec<_> = promises.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let mut text = format!("{failed} known failing seeds of {} listed\n", listed.len());
    if !each.is_empty() {
        let _ = writeln!(text, "promises broken in all: {}", each.join(", "));
    }
    let mut out_of_date = false;
    for record in listed {
        let kept = known.kept(record);
        if !kept.is_empty() {
            out_of_date = true;
            let seed = record.seed;
            let _ = writeln!(text, "record out of date: {seed:#x} keeps {}", kept.join(", "));
        }
    }
    Kept { text, out_of_date }
}

/// One failure: the world, what was wanted, what came, and how to see it again.
#[must_use]
pub fn failure(world: &dyn World, record: &Record, shrunk: Option<&Shrunk>) -> String {
    let mut text = format!("seed {:#x} FAILED\n", record.seed);
    for broken in &record.broken {
        let _ = writeln!(text, "  {broken}");
    }
    let cuts = shrunk.map_or(&[][..], |shrunk| shrunk.cuts.as_slice());
    if let Some(shrunk) = shrunk.filter(|it| !it.cuts.is_empty()) {
        let _ = writeln!(text, "  the smallest of {} worlds that fails so too:", shrunk.tried + 1);
        for broken in &shrunk.record.broken {
            let _ = writeln!(text, "  {broken}");
        }
    }
    for line in world.describe(record.seed, cuts) {
        let _ = writeln!(text, "    {line}");
    }
    let _ = writeln!(text, "  replay: {}", replay(world, record.seed, &[]));
    if !cuts.is_empty() {
        let _ = writeln!(text, "  small:  {}", replay(world, record.seed, cuts));
    }
    text
}

/// The line that shows a world again.
#[must_use]
pub fn replay(world: &dyn World, seed: u64, cuts: &[String]) -> String {
    let without =
        if cuts.is_empty() { String::new() } else { format!(" --without {}", cuts.join(",")) };
    format!("cargo xtask sim --seed {seed:#x}{without} {}", world.name())
}

/// One world that was looked at alone.
#[must_use]
pub fn one(world: &dyn World, record: &Record, cuts: &[String]) -> String {
    let mut text = format!("seed {:#x}: {}\n", record.seed, record.kind);
    for line in world.describe(record.seed, cuts) {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "\n{}: {}", record.outcome, record.detail);
    let _ = writeln!(text, "  connected after  {} s", seconds(record.connected_after));
    let _ = writeln!(text, "  recovered after  {} s", seconds(record.recovered_after));
    for (name, value) in &record.figures {
        let _ = writeln!(text, "  {name:<32} {value}");
    }
    for broken in &record.broken {
        let _ = writeln!(text, "  BROKEN {broken}");
    }
    let _ = writeln!(text, "  hash {}", record.hash);
    text
}
