//! A client made of their agent and their credential mechanisms.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use base::{Datagram, Instant, Machine, Rng, Transmit};
use stun_proto::{
    agent::{StunAgent, StunAgentPollRet},
    auth::{LongTermClientAuth, LongTermClientAuthErrorReason, LongTermClientValidation},
};
use stun_types::{
    attribute::{ErrorCode, Fingerprint, Software, Username, XorMappedAddress},
    message::{
        BINDING, IntegrityAlgorithm, LongTermCredentials, Message, MessageClass,
        MessageIntegrityCredentials, MessageType, MessageWriteVec, ShortTermCredentials,
        StunWriteError, TransactionId, ValidateError,
    },
    prelude::*,
};

use super::{at, from, transport};
use crate::subjects::stun::{
    Authentication, ClientEvent, Integrity, Refusal, StunClient, StunClientConfig,
};

enum Presents {
    Nothing,
    ShortTerm(String, MessageIntegrityCredentials),
    LongTerm(Box<LongTermClientAuth>),
}

pub(super) struct Client {
    config: StunClientConfig,
    agent: StunAgent,
    presents: Presents,
    /// Ids of their transactions with the numbers of ours.
    running: Vec<(TransactionId, usize)>,
    started: usize,
    outbox: VecDeque<(SocketAddr, Vec<u8>)>,
    events: VecDeque<ClientEvent>,
    wake: Option<Instant>,
    rng: Rng,
}

impl Client {
    pub(super) fn new(config: &StunClientConfig, rng: Rng) -> Self {
        let mut agent = StunAgent::builder(transport(config.transport), config.local);
        if config.rto.is_some() || config.rc.is_some() || config.rm.is_some() {
            let rto = config.rto.unwrap_or(Duration::from_millis(500));
            let rc = config.rc.unwrap_or(7);
            let last = rto * config.rm.unwrap_or(16);
            agent = agent.request_retransmits(rto, Duration::MAX, rc, last);
        }
        Self {
            config: config.clone(),
            agent: agent.build(),
            presents: presents(config),
            running: Vec::new(),
            started: 0,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            wake: None,
            rng,
        }
    }

    fn send(&mut self, now: Instant, transaction: usize) -> Result<(), Refusal> {
        let request = self.request().map_err(Refusal::because)?;
        let id = Message::from_bytes(&request).map_err(Refusal::because)?.transaction_id();
        let transmit = self
            .agent
            .send_request(request, self.config.server, at(now))
            .map_err(Refusal::because)?;
        self.outbox.push_back((transmit.to, transmit.data.to_vec()));
        self.running.push((id, transaction));
        self.schedule(now);
        Ok(())
    }

    /// A message with an id from the suite's dice, for theirs cannot be repeated.
    fn begin(&mut self, class: MessageClass) -> MessageWriteVec {
        let mut id = [0; 16];
        for byte in id.iter_mut().skip(4) {
            [*byte] = self.rng.public_array();
        }
        let id = TransactionId::from(u128::from_be_bytes(id));
        let kind = MessageType::from_class_method(class, BINDING);
        Message::builder(kind, id, MessageWriteVec::new())
    }

    fn request(&mut self) -> Result<Vec<u8>, StunWriteError> {
        let mut request = self.begin(MessageClass::Request);
        if let Some(software) = self.config.software {
            request.add_attribute(&Software::new(software)?)?;
        }
        match &mut self.presents {
            Presents::Nothing => {}
            Presents::ShortTerm(username, credentials) => {
                request.add_attribute(&Username::new(username)?)?;
                if self.config.integrity != Some(Integrity::Sha256) {
                    request.add_message_integrity(credentials, IntegrityAlgorithm::Sha1)?;
                }
                if self.config.integrity != Some(Integrity::Sha1) {
                    request.add_message_integrity(credentials, IntegrityAlgorithm::Sha256)?;
                }
            }
            Presents::LongTerm(auth) => request = auth.sign_outgoing_message(request)?,
        }
        if self.config.fingerprint {
            request.add_fingerprint()?;
        }
        Ok(request.finish())
    }

    fn receive(&mut self, now: Instant, datagram: &Datagram<'_>) -> Option<()> {
        let message = Message::from_bytes(datagram.payload).ok()?;
        if !message.is_response() || !message.has_method(BINDING) {
            return None;
        }
        if self.config.fingerprint && !message.has_attribute(Fingerprint::TYPE) {
            return None;
        }
        let place = self.running.iter().position(|(id, _)| *id == message.transaction_id())?;
        let again = match &mut self.presents {
            Presents::Nothing => false,
            Presents::ShortTerm(_, credentials) => {
                match message.validate_integrity(credentials) {
                    Ok(_) => false,
                    // RFC 8489 §9.1.3: a refusal by the server is not protected.
                    Err(ValidateError::Parse(_)) if message.has_class(MessageClass::Error) => false,
                    Err(_) => return None,
                }
            }
            Presents::LongTerm(auth) => match auth.validate_incoming_message(&message) {
                Ok(LongTermClientValidation::ResendRequest(_)) => true,
                Ok(LongTermClientValidation::Validated(_)) => false,
                Err(error)
                    if error.reason() == LongTermClientAuthErrorReason::IntegrityFailed
                        && auth.message_signature_bytes() > 0 =>
                {
                    return None;
                }
                Err(_) => false,
            },
        };
        if !self.agent.handle_stun_message_with_time(&message, datagram.source, at(now)) {
            return None;
        }
        let (_, transaction) = self.running.remove(place);
        if again {
            return self.send(now, transaction).ok();
        }
        let event = outcome(&message, transaction);
        self.events.push_back(event);
        Some(())
    }

    /// Asks their agent what is due, until it wants to wait.
    fn schedule(&mut self, now: Instant) {
        loop {
            match self.agent.poll(at(now)) {
                StunAgentPollRet::WaitUntil(until) => {
                    if let Some(transmit) = self.agent.poll_transmit(at(now)) {
                        self.outbox.push_back((transmit.to, transmit.data.to_vec()));
                        continue;
                    }
                    self.wake = (!self.running.is_empty()).then(|| from(until));
                    return;
                }
                StunAgentPollRet::TransactionTimedOut(id)
                | StunAgentPollRet::TransactionCancelled(id) => {
                    if let Some(place) = self.running.iter().position(|(known, _)| *known == id) {
                        let (_, transaction) = self.running.remove(place);
                        self.events.push_back(ClientEvent::TimedOut { transaction });
                    }
                }
            }
        }
    }
}

/// What a response means to the user of their library.
fn outcome(message: &Message<'_>, transaction: usize) -> ClientEvent {
    let failed = |reason: &str| ClientEvent::Failed { transaction, reason: reason.to_owned() };
    if message.has_class(MessageClass::Error) {
        return match message.attribute::<ErrorCode>() {
            Ok(error) => ClientEvent::Error { transaction, code: error.code() },
            Err(_) => failed("no error code"),
        };
    }
    match message.attribute::<XorMappedAddress>() {
        Ok(mapped) => ClientEvent::Success {
            transaction,
            mapped: Some(mapped.addr(message.transaction_id())),
        },
        Err(_) => failed("no mapped address"),
    }
}

fn presents(config: &StunClientConfig) -> Presents {
    match &config.authentication {
        Authentication::None => Presents::Nothing,
        Authentication::ShortTerm(credential) => {
            let key = ShortTermCredentials::new(credential.password.clone());
            Presents::ShortTerm(credential.username.clone(), key.into())
        }
        Authentication::LongTerm(credential) => {
            let mut auth = LongTermClientAuth::new();
            auth.add_supported_integrity(IntegrityAlgorithm::Sha256);
            auth.set_credentials(LongTermCredentials::new(
                credential.username.clone(),
                credential.password.clone(),
            ));
            Presents::LongTerm(Box::new(auth))
        }
    }
}

impl StunClient for Client {
    fn start_binding(&mut self, now: Instant) -> Result<(), Refusal> {
        let transaction = self.started;
        self.started += 1;
        self.send(now, transaction)
    }

    fn send_indication(&mut self, now: Instant) -> Result<(), Refusal> {
        let mut indication = self.begin(MessageClass::Indication);
        if self.config.fingerprint {
            indication.add_fingerprint().map_err(Refusal::because)?;
        }
        let transmit = self
            .agent
            .send(indication.finish(), self.config.server, at(now))
            .map_err(Refusal::because)?;
        self.outbox.push_back((transmit.to, transmit.data));
        Ok(())
    }
}

impl Machine for Client {
    type Event = ClientEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let _ = self.receive(now, &datagram);
        self.schedule(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.schedule(now);
    }

    fn poll_transmit(&mut self, _now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (to, bytes) = self.outbox.pop_front()?;
        buffer.extend(&bytes);
        Some(Transmit::new(to, bytes.len()).from(self.config.local))
    }

    fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.wake
    }
}
