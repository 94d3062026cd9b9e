//! What to acknowledge in version 1.3, and when.

use std::time::Duration;

use base::{Instant, Writer};

use super::Inserted;
use crate::RecordNumber;

/// Record numbers that are kept: those of several datagrams of the usual flight. The oldest go first; the
/// peer sends what was in them once more (RFC 9147 §7.1).
pub(crate) const MAX_NUMBERS: usize = 32;
/// The rest of a flight has to come within this part of the timeout (RFC 9147 §7.1).
const REST_SHARE: u32 = 4;
/// The missing piece has to come within this part of the timeout after one behind it. At once would take
/// every reordering for a loss.
const GAP_SHARE: u32 = 16;
/// Bytes of a record number (RFC 9147 §4).
const NUMBER_LEN: usize = 16;
/// Bytes of the length of the list.
const LENGTH_LEN: usize = 2;

/// Which records of the peer's present flight have come, and when it will be told.
///
/// Numbers are noted from the start, but nothing is told before [`Acks::enable`]: version 1.2 has no
/// acknowledgements, and the version may not be known yet.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    is_enabled: bool,
    /// In the order in which they came.
    numbers: Vec<Noted>,
    timer: Option<Timer>,
    is_due: bool,
}

#[derive(Clone, Copy, Debug)]
struct Noted {
    number: RecordNumber,
    was_told: bool,
}

/// When something seems to be missing.
#[derive(Clone, Copy, Debug)]
struct Timer {
    since: Instant,
    share: u32,
}

impl Acks {
    /// Nothing to acknowledge.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The version is 1.3.
    pub(crate) const fn enable(&mut self) {
        self.is_enabled = true;
    }

    /// A handshake record came, and this is what it brought.
    pub(crate) fn note(&mut self, now: Instant, number: RecordNumber, inserted: &Inserted) {
        if inserted.is_ahead {
            self.arm(now, GAP_SHARE);
        }
        if !inserted.may_be_acknowledged {
            return;
        }
        if self.numbers.len() >= MAX_NUMBERS {
            // RFC 9147 §7.1: those not acknowledged yet are worth more.
            let told = self.numbers.iter().position(|noted| noted.was_told);
            self.numbers.remove(told.unwrap_or(0));
        }
        self.numbers.push(Noted { number, was_told: false });
        self.arm(now, REST_SHARE);
    }

    /// Records came that cannot be read yet, so something before them is missing. The peer is told so, even
    /// with an empty list (RFC 9147 §7.1).
    pub(crate) fn note_unreadable(&mut self, now: Instant) {
        self.arm(now, GAP_SHARE);
    }

    /// The peer's flight is complete, and no flight of ours answers it: it is acknowledged at once.
    pub(crate) const fn complete(&mut self) {
        self.is_due = self.is_enabled;
        self.timer = None;
    }

    /// The peer's flight is being answered, which acknowledges all of it (RFC 9147 §7.1).
    pub(crate) fn answered(&mut self) {
        self.numbers.clear();
        self.timer = None;
        self.is_due = false;
    }

    /// A flight of ours begins that answers nothing: what was told already need not be told again.
    #[cfg(test)]
    pub(crate) fn forget_told(&mut self) {
        self.numbers.retain(|noted| !noted.was_told);
    }

    /// When [`Acks::handle_timeout`] is due, where flights have this timeout.
    #[must_use]
    pub(crate) fn deadline(&self, timeout: Duration) -> Option<Instant> {
        self.timer.map(|timer| timer.since + timeout / timer.share)
    }

    /// The rest has not come in time.
    pub(crate) fn handle_timeout(&mut self, now: Instant, timeout: Duration) {
        if self.deadline(timeout).is_some_and(|deadline| deadline <= now) {
            self.timer = None;
            self.is_due = true;
        }
    }

    /// Whether there is an acknowledgement to send.
    #[must_use]
    pub(crate) const fn is_due(&self) -> bool {
        self.is_due
    }

    /// Appends the payload of the acknowledgement that is due to `out`, at most `room` bytes; says whether
    /// there was one. It belongs into a record of the highest epoch there is (RFC 9147 §7).
    pub(crate) fn poll(&mut self, room: usize, out: &mut Vec<u8>) -> bool {
        if !self.is_due {
            return false;
        }
        self.is_due = false;
        self.timer = None;
        let fits = room.saturating_sub(LENGTH_LEN) / NUMBER_LEN;
        let from = self.numbers.len().saturating_sub(fits);
        let told = self.numbers.get_mut(from..).unwrap_or_default();
        told.iter_mut().for_each(|noted| noted.was_told = true);
        let mut list: Vec<_> = told.iter().map(|noted| noted.number).collect();
        list.sort_unstable();
        let mut writer = Writer::new(out);
        let mut counted = writer.u16_length();
        for number in list {
            counted.writer().u64(number.epoch);
            counted.writer().u64(number.sequence);
        }
        true
    }

    /// Has the timer run out after a part of the timeout, unless it does so earlier.
    fn arm(&mut self, now: Instant, share: u32) {
        if !self.is_enabled || self.is_due {
            return;
        }
        let timer = self.timer.get_or_insert(Timer { since: now, share });
        if timer.share < share {
            *timer = Timer { since: now, share };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(400);

    /// Acknowledgements, and the time.
    struct Receiver {
        acks: Acks,
        now: Instant,
    }

    const NEXT: Inserted = Inserted {
        is_new: true,
        may_be_acknowledged: true,
        is_ahead: false,
        repeats_this_flight: false,
        repeats_earlier_flight: None,
        dropped: None,
    };
    const AHEAD: Inserted = Inserted { is_ahead: true, ..NEXT };
    const DROPPED: Inserted = Inserted { may_be_acknowledged: false, ..NEXT };

    impl Receiver {
        fn new() -> Self {
            let mut acks = Acks::new();
            acks.enable();
            Self { acks, now: Instant::ZERO }
        }

        fn gets(&mut self, sequence: u64, inserted: &Inserted) {
            self.acks.note(self.now, RecordNumber::new(2, sequence), inserted);
        }

        /// What is told after `millis`, if anything: the sequence numbers.
        fn tells(&mut self, millis: u64) -> Option<Vec<u64>> {
            self.tells_in(millis, 1_000)
        }

        fn tells_in(&mut self, millis: u64, room: usize) -> Option<Vec<u64>> {
            self.now += Duration::from_millis(millis);
            self.acks.handle_timeout(self.now, TIMEOUT);
            let mut out = Vec::new();
            if !self.acks.poll(room, &mut out) {
                return None;
            }
            let (length, list) = out.split_at(2);
            assert_eq!(usize::from(u16::from_be_bytes([length[0], length[1]])), list.len());
            let (numbers, rest) = list.as_chunks::<16>();
            assert!(rest.is_empty());
            let sequence = |number: &[u8; 16]| u64::from_be_bytes(number[8..].try_into().unwrap());
            Some(numbers.iter().map(sequence).collect())
        }
    }

    #[test]
    fn the_rest_of_a_flight_is_waited_for_a_quarter_of_the_timeout() {
        let mut receiver = Receiver::new();
        receiver.gets(1, &NEXT);
        receiver.now += Duration::from_millis(60);
        receiver.gets(0, &NEXT);
        assert_eq!(receiver.tells(39), None);
        assert_eq!(receiver.tells(1), Some(vec![0, 1]), "in order of the numbers");
        assert_eq!(receiver.tells(1_000), None, "once");
        assert_eq!(receiver.acks.deadline(TIMEOUT), None);
    }

    #[test]
    fn a_gap_is_told_soon() {
        let mut receiver = Receiver::new();
        receiver.gets(0, &NEXT);
        receiver.gets(2, &AHEAD);
        assert_eq!(receiver.tells(24), None, "it may be reordering");
        assert_eq!(receiver.tells(1), Some(vec![0, 2]));
    }

    #[test]
    fn a_complete_flight_is_told_at_once_and_again_when_it_is_repeated() {
        let mut receiver = Receiver::new();
        receiver.gets(0, &NEXT);
        receiver.acks.complete();
        assert_eq!(receiver.tells(0), Some(vec![0]));
        receiver.gets(1, &Inserted { repeats_this_flight: true, ..NEXT });
        assert_eq!(receiver.tells(100), Some(vec![0, 1]));
    }

    #[test]
    fn an_answer_tells_everything() {
        let mut receiver = Receiver::new();
        receiver.gets(0, &NEXT);
        receiver.acks.answered();
        assert_eq!(receiver.tells(1_000), None);
        receiver.gets(1, &NEXT);
        assert_eq!(receiver.tells(100), Some(vec![1]), "of the new flight alone");
    }

    #[test]
    fn what_was_dropped_is_never_told() {
        let mut receiver = Receiver::new();
        receiver.gets(0, &DROPPED);
        assert_eq!(receiver.tells(1_000), None);
        receiver.gets(1, &NEXT);
        assert_eq!(receiver.tells(100), Some(vec![1]));
    }

    #[test]
    fn records_that_cannot_be_read_are_answered_with_an_empty_list() {
        let mut receiver = Receiver::new();
        receiver.acks.note_unreadable(receiver.now);
        assert_eq!(receiver.tells(25), Some(vec![]));
    }

    #[test]
    fn nothing_is_told_before_the_version_is_known() {
        let mut receiver = Receiver { acks: Acks::new(), now: Instant::ZERO };
        receiver.gets(0, &AHEAD);
        receiver.acks.complete();
        assert_eq!((receiver.acks.deadline(TIMEOUT), receiver.tells(1_000)), (None, None));
        receiver.acks.enable();
        receiver.gets(1, &NEXT);
        assert_eq!(receiver.tells(100), Some(vec![0, 1]), "but it was noted");
    }

    #[test]
    fn a_long_list_keeps_what_was_not_told_and_a_short_record_the_newest() {
        let mut receiver = Receiver::new();
        receiver.gets(0, &NEXT);
        receiver.gets(1, &NEXT);
        receiver.tells(100).unwrap();
        (2..34).for_each(|sequence| receiver.gets(sequence, &NEXT));
        assert_eq!(receiver.tells(100), Some((2..34).collect()));
        receiver.gets(34, &NEXT);
        assert_eq!(receiver.tells_in(100, 2 + 3 * 16 + 15), Some(vec![32, 33, 34]));
    }

    #[test]
    fn a_flight_of_our_own_forgets_what_was_told() {
        let mut receiver = Receiver::new();
        receiver.gets(0, &NEXT);
        receiver.tells(100).unwrap();
        receiver.gets(1, &NEXT);
        receiver.acks.forget_told();
        assert_eq!(receiver.tells(100), Some(vec![1]));
    }
}
