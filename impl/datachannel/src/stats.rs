//! What has been counted.

use std::fmt;

use crate::Fault;

/// How often the peer misused channels in which way.
#[derive(Clone, PartialEq, Eq)]
pub struct Faults([u64; Fault::ALL.len()]);

impl Default for Faults {
    fn default() -> Self {
        Self([0; Fault::ALL.len()])
    }
}

impl Faults {
    /// How often it was `fault`.
    #[must_use]
    pub fn count(&self, fault: Fault) -> u64 {
        let counted = Fault::ALL.iter().zip(&self.0).find(|(known, _)| **known == fault);
        counted.map_or(0, |(_, count)| *count)
    }

    /// How often in any way.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, fault: Fault) {
        let place = Fault::ALL.iter().zip(&mut self.0).find(|(known, _)| **known == fault);
        if let Some((_, count)) = place {
            *count += 1;
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = Fault::ALL.iter().zip(&self.0).filter(|(_, count)| **count > 0);
        f.debug_map().entries(counted).finish()
    }
}

/// What the channels of an association have counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Channels that were opened, by either end.
    pub channels_opened: u64,
    /// Channels that were closed.
    pub channels_closed: u64,
    /// Messages taken to be sent.
    pub messages_sent: u64,
    /// Bytes of those.
    pub bytes_sent: u64,
    /// Messages that arrived.
    pub messages_received: u64,
    /// Bytes of those.
    pub bytes_received: u64,
    /// Messages on streams that are being closed for a fault, and consent that nobody awaits: they mean
    /// nothing and are dropped.
    pub messages_ignored: u64,
    /// What the peer did wrong.
    pub faults: Faults,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_counted_apart() {
        let mut faults = Faults::default();
        for &fault in Fault::ALL {
            faults.add(fault);
            assert_eq!(faults.count(fault), 1);
        }
        faults.add(Fault::WrongParity);
        assert_eq!(faults.count(Fault::WrongParity), 2);
        assert_eq!(faults.total(), u64::try_from(Fault::ALL.len()).unwrap() + 1);
        assert!(!format!("{:?}", Faults::default()).contains("WrongParity"));
    }
}
