//! The peer's parameters, and what begins anew with them: RFC 8445 §9.

use std::time::Duration;

use base::Instant;

use super::{
    Agent,
    early::EarlyChecks,
    generation::{Credentials, Former, Generation},
    remote::Remotes,
    stream::Component,
    transaction::Purpose,
};
use crate::{Event, PairId, Parameters, Role, SetParametersError, State};

/// For how long the peer's checks of the former generation are answered after its last pair went out of
/// use: the peer may change over a little later (RFC 8445 §8.3.1).
pub(crate) const FORMER_GRACE: Duration = Duration::from_secs(3);

/// Generations whose parameters are remembered: signalling that repeats itself is rarely later than that.
const MAX_PAST: usize = 4;

impl Agent {
    /// Takes the parameters of the peer. Those it gave before are no news. New ones mean that the peer
    /// restarted: unless this side has done so already, it does now, and reports [`Event::Restarted`].
    ///
    /// # Errors
    ///
    /// `SetParametersError` if they are of a former generation, or of no use.
    pub fn set_remote_parameters(
        &mut self,
        now: Instant,
        parameters: Parameters,
    ) -> Result<(), SetParametersError> {
        let now = self.begin(now);
        if self.state == State::Closed {
            return Err(SetParametersError::Closed);
        }
        if !parameters.restarts(&self.generation.local.parameters) {
            return Err(SetParametersError::Own);
        }
        let of_former = |former: &Former| {
            let remote = former.generation.remote.as_ref();
            remote.is_some_and(|remote| !parameters.restarts(&remote.parameters))
        };
        if self.remote_parameters().is_some_and(|known| !parameters.restarts(known)) {
            return Ok(());
        }
        let is_past = self.past.iter().any(|past| !parameters.restarts(past));
        if is_past || self.former.as_ref().is_some_and(of_former) {
            return Err(SetParametersError::Former);
        }
        let remote = Credentials::new(self.config.provider, parameters)
            .ok_or(SetParametersError::BadPassword)?;
        if self.generation.remote.is_some() {
            // First of all: the candidates that follow belong to the new generation.
            self.report(Event::Restarted);
            self.begin_generation(now);
        }
        self.take_remote(now, remote);
        self.settle(now);
        Ok(())
    }

    fn take_remote(&mut self, now: Instant, remote: Credentials) {
        let Parameters { ufrag, lite, .. } = remote.parameters.clone();
        self.generation.remote = Some(remote);
        self.generation.patience_ends_at = Some(now + self.config.patience);
        // Whoever gave up while the peer's answer to a restart was on its way begins after all.
        self.has_given_up = false;
        self.checks_begun = 0;
        // RFC 8445 §6.1.1: of a full and a lite agent, the full one controls.
        match (self.is_full(), lite) {
            (true, true) => self.change_role(Role::Controlling),
            (false, false) => self.change_role(Role::Controlled),
            (true, false) | (false, true) => {}
        }
        self.remotes.retain(|one| one.candidate.ufrag.as_ref().is_none_or(|own| *own == ufrag));
        self.take_ahead();
        let remotes = &self.remotes;
        self.checklist.retain(|pair| {
            let is_known = remotes.list().iter().any(|one| one.address == Some(pair.remote));
            pair.generation != self.generation.number || is_known
        });
        self.act_upon_early(now);
    }

    /// Begins a generation. Pairs that carry data stay until others take their place.
    pub(super) fn begin_generation(&mut self, now: Instant) {
        self.restarts += 1;
        let number = self.generation.number;
        let next = Generation::next(&self.config, number, &mut self.rng);
        let before = std::mem::replace(&mut self.generation, next);
        if let Some(remote) = &before.remote {
            self.past.truncate(MAX_PAST - 1);
            self.past.insert(0, remote.parameters.clone());
        }
        let mut paths: Vec<PairId> = self.components.iter().filter_map(|one| one.path).collect();
        if base::mutant::active("ice-restart-drops-path") {
            paths.clear();
        }
        let carries = |number| {
            let mut pairs = self.checklist.pairs().iter();
            pairs.any(|pair| pair.generation == number && paths.contains(&pair.id))
        };
        // Data goes on a pair of the last generation; or, if that one had none yet, of the one before.
        if carries(before.number) {
            self.former = Some(Former { generation: before, ends_at: None });
        } else if !self.former.as_ref().is_some_and(|former| carries(former.generation.number)) {
            self.former = None;
        }
        let kept = self.former.as_ref().map(|former| former.generation.number);
        self.checklist.retain(|pair| Some(pair.generation) == kept && paths.contains(&pair.id));
        for pair in self.checklist.iter_mut() {
            pair.pending = None;
        }
        let pairs = &self.checklist;
        self.transactions
            .retain(|one| one.purpose == Purpose::Consent && pairs.get(one.pair).is_some());
        for one in &mut self.components {
            one.path = one.path.filter(|id| pairs.get(*id).is_some());
        }
        self.components.iter_mut().for_each(Component::restart);
        self.remotes = Remotes::default();
        self.early = EarlyChecks::default();
        self.has_given_up = false;
        self.checks_begun = 0;
        self.tell_all(now);
    }

    /// Gathers anew, and tells all local candidates again.
    fn tell_all(&mut self, now: Instant) {
        self.locals.forget_reflexive();
        self.is_gathering_reported = false;
        self.is_gathering_concluded = false;
        self.gatherer.begin_again(now);
        let candidates: Vec<_> = self.locals.candidates().cloned().collect();
        for candidate in candidates {
            self.tell(candidate);
        }
    }

    /// Notes when the former generation goes out of use, and forgets it a little later.
    pub(super) fn forget_former(&mut self, now: Instant) {
        let ended = |former: &Former| former.ends_at.is_some_and(|end| end <= now);
        if self.former.as_ref().is_some_and(ended) {
            let present = self.generation.number;
            self.former = None;
            self.checklist.retain(|pair| pair.generation == present);
            let pairs = &self.checklist;
            self.transactions.retain(|one| pairs.get(one.pair).is_some());
        }
    }

    /// Begins the end of the former generation once none of its pairs carries data.
    pub(super) fn let_former_go(&mut self, now: Instant) {
        let present = self.generation.number;
        let is_used = (1..=self.config.components).any(|component| {
            self.path_pair(component).is_some_and(|pair| pair.generation != present)
        });
        if let Some(former) = &mut self.former {
            former.ends_at = match is_used {
                true => None,
                false => Some(former.ends_at.unwrap_or(now + FORMER_GRACE)),
            };
        }
    }
}
