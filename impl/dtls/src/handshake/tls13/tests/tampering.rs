//! Handshakes of peers that break the rules, and of bytes that were changed on the way.

use crypto::SignatureAlgorithm;
use rstest::rstest;

use super::{
    bench::{Bench, Key, config, credential, fingerprint, pair, talk, usual_pair},
    forgery::{forge_client, forge_server},
};
use crate::{
    Credential, Misdeed, PeerCheck, SrtpProfile, Version,
    flight::Message,
    handshake::{
        Context,
        tls13::{
            authentication::{self, Proof},
            keys::{HANDSHAKE, HandshakeKeys},
        },
    },
    wire::{
        Certificate13, CertificateRequest13, CertificateVerify, ClientHello, EncryptedExtensions,
        ExtensionBlock, ExtensionType, Finished, Message as _, ServerHello, SignatureAlgorithms,
        SignatureScheme, UseSrtp,
    },
};

const SCHEMES: &[SignatureScheme] = &[SignatureScheme::ECDSA_SECP256R1_SHA256];

fn certificate(cx: &mut Context<'_>) {
    let credential = cx.config.credential.clone().unwrap();
    authentication::send_certificate(cx, credential.chain()).unwrap();
}

fn proof(cx: &mut Context<'_>) {
    Proof::choose(cx, SCHEMES).unwrap().send(cx).unwrap();
}

fn finished(cx: &mut Context<'_>, keys: &HandshakeKeys) {
    authentication::send_finished(cx, keys);
}

fn extensions(cx: &mut Context<'_>) {
    let block = ExtensionBlock::new();
    cx.send(HANDSHAKE, &EncryptedExtensions { extensions: block.as_extensions() });
}

/// Sends a certificate and a proof that is not what it should be: `content` signed with the key of
/// `signer`, under the name of `scheme`.
fn false_proof(
    cx: &mut Context<'_>,
    signer: &Credential,
    scheme: SignatureScheme,
    content: impl FnOnce(&Context<'_>) -> Vec<u8>,
) {
    certificate(cx);
    let content = content(cx);
    let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
    let signature = signer.key().sign_with(algorithm, &content, cx.rng).unwrap();
    cx.send(HANDSHAKE, &CertificateVerify { scheme, signature: &signature });
}

fn due(cx: &Context<'_>) -> Vec<u8> {
    authentication::content(cx.side, &cx.transcript.digest())
}

fn own(cx: &Context<'_>) -> Credential {
    cx.config.credential.clone().unwrap()
}

fn proof_of_another_key(cx: &mut Context<'_>) {
    let other = credential(cx.config.provider, Key::P256, 99);
    false_proof(cx, &other, SCHEMES[0], due);
}

/// A proof over what was said before the certificate.
fn proof_of_another_transcript(cx: &mut Context<'_>) {
    let before = due(cx);
    false_proof(cx, &own(cx), SCHEMES[0], |_| before);
}

/// A proof as the other side would make it.
fn proof_of_the_other_side(cx: &mut Context<'_>) {
    let theirs =
        |cx: &Context<'_>| authentication::content(cx.side.peer(), &cx.transcript.digest());
    false_proof(cx, &own(cx), SCHEMES[0], theirs);
}

/// A proof under the name of a scheme that the key does not make.
fn proof_of_another_scheme(cx: &mut Context<'_>, scheme: SignatureScheme) {
    false_proof(cx, &own(cx), scheme, due);
}

#[test]
fn a_forger_that_keeps_the_rules_is_let_in() {
    let server = forge_client(&|cx, keys| {
        proof(cx);
        finished(cx, keys);
    });
    assert!(server.unwrap().is_connected());
    let client = forge_server(&|cx, keys| {
        extensions(cx);
        proof(cx);
        finished(cx, keys);
    });
    assert!(client.unwrap().is_connected());
}

#[rstest]
#[case::nothing_but_finished(&|_: &mut Context<'_>| (), Misdeed::UnexpectedMessage)]
#[case::no_proof(&|cx: &mut Context<'_>| certificate(cx), Misdeed::UnexpectedMessage)]
#[case::proof_of_another_key(&proof_of_another_key, Misdeed::BadSignature)]
#[case::proof_of_another_transcript(&proof_of_another_transcript, Misdeed::BadSignature)]
#[case::proof_of_a_server(&proof_of_the_other_side, Misdeed::BadSignature)]
#[case::proof_with_pkcs1(
    &|cx: &mut Context<'_>| proof_of_another_scheme(cx, SignatureScheme::RSA_PKCS1_SHA256),
    Misdeed::SchemeNotOffered
)]
#[case::proof_with_the_hash_of_another_curve(
    &|cx: &mut Context<'_>| proof_of_another_scheme(cx, SignatureScheme::ECDSA_SECP384R1_SHA384),
    Misdeed::SchemeNotOffered
)]
#[case::proof_with_sha1(
    &|cx: &mut Context<'_>| proof_of_another_scheme(cx, SignatureScheme::ECDSA_SHA1),
    Misdeed::SchemeNotOffered
)]
#[case::no_certificate_where_one_is_demanded(
    &|cx: &mut Context<'_>| authentication::send_certificate(cx, &[]).unwrap(),
    Misdeed::NoCertificate(Version::Dtls13)
)]
#[case::two_certificates(
    &|cx: &mut Context<'_>| {
        certificate(cx);
        proof(cx);
    },
    Misdeed::UnexpectedMessage
)]
fn a_client_gets_in_by_no_other_door(
    #[case] forge: &dyn Fn(&mut Context<'_>),
    #[case] misdeed: Misdeed,
) {
    let server = forge_client(&|cx, keys| {
        forge(cx);
        finished(cx, keys);
    });
    assert_eq!(server.err(), Some(misdeed));
}

#[rstest]
#[case::no_certificate(&|cx: &mut Context<'_>| extensions(cx), Misdeed::UnexpectedMessage)]
#[case::no_extensions(&|cx: &mut Context<'_>| proof(cx), Misdeed::UnexpectedMessage)]
#[case::no_proof(
    &|cx: &mut Context<'_>| {
        extensions(cx);
        certificate(cx);
    },
    Misdeed::UnexpectedMessage
)]
#[case::empty_certificate(
    &|cx: &mut Context<'_>| {
        extensions(cx);
        authentication::send_certificate(cx, &[]).unwrap();
    },
    Misdeed::NoServerCertificate
)]
#[case::proof_of_another_key(
    &|cx: &mut Context<'_>| {
        extensions(cx);
        proof_of_another_key(cx);
    },
    Misdeed::BadSignature
)]
#[case::proof_of_a_client(
    &|cx: &mut Context<'_>| {
        extensions(cx);
        proof_of_the_other_side(cx);
    },
    Misdeed::BadSignature
)]
#[case::request_after_certificate(
    &|cx: &mut Context<'_>| {
        extensions(cx);
        certificate(cx);
        request(cx, &[], true);
    },
    Misdeed::UnexpectedMessage
)]
#[case::two_requests(
    &|cx: &mut Context<'_>| {
        extensions(cx);
        request(cx, &[], true);
        request(cx, &[], true);
    },
    Misdeed::UnexpectedMessage
)]
#[case::request_without_schemes(
    &|cx: &mut Context<'_>| {
        extensions(cx);
        request(cx, &[], false);
    },
    Misdeed::ExtensionMissing
)]
#[case::request_with_a_context(
    &|cx: &mut Context<'_>| {
        extensions(cx);
        request(cx, &[7], true);
    },
    Misdeed::BadCertificateContext
)]
fn a_server_gets_by_with_no_other_flight(
    #[case] forge: &dyn Fn(&mut Context<'_>),
    #[case] misdeed: Misdeed,
) {
    let client = forge_server(&|cx, keys| {
        forge(cx);
        finished(cx, keys);
    });
    assert_eq!(client.err(), Some(misdeed));
}

#[rstest]
#[case::key_share(ExtensionType::KEY_SHARE, Some(Misdeed::ExtensionForbidden))]
#[case::known_keys(ExtensionType::PRE_SHARED_KEY, Some(Misdeed::ExtensionForbidden))]
#[case::authorities(ExtensionType::CERTIFICATE_AUTHORITIES, None)]
#[case::unknown(ExtensionType::new(0xfafa), None)]
fn a_request_holds_no_extension_that_belongs_elsewhere(
    #[case] kind: ExtensionType,
    #[case] misdeed: Option<Misdeed>,
) {
    let client = forge_server(&|cx, keys| {
        extensions(cx);
        let mut block = ExtensionBlock::new();
        block.put(&SignatureAlgorithms { schemes: SCHEMES.into() }).put_raw(kind, &[]);
        let extensions = block.as_extensions();
        cx.send(HANDSHAKE, &CertificateRequest13 { context: &[], extensions });
        proof(cx);
        finished(cx, keys);
    });
    assert_eq!(client.err(), misdeed);
}

fn request(cx: &mut Context<'_>, context: &[u8], with_schemes: bool) {
    let mut block = ExtensionBlock::new();
    if with_schemes {
        block.put(&SignatureAlgorithms { schemes: SCHEMES.into() });
    }
    let extensions = block.as_extensions();
    cx.send(HANDSHAKE, &CertificateRequest13 { context, extensions });
}

#[test]
fn a_finished_of_another_handshake_ends_it() {
    let wrong = |cx: &mut Context<'_>, length: usize| {
        cx.send(HANDSHAKE, &Finished { verify_data: vec![7; length].as_slice() });
    };
    for length in [0, 12, 31, 32, 33, 48] {
        let server = forge_client(&|cx, _| {
            proof(cx);
            wrong(cx, length);
        });
        assert_eq!(server.err(), Some(Misdeed::BadFinished), "{length} bytes");
        let client = forge_server(&|cx, _| {
            extensions(cx);
            proof(cx);
            wrong(cx, length);
        });
        assert_eq!(client.err(), Some(Misdeed::BadFinished), "{length} bytes");
    }
}

#[rstest]
#[case::unknown(ExtensionType::new(0xfafa), Misdeed::ExtensionNotOffered)]
#[case::key_share(ExtensionType::KEY_SHARE, Misdeed::ExtensionForbidden)]
#[case::versions(ExtensionType::SUPPORTED_VERSIONS, Misdeed::ExtensionForbidden)]
#[case::connection_id(ExtensionType::CONNECTION_ID, Misdeed::ExtensionNotOffered)]
#[case::alpn(ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION, Misdeed::ExtensionNotOffered)]
#[case::limit(ExtensionType::RECORD_SIZE_LIMIT, Misdeed::ExtensionNotOffered)]
fn encrypted_extensions_answer_offers_and_nothing_else(
    #[case] kind: ExtensionType,
    #[case] misdeed: Misdeed,
) {
    let client = forge_server(&|cx, _| {
        let mut block = ExtensionBlock::new();
        block.put_raw(kind, &[]);
        cx.send(HANDSHAKE, &EncryptedExtensions { extensions: block.as_extensions() });
    });
    assert_eq!(client.err(), Some(misdeed));
}

#[test]
fn a_profile_of_srtp_that_was_not_offered_is_refused() {
    let client = forge_server(&|cx, _| {
        let mut block = ExtensionBlock::new();
        let two = [SrtpProfile::AeadAes128Gcm.into(), SrtpProfile::AeadAes256Gcm.into()];
        block.put(&UseSrtp { profiles: two.as_slice().into(), mki: &[] });
        cx.send(HANDSHAKE, &EncryptedExtensions { extensions: block.as_extensions() });
    });
    assert_eq!(client.err(), Some(Misdeed::BadSrtpAnswer));
}

#[test]
fn extensions_of_certificates_answer_nothing_that_was_offered() {
    let with_extension = |cx: &mut Context<'_>| {
        let der = cx.config.credential.clone().unwrap().chain().first().unwrap().clone();
        let mut list = Vec::new();
        Certificate13::append(&mut list, &der);
        list.truncate(list.len() - 2);
        list.extend([0, 4, 0, 5, 0, 0]);
        cx.send(HANDSHAKE, &Certificate13::from_list(&[], &list).unwrap());
    };
    let server = forge_client(&|cx, _| with_extension(cx));
    assert_eq!(server.err(), Some(Misdeed::ExtensionNotOffered));
    let client = forge_server(&|cx, _| {
        extensions(cx);
        with_extension(cx);
    });
    assert_eq!(client.err(), Some(Misdeed::ExtensionNotOffered));
}

#[test]
fn a_server_echoes_no_session_identifier() {
    let (mut client, mut server) = usual_pair();
    let mut hello = client.says();
    // The length of the session identifier, after version and random.
    let body = &mut hello[0].body;
    body[34] = 4;
    body.splice(35..35, [1, 2, 3, 4]);
    server.told_all(&hello).unwrap();
    let flight = server.says();
    assert!(ServerHello::parse(&flight[0].body).unwrap().session_id.is_empty());
}

#[test]
fn a_client_takes_no_echoed_session_identifier() {
    let (mut client, mut server) = usual_pair();
    server.told_all(&client.says()).unwrap();
    let mut flight = server.says();
    let body = &mut flight[0].body;
    body[34] = 4;
    body.splice(35..35, [1, 2, 3, 4]);
    assert_eq!(client.told_all(&flight), Err(Misdeed::BadSessionId));
}

#[test]
fn a_cookie_of_version_1_2_is_refused_in_version_1_3() {
    let (mut client, mut server) = usual_pair();
    let mut hello = client.says();
    let body = &mut hello[0].body;
    body[35] = 2;
    body.splice(36..36, [1, 2]);
    assert_eq!(server.told_all(&hello), Err(Misdeed::BadCookie));
}

/// Has a server ask for another share, and the second ClientHello be changed on the way.
fn second_hello(change: impl FnOnce(&mut Vec<u8>)) -> Result<Bench, Misdeed> {
    let provider = crypto::rust_crypto();
    let mut of_server = config(provider, Key::P256, 82);
    of_server.groups = vec![crypto::NamedGroup::Secp256r1];
    let (mut client, mut server) = pair(config(provider, Key::P256, 81), of_server);
    server.told_all(&client.says()).unwrap();
    client.told_all(&server.says()).unwrap();
    let mut second = client.says();
    change(&mut second[0].body);
    server.told_all(&second)?;
    Ok(server)
}

#[test]
fn the_second_client_hello_differs_from_the_first_in_nothing_but_the_share() {
    assert!(second_hello(|_| ()).is_ok());
    let random = second_hello(|body| body[2] ^= 1);
    assert_eq!(random.err(), Some(Misdeed::SecondHelloChanged));
    let suites = second_hello(|body| {
        let suites = ClientHello::parse(body).unwrap().suites.len();
        // One suite less, the last.
        let length = 2 * u8::try_from(suites).unwrap();
        body[37] = length - 2;
        let end = 38 + usize::from(length);
        body.drain(end - 2..end);
    });
    assert_eq!(suites.err(), Some(Misdeed::SecondHelloChanged));
    let cookie = second_hello(|body| {
        put_extension(body, &[0, 44, 0, 3, 0, 1, 9]);
    });
    assert_eq!(cookie.err(), Some(Misdeed::BadCookie));
    let early_data = second_hello(|body| put_extension(body, &[0, 42, 0, 0]));
    assert_eq!(early_data.err(), Some(Misdeed::SecondHelloChanged));
    let unknown = second_hello(|body| put_extension(body, &[0xfa, 0xfa, 0, 0]));
    assert_eq!(unknown.err(), Some(Misdeed::SecondHelloChanged));
}

/// Appends an extension to a ClientHello without session identifier and cookie.
fn put_extension(body: &mut Vec<u8>, extension: &[u8]) {
    let suites = usize::from(body[37]);
    let at = 38 + suites + 2;
    let length = u16::from_be_bytes([body[at], body[at + 1]]);
    let longer = length + u16::try_from(extension.len()).unwrap();
    body.splice(at..at + 2, longer.to_be_bytes());
    body.extend(extension);
}

/// Has a client take a HelloRetryRequest that was changed on the way.
fn retry(change: impl FnOnce(&mut Vec<Message>)) -> Result<Bench, Misdeed> {
    let provider = crypto::rust_crypto();
    let mut of_server = config(provider, Key::P256, 92);
    of_server.groups = vec![crypto::NamedGroup::Secp256r1];
    let (mut client, mut server) = pair(config(provider, Key::P256, 91), of_server);
    server.told_all(&client.says()).unwrap();
    let mut answer = server.says();
    change(&mut answer);
    client.told_all(&answer)?;
    Ok(client)
}

/// Where the group of a HelloRetryRequest of ours stands: its last two bytes.
fn set_group(answer: &mut [Message], group: [u8; 2]) {
    let body = &mut answer[0].body;
    let at = body.len() - 2;
    body[at..].copy_from_slice(&group);
}

#[test]
fn a_retry_has_to_ask_for_something_that_was_offered_and_not_sent() {
    assert!(retry(|_| ()).is_ok());
    let sent = retry(|answer| set_group(answer, [0, 0x1d]));
    assert_eq!(sent.err(), Some(Misdeed::UselessRetry));
    let unknown = retry(|answer| set_group(answer, [0, 0x19]));
    assert_eq!(unknown.err(), Some(Misdeed::GroupNotOffered));
    let twice = retry(|answer| answer.push(answer[0].clone()));
    assert_eq!(twice.err(), Some(Misdeed::SecondRetry));
    let nothing = retry(|answer| {
        let body = &mut answer[0].body;
        body.truncate(body.len() - 6);
        // The length of the extensions: supported_versions alone.
        let at = body.len() - 8;
        body[at..at + 2].copy_from_slice(&[0, 6]);
    });
    assert_eq!(nothing.err(), Some(Misdeed::UselessRetry));
}

#[test]
fn the_answer_after_a_retry_keeps_to_it() {
    let provider = crypto::rust_crypto();
    let mut of_server = config(provider, Key::P256, 95);
    of_server.groups = vec![crypto::NamedGroup::Secp256r1];
    let (mut client, mut server) = pair(config(provider, Key::P256, 94), of_server);
    server.told_all(&client.says()).unwrap();
    client.told_all(&server.says()).unwrap();
    server.told_all(&client.says()).unwrap();
    let mut flight = server.says();
    // The suite stands behind version, random and the empty session identifier.
    flight[0].body[36] = 0x02;
    assert_eq!(client.told_all(&flight), Err(Misdeed::SuiteChanged));
}

#[rstest]
#[case::suite_of_version_1_2([0xc0, 0x2b])]
#[case::unknown_suite([0x13, 0x05])]
fn a_suite_that_was_not_offered_is_refused(#[case] suite: [u8; 2]) {
    let (mut client, mut server) = usual_pair();
    server.told_all(&client.says()).unwrap();
    let mut flight = server.says();
    flight[0].body[35..37].copy_from_slice(&suite);
    assert_eq!(client.told_all(&flight), Err(Misdeed::SuiteNotOffered));
}

#[test]
fn a_certificate_of_another_fingerprint_is_refused_on_either_side() {
    let provider = crypto::rust_crypto();
    let stranger = config(provider, Key::P256, 77);
    for side in 0..2 {
        let (mut of_client, mut of_server) =
            (config(provider, Key::P256, 75), config(provider, Key::P256, 76));
        let distrusting = if side == 0 { &mut of_client } else { &mut of_server };
        distrusting.peer_check = fingerprint(&stranger);
        let (mut client, mut server) = pair(of_client, of_server);
        assert_eq!(talk(&mut client, &mut server).err(), Some(Misdeed::FingerprintMismatch));
    }
}

#[test]
fn a_client_without_a_certificate_is_refused_where_a_fingerprint_is_awaited() {
    let provider = crypto::rust_crypto();
    let mut of_client = config(provider, Key::P256, 78);
    of_client.credential = None;
    let mut of_server = config(provider, Key::P256, 79);
    of_server.peer_check = PeerCheck::Fingerprints(Vec::new());
    of_server.requires_client_certificate = false;
    of_client.peer_check = fingerprint(&of_server);
    let (mut client, mut server) = pair(of_client, of_server);
    let refused = talk(&mut client, &mut server).err();
    assert_eq!(refused, Some(Misdeed::NoCertificate(Version::Dtls13)));
}
