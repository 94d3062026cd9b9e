//! The nonces that keys have sealed with, kept in builds with debug assertions: a nonce that seals two
//! different messages under one key gives both away (RFC 5116 §3.1), so that is a panic.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use sha2::{Digest as _, Sha256};

use crate::{AEAD_NONCE_LEN, AeadAlgorithm};

/// The ledger of one key, shared by all that were made from the same bytes on a thread: two ends of a
/// simulated session seal into one.
#[derive(Clone)]
pub(crate) struct NonceLedger(Arc<Mutex<Table>>);

thread_local! {
    /// The ledgers of the keys that live, by the hash of algorithm and key. One per thread, since tests
    /// run side by side from the same seeds.
    static LIVING: RefCell<BTreeMap<[u8; 32], Weak<Mutex<Table>>>> =
        const { RefCell::new(BTreeMap::new()) };
}

impl NonceLedger {
    /// The ledger of `key`.
    pub(crate) fn of_key(algorithm: AeadAlgorithm, key: &[u8]) -> Self {
        let name = Sha256::new().chain_update(format!("{algorithm:?}")).chain_update(key);
        LIVING.with_borrow_mut(|living| {
            living.retain(|_, ledger| ledger.strong_count() > 0);
            let place = living.entry(name.finalize().into()).or_default();
            Self(place.upgrade().unwrap_or_else(|| {
                let ledger = Arc::default();
                *place = Arc::downgrade(&ledger);
                ledger
            }))
        })
    }

    /// Notes that `nonce` seals `plaintext` and `aad`.
    ///
    /// # Panics
    ///
    /// If it sealed something else.
    pub(crate) fn note(&self, nonce: &[u8; AEAD_NONCE_LEN], aad: &[u8], plaintext: &[u8]) {
        let length = aad.len().to_be_bytes();
        let content = Sha256::new().chain_update(length).chain_update(aad).chain_update(plaintext);
        let content: [u8; 32] = content.finalize().into();
        let [.., high, low] = content.as_chunks::<8>().0 else { return };
        let content = u64::from_be_bytes(*high) ^ u64::from_be_bytes(*low);
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_the_same = table.note(widen(nonce), content);
        drop(table);
        assert!(is_the_same, "nonce {nonce:02x?} seals a second, different message under its key");
    }
}

/// Nonces with what they sealed: open addressing, without an allocation for the first
/// [`PREPARED`] nonces after the first of them.
#[derive(Default)]
struct Table {
    /// Nonces with a bit above them that says that the place is taken; 0 if it is free.
    nonces: Vec<u128>,
    contents: Vec<u64>,
    taken: usize,
}

impl Table {
    /// Whether `nonce` is new, or sealed `content` before.
    fn note(&mut self, nonce: u128, content: u64) -> bool {
        if 2 * self.taken >= self.nonces.len() {
            self.grow();
        }
        self.place(nonce, content)
    }

    fn place(&mut self, nonce: u128, content: u64) -> bool {
        let mask = self.nonces.len() - 1;
        // Nonces count up in their last bytes, so that these are the best of hashes.
        let mut at = usize::try_from(nonce & u128::from(u32::MAX)).unwrap_or(0) & mask;
        loop {
            let (Some(place), Some(old)) = (self.nonces.get_mut(at), self.contents.get_mut(at))
            else {
                return true;
            };
            if *place == 0 {
                (*place, *old) = (nonce, content);
                self.taken += 1;
                return true;
            }
            if *place == nonce {
                return *old == content;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        // Past the limit the ledger begins anew: the nonces of a protocol repeat early or not at all.
        let is_full = self.taken >= MOST;
        let length = if is_full { 2 * PREPARED } else { (2 * self.nonces.len()).max(2 * PREPARED) };
        let nonces = std::mem::replace(&mut self.nonces, vec![0; length]);
        let contents = std::mem::replace(&mut self.contents, vec![0; length]);
        self.taken = 0;
        if !is_full {
            for (nonce, content) in
                nonces.into_iter().zip(contents).filter(|(nonce, _)| *nonce != 0)
            {
                let _ = self.place(nonce, content);
            }
        }
    }
}

fn widen(nonce: &[u8; AEAD_NONCE_LEN]) -> u128 {
    let number = nonce.iter().fold(0, |number, byte| number << 8 | u128::from(*byte));
    1 << 96 | number
}

/// Nonces for which there is room once the first was noted.
const PREPARED: usize = 4_096;

/// Nonces after which the ledger of a key begins anew.
const MOST: usize = 1 << 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_remembers_through_its_growth_and_stays_bounded() {
        let mut table = Table::default();
        let total = u64::try_from(MOST).unwrap() + 10;
        for content in 0..total {
            assert!(table.note(1 << 96 | u128::from(content), content), "new");
            if content % 1_000 == 0 && content > 0 && table.taken > 1_000 {
                let earlier = content - 1_000;
                assert!(table.note(1 << 96 | u128::from(earlier), earlier), "the same");
                assert!(!table.note(1 << 96 | u128::from(earlier), content), "another");
            }
        }
        assert!(table.taken < 100, "it began anew");
        assert!(table.nonces.len() <= 4 * MOST);
    }

    #[test]
    fn the_ledger_goes_with_the_last_key() {
        let of = |key: u8| NonceLedger::of_key(AeadAlgorithm::Aes128Gcm, &[key; 16]);
        let (one, same, other) = (of(1), of(1), of(2));
        assert!(Arc::ptr_eq(&one.0, &same.0));
        assert!(!Arc::ptr_eq(&one.0, &other.0));
        one.note(&[0; 12], b"", b"message");
        drop((one, same));
        of(1).note(&[0; 12], b"", b"another");
    }
}
