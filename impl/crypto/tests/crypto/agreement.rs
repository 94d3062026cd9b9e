//! The two providers agree with each other under random input.

use base::Rng;
use crypto::{
    AeadAlgorithm, BadShare, CtrAlgorithm, EcdsaCurve, HashAlgorithm, HmacAlgorithm, NamedGroup,
    PrfAlgorithm, Provider,
};
use rstest::rstest;

use crate::PROVIDERS;

const HMACS: [HmacAlgorithm; 4] =
    [HmacAlgorithm::Sha1, HmacAlgorithm::Sha256, HmacAlgorithm::Sha384, HmacAlgorithm::Sha512];

/// Up to `most` random bytes.
fn bytes(rng: &mut Rng, most: u64) -> Vec<u8> {
    let length = usize::try_from(rng.public_below(most + 1)).unwrap();
    exactly(rng, length)
}

fn exactly(rng: &mut Rng, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    rng.fill_public(&mut out);
    out
}

/// What `f` returns for both providers, which must be the same.
fn same<T: PartialEq + std::fmt::Debug>(f: impl Fn(Provider) -> T) -> T {
    let [a, b] = PROVIDERS.map(f);
    assert_eq!(a, b);
    a
}

#[test]
fn hashes_macs_and_derived_keys_are_the_same() {
    let rng = &mut Rng::from_seed([21; 32]);
    for _ in 0..200 {
        let (key, message, salt) = (bytes(rng, 200), bytes(rng, 400), bytes(rng, 80));
        let (head, tail) = message.split_at(message.len() / 3);
        for algorithm in [
            HashAlgorithm::Md5,
            HashAlgorithm::Sha1,
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha384,
            HashAlgorithm::Sha512,
        ] {
            let whole = same(|provider| provider.hash(algorithm, &[head, tail]).as_ref().to_vec());
            same(|provider| {
                let mut hasher = provider.hasher(algorithm);
                hasher.update(head);
                let (before, mut copy) = (hasher.digest(), hasher.clone());
                assert_eq!(before, provider.hash(algorithm, &[head]), "looking changes nothing");
                hasher.update(tail);
                copy.update(tail);
                assert_eq!(copy.digest(), hasher.digest(), "a copy goes on alike");
                assert_eq!(hasher.digest().as_ref(), whole, "parts or whole, the digest is one");
            });
        }
        for algorithm in HMACS {
            same(|provider| {
                let key = provider.hmac_key(algorithm, &key);
                key.sign(&[head, tail]).as_ref().to_vec()
            });
            same(|provider| {
                let mut out = vec![0; message.len()];
                let prk = provider.hkdf_extract(algorithm, &salt, &key);
                prk.expand(&[head, tail], &mut out).unwrap();
                out
            });
        }
        for algorithm in [PrfAlgorithm::Sha256, PrfAlgorithm::Sha384] {
            same(|provider| {
                let mut out = vec![0; message.len()];
                provider.tls12_prf(algorithm, &key, b"label", &[&salt, head], &mut out);
                out
            });
        }
    }
}

#[test]
fn key_streams_and_masks_are_the_same() {
    let rng = &mut Rng::from_seed([22; 32]);
    for _ in 0..200 {
        let (key, data) = (exactly(rng, 32), bytes(rng, 1_500));
        let mut block: [u8; 16] = rng.public_array();
        if rng.public_below(4) == 0 {
            // The counter is about to wrap.
            block[2..].fill(0xff);
        }
        for algorithm in [CtrAlgorithm::Aes128Ctr, CtrAlgorithm::Aes256Ctr] {
            let key = &key[..algorithm.key_len()];
            let encrypted = same(|provider| {
                let mut out = data.clone();
                provider.ctr_key(algorithm, key).unwrap().apply(&block, &mut out);
                out
            });
            let mut decrypted = encrypted;
            PROVIDERS[0].ctr_key(algorithm, key).unwrap().apply(&block, &mut decrypted);
            assert_eq!(decrypted, data);
        }
        for algorithm in AEADS {
            let key = &key[..algorithm.key_len()];
            same(|provider| provider.record_number_key(algorithm, key).unwrap().mask(&block));
        }
    }
}

const AEADS: [AeadAlgorithm; 3] =
    [AeadAlgorithm::Aes128Gcm, AeadAlgorithm::Aes256Gcm, AeadAlgorithm::ChaCha20Poly1305];

#[test]
fn each_opens_what_the_other_seals() {
    let rng = &mut Rng::from_seed([23; 32]);
    for _ in 0..300 {
        let (key, nonce, aad, data) =
            (exactly(rng, 32), rng.public_array(), bytes(rng, 60), bytes(rng, 1_500));
        for algorithm in AEADS {
            let keys =
                PROVIDERS.map(|p| p.aead_key(algorithm, &key[..algorithm.key_len()]).unwrap());
            for (one, other) in [(&keys[0], &keys[1]), (&keys[1], &keys[0])] {
                let mut buffer = b"header".to_vec();
                buffer.extend_from_slice(&data);
                one.seal_and_append(&nonce, &aad, &mut buffer, 6);
                assert_eq!(&buffer[..6], b"header");
                let sealed = buffer[6..].to_vec();
                assert_eq!(
                    other.open_appended(&nonce, &aad, &mut buffer[6..]),
                    Ok(&mut *data.clone())
                );

                let mut plain = b"what was there before".to_vec();
                other.open_into(&nonce, &aad, &sealed, &mut plain).unwrap();
                assert_eq!(plain, data);

                let mut changed = sealed;
                let bit = rng.public_below(u64::try_from(8 * changed.len()).unwrap());
                changed[usize::try_from(bit / 8).unwrap()] ^= 1 << (bit % 8);
                assert!(other.open_into(&nonce, &aad, &changed, &mut plain).is_err());
                assert!(other.open_appended(&nonce, &aad, &mut changed).is_err());
            }
        }
    }
}

#[test]
fn each_verifies_what_the_other_signs() {
    let rng = &mut Rng::from_seed([24; 32]);
    for _ in 0..12 {
        let message = bytes(rng, 300);
        for curve in [EcdsaCurve::P256, EcdsaCurve::P384] {
            for (signer, verifier) in [(PROVIDERS[0], PROVIDERS[1]), (PROVIDERS[1], PROVIDERS[0])] {
                let key = signer.signing_key(curve, rng);
                let algorithm = curve.signature_algorithm();
                let signature = key.sign_with(algorithm, &message, rng).unwrap();
                let public = verifier.public_key(key.public_key_info()).unwrap();
                assert_eq!(public.verify(algorithm, &message, &signature), Ok(()));
                let other = [&message[..], b"x"].concat();
                assert!(public.verify(algorithm, &other, &signature).is_err());
            }
        }
    }
}

const GROUPS: [NamedGroup; 4] =
    [NamedGroup::Secp256r1, NamedGroup::Secp384r1, NamedGroup::X25519, NamedGroup::X25519MlKem768];

#[rstest]
fn both_sides_of_a_key_exchange_hold_the_same_secret(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] initiator: Provider,
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] responder: Provider,
) {
    let rng = &mut Rng::from_seed([25; 32]);
    for _ in 0..8 {
        for group in GROUPS {
            let offer = initiator.key_exchange(group, rng);
            assert_eq!(offer.share().len(), group.initiator_share_len());
            let (share, theirs) = responder.answer_key_exchange(group, offer.share(), rng).unwrap();
            assert_eq!(share.len(), group.responder_share_len());
            let ours = offer.finish(&share).unwrap();
            assert_eq!(ours.as_ref(), theirs.as_ref());
            let length = [32, 48, 32, 64][GROUPS.iter().position(|g| *g == group).unwrap()];
            assert_eq!(ours.as_ref().len(), length);
        }
    }
}

#[test]
fn the_hybrid_secret_is_that_of_ml_kem_followed_by_that_of_x25519() {
    // Both halves of the answer are swapped in turn: each changes its half of the secret alone.
    let provider = crypto::rust_crypto();
    let group = NamedGroup::X25519MlKem768;
    let offer = || provider.key_exchange(group, &mut Rng::from_seed([1; 32]));
    let answer = |seed| {
        let rng = &mut Rng::from_seed([seed; 32]);
        provider.answer_key_exchange(group, offer().share(), rng).unwrap()
    };
    let ((one, one_secret), (two, two_secret)) = (answer(2), answer(3));
    let mixed = [&one[..1_088], &two[1_088..]].concat();
    let secret = offer().finish(&mixed).unwrap();
    assert_eq!(secret.as_ref()[..32], one_secret.as_ref()[..32]);
    assert_eq!(secret.as_ref()[32..], two_secret.as_ref()[32..]);
}

#[test]
fn key_shares_come_from_the_seed() {
    let share = |provider: Provider, group, seed| {
        provider.key_exchange(group, &mut Rng::from_seed([seed; 32])).share().to_vec()
    };
    for group in GROUPS {
        assert_eq!(share(PROVIDERS[1], group, 1), share(PROVIDERS[1], group, 1));
        assert_ne!(share(PROVIDERS[1], group, 1), share(PROVIDERS[1], group, 2));
        if group != NamedGroup::X25519MlKem768 {
            assert_eq!(share(PROVIDERS[0], group, 1), share(PROVIDERS[1], group, 1));
        }
    }
    let answer = |seed| {
        let (provider, group) = (PROVIDERS[1], NamedGroup::X25519MlKem768);
        let offer = share(provider, group, 1);
        let rng = &mut Rng::from_seed([seed; 32]);
        let (share, secret) = provider.answer_key_exchange(group, &offer, rng).unwrap();
        (share, secret.as_ref().to_vec())
    };
    assert_eq!(answer(4), answer(4));
    assert_ne!(answer(4), answer(5));
}

#[rstest]
fn refuses_shares_that_are_none(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let rng = &mut Rng::from_seed([26; 32]);
    for group in GROUPS {
        let good = provider.key_exchange(group, rng).share().to_vec();
        let mut long = good.clone();
        long.push(0);
        for bad in [&[], &good[1..], &long[..]] {
            let answer = provider.answer_key_exchange(group, bad, rng);
            assert_eq!(answer.unwrap_err(), BadShare);
            let offer = provider.key_exchange(group, rng);
            assert_eq!(offer.finish(bad).unwrap_err(), BadShare);
        }
    }
    let mut refused = |group, bad: Vec<u8>| {
        assert_eq!(provider.answer_key_exchange(group, &bad, rng).unwrap_err(), BadShare);
    };
    // A point of small order, whose secret everyone knows.
    refused(NamedGroup::X25519, vec![0; 32]);
    // A point off the curve, and one in the hybrid form of X9.62.
    refused(NamedGroup::Secp256r1, [vec![4], vec![1; 64]].concat());
    let offer = PROVIDERS[0].key_exchange(NamedGroup::Secp256r1, &mut Rng::from_seed([0; 32]));
    let mut hybrid_form = offer.share().to_vec();
    hybrid_form[0] = 6 + (hybrid_form[64] & 1);
    refused(NamedGroup::Secp256r1, hybrid_form);
    // An ML-KEM key with coefficients beyond the modulus.
    refused(NamedGroup::X25519MlKem768, [vec![0xff; 1_184], vec![9; 32]].concat());
}
