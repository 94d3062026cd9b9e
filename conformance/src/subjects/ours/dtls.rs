//! The DTLS association.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

use ::dtls::{
    Association, CloseReason, Config, Credential, Event, Fingerprint, PeerCheck, SrtpKeys,
    SrtpProfile, Version,
};
use base::{Datagram, Instant, Machine, Rng, Transmit, WallTime};
use crypto::{CertificateParams, EcdsaCurve, NamedGroup, Provider};

use super::dtls_listener::Server;
use crate::subjects::{
    dtls::{DtlsConfig, DtlsEndpoint, DtlsEvent, DtlsRole, DtlsVersion},
    stun::Refusal,
};

/// Groups by their numbers.
const GROUPS: &[NamedGroup] =
    &[NamedGroup::X25519MlKem768, NamedGroup::X25519, NamedGroup::Secp256r1, NamedGroup::Secp384r1];

/// The association with the address of its peer.
pub(super) struct Endpoint {
    association: Association,
    role: DtlsRole,
    certificate: Vec<u8>,
    local: SocketAddr,
    remote: SocketAddr,
    /// Data on its way out.
    outbox: VecDeque<Vec<u8>>,
    /// What comes with an event of theirs.
    events: VecDeque<DtlsEvent>,
}

/// An association, or a listener if clients have to show a cookie first; `None` if a number in `config`
/// stands for nothing that it knows.
pub(super) fn endpoint(
    provider: Provider,
    config: &DtlsConfig,
    mut rng: Rng,
) -> Option<Box<dyn DtlsEndpoint>> {
    let (setup, certificate) = setup(provider, config, &mut rng)?;
    if config.cookies && config.role == DtlsRole::Server {
        return Some(Box::new(Server::new(setup, certificate, config.local, &rng)));
    }
    Some(Box::new(Endpoint::new(setup, certificate, config, rng)))
}

/// The configuration, and its certificate.
fn setup(provider: Provider, config: &DtlsConfig, rng: &mut Rng) -> Option<(Arc<Config>, Vec<u8>)> {
    let params = CertificateParams {
        common_name: "ours",
        curve: EcdsaCurve::P256,
        not_before: WallTime::from_unix(Duration::from_secs(1_600_000_000)),
        not_after: WallTime::from_unix(Duration::from_secs(2_400_000_000)),
    };
    let identity = provider.self_signed(&params, rng).ok()?;
    let certificate = identity.certificate().to_vec();
    let mut setup = Config::new(provider, Credential::new(identity));
    setup.min_version = version(config.versions.0);
    setup.max_version = version(config.versions.1);
    setup.peer_check = check(config);
    setup.requires_client_certificate = config.requests_certificate;
    setup.cookies = config.cookies;
    setup.alpn.clone_from(&config.alpn);
    setup.connection_id = config.connection_id;
    setup.record_size_limit = config.record_size_limit;
    setup.mtu = config.mtu.unwrap_or(setup.mtu);
    setup.initial_timeout = config.initial_timeout.unwrap_or(setup.initial_timeout);
    if let Some(profiles) = &config.srtp {
        let known = profiles.iter().map(|number| SrtpProfile::from_code_point(*number));
        setup.srtp_profiles = known.collect::<Option<_>>()?;
    }
    if let Some(wanted) = &config.groups {
        setup.groups = groups(wanted)?;
    }
    if let Some(wanted) = &config.shares {
        setup.key_shares = groups(wanted)?;
    }
    Some((Arc::new(setup), certificate))
}

impl Endpoint {
    fn new(setup: Arc<Config>, certificate: Vec<u8>, config: &DtlsConfig, rng: Rng) -> Self {
        let association = match config.role {
            DtlsRole::Client => Association::client(setup, rng, Instant::ZERO),
            DtlsRole::Server => Association::server(setup, rng, Instant::ZERO),
        };
        Self {
            association,
            role: config.role,
            certificate,
            local: config.local,
            remote: config.remote,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    fn translate(&mut self, event: Event) -> DtlsEvent {
        match event {
            Event::Connected => {
                let chain = self.association.session().peer_chain();
                if let Some(leaf) = chain.first().cloned() {
                    self.events.push_back(DtlsEvent::PeerCertificate(leaf));
                }
                if let Some(keys) = self.association.srtp_keys() {
                    self.events.push_back(srtp(self.role, &keys));
                }
                DtlsEvent::Connected
            }
            Event::Closed(CloseReason::Local) => DtlsEvent::Other("closed".to_owned()),
            Event::Closed(CloseReason::Peer) => DtlsEvent::CloseNotify,
            Event::Closed(reason) => DtlsEvent::Failed(reason.to_string()),
            other => DtlsEvent::Other(format!("{other:?}")),
        }
    }
}

const fn version(version: DtlsVersion) -> Version {
    match version {
        DtlsVersion::Dtls12 => Version::Dtls12,
        DtlsVersion::Dtls13 => Version::Dtls13,
    }
}

fn groups(numbers: &[u16]) -> Option<Vec<NamedGroup>> {
    let known = |number: &u16| GROUPS.iter().copied().find(|group| group.code_point() == *number);
    numbers.iter().map(known).collect()
}

fn check(config: &DtlsConfig) -> PeerCheck {
    if config.role == DtlsRole::Server && !config.requests_certificate {
        return PeerCheck::NoCertificate;
    }
    match config.fingerprint {
        Some(expected) => PeerCheck::Fingerprints(fingerprint(expected).into_iter().collect()),
        None => PeerCheck::Later,
    }
}

pub(super) fn fingerprint(expected: [u8; 32]) -> Option<Fingerprint> {
    let digits: Vec<String> = expected.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("sha-256 {}", digits.join(":")).parse().ok()
}

/// Keys and salts in the order of RFC 5764 §4.2.
pub(super) fn srtp(role: DtlsRole, keys: &SrtpKeys) -> DtlsEvent {
    let (client, server) = match role {
        DtlsRole::Client => (&keys.local, &keys.remote),
        DtlsRole::Server => (&keys.remote, &keys.local),
    };
    let profile = keys.profile.code_point();
    let keys = [client.key(), server.key(), client.salt(), server.salt()].concat();
    DtlsEvent::SrtpKeys { profile, keys }
}

impl DtlsEndpoint for Endpoint {
    fn send(&mut self, now: Instant, data: &[u8]) -> Result<(), Refusal> {
        let mut packet = Vec::new();
        self.association.send(now, data, &mut packet).map_err(Refusal::because)?;
        self.outbox.push_back(packet);
        Ok(())
    }

    fn version(&self) -> Option<DtlsVersion> {
        self.association.session().version().map(|version| match version {
            Version::Dtls12 => DtlsVersion::Dtls12,
            Version::Dtls13 => DtlsVersion::Dtls13,
        })
    }

    fn certificate(&self) -> Vec<u8> {
        self.certificate.clone()
    }

    fn export(
        &self,
        label: &str,
        context: Option<&[u8]>,
        length: usize,
    ) -> Result<Vec<u8>, Refusal> {
        let mut out = vec![0; length];
        self.association.export(label.as_bytes(), context, &mut out).map_err(Refusal::because)?;
        Ok(out)
    }

    fn expect_peer(&mut self, now: Instant, expected: [u8; 32]) -> Result<(), Refusal> {
        let list = fingerprint(expected).into_iter().collect();
        self.association.set_remote_fingerprints(now, list).map_err(Refusal::because)
    }

    fn alpn(&self) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.association.session().alpn().map(<[u8]>::to_vec))
    }

    fn update_keys(&mut self, now: Instant, asks_peer: bool) -> Result<(), Refusal> {
        self.association.update_keys(now, asks_peer).map_err(Refusal::because)
    }

    fn close(&mut self, now: Instant) -> Result<(), Refusal> {
        self.association.close(now);
        Ok(())
    }
}

impl Machine for Endpoint {
    type Event = DtlsEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if datagram.source == self.remote {
            self.association.receive(now, datagram.payload);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let size = match self.outbox.pop_front() {
            Some(packet) => {
                buffer.extend(&packet);
                packet.len()
            }
            None => self.association.poll_packet(now, buffer)?,
        };
        Some(Transmit::new(self.remote, size).from(self.local))
    }

    fn poll_event(&mut self) -> Option<DtlsEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        if let Some(event) = self.association.poll_event() {
            return Some(self.translate(event));
        }
        self.association.poll_data().map(|data| DtlsEvent::Data(data.to_vec()))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }
}
