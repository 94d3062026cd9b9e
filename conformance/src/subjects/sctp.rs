//! What the suite asks of an SCTP endpoint: one association with one peer, its packets in UDP (RFC 6951).
//!
//! An endpoint is a machine: the network carries its packets, virtual time is told to it. Streams, payload
//! protocol identifiers and sizes cross this border as plain numbers.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Machine};

use super::stun::Refusal;

/// How an endpoint is to be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SctpConfig {
    /// Where it is: the UDP address.
    pub local: SocketAddr,
    /// Where its peer is: the UDP address.
    pub remote: SocketAddr,
    /// The ports within SCTP: its own and the peer's.
    pub ports: (u16, u16),
    /// The streams it asks for: outgoing and incoming.
    pub streams: (u16, u16),
    /// The most bytes in a packet; its own default if `None`.
    pub max_packet: Option<usize>,
    /// The most bytes of received data it holds; its own default if `None`.
    pub receive_window: Option<u32>,
    /// The longest message it takes and gives; its own default if `None`.
    pub max_message: Option<usize>,
    /// Whether it offers partial reliability (RFC 3758).
    pub partial_reliability: bool,
    /// Whether it offers interleaving (RFC 8260).
    pub interleaving: bool,
    /// Whether it lets the peer leave out checksums (RFC 9653).
    pub zero_checksum: bool,
    /// Whether it offers congestion marks (RFC 4960 §A).
    pub ecn: bool,
    /// Whether it looks for a larger packet size than it was told (RFC 8899).
    pub discovery: bool,
    /// Whether it keeps to the congestion control of RFC 9260 §7.2 if it has another as well.
    pub classic: bool,
    /// The retransmission timeout: at first, at least, at most; its own default if `None`.
    pub rto: Option<(Duration, Duration, Duration)>,
    /// How often an INIT and a COOKIE ECHO are sent again; its own default if `None`.
    pub max_init_retransmits: Option<u32>,
    /// How often in a row data is sent again before the association is given up; its own default if
    /// `None`.
    pub max_retransmits: Option<u32>,
    /// How long an idle path is left alone; its own default if `None`.
    pub heartbeat: Option<Duration>,
}

impl SctpConfig {
    /// An endpoint as WebRTC has them, without interleaving, zero checksums, marks or discovery.
    #[must_use]
    pub const fn new(local: SocketAddr, remote: SocketAddr) -> Self {
        Self {
            local,
            remote,
            ports: (5000, 5000),
            streams: (u16::MAX, u16::MAX),
            max_packet: None,
            receive_window: None,
            max_message: None,
            partial_reliability: true,
            interleaving: false,
            zero_checksum: false,
            ecn: false,
            discovery: false,
            classic: false,
            rto: None,
            max_init_retransmits: None,
            max_retransmits: None,
            heartbeat: None,
        }
    }
}

/// How long a message is worth the trouble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SctpReliability {
    /// Always.
    #[default]
    Reliable,
    /// So long (RFC 3758 §4.1).
    Lifetime(Duration),
    /// So many repetitions (RFC 7496 §3.1).
    Retransmits(u16),
    /// As long as nothing of a smaller number needs the room (RFC 7496 §3.2).
    Priority(u32),
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SctpMessage {
    /// The stream.
    pub stream: u16,
    /// The payload protocol identifier.
    pub ppid: u32,
    /// The bytes.
    pub data: Vec<u8>,
    /// Whether it may overtake others.
    pub unordered: bool,
    /// How long to keep trying.
    pub reliability: SctpReliability,
}

impl SctpMessage {
    /// A reliable, ordered message of binary data.
    #[must_use]
    pub fn new(stream: u16, data: impl Into<Vec<u8>>) -> Self {
        Self {
            stream,
            ppid: 53,
            data: data.into(),
            unordered: false,
            reliability: SctpReliability::Reliable,
        }
    }

    /// The same without order.
    #[must_use]
    pub const fn unordered(mut self) -> Self {
        self.unordered = true;
        self
    }

    /// The same with this payload protocol identifier.
    #[must_use]
    pub const fn ppid(mut self, ppid: u32) -> Self {
        self.ppid = ppid;
        self
    }

    /// The same with this reliability.
    #[must_use]
    pub const fn reliability(mut self, reliability: SctpReliability) -> Self {
        self.reliability = reliability;
        self
    }
}

/// An SCTP endpoint with one peer. It waits for the peer until it is told to connect.
pub trait SctpEndpoint: Machine<Event = SctpEvent> {
    /// Begins to set up the association.
    fn connect(&mut self, now: Instant);

    /// Takes a message to be sent.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not take it, as when its buffer is full.
    fn send(&mut self, now: Instant, message: SctpMessage) -> Result<(), Refusal>;

    /// Stops or goes on to take messages out of the association, as a reader does who has fallen asleep.
    fn set_reading(&mut self, now: Instant, reads: bool);

    /// Bytes of a stream that were taken and have not been acknowledged or not even been sent: each stack
    /// counts in its own way, but an idle one counts none.
    fn buffered(&mut self, stream: u16) -> usize;

    /// Resets outgoing streams (RFC 6525 §5.1.2).
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not.
    fn reset_streams(&mut self, now: Instant, streams: &[u16]) -> Result<(), Refusal>;

    /// Asks the peer to reset its outgoing streams (RFC 6525 §4.2).
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not.
    fn request_reset(&mut self, now: Instant, streams: &[u16]) -> Result<(), Refusal> {
        let _ = (now, streams);
        Err(Refusal::Unsupported)
    }

    /// Resets the whole association (RFC 6525 §4.3).
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not.
    fn reset_association(&mut self, now: Instant) -> Result<(), Refusal> {
        let _ = now;
        Err(Refusal::Unsupported)
    }

    /// Adds streams (RFC 6525 §5.1.5, §5.1.6).
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not.
    fn add_streams(&mut self, now: Instant, outgoing: u16, incoming: u16) -> Result<(), Refusal> {
        let _ = (now, outgoing, incoming);
        Err(Refusal::Unsupported)
    }

    /// Its INIT chunk, to be carried by other means (draft-hancke-tsvwg-snap).
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it has no such way.
    fn init_chunk(&mut self, now: Instant) -> Result<Vec<u8>, Refusal> {
        let _ = now;
        Err(Refusal::Unsupported)
    }

    /// Takes the INIT chunk of the peer that came by other means: the association stands at once.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it has no such way, or the chunk is none.
    fn connect_with(&mut self, now: Instant, peer_init: &[u8]) -> Result<(), Refusal> {
        let _ = (now, peer_init);
        Err(Refusal::Unsupported)
    }

    /// Chooses a scheduler of RFC 8260 §3 by its name there in small letters: `first-come`,
    /// `round-robin`, `round-robin-per-packet`, `priority`, `fair-capacity`, `weighted-fair`.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not have it.
    fn set_scheduler(&mut self, now: Instant, name: &str) -> Result<(), Refusal> {
        let _ = (now, name);
        Err(Refusal::Unsupported)
    }

    /// Sets what a stream counts for the scheduler: its weight or its priority.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not take it.
    fn set_priority(&mut self, now: Instant, stream: u16, priority: u16) -> Result<(), Refusal> {
        let _ = (now, stream, priority);
        Err(Refusal::Unsupported)
    }

    /// Ends the association when everything has arrived (RFC 9260 §9.2).
    fn shutdown(&mut self, now: Instant);

    /// Ends the association at once (RFC 9260 §9.1).
    fn abort(&mut self, now: Instant);
}

/// What an endpoint reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SctpEvent {
    /// The association stands.
    Connected,
    /// The peer has begun anew (RFC 9260 §5.2.4.1).
    Restarted,
    /// A message arrived whole.
    Message {
        /// Its stream.
        stream: u16,
        /// Its payload protocol identifier.
        ppid: u32,
        /// Its bytes.
        data: Vec<u8>,
    },
    /// The peer has reset these outgoing streams of its own; all of them if there are none.
    IncomingReset(Vec<u16>),
    /// The peer has agreed to the reset of these streams.
    ResetDone(Vec<u16>),
    /// The peer has refused the reset of these streams.
    ResetDenied(Vec<u16>),
    /// There are more streams now.
    StreamsAdded,
    /// A message was given up before it had arrived.
    Abandoned,
    /// The association has ended well.
    Closed,
    /// The association has ended badly; the text is for people only.
    Failed(String),
    /// Something else, for people.
    Other(String),
}

impl SctpEvent {
    /// Whether it is the end of the association.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Closed | Self::Failed(_))
    }
}
