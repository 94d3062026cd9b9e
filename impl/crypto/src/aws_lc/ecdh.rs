//! Elliptic-curve Diffie-Hellman on AWS-LC.

use aws_lc_rs::agreement::{
    self, Algorithm, ECDH_P256, ECDH_P384, UnparsedPublicKey, X25519, agree,
};

use crate::{NamedGroup, SharedSecret};

pub(crate) struct PrivateKey {
    algorithm: &'static Algorithm,
    key: agreement::PrivateKey,
}

impl PrivateKey {
    /// The private key with its public share, or `None` if it is out of range.
    pub(crate) fn new(group: NamedGroup, private: &[u8]) -> Option<(Self, Vec<u8>)> {
        let algorithm = match group {
            NamedGroup::Secp256r1 => &ECDH_P256,
            NamedGroup::Secp384r1 => &ECDH_P384,
            NamedGroup::X25519 => &X25519,
            NamedGroup::X25519MlKem768 => return None,
        };
        let key = agreement::PrivateKey::from_private_key(algorithm, private).ok()?;
        let share = key.compute_public_key().ok()?.as_ref().to_vec();
        Some((Self { algorithm, key }, share))
    }

    /// The secret shared with the owner of `peer_share`, whose length the caller has checked.
    pub(crate) fn agree(&self, peer_share: &[u8]) -> Option<SharedSecret> {
        // RFC 8446 §4.2.8.2: points are uncompressed; AWS-LC would take other forms too. It validates
        // the point, and refuses the zero that RFC 7748 §6.1 warns of.
        let is_point = self.algorithm != &X25519;
        if is_point && peer_share.first() != Some(&0x04) {
            return None;
        }
        let peer = UnparsedPublicKey::new(self.algorithm, peer_share);
        agree(&self.key, peer, (), |secret| Ok(SharedSecret::new(secret))).ok()
    }
}
