//! The trait that every congestion controller implements.

use std::{fmt, time::Duration};

use base::Instant;

/// What a controller is told when a packet with user data leaves.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// When.
    pub now: Instant,
    /// Bytes of its chunks of user data, headers and padding included.
    pub bytes: u64,
    /// Bytes in flight with it.
    pub in_flight: u64,
    /// The retransmission timeout of the path: what counts as idle is measured in it.
    pub timeout: Duration,
}

/// What one acknowledgement said.
#[derive(Clone, Copy, Debug)]
pub struct Acked {
    /// When it arrived.
    pub now: Instant,
    /// Bytes that it is the first to say arrived.
    pub newly_acked: u64,
    /// Bytes that are now held to be lost, and were not before.
    pub newly_lost: u64,
    /// Bytes in flight before it.
    pub prior_in_flight: u64,
    /// Bytes in flight after it; what is held to be lost is not in flight.
    pub in_flight: u64,
    /// Time from sending to acknowledgement of the newest chunk that it is the first to acknowledge, unless
    /// that one was sent more than once.
    pub rtt: Option<Duration>,
    /// The smoothed round-trip time.
    pub smoothed_rtt: Duration,
    /// The smallest round-trip time of the last minutes.
    pub min_rtt: Duration,
    /// How fast the path delivered, as far as this acknowledgement shows.
    pub rate: Option<RateSample>,
    /// Whether a round trip has passed since the last acknowledgement that said so.
    pub round_start: bool,
    /// Whether what limits the sender is the application, not the window.
    pub app_limited: bool,
    /// Whether recovery from a loss is going on.
    pub in_recovery: bool,
}

/// A measurement of the delivery rate over about one round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSample {
    /// Bytes delivered in `interval`.
    pub delivered: u64,
    /// The longer of the time they took to leave and the time they took to be acknowledged.
    pub interval: Duration,
    /// Bytes lost in the same span.
    pub lost: u64,
    /// Bytes in flight when the newest of them was sent.
    pub in_flight_at_send: u64,
    /// Whether the application had too little to send for the path to show its rate.
    pub app_limited: bool,
}

impl RateSample {
    /// Bytes a second.
    #[must_use]
    pub fn bytes_per_second(&self) -> u64 {
        let nanos = self.interval.as_nanos().max(1);
        u64::try_from(u128::from(self.delivered) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
    }
}

/// A sign of congestion: at most one of each kind is told for one round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Congestion {
    /// Something was lost and recovery begins.
    Loss {
        /// Bytes in flight when the loss was noticed.
        in_flight: u64,
    },
    /// The network marked a packet instead of dropping it.
    Mark,
    /// The retransmission timer fired: everything in flight is held to be lost.
    Timeout,
    /// A loss that was told before was none: what was held to be lost had only been late.
    Spurious,
}

/// Decides how much may be in flight and how fast it leaves.
///
/// It is told everything and asked two things. It keeps no clock and, where it needs dice, is given them
/// when it is made.
pub trait Controller: fmt::Debug + Send {
    /// A short name for reports, such as `"cubic"`.
    fn name(&self) -> &'static str;

    /// Bytes that may be in flight.
    fn window(&self) -> u64;

    /// Bytes a second at which packets should leave; `None` where the window alone decides, which is then
    /// spread over the round trip.
    fn pacing_rate(&self) -> Option<u64>;

    /// Whether the first search for the rate of the path is going on.
    fn in_slow_start(&self) -> bool;

    /// A packet with user data left.
    fn on_sent(&mut self, sent: &Sent);

    /// An acknowledgement arrived; it is told after the signs of congestion that it brought.
    fn on_ack(&mut self, acked: &Acked);

    /// The network is congested, or was not after all.
    fn on_congestion(&mut self, now: Instant, sign: Congestion);

    /// Largest packets from now on, in bytes of chunks.
    fn set_packet_size(&mut self, bytes: u64);
}
