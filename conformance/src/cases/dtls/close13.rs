//! The end: alerts and close_notify of 1.3: RFC 8446 §6, RFC 9147 §5.10.

use super::script::*;

case! {
    id: "dtls.13.close.received",
    title: "close_notify ends the connection for the application, and what comes after it is ignored",
    reqs: [
        req::TLS13_CLOSE_NOTIFY_TOLD,
        req::TLS13_DATA_AFTER_CLOSE,
        req::DTLS13_DATA_AFTER_CLOSE_IGNORED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"] },
    run: close_received,
}

fn close_received(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.connect(t)?;
    let before = s.delivered(t).len();
    let close = s.peer.alert(1, alert::CLOSE_NOTIFY);
    s.send_stimulus(t, &close, "close_notify");
    let told = s.is_over(t);
    t.should(req::TLS13_CLOSE_NOTIFY_TOLD, told, "the end of data", "nothing")?;
    let record = s.peer.data(DATA);
    s.send_stimulus(t, &record, "data after that");
    s.listen(t, SOON);
    let fresh = s.delivered(t).len() - before;
    t.must(req::TLS13_DATA_AFTER_CLOSE, fresh == 0, "nothing", fresh)?;
    t.must(req::DTLS13_DATA_AFTER_CLOSE_IGNORED, fresh == 0, "nothing", fresh)
}

case! {
    id: "dtls.13.close.sent",
    title: "An endpoint of 1.3 that is told to close says close_notify under its keys",
    reqs: [req::DTLS13_CLOSE_NOTIFY, req::TLS13_CLOSE_NOTIFY_SENT],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"] },
    run: close_sent,
}

fn close_sent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.connect(t)?;
    needed(s.command(t, |endpoint, now| endpoint.close(now)))?;
    t.stimulus("the command to close");
    s.listen(t, SECOND);
    let alerts = s.peer.log.alerts.clone();
    let right = alerts.iter().any(|(epoch, _, what)| *epoch == 3 && *what == alert::CLOSE_NOTIFY);
    t.must(req::DTLS13_CLOSE_NOTIFY, right, "close_notify in epoch 3", format!("{alerts:?}"))?;
    t.must(req::TLS13_CLOSE_NOTIFY_SENT, right, "close_notify", format!("{alerts:?}"))
}

case! {
    id: "dtls.13.alert.received",
    title: "An error alert under keys ends the connection, whatever its level and number",
    reqs: [
        req::TLS13_FATAL_CLOSES,
        req::TLS13_ALERTS_FATAL,
        req::TLS13_UNKNOWN_ALERT_FATAL,
        req::TLS13_ERROR_ALERT_ENDS,
        req::TLS13_ERROR_ALERT_TOLD,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"], what: ["fatal", "warning", "unknown"] },
    run: alert_received,
}

fn alert_received(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.connect(t)?;
    let (level, description) = match what {
        "fatal" => (2, alert::HANDSHAKE_FAILURE),
        "warning" => (1, alert::HANDSHAKE_FAILURE),
        _ => (2, 199),
    };
    let record = s.peer.alert(level, description);
    s.send_stimulus(t, &record, what);
    let told = s.is_over(t);
    let before = s.delivered(t).len();
    let data = s.peer.data(DATA);
    s.send_stimulus(t, &data, "data after that");
    let refused = s.command(t, |endpoint, now| endpoint.send(now, DATA)).is_err();
    s.listen(t, SOON);
    let silent = s.delivered(t).len() == before && refused;
    let requirement = match what {
        "fatal" => req::TLS13_FATAL_CLOSES,
        "warning" => req::TLS13_ALERTS_FATAL,
        _ => req::TLS13_UNKNOWN_ALERT_FATAL,
    };
    let got = format!("told: {told}, refused: {refused}");
    t.must(requirement, told && silent, "an end", &got)?;
    t.must(req::TLS13_ERROR_ALERT_ENDS, silent, "no data any more", &got)?;
    t.should(req::TLS13_ERROR_ALERT_TOLD, told, "an end that is told", got)
}
