//! Checks that came before the peer's parameters: RFC 8445 §7.3 has them answered at once and acted upon
//! later.

use std::net::SocketAddr;

use super::{local::BaseId, message::ReceivedCheck};

/// Most early checks that are kept. Only who knows our password makes them, and each address of the peer
/// makes one.
pub const MAX_EARLY_CHECKS: usize = 32;

/// A check that is still to be acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EarlyCheck {
    pub(crate) source: SocketAddr,
    /// Stands for the peer's username fragment, which may be long.
    ufrag: u64,
    pub(crate) base: BaseId,
    pub(crate) priority: u32,
    pub(crate) nomination: u32,
    pub(crate) use_candidate: bool,
}

const _: () = assert!(size_of::<EarlyCheck>() <= 64, "an early check is small");

/// All of them, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct EarlyChecks {
    checks: Vec<EarlyCheck>,
}

impl EarlyChecks {
    /// Keeps a check; a later one from the same place takes the place of the earlier. `false` if there
    /// is no room.
    pub(crate) fn keep(
        &mut self,
        base: BaseId,
        source: SocketAddr,
        ufrag: &str,
        check: &ReceivedCheck,
    ) -> bool {
        let early = EarlyCheck {
            source,
            ufrag: fingerprint(ufrag),
            base,
            priority: check.priority,
            nomination: check.nomination.unwrap_or(0),
            use_candidate: check.use_candidate,
        };
        let same = |one: &&mut EarlyCheck| {
            one.base == base && one.source == source && one.ufrag == early.ufrag
        };
        if let Some(known) = self.checks.iter_mut().find(same) {
            let use_candidate = known.use_candidate || early.use_candidate;
            let nomination = known.nomination.max(early.nomination);
            *known = EarlyCheck { use_candidate, nomination, ..early };
            return true;
        }
        if self.checks.len() >= MAX_EARLY_CHECKS {
            return false;
        }
        self.checks.push(early);
        true
    }

    /// Whether a check came from there.
    pub(crate) fn has(&self, base: BaseId, source: SocketAddr) -> bool {
        self.checks.iter().any(|early| early.base == base && early.source == source)
    }

    /// Takes out all of them; those of the peer with this username fragment are returned.
    pub(crate) fn take(&mut self, ufrag: &str) -> Vec<EarlyCheck> {
        let wanted = fingerprint(ufrag);
        let all = std::mem::take(&mut self.checks);
        all.into_iter().filter(|early| early.ufrag == wanted).collect()
    }

    pub(crate) fn remove_base(&mut self, base: BaseId) {
        self.checks.retain(|early| early.base != base);
    }
}

impl EarlyCheck {
    pub(crate) const fn as_check(&self) -> ReceivedCheck {
        ReceivedCheck {
            priority: self.priority,
            claims: None,
            use_candidate: self.use_candidate,
            nomination: if self.nomination == 0 { None } else { Some(self.nomination) },
        }
    }
}

/// FNV-1a. The text was authenticated with our own password, so nobody else chooses it.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
