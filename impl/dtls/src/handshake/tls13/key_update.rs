//! KeyUpdate: new keys without a new handshake (RFC 9147 §8, RFC 8446 §4.6.3).
//!
//! Each direction has its own chain of secrets. The sender says that it will change, waits for the
//! acknowledgement, and only then changes; the receiver has the next keys ready as soon as it is told,
//! and keeps the old ones for what is late.

use std::time::Duration;

use base::Instant;

use super::keys::APPLICATION;
use crate::{
    Misdeed,
    record::{Protection, Records},
    schedule::tls13::TrafficSecret,
};

/// No epoch past this one is begun. RFC 9147 §8 allows 2⁴⁸ − 1, but every update takes a message number
/// of 16 bits, and those run out at about the same time.
pub(super) const LAST_WRITE_EPOCH: u64 = 0xffff;

/// For how long records of the epoch before the present one are still opened once the present one is in
/// use: twice the life of a segment in the network, for which RFC 9147 §5.8.1 has the server answer
/// repetitions of the last flight.
pub(super) const OLD_EPOCH_LIFE: Duration = Duration::from_mins(4);

/// How many updates a peer may send while no application data comes: each costs a derivation and
/// an acknowledgement, and none is needed without data to protect.
pub(super) const MAX_IDLE_UPDATES: u32 = 32;

/// The keys that records from the peer are opened with.
pub(super) struct Reading {
    epoch: u64,
    secret: TrafficSecret,
    /// Whether the epoch before still has its keys, and until when if that is settled.
    old: Option<Old>,
    /// Updates since application data came.
    idle_updates: u32,
}

/// The keys of the epoch before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Old {
    /// They stay until the present epoch is seen in use (RFC 9147 §8).
    UntilUsed,
    /// They stay until this time.
    Until(Instant),
}

impl Reading {
    /// Installs the first keys of application data.
    pub(super) fn start(records: &mut Records, secret: TrafficSecret) -> Self {
        records.install_read(APPLICATION, Protection::tls13(&secret));
        Self { epoch: APPLICATION, secret, old: Some(Old::UntilUsed), idle_updates: 0 }
    }

    /// The epoch that the peer's next message has to come in.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The peer announced its next keys.
    ///
    /// That the announcement came in the present epoch shows that the peer has left the one before.
    pub(super) fn advance(&mut self, records: &mut Records) -> Result<(), Misdeed> {
        self.idle_updates += 1;
        if self.idle_updates > MAX_IDLE_UPDATES {
            return Err(Misdeed::TooManyKeyUpdates);
        }
        self.drop_old(records);
        self.epoch += 1;
        self.secret = self.secret.next();
        records.install_read(self.epoch, Protection::tls13(&self.secret));
        self.old = Some(Old::UntilUsed);
        Ok(())
    }

    /// A record of `epoch` was opened.
    pub(super) fn opened(&mut self, now: Instant, epoch: u64, is_data: bool) {
        if is_data {
            self.idle_updates = 0;
        }
        if epoch == self.epoch && self.old == Some(Old::UntilUsed) {
            self.old = Some(Old::Until(now + OLD_EPOCH_LIFE));
        }
    }

    /// Forgets the keys of the epoch before if their time is over.
    pub(super) fn expire(&mut self, now: Instant, records: &mut Records) {
        if let Some(Old::Until(end)) = self.old
            && end <= now
        {
            self.drop_old(records);
        }
    }

    fn drop_old(&mut self, records: &mut Records) {
        if self.old.take().is_some() {
            records.retire_read(self.epoch - 1);
        }
    }
}

/// The keys that records to the peer are sealed with.
pub(super) struct Writing {
    epoch: u64,
    secret: TrafficSecret,
    update: Update,
}

/// Where the next update of our keys stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Update {
    /// None is wanted.
    None,
    /// One is to be sent as soon as nothing else is awaiting its acknowledgement.
    Wanted { request: bool },
    /// One was sent and not acknowledged (RFC 9147 §8: only one at a time).
    Sent,
}

impl Writing {
    /// Installs the first keys of application data.
    pub(super) fn start(records: &mut Records, secret: TrafficSecret) -> Self {
        records.install_write(APPLICATION, Protection::tls13(&secret));
        Self { epoch: APPLICATION, secret, update: Update::None }
    }

    /// The epoch of what is sent now.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether an update is wanted or under way.
    pub(super) fn is_updating(&self) -> bool {
        self.update != Update::None
    }

    /// Whether there are epochs left to update to.
    pub(super) const fn can_update(&self) -> bool {
        self.epoch < LAST_WRITE_EPOCH
    }

    /// Wants an update; `request` asks the peer for one of its keys as well.
    ///
    /// An update that was sent and not acknowledged is the answer to whoever asks meanwhile: RFC 8446
    /// §4.6.3 has several requests answered by one update.
    pub(super) fn want(&mut self, request: bool) {
        self.update = match self.update {
            Update::Sent => Update::Sent,
            Update::Wanted { request: before } => Update::Wanted { request: before || request },
            Update::None => Update::Wanted { request },
        };
    }

    /// Takes the update that is to be sent now, and whether it asks the peer for one.
    pub(super) fn take_wanted(&mut self) -> Option<bool> {
        let Update::Wanted { request } = self.update else { return None };
        self.update = Update::Sent;
        Some(request)
    }

    /// Everything sent so far was acknowledged. Returns whether that changed the keys.
    pub(super) fn acknowledged(&mut self, records: &mut Records) -> bool {
        if self.update != Update::Sent {
            return false;
        }
        self.update = Update::None;
        self.epoch += 1;
        self.secret = self.secret.next();
        records.install_write(self.epoch, Protection::tls13(&self.secret));
        true
    }
}
