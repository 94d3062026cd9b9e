//! The server: Binding, behind credentials if need be, and the second address of RFC 5780.

mod auth;
mod behavior;
mod challenge;
mod config;
mod nonce;
mod rate_limit;

use std::{collections::VecDeque, convert::Infallible, net::SocketAddr};

use base::{Datagram, Instant, Machine, Rng, Transmit};
use smallvec::SmallVec;

pub use challenge::{Arrival, Challenge, Name, Refusal};
pub use config::{
    Access, Behavior, LongTermAccess, RateLimit, Redirect, ServerConfig, ServerTransport,
    ShortTermAccess,
};
pub use nonce::NonceMint;
pub use rate_limit::{Limiter, MAX_SOURCES};

use self::{auth::Protection, behavior::Route};
use crate::{
    Builder, DropReason, Drops, Message,
    wire::{
        AlternateDomain, AlternateServer, AttributeType, Check, Class, Code, ErrorCode,
        MappedAddress, MessageType, Method, NotUnderstood, Software, XorMappedAddress,
    },
};

/// Most responses that wait to be sent.
pub const MAX_RESPONSES: usize = 1_024;

/// What a server has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Messages that came.
    pub received: u64,
    /// Success responses sent.
    pub successes: u64,
    /// Error responses sent.
    pub errors: u64,
    /// Indications taken.
    pub indications: u64,
    /// Messages dropped.
    pub dropped: Drops,
}

/// A STUN server.
///
/// It keeps nothing about clients but how much each source got lately: a Binding request is computed
/// anew when it is repeated, which gives the same response (RFC 8489 §6.3.1), and nonces are known by
/// looking at them.
///
/// It needs no timer and has no events.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    now: Instant,
    mint: NonceMint,
    limiter: Limiter,
    responses: VecDeque<Transmit>,
    /// The responses one behind the other.
    bytes: VecDeque<u8>,
    scratch: Vec<u8>,
    stats: ServerStats,
}

/// A request that passed the basic checks.
#[derive(Clone, Copy)]
struct Request<'a> {
    message: Message<'a>,
    /// Who sent it.
    client: SocketAddr,
    /// Where it came in.
    local: SocketAddr,
}

/// What is answered.
enum Answer {
    /// The address of the client.
    Success(Route),
    /// An error.
    Error(Code),
    /// An error that lists what was not understood.
    Unknown(SmallVec<[AttributeType; 8]>),
    /// Another server.
    Elsewhere(Vec<SocketAddr>),
}

impl Server {
    /// A server that has served nobody yet.
    #[must_use]
    pub fn new(config: ServerConfig, mut rng: Rng, now: Instant) -> Self {
        Self {
            mint: NonceMint::new(config.provider, &mut rng),
            config,
            now,
            limiter: Limiter::default(),
            responses: VecDeque::new(),
            bytes: VecDeque::new(),
            scratch: Vec::new(),
            stats: ServerStats::default(),
        }
    }

    /// What the server has done so far.
    #[must_use]
    pub const fn stats(&self) -> ServerStats {
        self.stats
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    /// The checks that come before any credential: RFC 8489 §6.3.
    fn receive(&mut self, now: Instant, datagram: Datagram<'_>) -> Result<(), DropReason> {
        let message =
            Message::parse_any_cookie(datagram.payload).map_err(|_| DropReason::Malformed)?;
        if message.method() != Method::BINDING {
            return Err(DropReason::UnsupportedMethod);
        }
        if message.class().is_response() {
            return Err(DropReason::UnexpectedClass);
        }
        if message.is_classic() {
            self.check_classic(&message)?;
        }
        match message.check_fingerprint() {
            Check::Failed if !message.is_classic() => return Err(DropReason::BadFingerprint),
            Check::Absent if self.config.requires_fingerprint => {
                return Err(DropReason::BadFingerprint);
            }
            _ => {}
        }
        if message.class() == Class::Indication {
            return self.indication(&message);
        }
        if !self.limiter.admits(now, datagram.source.ip(), self.config.rate_limit) {
            return Err(DropReason::RateLimited);
        }
        if self.responses.len() >= MAX_RESPONSES {
            return Err(DropReason::QueueFull);
        }
        let request = Request { message, client: datagram.source, local: datagram.destination };
        self.respond(now, request);
        Ok(())
    }

    /// Whether a message of RFC 3489 is let in: RFC 8489 §11. Over DTLS a request is, to be told off.
    fn check_classic(&self, message: &Message<'_>) -> Result<(), DropReason> {
        let is_open = matches!(self.config.access, Access::Open);
        let is_request = message.class() == Class::Request;
        match self.config.transport {
            ServerTransport::Udp if self.config.serves_classic_clients && is_open => Ok(()),
            ServerTransport::Dtls if is_request => Ok(()),
            _ => Err(DropReason::Classic),
        }
    }

    /// RFC 8489 §6.3.2, §9.1.3: nothing is to be done but to see whether it is in order.
    fn indication(&mut self, message: &Message<'_>) -> Result<(), DropReason> {
        if let Access::ShortTerm(access) = &self.config.access {
            access.authenticate(message).map_err(|_| DropReason::Unauthenticated)?;
        }
        if message.has_not_understood(AttributeType::is_known) {
            return Err(DropReason::UnknownAttribute);
        }
        self.stats.indications += 1;
        Ok(())
    }

    /// Decides on the response to a request and queues it.
    fn respond(&mut self, now: Instant, request: Request<'_>) {
        let arrival = Arrival { now, client: request.client };
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let direct = Route::direct(request.client, request.local);
        let authenticated = self.config.access.authenticate(&self.mint, arrival, &request.message);
        let (is_success, route) = match authenticated {
            Err(refusal) => {
                self.write_refusal(refusal, arrival, request, &mut scratch);
                (false, direct)
            }
            Ok(protection) => {
                let answer = self.decide(request, protection);
                self.write_answer(&answer, request, protection, &mut scratch);
                match answer {
                    Answer::Success(route) => (true, route),
                    _ => (false, direct),
                }
            }
        };
        self.stats.successes += u64::from(is_success);
        self.stats.errors += u64::from(!is_success);
        let transmit = Transmit::new(route.destination, scratch.len()).from(route.source);
        self.responses.push_back(transmit);
        self.bytes.extend(&scratch);
        self.scratch = scratch;
    }

    /// RFC 8489 §6.3.1, RFC 5780 §6.1.
    fn decide(&self, request: Request<'_>, protection: Protection<'_>) -> Answer {
        if request.message.is_classic() && self.config.transport == ServerTransport::Dtls {
            return Answer::Error(Code::SERVER_ERROR);
        }
        let mut unknown = request.message.not_understood(|kind| self.understands(kind, request));
        if base::mutant::active("stun-unknown-optional-rejected") {
            let kinds = request.message.attributes().map(|attribute| attribute.kind);
            unknown.extend(kinds.filter(|kind| !kind.is_known()));
        }
        if !unknown.is_empty() {
            return Answer::Unknown(unknown);
        }
        if let Some(redirect) = &self.config.redirect {
            // RFC 8489 §14.8: a 300 is only for who has shown a credential.
            if !protection.is_authenticated() {
                return Answer::Error(Code::BAD_REQUEST);
            }
            return elsewhere(redirect, request.client);
        }
        match self.config.behavior.map(|behavior| behavior.route(request)) {
            None => Answer::Success(Route::direct(request.client, request.local)),
            Some(Ok(route)) => Answer::Success(route),
            Some(Err(code)) => Answer::Error(code),
        }
    }

    /// Whether the server can heed, or may pass over, an attribute of a request.
    fn understands(&self, kind: AttributeType, request: Request<'_>) -> bool {
        if base::mutant::active("stun-unknown-accepted") {
            return true;
        }
        let behavior = self.config.behavior.filter(|_| {
            self.config.transport == ServerTransport::Udp && !request.message.is_classic()
        });
        match kind {
            AttributeType::CHANGE_REQUEST => {
                behavior.is_some_and(|behavior| behavior.has_other(request.local))
            }
            AttributeType::RESPONSE_PORT => {
                behavior.is_some_and(|behavior| behavior.takes_response_port)
            }
            AttributeType::PADDING => behavior.is_some_and(|behavior| behavior.padding.is_some()),
            other => other.is_known(),
        }
    }

    fn begin<'b>(
        &self,
        request: Request<'_>,
        class: Class,
        buffer: &'b mut Vec<u8>,
    ) -> Builder<'b> {
        let message = request.message;
        let message_type = MessageType::new(message.method(), class);
        let cookie = message.cookie();
        let mut builder =
            Builder::with_cookie(buffer, message_type, cookie, message.transaction_id());
        let software = self.config.software.as_deref().and_then(|text| Software::new(text).ok());
        builder.put_some(software.as_ref());
        builder
    }

    /// A response in kind: with a fingerprint if the request has one.
    fn end(request: Request<'_>, protection: Protection<'_>, builder: &mut Builder<'_>) {
        protection.protect(builder);
        let is_mute = base::mutant::active("stun-fingerprint-unanswered");
        if request.message.has_fingerprint() && !is_mute {
            builder.fingerprint();
        }
    }

    fn write_refusal(
        &self,
        refusal: Refusal,
        arrival: Arrival,
        request: Request<'_>,
        buffer: &mut Vec<u8>,
    ) {
        let mut builder = self.begin(request, Class::Error, buffer);
        builder.put(&ErrorCode::new(refusal.code));
        if let (true, Access::LongTerm(access)) = (refusal.challenges, &self.config.access) {
            access.put_challenge(&self.mint, arrival, &mut builder);
        }
        Self::end(request, Protection::None, &mut builder);
    }

    fn write_answer(
        &self,
        answer: &Answer,
        request: Request<'_>,
        protection: Protection<'_>,
        buffer: &mut Vec<u8>,
    ) {
        let class = match answer {
            Answer::Success(_) => Class::Success,
            _ => Class::Error,
        };
        let mut builder = self.begin(request, class, buffer);
        let mut protection = protection;
        match answer {
            Answer::Success(route) => self.put_success(route, request, &mut builder),
            Answer::Error(code) => {
                builder.put(&ErrorCode::new(*code));
            }
            Answer::Unknown(types) => {
                builder.put(&ErrorCode::new(Code::UNKNOWN_ATTRIBUTE));
                if !base::mutant::active("stun-420-missing-list") {
                    builder.put(&NotUnderstood(types));
                }
                if base::mutant::active("stun-error-without-integrity") {
                    protection = Protection::None;
                }
            }
            Answer::Elsewhere(servers) => {
                builder.put(&ErrorCode::new(Code::TRY_ALTERNATE));
                for server in servers {
                    builder.put(&AlternateServer(*server));
                }
                let domain = self.config.redirect.as_ref().and_then(|it| it.domain.as_deref());
                let domain = domain.and_then(|domain| AlternateDomain::new(domain).ok());
                builder.put_some(domain.as_ref());
            }
        }
        Self::end(request, protection, &mut builder);
    }

    /// RFC 8489 §6.3.1.1, §11; RFC 5780 §6.1.
    fn put_success(&self, route: &Route, request: Request<'_>, builder: &mut Builder<'_>) {
        if request.message.is_classic() {
            builder.put(&MappedAddress(request.client));
            return;
        }
        builder.put(&XorMappedAddress(request.client));
        if let Some(behavior) = &self.config.behavior {
            builder.put(&MappedAddress(request.client));
            behavior.put_attributes(route, request, builder);
        }
    }
}

/// Where a client is sent: RFC 8489 §10, first to an address of its own family.
fn elsewhere(redirect: &Redirect, client: SocketAddr) -> Answer {
    let (own, other) = match client.is_ipv4() {
        true => (redirect.ipv4, redirect.ipv6),
        false => (redirect.ipv6, redirect.ipv4),
    };
    match own {
        Some(own) => Answer::Elsewhere(std::iter::once(own).chain(other).collect()),
        // There must be one of the family the request came over, and there is none to name.
        None => Answer::Error(Code::SERVER_ERROR),
    }
}

impl Machine for Server {
    type Event = Infallible;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let now = self.advance(now);
        self.stats.received += 1;
        if let Err(reason) = self.receive(now, datagram) {
            self.stats.dropped.count(reason);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }

    fn poll_transmit(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let transmit = self.responses.pop_front()?;
        buffer.extend(self.bytes.drain(..transmit.size.min(self.bytes.len())));
        Some(transmit)
    }

    fn poll_event(&mut self) -> Option<Self::Event> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}
