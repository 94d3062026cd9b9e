//! How an association is set up.

use std::time::Duration;

use crypto::Provider;

use crate::{
    Tsn,
    congestion::Algorithm,
    path::{DiscoveryConfig, HeartbeatConfig, RttConfig},
    receive::ReceiverConfig,
    send::{Detection, Scheduler, SenderConfig},
    wire::HEADER_LENGTH,
};

/// The port of both ends where signalling says nothing else (RFC 8841 §5).
pub const DEFAULT_PORT: u16 = 5_000;
/// The default of [`Config::max_packet`]: passes every path of IPv6 with room for what wraps it.
pub const DEFAULT_MAX_PACKET: usize = 1_200;
/// The default of [`Config::max_probe`]: an Ethernet frame less headers of IPv6, UDP and DTLS.
pub const DEFAULT_MAX_PROBE: usize = 1_400;
/// No packet is planned to be shorter than this, whatever is asked for: a handshake with its cookie has to
/// fit.
pub const MIN_MAX_PACKET: usize = 256;
/// The longest that a packet may ever be.
pub const LIMIT_MAX_PACKET: usize = 65_520;
/// The default of [`Config::max_receive_window`].
pub const DEFAULT_MAX_RECEIVE_WINDOW: u32 = 16 << 20;
/// The window is never below this: RFC 9260 §3.3.2 demands 1,500 bytes, and a chunk costs more than it
/// carries.
const MIN_RECEIVE_WINDOW: u32 = 4_096;
/// The default of [`Config::send_buffer`].
pub const DEFAULT_SEND_BUFFER: usize = 16 << 20;
/// The default of [`Config::max_message`] (RFC 8831 §6.6 leaves it to signalling).
pub const DEFAULT_MAX_MESSAGE: usize = 256 << 10;
/// RFC 9260 §16 recommends one second for the first timeout, and for the shortest.
pub const DEFAULT_RTO_INITIAL: Duration = Duration::from_secs(1);
/// The default of [`Config::rto_min`].
pub const DEFAULT_RTO_MIN: Duration = Duration::from_millis(200);
/// The default of [`Config::rto_max`].
pub const DEFAULT_RTO_MAX: Duration = Duration::from_secs(10);
/// The default of [`Config::max_init_retransmits`] (RFC 9260 §16).
pub const DEFAULT_MAX_INIT_RETRANSMITS: u32 = 8;
/// The default of [`Config::max_retransmits`] (RFC 9260 §16).
pub const DEFAULT_MAX_RETRANSMITS: u32 = 10;
/// The default of [`Config::heartbeat_interval`] (RFC 9260 §16).
pub const DEFAULT_HEARTBEAT_INTERVAL: Duration = Duration::from_secs(30);
/// The default of [`Config::acknowledgement_delay`].
pub const DEFAULT_ACKNOWLEDGEMENT_DELAY: Duration = Duration::from_millis(25);
/// RFC 9260 §6.2 allows no longer delay.
pub const MAX_ACKNOWLEDGEMENT_DELAY: Duration = Duration::from_millis(500);
/// The default of [`Config::cookie_life`] (RFC 9260 §16).
pub const DEFAULT_COOKIE_LIFE: Duration = Duration::from_secs(60);

/// How an association is set up. The default is what a WebRTC endpoint wants over DTLS.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The cryptography, for the code over the state cookie. Default: the deterministic one.
    pub provider: Provider,
    /// Our port. Default 5,000.
    pub local_port: u16,
    /// The peer's port. Default 5,000.
    pub remote_port: u16,
    /// Longest packet that may leave before the path was searched, in bytes of SCTP packet, common header
    /// included. Default 1,200; never below [`MIN_MAX_PACKET`] nor above [`LIMIT_MAX_PACKET`].
    pub max_packet: usize,
    /// Longest packet that the search of the path tries (RFC 8899 §5), in the same bytes. No longer than
    /// [`Config::max_packet`] turns the search off. Default 1,400.
    pub max_probe: usize,
    /// Streams to send on that this end wishes for, at least 1. Default 65,535.
    pub outgoing_streams: u16,
    /// Streams that the peer may send on, at least 1. Default 65,535.
    pub incoming_streams: u16,
    /// Most bytes that wait to be delivered or put together, overhead included; the window grows up to it as
    /// the peer shows that it can fill it. Default 16 MiB; never below 4,096.
    pub max_receive_window: u32,
    /// Most bytes of messages that wait to be sent or acknowledged. Default 16 MiB.
    pub send_buffer: usize,
    /// Longest message that is sent or taken, in bytes; 0 for no limit but the buffers. Default 256 KiB.
    pub max_message: usize,
    /// The retransmission timeout before the round trip was measured. Default 1 s.
    pub rto_initial: Duration,
    /// The shortest retransmission timeout. Default 200 ms, below the second that RFC 9260 §16 recommends:
    /// acknowledgements are never delayed so long here, and the timer is the last resort after faster ways
    /// to notice a loss.
    pub rto_min: Duration,
    /// The longest retransmission timeout. Default 10 s, below the minute that RFC 9260 §16 recommends:
    /// after an outage of the network, nothing should wait a minute.
    pub rto_max: Duration,
    /// How often INIT and COOKIE ECHO are each repeated before set-up fails. Default 8.
    pub max_init_retransmits: u32,
    /// How many timeouts and unanswered heartbeats in a row end the association. Default 10.
    pub max_retransmits: u32,
    /// Time between heartbeats on an idle path, beside the retransmission timeout; `None` for none.
    /// Default 30 s.
    pub heartbeat_interval: Option<Duration>,
    /// Longest wait before an acknowledgement leaves; cut off at [`MAX_ACKNOWLEDGEMENT_DELAY`]. Default 25 ms.
    pub acknowledgement_delay: Duration,
    /// How long a state cookie is good. Default 60 s.
    pub cookie_life: Duration,
    /// The extensions that are offered and taken.
    pub features: Features,
    /// What decides how much may be in flight and how fast it leaves.
    pub algorithm: Algorithm,
    /// Which stream's turn it is. Default: weighted fair queueing (RFC 8831 §6.4).
    pub scheduler: Scheduler,
    /// The number of the first chunk of user data; `None` to draw it, as RFC 9260 §3.3.2 wishes. For tests
    /// near the wrap.
    pub initial_tsn: Option<Tsn>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            provider: crypto::rust_crypto(),
            local_port: DEFAULT_PORT,
            remote_port: DEFAULT_PORT,
            max_packet: DEFAULT_MAX_PACKET,
            max_probe: DEFAULT_MAX_PROBE,
            outgoing_streams: u16::MAX,
            incoming_streams: u16::MAX,
            max_receive_window: DEFAULT_MAX_RECEIVE_WINDOW,
            send_buffer: DEFAULT_SEND_BUFFER,
            max_message: DEFAULT_MAX_MESSAGE,
            rto_initial: DEFAULT_RTO_INITIAL,
            rto_min: DEFAULT_RTO_MIN,
            rto_max: DEFAULT_RTO_MAX,
            max_init_retransmits: DEFAULT_MAX_INIT_RETRANSMITS,
            max_retransmits: DEFAULT_MAX_RETRANSMITS,
            heartbeat_interval: Some(DEFAULT_HEARTBEAT_INTERVAL),
            acknowledgement_delay: DEFAULT_ACKNOWLEDGEMENT_DELAY,
            cookie_life: DEFAULT_COOKIE_LIFE,
            features: Features::default(),
            algorithm: Algorithm::default(),
            scheduler: Scheduler::default(),
            initial_tsn: None,
        }
    }
}

impl Config {
    pub(crate) fn rtt(&self) -> RttConfig {
        RttConfig { initial: self.rto_initial, min: self.rto_min, max: self.rto_max }
    }

    pub(crate) fn sender(&self) -> SenderConfig {
        SenderConfig {
            buffer: self.send_buffer,
            max_message: self.max_message,
            detection: match self.algorithm {
                Algorithm::Rfc9260 => Detection::Misses,
                Algorithm::Cubic | Algorithm::ModelBased => Detection::Rack,
            },
            packet_room: self.base_packet().saturating_sub(HEADER_LENGTH),
        }
    }

    pub(crate) fn receiver(&self, streams: u16) -> ReceiverConfig {
        ReceiverConfig {
            max_window: self.max_receive_window.max(MIN_RECEIVE_WINDOW),
            max_message: self.max_message,
            streams,
            acknowledgement_delay: self.acknowledgement_delay.min(MAX_ACKNOWLEDGEMENT_DELAY),
        }
    }

    pub(crate) fn discovery(&self) -> DiscoveryConfig {
        let base = self.base_packet();
        let max = (self.max_probe.min(LIMIT_MAX_PACKET) & !3).max(base);
        DiscoveryConfig { min: MIN_MAX_PACKET, base, max }
    }

    pub(crate) fn heartbeats(&self) -> HeartbeatConfig {
        HeartbeatConfig {
            interval: self.heartbeat_interval,
            // RFC 9260 §8.2 warns of a path that counts as dead after the association does; there is one
            // path, and half the way is when its user would want to hear of it.
            path_max_errors: self.max_retransmits / 2,
            association_max_errors: self.max_retransmits,
        }
    }

    /// Packets are multiples of four bytes (RFC 9260 §3.2).
    fn base_packet(&self) -> usize {
        self.max_packet.clamp(MIN_MAX_PACKET, LIMIT_MAX_PACKET) & !3
    }
}

/// Extensions of the protocol. Each is used where both ends have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Messages may be given up (RFC 3758).
    pub forward_tsn: bool,
    /// Messages of several streams may travel in turns (RFC 8260).
    pub interleaving: bool,
    /// Streams may be reset and added (RFC 6525).
    pub reconfig: bool,
    /// What is below protects packets, so that they need no checksum (RFC 9653). True by default, since
    /// data channels run over DTLS; an association over anything else must turn it off.
    pub zero_checksum: bool,
    /// The network may mark packets instead of dropping them (RFC 4960 §A).
    pub ecn: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            forward_tsn: true,
            interleaving: true,
            reconfig: true,
            zero_checksum: true,
            ecn: true,
        }
    }
}

impl Features {
    /// None of them: RFC 9260 alone.
    pub const NONE: Self = Self {
        forward_tsn: false,
        interleaving: false,
        reconfig: false,
        zero_checksum: false,
        ecn: false,
    };
}
