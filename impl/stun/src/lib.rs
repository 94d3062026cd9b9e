//! STUN.

mod client;
mod cookie;
mod credential;
mod discovery;
mod framing;
mod key;
mod opaque;
mod retransmission;
mod server;
mod stats;
mod uri;
pub mod wire;

pub use client::{
    Client, ClientConfig, ClientEvent, ClientStats, FailReason, MAX_INDICATIONS,
    MAX_OUTSTANDING_PER_SERVER, MAX_REQUESTS, Request, RequestError, RequestId, Response,
};
pub use cookie::SecurityFeatures;
pub use credential::{Credential, Integrity, LongTerm, ShortTerm};
pub use discovery::{
    Dependence, Discovery, DiscoveryConfig, DiscoveryEvent, DiscoveryFailure, Hairpinning,
    Lifetime, LifetimeSearch, MAX_LOCAL_ADDRESSES, NatBehavior, PortAssignment,
};
pub use framing::{ChannelData, Deframer, Frame, FramingError, MAX_FRAME};
pub use key::Key;
pub use opaque::{Unprepared, prepare};
pub use retransmission::{Due, Retransmission, Timing};
pub use server::{
    Access, Behavior, LongTermAccess, MAX_RESPONSES, MAX_SOURCES, RateLimit, Redirect, Server,
    ServerConfig, ServerStats, ServerTransport, ShortTermAccess,
};
pub use stats::{DropReason, Drops};
pub use uri::{Host, Scheme, Uri, UriError, UriTransport};
pub use wire::{Builder, Message};
