//! Signatures and Finished that prove nothing.

use rstest::rstest;

use super::bench::{
    Key, Said, Told, answered_pair, config, connected_pair, credential, fingerprint, keyed_pair,
    pair, place, sign, talk, usual_pair,
};
use crate::{
    Misdeed, PeerCheck, Version,
    flight::Message,
    wire::{
        AlertDescription, Certificate12, CertificateVerify, HandshakeType, Message as _,
        ServerKeyExchange, SignatureScheme,
    },
};

fn body<'a, M: crate::wire::Message<'a>>(message: &M) -> Vec<u8> {
    let mut body = Vec::new();
    message.write(&mut base::Writer::new(&mut body));
    body
}

#[test]
fn a_certificate_without_its_key_is_refused() {
    let ([_, mut server], mut flight) = keyed_pair();
    let provider = crypto::rust_crypto();
    let at = place(&flight, HandshakeType::CERTIFICATE_VERIFY);
    // Another key signs what the right one should have signed.
    let thief = credential(provider, Key::P256, 99);
    assert_eq!(server.told_all(&flight[..at]), Told::Taken);
    let signed = server.transcript.messages().to_vec();
    let signature = sign(&thief, &signed);
    let scheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
    *flight[at].body() = body(&CertificateVerify { scheme, signature: &signature });
    let told = server.told(&flight[at]);
    assert_eq!(told, Told::Refused(Misdeed::BadSignature));
    assert_eq!(Misdeed::BadSignature.alert(), AlertDescription::DECRYPT_ERROR);
}

#[test]
fn a_proof_of_another_handshake_is_refused() {
    let (_, of_another) = {
        let provider = crypto::rust_crypto();
        let [mut client, mut server] =
            pair(config(provider, Key::P256, 11), config(provider, Key::P256, 12));
        // The same identities, another random.
        client = super::bench::Bench::new(client.side, client.config, 77);
        assert_eq!(server.told_all(&client.says()), Told::Taken);
        assert_eq!(client.told_all(&server.says()), Told::Taken);
        let flight = client.says();
        ([client, server], flight)
    };
    let ([_, mut server], mut flight) = keyed_pair();
    let at = place(&flight, HandshakeType::CERTIFICATE_VERIFY);
    flight[at] = of_another[at].clone();
    assert_eq!(server.told_all(&flight), Told::Refused(Misdeed::BadSignature));
}

#[rstest]
#[case::sha1(SignatureScheme::ECDSA_SHA1)]
#[case::of_rsa(SignatureScheme::RSA_PSS_RSAE_SHA256)]
#[case::unknown(SignatureScheme::new(0xfefe))]
#[case::nothing(SignatureScheme::new(0))]
fn a_scheme_that_was_not_offered_or_does_not_fit_is_refused(#[case] scheme: SignatureScheme) {
    let ([_, mut server], mut flight) = keyed_pair();
    let at = place(&flight, HandshakeType::CERTIFICATE_VERIFY);
    flight[at].body()[..2].copy_from_slice(&scheme.number().to_be_bytes());
    assert_eq!(server.told_all(&flight), Told::Refused(Misdeed::SchemeNotOffered));

    let ([mut client, _], mut flight) = answered_pair();
    let at = place(&flight, HandshakeType::SERVER_KEY_EXCHANGE);
    let theirs = flight[at].body().clone();
    let exchange = ServerKeyExchange::parse(&theirs).unwrap();
    *flight[at].body() = body(&ServerKeyExchange { scheme, ..exchange });
    assert_eq!(client.told_all(&flight), Told::Refused(Misdeed::SchemeNotOffered));
    assert_eq!(Misdeed::SchemeNotOffered.alert(), AlertDescription::ILLEGAL_PARAMETER);
}

#[test]
fn an_empty_certificate_is_refused_where_one_is_required() {
    let empty = body(&Certificate12::from_list(&[]).unwrap());
    let ([_, mut server], mut flight) = keyed_pair();
    *flight[0].body() = empty.clone();
    let told = server.told_all(&flight);
    assert_eq!(told, Told::Refused(Misdeed::NoCertificate(Version::Dtls12)));
    let alert = Misdeed::NoCertificate(Version::Dtls12).alert();
    assert_eq!(alert, AlertDescription::HANDSHAKE_FAILURE);

    let ([mut client, _], mut flight) = answered_pair();
    *flight[1].body() = empty;
    assert_eq!(client.told_all(&flight), Told::Refused(Misdeed::NoServerCertificate));
}

#[test]
fn a_client_that_skips_certificate_and_proof_is_refused() {
    let ([_, mut server], flight) = keyed_pair();
    let skipped: Vec<Said> = flight
        .into_iter()
        .filter(|said| {
            !matches!(
                said.kind(),
                Some(HandshakeType::CERTIFICATE | HandshakeType::CERTIFICATE_VERIFY)
            )
        })
        .collect();
    assert_eq!(server.told_all(&skipped), Told::Refused(Misdeed::UnexpectedMessage));
}

#[test]
fn a_valid_certificate_of_somebody_else_is_refused() {
    let provider = crypto::rust_crypto();
    let [mut client, mut server] = usual_pair();
    let stranger = config(provider, Key::P256, 55);
    client.config.peer_check = fingerprint(&stranger);
    assert_eq!(talk(&mut client, &mut server).unwrap_err(), Misdeed::FingerprintMismatch);

    let [mut client, mut server] = usual_pair();
    server.config.peer_check = fingerprint(&stranger);
    assert_eq!(talk(&mut client, &mut server).unwrap_err(), Misdeed::FingerprintMismatch);

    let [mut client, mut server] = usual_pair();
    client.config.peer_check = PeerCheck::Fingerprints(Vec::new());
    assert_eq!(talk(&mut client, &mut server).unwrap_err(), Misdeed::FingerprintMismatch);
}

#[test]
fn a_certificate_of_another_kind_than_the_suite_is_refused() {
    let ([mut client, _], mut flight) = answered_pair();
    let rsa = credential(crypto::rust_crypto(), Key::Rsa, 0);
    client.config.peer_check = PeerCheck::NoCertificate;
    let mut list = Vec::new();
    Certificate12::append(&mut list, &rsa.chain()[0]);
    *flight[1].body() = body(&Certificate12::from_list(&list).unwrap());
    assert_eq!(client.told_all(&flight), Told::Refused(Misdeed::UnsupportedCertificate));
}

#[test]
fn every_bit_of_a_finished_counts() {
    for bit in 0..96 {
        let ([_, mut server], mut flight) = keyed_pair();
        let at = place(&flight, HandshakeType::FINISHED);
        flight[at].body()[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(server.told_all(&flight), Told::Refused(Misdeed::BadFinished), "bit {bit}");
        assert!(!server.is_connected() && server.session.exporter.is_none());
    }
}

#[rstest]
#[case::empty(0)]
#[case::short(11)]
#[case::long(13)]
#[case::as_in_version_1_3(32)]
fn a_finished_of_another_length_proves_nothing(#[case] length: usize) {
    let ([_, mut server], mut flight) = keyed_pair();
    let at = place(&flight, HandshakeType::FINISHED);
    flight[at].body().resize(length, 0);
    assert_eq!(server.told_all(&flight), Told::Refused(Misdeed::BadFinished));
}

#[test]
fn the_finished_of_one_side_is_none_of_the_other() {
    let ([mut client, _], flight) = keyed_pair();
    let reflected = flight[place(&flight, HandshakeType::FINISHED)].clone();
    assert_eq!(client.told(&Said::ChangeCipherSpec), Told::Taken);
    assert_eq!(client.told(&reflected), Told::Refused(Misdeed::BadFinished));
}

#[test]
fn a_finished_has_keys_and_nothing_else_has() {
    let ([_, mut server], mut flight) = keyed_pair();
    let at = place(&flight, HandshakeType::FINISHED);
    if let Said::Message(Message { epoch, .. }) = &mut flight[at] {
        *epoch = 0;
    }
    assert_eq!(server.told_all(&flight), Told::Refused(Misdeed::WrongEpoch));

    let ([_, mut server], mut flight) = keyed_pair();
    let at = place(&flight, HandshakeType::CERTIFICATE_VERIFY);
    if let Said::Message(Message { epoch, .. }) = &mut flight[at] {
        *epoch = 1;
    }
    flight.swap(at, at + 1);
    assert_eq!(server.told_all(&flight), Told::Refused(Misdeed::WrongEpoch));
}

#[test]
fn a_finished_before_the_change_of_keys_is_not_opened() {
    let ([_, mut server], mut flight) = keyed_pair();
    flight.retain(|said| said.kind().is_some());
    assert_eq!(server.told_all(&flight), Told::NotOpened);
    assert!(!server.is_connected());
}

#[test]
fn nothing_is_exported_before_both_have_finished() {
    let ([client, server], _) = keyed_pair();
    assert!(client.session.exporter.is_none() && server.session.exporter.is_none());
    for end in connected_pair() {
        assert!(end.session.exporter.is_some());
    }
}
