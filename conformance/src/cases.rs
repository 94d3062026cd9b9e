//! The cases, by layer. Each file registers its own.

mod codec;
mod datachannel;
mod discovery;
mod dtls;
mod ice;
mod nat;
mod sctp;
mod stun;
mod turn;

pub(crate) use self::sctp::scripted::play as play_sctp;
