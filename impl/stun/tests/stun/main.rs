//! What the crate promises, told as conversations.

mod client;
mod commands;
mod credentials;
mod discovery;
mod hostile;
mod server;
mod support;
mod vectors;
