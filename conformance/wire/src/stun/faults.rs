//! What is wrong with a message, whatever its meaning.

use super::{COOKIE, Check, Parsed, ParsedAttribute, attribute, parsed::is_tag_length};

/// A rule of the format that a message breaks, whatever its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The two high bits are not zero (RFC 8489 §5).
    HighBits,
    /// The cookie is another (RFC 8489 §5).
    Cookie,
    /// The length field is no multiple of four, or not what follows the header (RFC 8489 §5).
    Length,
    /// An attribute's padding is not zero (RFC 8489 §14).
    Padding(u16),
    /// An attribute follows FINGERPRINT (RFC 8489 §14.7).
    AfterFingerprint(u16),
    /// The fingerprint is wrong (RFC 8489 §14.7).
    Fingerprint,
    /// An attribute other than the two that may follows an integrity attribute (RFC 8489 §9).
    AfterIntegrity(u16),
    /// An attribute's value has no valid form (RFC 8489 §14).
    Value(u16),
}

impl Parsed {
    /// Every rule of the format that the message breaks: empty for whatever a conforming sender sends.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.kind & 0xc000 != 0 {
            faults.push(Fault::HighBits);
        }
        if self.cookie != COOKIE {
            faults.push(Fault::Cookie);
        }
        if !self.length.is_multiple_of(4) || !self.trailing.is_empty() {
            faults.push(Fault::Length);
        }
        if self.fingerprint() == Check::Bad {
            faults.push(Fault::Fingerprint);
        }
        let mut seen = Vec::new();
        for found in &self.attributes {
            if found.padding.iter().any(|byte| *byte != 0) {
                faults.push(Fault::Padding(found.kind));
            }
            if seen.contains(&attribute::FINGERPRINT) {
                faults.push(Fault::AfterFingerprint(found.kind));
            }
            if !may_follow(&seen, found.kind) {
                faults.push(Fault::AfterIntegrity(found.kind));
            }
            if !well_formed(found) {
                faults.push(Fault::Value(found.kind));
            }
            seen.push(found.kind);
        }
        faults
    }
}

/// Whether an attribute of type `kind` may stand after those `seen` (RFC 8489 §9).
fn may_follow(seen: &[u16], kind: u16) -> bool {
    let after_sha1 = seen.contains(&attribute::MESSAGE_INTEGRITY);
    let after_sha256 = seen.contains(&attribute::MESSAGE_INTEGRITY_SHA256);
    match kind {
        attribute::FINGERPRINT => true,
        attribute::MESSAGE_INTEGRITY_SHA256 => !after_sha256,
        _ => !after_sha1 && !after_sha256,
    }
}

/// Whether the value has the form its type asks for (RFC 8489 §14, RFC 5780 §7, RFC 8656 §18).
fn well_formed(found: &ParsedAttribute) -> bool {
    let value = found.value.as_slice();
    let text = |limit: usize| {
        std::str::from_utf8(value).is_ok_and(|text| text.chars().count() < limit)
            && value.len() <= 509
    };
    match found.kind {
        attribute::MAPPED_ADDRESS
        | attribute::XOR_MAPPED_ADDRESS
        | attribute::ALTERNATE_SERVER
        | attribute::RESPONSE_ORIGIN
        | attribute::OTHER_ADDRESS
        | attribute::XOR_PEER_ADDRESS
        | attribute::XOR_RELAYED_ADDRESS => match value {
            [0, 1, rest @ ..] => rest.len() == 6,
            [0, 2, rest @ ..] => rest.len() == 18,
            _ => false,
        },
        attribute::USERNAME => std::str::from_utf8(value).is_ok() && value.len() < 509,
        attribute::USERHASH => value.len() == 32,
        attribute::MESSAGE_INTEGRITY => value.len() == 20,
        attribute::MESSAGE_INTEGRITY_SHA256 => is_tag_length(value.len()),
        attribute::FINGERPRINT
        | attribute::PRIORITY
        | attribute::CHANGE_REQUEST
        | attribute::LIFETIME
        | attribute::CONNECTION_ID
        | attribute::PASSWORD_ALGORITHM => value.len() == 4,
        attribute::CHANNEL_NUMBER => matches!(value, [0x40..=0x4f, _, 0, 0]),
        attribute::REQUESTED_TRANSPORT => matches!(value, [_, 0, 0, 0]),
        attribute::REQUESTED_ADDRESS_FAMILY => matches!(value, [1 | 2, 0, 0, 0]),
        attribute::ADDITIONAL_ADDRESS_FAMILY => matches!(value, [2, 0, 0, 0]),
        attribute::EVEN_PORT => matches!(value, [0x00 | 0x80]),
        attribute::RESERVATION_TOKEN => value.len() == 8,
        attribute::ICMP => matches!(value, [0, 0, _, _, _, _, _, _]),
        attribute::ADDRESS_ERROR_CODE => match value {
            [1 | 2, 0, 3..=6, 0..=99, reason @ ..] => {
                std::str::from_utf8(reason).is_ok_and(|text| text.chars().count() < 128)
            }
            _ => false,
        },
        attribute::ERROR_CODE => match value {
            [0, 0, 3..=6, 0..=99, reason @ ..] => {
                std::str::from_utf8(reason).is_ok_and(|text| text.chars().count() < 128)
            }
            _ => false,
        },
        attribute::REALM | attribute::NONCE | attribute::SOFTWARE => text(128),
        attribute::UNKNOWN_ATTRIBUTES => value.len().is_multiple_of(2),
        attribute::ALTERNATE_DOMAIN => value.is_ascii() && value.len() <= 255,
        attribute::RESPONSE_PORT => matches!(value.len(), 2 | 4),
        attribute::ICE_CONTROLLED | attribute::ICE_CONTROLLING => value.len() == 8,
        attribute::USE_CANDIDATE | attribute::DONT_FRAGMENT => value.is_empty(),
        _ => true,
    }
}
