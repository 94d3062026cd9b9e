//! How much of what was sent is lost.

use super::Acked;

/// Above this share, in hundredths, losses are congestion whatever the queue looks like: a queue that is
/// too short to be seen, or a policer.
const HEAVY: u64 = 6;
/// So many packets beyond the share are chance.
const CHANCE: u64 = 8;

/// Bytes delivered and lost, older ones counting half as much with each round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Losses {
    delivered: u64,
    lost: u64,
}

impl Losses {
    pub(super) fn on_ack(&mut self, acked: &Acked) {
        if acked.round_start {
            self.delivered /= 2;
            self.lost /= 2;
        }
        self.delivered = self.delivered.saturating_add(acked.newly_acked);
        self.lost = self.lost.saturating_add(acked.newly_lost);
    }

    pub(super) fn are_heavy(&self, packet: u64) -> bool {
        let total = u128::from(self.delivered) + u128::from(self.lost);
        let chance = u128::from(packet.saturating_mul(CHANCE)) * 100;
        u128::from(self.lost) * 100 > total * u128::from(HEAVY) + chance
    }
}
