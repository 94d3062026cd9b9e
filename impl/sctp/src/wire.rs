//! Packets, chunks, parameters and causes as bytes: one message, one file.
//!
//! What arrives borrows the bytes it came in, what leaves is appended to the caller's buffer, and neither
//! allocates. Numbers that nobody knows survive, with what the protocol says to do about them. What a
//! message *means* is no business of this room.
//!
//! | file | holds |
//! |---|---|
//! | `packet.rs` | [`Packet`], [`Header`], the checksum |
//! | `chunk.rs` | [`Chunk`], [`ChunkType`], [`RawChunk`] |
//! | `parameter.rs`, `cause.rs`, `tlv.rs` | [`Parameter`], [`Cause`], and what frames both |
//! | `list.rs`, `number.rs` | [`List`], numbers with names |
//! | `reconfig/` | the parameters that change streams |
//! | the others | the chunks |

mod abort;
mod cause;
mod chunk;
mod cookie_echo;
mod data;
mod ecn;
mod empty;
mod forward_tsn;
mod heartbeat;
mod i_data;
mod i_forward_tsn;
mod init;
mod list;
mod number;
mod operation_error;
mod packet;
mod pad;
mod parameter;
mod reconfig;
mod sack;
mod shutdown;
mod shutdown_complete;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tlv;

pub use abort::Abort;
pub use cause::{Cause, CauseCode, Causes, RawCause};
pub use chunk::{CHUNK_HEADER, Chunk, ChunkType, Chunks, RawChunk};
pub use cookie_echo::CookieEcho;
pub use data::{Data, DataFlags};
pub use ecn::{Cwr, Ecne};
pub use empty::{CookieAck, ShutdownAck};
pub use forward_tsn::{ForwardTsn, SkippedStream};
pub use heartbeat::Heartbeat;
pub use i_data::IData;
pub use i_forward_tsn::{IForwardTsn, SkippedMessage};
pub use init::Init;
pub use list::{Entry, List};
pub use number::UnknownAction;
pub use operation_error::OperationError;
pub use packet::{HEADER_LENGTH, Header, Packet, checksum, seal};
pub use pad::Pad;
pub use parameter::{Parameter, ParameterType, Parameters, RawParameter};
pub use reconfig::Reconfig;
pub use reconfig::{
    AddStreams, AssociationReset, IncomingReset, NextTsns, OutgoingReset, ReconfigResponse,
    ReconfigResult,
};
pub use sack::{GapBlock, Sack};
pub use shutdown::Shutdown;
pub use shutdown_complete::ShutdownComplete;
