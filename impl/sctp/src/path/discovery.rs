//! The largest packet that the path carries: RFC 8899.
//!
//! A *probe* is a packet that carries a HEARTBEAT and padding (RFC 8899 §6.2.1) and no user data, so that
//! losing it costs nothing and says nothing about congestion. The search goes up from the base size in
//! steps that double, and closes in by halves once a probe was lost.

use std::time::Duration;

use base::Instant;

/// `MAX_PROBES` of RFC 8899 §5.1.2: probes lost in a row that end a search.
const MAX_PROBES: u32 = 3;
/// `PMTU_RAISE_TIMER` of RFC 8899 §5.1.1: after this long a larger size is tried again.
const RAISE: Duration = Duration::from_mins(10);
/// RFC 8899 §5.1.1: no probe is given up sooner.
const MIN_PROBE_WAIT: Duration = Duration::from_secs(1);
/// Smaller gains than this are not worth a probe (RFC 8899 §5.3.2).
const MIN_GAIN: usize = 16;
/// Timeouts in a row, with packets above the smallest size in flight, that make a black hole. One may be
/// chance; the second is sent alone on an empty path.
const BLACK_HOLE: u32 = 2;

/// Sizes of whole packets, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DiscoveryConfig {
    /// Expected to work everywhere: what is used when the base size does not work.
    pub(crate) min: usize,
    /// Expected to work on most paths: what is used at first.
    pub(crate) base: usize,
    /// The largest that may be tried. No larger than `base` searches nothing.
    pub(crate) max: usize,
}

/// A probe to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// The size of the whole packet, padding included.
    pub(crate) size: usize,
}

/// The states of RFC 8899 §5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No association yet.
    Disabled,
    /// Whether the base size works is being found out.
    Base,
    /// Larger sizes are being tried.
    Searching,
    /// Nothing to find out until the raise timer fires.
    Complete,
    /// The base size does not work.
    Error,
}

/// Finds the largest packet that the path carries.
#[derive(Debug)]
pub(crate) struct Discovery {
    config: DiscoveryConfig,
    /// What the layer below allows at most.
    limit: usize,
    phase: Phase,
    /// `PLPMTU`: what packets may have.
    current: usize,
    /// Sizes from this on are not tried in this search.
    ceiling: usize,
    /// Whether a probe was lost in this search: from then on the range is halved.
    bracketed: bool,
    step: usize,
    /// `PROBE_COUNT`: probes lost in a row.
    failures: u32,
    wanted: Option<usize>,
    under_way: Option<usize>,
    probe_deadline: Option<Instant>,
    raise_at: Option<Instant>,
    /// Timeouts in a row with packets above the smallest size in flight.
    timeouts: u32,
}

impl Discovery {
    pub(crate) fn new(config: DiscoveryConfig) -> Self {
        let base = config.base.max(1);
        let config = DiscoveryConfig { base, min: config.min.min(base), ..config };
        Self {
            config,
            limit: usize::MAX,
            phase: Phase::Disabled,
            current: base,
            ceiling: 0,
            bracketed: false,
            step: 0,
            failures: 0,
            wanted: None,
            under_way: None,
            probe_deadline: None,
            raise_at: None,
            timeouts: 0,
        }
    }

    /// The association is established.
    ///
    /// The base size is not probed first: it is used at once, and [`on_timeout`](Self::on_timeout) finds
    /// out if it does not work. A handshake is too small to say so (RFC 8899 §5.1.4).
    pub(crate) fn start(&mut self, now: Instant) {
        self.current = self.base();
        self.search(now, self.max());
    }

    /// The association is gone, or the path lost (RFC 8899 §5.2).
    pub(crate) fn stop(&mut self) {
        self.phase = Phase::Disabled;
        self.wanted = None;
        self.forget_probe();
        self.raise_at = None;
        self.timeouts = 0;
    }

    /// The largest packet to send now.
    pub(crate) fn packet_size(&self) -> usize {
        self.current
    }

    /// The largest packet for which a chunk may be cut.
    ///
    /// A chunk keeps its size for life, while the path's may shrink under it; so chunks are cut for the
    /// base size even where packets may be larger, and larger packets carry several. After the path
    /// shrinks each still fits, down to the base size, and no chunk is ever stuck in a black hole.
    pub(crate) fn chunk_packet_size(&self) -> usize {
        self.current.min(self.base())
    }

    #[cfg(test)]
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// The probe to send now, if there is one.
    pub(crate) fn poll_probe(&mut self, now: Instant, rto: Duration) -> Option<Probe> {
        let size = self.wanted.take()?;
        self.under_way = Some(size);
        // RFC 8899 §5.1.1 (departure): the advice of more than 15 seconds is for layers that know no
        // round-trip time; three timeouts are long enough where one is known.
        self.probe_deadline = Some(now + (rto * 3).max(MIN_PROBE_WAIT));
        Some(Probe { size })
    }

    /// Whether a probe waits to leave.
    pub(crate) fn is_probe_due(&self) -> bool {
        self.wanted.is_some()
    }

    /// A probe of `size` was acknowledged.
    pub(crate) fn on_probe_acked(&mut self, now: Instant, size: usize) {
        if self.under_way != Some(size) {
            return;
        }
        self.forget_probe();
        self.failures = 0;
        match self.phase {
            Phase::Base | Phase::Error => {
                self.current = self.base();
                let ceiling = self.ceiling;
                self.search(now, ceiling);
            }
            Phase::Searching => {
                self.current = self.current.max(size);
                self.step = self.step.saturating_mul(2);
                self.seek(now);
            }
            Phase::Disabled | Phase::Complete => {}
        }
    }

    /// The probe that is under way is held to be lost.
    pub(crate) fn on_probe_lost(&mut self, now: Instant) {
        let Some(size) = self.under_way else { return };
        self.forget_probe();
        self.failures += 1;
        match self.phase {
            Phase::Base if self.failures >= MAX_PROBES => {
                self.phase = Phase::Error;
                self.current = self.config.min.min(self.limit);
                self.failures = 0;
                self.raise_at = Some(now + RAISE);
            }
            Phase::Base => self.wanted = Some(size),
            Phase::Error => self.raise_at = Some(now + RAISE),
            Phase::Searching if self.failures >= MAX_PROBES => self.complete(now),
            Phase::Searching => {
                self.ceiling = whole_words(size.saturating_sub(1));
                self.bracketed = true;
                self.seek(now);
            }
            Phase::Disabled | Phase::Complete => {}
        }
    }

    /// A packet of `size` with user data was acknowledged: no black hole for that size.
    pub(crate) fn on_packet_acked(&mut self, size: usize) {
        if size > self.config.min {
            self.timeouts = 0;
        }
    }

    /// The retransmission timer fired while packets of up to `size` were in flight.
    ///
    /// Losing every packet of a size, again, is what a path does that drops it silently: then the search
    /// begins anew at the base size (RFC 8899 §4.3). Returns whether the packet size changed.
    pub(crate) fn on_timeout(&mut self, size: usize) -> bool {
        if size <= self.config.min || matches!(self.phase, Phase::Disabled | Phase::Error) {
            return false;
        }
        self.timeouts += 1;
        if self.timeouts < BLACK_HOLE {
            return false;
        }
        self.timeouts = 0;
        if self.phase == Phase::Base {
            return false;
        }
        let before = self.current;
        // What just failed is not tried again before the raise timer fires (RFC 8899 §5.3.3).
        self.ceiling = before.saturating_sub(1).max(self.base());
        self.current = self.base();
        self.phase = Phase::Base;
        self.failures = 0;
        self.forget_probe();
        self.raise_at = None;
        self.wanted = Some(self.base());
        self.current != before
    }

    /// The layer below carries at most `limit` bytes: what a "packet too big" message or another route
    /// told it (RFC 8899 §4.6).
    pub(crate) fn set_limit(&mut self, now: Instant, limit: usize) {
        let raised = limit > self.limit;
        self.limit = limit.max(1);
        self.current = self.current.min(self.limit);
        self.ceiling = self.ceiling.min(self.limit);
        if self.phase == Phase::Disabled {
            self.current = self.base();
            return;
        }
        if raised && self.phase == Phase::Complete {
            self.current = self.current.max(self.base());
            self.search(now, self.max());
            return;
        }
        if self.wanted.is_some_and(|size| size > self.limit) {
            self.wanted = None;
            self.seek(now);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.probe_deadline.into_iter().chain(self.raise_at).min()
    }

    /// The deadline has come.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.probe_deadline.is_some_and(|at| at <= now) {
            self.on_probe_lost(now);
        }
        if self.raise_at.is_some_and(|at| at <= now) {
            self.raise_at = None;
            if self.phase == Phase::Error {
                self.wanted = Some(self.base());
                self.ceiling = self.max();
            } else {
                self.search(now, self.max());
            }
        }
    }

    fn base(&self) -> usize {
        self.config.base.min(self.limit)
    }

    fn max(&self) -> usize {
        self.config.max.min(self.limit)
    }

    fn search(&mut self, now: Instant, ceiling: usize) {
        self.phase = Phase::Searching;
        self.ceiling = whole_words(ceiling);
        self.bracketed = false;
        self.step = self.base() / 8;
        self.failures = 0;
        self.raise_at = None;
        self.forget_probe();
        self.seek(now);
    }

    /// Chooses the next probe, or ends the search.
    fn seek(&mut self, now: Instant) {
        let gap = self.ceiling.saturating_sub(self.current);
        if gap < MIN_GAIN {
            self.complete(now);
            return;
        }
        let step = if self.bracketed { gap / 2 } else { self.step };
        let size = self.current.saturating_add(step.max(MIN_GAIN));
        self.wanted = Some(whole_words(size).min(self.ceiling));
    }

    fn complete(&mut self, now: Instant) {
        self.phase = Phase::Complete;
        self.wanted = None;
        self.forget_probe();
        let may_grow = self.max() > self.current && self.max() - self.current >= MIN_GAIN;
        self.raise_at = may_grow.then(|| now + RAISE);
    }

    fn forget_probe(&mut self) {
        self.under_way = None;
        self.probe_deadline = None;
    }
}

/// Packets are a multiple of four bytes long (RFC 9260 §3.2).
fn whole_words(size: usize) -> usize {
    size & !3
}

#[cfg(test)]
mod tests;
