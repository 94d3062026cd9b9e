//! What version 1.3 has of its own: the steps from the ServerHello to Finished, and what comes after
//! (RFC 9147 §5 to §9, RFC 8446 §4).
//!
//! Nobody waits for a last flight to be acknowledged before using the keys: a client sends data right
//! after its Finished, and a server may as soon as it has verified the client.
//!
//! | file | holds |
//! |---|---|
//! | `client.rs`, `server.rs` | the two sides of the handshake |
//! | `hello.rs`, `retry.rs`, `groups.rs` | ServerHello, HelloRetryRequest, the choice of the group |
//! | `keys.rs` | the secrets, and the epochs they open |
//! | `authentication.rs` | Certificate, CertificateVerify, Finished |
//! | `connected.rs` | messages after the handshake |
//! | `key_update.rs`, `connection_ids.rs` | what they do |

mod authentication;
mod client;
mod connected;
mod connection_ids;
mod groups;
mod hello;
mod key_update;
mod keys;
mod retry;
mod server;
#[cfg(test)]
mod tests;

pub(crate) use client::Client;
pub(crate) use connected::Connected;
pub(crate) use groups::missing as missing_group;
pub(crate) use retry::{extensions as retry_extensions, request as retry_request, retry};
pub(crate) use server::Server;

use crate::{Misdeed, flight::Incoming};

/// RFC 9147 §6.1: a message has one epoch that it can come in.
fn check_epoch(message: &Incoming<'_>, epoch: u64) -> Result<(), Misdeed> {
    if message.epoch == epoch { Ok(()) } else { Err(Misdeed::WrongEpoch) }
}
