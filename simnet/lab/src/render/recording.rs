//! A run with everything that was seen of it.

use std::time::Duration;

use base::Instant;
use simnet::{
    Network, Observer,
    observe::{Bindings, Capture, JsonLines, Ladder, Page},
};

use super::words;
use crate::{Figure, Outcome, Problem, Scenario, roles::Role};

/// A run with everything that was seen of it.
#[derive(Debug)]
pub struct Recording {
    /// What ran, seed included.
    pub scenario: Scenario,
    /// What came of it.
    pub outcome: Outcome,
    /// Every packet, as arrows.
    pub ladder: Ladder,
    /// What NATs remembered.
    pub bindings: Bindings,
    /// The trace for programs; empty if files were not wanted.
    pub trace: Vec<u8>,
    /// The capture for Wireshark; empty if files were not wanted.
    pub capture: Vec<u8>,
}

type Files = (JsonLines, Capture);

impl Recording {
    /// Runs `scenario` and keeps what can be drawn.
    ///
    /// # Errors
    ///
    /// What does not fit in the scenario.
    pub fn of(scenario: &Scenario) -> Result<Self, Problem> {
        Self::record(scenario, None)
    }

    /// Runs `scenario` and keeps everything, trace and capture included, which for long runs are large.
    ///
    /// # Errors
    ///
    /// What does not fit in the scenario.
    pub fn whole(scenario: &Scenario) -> Result<Self, Problem> {
        Self::record(scenario, Some((JsonLines::of(&scenario.name), Capture::new())))
    }

    fn record(scenario: &Scenario, files: Option<Files>) -> Result<Self, Problem> {
        let drawings = (Ladder::with_summary(words), Bindings::new());
        let mut world = scenario.build((drawings, files))?;
        let outcome = world.run();
        let beliefs = beliefs(scenario, &outcome, world.network());
        let ((mut ladder, bindings), files) = world.into_observer();
        for (at, node, text) in beliefs {
            ladder.note(at, node, &text);
        }
        let (trace, capture) = files.map_or_else(Default::default, |(trace, capture)| {
            // Memory takes what it is given.
            (trace.into_bytes(), capture.finish().unwrap_or_default())
        });
        let scenario = scenario.clone();
        Ok(Self { scenario, outcome, ladder, bindings, trace, capture })
    }

    /// The run as one HTML page.
    #[must_use]
    pub fn page(&self) -> String {
        let Self { scenario, outcome, .. } = self;
        let mut page = Page::new(&scenario.name);
        if !scenario.about.is_empty() {
            page.about(&scenario.about);
        }
        page.about(&format!(
            "Seed {}, {} of virtual time, trace hash {}.",
            outcome.seed,
            simnet::units::print_duration(scenario.duration),
            outcome.hash_hex()
        ));
        for verdict in &outcome.verdicts {
            let claim = format!("{}: {}", verdict.name, verdict.wanted);
            page.verdict(verdict.held, &claim, &verdict.got);
        }
        page.ladder("What was sent", &self.ladder);
        page.bindings("What the NATs remembered", &self.bindings);
        page.text("What came of it", &outcome.to_string());
        page.folded("The scenario", &scenario.to_toml());
        page.render()
    }
}

/// What peers came to believe, and when, for the ladder.
fn beliefs<O: Observer>(
    scenario: &Scenario,
    outcome: &Outcome,
    net: &Network<O>,
) -> Vec<(Instant, simnet::NodeId, String)> {
    let mut notes = Vec::new();
    for host in &scenario.hosts {
        let start = match &host.role {
            Role::Peer(peer) => peer.start,
            Role::Ice(ice) => ice.start,
            _ => continue,
        };
        let node = net.node(&host.name);
        let figure = |name: &str| outcome.figure(&format!("{}.{name}", host.name));
        let text = |name: &str| figure(name).map(ToString::to_string).unwrap_or_default();
        match figure("connected-after") {
            Some(Figure::Time(after)) => {
                let at = Instant::ZERO + start + *after;
                let words =
                    format!("connected: {} to {}", text("selected-local"), text("selected-remote"));
                notes.push((at, node, words));
            }
            _ => {
                let at = Instant::ZERO + scenario.duration.max(Duration::from_millis(1));
                notes.push((at, node, "never connected".to_owned()));
            }
        }
    }
    notes.sort_by_key(|(at, ..)| *at);
    notes
}
