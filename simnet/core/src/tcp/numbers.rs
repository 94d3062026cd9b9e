//! Sequence numbers in flight, as the packets of a connection show them.

use crate::packet::{Tcp, TcpFlags};

/// What was sent and what of it was acknowledged.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbers {
    started: bool,
    unacknowledged: u32,
    next: u32,
    /// The number we expect from the other side, as we last told it.
    pub(super) expected: u32,
    /// The window we told it last.
    pub(super) offered: u16,
}

impl Numbers {
    /// Notes a segment that leaves; says whether its bytes have left before.
    pub(super) fn send(&mut self, tcp: &Tcp) -> bool {
        let end = tcp.sequence.wrapping_add(tcp.sequence_length());
        if tcp.flags.contains(TcpFlags::ACK) {
            self.expected = tcp.acknowledgment;
            self.offered = tcp.window;
        }
        if !self.started {
            self.started = true;
            (self.unacknowledged, self.next) = (tcp.sequence, end);
            return false;
        }
        let probe = tcp.sequence.wrapping_add(1) == self.unacknowledged;
        if is_before(self.next, end) {
            self.next = end;
            return false;
        }
        !probe && !tcp.payload.is_empty()
    }

    /// How many numbers the segment acknowledges that were not before.
    pub(super) fn newly(&self, tcp: &Tcp) -> Option<u64> {
        let valid = tcp.flags.contains(TcpFlags::ACK)
            && self.started
            && is_before(self.unacknowledged, tcp.acknowledgment)
            && !is_before(self.next, tcp.acknowledgment);
        valid.then(|| u64::from(tcp.acknowledgment.wrapping_sub(self.unacknowledged)))
    }

    /// Counts what the segment acknowledges.
    pub(super) fn acknowledge(&mut self, tcp: &Tcp) {
        if self.newly(tcp).is_some() {
            self.unacknowledged = tcp.acknowledgment;
        }
    }

    /// Whether the segment says nothing but what was acknowledged before, while something is in flight.
    pub(super) const fn is_repeated(&self, tcp: &Tcp) -> bool {
        let bare = tcp.flags.bits() == TcpFlags::ACK.bits() && tcp.payload.is_empty();
        bare && self.started
            && tcp.acknowledgment == self.unacknowledged
            && self.next != self.unacknowledged
    }

    /// Whether the number is in flight.
    pub(super) const fn holds(&self, number: u32) -> bool {
        let place = number.wrapping_sub(self.unacknowledged);
        self.started && place < self.next.wrapping_sub(self.unacknowledged)
    }

    /// Numbers in flight.
    pub(super) fn flight(&self) -> u64 {
        u64::from(self.next.wrapping_sub(self.unacknowledged))
    }

    pub(super) const fn next(&self) -> u32 {
        self.next
    }

    pub(super) const fn unacknowledged(&self) -> u32 {
        self.unacknowledged
    }
}

/// Whether sequence number `a` comes before `b` (RFC 9293 §3.4).
pub(super) const fn is_before(a: u32, b: u32) -> bool {
    let ahead = b.wrapping_sub(a);
    ahead != 0 && ahead < 1 << 31
}
