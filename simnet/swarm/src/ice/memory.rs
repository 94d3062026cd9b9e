//! How much an endpoint holds, and whether it stands still.

/// Counts what is allocated and freed while an endpoint is called, and wakes that lead to nothing.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    bytes: i64,
    most: u64,
    idle: u32,
    most_idle: u32,
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

    /// The endpoint was asked for something.
    pub(crate) const fn moved(&mut self, had_something: bool) {
        if had_something {
            self.idle = 0;
        }
    }

    /// Most wakes in a row that led to nothing.
    pub(crate) const fn most_idle(&self) -> u32 {
        self.most_idle
    }
}
