//! Messages, and how each wishes to travel.

use std::time::Duration;

use bytes::Bytes;

use crate::{Ppid, StreamId};

/// A message that arrived whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The stream it came on.
    pub stream: StreamId,
    /// What it is to the application.
    pub ppid: Ppid,
    /// Whether its order among the messages of the stream is of no matter.
    pub unordered: bool,
    /// Its bytes, at least one.
    pub payload: Bytes,
}

/// How long the sender keeps trying: RFC 3758 §1.1, RFC 7496 §3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reliability {
    /// Until the message has arrived or the association has ended.
    #[default]
    Reliable,
    /// Until so much time has passed since the message was given to the association (RFC 3758 §4.1).
    Lifetime(Duration),
    /// Until each of its chunks was sent again so many times (RFC 7496 §3.1).
    Retransmits(u16),
    /// Until a message of higher priority, which is a lower number, needs its place in the queue
    /// (RFC 7496 §3.2).
    Priority(u32),
}

/// How one message wishes to travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// Deliver it as soon as it is whole, whatever came before it on the stream.
    pub unordered: bool,
    /// How long to keep trying.
    pub reliability: Reliability,
    /// Ask the peer to acknowledge its last chunk without delay (RFC 9260 §3.3.1).
    pub immediate: bool,
}
