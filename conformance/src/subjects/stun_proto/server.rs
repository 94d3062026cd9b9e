//! A server made of their parts.

use std::{collections::VecDeque, net::SocketAddr};

use base::{Datagram, Instant, Machine, Transmit};
use stun_proto::{
    agent::StunAgent,
    auth::{Feature, LongTermServerAuth, LongTermServerAuthErrorReason as Reason},
};
use stun_types::{
    TransportType,
    attribute::{
        AttributeType, ErrorCode, Fingerprint, MessageIntegrity, MessageIntegritySha256, Nonce,
        PasswordAlgorithm, Realm, Software, UnknownAttributes, Userhash, Username,
        XorMappedAddress,
    },
    message::{
        BINDING, IntegrityAlgorithm, LongTermCredentials, Message, MessageClass,
        MessageIntegrityCredentials, MessageWriteVec, ShortTermCredentials, StunWriteError,
        ValidateError,
    },
    prelude::*,
};

use super::at;
use crate::subjects::stun::{Authentication, Credential, StunServer, StunServerConfig};

/// The comprehension-required attributes that their library has types for.
const KNOWN: [AttributeType; 11] = [
    MessageIntegrity::TYPE,
    MessageIntegritySha256::TYPE,
    Username::TYPE,
    Userhash::TYPE,
    Realm::TYPE,
    Nonce::TYPE,
    PasswordAlgorithm::TYPE,
    XorMappedAddress::TYPE,
    ErrorCode::TYPE,
    UnknownAttributes::TYPE,
    Fingerprint::TYPE,
];

enum Guard {
    Open,
    ShortTerm(Credential, MessageIntegrityCredentials),
    LongTerm(Box<LongTermServerAuth>),
}

pub(super) struct Server {
    agent: StunAgent,
    guard: Guard,
    software: Option<&'static str>,
    fingerprint: bool,
    outbox: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
}

/// What a guard says to a request.
enum Answer {
    /// Serve it; protect the response like this.
    Serve(Option<IntegrityAlgorithm>),
    /// Refuse it with this code.
    Refuse(u16),
}

impl Server {
    pub(super) fn new(config: &StunServerConfig) -> Self {
        let local = config.addresses.first().copied();
        let local = local.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 3478)));
        Self {
            agent: StunAgent::builder(TransportType::Udp, local).build(),
            guard: guard(config),
            software: config.software,
            fingerprint: config.fingerprint,
            outbox: VecDeque::new(),
        }
    }

    fn respond(&mut self, now: Instant, datagram: &Datagram<'_>) -> Option<Vec<u8>> {
        let message = Message::from_bytes(datagram.payload).ok()?;
        if self.fingerprint && !message.has_attribute(Fingerprint::TYPE) {
            return None;
        }
        if !self.agent.handle_stun_message_with_time(&message, datagram.source, at(now)) {
            return None;
        }
        if !message.has_class(MessageClass::Request) || !message.has_method(BINDING) {
            return None;
        }
        let answer = self.admit(now, &message, datagram.source);
        let response = match answer {
            Answer::Refuse(code) => self.refuse(&message, code, datagram.source),
            Answer::Serve(protection) => self.serve(&message, protection, datagram.source),
        };
        response.ok()
    }

    fn admit(&mut self, now: Instant, message: &Message<'_>, source: SocketAddr) -> Answer {
        match &mut self.guard {
            Guard::Open => Answer::Serve(None),
            Guard::ShortTerm(credential, key) => {
                let Ok(username) = message.attribute::<Username>() else {
                    return Answer::Refuse(400);
                };
                match message.validate_integrity(key) {
                    Err(ValidateError::Parse(_)) => Answer::Refuse(400),
                    _ if username.username() != credential.username => Answer::Refuse(401),
                    Err(ValidateError::IntegrityFailed) => Answer::Refuse(401),
                    Ok(algorithm) => Answer::Serve(Some(algorithm)),
                }
            }
            Guard::LongTerm(auth) => {
                match auth.validate_incoming_message(message, source, at(now)) {
                    Ok(_) => Answer::Serve(None),
                    Err(error) => Answer::Refuse(match error.reason() {
                        Reason::StaleNonce => ErrorCode::STALE_NONCE,
                        Reason::BadRequest | Reason::UnsupportedFeature => ErrorCode::BAD_REQUEST,
                        Reason::Unauthorized | Reason::IntegrityFailed => ErrorCode::UNAUTHORIZED,
                    }),
                }
            }
        }
    }

    fn refuse(
        &mut self,
        message: &Message<'_>,
        code: u16,
        source: SocketAddr,
    ) -> Result<Vec<u8>, StunWriteError> {
        let mut response = Message::builder_error(message, MessageWriteVec::new());
        response.add_attribute(&ErrorCode::builder(code).build()?)?;
        if let (Guard::LongTerm(auth), 401 | 438) = (&mut self.guard, code) {
            response = auth.sign_outgoing_message(response, source)?;
        }
        self.finish(response)
    }

    fn serve(
        &mut self,
        message: &Message<'_>,
        protection: Option<IntegrityAlgorithm>,
        source: SocketAddr,
    ) -> Result<Vec<u8>, StunWriteError> {
        let checked = Message::check_attribute_types(message, &KNOWN, &[], MessageWriteVec::new());
        let mut response = match checked {
            Some(error) => error,
            None => {
                let mut success = Message::builder_success(message, MessageWriteVec::new());
                let mapped = XorMappedAddress::new(source, message.transaction_id());
                success.add_attribute(&mapped)?;
                if let Some(software) = self.software {
                    success.add_attribute(&Software::new(software)?)?;
                }
                success
            }
        };
        match (&mut self.guard, protection) {
            (Guard::LongTerm(auth), _) => {
                response = auth.sign_outgoing_message(response, source)?
            }
            (Guard::ShortTerm(_, key), Some(algorithm)) => {
                response.add_message_integrity(key, algorithm)?;
            }
            _ => {}
        }
        self.finish(response)
    }

    fn finish(&self, mut response: MessageWriteVec) -> Result<Vec<u8>, StunWriteError> {
        if self.fingerprint {
            response.add_fingerprint()?;
        }
        Ok(response.finish())
    }
}

fn guard(config: &StunServerConfig) -> Guard {
    match &config.authentication {
        Authentication::None => Guard::Open,
        Authentication::ShortTerm(credential) => {
            let key = ShortTermCredentials::new(credential.password.clone());
            Guard::ShortTerm(credential.clone(), key.into())
        }
        Authentication::LongTerm(credential) => {
            let realm = credential.realm.clone().unwrap_or_default();
            let mut auth = LongTermServerAuth::new(realm);
            if config.long_term.algorithms {
                auth.add_supported_integrity(IntegrityAlgorithm::Sha256);
            }
            let anonymity = config.long_term.anonymity;
            auth.set_anonymous_username(if anonymity { Feature::Auto } else { Feature::Disabled });
            auth.set_nonce_expiry_duration(config.long_term.nonce_lifetime);
            auth.add_user(LongTermCredentials::new(
                credential.username.clone(),
                credential.password.clone(),
            ));
            Guard::LongTerm(Box::new(auth))
        }
    }
}

impl StunServer for Server {}

impl Machine for Server {
    type Event = ();

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if let Some(response) = self.respond(now, &datagram) {
            self.outbox.push_back((datagram.destination, datagram.source, response));
        }
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    fn poll_transmit(&mut self, _now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (from, to, bytes) = self.outbox.pop_front()?;
        buffer.extend(&bytes);
        Some(Transmit::new(to, bytes.len()).from(from))
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}
