//! Data channels: many conversations over one association, each with its own order and reliability.
//!
//! A *channel* is a pair of streams, one in each direction, with one number. It is opened by a message of
//! the Data Channel Establishment Protocol (RFC 8832), or by both sides knowing of it already, and closed
//! by resetting both streams (RFC 8831 §6.7). [`Channels`] owns the association below them: it is told the
//! packets that arrive and asked for those that leave.
//!
//! | file | holds |
//! |---|---|
//! | `channels.rs`, `channels/` | [`Channels`]: the machine |
//! | `channel.rs`, `channel/` | one channel: its [`State`], its table of transitions, parts of messages |
//! | `id.rs` | [`ChannelId`], [`Role`], and which number is next |
//! | `data.rs` | [`Data`]: text and bytes, and what names them on the wire |
//! | `config.rs`, `event.rs`, `error.rs`, `stats.rs` | what goes in and comes out beside packets |
//! | `fault.rs` | [`Fault`]: every way a peer misuses a channel |
//! | `wire/` | the two messages that open channels, as bytes |

mod channel;
mod channels;
mod config;
mod data;
mod error;
mod event;
mod fault;
mod id;
mod stats;
pub mod wire;

pub(crate) use channel::{Channel, Next, Origin, PartKind};
pub use channel::{Input, State};
pub use channels::Channels;
pub use config::{
    ChannelConfig, Config, DEFAULT_MAX_CHANNELS, DEFAULT_PEER_MAX_MESSAGE, Priority, Reliability,
};
pub use data::{Data, ppid};
pub use error::{CloseError, OpenError, SendError};
pub use event::{CloseReason, Event};
pub use fault::Fault;
pub use id::{ChannelId, Role};
pub use stats::{Faults, Stats};
