//! Chance that belongs to one element.

use std::fmt;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng},
};

/// Two to the power of minus 53: the step between neighbouring results of [`Stream::unit`].
const UNIT_STEP: f64 = 1.0 / 9_007_199_254_740_992.0;

/// The random numbers of one element of the network: a ChaCha8 stream keyed by the seed of the run and
/// the path of the element, such as `alice.eth0→lan-a/loss`.
///
/// Streams know nothing of each other, so that taking one element out of a world leaves the draws of all
/// others as they were.
#[derive(Clone)]
pub struct Stream {
    source: ChaCha8Rng,
}

impl Stream {
    /// The stream of the element at `path` in the run with `seed`.
    #[must_use]
    pub fn new(seed: u64, path: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("peerlab simnet stream 1");
        hasher.update(&seed.to_be_bytes());
        hasher.update(path.as_bytes());
        Self { source: ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()) }
    }

    /// A number, each equally likely.
    pub fn u32(&mut self) -> u32 {
        self.source.next_u32()
    }

    /// A number, each equally likely.
    pub fn u64(&mut self) -> u64 {
        self.source.next_u64()
    }

    /// A source of chance for a machine, grown from the next 32 bytes.
    pub fn rng(&mut self) -> base::Rng {
        let mut seed = [0; 32];
        self.source.fill_bytes(&mut seed);
        base::Rng::from_seed(seed)
    }

    /// Fills `out`.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.source.fill_bytes(out);
    }

    /// A number below `bound`, each equally likely; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.source.next_u64()) * u128::from(bound);
            if product & u128::from(u64::MAX) >= u128::from(threshold) {
                return u64::try_from(product >> 64).unwrap_or(0);
            }
        }
    }

    /// A number from 0 (included) to 1 (excluded), in steps of 2^-53.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.source.next_u64() >> 11) as f64 * UNIT_STEP
    }

    /// True with the given probability; always draws, so that probabilities may change in a run without
    /// moving later draws.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A number from the normal distribution with mean 0 and standard deviation 1 (Box and Muller's
    /// method, one of the two results, through `libm` so that every platform agrees on each bit).
    pub fn gaussian(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(core::f64::consts::TAU * self.unit())
    }

    /// A number from the exponential distribution with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.unit())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}
