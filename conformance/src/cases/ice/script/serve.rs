//! A peer that behaves, for as long as a case wants it to.

use std::time::Duration;

use base::Instant;
use wire::ice::Role;
use wire::stun::Attribute;

use super::stage::{Heard, IceStage};
use crate::{Ctl, Outcome};

impl IceStage {
    /// Answers everything for `duration`; gives what was asked.
    pub(in crate::cases) fn serve(&mut self, t: &mut Ctl<'_>, duration: Duration) -> Vec<Heard> {
        self.serve_if(t, duration, |_| true)
    }

    /// Answers everything for `duration`; gives what was asked, and the responses that arrived.
    pub(in crate::cases) fn serve_with_responses(
        &mut self,
        t: &mut Ctl<'_>,
        duration: Duration,
    ) -> Vec<Heard> {
        let until = t.now() + duration;
        let mut all = Vec::new();
        while let Some(heard) = self.hear(t, until - t.now()) {
            if heard.message.is_request() {
                self.answer_in_passing(t, &heard);
            }
            all.push(heard);
        }
        all
    }

    /// Answers what `wanted` accepts for `duration`; gives everything that was asked.
    pub(in crate::cases) fn serve_if(
        &mut self,
        t: &mut Ctl<'_>,
        duration: Duration,
        mut wanted: impl FnMut(&Heard) -> bool,
    ) -> Vec<Heard> {
        let until = t.now() + duration;
        let mut asked = Vec::new();
        while let Some(heard) = self.hear_request(t, until - t.now()) {
            if wanted(&heard) {
                self.answer_in_passing(t, &heard);
            }
            asked.push(heard);
        }
        asked
    }

    /// Lets time pass without an answer to anything; gives what was asked.
    pub(in crate::cases) fn ignore(&mut self, t: &mut Ctl<'_>, duration: Duration) -> Vec<Heard> {
        self.serve_if(t, duration, |_| false)
    }

    /// Answers without waiting for the answer to arrive.
    fn answer_in_passing(&self, t: &mut Ctl<'_>, heard: &Heard) {
        let success = self.me.success(&heard.message, heard.from);
        self.send_in_passing(t, heard.socket, heard.from, &success.encode());
    }

    /// Brings the agent to select the pair of its first address and socket 0: answers its checks, sends
    /// one, and nominates if that is the suite's part.
    ///
    /// # Errors
    ///
    /// Inconclusive if no pair is selected within ten seconds.
    pub(in crate::cases) fn connect(&mut self, t: &mut Ctl<'_>) -> Outcome {
        self.connect_within(t, Duration::from_secs(10))
    }

    /// The same with another limit.
    pub(in crate::cases) fn connect_within(&mut self, t: &mut Ctl<'_>, limit: Duration) -> Outcome {
        let until = t.now() + limit;
        let mut has_checked = false;
        while t.now() < until {
            let Some(heard) =
                self.hear_request(t, (until - t.now()).min(Duration::from_millis(500)))
            else {
                if self.is_connected(t) {
                    return Ok(());
                }
                // An agent that waits to be asked, as a lite one does.
                let check = self.opening(t);
                self.send(t, 0, &check);
                continue;
            };
            self.answer(t, &heard);
            if !has_checked {
                has_checked = true;
                let check = self.opening(t);
                self.send(t, heard.socket, &check);
            }
            if self.is_connected(t) {
                // What is still under way is let through.
                let _ = self.serve(t, Duration::from_millis(200));
                return Ok(());
            }
        }
        let connected = self.is_connected(t);
        t.precondition(connected, "a selected pair")
    }

    /// The check that a peer of this role sends to bring things forward.
    fn opening(&self, t: &mut Ctl<'_>) -> wire::stun::Message {
        let mut check = self.bare_check(t);
        if self.role == Role::Controlling {
            check = check.with(Attribute::use_candidate());
        }
        self.agent.protect(check)
    }

    fn is_connected(&self, t: &mut Ctl<'_>) -> bool {
        self.selected(t).is_some()
    }

    /// Data that the agent sends now arrives in this socket; `None` if it sends none.
    pub(in crate::cases) fn data_arrives_in(
        &mut self,
        t: &mut Ctl<'_>,
        payload: &[u8],
    ) -> Option<usize> {
        self.data.clear();
        let sent = self.command(t, |agent, now| agent.send(now, 1, payload));
        t.stimulus("data to send");
        if sent.is_err() {
            return None;
        }
        let _ = self.serve(t, Duration::from_millis(100));
        let arrived = self.data.iter().find(|(_, _, bytes)| bytes == payload);
        arrived.map(|(_, socket, _)| *socket)
    }

    /// When the agent sent requests of which `wanted` is true.
    pub(in crate::cases) fn times(
        heard: &[Heard],
        mut wanted: impl FnMut(&Heard) -> bool,
    ) -> Vec<Instant> {
        heard.iter().filter(|heard| wanted(heard)).map(|heard| heard.at).collect()
    }
}
