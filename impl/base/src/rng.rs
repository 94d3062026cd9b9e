//! Chance that replays.

use std::fmt;

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng},
};
use zeroize::Zeroizing;

/// A source of chance: two ChaCha20 streams grown from one 32-byte seed.
///
/// *Public* draws end up on the wire in clear (transaction ids, tie-breakers, SSRCs, jitter of
/// timers); *secret* draws become keys, passwords and nonces of signatures. The two come from separate
/// streams, so that nothing an observer collects says anything about a key.
///
/// A machine owns its `Rng` and gives its parts forks of it. A fork depends on the seed and the label
/// alone, never on how much was drawn before, so that one more draw here leaves every other part's
/// bytes as they were. Two forks of one label are the same stream: choose labels that differ, or
/// [number](Rng::fork_numbered) them.
///
/// The driver seeds the root from the operating system, a simulation from the seed of the run.
pub struct Rng {
    seed: Zeroizing<[u8; 32]>,
    public: ChaCha20Rng,
    secret: ChaCha20Rng,
}

impl Rng {
    /// Grows both streams from `seed`.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let stream = |label| ChaCha20Rng::from_seed(derive(&seed, label, 0));
        let (public, secret) = (stream("public"), stream("secret"));
        Self { seed: Zeroizing::new(seed), public, secret }
    }

    /// The source for the part called `label`.
    #[must_use]
    pub fn fork(&self, label: &str) -> Self {
        self.fork_numbered(label, 0)
    }

    /// The source for the `index`-th part called `label`.
    #[must_use]
    pub fn fork_numbered(&self, label: &str, index: u64) -> Self {
        Self::from_seed(derive(&self.seed, &format!("fork {label}"), index))
    }

    /// Fills `out` with bytes that may be seen on the wire.
    pub fn fill_public(&mut self, out: &mut [u8]) {
        self.public.fill_bytes(out);
    }

    /// Fills `out` with bytes that nobody else may learn.
    pub fn fill_secret(&mut self, out: &mut [u8]) {
        self.secret.fill_bytes(out);
    }

    /// `N` public bytes.
    #[must_use]
    pub fn public_array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill_public(&mut out);
        out
    }

    /// `N` secret bytes.
    #[must_use]
    pub fn secret_array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill_secret(&mut out);
        out
    }

    /// A public 32-bit number.
    #[must_use]
    pub fn public_u32(&mut self) -> u32 {
        self.public.next_u32()
    }

    /// A public 64-bit number.
    #[must_use]
    pub fn public_u64(&mut self) -> u64 {
        self.public.next_u64()
    }

    /// A public number below `bound`, each equally likely; 0 if `bound` is 0.
    ///
    /// Multiplies and rejects (Lemire, "Fast random integer generation in an interval", 2019), so the
    /// result has no bias and the expected number of draws is below two.
    #[must_use]
    pub fn public_below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.public.next_u64()) * u128::from(bound);
            let low = product & u128::from(u64::MAX);
            if low >= u128::from(threshold) {
                return u64::try_from(product >> 64).unwrap_or(0);
            }
        }
    }
}

impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rng").finish_non_exhaustive()
    }
}

fn derive(seed: &[u8; 32], label: &str, index: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(seed);
    hasher.update(&index.to_be_bytes());
    hasher.update(label.as_bytes());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forks_do_not_depend_on_earlier_draws() {
        let mut root = Rng::from_seed([1; 32]);
        let before = root.fork("ice").public_u64();
        let _ = root.public_u64();
        let _ = root.secret_array::<32>();
        assert_eq!(root.fork("ice").public_u64(), before);
    }

    #[test]
    fn streams_forks_and_numbers_differ() {
        let mut root = Rng::from_seed([1; 32]);
        let draws = [
            root.public_u64(),
            u64::from_be_bytes(root.secret_array()),
            root.fork("a").public_u64(),
            root.fork("b").public_u64(),
            root.fork_numbered("a", 1).public_u64(),
            Rng::from_seed([2; 32]).public_u64(),
        ];
        for (i, one) in draws.iter().enumerate() {
            assert!(!draws[i + 1..].contains(one), "draw {i} repeats");
        }
    }

    #[test]
    fn draws_are_part_of_the_contract() {
        let mut rng = Rng::from_seed([0; 32]).fork("golden");
        assert_eq!(rng.public_u64(), 12_711_311_134_436_507_445);
    }

    #[test]
    fn below_stays_below_and_reaches_all() {
        let mut rng = Rng::from_seed([3; 32]);
        let mut seen = [0_u32; 7];
        for _ in 0..7_000 {
            seen[usize::try_from(rng.public_below(7)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| (850..1_150).contains(&count)), "{seen:?}");
        assert_eq!(rng.public_below(0), 0);
    }

    #[test]
    fn debug_shows_no_state() {
        assert_eq!(format!("{:?}", Rng::from_seed([9; 32])), "Rng { .. }");
    }
}
