//! The messages of checks, and the attribute of renomination.
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Reserved (0) |   NOMINATION: the number of the nomination    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::net::SocketAddr;

use base::{Malformed, Reader, Writer};
use stun::{
    Builder, Key, Message,
    wire::{
        AttributeType, Class, Code, Decode, Encode, ErrorCode, IceControlled, IceControlling,
        Method, NotUnderstood, Priority, TransactionId, UseCandidate, Username, XorMappedAddress,
    },
};

use super::generation::Credentials;
use crate::state::Role;

/// NOMINATION: the greatest number wins, whatever the priorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NominationValue(pub(crate) u32);

/// Values are numbers of 24 bits.
pub(crate) const MAX_NOMINATION: u32 = 0x00ff_ffff;

/// The type of NOMINATION.
const NOMINATION: AttributeType = AttributeType::new(0x0030);

impl Encode for NominationValue {
    const TYPE: AttributeType = NOMINATION;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        writer.u32(self.0 & MAX_NOMINATION);
    }
}

impl<'a> Decode<'a> for NominationValue {
    fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
        let number = value.u32()?;
        value.finish()?;
        Ok(Self(number & MAX_NOMINATION))
    }
}

/// What a check says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckFields {
    pub(crate) id: TransactionId,
    pub(crate) role: Role,
    pub(crate) tie_breaker: u64,
    pub(crate) priority: u32,
    pub(crate) use_candidate: bool,
    pub(crate) nomination: Option<u32>,
}

/// Writes a check: RFC 8445 §7.1, §7.2.2. `None` if the names do not fit.
pub(crate) fn check(
    local: &Credentials,
    remote: &Credentials,
    fields: &CheckFields,
) -> Option<Vec<u8>> {
    let name = format!("{}:{}", remote.ufrag(), local.ufrag());
    let username = Username::new(&name).ok()?;
    let mut bytes = Vec::with_capacity(128);
    let mut builder = Builder::new(&mut bytes, Method::BINDING, Class::Request, fields.id);
    builder.put(&username).put(&Priority(fields.priority));
    match fields.role {
        Role::Controlling => builder.put(&IceControlling(fields.tie_breaker)),
        Role::Controlled => builder.put(&IceControlled(fields.tie_breaker)),
    };
    if fields.use_candidate {
        builder.put(&UseCandidate);
    }
    builder.put_some(fields.nomination.map(NominationValue).as_ref());
    builder.integrity(&remote.key).fingerprint();
    builder.finish().ok()?;
    Some(bytes)
}

/// How an answer is protected: as the request was (RFC 8489 §9.1.4).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protection<'a> {
    None,
    Sha1(&'a Key),
    Sha256(&'a Key),
}

fn protect(builder: &mut Builder<'_>, protection: Protection<'_>) {
    match protection {
        Protection::None => {}
        Protection::Sha1(key) => {
            builder.integrity(key);
        }
        Protection::Sha256(key) => {
            builder.integrity_sha256(key);
        }
    }
    if !base::mutant::active("ice-response-without-fingerprint") {
        builder.fingerprint();
    }
}

/// Writes the answer to a check from `source`: RFC 8445 §7.3.
pub(crate) fn success(
    buffer: &mut Vec<u8>,
    id: TransactionId,
    source: SocketAddr,
    protection: Protection<'_>,
) {
    let mut builder = Builder::new(buffer, Method::BINDING, Class::Success, id);
    builder.put(&XorMappedAddress(source));
    protect(&mut builder, protection);
}

/// Writes a refusal. It has no reason in words, so that it is hardly longer than the request.
pub(crate) fn refusal(
    buffer: &mut Vec<u8>,
    id: TransactionId,
    code: Code,
    not_understood: &[AttributeType],
    protection: Protection<'_>,
) {
    let mut builder = Builder::new(buffer, Method::BINDING, Class::Error, id);
    builder.put(&ErrorCode { code, reason: "" });
    if !not_understood.is_empty() {
        builder.put(&NotUnderstood(not_understood));
    }
    protect(&mut builder, protection);
}

/// Writes a keepalive: RFC 8445 §11.
pub(crate) fn keepalive(buffer: &mut Vec<u8>, id: TransactionId) {
    Builder::new(buffer, Method::BINDING, Class::Indication, id).fingerprint();
}

/// Whether we know what an attribute of a check means. NOMINATION is understood by who offered it.
pub(crate) fn understands(kind: AttributeType, renominates: bool) -> bool {
    match kind {
        NOMINATION => renominates,
        _ => matches!(
            kind,
            AttributeType::USERNAME
                | AttributeType::MESSAGE_INTEGRITY
                | AttributeType::MESSAGE_INTEGRITY_SHA256
                | AttributeType::ERROR_CODE
                | AttributeType::UNKNOWN_ATTRIBUTES
                | AttributeType::REALM
                | AttributeType::NONCE
                | AttributeType::MAPPED_ADDRESS
                | AttributeType::XOR_MAPPED_ADDRESS
                | AttributeType::PRIORITY
                | AttributeType::USE_CANDIDATE
        ),
    }
}

/// What a check of the peer says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceivedCheck {
    pub(crate) priority: u32,
    /// The role the peer claims and its tie-breaker, if it says so.
    pub(crate) claims: Option<(Role, u64)>,
    pub(crate) use_candidate: bool,
    pub(crate) nomination: Option<u32>,
}

impl ReceivedCheck {
    /// Reads what every check has. `None` if it lacks PRIORITY, claims both roles, or nominates as the
    /// controlled agent: RFC 8445 §7.1.
    pub(crate) fn read(message: &Message<'_>) -> Option<Self> {
        let Priority(priority) = message.get().filter(|priority: &Priority| priority.0 > 0)?;
        let controlling = message.get().map(|IceControlling(tie)| (Role::Controlling, tie));
        let controlled = message.get().map(|IceControlled(tie)| (Role::Controlled, tie));
        if controlling.is_some() && controlled.is_some() {
            return None;
        }
        let nomination = message.get().map(|NominationValue(value)| value);
        let use_candidate = message.get::<UseCandidate>().is_some() || nomination.is_some();
        if use_candidate && controlled.is_some() {
            return None;
        }
        let claims = controlling.or(controlled);
        Some(Self { priority, claims, use_candidate, nomination })
    }
}
