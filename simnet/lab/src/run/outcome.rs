//! What came of a run.

use std::{collections::BTreeMap, fmt};

use base::Instant;
use serde::Serialize;
use simnet::{Network, Observer, Tally};

use super::{Figure, Report, judge};
use crate::scenario::Scenario;

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Name of the scenario.
    pub name: String,
    /// The seed it ran with.
    pub seed: u64,
    /// When it ended.
    pub ended: Instant,
    /// What became of each expectation, in the order of the scenario.
    pub verdicts: Vec<Verdict>,
    /// What the participants tell, by host.
    pub reports: BTreeMap<String, Report>,
    /// Where all the packets went.
    pub tally: Tally,
    /// The hash over everything that happened: two runs with the same hash were the same.
    pub hash: [u8; 32],
}

/// What became of one expectation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What it is called: the key under `[expect]`.
    pub name: String,
    /// Whether it held.
    pub held: bool,
    /// What was wanted.
    pub wanted: String,
    /// What came.
    pub got: String,
}

impl Outcome {
    pub(super) fn of<O: Observer>(
        scenario: &Scenario,
        net: &Network<O>,
        reports: BTreeMap<String, Report>,
    ) -> Self {
        let tally = net.tally();
        Self {
            name: scenario.name.clone(),
            seed: scenario.seed,
            ended: net.now(),
            verdicts: judge::judge(scenario, &reports, &tally),
            reports,
            tally,
            hash: net.trace_hash().unwrap_or_default(),
        }
    }

    /// Whether every expectation held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.held)
    }

    /// The hash as text.
    #[must_use]
    pub fn hash_hex(&self) -> String {
        self.hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// All figures, with names such as `alice.connected-after`.
    pub fn figures(&self) -> impl Iterator<Item = (String, &Figure)> {
        self.reports.iter().flat_map(|(host, report)| {
            report.figures.iter().map(move |(name, figure)| (format!("{host}.{name}"), figure))
        })
    }

    /// The figure with a name such as `alice.connected-after`.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        let (host, name) = name.split_once('.')?;
        self.reports.get(host)?.figures.get(name)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.held { "held" } else { "FAILED" };
        write!(f, "{mark:<6} {}: wanted {}, got {}", self.name, self.wanted, self.got)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (seed {}) ended at {}", self.name, self.seed, self.ended)?;
        for verdict in &self.verdicts {
            writeln!(f, "  {verdict}")?;
        }
        for (host, report) in &self.reports {
            if report.figures.is_empty() && report.beliefs.is_empty() {
                continue;
            }
            writeln!(f, "  {host}")?;
            for (name, figure) in &report.figures {
                writeln!(f, "    {name} = {figure}")?;
            }
            for belief in &report.beliefs {
                writeln!(f, "    {belief}")?;
            }
        }
        writeln!(f, "  {}", self.tally.to_string().replace('\n', "\n  "))?;
        write!(f, "  hash {}", self.hash_hex())
    }
}
