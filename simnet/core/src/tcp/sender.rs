//! How much a sender has in flight, and what it sends again: congestion control and loss recovery.
//!
//! smoltcp has both, but ends a recovery with the first acknowledgment of anything new, and does not look
//! at selective ones. When several segments of one window are lost it halves its window for each of them
//! and then waits for its retransmission timer: at 10 Mbit/s, 100 ms and a queue of one bandwidth-delay
//! product its Cubic used 69 % of the link. So its own congestion control is switched off, and this module
//! stands between it and the network. It lowers the window that smoltcp reads in the packets of the other
//! side to what may be in flight, keeps repeated acknowledgments from it, and sends lost segments again
//! itself, from copies. smoltcp's retransmission timer remains for what is lost at the end.
//!
//! The rules are those of RFC 5681 with recovery by selective acknowledgments, and of RFC 9438 for Cubic.
//! Slow start ends when round trips grow, as the rules known as HyStart++ have it, so that it does not have
//! to end with the loss of half a window. A window starts at ten segments.

mod growth;
mod scoreboard;
mod slow_start;

use std::time::Duration;

use base::Instant;

use self::{growth::Growth, scoreboard::Scoreboard, slow_start::SlowStart};
use super::{
    config::Congestion,
    numbers::{Numbers, is_before},
};
use crate::packet::{Body, Packet, Tcp, TcpFlags};

/// Segments of the first window.
const INITIAL_SEGMENTS: u64 = 10;
/// Repeated acknowledgments that say that a segment is lost (RFC 5681 §3.2).
const REPEATED: u32 = 3;
/// Largest segment of a side that does not say: RFC 9293 §3.7.1.
const DEFAULT_SEGMENT: u64 = 536;

/// The sending side of a connection.
#[derive(Debug)]
pub(super) struct Sender {
    /// Bytes of a full segment.
    segment: u64,
    /// What the other side takes.
    segment_of_peer: u64,
    /// By how much the windows of the other side are shifted.
    scale: u32,
    /// Bytes that may be in flight.
    window: u64,
    threshold: u64,
    growth: Growth,
    slow_start: SlowStart,
    recovery: Recovery,
    /// The highest number sent when the last loss was noticed: one loss, one reaction.
    recovered: Option<u32>,
    repeated: u32,
    /// The last window the other side offered, as it wrote it.
    offered: Option<u16>,
    /// The last window smoltcp was shown.
    pub(super) shown: Option<u16>,
    board: Scoreboard,
    /// Whether the other side says what came out of order.
    selective: bool,
    /// Whether the first lost segment is to be sent whatever else is in flight.
    urgent: bool,
    round_trip: Option<Duration>,
    pub(super) timeouts: u64,
    pub(super) recoveries: u64,
}

/// What a sender that has lost something is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recovery {
    No,
    /// Sends again what is missing, until everything up to the number is there.
    Fast {
        until: u32,
    },
    /// Sends everything again, up to the number.
    Slow {
        until: u32,
    },
}

impl Sender {
    pub(super) fn new(congestion: Congestion, segment: u64) -> Self {
        Self {
            segment,
            segment_of_peer: DEFAULT_SEGMENT,
            scale: 0,
            window: INITIAL_SEGMENTS * DEFAULT_SEGMENT,
            threshold: u64::MAX,
            growth: Growth::new(congestion),
            slow_start: SlowStart::new(),
            recovery: Recovery::No,
            recovered: None,
            repeated: 0,
            offered: None,
            shown: None,
            board: Scoreboard::default(),
            selective: false,
            urgent: false,
            round_trip: None,
            timeouts: 0,
            recoveries: 0,
        }
    }

    /// Sends segments of so many bytes from now on, if the other side takes them.
    pub(super) fn set_segment(&mut self, bytes: u64) {
        self.segment = bytes.min(self.segment_of_peer);
    }

    /// Bytes that may be in flight; `None` if nothing bounds them.
    pub(super) const fn window(&self) -> Option<u64> {
        if self.growth.is_boundless() { None } else { Some(self.window) }
    }

    /// Where slow start ends; `None` as long as nothing was lost.
    pub(super) const fn threshold(&self) -> Option<u64> {
        if self.threshold == u64::MAX { None } else { Some(self.threshold) }
    }

    pub(super) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Reads what the other side says of itself in its SYN (RFC 9293 §3.2).
    fn greet(&mut self, tcp: &Tcp) {
        let mut rest: &[u8] = &tcp.options;
        (self.segment_of_peer, self.scale) = (DEFAULT_SEGMENT, 0);
        while let [kind, after @ ..] = rest {
            match (kind, after) {
                (0, _) => break,
                (1, _) => rest = after,
                (2, [4, high, low, ..]) => {
                    self.segment_of_peer = u64::from(u16::from_be_bytes([*high, *low])).max(1);
                    rest = after.get(3..).unwrap_or_default();
                }
                (3, [3, shift, ..]) => {
                    self.scale = u32::from(*shift).min(14);
                    rest = after.get(2..).unwrap_or_default();
                }
                (_, [length, ..]) if *length >= 2 => {
                    rest = rest.get(usize::from(*length)..).unwrap_or_default();
                }
                _ => break,
            }
        }
        self.segment = self.segment.min(self.segment_of_peer);
        self.window = INITIAL_SEGMENTS * self.segment;
        self.offered = Some(tcp.window);
    }

    /// Hears a segment, before its acknowledgment counts in `numbers`.
    pub(super) fn hear(&mut self, now: Instant, tcp: &Tcp, numbers: &Numbers) {
        if tcp.flags.contains(TcpFlags::SYN) {
            return self.greet(tcp);
        }
        let same = self.offered.replace(tcp.window) == Some(tcp.window);
        let newly = numbers.newly(tcp);
        if newly.is_some() {
            self.repeated = 0;
        }
        let repeats = numbers.is_repeated(tcp) && same;
        self.repeated += u32::from(repeats);
        let sample = newly.and_then(|_| self.board.acknowledge(now, tcp.acknowledgment));
        let before = self.board.came_so_far();
        self.read_blocks(tcp, numbers);
        if repeats && self.selective && self.board.came_so_far() == before {
            self.board.discarded(self.segment);
        }
        if let Some(bytes) = newly {
            self.advance(now, tcp.acknowledgment, bytes, sample, numbers);
        }
        let patience = self.round_trip.unwrap_or_default() / 4;
        match self.recovery {
            Recovery::No => {
                let lost = self.board.judge(patience) || self.repeated >= REPEATED;
                if lost && self.is_new_loss(tcp, numbers) {
                    self.begin_recovery(now, numbers);
                }
            }
            Recovery::Fast { .. } => {
                self.board.judge(patience);
            }
            Recovery::Slow { .. } => {}
        }
    }

    /// Reads what came out of order.
    fn read_blocks(&mut self, tcp: &Tcp, numbers: &Numbers) {
        let mut rest: &[u8] = &tcp.options;
        while let [kind, after @ ..] = rest {
            match (kind, after) {
                (0, _) => return,
                (1, _) => rest = after,
                (5, [length, blocks @ ..]) if *length >= 2 => {
                    let (blocks, _) = blocks.as_chunks::<8>();
                    for &[a, b, c, d, e, f, g, h] in blocks.iter().take(usize::from(length / 8)) {
                        let left = u32::from_be_bytes([a, b, c, d]);
                        let right = u32::from_be_bytes([e, f, g, h]);
                        if numbers.holds(left) && is_before(left, right) {
                            self.selective = true;
                            self.board.came(left, right);
                        }
                    }
                    return;
                }
                (_, [length, ..]) if *length >= 2 => {
                    rest = rest.get(usize::from(*length)..).unwrap_or_default();
                }
                _ => return,
            }
        }
    }

    /// Whether what is missing was sent after the last loss was noticed.
    fn is_new_loss(&self, tcp: &Tcp, numbers: &Numbers) -> bool {
        let first =
            numbers.newly(tcp).map_or_else(|| numbers.unacknowledged(), |_| tcp.acknowledgment);
        self.recovered.is_none_or(|until| !is_before(first, until))
    }

    fn begin_recovery(&mut self, now: Instant, numbers: &Numbers) {
        let flight = numbers.flight();
        self.threshold = self.growth.reduce(now, self.window, flight, self.segment);
        self.window = self.threshold;
        self.recovery = Recovery::Fast { until: numbers.next() };
        self.recovered = Some(numbers.next());
        self.recoveries += 1;
        self.slow_start.end();
        self.board.give_up_first();
        self.urgent = true;
    }

    /// Something new was acknowledged.
    fn advance(
        &mut self,
        now: Instant,
        upto: u32,
        bytes: u64,
        sample: Option<Duration>,
        numbers: &Numbers,
    ) {
        let flight = numbers.flight();
        match self.recovery {
            Recovery::Fast { until } if is_before(upto, until) => {
                // Without word of what came out of order, what follows is the next to miss.
                if !self.selective {
                    self.board.give_up_first();
                    self.urgent = true;
                }
            }
            Recovery::Fast { .. } => self.recovery = Recovery::No,
            Recovery::Slow { until } => {
                if !is_before(upto, until) {
                    self.recovery = Recovery::No;
                }
                self.grow(now, bytes.min(self.segment), flight);
            }
            Recovery::No => {
                if let Some(sample) = sample {
                    self.measure(sample, upto, numbers);
                }
                self.grow(now, bytes, flight);
            }
        }
    }

    /// The next lost segment that may be sent again.
    pub(super) fn resend(&mut self, now: Instant, numbers: &Numbers) -> Option<Packet> {
        if !matches!(self.recovery, Recovery::Fast { .. }) {
            return None;
        }
        let room = self.board.pipe(numbers.flight()) + self.segment <= self.window;
        if !(room || self.urgent || self.growth.is_boundless()) {
            return None;
        }
        self.urgent = false;
        self.board.resend(now)
    }

    /// The window grows if it was what kept the sender back.
    fn grow(&mut self, now: Instant, bytes: u64, flight: u64) {
        if flight + self.segment < self.window {
            return;
        }
        if self.window < self.threshold {
            let most = bytes.min(2 * self.segment);
            self.window += self.slow_start.growth(most);
        } else {
            let round_trip = self.round_trip.unwrap_or_default();
            self.window = self.growth.grow(now, round_trip, self.window, bytes, self.segment);
        }
    }

    fn measure(&mut self, sample: Duration, upto: u32, numbers: &Numbers) {
        let smoothed = self.round_trip.map_or(sample, |before| (before * 7 + sample) / 8);
        self.round_trip = Some(smoothed);
        if self.window < self.threshold
            && self.slow_start.hear(sample, |until| !is_before(upto, until), numbers.next())
        {
            self.threshold = self.window;
        }
    }

    /// Notes a segment that leaves, with what it takes up.
    pub(super) fn sent(&mut self, now: Instant, packet: &Packet, numbers: &Numbers) {
        let Body::Tcp(tcp) = &packet.body else { return };
        let length = tcp.sequence_length();
        // A question for a sign of life repeats an old number.
        let old = is_before(tcp.sequence, numbers.unacknowledged());
        if length > 0 && !old && !tcp.flags.contains(TcpFlags::SYN) {
            let end = tcp.sequence.wrapping_add(length);
            self.board.send(now, tcp.sequence, end, packet.clone());
        }
    }

    /// The retransmission timer fires: RFC 5681 §3.1.
    pub(super) fn time_out(&mut self, now: Instant, numbers: &Numbers) {
        if !matches!(self.recovery, Recovery::Slow { .. }) {
            let flight = numbers.flight();
            self.threshold = self.growth.reduce(now, self.window, flight, self.segment);
        }
        self.window = self.segment;
        self.recovery = Recovery::Slow { until: numbers.next() };
        self.recovered = Some(numbers.next());
        self.repeated = 0;
        self.timeouts += 1;
        self.board.clear();
        self.slow_start.end();
    }

    /// The window to show smoltcp in place of the one that was last offered.
    pub(super) fn show(&self, numbers: &Numbers, syn: bool) -> u16 {
        let offered = self.offered.unwrap_or(u16::MAX);
        if self.growth.is_boundless() {
            return offered;
        }
        let flight = numbers.flight();
        let allowed = match self.recovery {
            // smoltcp has gone back to the first segment.
            Recovery::Slow { .. } => self.window,
            Recovery::No | Recovery::Fast { .. } => {
                flight + self.window.saturating_sub(self.board.pipe(flight))
            }
        };
        let scale = if syn { 0 } else { self.scale };
        let allowed = allowed.max(self.segment).div_ceil(1 << scale);
        u16::try_from(allowed).unwrap_or(u16::MAX).min(offered)
    }
}
