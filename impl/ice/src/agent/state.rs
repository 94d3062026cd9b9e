//! Where the agent stands, and when it gives up.

use base::Instant;

use super::{Agent, LOSS_PATIENCE, pair::Pair};
use crate::{Event, FailReason, State, stats::PairState};

impl Agent {
    /// Moves to the state that follows from everything else, and reports it.
    pub(super) fn update_state(&mut self, now: Instant) {
        let state = self.compute_state();
        if state.is_connected() {
            self.has_given_up = false;
            self.enter(state);
            return;
        }
        // After a failure, a restart shows once there is something to check.
        if state == State::New && self.state == State::Failed {
            return;
        }
        match self.reason_to_fail(now) {
            _ if self.has_given_up => {}
            Some(reason) => self.fail(reason),
            None => self.enter(state),
        }
    }

    fn compute_state(&self) -> State {
        let expected = || (1..=self.config.components).filter(|&one| self.is_expected(one));
        let has_path = expected().all(|component| self.path_pair(component).is_some());
        if has_path {
            let doubtful =
                |component| self.path_pair(component).is_some_and(|pair| pair.watch.is_doubtful);
            let nominated = |component| {
                let one = self.component(component);
                one.selected.is_some() && one.selected == one.path
            };
            return match () {
                () if expected().any(doubtful) => State::Disconnected,
                () if expected().all(nominated) => State::Completed,
                () => State::Connected,
            };
        }
        if expected().all(|component| self.component(component).was_connected) {
            State::Disconnected
        } else if self.generation.remote.is_some()
            || !matches!(self.state, State::New | State::Failed)
        {
            // Nobody is new again, as the W3C's diagram has it: a restart while there is no path yet
            // goes on looking for one.
            State::Checking
        } else {
            State::New
        }
    }

    pub(super) fn enter(&mut self, state: State) {
        if state != self.state {
            self.state = state;
            self.report(Event::State(state));
        }
    }

    fn fail(&mut self, reason: FailReason) {
        // What is still on its way must not be repeated, as nobody waits for it.
        self.transactions.retain(|transaction| transaction.is_cancelled);
        self.checklist.iter_mut().for_each(Pair::give_up);
        self.checklist.forget_triggered();
        for one in &mut self.components {
            (one.path, one.selected, one.reported) = (None, None, None);
            (one.was_connected, one.is_rechecking, one.lost) = (false, false, None);
        }
        self.has_given_up = true;
        self.enter(State::Failed);
        self.report(Event::Failed(reason));
    }

    /// Why the agent gives up now, if it does.
    fn reason_to_fail(&self, now: Instant) -> Option<FailReason> {
        // RFC 8863 §4: not while there is patience.
        let is_patient = self.generation.patience_ends_at.is_some_and(|end| now < end);
        if is_patient && !base::mutant::active("ice-impatient") {
            return None;
        }
        let components = (1..=self.config.components).filter(|&one| self.is_expected(one));
        components.filter_map(|component| self.why_lost(component, now)).next()
    }

    /// Why a component has no path and will not get one.
    fn why_lost(&self, component: u8, now: Instant) -> Option<FailReason> {
        let one = self.component(component);
        if one.path.is_some() {
            return None;
        }
        if let Some((why, since)) = one.lost {
            // Who stopped answering 30 s ago, or refuses, has had the time already.
            let is_over = match why {
                FailReason::ConsentExpired | FailReason::ConsentRevoked => true,
                _ => since + LOSS_PATIENCE <= now,
            };
            return is_over.then_some(why);
        }
        self.generation.remote.as_ref()?;
        let mut pairs = self
            .checklist
            .pairs()
            .iter()
            .filter(|pair| pair.component == component && self.is_current(pair));
        if self.is_full() && pairs.clone().any(|pair| pair.state != PairState::Failed) {
            return None;
        }
        match pairs.next() {
            Some(_) => Some(FailReason::ChecksFailed),
            None => Some(FailReason::NothingToCheck),
        }
    }

    /// When time alone may change the state.
    pub(super) fn state_deadline(&self) -> Option<Instant> {
        if self.has_given_up {
            return None;
        }
        let lost = self.components.iter().filter_map(|one| one.lost);
        let patience = self.generation.patience_ends_at;
        let is_pathless = self.components.iter().any(|one| one.path.is_none());
        let ends = lost.map(|(_, since)| since + LOSS_PATIENCE);
        let ends = ends.chain(patience.filter(|_| is_pathless));
        ends.filter(|&end| end > self.now).min()
    }
}
