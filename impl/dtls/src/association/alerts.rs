//! Alerts, sent and taken.

use super::{Association, Phase};
use crate::{
    CloseReason, DropReason, Misdeed, RecordNumber, Version,
    wire::{Alert, AlertDescription, AlertLevel, ContentType},
};

/// Most warnings that are taken of one peer: each is one more than a peer that keeps to the protocol
/// sends.
const MAX_WARNINGS: u32 = 4;

impl Association {
    /// Seals the next alert, if there is one, in the epoch in which this end sends.
    pub(super) fn poll_alert(&mut self, out: &mut Vec<u8>) -> bool {
        if self.alerts.is_empty() {
            return false;
        }
        let alert = self.alerts.remove(0);
        let epoch = self.records.write_epoch();
        self.records.seal(epoch, ContentType::ALERT, &alert.to_bytes(), out).is_ok()
    }

    /// Takes an alert.
    ///
    /// Without keys, anybody may have sent it. It is believed as long as this end has no keys either, since
    /// a peer that refuses a ClientHello can say so in no other way; whoever can forge it then could forge
    /// the rest of the handshake as well. Once there are keys, it is dropped (RFC 9147 §4.5.2).
    pub(super) fn take_alert(&mut self, number: RecordNumber, payload: &[u8]) {
        let is_gullible = base::mutant::active("dtls-plain-alert-believed");
        if number.epoch == 0 && self.records.read_epoch() > 0 && !is_gullible {
            self.stats.dropped.add(DropReason::UnprotectedAlert);
            return;
        }
        let Ok(alert) = Alert::parse(payload) else {
            if number.epoch == 0 {
                self.stats.dropped.add(DropReason::UnprotectedAlert);
            } else {
                self.fail(Misdeed::BadAlert);
            }
            return;
        };
        if number.epoch > 0 && !matches!(alert.level, AlertLevel::WARNING | AlertLevel::FATAL) {
            self.fail(Misdeed::BadAlertLevel);
            return;
        }
        match (alert.description, alert.level) {
            (AlertDescription::CLOSE_NOTIFY, _) => self.closed_by_peer(),
            (AlertDescription::USER_CANCELED, _) => self.count_warning(),
            // RFC 8446 §6: in version 1.3 the level says nothing.
            (_, AlertLevel::WARNING) if self.session.version != Some(Version::Dtls13) => {
                self.count_warning();
            }
            (description, _) => self.end(CloseReason::Alert(description)),
        }
    }

    /// RFC 5246 §7.2.1: the other end answers with a close_notify of its own. Version 1.3 would let it go on
    /// sending, but nobody listens in WebRTC.
    fn closed_by_peer(&mut self) {
        let is_open = self.phase == Phase::Connected || self.phase == Phase::Unverified;
        if is_open && !base::mutant::active("dtls-close-not-answered") {
            self.alerts.push(Alert::warning(AlertDescription::CLOSE_NOTIFY));
        }
        self.end(CloseReason::Peer);
    }

    fn count_warning(&mut self) {
        self.warnings += 1;
        if self.warnings > MAX_WARNINGS {
            self.fail(Misdeed::TooManyWarnings);
        }
    }
}
