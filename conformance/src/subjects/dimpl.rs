//! The package `dimpl`, the DTLS of str0m: an independent reading of the same specifications.
//!
//! It leaves certificates to its user, so the adapter compares the fingerprint as their documentation asks
//! for. Its randoms and cookies come from a seed; its keys and signatures do not.

use std::sync::Arc;

use base::Rng;
use dimpl::{Config, Dtls, DtlsCertificate, NamedGroup, crypto::rust_crypto};
use wire::dtls::Identity;

use super::dtls::{DtlsConfig, DtlsEndpoint, DtlsRole, DtlsVersion};
use crate::{Cap, Subject, SubjectKind, Support, clock::ForeignClock};

mod endpoint;

/// The subject.
#[derive(Clone, Copy, Debug)]
pub struct Dimpl;

impl Subject for Dimpl {
    fn name(&self) -> &'static str {
        "dimpl"
    }

    fn version(&self) -> String {
        "0.9.0".to_owned()
    }

    fn about(&self) -> &'static str {
        "the package dimpl, the DTLS of str0m, in process"
    }

    fn is_deterministic(&self) -> bool {
        // Key exchanges draw from the operating system.
        false
    }

    fn kinds(&self) -> &'static [SubjectKind] {
        &[SubjectKind::Dtls]
    }

    fn supports(&self, capability: Cap) -> Support {
        match capability {
            Cap::Ipv6 | Cap::DtlsTimeout => Support::Yes,
            _ => Support::No,
        }
    }

    fn dtls_endpoint(&self, config: &DtlsConfig, mut rng: Rng) -> Option<Box<dyn DtlsEndpoint>> {
        let plain = config.srtp.is_none()
            && config.shares.is_none()
            && config.alpn.is_empty()
            && config.connection_id.is_none()
            && config.record_size_limit.is_none();
        if !plain {
            return None;
        }
        let identity = Identity::new(&rng.secret_array(), 0);
        let theirs = settings(config, rng.public_u64())?;
        let certificate = DtlsCertificate {
            certificate: identity.certificate.clone(),
            private_key: identity.pkcs8.clone(),
        };
        let clock = ForeignClock::start();
        let (theirs, zero) = (Arc::new(theirs), clock.at(base::Instant::ZERO));
        let mut dtls = match config.versions {
            (DtlsVersion::Dtls12, DtlsVersion::Dtls12) => Dtls::new_12(theirs, certificate, zero),
            (DtlsVersion::Dtls13, DtlsVersion::Dtls13) => Dtls::new_13(theirs, certificate, zero),
            _ => Dtls::new_auto(theirs, certificate, zero),
        };
        dtls.set_active(config.role == DtlsRole::Client);
        Some(Box::new(endpoint::Endpoint::new(dtls, config, identity, clock)))
    }
}

/// Their configuration; `None` if they know a group by no name.
fn settings(config: &DtlsConfig, seed: u64) -> Option<Config> {
    let mut builder = Config::builder()
        .with_crypto_provider(rust_crypto::default_provider())
        .dangerously_set_rng_seed(seed)
        .require_client_certificate(config.requests_certificate)
        .use_server_cookie(config.cookies);
    if let Some(mtu) = config.mtu {
        builder = builder.mtu(mtu);
    }
    if let Some(timeout) = config.initial_timeout {
        builder = builder.flight_start_rto(timeout);
    }
    if let Some(groups) = &config.groups {
        let groups: Option<Vec<NamedGroup>> = groups.iter().map(|group| named(*group)).collect();
        builder = builder.kx_groups(&groups?);
    }
    builder.build().ok()
}

const fn named(group: u16) -> Option<NamedGroup> {
    match group {
        23 => Some(NamedGroup::Secp256r1),
        24 => Some(NamedGroup::Secp384r1),
        29 => Some(NamedGroup::X25519),
        _ => None,
    }
}
