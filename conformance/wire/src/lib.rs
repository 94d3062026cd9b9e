//! The conformance suite's own reading of the wire, shaped for tampering.
//!
//! A test must not be blind where the implementation is. This crate is therefore written from the RFC
//! texts alone, shares no code with `impl/`, and uses another crypto back end than its default one.
//!
//! A *message* is a plain value whose fields are [`F`]: left [`Auto`](F::Auto) they come out right, and
//! lengths, integrity tags and fingerprints are computed last, so a case can spoil a field with or
//! without the outer protection being fixed up. What arrives is read into a *parsed* value that keeps
//! everything: order, padding, trailing bytes.
//!
//! | file | holds |
//! |---|---|
//! | `field.rs` | [`F`]: a field that is computed, set, spoiled, replaced or left out |
//! | `crc32.rs` | the CRC of FINGERPRINT |
//! | `dtls.rs` | [`dtls`]: records, messages, keys of DTLS 1.2 and 1.3, and a peer that can be made to misbehave |
//! | `ice.rs` | [`ice`]: candidates as text, priorities, and the checks of RFC 8445 |
//! | `sctp.rs` | [`sctp`]: packets and chunks of RFC 9260 and its extensions, with a peer and scripts |
//! | `stun.rs` | [`stun`]: RFC 8489 messages, with the attributes of RFC 5780 and RFC 8445 |
//! | `turn.rs` | [`turn`]: what RFC 8656 and RFC 6062 add: attributes, ChannelData, streams of both |
//!
//! ```
//! use wire::stun::{Attribute, Message, Parsed, TransactionId, attribute};
//!
//! let request = Message::request(TransactionId([7; 12]))
//!     .with(Attribute::software("Peerlab"))
//!     .with(Attribute::fingerprint());
//! let parsed = Parsed::read(&request.encode()).unwrap();
//! assert_eq!(parsed.kinds(), [attribute::SOFTWARE, attribute::FINGERPRINT]);
//! assert!(parsed.faults().is_empty());
//! ```

mod crc32;
pub mod dtls;
mod field;
pub mod ice;
pub mod sctp;
pub mod stun;
pub mod turn;

pub use crc32::crc32;
pub use field::{F, Octets};
