//! What is said and heard in the present round.

use std::time::Duration;

use base::Instant;
use ice::{Candidate, Parameters};

use crate::ice::letter::{Heard, Letter, Says};

/// How long an application that tells all candidates at once waits for the last of them.
const GATHERING: Duration = Duration::from_secs(1);

/// What is said and heard in the present round.
pub(super) struct Talk {
    trickle: bool,
    round: u32,
    /// When the round began.
    began: Instant,
    found: Vec<Candidate>,
    finished: bool,
    said: Said,
    /// How many candidates were told.
    told: usize,
    heard: Heard,
}

/// How much was said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Description,
    All,
}

impl Talk {
    pub(super) fn new(trickle: bool, now: Instant) -> Self {
        Self {
            trickle,
            round: 0,
            began: now,
            found: Vec::new(),
            finished: false,
            said: Said::Nothing,
            told: 0,
            heard: Heard::default(),
        }
    }

    pub(super) const fn round(&self) -> u32 {
        self.round
    }

    /// Forgets all but the number of the round.
    pub(super) fn begin(&mut self, now: Instant, round: u32) {
        *self = Self { round, ..Self::new(self.trickle, now) };
    }

    pub(super) fn hear(&mut self, letter: Letter) {
        if letter.round == self.round {
            self.heard.hear(letter.says);
        }
    }

    /// The parameters of the other side, once.
    pub(super) fn parameters(&mut self) -> Option<Parameters> {
        self.heard.take_parameters()
    }

    /// Candidates of the other side, each once.
    pub(super) fn candidates(&mut self) -> Vec<Candidate> {
        self.heard.take()
    }

    /// Whether the other side has no more; told once.
    pub(super) fn is_complete(&mut self) -> bool {
        self.heard.is_complete()
    }

    pub(super) fn found(&mut self, candidate: Candidate) {
        self.found.push(candidate);
    }

    pub(super) const fn finished(&mut self) {
        self.finished = true;
    }

    /// When something is to be said although nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let waits = !self.trickle && self.said == Said::Nothing;
        waits.then(|| self.began + GATHERING)
    }

    /// What is to be said now.
    pub(super) fn say(&mut self, now: Instant, parameters: &Parameters) -> Vec<Letter> {
        let mut letters = Vec::new();
        let round = self.round;
        let ready = self.trickle || self.finished || now >= self.began + GATHERING;
        if self.said == Said::Nothing && ready {
            // What is found later than that, one that tells all at once keeps for the next round.
            let all = self.finished || !self.trickle;
            let candidates = std::mem::take(&mut self.found);
            self.told = candidates.len();
            self.said = if all { Said::All } else { Said::Description };
            let parameters = parameters.clone();
            let says = Says::Description { parameters, candidates, all };
            letters.push(Letter { round, says });
        }
        if self.said == Said::Description {
            for candidate in self.found.drain(..) {
                self.told += 1;
                letters.push(Letter { round, says: Says::Candidate(candidate) });
            }
            if self.finished {
                self.said = Said::All;
                letters.push(Letter { round, says: Says::End(self.told) });
            }
        }
        letters
    }
}
