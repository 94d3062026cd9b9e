//! STUN, the protocol by which hosts learn under which address others see them, and check whether a
//! way leads to one another.
//!
//! A *message* is a header and attributes: [`Message`] reads one where it lies, [`Builder`] writes one
//! into the caller's buffer. A *key* ([`Key`]) protects messages. A *request* and its response are a
//! *transaction*; a [`Client`] carries requests through as many transactions as it takes, a [`Server`]
//! answers. [`Discovery`] asks a server with two addresses what the NAT on the way does. All three are
//! machines without I/O ([`base::Machine`]).
//!
//! It follows RFC 8489 and speaks to its predecessors RFC 5389 and RFC 3489; RFC 5780 for behaviour
//! discovery; RFC 7064 and RFC 7065 for URIs. It reads and writes the attributes of ICE (RFC 8445),
//! TURN (RFC 8656, RFC 6062), third-party authorization (RFC 7635) and mobility (RFC 8016), and leaves
//! what they mean to the crates of those protocols.
//!
//! | file | holds |
//! |---|---|
//! | `wire.rs`, `wire/` | [`wire`]: messages as bytes, one file per family of attributes |
//! | `key.rs`, `opaque.rs` | [`Key`], and how texts are [prepared](prepare) for it |
//! | `credential.rs`, `cookie.rs` | [`Credential`], [`SecurityFeatures`] |
//! | `retransmission.rs` | [`Timing`], [`Retransmission`]: when a request is sent again |
//! | `client.rs`, `client/` | [`Client`] |
//! | `server.rs`, `server/` | [`Server`] |
//! | `discovery.rs`, `discovery/` | [`Discovery`], [`NatBehavior`] |
//! | `framing.rs` | [`Deframer`]: messages on a stream |
//! | `uri.rs`, `uri/` | [`Uri`] |
//! | `stats.rs` | [`DropReason`], [`Drops`] |
//!
//! A client and a server, and nothing between them:
//!
//! ```
//! use base::{Datagram, Ecn, Instant, Machine, Rng};
//! use stun::{Client, ClientConfig, ClientEvent, Request, Server, ServerConfig};
//!
//! let provider = crypto::Provider::default();
//! let rng = Rng::from_seed([1; 32]);
//! let now = Instant::ZERO;
//! let mut client = Client::new(ClientConfig::new(provider), rng.fork("client"), now);
//! let mut server = Server::new(ServerConfig::new(provider), rng.fork("server"), now);
//! let (here, there) = ("198.51.100.7:40000".parse()?, "192.0.2.1:3478".parse()?);
//!
//! client.request(now, Request::binding(there))?;
//! let mut bytes = Vec::new();
//! client.poll_transmit(now, &mut bytes);
//! let request = Datagram { source: here, destination: there, ecn: Ecn::NotEct, payload: &bytes };
//! server.handle_datagram(now, request);
//!
//! let mut bytes = Vec::new();
//! server.poll_transmit(now, &mut bytes);
//! let response = Datagram { source: there, destination: here, ecn: Ecn::NotEct, payload: &bytes };
//! client.handle_datagram(now, response);
//!
//! let Some(ClientEvent::Succeeded { response, .. }) = client.poll_event() else {
//!     panic!("nothing was lost");
//! };
//! assert_eq!(response.mapped_address(), Some(here));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
    Access, Arrival, Behavior, Challenge, Limiter, LongTermAccess, MAX_RESPONSES, MAX_SOURCES,
    Name, NonceMint, RateLimit, Redirect, Refusal, Server, ServerConfig, ServerStats,
    ServerTransport, ShortTermAccess,
};
pub use stats::{DropReason, Drops};
pub use uri::{Host, Scheme, Uri, UriError, UriTransport};
pub use wire::{Builder, Message};
