//! Handshakes that go well.

use crypto::{NamedGroup, Provider};
use rstest::rstest;

use super::bench::{Key, config, pair, talk, usual_pair};
use crate::{CipherSuite, PeerCheck, SrtpProfile, Version, wire::HandshakeType};

#[rstest]
fn both_ends_agree_on_everything(
    #[values(crypto::rust_crypto(), crypto::aws_lc_rs())] provider: Provider,
    #[values(
        CipherSuite::Aes128GcmSha256,
        CipherSuite::Aes256GcmSha384,
        CipherSuite::ChaCha20Poly1305Sha256
    )]
    suite: CipherSuite,
    #[values(
        NamedGroup::X25519,
        NamedGroup::Secp256r1,
        NamedGroup::Secp384r1,
        NamedGroup::X25519MlKem768
    )]
    group: NamedGroup,
    #[values(Key::P256, Key::P384, Key::Rsa)] key: Key,
) {
    let mut of_client = config(provider, Key::P256, 21);
    of_client.key_shares = vec![group];
    let mut of_server = config(provider, key, 22);
    of_server.suites = vec![suite];
    of_server.groups = vec![group];
    let (mut client, mut server) = pair(of_client, of_server);

    talk(&mut client, &mut server).unwrap();

    for end in [&client, &server] {
        assert!(end.is_connected());
        assert_eq!(end.session.version, Some(Version::Dtls13));
        assert_eq!(end.session.suite, Some(suite));
        assert_eq!(end.session.group, Some(group));
        assert_eq!(end.session.srtp_profile, Some(SrtpProfile::AeadAes256Gcm));
        assert!(end.session.peer_verified);
        assert!(!end.session.retried);
    }
    assert_eq!(client.exports(), server.exports());
    assert_eq!(client.session.peer_scheme, server.session.own_scheme);
}

#[test]
fn the_messages_come_in_the_order_of_the_rfc() {
    let (mut client, mut server) = usual_pair();
    assert_eq!(
        talk(&mut client, &mut server).unwrap(),
        [
            HandshakeType::CLIENT_HELLO,
            HandshakeType::SERVER_HELLO,
            HandshakeType::ENCRYPTED_EXTENSIONS,
            HandshakeType::CERTIFICATE_REQUEST,
            HandshakeType::CERTIFICATE,
            HandshakeType::CERTIFICATE_VERIFY,
            HandshakeType::FINISHED,
            HandshakeType::CERTIFICATE,
            HandshakeType::CERTIFICATE_VERIFY,
            HandshakeType::FINISHED,
        ]
    );
}

#[rstest]
fn a_server_asks_for_the_share_it_can_use(
    #[values(NamedGroup::Secp256r1, NamedGroup::Secp384r1, NamedGroup::X25519MlKem768)]
    group: NamedGroup,
    #[values(CipherSuite::Aes128GcmSha256, CipherSuite::Aes256GcmSha384)] suite: CipherSuite,
) {
    let provider = crypto::rust_crypto();
    let mut of_server = config(provider, Key::P256, 32);
    of_server.groups = vec![group];
    of_server.suites = vec![suite];
    let (mut client, mut server) = pair(config(provider, Key::P256, 31), of_server);

    let said = talk(&mut client, &mut server).unwrap();

    assert_eq!(
        said.get(..4).unwrap(),
        [
            HandshakeType::CLIENT_HELLO,
            HandshakeType::SERVER_HELLO,
            HandshakeType::CLIENT_HELLO,
            HandshakeType::SERVER_HELLO,
        ]
    );
    assert!(client.session.retried && server.session.retried);
    assert_eq!(client.session.group, Some(group));
    assert_eq!(client.exports(), server.exports());
}

#[test]
fn a_share_that_is_there_spares_the_round_trip_for_a_better_group() {
    let (mut client, mut server) = usual_pair();
    assert_eq!(server.config.groups.first(), Some(&NamedGroup::X25519MlKem768));
    talk(&mut client, &mut server).unwrap();
    assert_eq!(server.session.group, Some(NamedGroup::X25519));
}

#[test]
fn a_server_that_trusts_everybody_asks_for_no_certificate() {
    let provider = crypto::rust_crypto();
    let mut of_server = config(provider, Key::P256, 42);
    of_server.peer_check = PeerCheck::NoCertificate;
    let (mut client, mut server) = pair(config(provider, Key::P256, 41), of_server);
    let said = talk(&mut client, &mut server).unwrap();
    assert!(!said.contains(&HandshakeType::CERTIFICATE_REQUEST));
    assert!(server.session.peer_chain.is_empty());
    assert_eq!(client.exports(), server.exports());
}

#[test]
fn a_client_without_a_credential_says_so_and_an_indulgent_server_goes_on() {
    let provider = crypto::rust_crypto();
    let mut of_client = config(provider, Key::P256, 51);
    of_client.credential = None;
    let mut of_server = config(provider, Key::P256, 52);
    of_client.peer_check = super::bench::fingerprint(&of_server);
    of_server.peer_check = PeerCheck::Verifier(std::sync::Arc::new(Indulgent));
    of_server.requires_client_certificate = false;
    let (mut client, mut server) = pair(of_client, of_server);
    talk(&mut client, &mut server).unwrap();
    assert!(server.session.peer_chain.is_empty());
    assert_eq!(client.exports(), server.exports());
}

struct Indulgent;

impl crate::Verifier for Indulgent {
    fn verify(&self, _chain: &[Vec<u8>]) -> Result<(), crate::wire::AlertDescription> {
        Ok(())
    }
}

#[test]
fn connection_ids_are_agreed_in_the_hellos() {
    let provider = crypto::rust_crypto();
    let mut of_client = config(provider, Key::P256, 61);
    of_client.connection_id = Some(0);
    let mut of_server = config(provider, Key::P256, 62);
    of_server.connection_id = Some(6);
    let (mut client, mut server) = pair(of_client, of_server);
    talk(&mut client, &mut server).unwrap();
    assert!(client.session.own_connection_id().is_empty());
    assert_eq!(client.session.peer_connection_id().len(), 6);
    assert_eq!(client.session.peer_connection_id(), server.session.own_connection_id());
}

#[test]
fn the_answers_to_extensions_come_under_encryption() {
    let provider = crypto::rust_crypto();
    let mut of_client = config(provider, Key::P256, 71);
    of_client.alpn = vec![b"c-webrtc".to_vec(), b"webrtc".to_vec()];
    of_client.record_size_limit = Some(2_000);
    let mut of_server = config(provider, Key::P256, 72);
    of_server.alpn = vec![b"webrtc".to_vec()];
    of_server.record_size_limit = Some(1_500);
    of_server.srtp_profiles = vec![SrtpProfile::Aes128CmHmacSha1_80];
    let (mut client, mut server) = pair(of_client, of_server);
    talk(&mut client, &mut server).unwrap();
    assert_eq!(client.session.alpn(), Some(&b"webrtc"[..]));
    assert_eq!(client.session.srtp_profile, Some(SrtpProfile::Aes128CmHmacSha1_80));
    assert_eq!(client.session.peer_record_limit, Some(1_500));
    assert_eq!(server.session.peer_record_limit, Some(2_000));
}

#[test]
fn secrets_are_logged_only_for_who_asks() {
    let (mut client, mut server) = usual_pair();
    server.config.key_log = true;
    talk(&mut client, &mut server).unwrap();
    assert!(client.session.key_log.is_empty());
    let labels: Vec<&str> =
        server.session.key_log.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        labels,
        [
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            "CLIENT_TRAFFIC_SECRET_0",
            "SERVER_TRAFFIC_SECRET_0",
            "EXPORTER_SECRET",
        ]
    );
}
