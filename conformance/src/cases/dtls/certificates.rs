//! Who the peer is: RFC 8122 §6.2, RFC 8842 §5.1, and what waits until that is known.

use super::script::*;

case! {
    id: "dtls.cert.mismatch",
    title: "A peer with another certificate than the one expected gets an alert, and nothing is exported",
    reqs: [
        req::FP_MISMATCH_NOT_ESTABLISHED,
        req::FP_CLIENT_TERMINATES,
        req::FP_SERVER_TERMINATES,
        req::DTLSSDP_MISMATCH_TEARS_DOWN,
        req::DTLSSDP_CERTIFICATE_MATCHES,
        req::DTLSSRTP_AFTER_HANDSHAKE,
    ],
    kind: SubjectKind::Dtls,
    needs: [Cap::DtlsFingerprint],
    variants: product! { role: ["client", "server"], version: ["1.2", "1.3"] },
    no_reference: "the other stack in process leaves fingerprints to its user",
    run: mismatch,
}

fn mismatch(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let role = role(v);
    let mut s = DtlsStage::with(t, role, version(v), |setup| {
        setup.introduced = false;
        setup.config.fingerprint = Some([0xa5; 32]);
    })?;
    t.stimulus("a certificate that nobody expects");
    s.begin(t);
    s.serve(t, SECOND);
    let record = s.peer.data(DATA);
    s.send_stimulus(t, &record, "data of the stranger");
    s.serve(t, SECOND);
    let (connected, keys) = (s.is_connected(t), s.srtp_keys(t).is_some());
    let delivered = s.delivered(t).len();
    let exported = s.command(t, |endpoint, _| endpoint.export(SRTP_LABEL, None, 60)).is_ok();
    let (fatal, over) = (s.peer.log.fatal(), s.is_over(t));
    let got = format!(
        "connected: {connected}, keys: {keys}, exported: {exported}, delivered {delivered}, \
         alert {fatal:?}, over: {over}"
    );
    let closed = !connected && !keys && !exported && delivered == 0;
    t.must(req::FP_MISMATCH_NOT_ESTABLISHED, closed, "nothing", &got)?;
    t.must(req::DTLSSDP_CERTIFICATE_MATCHES, closed, "nothing", &got)?;
    t.must(req::DTLSSRTP_AFTER_HANDSHAKE, !keys, "no keys", &got)?;
    t.must(req::DTLSSDP_MISMATCH_TEARS_DOWN, over, "an end", &got)?;
    let right = fatal == Some(alert::BAD_CERTIFICATE);
    let requirement = match role {
        DtlsRole::Client => req::FP_CLIENT_TERMINATES,
        DtlsRole::Server => req::FP_SERVER_TERMINATES,
    };
    t.must(requirement, right, "bad_certificate", got)
}

case! {
    id: "dtls.cert.late",
    title: "Until the fingerprint comes nothing is delivered or exported; then it counts",
    reqs: [
        req::FP_LISTENS_AT_ONCE,
        req::FP_DATA_WAITS,
        req::FP_LATE_MISMATCH,
        req::DTLSSDP_UNVERIFIED_UNTIL_FINGERPRINT,
        req::DTLSSDP_EARLY_HELLO,
    ],
    kind: SubjectKind::Dtls,
    needs: [Cap::DtlsFingerprint],
    variants: product! {
        role: ["client", "server"],
        version: ["1.2", "1.3"],
        fits: [true, false],
    },
    no_reference: "the other stack in process leaves fingerprints to its user",
    run: late,
}

fn late(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let fits = v.flag("fits");
    let mut s = DtlsStage::with(t, role(v), version(v), |setup| setup.introduced = false)?;
    t.stimulus("a peer that is not known yet");
    s.begin(t);
    s.serve(t, SECOND);
    let served = s.peer.is_connected();
    let got = s.state(t);
    t.must(req::FP_LISTENS_AT_ONCE, served, "a handshake", &got)?;
    t.must(req::DTLSSDP_EARLY_HELLO, served, "a handshake", got)?;
    let record = s.peer.data(DATA);
    s.send_stimulus(t, &record, "data of a peer that is not known yet");
    let early = s.delivered(t).len();
    t.must(req::FP_DATA_WAITS, early == 0, "nothing delivered", early)?;
    let exported = s.command(t, |endpoint, _| endpoint.export(SRTP_LABEL, None, 60)).is_ok();
    let keys = exported || s.srtp_keys(t).is_some() || s.is_connected(t);
    t.must(req::DTLSSDP_UNVERIFIED_UNTIL_FINGERPRINT, !keys, "no keys", "keys")?;
    let expected = if fits { s.peer.identity.fingerprint() } else { [0xa5; 32] };
    needed(s.command(t, |endpoint, now| endpoint.expect_peer(now, expected)))?;
    s.serve(t, SECOND);
    if fits {
        let passes = s.is_connected(t) && s.srtp_keys(t).is_some() && s.data_passes(t);
        let got = s.state(t);
        return t.must(req::FP_DATA_WAITS, passes, "keys and data", got);
    }
    let (fatal, over) = (s.peer.log.fatal(), s.is_over(t) && !s.is_connected(t));
    let right = over && fatal == Some(alert::BAD_CERTIFICATE);
    t.must(req::FP_LATE_MISMATCH, right, "bad_certificate", format!("{fatal:?}, over: {over}"))
}

case! {
    id: "dtls.cert.presented",
    title: "Both sides present a certificate and prove that they have its key",
    reqs: [
        req::FP_SERVER_PRESENTS,
        req::FP_CLIENT_PRESENTS,
        req::FP_SERVER_REQUESTS,
        req::FP_HASH_OF_DER,
        req::TLS13_SERVER_CERTIFICATE,
        req::TLS13_SERVER_VERIFY,
        req::TLS13_CLIENT_VERIFY,
        req::TLS13_CLIENT_CERTIFICATE,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"], version: ["1.2", "1.3"] },
    run: presented,
}

fn presented(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    t.stimulus("a peer that keeps to the rules");
    s.connect(t)?;
    let own = s.command(t, |endpoint, _| endpoint.certificate());
    let shown = s.peer.negotiated.certificates.first() == Some(&own);
    let proved = s.peer.negotiated.is_proved;
    let is13 = version(v) == Version::Dtls13;
    t.must(req::FP_HASH_OF_DER, shown, "its certificate", "another")?;
    match role(v) {
        DtlsRole::Client => {
            t.must(req::FP_CLIENT_PRESENTS, shown && proved, "its certificate", "none")?;
            if is13 {
                t.must(req::TLS13_CLIENT_CERTIFICATE, shown, "Certificate", "none")?;
                t.must(req::TLS13_CLIENT_VERIFY, proved, "CertificateVerify", "none")?;
            }
        }
        DtlsRole::Server => {
            let asked = s.peer.log.last(handshake::CERTIFICATE_REQUEST).is_some();
            t.must(req::FP_SERVER_REQUESTS, asked, "CertificateRequest", "none")?;
            t.must(req::FP_SERVER_PRESENTS, shown && proved, "its certificate", "none")?;
            if is13 {
                t.must(req::TLS13_SERVER_CERTIFICATE, shown, "Certificate", "none")?;
                t.must(req::TLS13_SERVER_VERIFY, proved, "CertificateVerify", "none")?;
            }
        }
    }
    Ok(())
}
