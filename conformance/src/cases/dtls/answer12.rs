//! The ServerHello of DTLS 1.2 as a client takes it, and hellos without the extended master secret.

use super::{judge::*, script::*};

case! {
    id: "dtls.12.hello.answer",
    title: "A client refuses a ServerHello of DTLS 1.2 that answers what it did not offer",
    reqs: [
        req::TLS12_SUITE_NOT_OFFERED,
        req::TLS12_VERSION_NOT_OFFERED,
        req::TLS12_VERSION_REFUSED,
        req::TLS13_VERSION_REFUSED,
        req::TLS12_UNSOLICITED_EXTENSION_REFUSED,
        req::TLS12_EXTENSION_TWICE_REFUSED,
        req::RENEG_CLIENT_REFUSES,
        req::RENEG_CLIENT_LOOKS,
        req::DTLSSRTP_UNOFFERED_REFUSED,
        req::DTLSSRTP_MALFORMED_REFUSED,
        req::DTLSSRTP_MKI_MISMATCH,
        req::ALPN_ANSWER_CHECKED,
        req::DTLS13_DOWNGRADE_DETECTED,
        req::TLS13_SENTINEL_CHECKED,
        req::TLS13_SENTINEL_ABORT,
        req::FP_NO_NULL_SUITE,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        what: [
            "suite", "null suite", "compression", "version 1.0", "unknown version", "alpn",
            "unknown extension", "extension twice", "renegotiation", "srtp profile",
            "srtp two profiles", "srtp cut short", "srtp mki", "downgrade",
        ],
    },
    run: answer,
}

/// Regression: an answer to an extension that was not offered was taken (pion/dtls e737235).
fn answer(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls12, |setup| {
        if what == "downgrade" {
            setup.config.versions = (DtlsVersion::Dtls12, DtlsVersion::Dtls13);
        }
    })?;
    s.peer.edit_server_hello(move |hello| {
        let extensions = &mut hello.extensions;
        match what {
            "suite" => hello.suite = code::suite::RSA_AES_128_GCM_SHA256,
            "null suite" => hello.suite = 0,
            "compression" => hello.compression = 1,
            "version 1.0" => hello.version = 0xfeff,
            "unknown version" => hello.version = 0xfe00,
            "alpn" => extensions.add(ext::ALPN, extension::alpn(&[b"webrtc".to_vec()])),
            "unknown extension" => extensions.add(0xfeed, Vec::new()),
            "extension twice" => extensions.add(ext::EXTENDED_MASTER_SECRET, Vec::new()),
            "renegotiation" => extensions.set(ext::RENEGOTIATION_INFO, vec![2, 1, 1]),
            "srtp profile" => extensions.set(ext::USE_SRTP, extension::use_srtp(&[0x0055], &[])),
            "srtp two profiles" => {
                extensions.set(ext::USE_SRTP, extension::use_srtp(&[1, 7], &[]));
            }
            "srtp cut short" => extensions.set(ext::USE_SRTP, vec![0, 2, 0]),
            "srtp mki" => extensions.set(ext::USE_SRTP, extension::use_srtp(&[7], &[9])),
            _ => hello.random[24..].copy_from_slice(b"DOWNGRD\x01"),
        }
    });
    t.stimulus(format_args!("a ServerHello with {what}"));
    let illegal: &[u8] = &[alert::ILLEGAL_PARAMETER];
    let version: &[u8] = &[alert::PROTOCOL_VERSION, alert::ILLEGAL_PARAMETER];
    let unsupported: &[u8] = &[alert::UNSUPPORTED_EXTENSION];
    let (req, alerts) = match what {
        "suite" | "null suite" => (req::TLS12_SUITE_NOT_OFFERED, illegal),
        "compression" => (req::TLS12_SUITE_NOT_OFFERED, illegal),
        "version 1.0" | "unknown version" => (req::TLS12_VERSION_NOT_OFFERED, version),
        "alpn" | "unknown extension" => (req::TLS12_UNSOLICITED_EXTENSION_REFUSED, unsupported),
        "extension twice" => (req::TLS12_EXTENSION_TWICE_REFUSED, &[][..]),
        "renegotiation" => (req::RENEG_CLIENT_REFUSES, &[alert::HANDSHAKE_FAILURE][..]),
        "srtp profile" => (req::DTLSSRTP_UNOFFERED_REFUSED, &[][..]),
        "srtp two profiles" => (req::DTLSSRTP_UNOFFERED_REFUSED, &[][..]),
        "srtp cut short" => (req::DTLSSRTP_MALFORMED_REFUSED, &[][..]),
        "srtp mki" => (req::DTLSSRTP_MKI_MISMATCH, illegal),
        _ => (req::DTLS13_DOWNGRADE_DETECTED, illegal),
    };
    must_refuse(t, &mut s, req, alerts)?;
    match what {
        "null suite" => t.should(req::FP_NO_NULL_SUITE, true, "a refusal", "a refusal"),
        "version 1.0" | "unknown version" => {
            must_be_refused(t, &mut s, req::TLS12_VERSION_REFUSED, alerts)?;
            must_be_refused(t, &mut s, req::TLS13_VERSION_REFUSED, alerts)
        }
        "alpn" => must_be_refused(t, &mut s, req::ALPN_ANSWER_CHECKED, alerts),
        "renegotiation" => must_be_refused(t, &mut s, req::RENEG_CLIENT_LOOKS, alerts),
        "downgrade" => {
            must_be_refused(t, &mut s, req::TLS13_SENTINEL_CHECKED, alerts)?;
            must_be_refused(t, &mut s, req::TLS13_SENTINEL_ABORT, alerts)
        }
        _ => Ok(()),
    }
}

case! {
    id: "dtls.12.hello.ems",
    title: "Whoever gets no extended master secret goes no further",
    reqs: [
        req::EMS_REQUIRED,
        req::EMS_SERVER_ABORTS_WITHOUT,
        req::EMS_CLIENT_ABORTS_WITHOUT,
        req::EMS_SERVER_DOES_NOT_VOLUNTEER,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"] },
    run: ems,
}

fn ems(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::with(t, role(v), Version::Dtls12, |setup| {
        setup.profile.extended_master_secret = false;
    })?;
    s.begin(t);
    t.stimulus("a hello without extended_master_secret");
    let refuses = refuses(t, &mut s);
    let req = by_role(v, req::EMS_CLIENT_ABORTS_WITHOUT, req::EMS_SERVER_ABORTS_WITHOUT);
    let got = format!("refused: {refuses}, alerts {:?}", s.peer.log.alerts);
    t.should(req, refuses, "no connection", &got)?;
    t.should(req::EMS_REQUIRED, refuses, "no connection", &got)?;
    let volunteers = s
        .peer
        .log
        .server_hellos()
        .iter()
        .any(|hello| hello.extensions.has(ext::EXTENDED_MASTER_SECRET));
    t.must(req::EMS_SERVER_DOES_NOT_VOLUNTEER, !volunteers, "no such extension", &got)
}
