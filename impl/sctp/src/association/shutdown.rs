//! The end: orderly (RFC 9260 §9.2), and at once (RFC 9260 §9.1).

use base::{Instant, Writer};
use bytes::Bytes;

use super::{
    Association,
    state::{Closing, State, Tries},
    timing::Timer,
};
use crate::{
    CloseReason, DropReason, Event, Misdeed, Tsn,
    wire::{Abort, Cause, ShutdownComplete},
};

/// RFC 9260 §9.2 recommends this many of the longest timeouts for the whole of it.
const GUARD_TIMEOUTS: u32 = 5;
/// Bytes of a reason that an ABORT carries at most, so that it fits into any packet.
const MAX_REASON: usize = 128;

impl Association {
    /// Ends the association once all that waits was delivered. Nothing more can be sent.
    pub fn shutdown(&mut self, now: Instant) {
        self.advance(now);
        match &mut self.state {
            State::CookieWait(opening) => opening.then_shutdown = true,
            State::CookieEchoed(echoing) => echoing.then_shutdown = true,
            State::Established(_) => self.begin_shutdown(),
            // RFC 9260 §9.2: it is on its way, or the peer was first.
            State::Closed
            | State::ShutdownPending(_)
            | State::ShutdownSent(_)
            | State::ShutdownReceived(_)
            | State::ShutdownAckSent(_) => {}
        }
    }

    /// Ends the association at once. What waits is lost; the peer's application is told `reason`, of which
    /// the first 128 bytes are kept.
    pub fn abort(&mut self, now: Instant, reason: &[u8]) {
        self.advance(now);
        if matches!(self.state, State::Closed) {
            return;
        }
        let reason = reason.get(..MAX_REASON).unwrap_or(reason);
        self.say_abort(&Cause::UserAbort(reason));
        self.end(CloseReason::Aborted);
    }

    /// The peer broke the protocol: it is told, and the association ends.
    pub(super) fn abort_for(&mut self, misdeed: Misdeed) {
        misdeed.with_cause(|cause| self.say_abort(&cause));
        self.end(CloseReason::Misdeed(misdeed));
    }

    /// Queues an ABORT. A peer that is not known yet has nothing to be told: RFC 9260 §8.5.1 B.
    fn say_abort(&mut self, cause: &Cause<'_>) {
        let Some(tag) = self.state.peer_tag() else { return };
        let mut chunk = Vec::new();
        let abort = Abort { is_reflected: false, causes: std::slice::from_ref(cause).into() };
        abort.write(&mut Writer::new(&mut chunk));
        self.answers.push_last_words(tag, chunk);
    }

    pub(super) fn begin_shutdown(&mut self) {
        match std::mem::take(&mut self.state) {
            State::Established(link) => self.state = State::ShutdownPending(link),
            other => self.state = other,
        }
        self.advance_shutdown();
    }

    /// Goes on with shutting down where nothing is outstanding any more.
    pub(super) fn advance_shutdown(&mut self) {
        let is_ready = match &self.state {
            State::ShutdownPending(link) | State::ShutdownReceived(link) => {
                link.sender.is_idle() || base::mutant::active("sctp-shutdown-before-data")
            }
            _ => false,
        };
        if !is_ready {
            return;
        }
        let is_first = matches!(self.state, State::ShutdownPending(_));
        let Some(mut link) = self.state.take_link() else { return };
        link.quieten();
        let closing = Box::new(Closing { link, tries: Tries::new(self.now) });
        self.state = if is_first {
            let guard = self.config.rto_max * GUARD_TIMEOUTS;
            self.timers.set(Timer::Guard as usize, self.now + guard);
            State::ShutdownSent(closing)
        } else {
            State::ShutdownAckSent(closing)
        };
    }

    /// A SHUTDOWN came.
    pub(super) fn on_shutdown(&mut self, cumulative: Tsn) -> Result<(), Flaw> {
        match &mut self.state {
            State::Established(_) | State::ShutdownPending(_) | State::ShutdownReceived(_) => {
                self.acknowledge_shutdown(cumulative)?;
                let is_news = !matches!(self.state, State::ShutdownReceived(_));
                if let Some(link) = self.state.take_link() {
                    self.state = State::ShutdownReceived(link);
                }
                if is_news {
                    self.tell(Event::PeerShutdown);
                }
                self.advance_shutdown();
                Ok(())
            }
            // RFC 9260 §9.2: both were first.
            State::ShutdownSent(_) => {
                if let Some(link) = self.state.take_link() {
                    let tries = Tries::new(self.now);
                    self.timers.stop(Timer::Shutdown as usize);
                    self.state = State::ShutdownAckSent(Box::new(Closing { link, tries }));
                }
                Ok(())
            }
            State::ShutdownAckSent(closing) => {
                closing.tries.due = true;
                Ok(())
            }
            State::Closed | State::CookieWait(_) | State::CookieEchoed(_) => {
                Err(Flaw::Drop(DropReason::UnexpectedChunk))
            }
        }
    }

    /// A SHUTDOWN acknowledges too, without saying anything of gaps (RFC 9260 §3.3.8).
    fn acknowledge_shutdown(&mut self, cumulative: Tsn) -> Result<(), Misdeed> {
        let now = self.now;
        let Some(link) = self.state.standing() else { return Ok(()) };
        link.sender.handle_cumulative(now, cumulative, &mut link.control, &mut link.rtt)?;
        Ok(())
    }

    /// A SHUTDOWN ACK came with our tag.
    pub(super) fn on_shutdown_ack(&mut self, tag: u32) -> Result<(), DropReason> {
        match &self.state {
            State::ShutdownSent(closing) | State::ShutdownAckSent(closing) => {
                let peer_tag = closing.link.peer_tag;
                self.answer_shutdown_complete(peer_tag, false);
                self.end(CloseReason::Shutdown);
                Ok(())
            }
            // RFC 9260 §8.5.1 E: it is of an association before this one.
            State::Closed | State::CookieWait(_) | State::CookieEchoed(_) => {
                self.answer_shutdown_complete(tag, true);
                Err(DropReason::OutOfTheBlue)
            }
            State::Established(_) | State::ShutdownPending(_) | State::ShutdownReceived(_) => {
                Err(DropReason::UnexpectedChunk)
            }
        }
    }

    /// A SHUTDOWN COMPLETE came with a tag that is right for it.
    pub(super) fn on_shutdown_complete(&mut self) -> Result<(), DropReason> {
        // RFC 9260 §8.5.1 C.
        if !matches!(self.state, State::ShutdownAckSent(_)) {
            return Err(DropReason::UnexpectedChunk);
        }
        self.end(CloseReason::Shutdown);
        Ok(())
    }

    /// An ABORT came with a tag that is right for it.
    pub(super) fn on_abort(&mut self, abort: &Abort<'_>) {
        let mut code = None;
        let mut reason = Bytes::new();
        for cause in abort.causes.iter().map_while(Result::ok) {
            if code.is_none() {
                code = Some(cause.code());
            }
            if let Cause::UserAbort(words) = cause {
                reason = Bytes::copy_from_slice(words);
            }
        }
        self.end(CloseReason::AbortedByPeer { cause: code, reason });
    }

    pub(super) fn answer_shutdown_complete(&mut self, tag: u32, is_reflected: bool) {
        let mut chunk = Vec::new();
        ShutdownComplete { is_reflected }.write(&mut Writer::new(&mut chunk));
        self.answer(tag, chunk);
    }

    /// SHUTDOWN or SHUTDOWN ACK was not answered in time.
    pub(super) fn on_shutdown_timeout(&mut self) {
        let (State::ShutdownSent(closing) | State::ShutdownAckSent(closing)) = &mut self.state
        else {
            return;
        };
        if closing.tries.repeats >= self.config.max_retransmits {
            self.end(CloseReason::Unreachable);
            return;
        }
        closing.tries.repeats += 1;
        closing.tries.due = true;
        closing.link.rtt.back_off();
    }

    /// Shutting down has taken too long altogether.
    pub(super) fn on_guard_timeout(&mut self) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.say_abort(&Cause::UserAbort(b"shutting down took too long"));
        self.end(CloseReason::ShutdownTimeout);
    }

    /// The association is no more. What it still has to say waits among the answers.
    pub(super) fn end(&mut self, reason: CloseReason) {
        let before = std::mem::take(&mut self.state);
        self.spent_tag = before.link().map(|link| link.local.tag).or(self.spent_tag);
        self.keep_unread(before);
        for timer in [Timer::Setup, Timer::Shutdown, Timer::Guard, Timer::News] {
            self.timers.stop(timer as usize);
        }
        self.answers.clear_chunks();
        // RFC 9260 §5.3.1: the next one gets another tag.
        self.local = self.new_local();
        self.tell(Event::Closed(reason));
    }
}

/// What is wrong with a chunk that came with our tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is dropped.
    Drop(DropReason),
    /// It ends the association.
    Misdeed(Misdeed),
}

impl From<DropReason> for Flaw {
    fn from(reason: DropReason) -> Self {
        Self::Drop(reason)
    }
}

impl From<Misdeed> for Flaw {
    fn from(misdeed: Misdeed) -> Self {
        Self::Misdeed(misdeed)
    }
}
