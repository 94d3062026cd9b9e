//! The handshake of version 1.2 from the ServerHello on (RFC 6347 §4.2.4, RFC 5246 §7.3).
//!
//! ```text
//! client                                     server
//!                             <------   ServerHello
//!                                       Certificate
//!                                       ServerKeyExchange
//!                                       CertificateRequest
//!                                       ServerHelloDone
//! Certificate                 ------>
//! ClientKeyExchange
//! CertificateVerify
//! [ChangeCipherSpec] Finished
//!                             <------   [ChangeCipherSpec] Finished
//! ```
//!
//! Keys are agreed on by ECDHE and proved by ECDSA or RSA; sessions are not resumed, and a handshake
//! never follows another.
//!
//! | file | holds |
//! |---|---|
//! | `client.rs` | [`Client`] |
//! | `server.rs` | [`Server`] |
//! | `keys.rs` | master secret, signatures, and the change of the peer to its new keys |
//! | `connected.rs` | [`Connected`]: what still comes after the handshake |

mod client;
mod connected;
mod keys;
mod server;
#[cfg(test)]
mod tests;

pub(crate) use self::{client::Client, connected::Connected, server::Server};

/// The epoch of the handshake's messages but the Finished.
const CLEAR: u64 = 0;
/// The epoch of the Finished and of all data: there is no other change of keys.
const PROTECTED: u64 = 1;
