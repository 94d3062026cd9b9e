//! Attributes of ICE: [RFC 8445 §16.1](https://www.rfc-editor.org/rfc/rfc8445#section-16.1).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |      Priority (32 bits) or tie-breaker (64 bits) or nothing   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use super::numbers::{flag_attribute, number_attribute};

number_attribute! {
    /// PRIORITY, the priority of the candidate the check may discover.
    Priority, PRIORITY, u32
}
number_attribute! {
    /// ICE-CONTROLLED, the tie-breaker of an agent that believes itself controlled.
    IceControlled, ICE_CONTROLLED, u64
}
number_attribute! {
    /// ICE-CONTROLLING, the tie-breaker of an agent that believes itself controlling.
    IceControlling, ICE_CONTROLLING, u64
}
flag_attribute! {
    /// USE-CANDIDATE, by which the controlling agent nominates the pair.
    UseCandidate, USE_CANDIDATE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        TransactionId,
        testing::{read, truncations, written},
    };

    const ID: TransactionId = TransactionId::new([0; 12]);

    #[test]
    fn reads_capture() {
        // RFC 5769 §2.1.
        assert_eq!(read(&[0x6e, 0x00, 0x01, 0xff], &ID), Ok(Priority(0x6e00_01ff)));
        let tie_breaker = [0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36];
        assert_eq!(read(&tie_breaker, &ID), Ok(IceControlled(0x932f_f9b1_5126_3b36)));
    }

    #[test]
    fn round_trips() {
        assert_eq!(read(&written(&Priority(7), &ID), &ID), Ok(Priority(7)));
        assert_eq!(read(&written(&IceControlling(7), &ID), &ID), Ok(IceControlling(7)));
        assert_eq!(read(&written(&UseCandidate, &ID), &ID), Ok(UseCandidate));
    }

    #[test]
    fn rejects_truncated() {
        for (length, bytes) in truncations(&[0; 8]) {
            assert!(read::<IceControlled>(&bytes, &ID).is_err(), "{length}");
            assert_eq!(read::<Priority>(&bytes, &ID).is_ok(), length == 4, "{length}");
            assert_eq!(read::<UseCandidate>(&bytes, &ID).is_ok(), length == 0, "{length}");
        }
    }
}
