//! How channels are set up.

use std::time::Duration;

use crate::{
    ChannelId, Fault, Role,
    wire::{ChannelType, Open},
};

/// The default of [`Config::max_channels`]: applications use a handful, and a peer can open no more.
pub const DEFAULT_MAX_CHANNELS: usize = 1_024;
/// The default of [`Config::peer_max_message`]: what RFC 8841 §6.1 has a peer take that says nothing else.
pub const DEFAULT_PEER_MAX_MESSAGE: usize = 65_536;

/// How the channels of one association are set up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Which numbers this end gives to the channels it opens.
    pub role: Role,
    /// How the association is set up. Its longest message is the longest that a channel takes.
    pub association: sctp::Config,
    /// Most channels that live at one time, whoever opened them; those that are being closed count until
    /// this end's stream is reset. What the peer opens beyond is closed at once. Default 1,024.
    pub max_channels: usize,
    /// Longest message that the peer takes, in bytes, as signalling told; 0 for any (RFC 8841 §6.1).
    /// Default 65,536.
    pub peer_max_message: usize,
}

impl Config {
    /// What a WebRTC endpoint wants, in this role.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            role,
            association: sctp::Config::default(),
            max_channels: DEFAULT_MAX_CHANNELS,
            peer_max_message: DEFAULT_PEER_MAX_MESSAGE,
        }
    }
}

/// What a channel is to be, and what the peer made one to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelConfig {
    /// Its name, which need not be unique; at most 65,535 bytes. Stays here if the channel is negotiated.
    pub label: String,
    /// What the application speaks on it; at most 65,535 bytes. Stays here if the channel is negotiated.
    pub protocol: String,
    /// Whether messages arrive in the order in which they were sent. Default: yes.
    pub ordered: bool,
    /// How long the sender keeps trying. Default: until it has arrived.
    pub reliability: Reliability,
    /// Its share among channels that all have something to send. Default: [`Priority::NORMAL`].
    pub priority: Priority,
    /// Its number, where both sides know of the channel without telling each other. Default: `None`, the
    /// peer is told.
    pub negotiated: Option<ChannelId>,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self::new("")
    }
}

impl ChannelConfig {
    /// A reliable, ordered channel.
    #[must_use]
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            protocol: String::new(),
            ordered: true,
            reliability: Reliability::Reliable,
            priority: Priority::NORMAL,
            negotiated: None,
        }
    }

    /// The same, speaking `protocol`.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocol = protocol.into();
        self
    }

    /// The same without order.
    #[must_use]
    pub const fn unordered(mut self) -> Self {
        self.ordered = false;
        self
    }

    /// The same, trying so long.
    #[must_use]
    pub const fn reliability(mut self, reliability: Reliability) -> Self {
        self.reliability = reliability;
        self
    }

    /// The same with this share.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The same, known to both sides by this number.
    #[must_use]
    pub const fn negotiated(mut self, id: ChannelId) -> Self {
        self.negotiated = Some(id);
        self
    }

    /// The message that asks the peer for it.
    pub(crate) fn to_open(&self) -> Open<'_> {
        let (kind, reliability) = self.reliability.to_wire();
        Open {
            kind: if self.ordered || base::mutant::active("datachannel-unordered-bit-lost") {
                kind
            } else {
                kind.unordered()
            },
            priority: self.priority.get(),
            reliability,
            label: &self.label,
            protocol: &self.protocol,
        }
    }

    /// What the peer asks for.
    pub(crate) fn from_open(open: &Open<'_>) -> Result<Self, Fault> {
        Ok(Self {
            label: open.label.to_owned(),
            protocol: open.protocol.to_owned(),
            ordered: !open.kind.is_unordered(),
            reliability: Reliability::from_wire(open.kind, open.reliability)
                .ok_or(Fault::UnknownChannelType)?,
            priority: Priority::new(open.priority),
            negotiated: None,
        })
    }
}

/// How long the sender of a message keeps trying (RFC 8832 §5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reliability {
    /// Until it has arrived.
    #[default]
    Reliable,
    /// Until each part of it was sent again so many times.
    Retransmits(u32),
    /// Until so many milliseconds have passed since it was sent.
    Lifetime(u32),
}

impl Reliability {
    const fn to_wire(self) -> (ChannelType, u32) {
        match self {
            // RFC 8832 §5.1: the parameter of a reliable channel is 0.
            Self::Reliable => (ChannelType::RELIABLE, 0),
            Self::Retransmits(times) => (ChannelType::REXMIT, times),
            Self::Lifetime(milliseconds) => (ChannelType::TIMED, milliseconds),
        }
    }

    fn from_wire(kind: ChannelType, parameter: u32) -> Option<Self> {
        match kind.ordered() {
            // RFC 8832 §5.1: the parameter of a reliable channel is ignored.
            ChannelType::RELIABLE => Some(Self::Reliable),
            ChannelType::REXMIT => Some(Self::Retransmits(parameter)),
            ChannelType::TIMED => Some(Self::Lifetime(parameter)),
            _ => None,
        }
    }

    /// The same for the association, which counts no further than 65,535: nothing lives to see so many.
    pub(crate) fn below(self) -> sctp::Reliability {
        match self {
            Self::Reliable => sctp::Reliability::Reliable,
            Self::Retransmits(times) => {
                sctp::Reliability::Retransmits(u16::try_from(times).unwrap_or(u16::MAX))
            }
            Self::Lifetime(milliseconds) => {
                sctp::Reliability::Lifetime(Duration::from_millis(u64::from(milliseconds)))
            }
        }
    }
}

/// A share among channels that all have something to send: twice the number, twice the bytes
/// (RFC 8831 §6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u16);

impl Priority {
    /// 128.
    pub const BELOW_NORMAL: Self = Self(128);
    /// 256.
    pub const NORMAL: Self = Self(256);
    /// 512.
    pub const HIGH: Self = Self(512);
    /// 1,024.
    pub const EXTRA_HIGH: Self = Self(1_024);

    /// Any share: RFC 8831 §6.4 only recommends the four that have names.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::NORMAL
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::reliable(ChannelConfig::new("a"), 0x00, 0)]
    #[case::reliable_unordered(ChannelConfig::new("a").unordered(), 0x80, 0)]
    #[case::rexmit(ChannelConfig::new("a").reliability(Reliability::Retransmits(0)), 0x01, 0)]
    #[case::rexmit_unordered(
        ChannelConfig::new("a").unordered().reliability(Reliability::Retransmits(u32::MAX)),
        0x81,
        u32::MAX
    )]
    #[case::timed(ChannelConfig::new("a").reliability(Reliability::Lifetime(7)), 0x02, 7)]
    #[case::timed_unordered(
        ChannelConfig::new("a").unordered().reliability(Reliability::Lifetime(7)),
        0x82,
        7
    )]
    fn every_type_of_channel_is_asked_for_and_understood(
        #[case] config: ChannelConfig,
        #[case] kind: u8,
        #[case] parameter: u32,
    ) {
        let config = config.protocol("p").priority(Priority::HIGH);
        let open = config.to_open();
        assert_eq!((open.kind.number(), open.reliability, open.priority), (kind, parameter, 512));
        assert_eq!(ChannelConfig::from_open(&open), Ok(config.clone()));
    }

    #[test]
    fn the_parameter_of_a_reliable_channel_is_ignored() {
        let open = Open { reliability: 7, ..ChannelConfig::new("a").to_open() }.kind;
        assert_eq!(Reliability::from_wire(open, 7), Some(Reliability::Reliable));
    }

    #[rstest]
    #[case::reserved(0x7f)]
    #[case::reserved_unordered(0xff)]
    #[case::unassigned(0x03)]
    #[case::unassigned_unordered(0x83)]
    fn a_type_that_is_not_known_is_refused(#[case] kind: u8) {
        let config = ChannelConfig::new("a");
        let open = Open { kind: ChannelType::new(kind), ..config.to_open() };
        assert_eq!(ChannelConfig::from_open(&open), Err(Fault::UnknownChannelType));
    }

    #[test]
    fn more_retransmissions_than_can_be_counted_are_as_many_as_can() {
        assert_eq!(
            Reliability::Retransmits(70_000).below(),
            sctp::Reliability::Retransmits(u16::MAX),
        );
    }
}
