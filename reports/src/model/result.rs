//! What one case, in one variant, found out about one subject.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{
    about::Seed,
    registry::{Level, words},
};

words! {
    /// What a case says about a subject. A closed set.
    Verdict {
        /// All asserted requirements held, and the stimulus arrived.
        Pass = "pass",
        /// Every MUST held; a SHOULD deviated or a MAY differed.
        Note = "note",
        /// A MUST is broken.
        Fail = "fail",
        /// The subject declares a capability absent that the specification makes mandatory.
        Missing = "missing",
        /// The subject declares an optional capability absent.
        Unsupported = "unsupported",
        /// The environment lacks something.
        Skipped = "skipped",
        /// A precondition was not reached, or the stimulus did not arrive.
        Inconclusive = "inconclusive",
        /// Repetitions on a real clock disagreed.
        Flaky = "flaky",
        /// The suite itself went wrong.
        Harness = "harness",
    }
}

impl Verdict {
    /// One character that tells the verdict apart without colour.
    #[must_use]
    pub const fn glyph(self) -> char {
        match self {
            Self::Pass => '✓',
            Self::Note => '≈',
            Self::Fail => '✗',
            Self::Missing => '∅',
            Self::Unsupported => '–',
            Self::Skipped => '↷',
            Self::Inconclusive => '?',
            Self::Flaky => '~',
            Self::Harness => '‼',
        }
    }

    /// How much the verdict wants attention: the higher, the worse.
    #[must_use]
    pub const fn severity(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Unsupported => 1,
            Self::Skipped => 2,
            Self::Note => 3,
            Self::Missing => 4,
            Self::Flaky => 5,
            Self::Inconclusive => 6,
            Self::Fail => 7,
            Self::Harness => 8,
        }
    }

    /// Whether the assertions of such a result count as evidence about the subject.
    #[must_use]
    pub const fn is_evidence(self) -> bool {
        matches!(self, Self::Pass | Self::Note | Self::Fail)
    }
}

/// What one case, in one variant, found out about one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseResult {
    /// The case.
    pub case: String,
    /// The variant, such as `transport=udp,rto=500ms`; empty if the case has only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// The subject.
    pub subject: String,
    /// The verdict.
    pub verdict: Verdict,
    /// One line that explains a verdict other than `pass`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The case seed: the same for every subject.
    pub seed: Seed,
    /// The hash of everything that happened on the simulated network, in hexadecimal; empty if
    /// nothing ran.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace: String,
    /// How much simulated time passed, in nanoseconds.
    pub virtual_ns: u64,
    /// The executed assertions, in order.
    pub assertions: Vec<Assertion>,
    /// States that the case hoped to see at least once, and whether this variant saw each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sometimes: BTreeMap<String, bool>,
    /// The message ladder as text; empty if there is none. The page draws what it recognises and
    /// shows the rest as remarks. It reads the simulator's columns, lists of arrivals as the runner
    /// writes them, and lines such as `0.500 client > server STUN Binding request`, where `<` turns
    /// the arrow round, an `x` in it means that the message was lost, and a leading `!` marks the
    /// line at fault.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ladder: String,
    /// The packet capture, if one was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<Capture>,
    /// The command that plays this result again.
    pub replay: String,
    /// What the baseline expects of this result, if it is on the list of known deviations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
}

impl CaseResult {
    /// The case and its variant, such as `stun.rtx.schedule[rto=500ms]`.
    #[must_use]
    pub fn name(&self) -> String {
        if self.variant.is_empty() {
            self.case.clone()
        } else {
            format!("{}[{}]", self.case, self.variant)
        }
    }

    /// The subject, case and variant, such as `ours/stun.rtx.schedule[rto=500ms]`: unique in a run.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.subject, self.name())
    }
}

/// One executed assertion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// The requirement.
    pub requirement: String,
    /// How binding the assertion is.
    pub level: Level,
    /// Whether the requirement held.
    pub held: bool,
    /// What was wanted.
    pub wanted: String,
    /// What came.
    pub got: String,
    /// When, in nanoseconds of simulated time.
    pub at_ns: u64,
}

/// A packet capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Capture {
    /// A file beside `run.json`: a relative path with forward slashes.
    Path(String),
    /// The content itself.
    Embedded {
        /// The file name under which it is offered.
        name: String,
        /// The bytes, in base64.
        base64: String,
    },
}

/// What the baseline says about a result that is known to deviate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The verdict that the baseline expects.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The issue that follows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
}
