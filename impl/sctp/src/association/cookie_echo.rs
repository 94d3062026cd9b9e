//! Cookies that come back: what each means to what stands already (RFC 9260 §5.1.5, §5.2.4).

use super::{
    Association,
    cookie::Cookie,
    link::Link,
    setup::error_chunk,
    state::{Echoing, Local, Opening, State},
};
use crate::{DropReason, Event, path::Rtt, wire::Cause};

/// What a COOKIE ECHO means to what stands already: RFC 9260 §5.2.4, table 12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing stands: a new association.
    Fresh,
    /// A: the peer restarted.
    Restart,
    /// B: both ends began at the same time.
    Collision,
    /// D: the same again.
    Same,
    /// C and all that the table does not show: overtaken.
    Overtaken,
}

impl Association {
    /// A COOKIE ECHO came as the first chunk of a packet with `tag`. If it is taken, what follows it in the
    /// packet belongs to the association that stands then.
    pub(super) fn on_cookie_echo(&mut self, tag: u32, bytes: &[u8]) -> Result<(), DropReason> {
        let cookie = self.cookies.open(bytes).ok_or(DropReason::BadCookie)?;
        // RFC 9260 §5.1.5 3: made for this packet's ports and tag.
        let ports = (self.config.local_port, self.config.remote_port);
        if cookie.ports != ports || cookie.local_tag != tag {
            return Err(DropReason::BadCookie);
        }
        // RFC 9260 §5.3.1: no tag is used for a second association. The echo of one that has ended comes late
        // or again, and what came with it was delivered once.
        if self.spent_tag == Some(tag) {
            return Err(DropReason::OvertakenCookie);
        }
        let verdict = self.judge(&cookie);
        if verdict != Verdict::Same && self.is_overfull() {
            return Err(DropReason::Unread);
        }
        // RFC 9260 §5.2.4 3: a stale cookie of the association that stands is good all the same.
        if verdict != Verdict::Same
            && let Some(over) = cookie.staleness(self.now)
        {
            self.answer_stale(cookie.peer.tag, over);
            return Err(DropReason::StaleCookie);
        }
        match verdict {
            Verdict::Fresh => self.stand_fresh(&cookie),
            Verdict::Restart => return self.restart(&cookie),
            Verdict::Collision => self.collide(&cookie),
            Verdict::Same => self.stand_again(),
            Verdict::Overtaken => return Err(DropReason::OvertakenCookie),
        }
        Ok(())
    }

    /// RFC 9260 §5.2.4, table 12.
    fn judge(&self, cookie: &Cookie) -> Verdict {
        let Some(local_tag) = self.state.local_tag() else { return Verdict::Fresh };
        let is_local = cookie.local_tag == local_tag;
        let is_peer = self.state.peer_tag().is_some_and(|tag| tag == cookie.peer.tag);
        let is_tied = self.state.link().is_some_and(|link| link.ties == cookie.ties);
        match (is_local, is_peer) {
            (true, true) => Verdict::Same,
            (true, false) => Verdict::Collision,
            (false, false) if is_tied => Verdict::Restart,
            (false, _) => Verdict::Overtaken,
        }
    }

    /// A new association from what the cookie remembers.
    fn stand_fresh(&mut self, cookie: &Cookie) {
        let local = Local { tag: cookie.local_tag, tsn: cookie.local_tsn };
        let sender = self.new_sender(local);
        let rtt = Rtt::new(self.config.rtt());
        let mut link = self.new_link(local, &cookie.peer, sender, rtt);
        link.is_cookie_ack_due = true;
        self.stand(link, Event::Connected, false);
    }

    /// Action A of RFC 9260 §5.2.4: the peer restarted.
    fn restart(&mut self, cookie: &Cookie) -> Result<(), DropReason> {
        if let State::ShutdownAckSent(closing) = &mut self.state {
            closing.tries.due = true;
            let chunk = error_chunk(&[Cause::CookieWhileShuttingDown]);
            let _ = self.answers.push_chunk(chunk);
            return Err(DropReason::UnexpectedChunk);
        }
        self.begin_anew(cookie);
        Ok(())
    }

    /// The peer has nothing of what was: neither has this end, but for messages that came whole and what
    /// the application wished of its streams.
    fn begin_anew(&mut self, cookie: &Cookie) {
        self.answers.clear_chunks();
        let Some(mut before) = self.state.take_link() else { return };
        self.unread.extend(std::iter::from_fn(|| before.receiver.poll_message()));
        self.stats.add_received(&before);
        let local = Local { tag: cookie.local_tag, tsn: cookie.local_tsn };
        let Link { mut sender, .. } = *before;
        sender.restart(local.tsn);
        let rtt = Rtt::new(self.config.rtt());
        let mut link = self.new_link(local, &cookie.peer, sender, rtt);
        link.is_cookie_ack_due = true;
        self.stand(link, Event::Restarted, false);
    }

    /// Action B: the peer's own INIT has overtaken its answer to ours.
    fn collide(&mut self, cookie: &Cookie) {
        match std::mem::take(&mut self.state) {
            State::CookieWait(opening) => {
                let Opening { local, sender, rtt, then_shutdown, .. } = *opening;
                let mut link = self.new_link(local, &cookie.peer, sender, rtt);
                link.is_cookie_ack_due = true;
                self.stand(link, Event::Connected, then_shutdown);
            }
            State::CookieEchoed(echoing) => {
                let Echoing { link, then_shutdown, .. } = *echoing;
                let Link { local, sender, rtt, .. } = *link;
                let mut link = self.new_link(local, &cookie.peer, sender, rtt);
                link.is_cookie_ack_due = true;
                self.stand(link, Event::Connected, then_shutdown);
            }
            // A peer with another tag has nothing of what was exchanged with the one before: it restarted
            // while both began.
            other => {
                self.state = other;
                self.begin_anew(cookie);
            }
        }
    }

    /// Action D: our answer was lost, or the peer's echo was as fast as ours.
    fn stand_again(&mut self) {
        self.finish_echo();
        if let Some(link) = self.state.link_mut() {
            link.is_cookie_ack_due = true;
        }
    }
}
