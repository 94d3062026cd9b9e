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

mod association;
pub mod congestion;
mod message;
mod number;
mod path;
mod receive;
mod send;
mod stream;
pub mod wire;

pub use congestion::Controller;
pub use message::{Message, Reliability, SendOptions};
pub use number::{Fsn, Mid, RequestNumber, Ssn, Tsn};
pub use stream::{Ppid, StreamId};
