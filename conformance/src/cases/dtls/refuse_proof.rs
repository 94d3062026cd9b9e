//! Proofs of 1.3 that do not prove: signatures, Finished, certificates that are missing.

use super::script::*;

case! {
    id: "dtls.13.proof.refused",
    title: "A wrong CertificateVerify or Finished of 1.3, or none, ends the handshake",
    reqs: [
        req::TLS13_VERIFY_WRONG,
        req::TLS13_VERIFY_ALGORITHM_REFUSED,
        req::TLS13_VERIFY_MISSING,
        req::TLS13_FINISHED_CHECKED,
        req::TLS13_DECODE_ERROR,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        what: [
            "signature", "algorithm", "other-context", "no-verify", "finished", "finished-short",
        ],
    },
    run: refused,
}

fn refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    let signs = s.peer.identity.sign(b"something else altogether");
    s.peer.edit_all(move |message| spoil(message, what, &signs));
    t.stimulus(format_args!("a proof that is spoiled: {what}"));
    s.begin(t);
    let (requirement, alerts): (Req, &[u8]) = match what {
        "algorithm" => (req::TLS13_VERIFY_ALGORITHM_REFUSED, &[alert::ILLEGAL_PARAMETER]),
        "no-verify" => (req::TLS13_VERIFY_MISSING, &[alert::UNEXPECTED_MESSAGE]),
        "finished" => (req::TLS13_FINISHED_CHECKED, &[alert::DECRYPT_ERROR]),
        "finished-short" => (req::TLS13_DECODE_ERROR, &[alert::DECODE_ERROR, alert::DECRYPT_ERROR]),
        _ => (req::TLS13_VERIFY_WRONG, &[alert::DECRYPT_ERROR]),
    };
    s.refuses(t, requirement, alerts)
}

fn spoil(mut message: Message, what: &str, other: &[u8]) -> Vec<Message> {
    let bytes = &mut message.body;
    match (message.kind, what) {
        (handshake::CERTIFICATE_VERIFY, "no-verify") => return Vec::new(),
        (handshake::CERTIFICATE_VERIFY, "signature") => {
            // A bit in the middle of the first number: the form of the signature stays.
            if let Some(byte) = bytes.get_mut(20) {
                *byte ^= 1;
            }
        }
        (handshake::CERTIFICATE_VERIFY, "other-context") => {
            *bytes = body::certificate_verify(code::scheme::ECDSA_P256_SHA256, other);
        }
        (handshake::CERTIFICATE_VERIFY, "algorithm") => {
            if let Some((_, signature)) = body::read_certificate_verify(bytes) {
                *bytes = body::certificate_verify(code::scheme::ECDSA_SHA1, &signature);
            }
        }
        (handshake::FINISHED, "finished") => {
            if let Some(byte) = bytes.last_mut() {
                *byte ^= 0x80;
            }
        }
        (handshake::FINISHED, "finished-short") => bytes.truncate(12),
        _ => {}
    }
    vec![message]
}

case! {
    id: "dtls.13.proof.client-certificate",
    title: "A server of 1.3 that asked for a certificate ends the handshake if none comes",
    reqs: [
        req::TLS13_EMPTY_CLIENT_CERTIFICATE,
        req::FP_SERVER_TERMINATES,
        req::FP_SERVER_REQUESTS,
    ],
    kind: SubjectKind::Dtls,
    run: no_client_certificate,
}

fn no_client_certificate(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = DtlsStage::with(t, DtlsRole::Server, Version::Dtls13, |setup| {
        setup.profile.presents_certificate = false;
    })?;
    t.stimulus("a client without a certificate");
    s.begin(t);
    s.serve(t, SECOND);
    let asked = s.peer.log.last(handshake::CERTIFICATE_REQUEST).is_some();
    t.must(req::FP_SERVER_REQUESTS, asked, "CertificateRequest", "none")?;
    let (connected, fatal) = (s.is_connected(t), s.peer.log.fatal());
    let got = format!("connected: {connected}, alert {fatal:?}");
    let over = !connected && fatal.is_some();
    t.must(req::FP_SERVER_TERMINATES, over, "an end", &got)?;
    let named = fatal == Some(alert::CERTIFICATE_REQUIRED);
    t.may(req::TLS13_EMPTY_CLIENT_CERTIFICATE, named, "certificate_required", got)
}

case! {
    id: "dtls.13.proof.flight-form",
    title: "The messages of an endpoint of 1.3 come in their order, with empty contexts and right schemes",
    reqs: [
        req::DTLS13_FLIGHT_OF_SERVER,
        req::DTLS13_FLIGHT_OF_CLIENT,
        req::DTLS13_NO_CHANGE_CIPHER_SPEC,
        req::DTLS13_SERVER_LEGACY_VERSION,
        req::DTLS13_NO_HELLO_VERIFY_REQUEST,
        req::TLS13_CERTIFICATE_CONTEXT_EMPTY,
        req::TLS13_REQUEST_CONTEXT_EMPTY,
        req::TLS13_REQUEST_SIGNATURES,
        req::TLS13_SERVER_HELLO_EXTENSIONS,
        req::TLS13_NO_UNSOLICITED_EXTENSION,
        req::TLS13_SERVER_RANDOM,
        req::TLS13_VERIFY_FITS_KEY,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"] },
    run: flight_form,
}

fn flight_form(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    t.stimulus("a peer that keeps to the rules");
    s.connect(t)?;
    let log = &s.peer.log;
    let kinds: Vec<u8> = log.messages.iter().map(|message| message.kind).collect();
    let got = format!("{kinds:?}");
    let silent = log.records.iter().all(|record| record.content != content::CHANGE_CIPHER_SPEC);
    t.must(req::DTLS13_NO_CHANGE_CIPHER_SPEC, silent, "no ChangeCipherSpec", "one")?;
    let context = log
        .last(handshake::CERTIFICATE)
        .and_then(|message| body::read_certificate13(&message.body))
        .map(|(context, _)| context);
    let empty = context == Some(Vec::new());
    t.must(req::TLS13_CERTIFICATE_CONTEXT_EMPTY, empty, "no context", format!("{context:?}"))?;
    let fits = s.peer.negotiated.is_proved;
    t.must(req::TLS13_VERIFY_FITS_KEY, fits, "ecdsa_secp256r1_sha256", "another")?;
    if role(v) == DtlsRole::Client {
        let wanted = [
            handshake::CLIENT_HELLO,
            handshake::CERTIFICATE,
            handshake::CERTIFICATE_VERIFY,
            handshake::FINISHED,
        ];
        return t.must(req::DTLS13_FLIGHT_OF_CLIENT, kinds == wanted, format!("{wanted:?}"), got);
    }
    let wanted = [
        handshake::SERVER_HELLO,
        handshake::ENCRYPTED_EXTENSIONS,
        handshake::CERTIFICATE_REQUEST,
        handshake::CERTIFICATE,
        handshake::CERTIFICATE_VERIFY,
        handshake::FINISHED,
    ];
    let without = !kinds.contains(&handshake::HELLO_VERIFY_REQUEST);
    t.must(req::DTLS13_NO_HELLO_VERIFY_REQUEST, without, "no HelloVerifyRequest", &got)?;
    t.must(req::DTLS13_FLIGHT_OF_SERVER, kinds.starts_with(&wanted), format!("{wanted:?}"), got)?;
    server_form(t, &s.peer)
}

fn server_form(t: &mut Ctl<'_>, peer: &Peer) -> Outcome {
    let hello = t.expect(peer.log.server_hellos().into_iter().next(), "a ServerHello")?;
    let version = hello.version;
    t.must(
        req::DTLS13_SERVER_LEGACY_VERSION,
        version == 0xfefd,
        "0xfefd",
        format!("{version:#06x}"),
    )?;
    let allowed = [ext::SUPPORTED_VERSIONS, ext::KEY_SHARE];
    let kinds = hello.extensions.kinds();
    let only = kinds.iter().all(|kind| allowed.contains(kind));
    t.must(req::TLS13_SERVER_HELLO_EXTENSIONS, only, "version and keys", format!("{kinds:?}"))?;
    let random = hello.random != [0; 32] && !hello.random.ends_with(b"DOWNGRD\x01");
    t.must(req::TLS13_SERVER_RANDOM, random, "a random", format!("{:x?}", hello.random))?;
    let request = peer.log.last(handshake::CERTIFICATE_REQUEST);
    let request = request.and_then(|message| body::read_certificate_request13(&message.body));
    let (context, extensions) = t.expect(request, "a CertificateRequest")?;
    t.must(req::TLS13_REQUEST_CONTEXT_EMPTY, context.is_empty(), "no context", "one")?;
    let has = extensions.has(ext::SIGNATURE_ALGORITHMS);
    t.must(req::TLS13_REQUEST_SIGNATURES, has, "signature_algorithms", "none")?;
    let answers =
        peer.log.last(handshake::ENCRYPTED_EXTENSIONS).map(|message| message.body.clone());
    let answers =
        wire::dtls::Extensions::read(answers.unwrap_or_default().get(2..).unwrap_or_default());
    let kinds = t.expect(answers, "EncryptedExtensions that parse")?.kinds();
    let asked = kinds.iter().all(|kind| [ext::USE_SRTP, ext::SUPPORTED_GROUPS].contains(kind));
    t.must(req::TLS13_NO_UNSOLICITED_EXTENSION, asked, "answers alone", format!("{kinds:?}"))
}
