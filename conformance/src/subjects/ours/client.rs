//! The client.

use base::{Datagram, Instant, Machine, Rng, SocketError, Transmit};
use crypto::Provider;
use stun::{ClientConfig, FailReason, Request, RequestId, Timing};

use crate::subjects::stun::{
    Authentication, ClientEvent, Integrity, Refusal, StunClient, StunClientConfig, Transport,
};

pub(super) struct Client {
    client: stun::Client,
    request: Request,
    /// Their names for the transactions, in the order of ours.
    requests: Vec<RequestId>,
}

/// The configuration in our words; `None` if it cannot be had.
fn setup(provider: Provider, config: &StunClientConfig) -> Option<ClientConfig> {
    let timing = Timing::default();
    Some(ClientConfig {
        timing: Timing {
            rto: config.rto.unwrap_or(timing.rto),
            rc: config.rc.map_or(Some(timing.rc), |rc| u8::try_from(rc).ok())?,
            rm: config.rm.map_or(Some(timing.rm), |rm| u8::try_from(rm).ok())?,
            ti: config.ti.unwrap_or(timing.ti),
        },
        credential: credential(provider, config)?,
        uses_fingerprint: config.fingerprint,
        follows_alternate_server: config.alternate_server,
        software: config.software.map(str::to_owned),
        ..ClientConfig::new(provider)
    })
}

#[expect(clippy::option_option, reason = "no credential is one answer, an unusable one another")]
fn credential(provider: Provider, config: &StunClientConfig) -> Option<Option<stun::Credential>> {
    let integrity = match config.integrity {
        None => stun::Integrity::Both,
        Some(Integrity::Sha1) => stun::Integrity::Sha1,
        Some(Integrity::Sha256) => stun::Integrity::Sha256,
    };
    let credential = match &config.authentication {
        Authentication::None => return Some(None),
        Authentication::ShortTerm(known) => {
            stun::Credential::short_term(provider, &known.username, &known.password, integrity)
        }
        Authentication::LongTerm(known) => {
            stun::Credential::long_term(&known.username, &known.password)
        }
    };
    credential.ok().map(Some)
}

impl Client {
    /// A client set up as `config` says, if it can be.
    pub(super) fn new(provider: Provider, config: &StunClientConfig, rng: Rng) -> Option<Self> {
        let client = stun::Client::new(setup(provider, config)?, rng, Instant::ZERO);
        let mut request = Request::binding(config.server).from_source(config.local);
        if config.transport == Transport::Tcp {
            request = request.over_reliable_transport();
        }
        Some(Self { client, request, requests: Vec::new() })
    }

    fn number(&self, request: RequestId) -> usize {
        let place = self.requests.iter().position(|known| *known == request);
        place.unwrap_or(self.requests.len())
    }

    /// What an event means in the suite's words; a redirection is no end yet.
    fn translate(&self, event: stun::ClientEvent) -> Option<ClientEvent> {
        Some(match event {
            stun::ClientEvent::Succeeded { request, response } => ClientEvent::Success {
                transaction: self.number(request),
                mapped: response.mapped_address(),
            },
            stun::ClientEvent::Failed { request, reason, .. } => {
                let transaction = self.number(request);
                match reason {
                    FailReason::TimedOut => ClientEvent::TimedOut { transaction },
                    FailReason::IntegrityViolated => ClientEvent::IntegrityViolated { transaction },
                    FailReason::Rejected(code) => {
                        ClientEvent::Error { transaction, code: code.number() }
                    }
                    other => ClientEvent::Failed { transaction, reason: format!("{other:?}") },
                }
            }
            _ => return None,
        })
    }
}

impl StunClient for Client {
    fn start_binding(&mut self, now: Instant) -> Result<(), Refusal> {
        let request = self.client.request(now, self.request.clone());
        self.requests.push(request.map_err(Refusal::because)?);
        Ok(())
    }

    fn send_indication(&mut self, now: Instant) -> Result<(), Refusal> {
        self.client.indicate(now, &self.request).map_err(Refusal::because)
    }
}

impl Machine for Client {
    type Event = ClientEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.client.handle_datagram(now, datagram);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.client.handle_socket_error(now, error);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.client.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        self.client.poll_transmit(now, buffer)
    }

    fn poll_event(&mut self) -> Option<ClientEvent> {
        loop {
            let event = self.client.poll_event()?;
            if let Some(event) = self.translate(event) {
                return Some(event);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }
}
