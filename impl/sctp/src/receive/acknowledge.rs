//! When to acknowledge: RFC 9260 §6.2.

use std::time::Duration;

use base::Instant;

/// At least every second packet is acknowledged at once (RFC 9260 §6.2).
const PACKETS: u8 = 2;

/// What the chunks of one packet were.
#[derive(Clone, Copy, Debug, Default)]
struct Packet {
    /// There was user data, or a number was given up.
    has_data: bool,
    /// It should not wait.
    is_urgent: bool,
    has_duplicate: bool,
    has_new: bool,
}

/// Decides when an acknowledgement leaves.
#[derive(Debug)]
pub(super) struct Acknowledge {
    delay: Duration,
    packet: Packet,
    /// Packets with user data since the last acknowledgement, counted up to [`PACKETS`].
    packets: u8,
    deadline: Option<Instant>,
    is_due: bool,
    /// An acknowledgement was written already.
    has_begun: bool,
}

impl Acknowledge {
    pub(super) const fn new(delay: Duration) -> Self {
        let packet =
            Packet { has_data: false, is_urgent: false, has_duplicate: false, has_new: false };
        Self { delay, packet, packets: 0, deadline: None, is_due: false, has_begun: false }
    }

    // Told.

    /// User data arrived that had not before.
    pub(super) const fn on_new(&mut self) {
        self.packet.has_data = true;
        self.packet.has_new = true;
    }

    /// User data arrived again.
    pub(super) const fn on_duplicate(&mut self) {
        self.packet.has_data = true;
        self.packet.has_duplicate = true;
    }

    /// The acknowledgement of this packet must not wait.
    pub(super) const fn hurry(&mut self) {
        self.packet.has_data = true;
        self.packet.is_urgent = true;
    }

    /// The peer must hear of the window, whatever arrived.
    pub(super) const fn demand(&mut self) {
        self.is_due = true;
    }

    /// The packet ends. `has_gap` says that some number is missing.
    pub(super) fn on_packet(&mut self, now: Instant, has_gap: bool) {
        let packet = std::mem::take(&mut self.packet);
        if !packet.has_data {
            return;
        }
        self.packets = self.packets.saturating_add(1).min(PACKETS);
        // RFC 9260 §6.2: duplicates alone are acknowledged at once. RFC 9260 §6.7: so is all that comes
        // while something is missing. RFC 9260 §5.1: and so is the first user data of all.
        let only_duplicates = packet.has_duplicate
            && !packet.has_new
            && !base::mutant::active("sctp-duplicate-acked-late");
        let is_urgent = packet.is_urgent || only_duplicates || has_gap || !self.has_begun;
        if self.packets >= PACKETS || is_urgent {
            self.is_due = true;
        } else {
            self.deadline = Some(now + self.delay);
        }
    }

    /// True if the acknowledgement has waited long enough.
    pub(super) fn on_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            self.is_due = true;
        }
    }

    /// An acknowledgement was written.
    pub(super) const fn on_written(&mut self) {
        self.packets = 0;
        self.deadline = None;
        self.is_due = false;
        self.has_begun = true;
    }

    // Asked.

    /// Whether an acknowledgement should leave now.
    pub(super) const fn is_due(&self) -> bool {
        self.is_due
    }

    /// Whether something was not acknowledged yet.
    pub(super) const fn is_pending(&self) -> bool {
        self.is_due || self.packets > 0
    }

    /// When it leaves at the latest.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        if self.is_due { None } else { self.deadline }
    }
}
