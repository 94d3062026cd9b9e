//! Planted bugs.
//!
//! A test suite is worth as much as the bugs it sees. Where a conformance case watches over a rule, the
//! implementation carries a *mutant*: the same code with the rule broken, chosen by name.
//!
//! ```
//! # fn checked(_: &[u8]) -> bool { true }
//! # let message = [];
//! let accepted = base::mutant::active("stun-skips-fingerprint") || checked(&message);
//! # assert!(accepted);
//! ```
//!
//! Without the `mutant` feature [`active`] is a constant `false` and the branch is compiled away. With it
//! nothing changes either until one mutant is `select`ed on the running thread, which only the mutation
//! run of the conformance suite does.

#[cfg(feature = "mutant")]
use std::cell::RefCell;

#[cfg(feature = "mutant")]
std::thread_local! {
    static SELECTED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Whether the mutant called `name` is the one selected on this thread.
#[cfg(feature = "mutant")]
#[must_use]
pub fn active(name: &str) -> bool {
    SELECTED.with_borrow(|selected| selected.as_deref() == Some(name))
}

/// Whether the mutant called `name` is the one selected: never, in a build without the feature.
#[cfg(not(feature = "mutant"))]
#[must_use]
#[inline(always)]
pub const fn active(_name: &str) -> bool {
    false
}

/// Selects the mutant that is active on this thread from now on, or none.
#[cfg(feature = "mutant")]
pub fn select(name: Option<&str>) {
    SELECTED.with_borrow_mut(|selected| *selected = name.map(str::to_owned));
}

#[cfg(all(test, feature = "mutant"))]
mod tests {
    use super::*;

    #[test]
    fn one_mutant_is_active_at_a_time() {
        select(Some("a"));
        assert!(active("a") && !active("b"));
        select(None);
        assert!(!active("a"));
    }
}
