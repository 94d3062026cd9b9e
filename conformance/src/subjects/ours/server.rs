//! The server.

use base::{Datagram, Instant, Machine, Rng, SocketError, Transmit};
use crypto::Provider;
use stun::{
    Access, Behavior, LongTermAccess, RateLimit, Redirect, ServerConfig, ShortTermAccess,
    wire::Algorithm,
};

use crate::subjects::stun::{Authentication, StunServer, StunServerConfig};

pub(super) struct Server(stun::Server);

/// The configuration in our words.
pub(super) fn config(provider: Provider, config: &StunServerConfig) -> Option<ServerConfig> {
    let redirect = config.alternate.map(|alternate| Redirect {
        ipv4: Some(alternate.v4),
        ipv6: Some(alternate.v6),
        domain: None,
    });
    Some(ServerConfig {
        access: access(provider, config)?,
        behavior: behavior(config)?,
        redirect,
        rate_limit: RateLimit { per_second: 0, burst: 0 },
        requires_fingerprint: config.fingerprint,
        serves_classic_clients: config.rfc3489,
        software: config.software.map(str::to_owned),
        ..ServerConfig::new(provider)
    })
}

#[expect(clippy::option_option, reason = "no discovery is one answer, no address another")]
fn behavior(config: &StunServerConfig) -> Option<Option<Behavior>> {
    let Some(offer) = config.discovery else { return Some(None) };
    Some(Some(Behavior {
        primary: *config.addresses.first()?,
        alternate: config.addresses.get(3).copied(),
        takes_response_port: offer.response_port,
        padding: offer.padding,
    }))
}

fn access(provider: Provider, config: &StunServerConfig) -> Option<Access> {
    Some(match &config.authentication {
        Authentication::None => Access::Open,
        Authentication::ShortTerm(known) => {
            let access = ShortTermAccess::new();
            let access = access.with_user(provider, &known.username, &known.password).ok()?;
            Access::ShortTerm(access)
        }
        Authentication::LongTerm(known) => {
            let access = LongTermAccess::new(known.realm.as_deref()?).ok()?;
            let mut access = access.with_user(provider, &known.username, &known.password).ok()?;
            access.nonce_lifetime = config.long_term.nonce_lifetime;
            access.offers_anonymity = config.long_term.anonymity;
            access.algorithms = match config.long_term.algorithms {
                true => vec![Algorithm::SHA256, Algorithm::MD5],
                false => vec![],
            };
            Access::LongTerm(access)
        }
    })
}

impl Server {
    pub(super) fn new(config: ServerConfig, rng: Rng) -> Self {
        Self(stun::Server::new(config, rng, Instant::ZERO))
    }
}

impl StunServer for Server {}

impl Machine for Server {
    type Event = ();

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.0.handle_datagram(now, datagram);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.0.handle_socket_error(now, error);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.0.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        self.0.poll_transmit(now, buffer)
    }

    fn poll_event(&mut self) -> Option<Self::Event> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.poll_timeout()
    }
}
