//! Answers of a server of 1.3 that a client refuses, message by message.

use wire::dtls::{Extensions, ServerHello};

use super::script::*;

const UNKNOWN: u16 = 0x3a3a;

case! {
    id: "dtls.13.server-hello.refused",
    title: "A ServerHello of 1.3 that does not answer what was offered makes the client abort",
    reqs: [
        req::TLS13_SUITE_NOT_OFFERED,
        req::TLS13_SERVER_COMPRESSION_REFUSED,
        req::TLS13_SESSION_ID_ECHO_MISMATCH,
        req::TLS13_UNSOLICITED_EXTENSION_REFUSED,
        req::TLS13_MISPLACED_EXTENSION_REFUSED,
        req::TLS13_EXTENSION_TWICE_REFUSED,
        req::TLS13_SERVER_SHARE_REFUSED,
        req::TLS13_SELECTED_VERSION_REFUSED,
        req::TLS13_SHARED_SECRET_ZERO,
        req::TLS13_DECODE_ERROR,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        what: [
            "suite", "compression", "session-id", "unsolicited", "misplaced", "twice", "group",
            "version", "zero-share", "cut-short",
        ],
    },
    run: hello_refused,
}

fn hello_refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::open(t, DtlsRole::Client, Version::Dtls13)?;
    s.peer.edit(handshake::SERVER_HELLO, move |body| {
        if what == "cut-short" {
            body.truncate(body.len() - 3);
        } else if let Some(mut hello) = ServerHello::read(body) {
            spoil_hello(&mut hello, what);
            *body = hello.write();
        }
    });
    t.stimulus(format_args!("a ServerHello that is spoiled: {what}"));
    let (requirement, alerts): (Req, &[u8]) = match what {
        "suite" => (req::TLS13_SUITE_NOT_OFFERED, &[alert::ILLEGAL_PARAMETER]),
        "compression" => (req::TLS13_SERVER_COMPRESSION_REFUSED, &[alert::ILLEGAL_PARAMETER]),
        "session-id" => (req::TLS13_SESSION_ID_ECHO_MISMATCH, &[alert::ILLEGAL_PARAMETER]),
        "unsolicited" => {
            (req::TLS13_UNSOLICITED_EXTENSION_REFUSED, &[alert::UNSUPPORTED_EXTENSION])
        }
        "misplaced" => (req::TLS13_MISPLACED_EXTENSION_REFUSED, &[alert::ILLEGAL_PARAMETER]),
        "twice" => {
            let alerts = &[alert::DECODE_ERROR, alert::ILLEGAL_PARAMETER];
            (req::TLS13_EXTENSION_TWICE_REFUSED, alerts)
        }
        "group" => (req::TLS13_SERVER_SHARE_REFUSED, &[alert::ILLEGAL_PARAMETER]),
        "version" => (req::TLS13_SELECTED_VERSION_REFUSED, &[alert::ILLEGAL_PARAMETER]),
        "zero-share" => {
            let alerts = &[alert::ILLEGAL_PARAMETER, alert::HANDSHAKE_FAILURE];
            (req::TLS13_SHARED_SECRET_ZERO, alerts)
        }
        _ => (req::TLS13_DECODE_ERROR, &[alert::DECODE_ERROR]),
    };
    s.refuses(t, requirement, alerts)
}

fn spoil_hello(hello: &mut ServerHello, what: &str) {
    let extensions = &mut hello.extensions;
    match what {
        "suite" => hello.suite = UNKNOWN,
        "compression" => hello.compression = 1,
        "session-id" => hello.session_id = vec![5; 8],
        "unsolicited" => extensions.add(UNKNOWN, Vec::new()),
        "misplaced" => extensions.add(ext::USE_SRTP, extension::use_srtp(&[7], &[])),
        "twice" => extensions.add(ext::SUPPORTED_VERSIONS, vec![0xfe, 0xfc]),
        "group" => {
            let share = extension::key_share(group::P384, &[vec![4], vec![1; 96]].concat());
            extensions.set(ext::KEY_SHARE, share);
        }
        "version" => extensions.set(ext::SUPPORTED_VERSIONS, vec![0xfe, 0xfb]),
        "zero-share" => {
            extensions.set(ext::KEY_SHARE, extension::key_share(group::X25519, &[0; 32]));
        }
        _ => {}
    }
}

case! {
    id: "dtls.13.server-hello.tolerated",
    title: "A ServerHello of 1.3 with a strange version field or order of extensions is taken",
    reqs: [req::TLS13_CLIENT_IGNORES_LEGACY_VERSION, req::TLS13_INVARIANTS],
    kind: SubjectKind::Dtls,
    variants: product! { what: ["order", "version-field"] },
    run: hello_tolerated,
}

fn hello_tolerated(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::open(t, DtlsRole::Client, Version::Dtls13)?;
    s.peer.edit_server_hello(move |hello| match what {
        "order" => hello.extensions.0.reverse(),
        _ => hello.version = 0xfeff,
    });
    t.stimulus(format_args!("a ServerHello with another {what}"));
    s.tolerates(
        t,
        match what {
            "order" => req::TLS13_INVARIANTS,
            _ => req::TLS13_CLIENT_IGNORES_LEGACY_VERSION,
        },
    )
}

case! {
    id: "dtls.13.flight.refused",
    title: "A flight of a server of 1.3 with a message spoiled, missing or too many makes the client abort",
    reqs: [
        req::TLS13_UNSOLICITED_EXTENSION_REFUSED,
        req::TLS13_ENCRYPTED_EXTENSIONS_FORBIDDEN,
        req::DTLSSRTP_UNOFFERED_REFUSED,
        req::DTLSSRTP_MKI_MISMATCH,
        req::TLS13_REQUEST_SIGNATURES_MISSING,
        req::TLS13_EMPTY_SERVER_CERTIFICATE,
        req::TLS13_DECODE_ERROR,
        req::TLS13_UNEXPECTED_MESSAGE,
        req::TLS13_VERIFY_MISSING,
        req::TLS13_KEY_UPDATE_EARLY,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        what: [
            "unsolicited", "key-share-again", "srtp-unoffered", "srtp-two", "srtp-mki",
            "request-without-schemes", "no-certificates", "certificate-cut-short",
            "no-encrypted-extensions", "no-certificate", "no-verify", "key-update", "unknown-message",
        ],
    },
    run: flight_refused,
}

fn flight_refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::open(t, DtlsRole::Client, Version::Dtls13)?;
    s.peer.edit_all(move |message| spoil_message(message, what));
    t.stimulus(format_args!("a flight that is spoiled: {what}"));
    let any_srtp: &[u8] = &[alert::ILLEGAL_PARAMETER, alert::DECODE_ERROR];
    let (requirement, alerts): (Req, &[u8]) = match what {
        "unsolicited" => {
            (req::TLS13_UNSOLICITED_EXTENSION_REFUSED, &[alert::UNSUPPORTED_EXTENSION])
        }
        "key-share-again" => {
            (req::TLS13_ENCRYPTED_EXTENSIONS_FORBIDDEN, &[alert::ILLEGAL_PARAMETER])
        }
        "srtp-unoffered" | "srtp-two" => (req::DTLSSRTP_UNOFFERED_REFUSED, any_srtp),
        "srtp-mki" => (req::DTLSSRTP_MKI_MISMATCH, any_srtp),
        "request-without-schemes" => {
            (req::TLS13_REQUEST_SIGNATURES_MISSING, &[alert::MISSING_EXTENSION])
        }
        "no-certificates" => (req::TLS13_EMPTY_SERVER_CERTIFICATE, &[alert::DECODE_ERROR]),
        "certificate-cut-short" => (req::TLS13_DECODE_ERROR, &[alert::DECODE_ERROR]),
        "no-verify" => (req::TLS13_VERIFY_MISSING, &[alert::UNEXPECTED_MESSAGE]),
        "key-update" => (req::TLS13_KEY_UPDATE_EARLY, &[alert::UNEXPECTED_MESSAGE]),
        _ => (req::TLS13_UNEXPECTED_MESSAGE, &[alert::UNEXPECTED_MESSAGE]),
    };
    s.refuses(t, requirement, alerts)
}

/// What becomes of a message of the server's flight.
fn spoil_message(mut message: Message, what: &str) -> Vec<Message> {
    let kind = message.kind;
    match (kind, what) {
        (handshake::ENCRYPTED_EXTENSIONS, "no-encrypted-extensions")
        | (handshake::CERTIFICATE, "no-certificate")
        | (handshake::CERTIFICATE_VERIFY, "no-verify") => return Vec::new(),
        (handshake::ENCRYPTED_EXTENSIONS, _) => spoil_encrypted(&mut message.body, what),
        (handshake::CERTIFICATE_REQUEST, "request-without-schemes") => {
            let mut extensions = Extensions::default();
            extensions.add(UNKNOWN, Vec::new());
            message.body = body::certificate_request13(&[], &extensions);
        }
        (handshake::CERTIFICATE, "no-certificates") => {
            message.body = body::certificate13(&[], &[]);
        }
        (handshake::CERTIFICATE, "certificate-cut-short") => {
            message.body.truncate(message.body.len() - 5);
        }
        (handshake::CERTIFICATE, "key-update") => {
            return vec![extra(&message, handshake::KEY_UPDATE, vec![0]), message];
        }
        (handshake::CERTIFICATE, "unknown-message") => {
            return vec![extra(&message, 99, vec![0]), message];
        }
        _ => {}
    }
    vec![message]
}

/// A message that was never asked for, beside another.
fn extra(beside: &Message, kind: u8, body: Vec<u8>) -> Message {
    Message { kind, body, ..beside.clone() }
}

fn spoil_encrypted(body: &mut Vec<u8>, what: &str) {
    let mut extensions = Extensions::read(body.get(2..).unwrap_or_default()).unwrap_or_default();
    let offered = code::srtp::AEAD_AES_128_GCM;
    match what {
        "unsolicited" => extensions.add(UNKNOWN, Vec::new()),
        "key-share-again" => {
            let share = extension::key_share(group::X25519, &[9; 32]);
            extensions.add(ext::KEY_SHARE, share);
        }
        "srtp-unoffered" => extensions.set(ext::USE_SRTP, extension::use_srtp(&[UNKNOWN], &[])),
        "srtp-two" => {
            let two = extension::use_srtp(&[offered, code::srtp::AES128_CM_SHA1_80], &[]);
            extensions.set(ext::USE_SRTP, two);
        }
        "srtp-mki" => extensions.set(ext::USE_SRTP, extension::use_srtp(&[offered], &[1, 2])),
        _ => {}
    }
    *body = extensions.write();
}

case! {
    id: "dtls.13.flight.tolerated",
    title: "A CertificateRequest with unknown extensions, and no CertificateRequest at all, are taken",
    reqs: [req::TLS13_REQUEST_UNKNOWN_EXTENSIONS, req::TLS13_CLIENT_CERTIFICATE],
    kind: SubjectKind::Dtls,
    variants: product! { what: ["unknown-extensions", "no-request"] },
    run: flight_tolerated,
}

fn flight_tolerated(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let asks = v.text("what") != "no-request";
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls13, |setup| {
        setup.profile.requests_certificate = asks;
    })?;
    s.peer.edit(handshake::CERTIFICATE_REQUEST, |request| {
        if let Some((context, mut extensions)) = body::read_certificate_request13(request) {
            extensions.add(UNKNOWN, vec![1, 2, 3]);
            *request = body::certificate_request13(&context, &extensions);
        }
    });
    t.stimulus("the flight of a server");
    s.tolerates(
        t,
        match asks {
            true => req::TLS13_REQUEST_UNKNOWN_EXTENSIONS,
            false => req::TLS13_CLIENT_CERTIFICATE,
        },
    )?;
    let came = !s.peer.negotiated.certificates.is_empty();
    t.must(req::TLS13_CLIENT_CERTIFICATE, came == asks, format_args!("{asks}"), came)
}
