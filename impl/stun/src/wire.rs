//! Messages as bytes: one file per family of attributes.
//!
//! | file | holds |
//! |---|---|
//! | `header.rs` | [`MessageType`], [`Class`], [`Method`], [`TransactionId`] |
//! | `message.rs` | [`Message`], the borrowed view |
//! | `builder.rs` | [`Builder`], which writes into the caller's buffer |
//! | `attribute.rs` | [`AttributeType`], [`Encode`], [`Decode`] |
//! | `integrity.rs`, `fingerprint.rs` | what is computed over the message |
//! | the others | the attributes |

mod address;
mod attribute;
mod authorization;
mod behavior;
mod builder;
mod credential;
mod display;
mod error_code;
mod fingerprint;
mod header;
mod ice;
mod integrity;
mod message;
mod numbers;
#[cfg(test)]
pub(crate) mod testing;
mod text;
mod turn;

pub use address::{
    AlternateServer, Family, MappedAddress, OtherAddress, ResponseOrigin, XorMappedAddress,
    XorPeerAddress, XorRelayedAddress,
};
pub use attribute::{AttributeType, Attributes, Decode, Encode, RawAttribute};
pub use authorization::{AccessToken, TokenContent};
pub use behavior::{ChangeRequest, Padding, ResponsePort};
pub use builder::{BuildError, Builder};
pub use credential::{
    Algorithm, OfferedAlgorithms, PasswordAlgorithm, PasswordAlgorithms, Userhash,
};
pub use error_code::{Code, ErrorCode, NotUnderstood, UnknownAttributes};
pub use header::{Class, HEADER_LENGTH, MAGIC_COOKIE, MessageType, Method, TransactionId};
pub use ice::{IceControlled, IceControlling, Priority, UseCandidate};
pub use integrity::Check;
pub use message::{MAX_NOT_UNDERSTOOD, Message};
pub use text::{
    AlternateDomain, Nonce, Realm, Software, TextTooLong, ThirdPartyAuthorization, Username,
};
pub use turn::{
    AdditionalAddressFamily, AddressErrorCode, ChannelNumber, ConnectionId, Data, DontFragment,
    EvenPort, Icmp, Lifetime, MobilityTicket, RequestedAddressFamily, RequestedTransport,
    ReservationToken,
};
