//! Fields spoiled one by one, and the name that each has.

use rstest::rstest;

use super::bench::{
    Bench, Key, Said, Told, answered_pair, config, keyed_pair, pair, place, sign, usual_pair,
};
use crate::{
    Misdeed, SrtpProfile,
    handshake::tls12::keys,
    wire::{
        AlertDescription, CertificateRequest12, ClientKeyExchange, EcPointFormats, ExtensionBlock,
        ExtensionType, HandshakeType, Message, NamedGroupId, ProtocolNames, ProtocolVersion,
        RecordSizeLimit, RenegotiationInfo, ServerHello, ServerKeyExchange, SignatureScheme,
        SrtpProfileId, SuiteId, UseSrtp,
    },
};

fn body<'a, M: Message<'a>>(message: &M) -> Vec<u8> {
    let mut body = Vec::new();
    message.write(&mut base::Writer::new(&mut body));
    body
}

/// Tells a client a ServerHello in which one extension is another or one more.
fn told_extension(kind: ExtensionType, value: Option<&[u8]>) -> Told {
    let provider = crypto::rust_crypto();
    let [mut client, mut server] = {
        let mut of_client = config(provider, Key::P256, 11);
        of_client.alpn = vec![b"webrtc".to_vec(), b"c-webrtc".to_vec()];
        of_client.record_size_limit = Some(2_000);
        of_client.srtp_profiles =
            vec![SrtpProfile::AeadAes128Gcm, SrtpProfile::Aes128CmHmacSha1_80];
        pair(of_client, config(provider, Key::P256, 12))
    };
    assert_eq!(server.told_all(&client.says()), Told::Taken);
    let mut flight = server.says();
    let bytes = flight[0].body().clone();
    let hello = ServerHello::parse(&bytes).unwrap();
    let mut block = ExtensionBlock::new();
    for (other, value) in hello.extensions.iter().filter(|(other, _)| *other != kind) {
        block.put_raw(other, value);
    }
    if let Some(value) = value {
        block.put_raw(kind, value);
    }
    *flight[0].body() = body(&ServerHello { extensions: block.as_extensions(), ..hello });
    client.told(&flight[0])
}

fn value<'a, E: crate::wire::Extension<'a>>(extension: &E) -> Vec<u8> {
    let mut bytes = Vec::new();
    extension.write(&mut base::Writer::new(&mut bytes));
    bytes
}

fn srtp(profiles: &[SrtpProfileId], mki: &[u8]) -> Vec<u8> {
    value(&UseSrtp { profiles: profiles.into(), mki })
}

fn names(names: &[&[u8]]) -> Vec<u8> {
    let mut list = Vec::new();
    names.iter().for_each(|name| ProtocolNames::append(&mut list, name));
    value(&ProtocolNames::from_list(&list).unwrap())
}

#[rstest]
#[case::nobody_knows_it(ExtensionType::new(0xfafa), vec![], Misdeed::ExtensionNotOffered)]
#[case::of_version_1_3(ExtensionType::COOKIE, vec![0, 1, 7], Misdeed::ExtensionNotOffered)]
#[case::a_ticket(ExtensionType::SESSION_TICKET, vec![], Misdeed::ExtensionNotOffered)]
#[case::an_id(ExtensionType::CONNECTION_ID, vec![0], Misdeed::ExtensionNotOffered)]
#[case::only_clients_say_it(
    ExtensionType::SIGNATURE_ALGORITHMS,
    vec![0, 2, 4, 3],
    Misdeed::ExtensionForbidden
)]
#[case::two_profiles(
    ExtensionType::USE_SRTP,
    srtp(&[SrtpProfileId::AEAD_AES_128_GCM, SrtpProfileId::AES128_CM_HMAC_SHA1_80], &[]),
    Misdeed::BadSrtpAnswer
)]
#[case::a_profile_not_offered(
    ExtensionType::USE_SRTP,
    srtp(&[SrtpProfileId::AEAD_AES_256_GCM], &[]),
    Misdeed::BadSrtpAnswer
)]
#[case::a_profile_without_encryption(
    ExtensionType::USE_SRTP,
    srtp(&[SrtpProfileId::NULL_HMAC_SHA1_80], &[]),
    Misdeed::BadSrtpAnswer
)]
#[case::a_key_identifier(
    ExtensionType::USE_SRTP,
    srtp(&[SrtpProfileId::AEAD_AES_128_GCM], &[1]),
    Misdeed::BadSrtpAnswer
)]
#[case::two_protocols(
    ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
    names(&[b"webrtc", b"c-webrtc"]),
    Misdeed::BadProtocolAnswer
)]
#[case::a_protocol_not_offered(
    ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
    names(&[b"h3"]),
    Misdeed::BadProtocolAnswer
)]
#[case::a_renegotiation(
    ExtensionType::RENEGOTIATION_INFO,
    value(&RenegotiationInfo { renegotiated: &[7] }),
    Misdeed::BadRenegotiationInfo
)]
#[case::compressed_points_alone(
    ExtensionType::EC_POINT_FORMATS,
    value(&EcPointFormats { formats: &[1] }),
    Misdeed::BadPointFormats
)]
#[case::records_too_small(
    ExtensionType::RECORD_SIZE_LIMIT,
    value(&RecordSizeLimit { limit: 63 }),
    Misdeed::BadRecordSizeLimit
)]
fn an_answer_that_cannot_be_is_refused(
    #[case] kind: ExtensionType,
    #[case] value: Vec<u8>,
    #[case] misdeed: Misdeed,
) {
    assert_eq!(told_extension(kind, Some(&value)), Told::Refused(misdeed));
}

#[rstest]
#[case(ExtensionType::EXTENDED_MASTER_SECRET, &[0])]
#[case(ExtensionType::RENEGOTIATION_INFO, &[])]
#[case(ExtensionType::USE_SRTP, &[0, 2, 0, 7])]
#[case(ExtensionType::EC_POINT_FORMATS, &[0])]
fn an_answer_of_the_wrong_form_cannot_be_read(#[case] kind: ExtensionType, #[case] value: &[u8]) {
    let told = told_extension(kind, Some(value));
    assert!(matches!(told, Told::Refused(Misdeed::Malformed(_))), "{told:?}");
}

#[test]
fn a_server_without_the_extended_master_secret_is_refused() {
    let told = told_extension(ExtensionType::EXTENDED_MASTER_SECRET, None);
    assert_eq!(told, Told::Refused(Misdeed::NoExtendedMasterSecret));
    // Whatever else is not answered is simply not used.
    for kind in [ExtensionType::USE_SRTP, ExtensionType::RENEGOTIATION_INFO] {
        assert_eq!(told_extension(kind, None), Told::Taken);
    }
}

/// Tells a client a ServerHello that `spoil` has been at.
fn told_hello(spoil: impl FnOnce(&mut ServerHello<'_>)) -> Told {
    let ([mut client, _], mut flight) = answered_pair();
    let bytes = flight[0].body().clone();
    let mut hello = ServerHello::parse(&bytes).unwrap();
    spoil(&mut hello);
    *flight[0].body() = body(&hello);
    client.told(&flight[0])
}

#[rstest]
#[case::with_cbc(SuiteId::new(0xc009))]
#[case::of_version_1_3(SuiteId::AES_128_GCM_SHA256)]
#[case::a_signal(SuiteId::EMPTY_RENEGOTIATION_INFO_SCSV)]
#[case::without_encryption(SuiteId::new(0))]
fn a_suite_that_was_not_offered_is_refused(#[case] suite: SuiteId) {
    let told = told_hello(|hello| hello.suite = suite);
    assert_eq!(told, Told::Refused(Misdeed::SuiteNotOffered));
}

#[test]
fn fields_that_leave_no_choice_are_checked() {
    let told = told_hello(|hello| hello.compression = 1);
    assert_eq!(told, Told::Refused(Misdeed::Compression));
    let told = told_hello(|hello| hello.legacy_version = ProtocolVersion::DTLS_1_0);
    assert_eq!(told, Told::Refused(Misdeed::UnsupportedVersion));
    let told = told_hello(|hello| hello.session_id = &[7; 32]);
    assert_eq!(told, Told::Taken, "a server may name a session, which is forgotten");
}

/// A server's key share, rightly signed.
fn signed_exchange(server: &mut Bench, group: NamedGroupId, share: &[u8]) -> Vec<u8> {
    let signed = keys::signed_params(&server.context(), group, share);
    let signature = sign(server.config.credential.as_ref().unwrap(), &signed);
    let scheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
    body(&ServerKeyExchange { group, share, scheme, signature: &signature })
}

#[rstest]
#[case::not_offered(NamedGroupId::SECP521R1, vec![4; 133], Misdeed::GroupNotOffered)]
#[case::of_version_1_3(NamedGroupId::X25519_MLKEM768, vec![4; 200], Misdeed::GroupNotOffered)]
#[case::of_order_one(NamedGroupId::X25519, vec![0; 32], Misdeed::BadKeyShare)]
#[case::too_short(NamedGroupId::X25519, vec![9; 31], Misdeed::BadKeyShare)]
#[case::too_long(NamedGroupId::X25519, vec![9; 33], Misdeed::BadKeyShare)]
#[case::off_the_curve(NamedGroupId::SECP256R1, vec![4; 65], Misdeed::BadKeyShare)]
#[case::compressed(NamedGroupId::SECP256R1, vec![2; 33], Misdeed::BadKeyShare)]
#[case::at_infinity(NamedGroupId::SECP384R1, vec![0; 1], Misdeed::BadKeyShare)]
fn a_share_that_leads_nowhere_is_refused(
    #[case] group: NamedGroupId,
    #[case] share: Vec<u8>,
    #[case] misdeed: Misdeed,
) {
    let ([mut client, mut server], mut flight) = answered_pair();
    let at = place(&flight, HandshakeType::SERVER_KEY_EXCHANGE);
    *flight[at].body() = signed_exchange(&mut server, group, &share);
    assert_eq!(client.told_all(&flight), Told::Refused(misdeed));
    assert_eq!(misdeed.alert(), AlertDescription::ILLEGAL_PARAMETER);
}

#[test]
fn a_share_that_nobody_signed_is_refused() {
    let ([mut client, _], mut flight) = answered_pair();
    let at = place(&flight, HandshakeType::SERVER_KEY_EXCHANGE);
    flight[at].body()[10] ^= 1;
    assert_eq!(client.told_all(&flight), Told::Refused(Misdeed::BadSignature));
}

#[rstest]
#[case::of_order_one(vec![0; 32])]
#[case::too_short(vec![9; 31])]
#[case::too_long(vec![9; 33])]
fn a_client_s_share_that_leads_nowhere_is_refused(#[case] share: Vec<u8>) {
    let ([_, mut server], mut flight) = keyed_pair();
    let at = place(&flight, HandshakeType::CLIENT_KEY_EXCHANGE);
    *flight[at].body() = body(&ClientKeyExchange { share: &share });
    assert_eq!(server.told_all(&flight), Told::Refused(Misdeed::BadKeyShare));
}

#[rstest]
#[case::of_rsa_alone(&[1], SignatureScheme::ECDSA_SECP256R1_SHA256)]
#[case::signed_by_rsa_alone(&[64], SignatureScheme::RSA_PKCS1_SHA256)]
#[case::of_kinds_nobody_knows(&[2, 3, 4], SignatureScheme::ECDSA_SECP256R1_SHA256)]
fn a_client_whose_certificate_will_not_do_sends_none(
    #[case] types: &[u8],
    #[case] scheme: SignatureScheme,
) {
    let ([mut client, _], mut flight) = answered_pair();
    let at = place(&flight, HandshakeType::CERTIFICATE_REQUEST);
    let schemes = [scheme];
    *flight[at].body() = body(&CertificateRequest12::new(types, schemes[..].into()));
    assert_eq!(client.told_all(&flight), Told::Taken);
    let answer = client.says();
    let kinds: Vec<_> = answer.iter().filter_map(Said::kind).collect();
    assert_eq!(
        kinds,
        [HandshakeType::CERTIFICATE, HandshakeType::CLIENT_KEY_EXCHANGE, HandshakeType::FINISHED]
    );
    assert_eq!(answer[0].clone().body(), &[0, 0, 0]);
}

/// The client's and the server's flight, each with what was told before.
fn flights() -> [(Bench, Vec<Said>); 2] {
    let ([client, _], to_client) = answered_pair();
    let ([_, server], to_server) = keyed_pair();
    [(client, to_client), (server, to_server)]
}

#[test]
fn a_byte_too_many_is_refused_in_every_message() {
    for nth in 0..5 {
        for (mut end, mut flight) in flights() {
            if flight[nth].kind().is_none() {
                continue;
            }
            flight[nth].body().push(0);
            let told = end.told_all(&flight);
            // A Finished has no form: it is right or wrong.
            let is_finished = flight[nth].kind() == Some(HandshakeType::FINISHED);
            let wanted = if is_finished {
                told == Told::Refused(Misdeed::BadFinished)
            } else {
                matches!(told, Told::Refused(Misdeed::Malformed(_)))
            };
            assert!(wanted, "{nth}: {told:?}");
        }
    }
}

#[test]
fn a_message_cut_anywhere_is_refused() {
    for nth in 0..5 {
        let [to_client, to_server] = flights().map(|(_, mut flight)| match flight[nth].kind() {
            Some(_) => flight[nth].body().len(),
            None => 0,
        });
        for length in 0..to_client.max(to_server) {
            for (mut end, mut flight) in flights() {
                if flight[nth].kind().is_none() || length >= flight[nth].body().len() {
                    continue;
                }
                flight[nth].body().truncate(length);
                let told = end.told_all(&flight);
                assert!(matches!(told, Told::Refused(_)), "{nth} at {length}: {told:?}");
                assert!(!end.is_connected());
            }
        }
    }
}

#[test]
fn no_byte_of_a_handshake_can_be_changed_unnoticed() {
    /// One byte of each message is spoiled in every run, each time another.
    const STEP: usize = 11;
    for nth in 0..5 {
        for start in 0..STEP {
            spoil(nth, start, STEP);
        }
    }
}

/// Flips a bit in byte `start` of the message `nth` of both flights, in byte `start + step`, and so on,
/// a handshake each.
fn spoil(nth: usize, start: usize, step: usize) {
    let longest = flights().into_iter().filter(|(_, flight)| flight[nth].kind().is_some());
    let longest = longest.map(|(_, mut flight)| flight[nth].body().len()).max().unwrap_or(0);
    for at in (start..longest).step_by(step * 8) {
        let ([mut client, mut server], mut flight) = answered_pair();
        if let Some(byte) = flight[nth].body().get_mut(at) {
            *byte ^= 0x10;
            // What a client takes all the same, such as a session id, its server did not say.
            if client.told_all(&flight) == Told::Taken {
                assert_ne!(server.told_all(&client.says()), Told::Taken, "{nth} at {at}");
            }
        }
        let ([_, mut server], mut flight) = keyed_pair();
        if flight[nth].kind().is_some()
            && let Some(byte) = flight[nth].body().get_mut(at)
        {
            *byte ^= 0x10;
            assert_ne!(server.told_all(&flight), Told::Taken, "{nth} at {at}");
        }
    }
}

#[test]
fn a_client_hello_changed_on_the_way_is_noticed() {
    let [mut client, _] = usual_pair();
    let hello = client.says();
    let length = hello[0].clone().body().len();
    for at in (0..length).step_by(3) {
        let [mut client, mut server] = usual_pair();
        let mut hello = client.says();
        hello[0].body()[at] ^= 0x02;
        if server.told_all(&hello) != Told::Taken {
            continue;
        }
        let told = client.told_all(&server.says());
        if told == Told::Taken {
            assert_ne!(server.told_all(&client.says()), Told::Taken, "byte {at}");
        }
    }
}
