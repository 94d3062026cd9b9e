//! Which segments fit the windows that both ends have announced.
//!
//! Each end's segments must lie in the window that the other opened, and may repeat no more than the
//! largest window it ever opened; acknowledgments must speak of what was sent. That is what a box in
//! the path can know, and it keeps strangers from resetting connections whose numbers they guess
//! (RFC 7857 §2.2).

use super::{Direction, options};
use crate::packet::{Tcp, TcpFlags};

/// Acknowledgments may be late by this much: more than the largest window without scaling.
const STALE_ACKS: u32 = 66_000;

/// What both ends of a connection have announced.
#[derive(Clone, Debug)]
pub(in crate::nat) struct Windows {
    inside: End,
    outside: End,
}

/// What one end has sent and announced.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    /// Whether it has sent anything.
    known: bool,
    /// The number after the last it has sent.
    sent: u32,
    /// The number after the last that it may send.
    allowed: u32,
    /// The largest window it has announced.
    window: u32,
    /// By how much it shifts its windows, if it offered to.
    shift: Option<u8>,
}

impl Windows {
    /// The windows of a connection that begins with the SYN `segment`.
    pub(super) fn new(from: Direction, segment: &Tcp) -> Self {
        let mut windows = Self { inside: End::default(), outside: End::default() };
        windows.admit(from, segment);
        windows
    }

    /// Whether a segment fits; notes what it announces if so.
    pub(super) fn admit(&mut self, from: Direction, segment: &Tcp) -> bool {
        let scaled = self.inside.shift.is_some() && self.outside.shift.is_some();
        let (sender, receiver) = match from {
            Direction::Outbound => (&mut self.inside, &mut self.outside),
            Direction::Inbound => (&mut self.outside, &mut self.inside),
        };
        let end = segment.sequence.wrapping_add(segment.sequence_length());
        let syn = segment.flags.contains(TcpFlags::SYN);
        let shift = if scaled && !syn { sender.shift.unwrap_or(0).min(14) } else { 0 };
        let window = u32::from(segment.window) << shift;
        if !sender.known {
            let offered = if syn { options::window_shift(&segment.options) } else { None };
            // It was told of no window yet: what it sends first is what it may send.
            *sender =
                End { known: true, sent: end, allowed: end, window: window.max(1), shift: offered };
        }
        let acknowledged = segment.flags.contains(TcpFlags::ACK).then_some(segment.acknowledgment);
        let fits = !is_after(segment.sequence, sender.allowed)
            && !is_after(sender.sent.wrapping_sub(receiver.window.max(1)), end)
            && acknowledged.is_none_or(|number| {
                let floor = receiver.sent.wrapping_sub(STALE_ACKS.max(receiver.window));
                !receiver.known || !is_after(number, receiver.sent) && !is_after(floor, number)
            });
        if !fits {
            return false;
        }
        if is_after(end, sender.sent) {
            sender.sent = end;
        }
        sender.window = sender.window.max(window);
        if let Some(number) = acknowledged {
            let limit = number.wrapping_add(window.max(1));
            if is_after(limit, receiver.allowed) {
                receiver.allowed = limit;
            }
        }
        true
    }
}

/// Whether `a` comes after `b` in the circle of numbers.
const fn is_after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

#[cfg(test)]
mod tests {
    use super::{Direction::*, *};

    fn segment(flags: TcpFlags, sequence: u32) -> Tcp {
        Tcp { window: 1_000, ..Tcp::new(flags).sequence(sequence) }
    }

    fn established() -> Windows {
        let mut windows = Windows::new(Outbound, &segment(TcpFlags::SYN, u32::MAX));
        assert!(windows.admit(Inbound, &segment(TcpFlags::SYN, 500).acknowledging(0)));
        assert!(windows.admit(Outbound, &segment(TcpFlags::NONE, 0).acknowledging(501)));
        windows
    }

    #[test]
    fn what_fits_the_window_passes() {
        let mut windows = established();
        for start in (0..10_000).step_by(500) {
            let data = segment(TcpFlags::PSH, start).acknowledging(501).payload(vec![0; 500]);
            assert!(windows.admit(Outbound, &data), "{start}");
            assert!(windows.admit(Outbound, &data), "{start} again");
            let ack = segment(TcpFlags::NONE, 501).acknowledging(start + 500);
            assert!(windows.admit(Inbound, &ack));
        }
    }

    #[test]
    fn what_lies_beyond_does_not() {
        let mut windows = established();
        assert!(!windows.admit(Inbound, &segment(TcpFlags::RST, 501 + 70_000)));
        assert!(!windows.admit(Inbound, &segment(TcpFlags::RST, 501_u32.wrapping_sub(70_000))));
        assert!(!windows.admit(Inbound, &segment(TcpFlags::NONE, 501).acknowledging(7)));
        assert!(windows.admit(Inbound, &segment(TcpFlags::RST, 501)));
    }

    #[test]
    fn scaled_windows_are_as_large_as_they_say() {
        let scale = || bytes::Bytes::from_static(&[1, 3, 3, 7]);
        let syn = |tcp: Tcp| Tcp { options: scale(), ..tcp };
        let mut windows = Windows::new(Outbound, &syn(segment(TcpFlags::SYN, 9)));
        assert!(windows.admit(Inbound, &syn(segment(TcpFlags::SYN, 500).acknowledging(10))));
        assert!(windows.admit(Outbound, &segment(TcpFlags::NONE, 10).acknowledging(501)));
        assert!(windows.admit(Inbound, &segment(TcpFlags::NONE, 501 + 127_999)));
        assert!(!windows.admit(Inbound, &segment(TcpFlags::NONE, 501 + 128_002)));
    }
}
