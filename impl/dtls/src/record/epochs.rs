//! What is kept per epoch, and which epoch a record belongs to.

use super::{
    Protection, SealError,
    limits::{Limits, sealed_limit},
    window::Window,
};
use crate::{DropReason, RecordNumber, wire::ContentType};

/// The epochs that the peer's records can be opened in, the newest last.
pub(super) struct ReadEpochs {
    epochs: Vec<ReadEpoch>,
    /// The newest epoch that ever had keys.
    newest: u64,
    /// The newest record that was opened.
    newest_record: RecordNumber,
    limits: Limits,
}

/// One epoch of the peer's.
pub(super) struct ReadEpoch {
    pub(super) number: u64,
    pub(super) protection: Protection,
    pub(super) window: Window,
    failures: u64,
    limit: u64,
}

impl ReadEpochs {
    pub(super) fn new(limits: Limits) -> Self {
        let mut epochs =
            Self { epochs: Vec::new(), newest: 0, newest_record: RecordNumber::new(0, 0), limits };
        epochs.install(0, Protection::None);
        epochs
    }

    pub(super) fn install(&mut self, number: u64, protection: Protection) {
        if self.has(number) || number < self.newest {
            return;
        }
        // RFC 9147 §4.2.2: two bits of the epoch tell at most four apart, one of them to come.
        self.epochs.retain(|old| old.number == 0 || number - old.number < 3);
        let (window, limit) = (Window::default(), self.limits.failures);
        self.epochs.push(ReadEpoch { number, protection, window, failures: 0, limit });
        self.newest = number;
    }

    pub(super) fn retire(&mut self, number: u64) {
        self.epochs.retain(|epoch| epoch.number != number);
    }

    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.epochs.iter().any(|epoch| epoch.number == number)
    }

    /// Whether so many records failed under the newest keys that the peer should be asked for others:
    /// half of what they bear.
    pub(super) fn is_worn(&self) -> bool {
        self.epochs.last().is_some_and(|epoch| epoch.failures > epoch.limit / 2)
    }

    /// The epoch of a long header, which spells it out, and the newest record so far.
    pub(super) fn of_long_header(
        &mut self,
        number: u64,
    ) -> Result<(&mut ReadEpoch, &mut RecordNumber), DropReason> {
        match self.epochs.iter_mut().rev().find(|epoch| epoch.number == number) {
            Some(epoch) => Ok((epoch, &mut self.newest_record)),
            // The keys of version 1.2, if it will be that.
            None if number == 1 && self.newest == 0 => Err(DropReason::EarlyEpoch),
            None => Err(DropReason::UnknownEpoch),
        }
    }

    /// The epoch of a unified header, which has its two low bits: the newest that they fit
    /// (RFC 9147 §4.2.2). And the newest record so far.
    pub(super) fn of_unified_header(
        &mut self,
        bits: u64,
    ) -> Result<(&mut ReadEpoch, &mut RecordNumber), DropReason> {
        let (is_tls13, newest) = (self.speaks_tls13(), self.newest);
        let fits = |epoch: &&mut ReadEpoch| epoch.number != 0 && epoch.number & 3 == bits;
        match self.epochs.iter_mut().rev().find(fits) {
            Some(epoch) => Ok((epoch, &mut self.newest_record)),
            // Without keys: those of the handshake and the first after it. Then: the next.
            None if newest == 0 && bits >= 2 => Err(DropReason::EarlyEpoch),
            None if is_tls13 && (newest + 1) & 3 == bits => Err(DropReason::EarlyEpoch),
            None => Err(DropReason::UnknownEpoch),
        }
    }

    fn speaks_tls13(&self) -> bool {
        self.epochs.last().is_some_and(|epoch| matches!(epoch.protection, Protection::Tls13(_)))
    }
}

impl ReadEpoch {
    /// Notes a genuine record. Returns whether it is the newest so far.
    pub(super) fn accept(
        &mut self,
        sequence: u64,
        newest: &mut RecordNumber,
    ) -> Result<bool, DropReason> {
        if !self.window.note(sequence) {
            return Err(DropReason::Replayed);
        }
        let number = RecordNumber::new(self.number, sequence);
        let is_newest = number > *newest;
        *newest = number.max(*newest);
        Ok(is_newest)
    }

    /// Counts a record that did not open (RFC 9147 §4.5.3). Past the limit the keys are gone.
    pub(super) fn count_failure(&mut self) -> DropReason {
        self.failures = self.failures.saturating_add(1);
        if self.failures > self.limit {
            self.protection = Protection::Spent;
            return DropReason::FailureLimit;
        }
        DropReason::BadTag
    }
}

/// The epochs that our records can be sealed in, the newest last.
pub(super) struct WriteEpochs {
    epochs: Vec<WriteEpoch>,
    limits: Limits,
}

/// One epoch of ours.
pub(super) struct WriteEpoch {
    number: u64,
    pub(super) protection: Protection,
    /// The number of the next record.
    next: u64,
    /// How many records the keys may seal.
    limit: u64,
    /// The highest number.
    last: u64,
}

impl WriteEpochs {
    pub(super) fn new(limits: Limits) -> Self {
        let mut epochs = Self { epochs: Vec::new(), limits };
        epochs.install(0, Protection::None);
        epochs
    }

    pub(super) fn install(&mut self, number: u64, protection: Protection) {
        if self.epochs.last().is_some_and(|newest| number <= newest.number) {
            return;
        }
        // Handshake messages are repeated in the epoch of their first sending, and a key update is
        // acknowledged before the next: nothing older than the last epoch is needed any more.
        self.epochs.retain(|old| old.number == 0 || number - old.number < 2);
        // Only version 1.3 has new keys to change to. The keys of 1.2 last as long as their numbers:
        // ending a session would not make what was sealed any safer.
        let limit = match &protection {
            Protection::Tls13(cipher) => sealed_limit(cipher.algorithm()).min(self.limits.sealed),
            Protection::None | Protection::Tls12(_) | Protection::Spent => u64::MAX,
        };
        let last = self.limits.sequence;
        self.epochs.push(WriteEpoch { number, protection, next: 0, limit, last });
    }

    pub(super) fn retire(&mut self, number: u64) {
        self.epochs.retain(|epoch| epoch.number != number);
    }

    pub(super) fn newest(&self) -> u64 {
        self.epochs.last().map_or(0, |epoch| epoch.number)
    }

    pub(super) fn get(&self, number: u64) -> Option<&WriteEpoch> {
        self.epochs.iter().rev().find(|epoch| epoch.number == number)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut WriteEpoch> {
        self.epochs.iter_mut().rev().find(|epoch| epoch.number == number)
    }

    pub(super) fn set_next(&mut self, number: u64, next: u64) {
        if let Some(epoch) = self.get_mut(number) {
            epoch.next = epoch.next.max(next);
        }
    }
}

impl WriteEpoch {
    /// Whether three quarters of what the keys may seal are done, or of the numbers.
    pub(super) const fn is_worn(&self) -> bool {
        let limit = if self.limit < self.last { self.limit } else { self.last };
        self.next >= limit - limit / 4
    }

    /// The number of the next record. The last sixteenth is for what is not application data: a key
    /// update still has to get through, and alerts.
    pub(super) fn next(&mut self, kind: ContentType) -> Result<u64, SealError> {
        let reserve = if kind == ContentType::APPLICATION_DATA { self.limit / 16 } else { 0 };
        if self.next >= self.limit - reserve || self.next > self.last {
            return Err(SealError::KeysUsedUp);
        }
        let next = self.next;
        self.next += 1;
        Ok(next)
    }
}
