//! Which pair each component sends on.

use base::Instant;

use super::{Agent, nominate::SETTLING_TIME, pair::Pair};
use crate::{Event, FailReason, PairId, Role, stats::PairState};

impl Agent {
    /// Decides on what each component sends, and reports what changed.
    pub(super) fn choose_paths(&mut self, now: Instant) {
        for component in 1..=self.config.components {
            self.replace_selected(now, component);
            let path = self.choose_path(now, component);
            self.with_component(component, |one| one.path = path);
            self.recheck(component);
            if path.is_some() {
                self.with_component(component, |one| {
                    one.was_connected = true;
                    one.lost = None;
                });
            }
        }
        self.watch_paths(now);
        (1..=self.config.components).for_each(|component| self.report_path(component));
    }

    /// The nominated pair; while there is none, the pair of the former generation, and then the best
    /// that is valid. What is in use stays unless it is doubtful or a better one is there.
    fn choose_path(&self, now: Instant, component: u8) -> Option<PairId> {
        let one = self.component(component);
        if let Some(selected) = one.selected {
            return Some(selected).filter(|&id| self.is_alive(id, now));
        }
        let path = one.path.filter(|&id| self.is_alive(id, now));
        let in_use = path.and_then(|id| self.checklist.get(id));
        let best = self.best_valid(component, now).map(|pair| pair.id);
        match in_use {
            // What was valid before the silence began may be as dead: the checks that now begin anew tell.
            Some(pair) if pair.watch.is_doubtful => {
                let since = pair.watch.silent_since.unwrap_or(now);
                self.best_answering(component, since, now).or(path)
            }
            Some(pair) if !self.is_current(pair) => path,
            _ => best.or(path),
        }
    }

    /// The best valid pair of a component that has answered since `since`.
    fn best_answering(&self, component: u8, since: Instant, now: Instant) -> Option<PairId> {
        let expiry = self.consent_expiry();
        let fit = self.checklist.pairs().iter().filter(|pair| {
            pair.component == component
                && self.is_current(pair)
                && pair.has_consent(now, expiry)
                && !pair.watch.is_doubtful
                && pair.valid.is_some_and(|valid| valid.answered_at > since)
        });
        fit.max_by_key(|pair| (pair.effective_priority(), std::cmp::Reverse(pair.id)))
            .map(|pair| pair.id)
    }

    /// Puts another pair in the place of a nominated one that is dead, or is taken for it.
    ///
    /// RFC 8445 §12.1 (departure): data leaves the selected pair without a restart when that pair is lost
    /// and another works; §8.1.1 (departure): which the controlling agent nominates then, so that its
    /// peer follows. Without it a session would die with a NAT's binding.
    fn replace_selected(&mut self, now: Instant, component: u8) {
        let Some(id) = self.component(component).selected else { return };
        let is_alive = self.is_alive(id, now);
        let Some(other) = self.substitute(component, id, is_alive, now) else {
            if !is_alive {
                self.with_component(component, |one| one.selected = None);
            }
            return;
        };
        let is_nominated = self.checklist.get(other).is_some_and(|pair| pair.nomination.is_done());
        let selected = (is_nominated || self.role == Role::Controlled).then_some(other);
        if let Some(lost) = self.checklist.get_mut(id) {
            lost.watch.is_doubtful = true;
        }
        self.with_component(component, |one| {
            one.selected = selected;
            one.path = Some(other);
        });
    }

    /// The pair that is to take the place of `id`.
    fn substitute(
        &self,
        component: u8,
        id: PairId,
        is_alive: bool,
        now: Instant,
    ) -> Option<PairId> {
        let lost = self.checklist.get(id);
        let best = |is_fit: &dyn Fn(&Pair) -> bool| {
            let expiry = self.consent_expiry();
            let fit = self.checklist.pairs().iter().filter(|pair| {
                pair.id != id
                    && pair.component == component
                    && self.is_current(pair)
                    && pair.has_consent(now, expiry)
                    && is_fit(pair)
            });
            fit.max_by_key(|pair| pair.effective_priority()).map(|pair| pair.id)
        };
        // What is taken for dead itself is better than nothing, and worse than all else.
        let Some(lost) = lost.filter(|_| is_alive) else {
            return best(&|pair| !pair.watch.is_doubtful).or_else(|| best(&|_| true));
        };
        let silent_since = lost.watch.silent_since?;
        let answers = |pair: &Pair| {
            !pair.watch.is_doubtful
                && pair.valid.is_some_and(|valid| valid.answered_at > silent_since)
        };
        if lost.watch.is_doubtful {
            return best(&answers);
        }
        // One answer is missing, and the peer has gone over to another pair that answers.
        let settled = self.component(component).first_nominated_at? + SETTLING_TIME;
        let moved = |pair: &Pair| {
            answers(pair)
                && pair.heard.request_at > lost.heard.request_at
                && pair.heard.request_at.is_some_and(|at| at > settled && at > silent_since)
        };
        best(&moved)
    }

    /// Checks the other pairs of a component anew while its path is doubtful or gone.
    fn recheck(&mut self, component: u8) {
        let one = self.component(component);
        let path = one.path.and_then(|id| self.checklist.get(id));
        let is_doubtful =
            path.map_or(one.was_connected, |pair| pair.watch.is_doubtful && self.is_current(pair));
        if is_doubtful == one.is_rechecking {
            return;
        }
        self.with_component(component, |one| one.is_rechecking = is_doubtful);
        if !is_doubtful {
            return;
        }
        self.checks_begun = 0;
        let number = self.generation.number;
        let others = self.checklist.iter_mut().filter(|pair| {
            pair.component == component
                && pair.generation == number
                && Some(pair.id) != one.path
                && !pair.is_revoked
        });
        for pair in others {
            pair.is_retired = false;
            if !matches!(pair.state, PairState::InProgress | PairState::Frozen) {
                pair.state = PairState::Waiting;
            }
        }
    }

    /// A pair is of no more use. If its component sends on it, the time it has left begins.
    pub(super) fn lose_pair(&mut self, now: Instant, id: PairId, why: FailReason) {
        for one in &mut self.components {
            if one.selected == Some(id) {
                one.selected = None;
            }
            if one.path == Some(id) {
                one.path = None;
                one.lost.get_or_insert((why, now));
            }
        }
    }

    /// Reports the path of a component, if it changed.
    fn report_path(&mut self, component: u8) {
        let one = self.component(component);
        let Some(path) = self.path(component) else {
            self.with_component(component, |one| one.reported = None);
            return;
        };
        let news = (path.pair, path.nominated && one.selected == Some(path.pair));
        if one.reported == Some(news) {
            return;
        }
        if one.reported.is_none_or(|(pair, _)| pair != path.pair) {
            self.path_changes += 1;
        }
        self.with_component(component, |one| one.reported = Some(news));
        self.report(Event::Selected { component, path });
    }
}
