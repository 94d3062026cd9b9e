//! SCTP on the wire (RFC 9260 and what extends it), with a peer of the suite's own.
//!
//! A packet is a plain value: chunks with a type, flags and bytes, whose lengths, padding and checksum come
//! out right unless a case spoils them. What a chunk says is read into and made from values of its own.
//!
//! | file | holds |
//! |---|---|
//! | `code.rs` | [`code`]: the numbers of the registries |
//! | `crc32c.rs` | the checksum |
//! | `packet.rs` | [`Packet`]: the common header and the chunks |
//! | `chunk.rs` | [`Chunk`], [`Tlv`]: what has a type and a length |
//! | `body.rs`, `control.rs`, `reconfig.rs` | what the chunks say |
//! | `summary.rs` | a packet in a line, for ladders |
//! | `peer.rs` | [`Peer`]: one end of an association that does as a case says |
//! | `script.rs` | [`script`]: exchanges as text, in the manner of packetdrill |

mod body;
mod chunk;
pub mod code;
mod control;
mod crc32c;
mod packet;
mod peer;
mod reconfig;
pub mod script;
mod summary;

pub use self::{
    body::{Data, IData, Init, Sack},
    chunk::{Chunk, Tlv},
    control::{ForwardTsn, IForwardTsn, causes, heartbeat_info},
    crc32c::crc32c,
    packet::Packet,
    peer::{Answers, Log, Peer, Profile, Received, Standing, Theirs},
    reconfig::Change,
    summary::summary,
};
