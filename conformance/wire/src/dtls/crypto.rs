//! The computations, on AWS-LC. Signatures are made by another library, since AWS-LC draws their nonces.

use aws_lc_rs::{
    aead::{self, quic},
    agreement, digest, hmac, signature,
};
use p256::ecdsa::signature::Signer;

use super::{
    code::group,
    cursor::{vec8, vec16},
};

/// SHA-256.
pub(super) fn sha256(data: &[u8]) -> [u8; 32] {
    fixed(digest::digest(&digest::SHA256, data).as_ref())
}

/// HMAC-SHA-256.
pub(super) fn mac(key: &[u8], data: &[u8]) -> [u8; 32] {
    fixed(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref())
}

/// The first 32 bytes.
fn fixed(bytes: &[u8]) -> [u8; 32] {
    bytes.first_chunk().copied().unwrap_or_default()
}

/// The pseudorandom function of TLS 1.2 (RFC 5246 §5).
pub(super) fn prf(secret: &[u8], label: &str, seed: &[u8], length: usize) -> Vec<u8> {
    let seed = [label.as_bytes(), seed].concat();
    let mut a = mac(secret, &seed);
    let mut out = Vec::new();
    while out.len() < length {
        out.extend(mac(secret, &[&a[..], &seed].concat()));
        a = mac(secret, &a);
    }
    out.truncate(length);
    out
}

/// HKDF-Expand-Label with the prefix of DTLS 1.3 (RFC 9147 §5.9, RFC 8446 §7.1).
pub(super) fn expand_label(secret: &[u8], label: &str, context: &[u8], length: usize) -> Vec<u8> {
    let count = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let info = [&count[..], &vec8(format!("dtls13{label}").as_bytes()), &vec8(context)].concat();
    let (mut out, mut block, mut index) = (Vec::new(), Vec::new(), 1_u8);
    while out.len() < length {
        block = mac(secret, &[&block[..], &info, &[index]].concat()).to_vec();
        out.extend(&block);
        index = index.wrapping_add(1);
    }
    out.truncate(length);
    out
}

fn key(bytes: &[u8; 16]) -> Option<aead::LessSafeKey> {
    aead::UnboundKey::new(&aead::AES_128_GCM, bytes).ok().map(aead::LessSafeKey::new)
}

/// AES-128-GCM: the ciphertext with its tag.
pub(super) fn seal(secret: &[u8; 16], nonce: [u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut bytes = plain.to_vec();
    let nonce = aead::Nonce::assume_unique_for_key(nonce);
    let sealed = key(secret)
        .map(|key| key.seal_in_place_append_tag(nonce, aead::Aad::from(aad), &mut bytes).is_ok());
    debug_assert_eq!(sealed, Some(true), "sealing takes any record");
    bytes
}

/// AES-128-GCM: the plaintext, if the tag is right.
pub(super) fn open(
    secret: &[u8; 16],
    nonce: [u8; 12],
    aad: &[u8],
    sealed: &[u8],
) -> Option<Vec<u8>> {
    let mut bytes = sealed.to_vec();
    let nonce = aead::Nonce::assume_unique_for_key(nonce);
    let plain = key(secret)?.open_in_place(nonce, aead::Aad::from(aad), &mut bytes).ok()?;
    Some(plain.to_vec())
}

/// What hides sequence numbers (RFC 9147 §4.2.3): one block of AES over the beginning of the ciphertext.
pub(super) fn mask(secret: &[u8; 16], ciphertext: &[u8]) -> Option<[u8; 2]> {
    let key = quic::HeaderProtectionKey::new(&quic::AES_128, secret).ok()?;
    let [first, second, ..] = key.new_mask(ciphertext.get(..16)?).ok()?;
    Some([first, second])
}

/// The suite's side of a key exchange.
pub(super) struct Exchange {
    pub(super) group: u16,
    pub(super) share: Vec<u8>,
    private: agreement::PrivateKey,
}

impl Exchange {
    /// A key pair in `group` from these dice, if they are a key.
    pub(super) fn new(group: u16, dice: &[u8; 32]) -> Option<Self> {
        let private = agreement::PrivateKey::from_private_key(algorithm(group)?, dice).ok()?;
        let share = private.compute_public_key().ok()?.as_ref().to_vec();
        Some(Self { group, share, private })
    }

    /// The secret that both sides hold.
    pub(super) fn agree(&self, theirs: &[u8]) -> Option<Vec<u8>> {
        let theirs = agreement::UnparsedPublicKey::new(algorithm(self.group)?, theirs);
        agreement::agree(&self.private, theirs, (), |secret| Ok(secret.to_vec())).ok()
    }
}

const fn algorithm(named: u16) -> Option<&'static agreement::Algorithm> {
    match named {
        group::X25519 => Some(&agreement::X25519),
        group::P256 => Some(&agreement::ECDH_P256),
        _ => None,
    }
}

/// A key that signs.
pub(super) struct Signing(p256::ecdsa::SigningKey);

impl Signing {
    /// The key with this number, if it is one.
    pub(super) fn new(scalar: &[u8; 32]) -> Option<Self> {
        p256::ecdsa::SigningKey::from_slice(scalar).ok().map(Self)
    }

    /// The public point, uncompressed.
    pub(super) fn point(&self) -> Vec<u8> {
        self.0.verifying_key().to_sec1_point(false).as_bytes().to_vec()
    }

    /// ECDSA with SHA-256, deterministic (RFC 6979 §3.2).
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let made: p256::ecdsa::DerSignature = self.0.sign(message);
        made.as_bytes().to_vec()
    }
}

/// Whether a signature of ECDSA on P-256 with SHA-256 is right.
pub(super) fn verify(point: &[u8], message: &[u8], made: &[u8]) -> bool {
    let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point);
    key.verify(message, made).is_ok()
}

/// Bytes that depend on a seed and a name alone.
pub(super) fn dice(seed: &[u8; 32], name: &str, number: u32) -> [u8; 32] {
    mac(seed, &[&vec16(name.as_bytes())[..], &number.to_be_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    #[test]
    fn two_sides_agree_in_both_groups() {
        for named in [group::X25519, group::P256] {
            let (one, two) = (Exchange::new(named, &[7; 32]), Exchange::new(named, &[9; 32]));
            let (one, two) = (one.unwrap(), two.unwrap());
            assert_eq!(one.agree(&two.share).unwrap(), two.agree(&one.share).unwrap());
        }
    }

    #[test]
    fn a_signature_of_one_library_is_right_for_the_other() {
        let key = Signing::new(&[3; 32]).unwrap();
        let made = key.sign(b"message");
        assert!(verify(&key.point(), b"message", &made));
        assert!(!verify(&key.point(), b"another", &made));
        assert_eq!(made, key.sign(b"message"), "the same bytes again");
    }

    #[test]
    fn the_prf_gives_the_published_vector() {
        // The vector for P_SHA256 that the TLS working group's list published in 2008.
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let expected =
            hex("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791\
             e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f79678\
             9baa48082d122ee42c5a72e5a5110fff70187347b66");
        assert_eq!(prf(&secret, "test label", &seed, 100), expected);
    }
}
