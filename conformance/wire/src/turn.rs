//! What TURN adds to STUN: RFC 8656 and RFC 6062.
//!
//! | file | holds |
//! |---|---|
//! | `attributes.rs` | the constructors and readers of the attributes, in `impl` blocks of [`stun`](crate::stun) |
//! | `channel.rs` | [`ChannelData`]: a message that is not STUN |
//! | `stream.rs` | [`Stream`]: cuts messages of both kinds out of a byte stream |

mod attributes;
mod channel;
mod stream;

pub use channel::ChannelData;
pub use stream::{Piece, Stream};

/// The methods (RFC 8656 §17, RFC 6062 §6.1).
pub mod method {
    /// Makes an allocation.
    pub const ALLOCATE: u16 = 0x003;
    /// Prolongs or deletes it.
    pub const REFRESH: u16 = 0x004;
    /// Data to a peer.
    pub const SEND: u16 = 0x006;
    /// Data from a peer.
    pub const DATA: u16 = 0x007;
    /// Lets peers send.
    pub const CREATE_PERMISSION: u16 = 0x008;
    /// Gives a peer a number.
    pub const CHANNEL_BIND: u16 = 0x009;
    /// Asks for a connection to a peer.
    pub const CONNECT: u16 = 0x00a;
    /// Takes a connection.
    pub const CONNECTION_BIND: u16 = 0x00b;
    /// Tells of a connection from a peer.
    pub const CONNECTION_ATTEMPT: u16 = 0x00c;
}

/// The protocol number of UDP in REQUESTED-TRANSPORT.
pub const UDP: u8 = 17;

/// The protocol number of TCP in REQUESTED-TRANSPORT.
pub const TCP: u8 = 6;
