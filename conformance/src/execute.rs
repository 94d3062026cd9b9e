//! Runs one case, in one variant, against one subject, and judges what it left behind.

use reports::model::{self, CaseResult, Seed, Verdict};

use crate::{
    Cap, Ctl, Outcome, Stop, Subject, Support, Variant, case::Case, ctl::Record,
    evidence::Evidence, panics, registry::Registry,
};

/// One thing to run.
#[derive(Clone)]
pub struct Job<'a> {
    /// The case.
    pub case: &'a Case,
    /// The parameter point.
    pub variant: Variant,
    /// Against whom.
    pub subject: &'a dyn Subject,
}

impl Job<'_> {
    /// `stun.rtx.schedule[rtt=40]`.
    #[must_use]
    pub fn address(&self) -> String {
        self.case.address(&self.variant)
    }

    /// `ours/stun.rtx.schedule[rtt=40]`, unique in a run.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.subject.name(), self.address())
    }

    /// The seed of the case: a hash of the run's seed, the case and the variant, not of the subject.
    #[must_use]
    pub fn seed(&self, run_seed: u64) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&run_seed.to_be_bytes());
        hasher.update(self.address().as_bytes());
        let (first, _) = hasher.finalize().as_bytes().split_first_chunk().map_or_else(
            || unreachable!("a hash has 32 bytes"),
            |(first, rest)| (*first, rest.len()),
        );
        u64::from_be_bytes(first)
    }

    /// The command that runs it again.
    #[must_use]
    pub fn replay(&self, run_seed: u64) -> String {
        format!(
            "cargo xtask conformance replay '{}' --subject {} --seed {run_seed:#x}",
            self.address(),
            self.subject.name()
        )
    }
}

/// A result, and the files that go with it if they were asked for.
#[derive(Clone, Debug)]
pub struct Executed {
    /// What goes to `run.json`.
    pub result: CaseResult,
    /// What goes to the folder of the case.
    pub files: Option<Files>,
}

/// The recording of one execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The message ladder with stimuli, remarks and assertions, as text.
    pub ladder: String,
    /// The trace, one JSON object per line; empty if the case used no network.
    pub log: String,
    /// The capture as pcapng; empty if the case used no network.
    pub capture: Vec<u8>,
}

/// Which executions are recorded in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Keep {
    /// Those that did not pass.
    Failures,
    /// All.
    Always,
    /// None: verdicts only.
    Never,
}

/// Runs `job` and judges it.
///
/// A run that does not pass is repeated with a full recording; since everything follows from the seed,
/// the repetition must have the same trace, and a difference is the suite's own error. A subject that
/// says it throws dice of its own is excused; its ladders stay in the folder of the case.
#[must_use]
pub fn execute(job: &Job<'_>, registry: &Registry, run_seed: u64, keep: Keep) -> Executed {
    if let Some((verdict, reason)) = refused(job) {
        let result = result(job, run_seed, verdict, Some(reason), &Finished::default());
        return Executed { result, files: None };
    }
    let record = if keep == Keep::Always { Record::Everything } else { Record::Hash };
    let mut finished = run(job, registry, run_seed, record);
    let (mut verdict, mut reason) = judge(&finished);
    let own_dice = !job.subject.is_deterministic();
    let wants_files = keep == Keep::Failures && verdict != Verdict::Pass;
    if wants_files || own_dice {
        let record = if wants_files { Record::Everything } else { record };
        let mut again = run(job, registry, run_seed, record);
        if own_dice {
            (verdict, reason) = settle(&mut again, &finished);
        } else if again.trace != finished.trace {
            verdict = Verdict::Harness;
            reason = Some(format!(
                "not deterministic: trace {} at first, {} when repeated",
                finished.trace, again.trace
            ));
        }
        finished = again;
    }
    let mut result = result(job, run_seed, verdict, reason, &finished);
    if wants_files && !own_dice {
        result.ladder.clone_from(&finished.files.ladder);
    }
    let files = (keep == Keep::Always || wants_files).then_some(finished.files);
    Executed { result, files }
}

/// Judges two runs of a subject that throws dice of its own. What those dice decide must not make two
/// documents of one command differ, so the trace goes, and texts that differ are left out; the recording
/// keeps them. Verdicts that differ are one of their own.
fn settle(one: &mut Finished, other: &Finished) -> (Verdict, Option<String>) {
    let (first, second) = (judge(one), judge(other));
    one.trace.clear();
    let assertions = one.evidence.assertions.iter_mut().zip(&other.evidence.assertions);
    for (assertion, twin) in assertions {
        leave_out(&mut assertion.wanted, &twin.wanted);
        leave_out(&mut assertion.got, &twin.got);
    }
    if first.0 != second.0 {
        let reason = format!("{} with some dice of the subject, {} with others", first.0, second.0);
        return (Verdict::Flaky, Some(reason));
    }
    let (verdict, mut reason) = judge(one);
    if let (Some(reason), Some(twin)) = (&mut reason, second.1)
        && !verdict.is_evidence()
    {
        leave_out(reason, &twin);
    }
    (verdict, reason)
}

fn leave_out(text: &mut String, twin: &str) {
    if text != twin {
        "(differs from run to run)".clone_into(text);
    }
}

/// Whether the subject says beforehand that it cannot do what the case needs.
fn refused(job: &Job<'_>) -> Option<(Verdict, String)> {
    let absent = |cap: &&Cap| job.subject.supports(**cap) == Support::No;
    let lacking: Vec<&Cap> = job.case.needs.iter().filter(absent).collect();
    let first = lacking.first()?;
    let names: Vec<&str> = lacking.iter().map(|cap| cap.id()).collect();
    let verdict = if first.is_mandatory() { Verdict::Missing } else { Verdict::Unsupported };
    Some((verdict, format!("the subject declares {} absent", names.join(", "))))
}

/// One execution, before it is judged.
#[derive(Default)]
struct Finished {
    outcome: Option<Result<Outcome, String>>,
    evidence: Evidence,
    trace: String,
    virtual_ns: u64,
    files: Files,
}

fn run(job: &Job<'_>, registry: &Registry, run_seed: u64, record: Record) -> Finished {
    let mut ctl = Ctl::new(job.subject, registry, job.case, job.seed(run_seed)).recording(record);
    let outcome = panics::catch(|| (job.case.run)(&mut ctl, &job.variant));
    let virtual_ns = ctl.now().as_nanos();
    match panics::catch(|| ctl.finish()) {
        Ok((evidence, trace, files)) => {
            Finished { outcome: Some(outcome), evidence, trace, virtual_ns, files }
        }
        Err(panic) => Finished { outcome: Some(Err(panic)), ..Finished::default() },
    }
}

/// The verdict, and one line that explains it unless it is a pass.
fn judge(finished: &Finished) -> (Verdict, Option<String>) {
    let evidence = &finished.evidence;
    let broken = evidence.assertions.iter().filter(|assertion| !assertion.held);
    match &finished.outcome {
        None => (Verdict::Harness, Some("the case never ran".to_owned())),
        Some(Err(panic)) => (Verdict::Harness, Some(format!("panic at {panic}"))),
        Some(Ok(Err(Stop::Harness(why)))) => (Verdict::Harness, Some(why.clone())),
        Some(Ok(Err(Stop::Inconclusive(why)))) => (Verdict::Inconclusive, Some(why.clone())),
        Some(Ok(Err(Stop::Unsupported(why)))) => (Verdict::Unsupported, Some(why.clone())),
        Some(Ok(outcome)) => {
            if let Some(why) = vacuous(evidence) {
                return (Verdict::Harness, Some(why));
            }
            let lines: Vec<String> = broken
                .map(|a| format!("{} {}: wanted {}, got {}", a.level, a.req, a.wanted, a.got))
                .collect();
            let binding = evidence.assertions.iter().any(|a| !a.held && a.level.is_binding());
            let verdict = match (outcome.is_err() || binding, lines.is_empty()) {
                (true, _) => Verdict::Fail,
                (false, false) => Verdict::Note,
                (false, true) => Verdict::Pass,
            };
            (verdict, (!lines.is_empty()).then(|| lines.join("; ")))
        }
    }
}

/// Why the run says nothing, whatever its assertions say: the guard against tests that cannot fail.
fn vacuous(evidence: &Evidence) -> Option<String> {
    if evidence.assertions.is_empty() {
        return Some("vacuous: the case made no assertion".to_owned());
    }
    if let Some(what) = evidence.undelivered.first() {
        return Some(format!("vacuous: the stimulus \"{what}\" was never delivered"));
    }
    if evidence.stimuli.is_empty() {
        return Some("vacuous: no stimulus reached the subject".to_owned());
    }
    None
}

fn result(
    job: &Job<'_>,
    run_seed: u64,
    verdict: Verdict,
    reason: Option<String>,
    finished: &Finished,
) -> CaseResult {
    let assertions = finished.evidence.assertions.iter().map(|a| model::Assertion {
        requirement: a.req.id().to_owned(),
        level: a.level,
        held: a.held,
        wanted: a.wanted.clone(),
        got: a.got.clone(),
        at_ns: a.at.as_nanos(),
    });
    let mut sometimes = std::collections::BTreeMap::new();
    for state in &finished.evidence.sometimes {
        *sometimes.entry(state.what.to_owned()).or_insert(false) |= state.reached;
    }
    CaseResult {
        case: job.case.id.to_owned(),
        variant: job.variant.to_string(),
        subject: job.subject.name().to_owned(),
        verdict,
        reason,
        seed: Seed(job.seed(run_seed)),
        trace: finished.trace.clone(),
        virtual_ns: finished.virtual_ns,
        assertions: assertions.collect(),
        sometimes,
        ladder: String::new(),
        capture: None,
        replay: job.replay(run_seed),
        known: None,
    }
}
