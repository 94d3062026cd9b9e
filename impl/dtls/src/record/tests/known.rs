//! The bytes of records, spelled out from the RFCs' formulas with nothing but the cipher.

use rstest::rstest;

use super::*;
use crate::schedule::TrafficKeys;

fn keys_12(suite: CipherSuite) -> TrafficKeys {
    let provider = crypto::rust_crypto();
    let hash = provider.hash(HashAlgorithm::Sha256, &[b"messages"]);
    let master = MasterSecret::extended(provider, suite, [5; 32], &hash);
    master.key_block(&[1; 32], &[2; 32]).client
}

const NUMBER: [u8; 8] = [0, 1, 0, 0, 0, 0, 1, 2];

#[rstest]
#[case::aes_gcm(CipherSuite::EcdheEcdsaAes128GcmSha256)]
#[case::chacha20(CipherSuite::EcdheEcdsaChaCha20Poly1305Sha256)]
fn version_12(#[case] suite: CipherSuite, #[values(false, true)] has_id: bool) {
    let (mut ours, ..) = pair(crypto::rust_crypto(), suite);
    if has_id {
        ours.use_connection_id(b"cid");
    }
    ours.set_next_sequence(1, 0x102);
    let keys = keys_12(suite);
    let is_gcm = suite == CipherSuite::EcdheEcdsaAes128GcmSha256;
    let mut nonce = keys.iv.nonce(0);
    if is_gcm {
        nonce[4..].copy_from_slice(&NUMBER);
    } else {
        nonce[4..].iter_mut().zip(NUMBER).for_each(|(byte, number)| *byte ^= number);
    }
    let (aad, mut body) = if has_id {
        let head = [&[0xff; 8][..], &[25, 3, 25, 0xfe, 0xfd], &NUMBER, b"cid", &[0, 8]];
        (head.concat(), b"payload\x17".to_vec())
    } else {
        ([&NUMBER[..], &[23, 0xfe, 0xfd, 0, 7]].concat(), b"payload".to_vec())
    };
    keys.aead.seal_and_append(&nonce, &aad, &mut body, 0);
    let explicit: &[u8] = if is_gcm { &NUMBER } else { &[] };
    let length = u8::try_from(explicit.len() + body.len()).unwrap();
    let (kind, id): (u8, &[u8]) = if has_id { (25, b"cid") } else { (23, b"") };
    let expected = [&[kind, 0xfe, 0xfd][..], &NUMBER, id, &[0, length], explicit, &body].concat();
    assert_eq!(sealed(&mut ours, 1, b"payload"), expected);
}

#[rstest]
fn version_13(
    #[values(
        CipherSuite::Aes128GcmSha256,
        CipherSuite::Aes256GcmSha384,
        CipherSuite::ChaCha20Poly1305Sha256
    )]
    suite: CipherSuite,
    #[values(false, true)] has_id: bool,
) {
    let (mut ours, ..) = pair(crypto::rust_crypto(), suite);
    if has_id {
        ours.use_connection_id(b"cid");
    }
    ours.set_next_sequence(3, 0x5_0102);
    let secret = secret(crypto::rust_crypto(), suite, 3);
    let keys = secret.keys();
    let (flags, id): (u8, &[u8]) = if has_id { (0x3f, b"cid") } else { (0x2f, b"") };
    let mut header = [&[flags][..], id, &[1, 2, 0, 7 + 1 + 16]].concat();
    let mut nonce = keys.iv.nonce(0);
    nonce[4..].iter_mut().zip([0, 0, 0, 0, 0, 5, 1, 2]).for_each(|(byte, number)| *byte ^= number);
    let mut body = b"payload\x17".to_vec();
    keys.aead.seal_and_append(&nonce, &header, &mut body, 0);
    let [high, low] = secret.record_number_key().mask(body.first_chunk().unwrap());
    header[1 + id.len()] ^= high;
    header[2 + id.len()] ^= low;
    assert_eq!(sealed(&mut ours, 3, b"payload"), [header, body].concat());
}

#[test]
fn without_protection() {
    let mut records = Records::new(Limits::default());
    records.set_next_sequence(0, 0x102);
    let mut out = Vec::new();
    records.seal(0, ContentType::HANDSHAKE, b"abc", &mut out).unwrap();
    assert_eq!(out, [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, 2, 0, 3][..], b"abc"].concat());
}
