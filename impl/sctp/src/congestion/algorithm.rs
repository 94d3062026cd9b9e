//! The choice of a controller.

use base::Rng;

use super::{Controller, cubic::Cubic, model::ModelBased, rfc9260::Rfc9260};

/// Which controller an association uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// The controller of RFC 9260 §7.2, to the letter.
    Rfc9260,
    /// CUBIC (RFC 9438) with HyStart++ (RFC 9406).
    Cubic,
    /// A model of the path's bandwidth and delay decides what a loss means.
    #[default]
    ModelBased,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rfc9260, Self::Cubic, Self::ModelBased];

    /// A controller of this kind for packets of at most `packet_size` bytes of chunks.
    #[must_use]
    pub fn controller(self, packet_size: u64, rng: &Rng) -> Box<dyn Controller> {
        let _ = rng;
        match self {
            Self::Rfc9260 => Box::new(Rfc9260::new(packet_size)),
            Self::Cubic => Box::new(Cubic::new(packet_size)),
            Self::ModelBased => Box::new(ModelBased::new(packet_size)),
        }
    }
}
