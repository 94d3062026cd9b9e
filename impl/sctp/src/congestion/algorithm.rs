//! The choice of a controller.

use base::Rng;

use super::{Controller, rfc9260::Rfc9260};

/// Which controller an association uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// The controller of RFC 9260 §7.2, to the letter.
    #[default]
    Rfc9260,
}

impl Algorithm {
    /// A controller of this kind for packets of at most `packet_size` bytes of chunks.
    #[must_use]
    pub fn controller(self, packet_size: u64, rng: &Rng) -> Box<dyn Controller> {
        let _ = rng;
        match self {
            Self::Rfc9260 => Box::new(Rfc9260::new(packet_size)),
        }
    }
}
