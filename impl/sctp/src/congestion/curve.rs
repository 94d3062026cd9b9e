//! The cubic curve: RFC 9438.

use base::Instant;

use super::{Acked, cubic::MAX_WINDOW};

/// The curve's scale, `C` of RFC 9438: four tenths of a packet for each second cubed.
const SCALE: (i128, i128) = (4, 10);
/// The slope of a Reno-like window that shrinks to seven tenths: `3 (1 - 0.7) / (1 + 0.7)`, in thousandths.
const RENO_SLOPE: u64 = 529;

/// A window as a function of the time since it last shrank.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Curve {
    /// The window at which congestion was last met: where the curve is flat.
    plateau: u64,
    /// The window before it shrank.
    prior: u64,
    epoch: Option<Epoch>,
    last_ack: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Epoch {
    began: Instant,
    /// Milliseconds from the beginning to the plateau: `K` of RFC 9438.
    to_plateau: u64,
    plateau: u64,
    /// The window that Reno would have by now.
    reno: u64,
}

impl Curve {
    /// The window after it met congestion at `window`; `beta` is what remains of it.
    pub(super) fn reduce(&mut self, window: u64, beta: (u64, u64)) -> u64 {
        let reduced = scale(window, beta);
        // Fast convergence: who meets congestion below the last plateau makes room for newcomers.
        self.plateau = if window < self.plateau {
            let (num, den) = beta;
            scale(window, (num + den, 2 * den))
        } else {
            window
        };
        self.prior = window;
        self.epoch = None;
        reduced
    }

    /// The window at which congestion was last met.
    pub(super) fn plateau(&self) -> u64 {
        self.plateau
    }

    /// Starts anew at `window`, which is the plateau.
    pub(super) fn settle(&mut self, window: u64) {
        *self = Self { plateau: window, prior: window, epoch: None, last_ack: self.last_ack };
    }

    /// The path was idle: time on the curve begins anew with the next acknowledgement.
    pub(super) fn rest(&mut self) {
        self.epoch = None;
    }

    /// Time that does not count: the window is not what limits the sender.
    pub(super) fn stand_still(&mut self, now: Instant) {
        if let (Some(epoch), Some(last)) = (&mut self.epoch, self.last_ack) {
            epoch.began += now.saturating_duration_since(last);
        }
        self.last_ack = Some(now);
    }

    /// The window after an acknowledgement.
    pub(super) fn grow(&mut self, acked: &Acked, window: u64, packet: u64) -> u64 {
        let (window, newly_acked) = (window.min(MAX_WINDOW), acked.newly_acked.min(MAX_WINDOW));
        let plateau = self.plateau.clamp(window, MAX_WINDOW);
        let epoch = self.epoch.get_or_insert_with(|| Epoch {
            began: acked.now,
            to_plateau: to_plateau(plateau - window, packet),
            plateau,
            reno: window,
        });
        self.last_ack = Some(acked.now);
        let elapsed = millis(acked.now.saturating_duration_since(epoch.began));
        let ahead = elapsed.saturating_add(millis(acked.smoothed_rtt));
        let slope = if epoch.reno < self.prior { RENO_SLOPE } else { 1_000 };
        epoch.reno = epoch.reno.saturating_add(ratio(
            u128::from(slope) * u128::from(newly_acked) * u128::from(packet),
            u128::from(window.max(1)) * 1_000,
        ));
        if epoch.at(elapsed, packet) < epoch.reno {
            return window.max(epoch.reno).min(MAX_WINDOW);
        }
        let target = epoch.at(ahead, packet).clamp(window, window.saturating_mul(3) / 2);
        let step = u128::from(target - window) * u128::from(newly_acked);
        window.saturating_add(ratio(step, u128::from(window.max(1)))).min(MAX_WINDOW)
    }
}

impl Epoch {
    /// The curve after so many milliseconds.
    fn at(&self, elapsed: u64, packet: u64) -> u64 {
        // Seven weeks of milliseconds, cubed, times any packet, still fits.
        let span = i128::from(elapsed.min(1 << 32)) - i128::from(self.to_plateau);
        let (num, den) = SCALE;
        let rise = span * span * span * num * i128::from(packet) / (1_000_000_000 * den);
        u64::try_from(i128::from(self.plateau).saturating_add(rise).max(0)).unwrap_or(u64::MAX)
    }
}

/// Milliseconds in which the curve climbs `gap` bytes to its plateau: `cbrt(gap / C)` seconds.
fn to_plateau(gap: u64, packet: u64) -> u64 {
    let (num, den) = SCALE;
    let cubed = i128::from(gap) * den * 1_000_000_000 / (num * i128::from(packet.max(1)));
    cube_root(u128::try_from(cubed).unwrap_or(0))
}

/// The largest number whose cube is not above `value`, for values whose root has at most 40 bits.
fn cube_root(value: u128) -> u64 {
    let mut root = 0_u64;
    for bit in (0..40).rev() {
        let candidate = root | (1 << bit);
        let cubed = u128::from(candidate) * u128::from(candidate) * u128::from(candidate);
        if cubed <= value {
            root = candidate;
        }
    }
    root
}

/// `value * num / den`.
pub(super) fn scale(value: u64, (num, den): (u64, u64)) -> u64 {
    ratio(u128::from(value) * u128::from(num), u128::from(den))
}

fn ratio(num: u128, den: u128) -> u64 {
    u64::try_from(num / den.max(1)).unwrap_or(u64::MAX)
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
