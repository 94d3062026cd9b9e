//! Versions of the protocol.

use std::fmt;

/// A version of DTLS; later ones are greater.
///
/// DTLS 1.0 is not among them: it must not be negotiated (RFC 8996 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// DTLS 1.2 (RFC 6347).
    Dtls12,
    /// DTLS 1.3 (RFC 9147).
    Dtls13,
}

impl Version {
    /// The number on the wire: the ones' complement of the version of TLS (RFC 6347 §4.1, RFC 9147 §5.3).
    #[must_use]
    pub const fn code_point(self) -> u16 {
        match self {
            Self::Dtls12 => 0xfefd,
            Self::Dtls13 => 0xfefc,
        }
    }

    /// The version of a number on the wire, if it is one of these.
    #[must_use]
    pub const fn from_code_point(code_point: u16) -> Option<Self> {
        match code_point {
            0xfefd => Some(Self::Dtls12),
            0xfefc => Some(Self::Dtls13),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Dtls12 => "DTLS 1.2",
            Self::Dtls13 => "DTLS 1.3",
        })
    }
}
