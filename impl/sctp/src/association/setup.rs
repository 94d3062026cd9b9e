//! Set-up: the four-way handshake, its collisions, restarts, and what comes late or twice (RFC 9260 §5).

use std::time::Duration;

use base::{Instant, Writer};

use super::{
    Association,
    cookie::Cookie,
    introduction::{self, Extra, Introduced, Introduction},
    link::Link,
    state::{Echoing, Local, Opening, State, Tries},
    timing::Timer,
};
use crate::{
    CloseReason, ConnectError, DropReason, Event, Misdeed,
    path::Rtt,
    send::Sender,
    wire::{Abort, Cause, Chunk, ChunkType, Init, OperationError},
};

/// The most by which a peer may have the life of a cookie extended (RFC 9260 §3.3.2.1.3 leaves it to us).
const MAX_LONGER: Duration = Duration::from_secs(60);

impl Association {
    /// Begins to set the association up.
    ///
    /// Messages can be sent from now on; they leave with the cookie.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if it stands or is being set up.
    pub fn connect(&mut self, now: Instant) -> Result<(), ConnectError> {
        let now = self.advance(now);
        if !matches!(self.state, State::Closed) {
            return Err(ConnectError::UnderWay);
        }
        self.state = State::CookieWait(Box::new(Opening {
            local: self.local,
            sender: self.new_sender(self.local),
            rtt: Rtt::new(self.config.rtt()),
            tries: Tries::new(now),
            longer: None,
            stale: 0,
            then_shutdown: false,
        }));
        Ok(())
    }

    /// An INIT came, alone and with a tag of zero.
    pub(super) fn on_init(&mut self, init: &Init<'_>) -> Result<(), DropReason> {
        let introduced = match Introduced::read(init, self.config.features) {
            Ok(introduced) => introduced,
            // RFC 9260 §3.3.2: there is no tag to answer with.
            Err(Misdeed::ZeroTag) => return Err(DropReason::BadInit),
            Err(misdeed) => {
                self.answer_abort(init.initiate_tag, false, misdeed);
                return Err(DropReason::BadInit);
            }
        };
        let (local, ties) = match &mut self.state {
            // RFC 9260 §9.2: the peer missed the end of the last association; it comes first.
            State::ShutdownAckSent(closing) => {
                closing.tries.due = true;
                return Err(DropReason::UnexpectedChunk);
            }
            State::Closed => (self.new_local(), (0, 0)),
            // RFC 9260 §5.2.1: with what our own INIT said, so that both set-ups become one.
            State::CookieWait(opening) => (opening.local, (0, 0)),
            State::CookieEchoed(echoing) => (echoing.link.local, echoing.link.ties),
            // RFC 9260 §5.2.2: a new tag, since the peer may have restarted; what stands is not touched.
            State::Established(link)
            | State::ShutdownPending(link)
            | State::ShutdownReceived(link) => {
                let ties = link.ties;
                if base::mutant::active("sctp-init-ends-association") {
                    self.state = State::Closed;
                }
                (self.new_local(), ties)
            }
            State::ShutdownSent(closing) => {
                let ties = closing.link.ties;
                (self.new_local(), ties)
            }
        };
        self.answer_init(local, ties, &introduced)
    }

    fn answer_init(
        &mut self,
        local: Local,
        ties: (u32, u32),
        introduced: &Introduced<'_>,
    ) -> Result<(), DropReason> {
        let peer = introduced.peer;
        let longer = introduced.longer.unwrap_or_default().min(MAX_LONGER);
        let cookie = self.cookies.make(&Cookie {
            made: self.now,
            life: self.config.cookie_life.saturating_add(longer),
            ports: (self.config.local_port, self.config.remote_port),
            local_tag: local.tag,
            local_tsn: local.tsn,
            ties,
            peer,
        });
        let mut chunk = Vec::new();
        let extra = Extra {
            cookie: Some(&cookie),
            unknown: &introduced.unknown,
            longer: None,
            most_streams: Some(peer.incoming),
        };
        let writer = &mut Writer::new(&mut chunk);
        introduction::write(ChunkType::INIT_ACK, &self.config, local, extra, writer);
        self.answers.push_packet(peer.tag, chunk).map_err(|_| DropReason::TooManyAnswers)
    }

    /// An INIT ACK came, alone and with our tag.
    pub(super) fn on_init_ack(&mut self, init: &Init<'_>) -> Result<(), DropReason> {
        let State::CookieWait(opening) = &self.state else {
            // RFC 9260 §5.2.3.
            return Err(DropReason::UnexpectedChunk);
        };
        let own_tag = opening.local.tag;
        let introduced = Introduced::read(init, self.config.features).and_then(|introduced| {
            match introduced.cookie {
                Some(cookie) => Ok((introduced, cookie)),
                None => Err(Misdeed::NoCookie),
            }
        });
        match introduced {
            Ok((introduced, cookie)) => self.echo_cookie(&introduced, cookie),
            // RFC 9260 §3.3.3: nothing changes, perhaps the next one says more.
            Err(Misdeed::TinyWindow) => {
                self.answer_abort(init.initiate_tag, false, Misdeed::TinyWindow);
                return Err(DropReason::BadInit);
            }
            Err(misdeed) => {
                let is_zero = init.initiate_tag == 0;
                let tag = if is_zero { own_tag } else { init.initiate_tag };
                self.answer_abort(tag, is_zero, misdeed);
                self.end(CloseReason::Misdeed(misdeed));
            }
        }
        Ok(())
    }

    fn echo_cookie(&mut self, introduced: &Introduced<'_>, cookie: &[u8]) {
        let State::CookieWait(opening) = std::mem::take(&mut self.state) else { return };
        let Opening { local, sender, mut rtt, tries, stale, then_shutdown, .. } = *opening;
        if tries.repeats == 0 {
            rtt.on_measured(self.now, self.now.saturating_duration_since(tries.first));
        }
        let link = self.new_link(local, &introduced.peer, sender, rtt);
        self.timers.stop(Timer::Setup as usize);
        self.state = State::CookieEchoed(Box::new(Echoing {
            link,
            cookie: cookie.to_vec(),
            report: report_unknown(&introduced.unknown),
            tries: Tries::new(self.now),
            stale,
            then_shutdown,
        }));
    }

    /// A COOKIE ACK came.
    pub(super) fn on_cookie_ack(&mut self) -> Result<(), DropReason> {
        // RFC 9260 §5.2.5.
        let State::CookieEchoed(echoing) = &mut self.state else {
            return Err(DropReason::UnexpectedChunk);
        };
        if echoing.tries.repeats == 0 {
            let rtt = self.now.saturating_duration_since(echoing.tries.first);
            echoing.link.rtt.on_measured(self.now, rtt);
        }
        self.finish_echo();
        Ok(())
    }

    pub(super) fn finish_echo(&mut self) {
        match std::mem::take(&mut self.state) {
            State::CookieEchoed(echoing) => {
                let Echoing { link, then_shutdown, .. } = *echoing;
                self.stand(link, Event::Connected, then_shutdown);
            }
            other => self.state = other,
        }
    }

    /// The association stands from now on.
    pub(super) fn stand(&mut self, mut link: Box<Link>, event: Event, then_shutdown: bool) {
        for timer in [Timer::Setup, Timer::Shutdown, Timer::Guard] {
            self.timers.stop(timer as usize);
        }
        link.start(self.now);
        self.state = State::Established(link);
        self.tell(event);
        if then_shutdown {
            self.begin_shutdown();
        }
    }

    /// The peer says that our cookie came `over` too late: RFC 9260 §5.2.6.
    pub(super) fn on_stale_cookie(&mut self) -> Result<(), DropReason> {
        if !matches!(self.state, State::CookieEchoed(_)) {
            return Err(DropReason::UnexpectedChunk);
        }
        let State::CookieEchoed(echoing) = std::mem::take(&mut self.state) else { return Ok(()) };
        let Echoing { link, tries, stale, then_shutdown, .. } = *echoing;
        // A peer whose cookies are always stale must not keep us at it for ever.
        if stale >= self.config.max_init_retransmits {
            self.end(CloseReason::SetupTimeout);
            return Ok(());
        }
        // Asked for is the round trip and no more than a second beyond it.
        let round_trip = self.now.saturating_duration_since(tries.first);
        let Link { local, sender, rtt, .. } = *link;
        self.timers.stop(Timer::Setup as usize);
        self.state = State::CookieWait(Box::new(Opening {
            local,
            sender,
            rtt,
            tries: Tries::new(self.now),
            longer: Some(round_trip.saturating_add(Duration::from_secs(1))),
            stale: stale + 1,
            then_shutdown,
        }));
        Ok(())
    }

    /// INIT or COOKIE ECHO was not answered in time: RFC 9260 §4, notes 2 and 3.
    pub(super) fn on_setup_timeout(&mut self) {
        let (tries, rtt) = match &mut self.state {
            State::CookieWait(opening) => (&mut opening.tries, &mut opening.rtt),
            State::CookieEchoed(echoing) => (&mut echoing.tries, &mut echoing.link.rtt),
            _ => return,
        };
        if tries.repeats >= self.config.max_init_retransmits {
            self.end(CloseReason::SetupTimeout);
            return;
        }
        tries.repeats += 1;
        tries.due = true;
        rtt.back_off();
    }

    /// Answers with an ABORT of its own packet.
    pub(super) fn answer_abort(&mut self, tag: u32, is_reflected: bool, misdeed: Misdeed) {
        let mut chunk = Vec::new();
        misdeed.with_cause(|cause| {
            let causes = [cause];
            let abort = Abort { is_reflected, causes: causes.as_slice().into() };
            abort.write(&mut Writer::new(&mut chunk));
        });
        self.answer(tag, chunk);
    }

    pub(super) fn answer_stale(&mut self, tag: u32, over: Duration) {
        let micros = u32::try_from(over.as_nanos().div_ceil(1_000)).unwrap_or(u32::MAX);
        self.answer(tag, error_chunk(&[Cause::StaleCookie(micros)]));
    }

    /// Draws what this end brings to a new association (RFC 9260 §5.3.1).
    pub(super) fn new_local(&mut self) -> Local {
        let mut tag = 0;
        while tag == 0 {
            tag = self.rng.public_u32();
        }
        let drawn = crate::Tsn::new(self.rng.public_u32());
        Local { tag, tsn: self.config.initial_tsn.unwrap_or(drawn) }
    }

    pub(super) fn new_sender(&self, local: Local) -> Sender {
        let streams = self.config.outgoing_streams.max(1);
        let mut sender = Sender::new(&self.config.sender(), local.tsn, streams);
        sender.set_scheduler(self.config.scheduler);
        sender
    }

    pub(super) fn new_link(
        &mut self,
        local: Local,
        peer: &Introduction,
        sender: Sender,
        rtt: Rtt,
    ) -> Box<Link> {
        self.links += 1;
        let rng = self.rng.fork_numbered("link", self.links);
        let mut link = Box::new(Link::new(&self.config, rng, local, peer, sender, rtt));
        if self.limit < usize::MAX {
            link.discovery.set_limit(self.now, self.limit);
            link.fit();
        }
        link
    }
}

/// An ERROR chunk that reports parameters of an INIT ACK (RFC 9260 §3.2.2), or nothing.
fn report_unknown(unknown: &[&[u8]]) -> Vec<u8> {
    if unknown.is_empty() {
        return Vec::new();
    }
    let mut all = Vec::new();
    for parameter in unknown {
        let mut writer = Writer::new(&mut all);
        writer.bytes(parameter);
        writer.pad_to(4);
    }
    error_chunk(&[Cause::UnrecognizedParameters(&all)])
}

/// An ERROR chunk.
pub(super) fn error_chunk(causes: &[Cause<'_>]) -> Vec<u8> {
    let mut chunk = Vec::new();
    let error = Chunk::Error(OperationError { causes: causes.into() });
    error.write(&mut Writer::new(&mut chunk));
    chunk
}
