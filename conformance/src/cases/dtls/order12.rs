//! Messages left out, doubled, swapped and put in: only the legal order completes a handshake.

use super::{judge::*, script::*};

case! {
    id: "dtls.12.order.omitted",
    title: "A DTLS 1.2 handshake that lacks a message does not complete",
    reqs: [
        req::TLS12_UNEXPECTED_MESSAGE,
        req::TLS12_FINISHED_MISSING,
        req::TLS12_CERTIFICATE_VERIFY_MISSING,
        req::FP_SERVER_TERMINATES,
    ],
    kind: SubjectKind::Dtls,
    variants: Variant::product(&[
        ("role", vec!["client".into()]),
        ("message", OF_SERVER.iter().map(|it| (*it).into()).collect()),
    ])
    .into_iter()
    .chain(Variant::product(&[
        ("role", vec!["server".into()]),
        ("message", OF_CLIENT.iter().map(|it| (*it).into()).collect()),
    ]))
    .collect(),
    run: omitted,
}

const OF_SERVER: &[&str] =
    &["ServerHello", "Certificate", "ServerKeyExchange", "ServerHelloDone", "Finished"];
const OF_CLIENT: &[&str] = &[
    "Certificate",
    "ClientKeyExchange",
    "CertificateVerify",
    "Certificate and CertificateVerify",
    "Finished",
];

/// The types that a variant names.
fn kinds(v: &Variant) -> Vec<u8> {
    let word = v.text("message");
    let named =
        (0..=24_u8).filter(|kind| word.split(" and ").any(|part| part == handshake::name(*kind)));
    named.collect()
}

/// Regression: a client could do without Certificate and CertificateVerify (CVE-2020-2655 in JSSE,
/// CVE-2022-29222 in Pion).
fn omitted(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let kinds = kinds(v);
    t.precondition(!kinds.is_empty(), "a message of this name")?;
    let mut s = DtlsStage::open(t, role(v), Version::Dtls12)?;
    s.peer.edit_all(
        move |message| {
            if kinds.contains(&message.kind) { Vec::new() } else { vec![message] }
        },
    );
    s.begin(t);
    let word = v.text("message");
    t.stimulus(format_args!("a handshake without {word}"));
    must_refuse(t, &mut s, req::TLS12_UNEXPECTED_MESSAGE, &[])?;
    match word {
        "Finished" => must_be_refused(t, &mut s, req::TLS12_FINISHED_MISSING, &[]),
        "CertificateVerify" => {
            must_be_refused(t, &mut s, req::TLS12_CERTIFICATE_VERIFY_MISSING, &[])
        }
        "Certificate and CertificateVerify" => {
            must_be_refused(t, &mut s, req::FP_SERVER_TERMINATES, &[])
        }
        _ => Ok(()),
    }
}

case! {
    id: "dtls.12.order.doubled",
    title: "A DTLS 1.2 handshake with a message too many does not complete",
    reqs: [req::TLS12_UNEXPECTED_MESSAGE],
    kind: SubjectKind::Dtls,
    variants: Variant::product(&[
        ("role", vec!["client".into()]),
        (
            "message",
            OF_SERVER.iter().filter(|it| **it != "Finished").map(|it| (*it).into()).collect(),
        ),
    ])
    .into_iter()
    .chain(Variant::product(&[
        ("role", vec!["server".into()]),
        (
            "message",
            OF_CLIENT
                .iter()
                .filter(|it| !it.contains(" and ") && **it != "Finished")
                .map(|it| (*it).into())
                .collect(),
        ),
    ]))
    .collect(),
    run: doubled,
}

fn doubled(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let kinds = kinds(v);
    let mut s = DtlsStage::open(t, role(v), Version::Dtls12)?;
    s.peer.edit_all(move |message| {
        if kinds.contains(&message.kind) { vec![message.clone(), message] } else { vec![message] }
    });
    s.begin(t);
    t.stimulus(format_args!("a handshake with two of {}", v.text("message")));
    must_refuse(t, &mut s, req::TLS12_UNEXPECTED_MESSAGE, &[alert::UNEXPECTED_MESSAGE])
}

case! {
    id: "dtls.12.order.swapped",
    title: "A DTLS 1.2 handshake with two messages in the wrong order does not complete",
    reqs: [req::TLS12_UNEXPECTED_MESSAGE],
    kind: SubjectKind::Dtls,
    variants: [
        ("client", "Certificate"),
        ("client", "ServerKeyExchange"),
        ("client", "CertificateRequest"),
        ("server", "Certificate"),
        ("server", "ClientKeyExchange"),
    ]
    .into_iter()
    .map(|(role, message)| Variant::none().with("role", role).with("message", message))
    .collect(),
    run: swapped,
}

fn swapped(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let kinds = kinds(v);
    let mut s = DtlsStage::open(t, role(v), Version::Dtls12)?;
    let mut held: Option<Message> = None;
    s.peer.edit_all(move |message| {
        if kinds.contains(&message.kind) && held.is_none() {
            held = Some(message);
            return Vec::new();
        }
        let mut all = vec![message];
        all.extend(held.take());
        all
    });
    s.begin(t);
    t.stimulus(format_args!("a handshake with {} a place too late", v.text("message")));
    must_refuse(t, &mut s, req::TLS12_UNEXPECTED_MESSAGE, &[])
}

case! {
    id: "dtls.12.order.foreign",
    title: "A message that has no place in a DTLS 1.2 handshake ends it",
    reqs: [req::TLS12_UNEXPECTED_MESSAGE],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        kind: [4, 8, 14, 16, 20, 24, 99],
    },
    run: foreign,
}

fn foreign(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls12)?;
    let kind = u8::try_from(v.number("kind")).unwrap_or_default();
    // Before the certificate, where nothing of these kinds belongs.
    s.peer.edit_all(move |message| {
        if message.kind == handshake::CERTIFICATE {
            let foreign = Message { kind, body: vec![0; 12], ..message.clone() };
            vec![foreign, message]
        } else {
            vec![message]
        }
    });
    s.begin(t);
    t.stimulus(format_args!("a message of type {kind} before Certificate"));
    must_refuse(t, &mut s, req::TLS12_UNEXPECTED_MESSAGE, &[])
}

case! {
    id: "dtls.12.order.hello-request",
    title: "A HelloRequest during a handshake is passed over",
    reqs: [req::TLS12_HELLO_REQUEST_DURING_HANDSHAKE, req::DTLS12_FRAGMENT_EMPTY],
    kind: SubjectKind::Dtls,
    variants: product! { seq: ["old", "ahead"] },
    run: hello_request,
}

/// Regression: HelloRequest and ServerHelloDone out of order were followed to nowhere (CVE-2009-1387 and
/// CVE-2014-0221 in OpenSSL).
fn hello_request(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, DtlsRole::Client, Version::Dtls12)?;
    let held = s.hold(t, handshake::FINISHED)?;
    let seq = if v.text("seq") == "old" { 0 } else { s.peer.next_message_seq() + 3 };
    for kind in [handshake::HELLO_REQUEST, handshake::SERVER_HELLO_DONE] {
        let message = Message { epoch: 0, kind, seq, body: Vec::new(), omitted: false };
        let storm: Vec<_> = (0..100).map(|_| s.peer.piece(0, &message.whole())).collect();
        s.send_many(t, &storm);
    }
    t.stimulus("a storm of empty messages");
    s.say(t, &held);
    let done = s.completes(t, LONG);
    let got = format!("{:?}", s.peer.log.alerts);
    t.should(req::TLS12_HELLO_REQUEST_DURING_HANDSHAKE, done, "a handshake that ends well", &got)?;
    t.must(req::DTLS12_FRAGMENT_EMPTY, done, "a handshake that ends well", &got)
}
