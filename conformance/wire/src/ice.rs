//! ICE on the wire: candidates as text (RFC 8839 §5.1), priorities (RFC 8445 §5.1.2), and the messages of
//! connectivity checks (RFC 8445 §7).
//!
//! | file | holds |
//! |---|---|
//! | `line.rs` | [`Line`]: a candidate as text, taken apart |
//! | `check.rs` | [`Side`]: who sends a check, and the messages between two sides |

mod check;
mod line;

pub use self::{
    check::{Role, Side, username},
    line::{Line, LineError},
};

/// The priority of a candidate (RFC 8445 §5.1.2.1).
#[must_use]
pub fn priority(type_preference: u8, local_preference: u16, component: u16) -> u32 {
    u32::from(type_preference) << 24
        | u32::from(local_preference) << 8
        | u32::from(256_u16.saturating_sub(component))
}

/// The parts of a priority: type preference, local preference, component.
#[must_use]
pub fn split_priority(priority: u32) -> (u8, u16, u16) {
    let [kind, high, low, component] = priority.to_be_bytes();
    (kind, u16::from_be_bytes([high, low]), 256 - u16::from(component))
}

/// The priority of a pair (RFC 8445 §6.1.2.3).
#[must_use]
pub fn pair_priority(controlling: u32, controlled: u32) -> u64 {
    let (low, high) = (controlling.min(controlled), controlling.max(controlled));
    (u64::from(low) << 32) + 2 * u64::from(high) + u64::from(controlling > controlled)
}

/// Type preferences as RFC 8445 §5.1.2.2 recommends them.
pub mod preference {
    /// Of host candidates.
    pub const HOST: u8 = 126;
    /// Of peer-reflexive candidates.
    pub const PEER_REFLEXIVE: u8 = 110;
    /// Of server-reflexive candidates.
    pub const SERVER_REFLEXIVE: u8 = 100;
    /// Of relayed candidates.
    pub const RELAYED: u8 = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_splits_into_what_it_was_made_of() {
        // RFC 8421 §5 prints these: IPv6 host, component 1 and 2.
        assert_eq!(split_priority(2_129_289_471), (126, 60_000, 1));
        assert_eq!(priority(126, 60_000, 2), 2_129_289_470);
    }

    #[test]
    fn the_pair_priority_depends_on_the_role() {
        assert_eq!(pair_priority(2, 1), (1 << 32) + 5);
        assert_eq!(pair_priority(1, 2), (1 << 32) + 4);
    }
}
