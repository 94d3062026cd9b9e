//! One association: both sides, both versions, one peer.

mod alerts;
mod connection_ids;
mod data;
mod early;
mod exports;
mod receive;
mod timing;

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use base::{Instant, Rng};
use smallvec::SmallVec;

pub use self::exports::{SrtpKeys, SrtpMaster};
use self::{data::DataQueue, early::EarlyRecords};
use crate::{
    CloseReason, Config, Event, Fingerprint, MIN_MTU, Misdeed, SendError, Session,
    SetFingerprintsError, Side, Stats, UpdateKeysError,
    cookie::Cookies,
    flight::{Acks, Inbox, Outbox, Transcript},
    gate::Admission,
    handshake::{Context, Handshake, client, server},
    record::{Limits, Records, SealError},
    wire::{Alert, AlertDescription, ContentType},
};

/// Most events that wait to be fetched. Updates of keys could pile up without end; a caller that fetches
/// none of its events has lost interest in those.
const MAX_EVENTS: usize = 64;

/// A DTLS association with one peer, as client or server.
///
/// It takes and gives packets without addresses: whoever has a path to the peer, such as ICE, carries
/// them. [`Endpoint`](crate::Endpoint) is one with an address.
///
/// Told: [`receive`](Self::receive), [`handle_timeout`](Self::handle_timeout), and the commands. Asked:
/// [`poll_packet`](Self::poll_packet), [`poll_data`](Self::poll_data), [`poll_event`](Self::poll_event),
/// [`poll_timeout`](Self::poll_timeout). The laws are those of [`base::Machine`].
pub struct Association {
    config: Arc<Config>,
    side: Side,
    rng: Rng,
    now: Instant,
    phase: Phase,
    /// `None` once a misdeed has ended it.
    handshake: Option<Handshake>,
    records: Records,
    inbox: Inbox,
    outbox: Outbox,
    acks: Acks,
    transcript: Transcript,
    session: Session,
    early: EarlyRecords,
    data: DataQueue,
    events: VecDeque<Event>,
    alerts: SmallVec<[Alert; 2]>,
    /// Warnings of the peer so far.
    warnings: u32,
    /// When the handshake has taken too long.
    handshake_deadline: Option<Instant>,
    /// What came with [`Association::set_remote_fingerprints`].
    fingerprints: Option<Vec<Fingerprint>>,
    mtu: usize,
    /// The datagram that is being looked at, and payloads in the making.
    scratch: Vec<u8>,
    /// With which a client has to prove that it is there, as long as it has not.
    cookies: Option<Cookies>,
    /// An answer to a client that has not.
    answer: Option<Vec<u8>>,
    /// Whether a record newer than all before was among those of the last datagram.
    saw_newest: bool,
    /// Whether the present datagram came from another address than the peer's.
    is_elsewhere: bool,
    /// The epoch of the peer in which it was asked for new keys, because too much failed to open.
    asked_in_epoch: Option<u64>,
    stats: Stats,
}

/// How far an association has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The handshake is under way.
    Handshaking,
    /// The handshake is over, and what the peer's certificate has to match is not known yet.
    Unverified,
    /// Data flows.
    Connected,
    /// It has ended; data that came before can still be fetched if it was connected.
    Ended { was_connected: bool },
}

impl Association {
    /// A client, whose first packet is ready to be sent.
    #[must_use]
    pub fn client(config: Arc<Config>, rng: Rng, now: Instant) -> Self {
        let mut association = Self::new(config, Side::Client, rng, now);
        let (handshake, mut cx) = association.split();
        *handshake = Some(Handshake::ServerHello(client::Waiting::start(&mut cx)));
        association.start_clock();
        association
    }

    /// A server, which waits for the client.
    #[must_use]
    pub fn server(config: Arc<Config>, rng: Rng, now: Instant) -> Self {
        let mut association = Self::new(config, Side::Server, rng, now);
        if association.config.cookies {
            let provider = association.config.provider;
            association.cookies = Some(Cookies::new(provider, &mut association.rng));
        }
        association
    }

    /// A server of a listener: one that begins where a stateless answer ended, if there was one.
    pub(crate) fn admitted(
        config: Arc<Config>,
        rng: Rng,
        now: Instant,
        admission: Option<Box<Admission>>,
    ) -> Self {
        let mut association = Self::new(config, Side::Server, rng, now);
        association.cookies = None;
        if let Some(admission) = admission {
            association.admit(*admission);
        }
        // The listener makes one for whoever knocks, and who says nothing more must not keep the place.
        association.start_clock();
        association
    }

    /// Goes on after a stateless answer: RFC 6347 §4.2.1, §4.2.2 have the numbers of the ClientHello
    /// that brought the cookie taken up.
    fn admit(&mut self, admission: Admission) {
        self.cookies = None;
        self.inbox = Inbox::starting_at(admission.message_seq);
        self.outbox = Outbox::starting_at(admission.message_seq, self.config.initial_timeout);
        self.outbox.set_max_timeouts(self.config.max_timeouts);
        self.records.set_next_sequence(0, admission.sequence);
        // Known before its ClientHello is whole, so that the listener tells another one from it.
        self.session.client_random = admission.client_random;
        if let Some((retried, transcript)) = admission.retry {
            self.transcript = transcript;
            let waiting = server::Waiting { retried: Some(retried) };
            self.handshake = Some(Handshake::ClientHello(waiting));
        }
    }

    fn new(config: Arc<Config>, side: Side, rng: Rng, now: Instant) -> Self {
        let mut records = Records::new(Limits::default());
        records.set_padding(config.record_padding);
        let mut outbox = Outbox::new(config.initial_timeout);
        outbox.set_max_timeouts(config.max_timeouts);
        Self {
            side,
            rng: rng.fork("dtls"),
            now,
            phase: Phase::Handshaking,
            handshake: Some(Handshake::ClientHello(server::Waiting::default())),
            records,
            inbox: Inbox::default(),
            outbox,
            acks: Acks::new(),
            transcript: Transcript::new(),
            session: Session::default(),
            early: EarlyRecords::default(),
            data: DataQueue::default(),
            events: VecDeque::new(),
            alerts: SmallVec::new(),
            warnings: 0,
            handshake_deadline: None,
            fingerprints: None,
            mtu: config.mtu.max(MIN_MTU),
            scratch: Vec::new(),
            cookies: None,
            answer: None,
            saw_newest: false,
            is_elsewhere: false,
            asked_in_epoch: None,
            stats: Stats::default(),
            config,
        }
    }

    /// Seals `data` as one packet, appends it to `out`, and says how many bytes that is.
    ///
    /// Nothing is kept and nothing is repeated: what the network loses is lost.
    ///
    /// # Errors
    ///
    /// [`SendError`]; nothing is appended then.
    pub fn send(
        &mut self,
        now: Instant,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, SendError> {
        self.advance(now);
        match self.phase {
            Phase::Handshaking | Phase::Unverified => return Err(SendError::NotConnected),
            Phase::Ended { .. } => return Err(SendError::Closed),
            Phase::Connected => {}
        }
        let epoch = self.records.write_epoch();
        if data.len() > self.records.max_payload(epoch) {
            return Err(SendError::TooLong);
        }
        let start = out.len();
        match self.records.seal(epoch, ContentType::APPLICATION_DATA, data, out) {
            Ok(_) => {}
            Err(SealError::TooLong) => return Err(SendError::TooLong),
            Err(_) => return Err(SendError::KeysUsedUp),
        }
        if self.records.needs_key_update(epoch) {
            self.renew_keys();
        }
        let size = out.len() - start;
        self.stats.data_sent += 1;
        self.count_sent(size);
        Ok(size)
    }

    /// The next application data, one record of the peer at a time. None before the peer's certificate
    /// was found right.
    pub fn poll_data(&mut self) -> Option<&[u8]> {
        match self.phase {
            Phase::Connected | Phase::Ended { was_connected: true } => {}
            Phase::Handshaking | Phase::Unverified | Phase::Ended { was_connected: false } => {
                return None;
            }
        }
        let data = self.data.pop()?;
        self.stats.data_received += 1;
        Some(data)
    }

    /// The next thing to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether the next thing to know is that it has ended.
    pub(crate) fn tells_of_its_end(&self) -> bool {
        matches!(self.events.front(), Some(Event::Closed(_)))
    }

    /// When to call [`Association::handle_timeout`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if matches!(self.phase, Phase::Ended { .. }) {
            return None;
        }
        let acks = self.acks.deadline(self.outbox.timeout());
        [self.handshake_deadline, self.outbox.deadline(), acks].into_iter().flatten().min()
    }

    /// The deadline has come. An early call does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        if matches!(self.phase, Phase::Ended { .. }) {
            return;
        }
        if self.handshake_deadline.is_some_and(|deadline| deadline <= self.now) {
            self.end(CloseReason::Timeout);
            return;
        }
        let timeout = self.outbox.timeout();
        self.acks.handle_timeout(self.now, timeout);
        match self.outbox.handle_timeout(self.now) {
            Ok(repeated) => self.stats.timeouts += u64::from(repeated),
            Err(_) => self.end(CloseReason::Timeout),
        }
        self.expire();
    }

    /// Appends the next packet to `out`, at most [`Config::mtu`] bytes, and says how long it is.
    pub fn poll_packet(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<usize> {
        self.advance(now);
        let start = out.len();
        // A flight whose records cannot be sealed, because numbers have run out, is not sent any more;
        // its timer ends the handshake. What was sealed before that goes out all the same.
        let sent = self.poll_answer(out)
            || self.outbox.poll(&mut self.records, self.mtu, out).unwrap_or(out.len() > start)
            || self.poll_ack(out)
            || self.poll_alert(out);
        if !sent {
            return None;
        }
        let size = out.len() - start;
        self.count_sent(size);
        Some(size)
    }

    fn poll_answer(&mut self, out: &mut Vec<u8>) -> bool {
        let answer = self.answer.take();
        out.extend_from_slice(answer.as_deref().unwrap_or_default());
        answer.is_some()
    }

    fn poll_ack(&mut self, out: &mut Vec<u8>) -> bool {
        if !self.acks.is_due() {
            return false;
        }
        let epoch = self.records.write_epoch();
        let room = self.mtu.saturating_sub(self.records.overhead(epoch));
        let room = room.min(self.records.max_payload(epoch));
        self.scratch.clear();
        let polled = self.acks.poll(room, &mut self.scratch);
        let sent = polled && self.records.seal(epoch, ContentType::ACK, &self.scratch, out).is_ok();
        self.stats.acknowledgements_sent += u64::from(sent);
        sent
    }

    fn count_sent(&mut self, size: usize) {
        self.stats.datagrams_sent += 1;
        self.stats.bytes_sent += u64::try_from(size).unwrap_or(u64::MAX);
    }

    /// Says what the peer's certificate has to match, for [`PeerCheck::Later`](crate::PeerCheck::Later).
    ///
    /// # Errors
    ///
    /// [`SetFingerprintsError`] if they are not awaited.
    pub fn set_remote_fingerprints(
        &mut self,
        now: Instant,
        fingerprints: Vec<Fingerprint>,
    ) -> Result<(), SetFingerprintsError> {
        self.advance(now);
        if matches!(self.phase, Phase::Ended { .. }) {
            return Err(SetFingerprintsError::Closed);
        }
        let awaited = matches!(self.config.peer_check, crate::PeerCheck::Later);
        if !awaited || self.fingerprints.is_some() {
            return Err(SetFingerprintsError::NotAwaited);
        }
        self.fingerprints = Some(fingerprints);
        if self.phase == Phase::Unverified {
            self.verify();
        }
        Ok(())
    }

    /// Begins to use new keys, and asks the peer to do so too if `request_peer` is set. Version 1.3 only.
    ///
    /// # Errors
    ///
    /// [`UpdateKeysError`].
    pub fn update_keys(&mut self, now: Instant, request_peer: bool) -> Result<(), UpdateKeysError> {
        self.advance(now);
        if self.phase != Phase::Connected {
            return Err(UpdateKeysError::NotConnected);
        }
        let (handshake, mut cx) = self.split();
        match handshake {
            Some(Handshake::Connected13(connected)) => connected.update_keys(&mut cx, request_peer),
            _ => Err(UpdateKeysError::Version),
        }
    }

    /// Ends the association and tells the peer so. Later calls do nothing.
    pub fn close(&mut self, now: Instant) {
        self.advance(now);
        if !matches!(self.phase, Phase::Ended { .. }) {
            self.alerts.push(Alert::warning(AlertDescription::CLOSE_NOTIFY));
            self.end(CloseReason::Local);
        }
    }

    /// Ends the association with a fatal alert of the caller's choice, as who finds out more about the peer
    /// than a certificate says. Later calls do nothing.
    pub fn abort(&mut self, now: Instant, alert: AlertDescription) {
        self.advance(now);
        if !matches!(self.phase, Phase::Ended { .. }) {
            self.alerts.push(Alert::fatal(alert));
            self.end(CloseReason::Local);
        }
    }

    /// Ends the association without a word to the peer, which has forgotten it.
    pub(crate) fn abandon(&mut self) {
        self.end(CloseReason::Abandoned);
    }

    /// Sets the longest packet for the path, in bytes; what is still to be sent keeps to it. Never below
    /// [`MIN_MTU`].
    pub fn set_mtu(&mut self, mtu: usize) {
        self.mtu = mtu.max(MIN_MTU);
        self.outbox.set_knows_mtu(true);
    }

    /// Sets the round-trip time, if it is known from elsewhere: timeouts follow it (RFC 9147 §5.8.2).
    pub fn set_rtt(&mut self, rtt: Duration) {
        self.outbox.set_rtt(rtt);
    }

    /// What was agreed on so far.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Which side this is.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// Whether data can be sent.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.phase == Phase::Connected
    }

    /// Whether it has ended.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// What was counted.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Bytes held on the peer's account: fragments, flights, early records, data that was not fetched.
    #[must_use]
    pub fn held(&self) -> usize {
        self.inbox.held()
            + self.outbox.held()
            + self.transcript.held()
            + self.early.held()
            + self.data.held()
    }

    /// Time only goes forward: an earlier `now` counts as the latest seen.
    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn start_clock(&mut self) {
        if self.handshake_deadline.is_none() && self.phase == Phase::Handshaking {
            self.handshake_deadline = Some(self.now + self.config.handshake_timeout);
        }
    }

    /// The handshake, and what its steps may touch.
    fn split(&mut self) -> (&mut Option<Handshake>, Context<'_>) {
        let cx = Context {
            now: self.now,
            config: &self.config,
            side: self.side,
            rng: &mut self.rng,
            records: &mut self.records,
            outbox: &mut self.outbox,
            transcript: &mut self.transcript,
            session: &mut self.session,
            alerts: &mut self.alerts,
        };
        (&mut self.handshake, cx)
    }

    /// The handshake is over.
    fn connected(&mut self) {
        self.handshake_deadline = None;
        if matches!(self.config.peer_check, crate::PeerCheck::NoCertificate) {
            self.session.peer_verified = true;
        }
        if self.session.peer_verified {
            self.phase = Phase::Connected;
            self.report(Event::Connected);
            return;
        }
        self.phase = Phase::Unverified;
        self.report(Event::PeerCertificate);
        if self.fingerprints.is_some() {
            self.verify();
        }
    }

    /// Holds the peer's certificate against what came late.
    fn verify(&mut self) {
        let provider = self.config.provider;
        let list = self.fingerprints.as_deref().unwrap_or_default();
        let own = self.session.peer_chain.first();
        let matches = own.is_some_and(|der| list.iter().any(|one| one.matches(provider, der)));
        if matches || base::mutant::active("dtls-late-fingerprint-ignored") {
            self.session.peer_verified = true;
            self.phase = Phase::Connected;
            self.report(Event::Connected);
        } else {
            self.fail(Misdeed::FingerprintMismatch);
        }
    }

    /// The keys have done what they may: new ones in version 1.3, the end in version 1.2, which has none
    /// (RFC 9147 §4.5.3).
    fn renew_keys(&mut self) {
        let (handshake, mut cx) = self.split();
        if let Some(Handshake::Connected13(connected)) = handshake {
            // One that is under way already, or the last one, is as good.
            let _ = connected.update_keys(&mut cx, false);
        } else {
            self.alerts.push(Alert::warning(AlertDescription::CLOSE_NOTIFY));
            self.end(CloseReason::KeysUsedUp);
        }
    }

    /// The peer broke the protocol: it is told so, and that is the end.
    fn fail(&mut self, misdeed: Misdeed) {
        tracing::debug!(side = ?self.side, %misdeed, "the peer misbehaved");
        if !base::mutant::active("dtls-ends-in-silence") {
            self.alerts.push(Alert::fatal(misdeed.alert()));
        }
        self.end(CloseReason::Misdeed(misdeed));
    }

    fn end(&mut self, reason: CloseReason) {
        let was_connected = match self.phase {
            Phase::Ended { .. } => return,
            Phase::Connected => true,
            Phase::Handshaking | Phase::Unverified => false,
        };
        self.phase = Phase::Ended { was_connected };
        if !was_connected {
            self.data.clear();
        }
        self.handshake_deadline = None;
        self.outbox.clear();
        self.acks.answered();
        let _ = self.early.take();
        self.report(Event::Closed(reason));
    }

    fn report(&mut self, event: Event) {
        let dispensable = matches!(
            event,
            Event::KeysUpdated { .. } | Event::PeerKeysUpdated { .. } | Event::KeyLog(_)
        );
        if !dispensable || self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        }
    }
}

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Association")
            .field("side", &self.side)
            .field("phase", &self.phase)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
