//! The handshake of version 1.3, told as dialogues between two benches: no records, no network, every
//! message in the hand of the test.

mod bench;
mod connected;
mod dialogue;
mod forgery;
mod hellos;
mod order;
mod tampering;
