//! How busy the server is, and what it does about it.
//!
//! A thread that keeps up with its packets is woken for each of them: most of its time goes into waking
//! up, and nothing can leave in batches. Under load it is better to sleep on for a moment and to find many
//! packets at once, as network cards do when they hold interrupts back. The price is a fifth of a
//! millisecond of delay, and only where there are tens of thousands of packets a second.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// How long the load is measured before it is judged.
const WINDOW: Duration = Duration::from_millis(2);
/// Packets in a window from which it is a load: 20,000 a second.
const BUSY: u64 = 40;
/// Packets for each waking up that are enough to work well.
const ENOUGH: u64 = 24;
/// How much longer the thread sleeps: with what the system adds, about a fifth of a millisecond.
const PAUSE: Duration = Duration::from_micros(150);

/// Packets that came, counted by the host and judged by the thread when it has nothing to do.
#[derive(Debug, Default)]
pub(super) struct Load {
    packets: AtomicU64,
    judgement: Mutex<Judgement>,
}

#[derive(Debug, Default)]
struct Judgement {
    began: Option<Instant>,
    packets: u64,
    wakes: u64,
    is_busy: bool,
}

impl Load {
    /// So many packets came.
    pub(super) fn add(&self, packets: u64) {
        self.packets.fetch_add(packets, Ordering::Relaxed);
    }

    /// The thread is about to wait for the sockets.
    pub(super) fn park(&self) {
        if self.judge() {
            #[expect(clippy::disallowed_methods, reason = "nobody waits for the thread meanwhile")]
            std::thread::sleep(PAUSE);
        }
    }

    /// Whether to sleep on for a moment.
    fn judge(&self) -> bool {
        let mut it = self.judgement.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let began = *it.began.get_or_insert(now);
        it.wakes += 1;
        let elapsed = now.saturating_duration_since(began);
        if elapsed < WINDOW {
            return it.is_busy;
        }
        let packets = self.packets.load(Ordering::Relaxed);
        let came = packets - it.packets;
        // An idle thread sleeps through many windows; then it was no load.
        it.is_busy = elapsed < 4 * WINDOW && came >= BUSY && came < ENOUGH * it.wakes;
        (it.began, it.packets, it.wakes) = (Some(now), packets, 0);
        it.is_busy
    }
}
