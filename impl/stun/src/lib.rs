//! STUN.

mod client;
mod cookie;
mod credential;
mod key;
mod opaque;
mod retransmission;
mod server;
mod stats;
pub mod wire;

pub use client::{
    Client, ClientConfig, ClientEvent, ClientStats, FailReason, MAX_INDICATIONS,
    MAX_OUTSTANDING_PER_SERVER, MAX_REQUESTS, Request, RequestError, RequestId, Response,
};
pub use cookie::SecurityFeatures;
pub use credential::{Credential, Integrity, LongTerm, ShortTerm};
pub use key::Key;
pub use opaque::{Unprepared, prepare};
pub use retransmission::{Due, Retransmission, Timing};
pub use server::{
    Access, Behavior, LongTermAccess, MAX_RESPONSES, MAX_SOURCES, RateLimit, Redirect, Server,
    ServerConfig, ServerStats, ServerTransport, ShortTermAccess,
};
pub use stats::{DropReason, Drops};
pub use wire::{Builder, Message};
