//! Which places beyond the cumulative number arrived: RFC 9260 §6.2.1.
//!
//! What is kept are ranges, and an acknowledgement is compared with them range by range, so that its cost
//! grows with the number of blocks and never with what is in flight.

/// First and last place of a range.
pub(super) type Range = (u64, u64);

/// Acknowledgements in a row that leave out what was acknowledged before, until it is believed that the
/// peer threw it away. One alone may have been overtaken by a later one (RFC 9260 §6.2.1 D iii counts a
/// miss for each, and three misses are a loss).
const REPORTS_TO_REVOKE: u8 = 3;

/// An acknowledgement of so many blocks may have left out higher ones for want of room, and says nothing of
/// what is beyond its last block.
const MANY_BLOCKS: usize = 64;

/// The ranges, and room to work in.
#[derive(Debug, Default)]
pub(super) struct Scoreboard {
    /// Ascending; no two touch.
    acked: Vec<Range>,
    blocks: Vec<Range>,
    /// What the last acknowledgement added, ascending.
    pub(super) fresh: Vec<Range>,
    /// What the last acknowledgement took back.
    pub(super) revoked: Vec<Range>,
    merged: Vec<Range>,
    reports: u8,
}

impl Scoreboard {
    pub(super) fn is_empty(&self) -> bool {
        self.acked.is_empty()
    }

    /// What is acknowledged, ascending.
    pub(super) fn ranges(&self) -> &[Range] {
        &self.acked
    }

    /// Begins an acknowledgement.
    pub(super) fn begin(&mut self) {
        self.blocks.clear();
        self.fresh.clear();
        self.revoked.clear();
    }

    /// The acknowledgement has a block.
    pub(super) fn add_block(&mut self, first: u64, last: u64) {
        self.blocks.push((first, last));
    }

    /// All blocks were added, all beyond `cumulative`, up to which everything arrived. Afterwards `fresh`
    /// and `revoked` say what changed.
    pub(super) fn finish(&mut self, cumulative: u64) {
        self.forget(cumulative);
        if self.blocks.is_empty() && self.acked.is_empty() {
            return;
        }
        self.tidy_blocks();
        // Most blocks are as they were the last time: only what comes after those is looked at.
        let same = self.acked.iter().zip(&self.blocks).take_while(|(a, b)| a == b).count();
        let (Some(old), Some(new)) = (self.acked.get(same..), self.blocks.get(same..)) else {
            return;
        };
        subtract(new, old, &mut self.fresh);
        subtract(old, new, &mut self.revoked);
        let is_cut_off = self.blocks.len() >= MANY_BLOCKS;
        if is_cut_off {
            let end = self.blocks.last().map_or(0, |block| block.1);
            self.revoked.retain(|range| range.1 <= end);
        }
        if self.revoked.is_empty() {
            self.reports = 0;
        } else {
            self.reports += 1;
        }
        let is_revoked = self.reports >= REPORTS_TO_REVOKE;
        if is_revoked && !is_cut_off {
            self.reports = 0;
            self.acked.clone_from(&self.blocks);
            return;
        }
        if !is_revoked {
            self.revoked.clear();
        }
        self.merged.clear();
        unite(old, new, &mut self.merged);
        self.acked.truncate(same);
        self.acked.append(&mut self.merged);
        if is_revoked {
            self.reports = 0;
            subtract(&self.acked, &self.revoked, &mut self.merged);
            std::mem::swap(&mut self.acked, &mut self.merged);
        }
    }

    /// Forgets everything, since the peer is not believed to hold any of it.
    pub(super) fn clear(&mut self) {
        self.acked.clear();
        self.reports = 0;
    }

    /// Forgets what is not beyond `cumulative`.
    pub(super) fn forget(&mut self, cumulative: u64) {
        let passed = self.acked.iter().take_while(|range| range.1 <= cumulative).count();
        self.acked.drain(..passed);
        if let Some(first) = self.acked.first_mut() {
            first.0 = first.0.max(cumulative + 1);
        }
    }

    /// Blocks should ascend and stand apart (RFC 9260 §3.3.4); from whoever sends them otherwise they are
    /// put so.
    fn tidy_blocks(&mut self) {
        let apart = |pair: &[Range]| matches!(pair, [a, b] if a.1 + 1 < b.0);
        if self.blocks.windows(2).all(apart) {
            return;
        }
        self.blocks.sort_unstable();
        self.merged.clear();
        unite(&self.blocks, &[], &mut self.merged);
        std::mem::swap(&mut self.blocks, &mut self.merged);
    }
}

/// Appends what is in `from` and not in `what`; both ascend, and neither overlaps itself.
fn subtract(from: &[Range], what: &[Range], out: &mut Vec<Range>) {
    let mut what = what.iter().peekable();
    for &(first, last) in from {
        let mut next = first;
        while what.next_if(|range| range.1 < next).is_some() {}
        let mut ahead = what.clone();
        while let Some(range) = ahead.next_if(|range| range.0 <= last) {
            if range.0 > next {
                out.push((next, range.0 - 1));
            }
            next = next.max(range.1 + 1);
        }
        if next <= last {
            out.push((next, last));
        }
    }
}

/// Appends what is in either; both ascend.
fn unite(one: &[Range], other: &[Range], out: &mut Vec<Range>) {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    loop {
        let range = match (one.peek(), other.peek()) {
            (Some(a), Some(b)) if a.0 <= b.0 => one.next(),
            (_, Some(_)) => other.next(),
            (Some(_), None) => one.next(),
            (None, None) => return,
        };
        let Some(&(first, last)) = range else { return };
        match out.last_mut() {
            Some(end) if first <= end.1 + 1 => end.1 = end.1.max(last),
            _ => out.push((first, last)),
        }
    }
}
