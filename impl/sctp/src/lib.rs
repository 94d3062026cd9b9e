//! SCTP, the transport of data channels: messages on many streams over one association.
//!
//! An *association* joins two ends that know each other's verification tag. Each direction carries
//! messages on *streams*: a message is cut into *chunks*, every chunk has a *transmission sequence
//! number*, and *selective acknowledgements* say which numbers arrived. What a number says about loss and
//! what a stream says about order are separate things; that separation is the crate's plan.
//!
//! | file | holds |
//! |---|---|
//! | `number.rs`, `stream.rs`, `message.rs` | the words that every room speaks: [`Tsn`], [`StreamId`], [`SendOptions`] |
//! | `wire/` | packets, chunks, parameters and causes as bytes |
//! | `congestion/` | [`Controller`]: how much may be in flight and how fast it leaves |
//! | `path/` | round-trip time, retransmission timeout, packet size |
//! | `send/` | queues, schedulers, what is outstanding, what was lost |
//! | `receive/` | which numbers arrived, reassembly, order, acknowledgements |
//! | `association/` | set-up, shutdown, streams reset and added, packets in and out |
//! | `endpoint.rs` | [`Endpoint`]: an association with the address of its peer |
//! | `config.rs`, `event.rs`, `error.rs` | [`Config`], [`Event`], why a command was not taken |
//! | `misdeed.rs`, `stats.rs` | [`Misdeed`]: how a peer breaks the protocol; [`DropReason`], [`Stats`] |
//!
//! ```
//! use base::{Ecn, Instant, Rng};
//! use bytes::Bytes;
//! use sctp::{Association, Config, Ppid, SendOptions, StreamId};
//!
//! let now = Instant::ZERO;
//! let end = |seed| Association::new(Config::default(), Rng::from_seed([seed; 32]), now);
//! let (mut one, mut other) = (end(1), end(2));
//! one.connect(now)?;
//! let (stream, text) = (StreamId::new(0), Ppid::new(51));
//! one.send(now, stream, text, Bytes::from_static(b"hello"), &SendOptions::default())?;
//!
//! // Whoever carries packets decides when they arrive; here, at once.
//! let mut packet = Vec::new();
//! for _ in 0..4 {
//!     while one.poll_packet(now, &mut packet).is_some() {
//!         other.handle_packet(now, &packet, Ecn::NotEct);
//!         packet.clear();
//!     }
//!     std::mem::swap(&mut one, &mut other);
//! }
//! let message = other.poll_message().ok_or("it travels with the cookie")?;
//! assert_eq!(message.payload, b"hello"[..]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod association;
mod config;
pub mod congestion;
mod endpoint;
mod error;
mod event;
mod message;
mod misdeed;
mod number;
mod path;
mod receive;
mod send;
mod stats;
mod stream;
pub mod wire;

pub use association::{Association, AssociationState, Outgoing};
pub use config::{
    Config, DEFAULT_ACKNOWLEDGEMENT_DELAY, DEFAULT_COOKIE_LIFE, DEFAULT_HEARTBEAT_INTERVAL,
    DEFAULT_MAX_INIT_RETRANSMITS, DEFAULT_MAX_MESSAGE, DEFAULT_MAX_PACKET, DEFAULT_MAX_PROBE,
    DEFAULT_MAX_RECEIVE_WINDOW, DEFAULT_MAX_RETRANSMITS, DEFAULT_PORT, DEFAULT_RTO_INITIAL,
    DEFAULT_RTO_MAX, DEFAULT_RTO_MIN, DEFAULT_SEND_BUFFER, Features, LIMIT_MAX_PACKET,
    MAX_ACKNOWLEDGEMENT_DELAY, MIN_MAX_PACKET,
};
pub use congestion::{Algorithm, Controller};
pub use endpoint::Endpoint;
pub use error::{ConnectError, ResetError, SendError, SnapError};
pub use event::{CloseReason, Event};
pub use message::{Message, Reliability, SendOptions};
pub use misdeed::Misdeed;
pub use number::{Fsn, Mid, RequestNumber, Ssn, Tsn};
pub use send::Scheduler;
pub use stats::{DropReason, Drops, Stats};
pub use stream::{Ppid, StreamId};
