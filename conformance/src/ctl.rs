//! What a running case holds in its hands.

use std::{fmt::Display, panic::Location};

use base::{Instant, Rng};

use reports::model::Level;

use crate::{
    case::Case,
    evidence::{Assertion, Evidence, Sometimes},
    execute::Files,
    registry::{Registry, Req},
    subject::Subject,
    world::World,
};

mod datachannel;
mod dtls;
mod ice;
mod network;
mod sctp;
mod turn;

/// How a case ends: normally, or early with a reason.
pub type Outcome = Result<(), Stop>;

/// Why a case ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// An assertion failed; it is recorded where it was made.
    Failed,
    /// What the case builds on did not happen, so it can say nothing.
    Inconclusive(String),
    /// The subject cannot do what the case asks and says so.
    Unsupported(String),
    /// The suite itself is wrong.
    Harness(String),
}

/// The control of one running case: the subject, the dice, the assertions.
///
/// Everything random comes from the case's seed, which is a hash of the run's seed, the case and the
/// variant, but not of the subject: all subjects meet the same stimulus.
pub struct Ctl<'s> {
    subject: &'s dyn Subject,
    registry: &'s Registry,
    case: &'s Case,
    seed: u64,
    root: Rng,
    rng: Rng,
    record: Record,
    evidence: Evidence,
    world: Option<World>,
}

/// How much of a run is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// The hash of the trace.
    #[default]
    Hash,
    /// The hash, the trace, the ladder and the capture.
    Everything,
}

impl<'s> Ctl<'s> {
    /// The control for one run of `case`.
    #[must_use]
    pub fn new(
        subject: &'s dyn Subject,
        registry: &'s Registry,
        case: &'s Case,
        seed: u64,
    ) -> Self {
        let root = Rng::from_seed(*blake3::hash(&seed.to_be_bytes()).as_bytes());
        let rng = root.fork("case");
        let (record, evidence) = (Record::Hash, Evidence::default());
        Self { subject, registry, case, seed, root, rng, record, evidence, world: None }
    }

    /// The same control, recording as much as `record` says.
    #[must_use]
    pub const fn recording(mut self, record: Record) -> Self {
        self.record = record;
        self
    }

    /// The implementation under test.
    #[must_use]
    pub fn subject(&self) -> &'s dyn Subject {
        self.subject
    }

    /// The seed of this case and variant.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The dice of the case itself.
    pub const fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Dice for a part of the case, such as the subject: independent of how often the case has drawn.
    #[must_use]
    pub fn fork(&self, label: &str) -> Rng {
        self.root.fork(label)
    }

    /// Asserts a MUST. A false `condition` ends the case with `fail`.
    ///
    /// # Errors
    ///
    /// [`Stop`], to be passed on with `?`, if `condition` is false or the assertion itself is wrong:
    /// `req` not declared by the case, or not binding.
    #[track_caller]
    pub fn must(
        &mut self,
        req: Req,
        condition: bool,
        wanted: impl Display,
        got: impl Display,
    ) -> Outcome {
        self.assert(
            req,
            Word::Must,
            condition,
            (wanted.to_string(), got.to_string()),
            Location::caller(),
        )?;
        if condition { Ok(()) } else { Err(Stop::Failed) }
    }

    /// Asserts a SHOULD. A false `condition` makes the verdict `note`; the case goes on.
    ///
    /// # Errors
    ///
    /// [`Stop::Harness`] if `req` is not declared by the case or not a SHOULD.
    #[track_caller]
    pub fn should(
        &mut self,
        req: Req,
        condition: bool,
        wanted: impl Display,
        got: impl Display,
    ) -> Outcome {
        self.assert(
            req,
            Word::Should,
            condition,
            (wanted.to_string(), got.to_string()),
            Location::caller(),
        )
    }

    /// Reports whether the subject makes use of a MAY. Either answer is fine; a no makes the verdict
    /// `note`.
    ///
    /// # Errors
    ///
    /// [`Stop::Harness`] if `req` is not declared by the case or not a MAY.
    #[track_caller]
    pub fn may(
        &mut self,
        req: Req,
        condition: bool,
        wanted: impl Display,
        got: impl Display,
    ) -> Outcome {
        self.assert(
            req,
            Word::May,
            condition,
            (wanted.to_string(), got.to_string()),
            Location::caller(),
        )
    }

    /// Marks that what the assertions are about has reached the subject: a call into it returned, or a
    /// datagram arrived. A case that never marks a stimulus cannot pass.
    pub fn stimulus(&mut self, what: impl Display) {
        let (at, what) = (self.now(), what.to_string());
        self.remark(&format!("→ stimulus: {what}"));
        self.evidence.stimuli.push((at, what));
    }

    /// Records whether the interesting state was reached in this run. A run in which a `sometimes` was
    /// never true, over all variants, is reported.
    pub fn sometimes(&mut self, what: &'static str, condition: bool) {
        self.evidence.sometimes.push(Sometimes { what, reached: condition });
    }

    /// Ends the case as inconclusive unless `condition` holds: what it builds on did not happen.
    ///
    /// # Errors
    ///
    /// [`Stop::Inconclusive`], to be passed on with `?`, if `condition` is false.
    pub fn precondition(&self, condition: bool, what: impl Display) -> Outcome {
        if condition { Ok(()) } else { Err(Stop::Inconclusive(what.to_string())) }
    }

    /// Takes the value of an option the case builds on, or ends the case as inconclusive.
    ///
    /// # Errors
    ///
    /// [`Stop::Inconclusive`], to be passed on with `?`, if there is none.
    pub fn expect<T>(&self, value: Option<T>, what: impl Display) -> Result<T, Stop> {
        value.ok_or_else(|| Stop::Inconclusive(what.to_string()))
    }

    /// The present virtual time; zero while there is no network.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.world.as_ref().map_or(Instant::ZERO, |world| world.net.now())
    }

    /// Adds a line to the ladder at the present virtual time.
    pub fn note(&mut self, line: impl Display) {
        let (at, line) = (self.now(), line.to_string());
        self.remark(&format!("· {line}"));
        self.evidence.notes.push((at, line));
    }

    /// Ends the run: the evidence, the hash over everything that happened, and the recording.
    #[must_use]
    pub fn finish(self) -> (Evidence, String, Files) {
        let mut evidence = self.evidence;
        let mut files = Files::default();
        let mut hasher = blake3::Hasher::new();
        if let Some(world) = self.world {
            hasher.update(&world.net.trace_hash().unwrap_or_default());
            let recorder = world.net.into_observer();
            let (arrived, lost) = recorder.stimuli();
            evidence.stimuli.extend(arrived);
            evidence.undelivered = lost;
            files = recorder.into_files();
        } else if self.record == Record::Everything {
            files.ladder = evidence
                .lines()
                .into_iter()
                .map(|(at, line)| format!("{at:>12}  {line}\n"))
                .collect();
        }
        for (_, line) in evidence.lines() {
            hasher.update(line.as_bytes());
        }
        (evidence, hasher.finalize().to_hex().to_string(), files)
    }

    fn assert(
        &mut self,
        req: Req,
        word: Word,
        held: bool,
        (wanted, got): (String, String),
        place: &Location<'_>,
    ) -> Outcome {
        if !self.case.reqs.contains(&req) {
            return Err(Stop::Harness(format!(
                "{place}: asserts `{req}`, which the case does not list in `reqs`"
            )));
        }
        let Some(requirement) = self.registry.find(req.id()) else {
            return Err(Stop::Harness(format!(
                "{place}: asserts `{req}`, which no spec file holds"
            )));
        };
        let level = requirement.level;
        if !word.fits(level) {
            return Err(Stop::Harness(format!(
                "{place}: asserts `{req}` as {word:?}, but it is a {level}"
            )));
        }
        let at = self.now();
        let assertion = Assertion { req, level, held, wanted, got, at };
        self.remark(&assertion.to_string());
        self.evidence.assertions.push(assertion);
        Ok(())
    }

    /// Shows a line in the network's ladder, at the place where it belongs.
    fn remark(&mut self, line: &str) {
        if let Some(world) = &mut self.world {
            let now = world.net.now();
            world.net.observer_mut().remark(now, line);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Word {
    Must,
    Should,
    May,
}

impl Word {
    const fn fits(self, level: Level) -> bool {
        match self {
            Self::Must => level.is_binding(),
            Self::Should => matches!(level, Level::Should),
            Self::May => matches!(level, Level::May),
        }
    }
}
