//! STUN.

mod key;
mod opaque;
pub mod wire;

pub use key::Key;
pub use opaque::{Unprepared, prepare};
pub use wire::{Builder, Message};
