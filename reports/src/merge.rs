//! One run from the shards of a run.

use thiserror::Error;

use crate::model::{About, Mutants, Run, Wall};

/// Why runs cannot be joined. Each is one line that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is nothing to join.
    #[error("no runs to merge: name at least one run.json")]
    Nothing,
    /// The runs were not asked for the same thing.
    #[error("the runs differ in {what} ({first} and {other}): merge shards of one run only")]
    Different {
        /// What differs.
        what: &'static str,
        /// What the first run says.
        first: String,
        /// What another run says.
        other: String,
    },
    /// The runs describe the same thing differently.
    #[error("the runs disagree about {what}: run the shards again from the same build")]
    Conflict {
        /// What they disagree about.
        what: String,
    },
    /// A shard is not there.
    #[error("shard {index}/{count} is absent: run it and merge again")]
    Absent {
        /// The absent shard.
        index: usize,
        /// How many there should be.
        count: usize,
    },
}

/// Joins shards into the run that one process would have made: same seed, same suite, each result
/// from one shard. Results that stand in several shards must be identical.
///
/// # Errors
/// [`MergeError`], if the runs are not shards of one run, or disagree, or one is absent.
pub fn merge(shards: Vec<Run>) -> Result<Run, MergeError> {
    all_shards(&shards)?;
    let mut shards = shards.into_iter();
    let mut merged = shards.next().ok_or(MergeError::Nothing)?;
    if let Some(shard) = merged.run.shard.take() {
        merged.run.command = merged.run.command.replace(&format!(" --shard {shard}"), "");
    }
    for shard in shards {
        join(&mut merged, shard)?;
    }
    merged.finish();
    Ok(merged)
}

/// If the runs say which shard they are, then every shard must be there.
fn all_shards(shards: &[Run]) -> Result<(), MergeError> {
    let named = |run: &Run| {
        let (index, count) = run.run.shard.as_deref()?.split_once('/')?;
        Some((index.parse::<usize>().ok()?, count.parse::<usize>().ok()?))
    };
    let present: Vec<(usize, usize)> = shards.iter().filter_map(named).collect();
    let Some(&(_, count)) = present.first() else { return Ok(()) };
    match (1..=count).find(|index| !present.contains(&(*index, count))) {
        Some(index) => Err(MergeError::Absent { index, count }),
        None => Ok(()),
    }
}

fn join(merged: &mut Run, shard: Run) -> Result<(), MergeError> {
    same_request(&merged.run, &shard.run)?;
    union(&mut merged.subjects, shard.subjects, |s| format!("subject `{}`", s.name))?;
    union(&mut merged.specs, shard.specs, |s| format!("specification `{}`", s.doc))?;
    union(&mut merged.requirements, shard.requirements, |r| format!("requirement `{}`", r.id))?;
    union(&mut merged.cases, shard.cases, |c| format!("case `{}`", c.id))?;
    union(&mut merged.results, shard.results, |r| format!("result `{}`", r.key()))?;
    join_mutants(&mut merged.run.mutants, shard.run.mutants);
    join_wall(&mut merged.wall, shard.wall);
    Ok(())
}

fn same_request(first: &About, other: &About) -> Result<(), MergeError> {
    let pairs = [
        ("seed", first.seed.to_string(), other.seed.to_string()),
        ("suite version", first.suite.clone(), other.suite.clone()),
        ("tier", first.tier.clone(), other.tier.clone()),
        ("filter", format!("{:?}", first.filter), format!("{:?}", other.filter)),
        ("registry", format!("{:?}", first.registry), format!("{:?}", other.registry)),
    ];
    match pairs.into_iter().find(|(_, first, other)| first != other) {
        Some((what, first, other)) => Err(MergeError::Different { what, first, other }),
        None => Ok(()),
    }
}

fn union<T: PartialEq>(
    into: &mut Vec<T>,
    from: Vec<T>,
    name: impl Fn(&T) -> String,
) -> Result<(), MergeError> {
    let mut known: std::collections::BTreeMap<String, usize> =
        into.iter().enumerate().map(|(at, item)| (name(item), at)).collect();
    for item in from {
        let what = name(&item);
        match known.get(&what).and_then(|&at| into.get(at)) {
            Some(same) if *same == item => {}
            Some(_) => return Err(MergeError::Conflict { what }),
            None => {
                known.insert(what, into.len());
                into.push(item);
            }
        }
    }
    Ok(())
}

/// A planted bug is noticed if any shard noticed it.
fn join_mutants(into: &mut Option<Mutants>, from: Option<Mutants>) {
    let Some(from) = from else { return };
    let into = into.get_or_insert_default();
    for mutant in from.mutants {
        match into.mutants.iter_mut().find(|known| known.name == mutant.name) {
            Some(known) if known.killer.is_none() => known.killer = mutant.killer,
            Some(_) => {}
            None => into.mutants.push(mutant),
        }
    }
}

fn join_wall(into: &mut Wall, from: Wall) {
    if into.started.is_empty() || (!from.started.is_empty() && from.started < into.started) {
        into.started = from.started;
    }
    if !from.host.is_empty() && !into.host.split("; ").any(|host| host == from.host) {
        if !into.host.is_empty() {
            into.host.push_str("; ");
        }
        into.host.push_str(&from.host);
    }
    into.total_us = into.total_us.saturating_add(from.total_us);
    into.durations_us.extend(from.durations_us);
}
