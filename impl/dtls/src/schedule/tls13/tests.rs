//! The key schedule of version 1.3 against a reference that knows HMAC alone.

use crypto::HmacAlgorithm;
use rstest::rstest;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let pairs = (0..digits.len()).step_by(2).map(|i| &digits[i..i + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// The schedule once more, straight from HMAC, with the label prefix as a parameter: RFC 8448 has
/// known values for that of TLS, which show that this computation is right.
struct Reference {
    provider: Provider,
    suite: CipherSuite,
    prefix: &'static [u8],
}

impl Reference {
    fn hmac(&self, key: &[u8], message: &[u8]) -> Vec<u8> {
        self.provider.hmac_key(self.algorithm(), key).sign(&[message]).as_ref().to_vec()
    }

    fn algorithm(&self) -> HmacAlgorithm {
        self.suite.hmac()
    }

    fn expand_label(&self, secret: &[u8], label: &[u8], context: &[u8], length: usize) -> Vec<u8> {
        let mut info = u16::try_from(length).unwrap().to_be_bytes().to_vec();
        info.push(u8::try_from(self.prefix.len() + label.len()).unwrap());
        info.extend_from_slice(self.prefix);
        info.extend_from_slice(label);
        info.push(u8::try_from(context.len()).unwrap());
        info.extend_from_slice(context);
        let (mut out, mut block) = (Vec::new(), Vec::new());
        for counter in 1.. {
            if out.len() >= length {
                break;
            }
            block = self.hmac(secret, &[&block[..], &info, &[counter]].concat());
            out.extend_from_slice(&block);
        }
        out.truncate(length);
        out
    }

    fn empty_hash(&self) -> Vec<u8> {
        self.provider.hash(self.suite.hash(), &[]).as_ref().to_vec()
    }

    fn len(&self) -> usize {
        self.suite.hash().output_len()
    }

    /// Early, handshake and master secret.
    fn chain(&self, shared: &[u8]) -> [Vec<u8>; 3] {
        let zeros = vec![0; self.len()];
        let derived =
            |secret: &[u8]| self.expand_label(secret, b"derived", &self.empty_hash(), self.len());
        let early = self.hmac(&zeros, &zeros);
        let handshake = self.hmac(&derived(&early), shared);
        let master = self.hmac(&derived(&handshake), &zeros);
        [early, handshake, master]
    }
}

#[test]
fn the_reference_computes_the_known_values_of_tls() {
    let suite = CipherSuite::Aes128GcmSha256;
    let reference = Reference { provider: crypto::rust_crypto(), suite, prefix: b"tls13 " };
    let shared = hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
    let [early, handshake, master] = reference.chain(&shared);
    assert_eq!(early, hex("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a"));
    assert_eq!(handshake, hex("1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac"));
    assert_eq!(master, hex("18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919"));
    let hash = hex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8");
    let server = reference.expand_label(&handshake, b"s hs traffic", &hash, 32);
    assert_eq!(server, hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38"));
    let key = reference.expand_label(&server, b"key", b"", 16);
    assert_eq!(key, hex("3fce516009c21727d0f2e4e86ee403bc"));
    assert_eq!(reference.expand_label(&server, b"iv", b"", 12), hex("5d313eb2671276ee13000b30"));
}

#[rstest]
fn the_schedule_agrees_with_the_reference(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[values(
        CipherSuite::Aes128GcmSha256,
        CipherSuite::Aes256GcmSha384,
        CipherSuite::ChaCha20Poly1305Sha256
    )]
    suite: CipherSuite,
) {
    let reference = Reference { provider: crypto::rust_crypto(), suite, prefix: b"dtls13" };
    let (length, shared) = (reference.len(), [5; 32]);
    let [_, handshake, master] = reference.chain(&shared);
    let hello = provider.hash(suite.hash(), &[b"hello"]);
    let finished = provider.hash(suite.hash(), &[b"finished"]);

    let schedule = KeySchedule::new(provider, suite).into_handshake(shared);
    let client = schedule.traffic_secret(TrafficLabel::ClientHandshake, &hello);
    let expected = reference.expand_label(&handshake, b"c hs traffic", hello.as_ref(), length);
    assert_eq!(client.secret.bytes(), expected);
    let server = schedule.traffic_secret(TrafficLabel::ServerHandshake, &hello);
    let expected = reference.expand_label(&handshake, b"s hs traffic", hello.as_ref(), length);
    assert_eq!(server.secret.bytes(), expected);
    let key = reference.expand_label(&expected, b"finished", b"", length);
    let verify_data = reference.hmac(&key, finished.as_ref());
    assert_eq!(server.finished(&finished).as_ref(), verify_data);
    assert_eq!(server.verify_finished(&finished, &verify_data), Ok(()));
    assert_eq!(server.verify_finished(&finished, &verify_data[1..]), Err(BadTag));
    assert_eq!(server.verify_finished(&hello, &verify_data), Err(BadTag));

    let schedule = schedule.into_master();
    for (label, spelled) in [
        (TrafficLabel::ClientApplication, &b"c ap traffic"[..]),
        (TrafficLabel::ServerApplication, b"s ap traffic"),
    ] {
        let secret = schedule.traffic_secret(label, &finished);
        let expected = reference.expand_label(&master, spelled, finished.as_ref(), length);
        assert_eq!(secret.secret.bytes(), expected);
        let next = reference.expand_label(&expected, b"traffic upd", b"", length);
        assert_eq!(secret.next().secret.bytes(), next);
    }

    let exporter = schedule.exporter_secret(&finished);
    let expected = reference.expand_label(&master, b"exp master", finished.as_ref(), length);
    let empty = reference.empty_hash();
    let label = b"EXTRACTOR-dtls_srtp";
    let expected = reference.expand_label(&expected, label, &empty, length);
    let expected = reference.expand_label(&expected, b"exporter", &empty, 60);
    let mut out = [0; 60];
    exporter.export(label, None, &mut out).unwrap();
    assert_eq!(out[..], expected);
    let mut with_empty_context = [0; 60];
    exporter.export(label, Some(b""), &mut with_empty_context).unwrap();
    assert_eq!(out, with_empty_context, "no context and an empty one are the same");
}

#[rstest]
fn keys_are_the_derived_ones(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[values(
        CipherSuite::Aes128GcmSha256,
        CipherSuite::Aes256GcmSha384,
        CipherSuite::ChaCha20Poly1305Sha256
    )]
    suite: CipherSuite,
) {
    let reference = Reference { provider, suite, prefix: b"dtls13" };
    let hash = provider.hash(suite.hash(), &[b"hello"]);
    let schedule = KeySchedule::new(provider, suite).into_handshake([5; 32]);
    let secret = schedule.traffic_secret(TrafficLabel::ServerHandshake, &hash);
    let derive = |label, length| reference.expand_label(secret.secret.bytes(), label, b"", length);
    let keys = secret.keys();
    let key_len = suite.aead().key_len();
    let aead = provider.aead_key(suite.aead(), &derive(b"key", key_len)).unwrap();
    assert_eq!(keys.iv.nonce(0)[..], derive(b"iv", 12));
    let nonce = [7; 12];
    assert_eq!(keys.aead.seal(&nonce, b"", &mut []), aead.seal(&nonce, b"", &mut []));
    let mask = provider.record_number_key(suite.aead(), &derive(b"sn", key_len)).unwrap();
    assert_eq!(secret.record_number_key().mask(&[9; 16]), mask.mask(&[9; 16]));
}

#[test]
fn an_exporter_refuses_what_does_not_fit() {
    let provider = crypto::rust_crypto();
    let suite = CipherSuite::Aes128GcmSha256;
    let hash = provider.hash(suite.hash(), &[]);
    let exporter = KeySchedule::new(provider, suite).exporter_secret(&hash);
    let mut out = [0; 8_161];
    assert_eq!(exporter.export(&[b'x'; 249], None, &mut out[..8_160]), Ok(()));
    assert_eq!(exporter.export(&[b'x'; 250], None, &mut out[..1]), Err(ExportTooLong));
    assert_eq!(exporter.export(b"x", None, &mut out), Err(ExportTooLong));
}

#[test]
fn secrets_show_in_the_key_log_alone() {
    let provider = crypto::rust_crypto();
    let suite = CipherSuite::Aes128GcmSha256;
    let hash = provider.hash(suite.hash(), &[]);
    let schedule = KeySchedule::new(provider, suite).into_handshake([5; 32]);
    let log = |label| schedule.traffic_secret(label, &hash).key_log_line(&[0xab; 32]);
    let random = "ab".repeat(32);
    assert!(
        log(TrafficLabel::ClientHandshake)
            .starts_with(&format!("CLIENT_HANDSHAKE_TRAFFIC_SECRET {random} "))
    );
    assert!(
        log(TrafficLabel::ServerHandshake)
            .starts_with(&format!("SERVER_HANDSHAKE_TRAFFIC_SECRET {random} "))
    );
    assert!(
        log(TrafficLabel::ClientApplication)
            .starts_with(&format!("CLIENT_TRAFFIC_SECRET_0 {random} "))
    );
    let secret = schedule.traffic_secret(TrafficLabel::ServerApplication, &hash);
    assert!(secret.next().key_log_line(&[0xab; 32]).starts_with("SERVER_TRAFFIC_SECRET_1 "));
    assert!(secret.key_log_line(&[0xab; 32]).len() > 64 + 64);
    assert_eq!(
        format!("{secret:?}"),
        "TrafficSecret { label: ServerApplication, generation: 0, .. }"
    );
}
