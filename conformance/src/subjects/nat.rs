//! NATs under test.

use simnet::{Middlebox, nat::Nat};

/// What a NAT is set to do, in the words of RFC 4787. A subject that cannot be set so makes none.
pub use simnet::nat::Config as NatConfig;

/// The NAT of our own simulator.
#[must_use]
pub fn simulated(config: &NatConfig) -> Box<dyn Middlebox> {
    Box::new(Nat::new(config.clone()))
}
