//! What the crate promises, told as conversations.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

mod changes;
mod client;
mod commands;
mod credentials;
mod discovery;
mod hostile;
mod server;
mod support;
mod vectors;
