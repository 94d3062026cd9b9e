//! Puts outcomes together into the document of the run.

use std::collections::BTreeMap;

use reports::model::{self, About, Capability, Capture, Clock, Known, Run, SCHEMA, Seed, Wall};

use crate::{
    Cap, Subject, Support, baseline::Baseline, case::Case, execute::Job, registry::Registry,
    runner::Done,
};

/// What a run was asked for, as the document says it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The command that makes this run again.
    pub command: String,
    /// The seed of the run.
    pub seed: u64,
    /// The tier, or `all`.
    pub tier: String,
    /// The filters in one line, if there were any.
    pub filter: Option<String>,
    /// Which shard this is.
    pub shard: Option<String>,
}

/// Puts the document together. `baselines` are in the order of `subjects`.
#[must_use]
pub fn assemble(
    asked: Asked,
    registry: &Registry,
    subjects: &[(&dyn Subject, Baseline)],
    jobs: &[Job<'_>],
    outcomes: &[Option<Done>],
) -> Run {
    let mut run = Run {
        schema: SCHEMA,
        run: About {
            command: asked.command,
            seed: Seed(asked.seed),
            tier: asked.tier,
            filter: asked.filter,
            shard: asked.shard,
            suite: env!("CARGO_PKG_VERSION").to_owned(),
            registry: registry.versions().clone(),
            mutants: None,
        },
        subjects: subjects.iter().map(|(subject, _)| describe(*subject)).collect(),
        specs: registry.specs().to_vec(),
        requirements: registry.requirements().to_vec(),
        cases: cases(jobs, registry),
        results: Vec::new(),
        rollup: BTreeMap::new(),
        wall: Wall { host: host(), ..Wall::default() },
    };
    for (job, done) in jobs.iter().zip(outcomes) {
        let Some(done) = done else { continue };
        let mut result = done.executed.result.clone();
        let baseline = subjects.iter().find(|(subject, _)| subject.name() == job.subject.name());
        let entry = baseline.and_then(|(_, baseline)| baseline.find(job.case.id, &job.address()));
        result.known = entry.map(|entry| Known {
            verdict: entry.verdict,
            reason: entry.reason.clone(),
            issue: entry.issue.clone(),
        });
        let has_capture =
            done.executed.files.as_ref().is_some_and(|files| !files.capture.is_empty());
        if has_capture {
            result.capture = Some(Capture::Path(format!("{}/trace.pcapng", folder(job))));
        }
        run.wall.durations_us.insert(result.key(), done.duration_us);
        run.results.push(result);
    }
    run.roll_up();
    run
}

/// The folder of a job's files, beside `run.json`: the address with only harmless characters, and a
/// piece of its hash where that lost something.
#[must_use]
pub fn folder(job: &Job<'_>) -> String {
    let address = job.address();
    let mut name: String = address
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-=".contains(c) { c } else { '_' })
        .take(120)
        .collect();
    if name != address {
        name.push('-');
        name.extend(blake3::hash(address.as_bytes()).to_hex().chars().take(8));
    }
    format!("cases/{}/{name}", job.subject.name())
}

/// How a subject describes itself.
#[must_use]
pub fn describe(subject: &dyn Subject) -> model::Subject {
    let capability = |cap: &Cap| match subject.supports(*cap) {
        Support::Yes => (cap.id().to_owned(), Capability::Yes),
        Support::No => (cap.id().to_owned(), Capability::No),
        Support::Unknown => (cap.id().to_owned(), Capability::Unknown),
    };
    model::Subject {
        name: subject.name().to_owned(),
        version: subject.version(),
        about: subject.about().to_owned(),
        capabilities: Cap::ALL.iter().map(capability).collect(),
        clock: Clock::Virtual,
    }
}

fn cases(jobs: &[Job<'_>], registry: &Registry) -> Vec<model::Case> {
    let mut cases: Vec<model::Case> = Vec::new();
    for job in jobs {
        // Jobs come grouped by case.
        if cases.last().is_none_or(|last| last.id != job.case.id) {
            cases.push(case(job.case, registry));
        }
    }
    cases
}

fn case(case: &Case, registry: &Registry) -> model::Case {
    let layer = case
        .reqs
        .first()
        .and_then(|req| registry.find(req.id()))
        .and_then(|requirement| registry.specs().iter().find(|spec| spec.doc == requirement.spec))
        .map_or_else(|| case.layer().to_uppercase(), |spec| spec.layer.clone());
    model::Case {
        id: case.id.to_owned(),
        title: case.title.to_owned(),
        layer,
        tier: case.tier.word().to_owned(),
        requirements: case.reqs.iter().map(|req| req.id().to_owned()).collect(),
        no_reference: case.no_reference.map(str::to_owned),
    }
}

fn host() -> String {
    format!(
        "{} {}, {} cores",
        std::env::consts::OS,
        std::env::consts::ARCH,
        crate::runner::default_threads()
    )
}
