//! DTLS on the wire, 1.2 (RFC 6347) and 1.3 (RFC 9147), with a peer of the suite's own.
//!
//! One suite per version (AES-128-GCM with SHA-256, and ECDHE-ECDSA in 1.2), two groups (X25519, P-256) and
//! ECDSA on P-256 are all it speaks. Everything here is computed on AWS-LC; signatures alone come from a
//! deterministic signer (RFC 6979 §3.2), so that a seed gives the same bytes again.
//!
//! | file | holds |
//! |---|---|
//! | `code.rs` | [`code`]: the numbers of the registries |
//! | `cursor.rs` | reading and writing of vectors |
//! | `extensions.rs` | [`Extensions`]: a block of extensions, and the bodies of those the suite uses |
//! | `hello.rs` | [`ClientHello`], [`ServerHello`], HelloVerifyRequest |
//! | `body.rs` | [`body`]: the bodies of all other messages |
//! | `message.rs` | [`Message`], [`Fragment`] |
//! | `inbox.rs` | [`Inbox`]: messages from fragments |
//! | `crypto.rs` | hash, PRF, HKDF, AEAD, ECDHE, ECDSA |
//! | `certificate.rs` | [`Identity`]: a self-signed certificate |
//! | `schedule.rs` | the keys of both versions |
//! | `record.rs`, `records.rs` | [`Records`]: records of both versions, sealed and opened |
//! | `peer.rs` | [`Peer`]: a client or server that does as a case says |

pub mod body;
mod certificate;
pub mod code;
mod crypto;
mod cursor;
mod extensions;
mod hello;
mod inbox;
mod message;
mod peer;
mod record;
mod records;
mod schedule;
mod summary;

pub use self::{
    certificate::{Identity, fingerprint},
    cursor::{Cursor, u16s, vec8, vec16, vec24},
    extensions::{Extension, Extensions, extension},
    hello::{ClientHello, HelloVerifyRequest, RETRY_RANDOM, ServerHello},
    inbox::Inbox,
    message::{Fragment, Message, cut},
    peer::{Flight, Item, Log, Negotiated, Packing, Peer, Profile, Sent},
    record::{Header, Raw, Shape, split},
    records::{Heard, Protection, Records, Seal},
    schedule::TrafficKeys,
    summary::summary,
};

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// DTLS 1.2.
    Dtls12,
    /// DTLS 1.3.
    Dtls13,
}

impl Version {
    /// The two bytes that stand for it.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Dtls12 => 0xfefd,
            Self::Dtls13 => 0xfefc,
        }
    }

    /// The version that two bytes stand for.
    #[must_use]
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            0xfefd => Some(Self::Dtls12),
            0xfefc => Some(Self::Dtls13),
            _ => None,
        }
    }
}

/// Who began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Sends the first ClientHello.
    Client,
    /// Answers it.
    Server,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What DTLS-SRTP asks the exporter for (RFC 5764 §4.2).
pub const SRTP_LABEL: &str = "EXTRACTOR-dtls_srtp";
