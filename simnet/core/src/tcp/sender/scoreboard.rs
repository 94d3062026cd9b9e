//! Segments in flight: which of them came, are lost, and were sent again.

use std::{collections::VecDeque, time::Duration};

use base::Instant;

use crate::{packet::Packet, tcp::numbers::is_before};

/// Segments that came after a missing one before it is taken for lost: as many as RFC 5681 §3.2 counts.
const REORDERED: u32 = 3;

/// The segments between the first that is not acknowledged and the last that was sent.
#[derive(Debug, Default)]
pub(super) struct Scoreboard {
    segments: VecDeque<Segment>,
    /// Bytes that came, though some before them did not.
    came: u64,
    /// Bytes that are lost and were not sent again.
    lost: u64,
    /// Bytes that left the network, but not which: a receiver that is missing many segments keeps only
    /// some of those that come out of order, and does not say which came and were not kept.
    unnamed: u64,
    /// When the newest of the segments that came was sent.
    newest: Instant,
}

#[derive(Debug)]
struct Segment {
    start: u32,
    end: u32,
    /// When it was sent last.
    at: Instant,
    packet: Packet,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Flying,
    Came,
    Lost,
    /// Sent again.
    Resent,
}

impl Segment {
    fn length(&self) -> u64 {
        u64::from(self.end.wrapping_sub(self.start))
    }
}

impl Scoreboard {
    /// Notes a segment that was sent for the first time. One that overlaps with those before is none.
    pub(super) fn send(&mut self, now: Instant, start: u32, end: u32, packet: Packet) {
        if self.segments.back().is_some_and(|last| is_before(start, last.end)) {
            return;
        }
        self.segments.push_back(Segment { start, end, at: now, packet, fate: Fate::Flying });
    }

    /// Forgets everything: it will be sent again.
    pub(super) fn clear(&mut self) {
        self.segments.clear();
        (self.came, self.lost, self.unnamed) = (0, 0, 0);
    }

    /// Bytes of `flight` that are neither known to have come nor lost.
    pub(super) const fn pipe(&self, flight: u64) -> u64 {
        flight.saturating_sub(self.came + self.lost + self.unnamed)
    }

    /// Everything before `upto` came. Gives the round trip of the newest segment that was sent once.
    pub(super) fn acknowledge(&mut self, now: Instant, upto: u32) -> Option<Duration> {
        let mut sample = None;
        while let Some(first) = self.segments.front()
            && !is_before(upto, first.end)
        {
            match first.fate {
                Fate::Flying => sample = Some(now.saturating_duration_since(first.at)),
                Fate::Came => self.came -= first.length(),
                Fate::Lost => self.lost -= first.length(),
                Fate::Resent => {}
            }
            self.newest = self.newest.max(first.at);
            self.segments.pop_front();
        }
        if self.came == 0 {
            self.unnamed = 0;
        }
        sample
    }

    /// Bytes that came though some before them did not.
    pub(super) const fn came_so_far(&self) -> u64 {
        self.came
    }

    /// So many bytes left the network, and it is not known which.
    pub(super) const fn discarded(&mut self, bytes: u64) {
        self.unnamed += bytes;
    }

    /// The numbers from `left` to before `right` came.
    pub(super) fn came(&mut self, left: u32, right: u32) {
        let from = self.segments.partition_point(|segment| is_before(segment.start, left));
        for segment in self.segments.range_mut(from..) {
            if is_before(right, segment.end) {
                return;
            }
            if segment.fate == Fate::Came {
                continue;
            }
            if segment.fate == Fate::Lost {
                self.lost -= segment.length();
            }
            segment.fate = Fate::Came;
            self.came += segment.length();
            self.newest = self.newest.max(segment.at);
        }
    }

    /// Takes for lost what enough later segments have overtaken, and what was sent again and overtaken by
    /// something sent `patience` later. Says whether anything is lost.
    pub(super) fn judge(&mut self, patience: Duration) -> bool {
        if self.came == 0 {
            return self.lost > 0;
        }
        let mut later = 0;
        let newest = self.newest;
        for segment in self.segments.iter_mut().rev() {
            let overtaken = match segment.fate {
                Fate::Came => {
                    later += 1;
                    false
                }
                Fate::Flying => later >= REORDERED,
                Fate::Resent => segment.at + patience < newest,
                Fate::Lost => false,
            };
            if overtaken {
                segment.fate = Fate::Lost;
                self.lost += segment.length();
                self.unnamed = self.unnamed.saturating_sub(segment.length());
            }
        }
        self.lost > 0
    }

    /// Takes the first segment for lost.
    pub(super) fn give_up_first(&mut self) {
        if let Some(first) = self.segments.front_mut()
            && first.fate == Fate::Flying
        {
            first.fate = Fate::Lost;
            self.lost += first.length();
        }
    }

    /// The first lost segment, to be sent again now.
    pub(super) fn resend(&mut self, now: Instant) -> Option<Packet> {
        if self.lost == 0 {
            return None;
        }
        let segment = self.segments.iter_mut().find(|segment| segment.fate == Fate::Lost)?;
        segment.fate = Fate::Resent;
        segment.at = now;
        self.lost -= segment.length();
        Some(segment.packet.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Tcp, TcpFlags};

    /// Ten segments of ten numbers, one a millisecond, the first across the end of the numbers.
    fn board() -> (Scoreboard, u32) {
        let base = u32::MAX - 4;
        let mut board = Scoreboard::default();
        for number in 0..10 {
            let start = base.wrapping_add(number * 10);
            let now = at(number.into());
            let segment = Tcp::new(TcpFlags::ACK).sequence(start);
            let ends = ("10.0.0.1:1".parse().unwrap(), "10.0.0.2:2".parse().unwrap());
            let packet = Packet::tcp(ends.0, ends.1, segment);
            board.send(now, start, start.wrapping_add(10), packet);
        }
        (board, base)
    }

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn what_three_overtook_is_lost_and_sent_again_once() {
        let (mut board, base) = board();
        let number = |segment: u32| base.wrapping_add(segment * 10);
        assert_eq!(board.acknowledge(at(100), number(2)), Some(Duration::from_millis(99)));
        board.came(number(4), number(6));
        assert!(!board.judge(Duration::from_millis(10)));
        assert_eq!(board.pipe(80), 60);
        board.came(number(7), number(8));
        assert!(board.judge(Duration::from_millis(10)), "segments 2 and 3");
        assert_eq!(board.pipe(80), 30);
        let mut again = || {
            board.resend(at(100)).map(|packet| match packet.body {
                crate::packet::Body::Tcp(tcp) => tcp.sequence,
                other => panic!("{other:?}"),
            })
        };
        assert_eq!((again(), again(), again()), (Some(number(2)), Some(number(3)), None));
        assert_eq!(board.pipe(80), 50);
        assert!(!board.judge(Duration::from_millis(10)));
        assert_eq!(board.acknowledge(at(200), number(4)), None, "sent twice: no round trip");
        assert_eq!(board.acknowledge(at(200), number(8)), Some(Duration::from_millis(194)));
        assert_eq!(board.pipe(20), 20);
    }

    #[test]
    fn what_was_sent_again_can_be_lost_again() {
        let (mut board, base) = board();
        let number = |segment: u32| base.wrapping_add(segment * 10);
        board.came(number(1), number(4));
        assert!(board.judge(Duration::from_millis(5)));
        assert!(board.resend(at(4)).is_some());
        board.came(number(4), number(9));
        assert!(!board.judge(Duration::from_millis(5)), "sent 8 ms, not 9 ms after 4 ms");
        board.came(number(9), number(10));
        assert!(!board.judge(Duration::from_millis(5)));
        assert!(board.judge(Duration::from_millis(4)));
    }
}
