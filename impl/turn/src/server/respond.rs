//! Answers.

use std::net::SocketAddr;

use base::Ecn;
use stun::{
    Arrival, Builder, Integrity, Key, Message, Refusal,
    wire::{
        AlternateDomain, AlternateServer, AttributeType, Class, Code, ErrorCode, Method,
        NotUnderstood, Software, ThirdPartyAuthorization, TransactionId,
    },
};

use super::{
    Server,
    allocation::Path,
    auth::Authentic,
    event::{Client, ClientTransport, ServerEvent},
    outbox::Route,
    stats::DropReason,
};

/// What is needed to answer a request, at once or later.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) path: Path,
    pub(super) method: Method,
    pub(super) id: TransactionId,
    key: Option<(Key, Integrity)>,
    has_fingerprint: bool,
}

impl Reply {
    /// To a request that nobody vouches for.
    pub(super) fn new(path: Path, request: &Message<'_>) -> Self {
        Self {
            path,
            method: request.method(),
            id: request.transaction_id(),
            key: None,
            has_fingerprint: request.has_fingerprint(),
        }
    }

    /// The same, under the protection of the request's own key.
    pub(super) fn protected(self, authentic: &Authentic) -> Self {
        let key = Some((authentic.credential.key.clone(), authentic.integrity));
        Self { key, ..self }
    }

    fn begin<'b>(&self, class: Class, buffer: &'b mut Vec<u8>) -> Builder<'b> {
        Builder::new(buffer, self.method, class, self.id)
    }

    fn end(&self, builder: &mut Builder<'_>) {
        match &self.key {
            Some((key, Integrity::Sha256)) => {
                builder.integrity_sha256(key);
            }
            Some((key, Integrity::Sha1 | Integrity::Both)) => {
                builder.integrity(key);
            }
            None => {}
        }
        if self.has_fingerprint {
            builder.fingerprint();
        }
    }

    /// RFC 8656 §5: with allocations comes what made them.
    fn put_software(&self, software: Option<&str>, builder: &mut Builder<'_>) {
        if matches!(self.method, Method::ALLOCATE | Method::REFRESH) {
            let software = software.and_then(|text| Software::new(text).ok());
            builder.put_some(software.as_ref());
        }
    }
}

impl Server {
    /// Answers that it was done, with what `put` puts.
    pub(super) fn succeed(&mut self, reply: &Reply, put: impl FnOnce(&mut Builder<'_>)) {
        self.stats.successes += 1;
        let software = self.config.software.take();
        self.send(&reply.path, |buffer| {
            let mut builder = reply.begin(Class::Success, buffer);
            put(&mut builder);
            reply.put_software(software.as_deref(), &mut builder);
            reply.end(&mut builder);
        });
        self.config.software = software;
    }

    /// Answers a request with a good credential that it was not done.
    pub(super) fn refuse(&mut self, reply: &Reply, from: &Authentic, code: Code) {
        self.refuse_with(reply, from, code, |_| {});
    }

    /// The same for a request with attributes that were not understood.
    pub(super) fn refuse_unknown(
        &mut self,
        reply: &Reply,
        from: &Authentic,
        types: &[AttributeType],
    ) {
        self.refuse_with(reply, from, Code::UNKNOWN_ATTRIBUTE, |builder| {
            builder.put(&NotUnderstood(types));
        });
    }

    /// The same with the address of another server: RFC 8489 §10.
    pub(super) fn redirect(&mut self, reply: &Reply, from: &Authentic) {
        let redirect = self.config.redirect.clone().unwrap_or_default();
        let (own, other) = match reply.path.client.is_ipv4() {
            true => (redirect.ipv4, redirect.ipv6),
            false => (redirect.ipv6, redirect.ipv4),
        };
        let Some(own) = own else {
            // There must be one of the family the request came over, and there is none to name.
            return self.refuse(reply, from, Code::INSUFFICIENT_CAPACITY);
        };
        self.refuse_with(reply, from, Code::TRY_ALTERNATE, |builder| {
            builder.put(&AlternateServer(own));
            builder.put_some(other.map(AlternateServer).as_ref());
            let domain = redirect.domain.as_deref();
            let domain = domain.and_then(|domain| AlternateDomain::new(domain).ok());
            builder.put_some(domain.as_ref());
        });
    }

    fn refuse_with(
        &mut self,
        reply: &Reply,
        from: &Authentic,
        code: Code,
        put: impl FnOnce(&mut Builder<'_>),
    ) {
        self.stats.errors += 1;
        self.tell(ServerEvent::Refused {
            client: Client {
                address: reply.path.client,
                transport: match reply.path.stream {
                    None => ClientTransport::Udp,
                    Some(_) => ClientTransport::Tcp,
                },
                username: from.credential.printable.clone(),
            },
            method: reply.method,
            code,
        });
        let software = self.config.software.take();
        self.send(&reply.path, |buffer| {
            let mut builder = reply.begin(Class::Error, buffer);
            builder.put(&ErrorCode::new(code));
            put(&mut builder);
            reply.put_software(software.as_deref(), &mut builder);
            reply.end(&mut builder);
        });
        self.config.software = software;
    }

    /// Answers a request without a good credential, as shortly as can be: whoever's address is in the
    /// datagram gets it. Says nothing at all beyond the rate of the source.
    pub(super) fn challenge(&mut self, arrival: Arrival, reply: &Reply, refusal: Refusal) {
        self.answer_stranger(arrival, reply, |server, builder| {
            builder.put(&ErrorCode { code: refusal.code, reason: "" });
            if !refusal.challenges {
                return;
            }
            let accounts = &server.config.accounts;
            accounts.challenge().put(&server.mint, arrival, builder);
            let name = accounts.tokens().map(super::accounts::Tokens::server_name);
            let name = name.and_then(|name| ThirdPartyAuthorization::new(name).ok());
            builder.put_some(name.as_ref());
        });
    }

    /// Answers a request without a good credential that something in it was not understood.
    pub(super) fn refuse_stranger(
        &mut self,
        arrival: Arrival,
        reply: &Reply,
        types: &[AttributeType],
    ) {
        self.answer_stranger(arrival, reply, |_, builder| {
            builder.put(&ErrorCode { code: Code::UNKNOWN_ATTRIBUTE, reason: "" });
            builder.put(&NotUnderstood(types));
        });
    }

    fn answer_stranger(
        &mut self,
        arrival: Arrival,
        reply: &Reply,
        put: impl FnOnce(&Self, &mut Builder<'_>),
    ) {
        let limit = self.config.challenge_limit;
        if !self.challenges.admits(arrival.now, arrival.client.ip(), limit) {
            return self.drop_for(DropReason::RateLimited);
        }
        self.stats.challenges += 1;
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        put(self, &mut reply.begin(Class::Error, &mut scratch));
        self.send(&reply.path, |buffer| buffer.extend_from_slice(&scratch));
        self.scratch = scratch;
    }

    /// Sends a message to a client.
    pub(super) fn send(&mut self, path: &Path, write: impl FnOnce(&mut Vec<u8>)) {
        match path.stream {
            Some(id) => self.send_on_stream(id, write),
            None => self.send_datagram(path.local, path.client, Ecn::NotEct, write),
        }
    }

    /// Sends a datagram.
    pub(super) fn send_datagram(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        ecn: Ecn,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        if !self.outbox.push(Route { source, destination, ecn }, write) {
            self.drop_for(DropReason::QueueFull);
        }
    }

    pub(super) fn drop_for(&mut self, reason: DropReason) {
        self.stats.dropped.count(reason);
    }
}
