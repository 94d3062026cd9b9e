//! What the suite asks of data channels: the channels of one association with one peer (RFC 8831, RFC 8832).
//!
//! An endpoint is a machine: the network carries its packets in UDP (RFC 6951), virtual time is told to it.
//! Channels are named by the number of their streams.

use std::net::SocketAddr;

use base::{Instant, Machine};

use super::{sctp::SctpReliability, stun::Refusal};

/// How an endpoint is to be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataChannelConfig {
    /// Where it is: the UDP address.
    pub local: SocketAddr,
    /// Where its peer is: the UDP address.
    pub remote: SocketAddr,
    /// Whether it counts as the DTLS client, whose channels have even numbers.
    pub client: bool,
    /// The most channels that live at one time; its own default if `None`.
    pub max_channels: Option<usize>,
    /// The longest message that it takes; its own default if `None`.
    pub max_message: Option<usize>,
    /// The longest message that its peer takes; its own default if `None`, any if 0.
    pub peer_max_message: Option<usize>,
    /// The streams it asks for: outgoing and incoming.
    pub streams: (u16, u16),
    /// Whether it offers interleaving (RFC 8260).
    pub interleaving: bool,
}

impl DataChannelConfig {
    /// An endpoint as WebRTC has them, without interleaving.
    #[must_use]
    pub const fn new(local: SocketAddr, remote: SocketAddr, client: bool) -> Self {
        Self {
            local,
            remote,
            client,
            max_channels: None,
            max_message: None,
            peer_max_message: None,
            streams: (u16::MAX, u16::MAX),
            interleaving: false,
        }
    }
}

/// What a channel is, or is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Its name.
    pub label: String,
    /// What is spoken on it.
    pub protocol: String,
    /// Whether messages arrive in order.
    pub ordered: bool,
    /// How long its sender keeps trying.
    pub reliability: SctpReliability,
    /// Its share among others.
    pub priority: u16,
    /// Its number, if both sides know of it already.
    pub negotiated: Option<u16>,
}

impl ChannelSpec {
    /// A reliable, ordered channel of normal priority.
    #[must_use]
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            protocol: String::new(),
            ordered: true,
            reliability: SctpReliability::Reliable,
            priority: 256,
            negotiated: None,
        }
    }

    /// The same without order.
    #[must_use]
    pub const fn unordered(mut self) -> Self {
        self.ordered = false;
        self
    }

    /// The same with this reliability.
    #[must_use]
    pub const fn reliability(mut self, reliability: SctpReliability) -> Self {
        self.reliability = reliability;
        self
    }

    /// The same, known to both sides by this number.
    #[must_use]
    pub const fn negotiated(mut self, id: u16) -> Self {
        self.negotiated = Some(id);
        self
    }
}

/// A message of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelData {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// The data channels of one association. It waits for its peer until it is told to connect.
pub trait DataChannelEndpoint: Machine<Event = DataChannelEvent> {
    /// Begins to set up the association.
    fn connect(&mut self, now: Instant);

    /// Opens a channel and tells its number.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not.
    fn open(&mut self, now: Instant, spec: &ChannelSpec) -> Result<u16, Refusal>;

    /// Takes a message to be sent.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not take it.
    fn send(&mut self, now: Instant, id: u16, data: ChannelData) -> Result<(), Refusal>;

    /// Closes a channel.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such channel.
    fn close(&mut self, now: Instant, id: u16) -> Result<(), Refusal>;

    /// Bytes of a channel that wait to be sent.
    fn buffered(&self, id: u16) -> usize;

    /// Has it report when no more than so many bytes wait on a channel.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such channel.
    fn set_buffered_low(&mut self, now: Instant, id: u16, bytes: usize) -> Result<(), Refusal>;

    /// How many channels there are, open or on their way to be or not to be.
    fn count(&self) -> usize;

    /// Ends the association at once.
    fn abort(&mut self, now: Instant);
}

/// What an endpoint reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataChannelEvent {
    /// The association stands.
    Connected,
    /// The peer opened a channel.
    Opened {
        /// Its number.
        id: u16,
        /// What it is.
        spec: ChannelSpec,
    },
    /// A channel that was opened here is known to the peer.
    Open(u16),
    /// A message arrived.
    Message {
        /// Its channel.
        id: u16,
        /// What it says.
        data: ChannelData,
    },
    /// No more waits on a channel than was asked for.
    BufferedLow(u16),
    /// A channel is being closed.
    Closing(u16),
    /// A channel is closed; the text, which is for people only, says why.
    Closed(u16, String),
    /// The association has ended.
    Ended(String),
    /// Something else, for people.
    Other(String),
}

impl DataChannelEvent {
    /// Whether it is the end of this channel.
    #[must_use]
    pub const fn closes(&self, channel: u16) -> bool {
        matches!(self, Self::Closed(id, _) if *id == channel)
    }
}
