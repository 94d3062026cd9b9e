//! Handshakes that go well.

use crypto::{NamedGroup, Provider};
use rstest::rstest;

use super::bench::{
    Bench, Key, Said, Told, answered_pair, config, fingerprint, keyed_pair, ladder, pair, place,
    talk, usual_pair,
};
use crate::{
    Authentication, CipherSuite, Misdeed, PeerCheck, Side, SrtpProfile, Verifier, Version,
    wire::{AlertDescription, HandshakeType, SignatureScheme},
};

#[rstest]
fn both_ends_agree_on_everything(
    #[values(crypto::rust_crypto(), crypto::aws_lc_rs())] provider: Provider,
    #[values(
        CipherSuite::EcdheEcdsaAes128GcmSha256,
        CipherSuite::EcdheEcdsaAes256GcmSha384,
        CipherSuite::EcdheEcdsaChaCha20Poly1305Sha256,
        CipherSuite::EcdheRsaAes128GcmSha256,
        CipherSuite::EcdheRsaAes256GcmSha384,
        CipherSuite::EcdheRsaChaCha20Poly1305Sha256
    )]
    suite: CipherSuite,
    #[values(NamedGroup::X25519, NamedGroup::Secp256r1, NamedGroup::Secp384r1)] group: NamedGroup,
    #[values(Key::P256, Key::P384, Key::Rsa)] key: Key,
) {
    let of_client = config(provider, Key::P256, 21);
    let mut of_server = config(provider, key, 22);
    of_server.suites = vec![suite];
    of_server.groups = vec![group];
    let [mut client, mut server] = pair(of_client, of_server);

    let said = talk(&mut client, &mut server);

    let kind = if key == Key::Rsa { Authentication::Rsa } else { Authentication::Ecdsa };
    if suite.authentication() != Some(kind) {
        assert_eq!(said.unwrap_err(), Misdeed::NoCommonSuite);
        return;
    }
    for end in [&client, &server] {
        assert!(end.is_connected());
        assert_eq!(end.session.version, Some(Version::Dtls12));
        assert_eq!(end.session.suite, Some(suite));
        assert_eq!(end.session.group, Some(group));
        assert!(end.session.peer_verified && end.session.extended_master_secret);
    }
    assert_eq!(client.exports(), server.exports());
    assert_eq!(client.session.peer_scheme, server.session.own_scheme);
    assert_eq!(server.session.peer_scheme, client.session.own_scheme);
}

#[rstest]
fn a_client_proves_itself_with_any_kind_of_key(
    #[values(crypto::rust_crypto(), crypto::aws_lc_rs())] provider: Provider,
    #[values(Key::P256, Key::P384, Key::Rsa)] of_client: Key,
    #[values(Key::P256, Key::Rsa)] of_server: Key,
) {
    let [mut client, mut server] =
        pair(config(provider, of_client, 31), config(provider, of_server, 32));
    talk(&mut client, &mut server).unwrap();
    assert!(server.is_connected() && server.session.peer_verified);
    assert_eq!(client.exports(), server.exports());
}

#[rstest]
#[case::pkcs1(SignatureScheme::RSA_PKCS1_SHA256)]
#[case::pkcs1_sha512(SignatureScheme::RSA_PKCS1_SHA512)]
#[case::pss(SignatureScheme::RSA_PSS_RSAE_SHA256)]
#[case::pss_sha384(SignatureScheme::RSA_PSS_RSAE_SHA384)]
fn rsa_signs_as_the_peer_wishes(#[case] scheme: SignatureScheme) {
    let provider = crypto::rust_crypto();
    let mut of_client = config(provider, Key::Rsa, 33);
    of_client.signature_schemes = vec![scheme];
    let mut of_server = config(provider, Key::Rsa, 34);
    of_server.signature_schemes = vec![scheme];
    let [mut client, mut server] = pair(of_client, of_server);
    talk(&mut client, &mut server).unwrap();
    assert_eq!(client.session.peer_scheme, Some(scheme));
    assert_eq!(server.session.peer_scheme, Some(scheme));
}

#[rstest]
fn curve_and_hash_of_ecdsa_are_independent(
    #[values(Key::P256, Key::P384)] key: Key,
    #[values(SignatureScheme::ECDSA_SECP256R1_SHA256, SignatureScheme::ECDSA_SECP384R1_SHA384)]
    scheme: SignatureScheme,
) {
    let provider = crypto::rust_crypto();
    let mut of_client = config(provider, key, 35);
    of_client.signature_schemes = vec![scheme];
    let mut of_server = config(provider, key, 36);
    of_server.signature_schemes = vec![scheme];
    let [mut client, mut server] = pair(of_client, of_server);
    talk(&mut client, &mut server).unwrap();
    assert_eq!(client.session.own_scheme, Some(scheme));
    assert_eq!(client.exports(), server.exports());
}

#[test]
fn the_messages_come_in_the_order_of_the_rfc() {
    let [mut client, mut server] = usual_pair();
    insta::assert_snapshot!(ladder(&talk(&mut client, &mut server).unwrap()));
}

#[test]
fn a_client_without_a_certificate_says_so() {
    let provider = crypto::rust_crypto();
    let mut of_client = config(provider, Key::P256, 41);
    let mut of_server = config(provider, Key::Rsa, 42);
    of_client.credential = None;
    of_client.peer_check = fingerprint(&of_server);
    of_server.requires_client_certificate = false;
    of_server.peer_check = PeerCheck::Verifier(std::sync::Arc::new(Indulgent));
    let mut client = Bench::new(Side::Client, of_client, 1);
    let mut server = Bench::new(Side::Server, of_server, 2);
    let said = talk(&mut client, &mut server).unwrap();
    assert!(server.session.peer_chain.is_empty() && server.is_connected());
    assert_eq!(client.exports(), server.exports());
    insta::assert_snapshot!(ladder(&said));
}

struct Indulgent;

impl Verifier for Indulgent {
    fn verify(&self, _: &[Vec<u8>]) -> Result<(), AlertDescription> {
        Ok(())
    }
}

#[test]
fn a_server_that_trusts_everybody_asks_for_no_certificate() {
    let [mut client, mut server] = usual_pair();
    server.config.peer_check = PeerCheck::NoCertificate;
    let said = talk(&mut client, &mut server).unwrap();
    let kinds: Vec<_> = said.iter().filter_map(Said::kind).collect();
    assert!(!kinds.contains(&HandshakeType::CERTIFICATE_REQUEST));
    assert!(!kinds.contains(&HandshakeType::CERTIFICATE_VERIFY));
    assert_eq!(client.exports(), server.exports());
}

/// Takes extended_master_secret out of a hello, as somebody on the way might.
fn strip(hello: &mut Said) {
    let body = hello.body();
    let at = body.windows(4).rposition(|bytes| bytes == [0, 23, 0, 0]).expect("it is there");
    let length = body.len();
    body.drain(at..at + 4);
    // The length of the block stands before its first extension, four bytes less now.
    let block = (0..at).find(|&before| {
        let field = body.get(before..before + 2).unwrap();
        usize::from(u16::from_be_bytes([field[0], field[1]])) == length - before - 2
    });
    let field = body.get_mut(block.expect("a block")..).unwrap().first_chunk_mut::<2>().unwrap();
    *field = (u16::from_be_bytes(*field) - 4).to_be_bytes();
}

#[test]
fn a_careful_end_goes_no_further_without_the_extended_master_secret() {
    let [mut client, mut server] = usual_pair();
    let mut hello = client.says();
    strip(&mut hello[0]);
    let refused = Told::Refused(Misdeed::NoExtendedMasterSecret);
    assert_eq!(server.told_all(&hello), refused);
    assert_eq!(Misdeed::NoExtendedMasterSecret.alert(), AlertDescription::HANDSHAKE_FAILURE);

    let ([mut client, _], mut flight) = answered_pair();
    strip(&mut flight[0]);
    assert_eq!(client.told_all(&flight), refused);
}

#[test]
fn who_strips_the_extended_master_secret_is_found_out() {
    let [mut client, mut server] = usual_pair();
    for end in [&mut client, &mut server] {
        end.config.allows_legacy_master_secret = true;
    }
    let mut hello = client.says();
    strip(&mut hello[0]);
    assert_eq!(server.told_all(&hello), Told::Taken);
    let flight = server.says();
    assert_eq!(client.told_all(&flight), Told::Taken, "the server's silence is allowed");
    assert!(!client.session.extended_master_secret && !server.session.extended_master_secret);
    // The signature of the client covers its hello as it was; the Finished would too.
    let told = server.told_all(&client.says());
    assert_eq!(told, Told::Refused(Misdeed::BadSignature));
}

#[test]
fn the_old_master_secret_serves_ends_that_allow_it() {
    let [mut client, mut server] = usual_pair();
    for end in [&mut client, &mut server] {
        end.config.allows_legacy_master_secret = true;
    }
    assert_eq!(server.told_all(&client.says()), Told::Taken);
    let flight = server.says();
    let at = place(&flight, HandshakeType::CERTIFICATE);
    assert_eq!(client.told_all(&flight[..at]), Told::Taken);
    // As if neither had offered it.
    for end in [&mut client, &mut server] {
        end.session.extended_master_secret = false;
    }
    assert_eq!(client.told_all(&flight[at..]), Told::Taken);
    talk(&mut client, &mut server).unwrap();
    assert_eq!(client.exports(), server.exports());
    assert!(!client.session.is_bound_to_handshake());
}

#[test]
fn connection_ids_srtp_and_protocols_are_agreed_in_the_hellos() {
    let provider = crypto::rust_crypto();
    let mut of_client = config(provider, Key::P256, 61);
    of_client.connection_id = Some(0);
    of_client.alpn = vec![b"c-webrtc".to_vec(), b"webrtc".to_vec()];
    of_client.record_size_limit = Some(2_000);
    let mut of_server = config(provider, Key::P256, 62);
    of_server.connection_id = Some(6);
    of_server.alpn = vec![b"webrtc".to_vec()];
    of_server.record_size_limit = Some(1_500);
    of_server.srtp_profiles = vec![SrtpProfile::Aes128CmHmacSha1_80];
    let [mut client, mut server] = pair(of_client, of_server);
    talk(&mut client, &mut server).unwrap();
    assert_eq!(client.session.own_connection_id(), []);
    assert_eq!(client.session.peer_connection_id().len(), 6);
    assert_eq!(client.session.peer_connection_id(), server.session.own_connection_id());
    assert_eq!(client.session.alpn(), Some(&b"webrtc"[..]));
    assert_eq!(client.session.srtp_profile, Some(SrtpProfile::Aes128CmHmacSha1_80));
    assert_eq!(client.session.peer_record_limit, Some(1_500));
    assert_eq!(server.session.peer_record_limit, Some(2_000));
}

#[test]
fn the_secret_is_logged_only_for_who_asks() {
    let [mut client, mut server] = usual_pair();
    server.config.key_log = true;
    talk(&mut client, &mut server).unwrap();
    assert!(client.session.key_log.is_empty());
    let [line] = server.session.key_log.as_slice() else { panic!("one line") };
    assert!(line.starts_with("CLIENT_RANDOM ") && line.len() == 14 + 64 + 1 + 96);
}

#[test]
fn a_change_cipher_spec_may_overtake_the_keys_it_is_about() {
    let ([_, mut server], mut flight) = keyed_pair();
    let change = flight.iter().position(|said| said.kind().is_none()).unwrap();
    let change = flight.remove(change);
    flight.insert(0, change);
    assert_eq!(server.told_all(&flight), Told::Taken);
    assert!(server.is_connected());
}
