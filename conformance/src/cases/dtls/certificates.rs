//! Who the peer is: fingerprints, and proofs of possession. RFC 8122 §5, §6, RFC 8842 §5.

use wire::dtls::Identity;

use super::{judge::*, script::*};

/// Stops unless the endpoint compares fingerprints by itself.
fn compares(t: &Ctl<'_>) -> Outcome {
    match t.subject().supports(Cap::DtlsFingerprint) {
        crate::Support::No => Err(Stop::Unsupported("it compares no fingerprints".to_owned())),
        _ => Ok(()),
    }
}

case! {
    id: "dtls.certificate.mismatch",
    title: "A certificate that does not have the fingerprint gets nothing: no data, no keys",
    reqs: [
        req::FP_MISMATCH_NOT_ESTABLISHED,
        req::FP_CLIENT_TERMINATES,
        req::FP_SERVER_TERMINATES,
        req::FP_HASH_OF_DER,
        req::FP_ONE_OF_THE_SET,
        req::DTLSSDP_CERTIFICATE_MATCHES,
        req::DTLSSDP_MISMATCH_TEARS_DOWN,
        req::DTLSSRTP_AFTER_HANDSHAKE,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        expected: ["one bit", "another", "its own"],
    },
    no_reference: "no other stack at hand compares fingerprints by itself",
    run: mismatch,
}

/// Regression: the mismatch was found and the connection stayed of use (CVE-2021-28681 in Pion), or was
/// not found on some paths (GHSA-qwfw in ex_webrtc, licode#2047).
fn mismatch(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    compares(t)?;
    let expected = v.text("expected");
    let mut s = DtlsStage::with(t, role(v), version(v), |setup| {
        setup.introduced = false;
        let right = Identity::new(&setup.profile.seed, setup.profile.identity).fingerprint();
        setup.config.fingerprint = Some(match expected {
            "one bit" => {
                let mut wrong = right;
                wrong[31] ^= 1;
                wrong
            }
            "another" => Identity::new(&setup.profile.seed, 1).fingerprint(),
            _ => [0; 32],
        });
    })?;
    s.begin(t);
    t.stimulus("a certificate that was not announced");
    s.completes(t, 3 * SECOND);
    if s.peer.is_connected() {
        let record = s.peer.data(DATA);
        s.send(t, &record);
        s.listen(t, SOON);
    }
    let alerts = &[alert::BAD_CERTIFICATE];
    let req = by_role(v, req::FP_CLIENT_TERMINATES, req::FP_SERVER_TERMINATES);
    must_be_refused(t, &mut s, req, alerts)?;
    for req in [
        req::FP_MISMATCH_NOT_ESTABLISHED,
        req::FP_HASH_OF_DER,
        req::FP_ONE_OF_THE_SET,
        req::DTLSSDP_CERTIFICATE_MATCHES,
        req::DTLSSDP_MISMATCH_TEARS_DOWN,
        req::DTLSSRTP_AFTER_HANDSHAKE,
    ] {
        must_be_refused(t, &mut s, req, alerts)?;
    }
    let over = s.is_over(t);
    t.must(req::DTLSSDP_MISMATCH_TEARS_DOWN, over, "the end reported", "nothing")?;
    let sent = s.command(t, |endpoint, now| endpoint.send(now, DATA)).is_ok();
    t.must(req::FP_MISMATCH_NOT_ESTABLISHED, !sent, "no data taken", "taken")?;
    let exported = s.command(t, |endpoint, _| endpoint.export(SRTP_LABEL, None, 60)).is_ok();
    t.must(req::FP_MISMATCH_NOT_ESTABLISHED, !exported, "nothing exported", "exported")
}

case! {
    id: "dtls.certificate.late",
    title: "Until the fingerprint comes, the handshake goes on and nobody gets anything from it",
    reqs: [
        req::FP_DATA_WAITS,
        req::FP_LISTENS_AT_ONCE,
        req::FP_LATE_MISMATCH,
        req::DTLSSDP_EARLY_HELLO,
        req::DTLSSDP_UNVERIFIED_UNTIL_FINGERPRINT,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        fingerprint: ["right", "wrong"],
    },
    no_reference: "no other stack at hand compares fingerprints by itself",
    run: late,
}

fn late(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    compares(t)?;
    let mut s = DtlsStage::with(t, role(v), version(v), |setup| setup.introduced = false)?;
    s.begin(t);
    t.stimulus("a handshake before the answer came");
    s.completes(t, SECOND);
    let came = !s.peer.log.messages.is_empty();
    t.must(req::DTLSSDP_EARLY_HELLO, came, "an answer", "silence")?;
    t.must(req::FP_LISTENS_AT_ONCE, came, "an answer", "silence")?;
    if s.peer.is_connected() {
        let record = s.peer.data(DATA);
        s.send(t, &record);
        s.listen(t, SOON);
    }
    must_be_refused(t, &mut s, req::DTLSSDP_UNVERIFIED_UNTIL_FINGERPRINT, &[])?;
    must_be_refused(t, &mut s, req::FP_DATA_WAITS, &[])?;
    let exported = s.command(t, |endpoint, _| endpoint.export(SRTP_LABEL, None, 60)).is_ok();
    let req = req::DTLSSDP_UNVERIFIED_UNTIL_FINGERPRINT;
    t.must(req, !exported, "nothing exported", "exported")?;
    let mut fingerprint = s.peer.identity.fingerprint();
    if v.text("fingerprint") == "right" {
        needed(s.command(t, |endpoint, now| endpoint.expect_peer(now, fingerprint)))?;
        return must_complete(t, &mut s, req::DTLSSDP_EARLY_HELLO);
    }
    fingerprint[0] ^= 1;
    let told = s.command(t, |endpoint, now| endpoint.expect_peer(now, fingerprint));
    needed(told)?;
    must_refuse(t, &mut s, req::FP_LATE_MISMATCH, &[alert::BAD_CERTIFICATE])?;
    let over = s.is_over(t);
    t.must(req::FP_LATE_MISMATCH, over, "the end reported", "nothing")
}

case! {
    id: "dtls.certificate.proof",
    title: "A certificate without the right proof of its key does not connect",
    reqs: [
        req::TLS12_CERTIFICATE_VERIFY_CHECKED,
        req::TLS12_KEY_EXCHANGE_CHECKED,
        req::TLS12_KEY_EXCHANGE_ALGORITHM_REFUSED,
        req::TLS12_CERTIFICATE_VERIFY_ALGORITHM,
        req::TLS13_VERIFY_WRONG,
        req::TLS13_VERIFY_CHECKED,
        req::TLS13_VERIFY_ALGORITHM_REFUSED,
        req::TLS13_VERIFY_MISSING,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        proof: ["one bit", "another key", "other content", "other scheme", "empty", "missing"],
    },
    run: proof,
}

/// Regression: a certificate was taken without CertificateVerify (CVE-2022-29222 in Pion).
fn proof(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let proof = v.text("proof");
    let mut s = DtlsStage::with(t, role(v), version(v), |setup| {
        if proof == "another key" {
            setup.introduced = false;
            let other = Identity::new(&setup.profile.seed, 1);
            setup.config.fingerprint = Some(other.fingerprint());
        }
    })?;
    let seed = s.peer.profile.seed;
    if proof == "another key" {
        s.peer.identity.certificate = Identity::new(&seed, 1).certificate;
    }
    let by_exchange = version(v) == Version::Dtls12 && role(v) == DtlsRole::Client;
    let carrier =
        if by_exchange { handshake::SERVER_KEY_EXCHANGE } else { handshake::CERTIFICATE_VERIFY };
    if proof == "missing" {
        s.peer.omit(carrier);
    } else {
        s.peer.edit(carrier, move |body| forge(body, proof, by_exchange, &seed));
    }
    s.begin(t);
    t.stimulus(format_args!("a proof that is wrong: {proof}"));
    let bad: &[u8] = &[alert::DECRYPT_ERROR, alert::DECODE_ERROR];
    let (req, alerts): (_, &[u8]) = match (version(v), proof) {
        (Version::Dtls12, "other scheme") if by_exchange => {
            (req::TLS12_KEY_EXCHANGE_ALGORITHM_REFUSED, &[alert::ILLEGAL_PARAMETER])
        }
        (Version::Dtls12, _) if by_exchange && proof == "missing" => {
            (req::TLS12_KEY_EXCHANGE_CHECKED, &[])
        }
        (Version::Dtls12, _) if by_exchange => (req::TLS12_KEY_EXCHANGE_CHECKED, bad),
        (Version::Dtls12, "other scheme") => {
            (req::TLS12_CERTIFICATE_VERIFY_ALGORITHM, &[alert::ILLEGAL_PARAMETER])
        }
        (Version::Dtls12, "missing") => (req::TLS12_CERTIFICATE_VERIFY_CHECKED, &[]),
        (Version::Dtls12, _) => (req::TLS12_CERTIFICATE_VERIFY_CHECKED, bad),
        (Version::Dtls13, "other scheme") => {
            (req::TLS13_VERIFY_ALGORITHM_REFUSED, &[alert::ILLEGAL_PARAMETER])
        }
        (Version::Dtls13, "missing") => (req::TLS13_VERIFY_MISSING, &[]),
        (Version::Dtls13, _) => (req::TLS13_VERIFY_WRONG, bad),
    };
    must_refuse(t, &mut s, req, alerts)?;
    if version(v) == Version::Dtls13 {
        must_be_refused(t, &mut s, req::TLS13_VERIFY_CHECKED, &[])?;
    }
    Ok(())
}

/// Changes what is signed, or how.
fn forge(body: &mut Vec<u8>, proof: &str, by_exchange: bool, seed: &[u8; 32]) {
    let read = if by_exchange {
        body::read_server_key_exchange(body).map(|it| (it.parameters, it.scheme, it.signature))
    } else {
        body::read_certificate_verify(body).map(|it| (Vec::new(), it.0, it.1))
    };
    let Some((parameters, mut scheme, mut signature)) = read else { return };
    match proof {
        "one bit" => {
            if let Some(byte) = signature.last_mut() {
                *byte ^= 1;
            }
        }
        "other content" => signature = Identity::new(seed, 0).sign(b"something else"),
        "other scheme" => scheme = code::scheme::ECDSA_SHA1,
        "empty" => signature.clear(),
        _ => {}
    }
    *body = [parameters, body::certificate_verify(scheme, &signature)].concat();
}

case! {
    id: "dtls.certificate.none",
    title: "A client without a certificate does not connect to a server that wants one",
    reqs: [
        req::FP_SERVER_TERMINATES,
        req::TLS12_CLIENT_CERTIFICATE_MISSING,
        req::TLS13_EMPTY_CLIENT_CERTIFICATE,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"] },
    run: none,
}

/// Regression: an empty list was taken (dimpl#170).
fn none(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::with(t, DtlsRole::Server, version(v), |setup| {
        setup.profile.presents_certificate = false;
    })?;
    s.begin(t);
    t.stimulus("an empty Certificate");
    let alerts = [alert::BAD_CERTIFICATE, alert::HANDSHAKE_FAILURE, alert::CERTIFICATE_REQUIRED];
    must_refuse(t, &mut s, req::FP_SERVER_TERMINATES, &alerts)?;
    let fatal = s.peer.log.fatal();
    let (req, wanted) = match version(v) {
        Version::Dtls12 => (req::TLS12_CLIENT_CERTIFICATE_MISSING, alert::HANDSHAKE_FAILURE),
        Version::Dtls13 => (req::TLS13_EMPTY_CLIENT_CERTIFICATE, alert::CERTIFICATE_REQUIRED),
    };
    t.may(req, fatal == Some(wanted), wanted, format_args!("{fatal:?}"))
}

case! {
    id: "dtls.certificate.client",
    title: "A client presents its certificate and proves its key when it is asked, and only then",
    reqs: [
        req::FP_CLIENT_PRESENTS,
        req::TLS12_CLIENT_CERTIFICATE,
        req::TLS12_CERTIFICATE_VERIFY_FITS_KEY,
        req::TLS12_CLIENT_KEY_EXCHANGE_AFTER_CERTIFICATE,
        req::TLS12_CLIENT_KEY_EXCHANGE_FIRST,
        req::TLS12_CERTIFICATE_VERIFY_PLACE,
        req::TLS13_CLIENT_CERTIFICATE,
        req::TLS13_CLIENT_VERIFY,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"], asked: [true, false] },
    run: client,
}

fn client(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let asked = v.flag("asked");
    let mut s = DtlsStage::with(t, DtlsRole::Client, version(v), |setup| {
        setup.profile.requests_certificate = asked;
    })?;
    t.stimulus(format_args!("a server that asks for a certificate: {asked}"));
    let done = s.completes(t, LONG);
    t.precondition(done, "a handshake that ends well")?;
    let kinds: Vec<u8> = s.peer.log.messages.iter().map(|message| message.kind).collect();
    let place = |kind: u8| kinds.iter().position(|it| *it == kind);
    let shown = format!("{kinds:?}");
    let presented = place(handshake::CERTIFICATE).is_some();
    let proved = s.peer.negotiated.is_proved;
    t.precondition(presented == asked || !asked, "a certificate")?;
    if asked {
        t.must(req::FP_CLIENT_PRESENTS, presented && proved, "certificate and proof", &shown)?;
    }
    match version(v) {
        Version::Dtls13 => {
            t.must(req::TLS13_CLIENT_CERTIFICATE, presented == asked, asked, presented)?;
            t.must(req::TLS13_CLIENT_VERIFY, proved == asked, asked, proved)
        }
        Version::Dtls12 if asked => {
            t.must(req::TLS12_CLIENT_CERTIFICATE, presented, "Certificate", &shown)?;
            t.must(req::TLS12_CERTIFICATE_VERIFY_FITS_KEY, proved, "a proof", &shown)?;
            let key = place(handshake::CLIENT_KEY_EXCHANGE);
            let follows = key == place(handshake::CERTIFICATE).map(|it| it + 1);
            let req = req::TLS12_CLIENT_KEY_EXCHANGE_AFTER_CERTIFICATE;
            t.must(req, follows, "ClientKeyExchange after Certificate", &shown)?;
            let verify = place(handshake::CERTIFICATE_VERIFY);
            let follows = verify == key.map(|it| it + 1);
            t.must(req::TLS12_CERTIFICATE_VERIFY_PLACE, follows, "CertificateVerify next", &shown)
        }
        Version::Dtls12 => {
            let key = place(handshake::CLIENT_KEY_EXCHANGE);
            let req = req::TLS12_CLIENT_KEY_EXCHANGE_FIRST;
            t.must(
                req,
                !presented && key == place(handshake::CLIENT_HELLO).map(|it| it + 1),
                "ClientKeyExchange first",
                &shown,
            )
        }
    }
}

case! {
    id: "dtls.certificate.finished",
    title: "A wrong Finished ends the handshake",
    reqs: [
        req::DTLS12_FINISHED_CHECKED,
        req::TLS12_FINISHED_CHECKED,
        req::TLS13_FINISHED_CHECKED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        verify_data: ["one bit", "short", "long", "empty"],
    },
    run: finished,
}

fn finished(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    let what = v.text("verify_data");
    s.peer.edit(handshake::FINISHED, move |body| match what {
        "one bit" => {
            if let Some(byte) = body.first_mut() {
                *byte ^= 0x80;
            }
        }
        "short" => {
            body.pop();
        }
        "long" => body.push(0),
        _ => body.clear(),
    });
    s.begin(t);
    t.stimulus(format_args!("a Finished that is wrong: {what}"));
    let alerts = &[alert::DECRYPT_ERROR, alert::DECODE_ERROR];
    s.completes(t, 3 * SECOND);
    if version(v) == Version::Dtls12 {
        must_be_refused(t, &mut s, req::DTLS12_FINISHED_CHECKED, alerts)?;
        return must_be_refused(t, &mut s, req::TLS12_FINISHED_CHECKED, alerts);
    }
    must_be_refused(t, &mut s, req::TLS13_FINISHED_CHECKED, alerts)
}
