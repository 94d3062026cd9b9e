//! What the two applications tell each other, and in which order it counts.
//!
//! Every restart is a *round*. Whoever restarts begins the next one; whoever hears of a later round than
//! his own restarts into it. So two restarts at once meet in the same round, and what belongs to a round
//! that is over is recognised, however late it comes.

use ice::{Candidate, Parameters};

/// What one application tells the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Letter {
    pub(crate) round: u32,
    pub(crate) says: Says,
}

/// What a letter says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Says {
    /// The parameters of the round, and the candidates known so far. `all` if no more will come.
    Description { parameters: Parameters, candidates: Vec<Candidate>, all: bool },
    /// One more candidate.
    Candidate(Candidate),
    /// There were so many candidates, and no more will come.
    End(usize),
}

/// What was heard of one round of the other, in whatever order it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    parameters: Option<Parameters>,
    /// Whether the parameters were handed over.
    described: bool,
    /// Candidates that were not handed over yet.
    waiting: Vec<Candidate>,
    /// How many were handed over.
    given: usize,
    /// How many there are, once that is known.
    total: Option<usize>,
}

/// Most candidates that wait for their description. An application that tells more is not to be believed.
const MAX_WAITING: usize = 64;

impl Heard {
    /// Takes in what a letter of the round says.
    pub(crate) fn hear(&mut self, says: Says) {
        match says {
            Says::Description { parameters, candidates, all } => {
                if !self.described {
                    self.parameters = Some(parameters);
                }
                if all {
                    self.total = Some(candidates.len());
                }
                self.waiting.extend(candidates);
            }
            Says::Candidate(candidate) => self.waiting.push(candidate),
            Says::End(total) => self.total = Some(total),
        }
        self.waiting.truncate(MAX_WAITING);
    }

    /// The parameters, once.
    pub(crate) fn take_parameters(&mut self) -> Option<Parameters> {
        let parameters = self.parameters.take()?;
        self.described = true;
        Some(parameters)
    }

    /// The candidates that can be handed over now: none before the parameters were.
    pub(crate) fn take(&mut self) -> Vec<Candidate> {
        if !self.described {
            return Vec::new();
        }
        self.given += self.waiting.len();
        std::mem::take(&mut self.waiting)
    }

    /// Whether all candidates have been handed over; told once.
    pub(crate) fn is_complete(&mut self) -> bool {
        let complete = self.total.is_some_and(|total| self.given >= total);
        if complete {
            self.total = None;
        }
        complete
    }
}
