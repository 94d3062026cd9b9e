//! Where all the packets went.

use std::fmt;

use crate::event::DropReason;

/// Counts of packets: every one that came to be ends delivered, dropped for a named reason, merged into
/// another, or is still in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Packets that hosts, routers and boxes made.
    pub originated: u64,
    /// Copies that links made, and switches for groups.
    pub copied: u64,
    /// Packets that came to be when one was split in fragments: one less than there are fragments.
    pub split: u64,
    /// Packets that reached a socket, a tap or the host they were meant for.
    pub delivered: u64,
    /// Fragments that were put together with others, and packets that a box consumed.
    pub merged: u64,
    /// Packets on links, in queues, being reassembled, or inside boxes.
    pub in_flight: u64,
    /// Arrivals at the end of a link.
    pub carried: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            originated: 0,
            copied: 0,
            split: 0,
            delivered: 0,
            merged: 0,
            in_flight: 0,
            carried: 0,
            dropped: [0; DropReason::ALL.len()],
        }
    }
}

impl Tally {
    /// Packets dropped for `reason`.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped.get(reason as usize).copied().unwrap_or(0)
    }

    /// Packets dropped for any reason.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// The reasons that occurred, with their counts.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        let counts = DropReason::ALL.iter().map(|&reason| (reason, self.dropped(reason)));
        counts.filter(|&(_, count)| count > 0)
    }

    /// Whether every packet is accounted for.
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        self.originated + self.copied + self.split
            == self.delivered + self.dropped_total() + self.merged + self.in_flight
    }

    pub(crate) fn drop(&mut self, reason: DropReason) {
        if let Some(count) = self.dropped.get_mut(reason as usize) {
            *count += 1;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} originated + {} copied + {} split = {} delivered + {} dropped + {} merged + {} in \
             flight",
            self.originated,
            self.copied,
            self.split,
            self.delivered,
            self.dropped_total(),
            self.merged,
            self.in_flight
        )?;
        for (reason, count) in self.drops() {
            write!(f, "\n  {count:>8} {reason}")?;
        }
        Ok(())
    }
}
