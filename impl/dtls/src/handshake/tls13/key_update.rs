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
pub(super) const LAST_EPOCH: u64 = 0xffff;

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
    /// Updates since application data came, without those that we asked for.
    idle_updates: u32,
    /// Whether the peer owes us an update that we asked for.
    is_owed: bool,
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
        let old = Some(Old::UntilUsed);
        Self { epoch: APPLICATION, secret, old, idle_updates: 0, is_owed: false }
    }

    /// The epoch of the newest keys, in which the peer's next KeyUpdate has to come.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The peer is asked for an update.
    pub(super) const fn ask(&mut self) {
        self.is_owed = true;
    }

    /// The peer announced its next keys.
    ///
    /// That the announcement came in the present epoch shows that the peer has left the one before.
    pub(super) fn advance(&mut self, records: &mut Records) -> Result<(), Misdeed> {
        // RFC 8446 §4.6.3: who is asked has to update, whether it has data or not.
        self.idle_updates += u32::from(!std::mem::take(&mut self.is_owed));
        if self.idle_updates > MAX_IDLE_UPDATES || self.epoch >= LAST_EPOCH {
            return Err(Misdeed::TooManyKeyUpdates);
        }
        self.drop_old(records);
        self.epoch += 1;
        self.secret = self.secret.next();
        records.install_read(self.epoch, Protection::tls13(&self.secret));
        self.old = Some(Old::UntilUsed);
        if base::mutant::active("dtls-13-drops-former-keys") {
            self.drop_old(records);
        }
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
    Wanted(Reason),
    /// One was sent and not acknowledged (RFC 9147 §8: only one at a time); `asked_since` if the peer
    /// asked for one meanwhile, which this one does not answer.
    Sent { reason: Reason, asked_since: bool },
}

/// Why our keys are updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// We want to; the peer is asked to do the same if `request` is set.
    Own { request: bool },
    /// The peer asked.
    Asked,
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
        self.epoch < LAST_EPOCH
    }

    /// Wants an update.
    ///
    /// RFC 8446 §4.6.3: requests that come while one waits to be sent, or while the answer to an earlier
    /// one is under way, are answered by that. One that crossed an update of our own wish is not.
    pub(super) fn want(&mut self, reason: Reason) {
        self.update = match (self.update, reason) {
            (Update::None, _) | (Update::Wanted(Reason::Asked), _) => Update::Wanted(reason),
            (Update::Sent { reason: own @ Reason::Own { .. }, .. }, Reason::Asked) => {
                Update::Sent { reason: own, asked_since: true }
            }
            (update, _) => update,
        };
    }

    /// Takes the update that is to be sent now, and whether it asks the peer for one.
    pub(super) fn take_wanted(&mut self) -> Option<bool> {
        let Update::Wanted(reason) = self.update else { return None };
        self.update = Update::Sent { reason, asked_since: false };
        Some(reason == Reason::Own { request: true })
    }

    /// Everything sent so far was acknowledged. Returns whether that changed the keys.
    pub(super) fn acknowledged(&mut self, records: &mut Records) -> bool {
        let Update::Sent { asked_since, .. } = self.update else { return false };
        self.epoch += 1;
        self.secret = self.secret.next();
        records.install_write(self.epoch, Protection::tls13(&self.secret));
        let asked = asked_since && self.can_update();
        self.update = if asked { Update::Wanted(Reason::Asked) } else { Update::None };
        true
    }
}

#[cfg(test)]
mod tests {
    use crypto::HashAlgorithm;

    use super::*;
    use crate::{
        CipherSuite,
        record::Limits,
        schedule::tls13::{KeySchedule, TrafficLabel},
    };

    #[test]
    fn no_epoch_follows_the_last() {
        let (provider, suite) = (crypto::aws_lc_rs(), CipherSuite::Aes128GcmSha256);
        let transcript = provider.hash(HashAlgorithm::Sha256, &[]);
        let secret = KeySchedule::new(provider, suite)
            .traffic_secret(TrafficLabel::ClientApplication, &transcript);
        let mut records = Records::new(Limits::default());
        let mut writing = Writing::start(&mut records, secret);
        writing.epoch = LAST_EPOCH - 1;
        writing.want(Reason::Own { request: false });
        assert_eq!(writing.take_wanted(), Some(false));
        // RFC 9147 §8: a request that leads past the end is ignored.
        writing.want(Reason::Asked);
        assert!(writing.acknowledged(&mut records));
        assert_eq!(writing.epoch(), LAST_EPOCH);
        assert!(!writing.can_update() && !writing.is_updating());
    }
}
