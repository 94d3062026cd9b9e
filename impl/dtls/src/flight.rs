//! Flights: handshake messages on their way, out and in.
//!
//! A handshake is a few *flights*, each a run of messages that one end sends and the other answers. The
//! rooms here make them arrive over a network that loses, reorders, duplicates and cuts off: they decide
//! nothing about what the messages say.
//!
//! | file | holds |
//! |---|---|
//! | `transcript.rs` | [`Transcript`]: what both ends said, hashed as the version wants it |
//! | `inbox.rs`, `reassembly.rs` | [`Inbox`]: the peer's fragments, put together and in order |
//! | `outbox.rs`, `outbox/` | [`Outbox`]: our messages, cut to fit, repeated until answered |
//! | `acks.rs` | [`Acks`]: what to acknowledge in version 1.3, and when |
//! | `ranges.rs` | which bytes of a message have arrived |

mod acks;
mod inbox;
mod outbox;
mod ranges;
mod reassembly;
mod transcript;

#[cfg(test)]
pub(crate) use self::outbox::Seal;
pub(crate) use self::{
    acks::Acks,
    inbox::{Inbox, Incoming, Inserted, MAX_MESSAGE, Message, Place},
    outbox::{Expect, Outbox},
    transcript::Transcript,
};
