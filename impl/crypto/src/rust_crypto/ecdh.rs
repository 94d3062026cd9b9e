//! Elliptic-curve Diffie-Hellman in pure Rust.

use p256::elliptic_curve::sec1::ToSec1Point;
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use crate::{NamedGroup, SharedSecret};

pub(crate) enum PrivateKey {
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    X25519(StaticSecret),
}

impl PrivateKey {
    /// The private key with its public share, or `None` if it is out of range.
    pub(crate) fn new(group: NamedGroup, private: &[u8]) -> Option<(Self, Vec<u8>)> {
        match group {
            NamedGroup::Secp256r1 => {
                let key = p256::SecretKey::from_bytes(private.try_into().ok()?).ok()?;
                let share = key.public_key().to_sec1_point(false).as_bytes().to_vec();
                Some((Self::P256(key), share))
            }
            NamedGroup::Secp384r1 => {
                let key = p384::SecretKey::from_bytes(private.try_into().ok()?).ok()?;
                let share = key.public_key().to_sec1_point(false).as_bytes().to_vec();
                Some((Self::P384(key), share))
            }
            NamedGroup::X25519 => {
                let private = Zeroizing::new(<[u8; 32]>::try_from(private).ok()?);
                let key = StaticSecret::from(*private);
                let share = x25519_dalek::PublicKey::from(&key).as_bytes().to_vec();
                Some((Self::X25519(key), share))
            }
            NamedGroup::X25519MlKem768 => None,
        }
    }

    /// The secret shared with the owner of `peer_share`, whose length the caller has checked: at that
    /// length a point can only be uncompressed, and it is validated.
    pub(crate) fn agree(&self, peer_share: &[u8]) -> Option<SharedSecret> {
        match self {
            Self::P256(key) => {
                let peer = p256::PublicKey::from_sec1_bytes(peer_share).ok()?;
                Some(SharedSecret::new(key.diffie_hellman(&peer).raw_secret_bytes()))
            }
            Self::P384(key) => {
                let peer = p384::PublicKey::from_sec1_bytes(peer_share).ok()?;
                Some(SharedSecret::new(key.diffie_hellman(&peer).raw_secret_bytes()))
            }
            Self::X25519(key) => {
                let peer = <[u8; 32]>::try_from(peer_share).ok()?;
                let secret = key.diffie_hellman(&peer.into());
                // RFC 7748 §6.1: a point of small order gives zero whatever the private key is.
                secret.was_contributory().then(|| SharedSecret::new(secret.as_bytes()))
            }
        }
    }
}
