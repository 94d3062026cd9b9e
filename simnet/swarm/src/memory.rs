//! How much an endpoint holds, and whether it stands still.

use base::Instant;

/// Counts what is allocated and freed while an endpoint is called, and wakes that lead to nothing.
///
/// What is allocated elsewhere does not count: the application, its letters and payloads, the sockets and
/// streams of the simulated host, and the buffers that a caller hands in to be filled.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    bytes: i64,
    most: u64,
    idle: u32,
    most_idle: u32,
    /// The second of the last wake that was due, as long as nothing came of it.
    waits: Option<u64>,
    /// The second in which wakes that led to nothing are counted, and how many there were.
    empty: (u64, u32),
    most_empty: u32,
}

impl Meter {
    /// Calls, and counts. What is allocated in the call and freed outside it, such as an event, still
    /// counts: it is small, and the sum is an upper bound.
    pub(crate) fn count<R>(&mut self, call: impl FnOnce() -> R) -> R {
        let mut result = None;
        let info = allocation_counter::measure(|| result = Some(call()));
        self.bytes += info.bytes_current;
        self.most = self.most.max(u64::try_from(self.bytes).unwrap_or(0));
        result.expect("the call was made")
    }

    /// The same for a call that fills a buffer of the caller, whose growth does not count.
    pub(crate) fn budgeted<R>(
        &mut self,
        buffer: &mut Vec<u8>,
        call: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> R {
        let before = buffer.capacity();
        let result = self.count(|| call(&mut *buffer));
        self.bytes -= i64::try_from(buffer.capacity() - before).unwrap_or(0);
        result
    }

    /// The most bytes that were held at a time.
    pub(crate) const fn most(&self) -> u64 {
        self.most
    }

    /// The endpoint was woken; `stands_still` if its deadline is no later than it was.
    pub(crate) fn woken(&mut self, stands_still: bool) {
        self.idle = if stands_still { self.idle + 1 } else { 0 };
        self.most_idle = self.most_idle.max(self.idle);
    }

    /// The endpoint is about to be woken when it asked for it. The wake before this one led to nothing if
    /// no event, packet, command or socket came of it.
    pub(crate) fn due(&mut self, now: Instant) {
        const SECOND: u64 = 1_000_000_000;
        if let Some(second) = self.waits.replace(now.as_nanos() / SECOND) {
            let before = if self.empty.0 == second { self.empty.1 } else { 0 };
            self.empty = (second, before + 1);
            self.most_empty = self.most_empty.max(before + 1);
        }
    }

    /// Most wakes within one second that led to nothing.
    pub(crate) const fn most_empty(&self) -> u32 {
        self.most_empty
    }

    /// The endpoint was asked for something.
    pub(crate) const fn moved(&mut self, had_something: bool) {
        if had_something {
            self.idle = 0;
            self.waits = None;
        }
    }

    /// Most wakes in a row that led to nothing.
    pub(crate) const fn most_idle(&self) -> u32 {
        self.most_idle
    }
}
