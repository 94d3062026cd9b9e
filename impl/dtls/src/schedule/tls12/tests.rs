//! The key schedule of version 1.2 against published values.

use rstest::rstest;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let pairs = (0..digits.len()).step_by(2).map(|i| &digits[i..i + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn array(text: &str) -> [u8; 32] {
    hex(text).try_into().unwrap()
}

/// NIST's Cryptographic Algorithm Validation Program, key derivation of TLS 1.2 with SHA-256, count 0.
const PRE_MASTER: &str = "f8938ecc9edebc5030c0c6a441e213cd24e6f770a50dda07876f8d55da062bcadb386b
     411fd4fe4313a604fce6c17fbc";
const HELLO_CLIENT: &str = "36c129d01a3200894b9179faac589d9835d58775f9b5ea3587cb8fd0364cae8c";
const HELLO_SERVER: &str = "f6c9575ed7ddd73e1f7d16eca115415812a43c2b747daaaae043abfb50053fce";
const CLIENT: &str = "62e1fd91f23f558a605f28478c58cf72637b89784d959df7e946d3f07bd1b616";
const SERVER: &str = "ae6c806f8ad4d80784549dff28a4b58fd837681a51d928c3e30ee5ff14f39868";
const MASTER: &str = "202c88c00f84a17a20027079604787461176455539e705be730890602c289a5001e34eeb3a
     043e5d52a65e66125188bf";
const KEY_BLOCK: &str = "d06139889fffac1e3a71865f504aa5d0d2a2e89506c6f2279b670c3e1b74f531016a253
     0c51a3a0f7e1d6590d0f0566b";

const SUITE: CipherSuite = CipherSuite::EcdheEcdsaAes128GcmSha256;

fn known(provider: Provider) -> MasterSecret {
    let (client, server) = (array(HELLO_CLIENT), array(HELLO_SERVER));
    MasterSecret::legacy(provider, SUITE, hex(PRE_MASTER), &client, &server)
}

#[rstest]
fn the_master_secret_is_the_known_one(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    assert_eq!(known(provider).secret.to_vec(), hex(MASTER));
}

#[rstest]
fn the_key_block_is_cut_in_the_order_of_the_protocol(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let block = known(provider).key_block(&array(CLIENT), &array(SERVER));
    let expected = hex(KEY_BLOCK);
    for (keys, key, iv) in [
        (&block.client, &expected[..16], &expected[32..36]),
        (&block.server, &expected[16..32], &expected[36..40]),
    ] {
        assert_eq!(
            keys.iv.nonce(0)[..],
            [iv, &[0; 8]].concat(),
            "eight bytes come with each record"
        );
        let reference = provider.aead_key(keys.aead.algorithm(), key).unwrap();
        let nonce = [7; 12];
        assert_eq!(keys.aead.seal(&nonce, b"", &mut []), reference.seal(&nonce, b"", &mut []));
    }
}

#[test]
fn the_whole_nonce_of_chacha20_comes_from_the_key_block() {
    let suite = CipherSuite::EcdheEcdsaChaCha20Poly1305Sha256;
    let provider = crypto::rust_crypto();
    let master = MasterSecret::legacy(provider, suite, [1; 32], &[2; 32], &[3; 32]);
    let block = master.key_block(&[2; 32], &[3; 32]);
    let mut expected = [0; 88];
    let seed: [&[u8]; 2] = [&[3; 32], &[2; 32]];
    provider.tls12_prf(suite.prf(), &*master.secret, b"key expansion", &seed, &mut expected);
    assert_eq!(block.client.iv.nonce(0)[..], expected[64..76]);
    assert_eq!(block.server.iv.nonce(0)[..], expected[76..88]);
}

#[rstest]
#[case::sha256(SUITE)]
#[case::sha384(CipherSuite::EcdheRsaAes256GcmSha384)]
fn what_is_derived_is_bound_to_its_label_and_seed(#[case] suite: CipherSuite) {
    for provider in [crypto::aws_lc_rs(), crypto::rust_crypto()] {
        let hash = provider.hash(suite.hash(), &[b"messages"]);
        let other = provider.hash(suite.hash(), &[b"others"]);
        let extended = MasterSecret::extended(provider, suite, [1; 32], &hash);
        let mut expected = [0; 48];
        let label = b"extended master secret";
        provider.tls12_prf(suite.prf(), &[1; 32], label, &[hash.as_ref()], &mut expected);
        assert_eq!(*extended.secret, expected);
        assert_ne!(
            MasterSecret::extended(provider, suite, [1; 32], &other).secret,
            extended.secret,
            "another handshake, another secret"
        );

        let mut expected = [0; 12];
        let seed = &[hash.as_ref()];
        provider.tls12_prf(suite.prf(), &*extended.secret, b"server finished", seed, &mut expected);
        assert_eq!(extended.verify_data(Side::Server, &hash), expected);
        assert_ne!(extended.verify_data(Side::Client, &hash), expected);
    }
}

#[test]
fn no_context_and_an_empty_context_export_different_bytes() {
    let provider = crypto::rust_crypto();
    let master = MasterSecret::legacy(provider, SUITE, [1; 32], &[2; 32], &[3; 32]);
    let randoms = [&[2; 32], &[3; 32]];
    let export = |context: Option<&[u8]>| {
        let mut out = [0; 60];
        master.export(b"EXTRACTOR-dtls_srtp", context, randoms, &mut out).unwrap();
        out
    };
    let expected = |seed: &[&[u8]]| {
        let mut out = [0; 60];
        let label = b"EXTRACTOR-dtls_srtp";
        provider.tls12_prf(SUITE.prf(), &*master.secret, label, seed, &mut out);
        out
    };
    let (client, server): (&[u8], &[u8]) = (&[2; 32], &[3; 32]);
    assert_eq!(export(None), expected(&[client, server]));
    assert_eq!(export(Some(b"")), expected(&[client, server, &[0, 0]]));
    assert_eq!(export(Some(b"abc")), expected(&[client, server, &[0, 3], b"abc"]));
    let long = vec![0; 65_536];
    let refused = master.export(b"label", Some(&long), randoms, &mut [0; 4]);
    assert_eq!(refused, Err(ExportTooLong));
}

#[test]
fn secrets_show_in_the_key_log_alone() {
    let master = known(crypto::rust_crypto());
    let line = master.key_log_line(&[0xab; 32]);
    let secret: String = MASTER.split_whitespace().collect();
    assert_eq!(line, format!("CLIENT_RANDOM {} {secret}", "ab".repeat(32)));
    assert_eq!(format!("{master:?}"), format!("MasterSecret {{ suite: {SUITE:?}, .. }}"));
}
