//! The client: requests, their retransmissions, and what becomes of them.

mod auth;
mod event;
mod known;
mod request;
mod response;
mod transaction;

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use base::{Datagram, Instant, Machine, Rng, SocketError, Transmit};
use crypto::Provider;

pub(crate) use auth::{Auth, Session, Verdict};
pub use event::{ClientEvent, FailReason, Response};
pub use request::{Request, RequestId};

use self::{
    known::KnownServers,
    transaction::{Attempts, Phase, Transaction, TransactionDue},
};
use crate::{
    Builder, Credential, Drops, Integrity, Timing,
    retransmission::Retransmission,
    wire::{Class, Software, TransactionId},
};

/// Most transactions in progress with one server: RFC 8489 §6.2.
pub const MAX_OUTSTANDING_PER_SERVER: usize = 10;
/// Most requests in progress in all, and most events that wait to be asked for. An ICE agent of a
/// hundred pairs stays below.
pub const MAX_REQUESTS: usize = 256;
/// Most indications that wait to be sent.
pub const MAX_INDICATIONS: usize = 64;

/// How a client is set up.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The cryptography.
    pub provider: Provider,
    /// The timers.
    pub timing: Timing,
    /// Who the client is, for servers that ask.
    pub credential: Option<Credential>,
    /// Whether messages carry FINGERPRINT and responses must: RFC 8489 §7.
    pub uses_fingerprint: bool,
    /// Whether to go where a 300 points: RFC 8489 §10. Only an authenticated one is believed.
    pub follows_alternate_server: bool,
    /// Whether a server of RFC 3489 may answer, with MAPPED-ADDRESS and attributes that are no more:
    /// RFC 8489 §11.
    pub accepts_classic_servers: bool,
    /// How often a request is made again after an error of the server's own: RFC 8489 §6.3.4.
    pub server_error_retries: u8,
    /// Whether to take SHA-256 for the key of a long-term credential wherever the server offers it, as
    /// TURN has it (RFC 8656 §6), rather than what the server lists first (RFC 8489 §9.2.5).
    pub prefers_sha256: bool,
    /// What the client says of itself. Nothing by default: RFC 8489 §6.1 would have it said, §16.1.2
    /// would have it be a choice.
    pub software: Option<String>,
}

impl ClientConfig {
    /// The defaults of the texts with the cryptography of `provider`.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self {
            provider,
            timing: Timing::default(),
            credential: None,
            uses_fingerprint: false,
            follows_alternate_server: false,
            accepts_classic_servers: false,
            server_error_retries: 4,
            prefers_sha256: false,
            software: None,
        }
    }
}

/// Why a request or an indication was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// As many requests to this server, or to all, are in progress as may be.
    #[error("too many transactions in progress")]
    Busy,
    /// The attributes, or the username, do not fit.
    #[error("attributes do not fit a message")]
    TooLong,
}

/// What a client has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientStats {
    /// Transactions begun.
    pub transactions: u64,
    /// Requests sent again.
    pub retransmissions: u64,
    /// Indications sent.
    pub indications_sent: u64,
    /// Indications received.
    pub indications_received: u64,
    /// Messages dropped.
    pub dropped: Drops,
}

/// A client of any number of servers.
///
/// ```
/// use base::{Instant, Machine, Rng};
/// use stun::{Client, ClientConfig, Request};
///
/// let config = ClientConfig::new(crypto::Provider::default());
/// let mut client = Client::new(config, Rng::from_seed([1; 32]), Instant::ZERO);
/// client.request(Instant::ZERO, Request::binding("192.0.2.1:3478".parse().unwrap())).unwrap();
/// let mut buffer = Vec::new();
/// let transmit = client.poll_transmit(Instant::ZERO, &mut buffer).unwrap();
/// assert_eq!((transmit.size, buffer.len()), (20, 20));
/// ```
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    rng: Rng,
    now: Instant,
    transactions: Vec<Transaction>,
    known: KnownServers,
    indications: VecDeque<Indication>,
    events: VecDeque<ClientEvent>,
    stats: ClientStats,
    next_request: u64,
}

#[derive(Debug)]
struct Indication {
    bytes: Vec<u8>,
    source: Option<SocketAddr>,
    server: SocketAddr,
}

impl Client {
    /// A client that knows no server yet.
    #[must_use]
    pub fn new(config: ClientConfig, rng: Rng, now: Instant) -> Self {
        Self {
            config,
            rng,
            now,
            transactions: Vec::new(),
            known: KnownServers::default(),
            indications: VecDeque::new(),
            events: VecDeque::new(),
            stats: ClientStats::default(),
            next_request: 0,
        }
    }

    /// Makes a request. Exactly one [`ClientEvent::Succeeded`] or [`ClientEvent::Failed`] will tell of
    /// its end.
    ///
    /// # Errors
    ///
    /// `RequestError` if there are too many, or if it does not fit a message.
    pub fn request(&mut self, now: Instant, request: Request) -> Result<RequestId, RequestError> {
        let now = self.advance(now);
        let in_progress = self.transactions.iter();
        let to_server = in_progress.filter(|other| other.request.server == request.server).count();
        let total = self.transactions.len() + self.events.len();
        if to_server >= MAX_OUTSTANDING_PER_SERVER || total >= MAX_REQUESTS {
            return Err(RequestError::Busy);
        }
        let request_id = RequestId(self.next_request);
        let auth = self.first_auth(request.server);
        let attempts = Attempts::default();
        let transaction = self.begin(now, request_id, request, auth, attempts)?;
        self.next_request += 1;
        self.transactions.push(transaction);
        Ok(request_id)
    }

    /// Sends an indication, once: RFC 8489 §6.2.1. A long-term credential cannot protect it
    /// (§9.2), a short-term one does.
    ///
    /// # Errors
    ///
    /// `RequestError` if too many wait to be sent, or if it does not fit a message.
    pub fn indicate(&mut self, now: Instant, indication: &Request) -> Result<(), RequestError> {
        self.advance(now);
        if self.indications.len() >= MAX_INDICATIONS {
            return Err(RequestError::Busy);
        }
        let auth = match self.first_auth(indication.server) {
            Auth::Long(..) => Auth::None,
            other => other,
        };
        let id = TransactionId::random(&mut self.rng);
        let bytes = self.assemble(indication, Class::Indication, id, &auth)?;
        let (source, server) = (indication.source, indication.server);
        self.indications.push_back(Indication { bytes, source, server });
        self.stats.indications_sent += 1;
        Ok(())
    }

    /// Forgets a request; no event will tell of it, and a late response is dropped.
    pub fn cancel(&mut self, now: Instant, request: RequestId) {
        self.advance(now);
        self.transactions.retain(|transaction| transaction.request_id != request);
    }

    /// The connection to `server` broke: what was sent over it has failed (RFC 8489 §6.2.2).
    pub fn handle_connection_lost(&mut self, now: Instant, server: SocketAddr) {
        self.advance(now);
        self.fail_where(FailReason::ConnectionLost, |transaction| {
            transaction.request.is_reliable && transaction.request.server == server
        });
    }

    /// Shows servers another credential from now on. What was agreed upon with the old one is
    /// forgotten; requests in progress go on with the one they began with.
    pub fn set_credential(&mut self, now: Instant, credential: Option<Credential>) {
        self.advance(now);
        self.config.credential = credential;
        self.known.forget_credentials();
    }

    /// Whether a response with this transaction id would belong to a request in progress: for those
    /// who share a port with others.
    #[must_use]
    pub fn awaits(&self, id: TransactionId) -> bool {
        self.transactions
            .iter()
            .any(|transaction| transaction.is_in_flight() && transaction.id == id)
    }

    /// Requests in progress.
    #[must_use]
    pub fn requests_in_progress(&self) -> usize {
        self.transactions.len()
    }

    /// What the client has done so far.
    #[must_use]
    pub const fn stats(&self) -> ClientStats {
        self.stats
    }

    /// Takes `now` for the present, unless it is past.
    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    /// What a new request to `server` is authenticated with.
    fn first_auth(&self, server: SocketAddr) -> Auth {
        match &self.config.credential {
            None => Auth::None,
            Some(Credential::ShortTerm(short)) => {
                let integrity = match short.integrity {
                    Integrity::Both => self.known.integrity(server),
                    chosen => Some(chosen),
                };
                Auth::Short(short.clone(), integrity.unwrap_or_default())
            }
            // RFC 8489 §9.2.3: the first request goes unprotected, later ones repeat the session.
            Some(Credential::LongTerm(long)) => match self.known.session(server) {
                Some(session) => Auth::Long(long.clone(), session),
                None => Auth::None,
            },
        }
    }

    /// Begins a transaction for a request.
    fn begin(
        &mut self,
        now: Instant,
        request_id: RequestId,
        request: Request,
        auth: Auth,
        mut attempts: Attempts,
    ) -> Result<Transaction, RequestError> {
        let id = TransactionId::random(&mut self.rng);
        let bytes = self.assemble(&request, Class::Request, id, &auth)?;
        let timing = &request.timing.unwrap_or(self.config.timing);
        let phase = if request.is_reliable {
            Phase::Reliable { began_at: now, deadline: now + timing.ti }
        } else {
            let rto = self.known.rto(now, request.server, timing.rto);
            let timer = Retransmission::start(now, rto, timing);
            Phase::Unreliable { timer, began_at: now, was_resent: false, is_violated: false }
        };
        attempts.servers.retain(|(server, _)| *server != request.server);
        attempts.servers.push((request.server, now));
        self.stats.transactions += 1;
        Ok(Transaction { request_id, request, id, bytes, auth, phase, is_unsent: true, attempts })
    }

    fn assemble(
        &self,
        request: &Request,
        class: Class,
        id: TransactionId,
        auth: &Auth,
    ) -> Result<Vec<u8>, RequestError> {
        if !self.config.credential.as_ref().is_none_or(|it| auth::fits_username(it.username())) {
            return Err(RequestError::TooLong);
        }
        let mut bytes = Vec::new();
        let mut builder = Builder::new(&mut bytes, request.method, class, id);
        if let Some(software) = &self.config.software {
            builder.put(&Software::new(software).map_err(|_| RequestError::TooLong)?);
        }
        request.put_attributes(&mut builder, id);
        auth.protect(request.method, &mut builder);
        if self.config.uses_fingerprint {
            builder.fingerprint();
        }
        builder.finish().map_err(|_| RequestError::TooLong)?;
        Ok(bytes)
    }

    /// Takes out the transactions that `is_hit` picks, and reports them as failed.
    fn fail_where(&mut self, reason: FailReason, is_hit: impl Fn(&Transaction) -> bool) {
        let failed = self.transactions.extract_if(.., |transaction| is_hit(transaction));
        self.events.extend(failed.map(|transaction| ClientEvent::Failed {
            request: transaction.request_id,
            reason,
            response: None,
        }));
    }

    /// Begins another transaction for the request of a finished one.
    fn begin_again(&mut self, now: Instant, finished: Transaction, auth: Auth) {
        let Transaction { request_id, request, attempts, .. } = finished;
        match self.begin(now, request_id, request, auth, attempts) {
            Ok(transaction) => self.transactions.push(transaction),
            Err(_) => self.events.push_back(ClientEvent::Failed {
                request: request_id,
                reason: FailReason::TooLong,
                response: None,
            }),
        }
    }
}

impl Machine for Client {
    type Event = ClientEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let now = self.advance(now);
        if let Err(reason) = self.receive(now, datagram) {
            self.stats.dropped.count(reason);
        }
    }

    /// RFC 8489 §6.2.1: a hard error ends the transactions it concerns.
    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.advance(now);
        if error.kind.is_hard() {
            self.fail_where(FailReason::Unreachable(error.kind), |transaction| {
                let source = transaction.request.source;
                !transaction.request.is_reliable
                    && transaction.is_in_flight()
                    && transaction.request.server == error.remote
                    && source.is_none_or(|source| source == error.local)
            });
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        let mut timed_out = Vec::new();
        let mut again = Vec::new();
        for transaction in &mut self.transactions {
            match transaction.expire(now) {
                TransactionDue::Nothing => {}
                TransactionDue::Resend => self.stats.retransmissions += 1,
                TransactionDue::TimedOut(reason) => {
                    timed_out.push((transaction.request_id, reason));
                }
                TransactionDue::TryAgain => again.push(transaction.request_id),
            }
        }
        for (request, reason) in timed_out {
            self.transactions.retain(|transaction| transaction.request_id != request);
            self.events.push_back(ClientEvent::Failed { request, reason, response: None });
        }
        for request_id in again {
            let position = self.transactions.iter().position(|it| it.request_id == request_id);
            if let Some(position) = position {
                let finished = self.transactions.remove(position);
                let auth = finished.auth.clone();
                self.begin_again(now, finished, auth);
            }
        }
    }

    fn poll_transmit(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let unsent = self.transactions.iter_mut().find(|transaction| transaction.is_unsent);
        let (bytes, source, server) = match unsent {
            Some(transaction) => {
                transaction.is_unsent = false;
                let request = &transaction.request;
                buffer.extend_from_slice(&transaction.bytes);
                (transaction.bytes.len(), request.source, request.server)
            }
            None => {
                let indication = self.indications.pop_front()?;
                buffer.extend_from_slice(&indication.bytes);
                (indication.bytes.len(), indication.source, indication.server)
            }
        };
        Some(Transmit { source, ..Transmit::new(server, bytes) })
    }

    fn poll_event(&mut self) -> Option<Self::Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.transactions.iter().map(Transaction::deadline).min()
    }
}

/// How long to wait before the `nth` attempt after an error of the server's own.
fn server_error_backoff(rto: Duration, nth: u8) -> Duration {
    rto.saturating_mul(1 << u32::from(nth.min(16)))
}
