//! Names and small helpers that many cases share.

use std::time::Duration;

use wire::dtls::Version;

use crate::subjects::dtls::{DtlsRole, DtlsVersion};
use crate::subjects::stun::Refusal;
use crate::{Stop, Variant};

/// A second.
pub(in crate::cases) const SECOND: Duration = Duration::from_secs(1);
/// A millisecond.
pub(in crate::cases) const MILLISECOND: Duration = Duration::from_millis(1);
/// Long enough for everything that is due at once to be said, shorter than any wait before a repetition.
pub(in crate::cases) const SOON: Duration = Duration::from_millis(200);
/// Longer than a handshake without loss takes, repetitions of its end included.
pub(in crate::cases) const LONG: Duration = Duration::from_secs(10);
/// What the suite says as data.
pub(in crate::cases) const DATA: &[u8] = b"data of the suite";

/// The subject's side in this variant.
pub(in crate::cases) fn role(v: &Variant) -> DtlsRole {
    match v.text("role") {
        "client" => DtlsRole::Client,
        _ => DtlsRole::Server,
    }
}

/// The version in this variant.
pub(in crate::cases) fn version(v: &Variant) -> Version {
    match v.text("version") {
        "1.2" => Version::Dtls12,
        _ => Version::Dtls13,
    }
}

/// A version in the words of adapters.
pub(in crate::cases) const fn named(version: Version) -> DtlsVersion {
    match version {
        Version::Dtls12 => DtlsVersion::Dtls12,
        Version::Dtls13 => DtlsVersion::Dtls13,
    }
}

/// The epoch of application data right after the handshake.
pub(in crate::cases) const fn data_epoch(version: Version) -> u64 {
    match version {
        Version::Dtls12 => 1,
        Version::Dtls13 => 3,
    }
}

/// Passes over an operation that the subject does not have, and stops at a refusal.
pub(in crate::cases) fn needed<T>(outcome: Result<T, Refusal>) -> Result<T, Stop> {
    outcome.map_err(|refusal| match refusal {
        Refusal::Unsupported => Stop::Unsupported("the endpoint has no such command".to_owned()),
        Refusal::Refused(why) => Stop::Inconclusive(format!("the endpoint refused: {why}")),
    })
}
