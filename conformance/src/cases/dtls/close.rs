//! After the handshake of DTLS 1.2, and the end of both versions: RFC 5246 §7.2, RFC 6347 §4.2.7, §4.2.8.

use super::{judge::*, script::*};

/// A stage that is connected.
fn connected(t: &mut Ctl<'_>, v: &Variant) -> Result<DtlsStage, Stop> {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    s.connect(t)?;
    Ok(s)
}

case! {
    id: "dtls.close.by-peer",
    title: "close_notify is told, answered, and ends what is delivered",
    reqs: [
        req::TLS12_CLOSE_ANSWERED,
        req::TLS12_CLOSE_TOLD,
        req::TLS13_CLOSE_NOTIFY_TOLD,
        req::TLS13_DATA_AFTER_CLOSE,
        req::DTLS13_DATA_AFTER_CLOSE_IGNORED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"], role: ["client", "server"] },
    run: by_peer,
}

fn by_peer(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = connected(t, v)?;
    let record = s.peer.alert(1, alert::CLOSE_NOTIFY);
    s.send_stimulus(t, &record, "close_notify");
    s.listen(t, SOON);
    let told = s.events(t).iter().any(|(_, event)| *event == DtlsEvent::CloseNotify);
    let answered = s.peer.log.alerts.iter().any(|(_, _, it)| *it == alert::CLOSE_NOTIFY);
    let before = s.delivered(t).len();
    let record = s.peer.data(DATA);
    s.send(t, &record);
    s.listen(t, SOON);
    let more = s.delivered(t).len() - before;
    let got = format!("{:?}", s.peer.log.alerts);
    match version(v) {
        Version::Dtls12 => {
            t.must(req::TLS12_CLOSE_TOLD, told && more == 0, "the end", format!("{told} {more}"))?;
            t.must(req::TLS12_CLOSE_ANSWERED, answered, "close_notify", got)
        }
        Version::Dtls13 => {
            t.should(req::TLS13_CLOSE_NOTIFY_TOLD, told, "the end", told)?;
            t.must(req::TLS13_DATA_AFTER_CLOSE, more == 0, "no data", more)?;
            t.must(req::DTLS13_DATA_AFTER_CLOSE_IGNORED, more == 0, "no data", more)
        }
    }
}

case! {
    id: "dtls.close.by-subject",
    title: "Whoever closes says close_notify and sends nothing more",
    reqs: [
        req::TLS13_CLOSE_NOTIFY_SENT,
        req::DTLS13_CLOSE_NOTIFY,
        req::TLS12_CLOSE_TOLD,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"], role: ["client", "server"] },
    run: by_subject,
}

fn by_subject(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = connected(t, v)?;
    needed(s.command(t, |endpoint, now| endpoint.close(now)))?;
    t.stimulus("the command to close");
    s.listen(t, SOON);
    let said = s.peer.log.alerts.iter().filter(|(_, _, it)| *it == alert::CLOSE_NOTIFY).count();
    let got = format!("{:?}", s.peer.log.alerts);
    t.must(req::TLS13_CLOSE_NOTIFY_SENT, said > 0, "close_notify", &got)?;
    t.must(req::DTLS13_CLOSE_NOTIFY, said > 0, "close_notify", &got)?;
    let sent = s.command(t, |endpoint, now| endpoint.send(now, DATA)).is_ok();
    s.listen(t, 20 * SECOND);
    let data = s.peer.log.data.len();
    t.must(req::TLS12_CLOSE_TOLD, !sent && data == 0, "no data", format!("{sent} {data}"))
}

case! {
    id: "dtls.close.alert",
    title: "A fatal alert under the keys ends the connection, whatever its level says",
    reqs: [
        req::TLS12_FATAL_ALERT_RECEIVED,
        req::TLS13_ERROR_ALERT_ENDS,
        req::TLS13_ERROR_ALERT_TOLD,
        req::TLS13_UNKNOWN_ALERT_FATAL,
        req::TLS13_ALERTS_FATAL,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        alert: ["handshake_failure", "unknown", "warning"],
    },
    run: fatal,
}

fn fatal(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("alert");
    if what == "warning" && version(v) == Version::Dtls12 {
        // In 1.2 a warning may be passed over.
        return unchanged_by_warning(t, v);
    }
    let mut s = connected(t, v)?;
    let record = match what {
        "handshake_failure" => s.peer.alert(2, alert::HANDSHAKE_FAILURE),
        "unknown" => s.peer.alert(2, 201),
        _ => s.peer.alert(1, alert::BAD_CERTIFICATE),
    };
    s.send_stimulus(t, &record, "an alert");
    s.listen(t, SOON);
    let over = s.is_over(t);
    let record = s.peer.data(DATA);
    s.send(t, &record);
    let sent = s.command(t, |endpoint, now| endpoint.send(now, DATA)).is_ok();
    s.listen(t, SOON);
    let more = s.delivered(t).len();
    let got = format!("over: {over}, sent: {sent}, delivered: {more}");
    let ended = over && !sent && more == 0;
    match version(v) {
        Version::Dtls12 => t.must(req::TLS12_FATAL_ALERT_RECEIVED, ended, "the end", got),
        Version::Dtls13 => {
            t.should(req::TLS13_ERROR_ALERT_TOLD, over, "the end reported", &got)?;
            t.must(req::TLS13_ERROR_ALERT_ENDS, ended, "the end", &got)?;
            if what == "unknown" {
                t.must(req::TLS13_UNKNOWN_ALERT_FATAL, ended, "the end", &got)?;
            }
            t.must(req::TLS13_ALERTS_FATAL, ended, "the end", got)
        }
    }
}

fn unchanged_by_warning(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = connected(t, v)?;
    let record = s.peer.alert(1, alert::NO_RENEGOTIATION);
    s.send_stimulus(t, &record, "the warning no_renegotiation");
    must_live(t, &mut s, req::TLS12_FATAL_ALERT_RECEIVED)
}

case! {
    id: "dtls.12.again.renegotiation",
    title: "Nothing renegotiates: a HelloRequest or ClientHello under the keys changes nothing",
    reqs: [
        req::TLS12_HELLO_REQUEST_ANSWERED,
        req::TLS12_CLIENT_RENEGOTIATION,
        req::TLS12_HELLO_REQUEST_WHEN,
        req::RENEG_NO_LEGACY,
        req::RENEG_NONE_WITHOUT,
        req::RENEG_LEGACY_REQUEST_REFUSED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"] },
    run: renegotiation,
}

fn renegotiation(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls12)?;
    s.connect(t)?;
    let hellos = s.peer.log.client_hellos().len() + s.peer.log.server_hellos().len();
    let flight = match role(v) {
        DtlsRole::Client => s.peer.post_handshake(handshake::HELLO_REQUEST, Vec::new()),
        DtlsRole::Server => {
            let hello = s.peer.start();
            let body = hello.messages().next().map(|it| it.body.clone()).unwrap_or_default();
            s.peer.post_handshake(handshake::CLIENT_HELLO, body)
        }
    };
    let datagrams = s.peer.pack(&flight);
    s.say_datagrams(t, &datagrams, "a wish to renegotiate");
    s.listen(t, 3 * SECOND);
    let more = s.peer.log.client_hellos().len() + s.peer.log.server_hellos().len() - hellos;
    let got = format!("{more} hellos, alerts {:?}", s.peer.log.alerts);
    let asked = s.peer.log.last(handshake::HELLO_REQUEST).is_some();
    t.should(req::TLS12_HELLO_REQUEST_WHEN, !asked, "no HelloRequest", "one")?;
    match role(v) {
        DtlsRole::Client => {
            t.may(req::TLS12_HELLO_REQUEST_ANSWERED, more == 0, "no hello", &got)?;
            t.should(req::RENEG_LEGACY_REQUEST_REFUSED, more == 0, "no hello", &got)
        }
        DtlsRole::Server => {
            t.should(req::RENEG_NO_LEGACY, more == 0, "no hello", &got)?;
            t.should(req::RENEG_NONE_WITHOUT, more == 0, "no hello", &got)?;
            t.must(req::TLS12_CLIENT_RENEGOTIATION, more == 0, "no hello", &got)
        }
    }
}

case! {
    id: "dtls.again.hello",
    title: "A ClientHello from the address of a live association does not end it",
    reqs: [
        req::DTLS12_ASSOCIATION_KEPT_UNTIL_VERIFIED,
        req::DTLS13_ASSOCIATION_KEPT_UNTIL_VERIFIED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        hello: ["the same", "another", "in pieces", "of the other version"],
    },
    run: again,
}

/// Regression: a forged ClientHello broke the server's state (Mbed TLS, reuse of the client's port).
fn again(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, DtlsRole::Server, version(v))?;
    s.connect(t)?;
    let what = v.text("hello");
    let mut profile = s.peer.profile.clone();
    if what != "the same" {
        profile.seed[0] ^= 1;
    }
    if what == "of the other version" {
        profile.versions = match version(v) {
            Version::Dtls12 => vec![Version::Dtls13],
            Version::Dtls13 => vec![Version::Dtls12],
        };
    }
    let mut other = Peer::new(profile);
    let flight = other.start();
    let packing = match what {
        "in pieces" => Packing::single(50),
        _ => Packing::of_mtu(1_200),
    };
    for datagram in other.pack_with(&flight, packing) {
        s.send(t, &datagram);
        s.send(t, &datagram);
    }
    t.stimulus(format_args!("a ClientHello: {what}"));
    let (of12, of13) =
        (req::DTLS12_ASSOCIATION_KEPT_UNTIL_VERIFIED, req::DTLS13_ASSOCIATION_KEPT_UNTIL_VERIFIED);
    s.listen(t, SOON);
    must_live(t, &mut s, by_version(v, of12, of13))
}

case! {
    id: "dtls.close.slow-application",
    title: "Data that nobody fetches for a while stops nothing",
    reqs: [req::DTLS12_OLD_EPOCH_DURING_HANDSHAKE, req::DTLS13_INVALID_RECORDS_SILENT],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"], role: ["client", "server"] },
    run: slow,
}

/// Regression: a full queue of incoming data was a deadlock (libdatachannel#1546).
fn slow(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = connected(t, v)?;
    let records: Vec<_> = (0..2_000).map(|_| s.peer.data(DATA)).collect();
    s.send_many(t, &records);
    t.stimulus("2,000 records");
    s.listen(t, SOON);
    let over = s.is_over(t);
    if version(v) == Version::Dtls13 {
        t.should(req::DTLS13_INVALID_RECORDS_SILENT, !over, "no end", over)?;
    }
    must_live(t, &mut s, req::DTLS12_OLD_EPOCH_DURING_HANDSHAKE)
}

case! {
    id: "dtls.12.close.malformed",
    title: "A message cut short, or with bytes to spare, ends the handshake",
    reqs: [req::TLS12_HELLO_DONE_CHECKS, req::TLS13_DECODE_ERROR],
    kind: SubjectKind::Dtls,
    variants: [
        ("client", handshake::SERVER_HELLO),
        ("client", handshake::CERTIFICATE),
        ("client", handshake::SERVER_KEY_EXCHANGE),
        ("client", handshake::CERTIFICATE_REQUEST),
        ("client", handshake::SERVER_HELLO_DONE),
        ("server", handshake::CLIENT_HELLO),
        ("server", handshake::CERTIFICATE),
        ("server", handshake::CLIENT_KEY_EXCHANGE),
        ("server", handshake::CERTIFICATE_VERIFY),
    ]
    .into_iter()
    .flat_map(|(role, kind)| {
        ["empty", "one byte", "a third", "all but one", "one more"].map(|length| {
            Variant::none()
                .with("role", role)
                .with("message", handshake::name(kind))
                .with("kind", u64::from(kind))
                .with("length", length)
        })
    })
    .filter(|v| v.text("length") == "one more" || v.text("message") != "ServerHelloDone")
    .collect(),
    run: malformed,
}

/// Regression: messages that end too early panicked (GHSA-hxp2 and CVE-2026-54908 in Pion).
fn malformed(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls12)?;
    let kind = u8::try_from(v.number("kind")).unwrap_or_default();
    let length = v.text("length");
    s.peer.edit(kind, move |body| match length {
        "empty" => body.clear(),
        "one byte" => body.truncate(1),
        "a third" => body.truncate(body.len() / 3),
        "all but one" => {
            body.pop();
        }
        _ => body.push(0),
    });
    s.begin(t);
    t.stimulus(format_args!("{} of another length", v.text("message")));
    must_refuse(t, &mut s, req::TLS13_DECODE_ERROR, &[])?;
    t.should(req::TLS12_HELLO_DONE_CHECKS, true, "refused", "refused")
}

case! {
    id: "dtls.12.close.alerts",
    title: "Whoever ends a handshake says why, in a fatal alert",
    reqs: [
        req::TLS12_FATAL_ALERT_SENT,
        req::TLS12_CLOSING_ALERT_FATAL,
        req::TLS12_OBSOLETE_ALERTS,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        message: ["Certificate", "Finished"],
        fault: ["cut short", "too long", "another"],
    },
    no_reference: "no other stack at hand passes yet",
    run: alerts,
}

fn alerts(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls12)?;
    let kind = match v.text("message") {
        "Certificate" => handshake::CERTIFICATE,
        _ => handshake::FINISHED,
    };
    let fault = v.text("fault");
    s.peer.edit(kind, move |body| match fault {
        "cut short" => body.truncate(2),
        "too long" => body.push(0),
        _ => {
            if let Some(byte) = body.last_mut() {
                *byte ^= 1;
            }
        }
    });
    s.begin(t);
    t.stimulus(format_args!("{} that is {fault}", v.text("message")));
    s.completes(t, 3 * SECOND);
    let said = s.peer.log.alerts.clone();
    let got = format!("{said:?}");
    let fatal = s.peer.log.fatal();
    t.must(req::TLS12_FATAL_ALERT_SENT, fatal.is_some(), "a fatal alert", &got)?;
    let all = said.iter().all(|(_, level, _)| *level == 2);
    t.must(req::TLS12_CLOSING_ALERT_FATAL, all, "fatal alerts alone", &got)?;
    let obsolete = fatal.is_some_and(|fatal| matches!(fatal, 21 | 41 | 60));
    t.must(req::TLS12_OBSOLETE_ALERTS, !obsolete, "an alert that is still in use", got)
}
