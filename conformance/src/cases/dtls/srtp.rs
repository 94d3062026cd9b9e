//! DTLS-SRTP: RFC 5764 §4; and the exporter by itself: RFC 5705 §4, RFC 8446 §7.5.

use super::script::*;

const PROFILES: [u16; 4] = [
    code::srtp::AES128_CM_SHA1_80,
    code::srtp::AES128_CM_SHA1_32,
    code::srtp::AEAD_AES_128_GCM,
    code::srtp::AEAD_AES_256_GCM,
];

/// The profile of this variant.
fn profile(v: &Variant) -> u16 {
    match v.text("profile") {
        "cm-80" => code::srtp::AES128_CM_SHA1_80,
        "cm-32" => code::srtp::AES128_CM_SHA1_32,
        "gcm-128" => code::srtp::AEAD_AES_128_GCM,
        _ => code::srtp::AEAD_AES_256_GCM,
    }
}

case! {
    id: "srtp.profile",
    title: "Each profile alone is agreed on, and its keys have its length and are those of the exporter",
    reqs: [
        req::DTLSSRTP_PROFILE_KEY_LENGTHS,
        req::DTLSSRTP_EXPORTER,
        req::DTLSSRTP_ONE_PROFILE,
        req::DTLSSRTP_OFFERED_PROFILE,
        req::DTLSSRTP_SERVER_ANSWERS,
        req::TLS13_EXPORTER,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        version: ["1.2", "1.3"],
        profile: ["cm-80", "cm-32", "gcm-128", "gcm-256"],
    },
    run: each,
}

fn each(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let profile = profile(v);
    let mut s = DtlsStage::with(t, role(v), version(v), |setup| {
        setup.profile.srtp = vec![profile];
    })?;
    t.stimulus("a peer with one profile");
    s.connect(t)?;
    let Some((given, keys)) = s.srtp_keys(t) else {
        let offered = s.peer.log.client_hellos().into_iter().next();
        let offered = offered.and_then(|hello| {
            extension::read_use_srtp(hello.extensions.get(ext::USE_SRTP)?).map(|(list, _)| list)
        });
        // A stack need not have all profiles, but what it offers it has to take.
        if s.peer.negotiated.srtp.is_none() && !offered.is_some_and(|list| list.contains(&profile))
        {
            return Err(Stop::Unsupported("the endpoint does not have this profile".to_owned()));
        }
        return t.must(req::DTLSSRTP_EXPORTER, false, "keys", "none");
    };
    t.must(req::DTLSSRTP_OFFERED_PROFILE, given == profile, profile, given)?;
    if role(v) == DtlsRole::Server {
        let answered = s.peer.negotiated.srtp;
        let right = answered == Some(profile);
        t.must(req::DTLSSRTP_SERVER_ANSWERS, right, profile, format!("{answered:?}"))?;
        let faults = s.peer.log.faults.join("; ");
        t.must(req::DTLSSRTP_ONE_PROFILE, faults.is_empty(), "one profile", faults)?;
    }
    let length = code::srtp::keys_len(profile).unwrap_or_default();
    t.must(req::DTLSSRTP_PROFILE_KEY_LENGTHS, keys.len() == length, length, keys.len())?;
    let expected = s.peer.export(SRTP_LABEL, None, length).unwrap_or_default();
    t.must(req::DTLSSRTP_EXPORTER, keys == expected, "the keys of the exporter", "others")?;
    if version(v) == Version::Dtls13 {
        t.must(req::TLS13_EXPORTER, keys == expected, "the exporter master secret", "another")?;
    }
    Ok(())
}

case! {
    id: "srtp.no-overlap",
    title: "Without a profile in common there are no keys, and the answer has no use_srtp",
    reqs: [req::DTLSSRTP_NO_SHARED_PROFILE, req::DTLSSRTP_AFTER_HANDSHAKE],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"], offers: ["unknown", "none"] },
    run: no_overlap,
}

fn no_overlap(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let unknown = v.text("offers") == "unknown";
    let mut s = DtlsStage::with(t, DtlsRole::Server, version(v), |setup| {
        setup.profile.srtp = if unknown { vec![0x3a3a, 0x0005] } else { Vec::new() };
    })?;
    t.stimulus("a client without a profile in common");
    s.begin(t);
    let done = s.completes(t, LONG);
    let (keys, answer) = (s.srtp_keys(t), s.peer.negotiated.srtp);
    t.must(req::DTLSSRTP_AFTER_HANDSHAKE, keys.is_none(), "no keys", format!("{keys:?}"))?;
    let silent = answer.is_none() && (done || s.peer.log.fatal().is_some());
    t.should(req::DTLSSRTP_NO_SHARED_PROFILE, silent, "no use_srtp", format!("{answer:?}"))
}

case! {
    id: "srtp.no-mki",
    title: "An MKI that a client offers is echoed or left out, never changed, and the handshake goes on",
    reqs: [req::DTLSSRTP_MKI_ANSWER],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"] },
    run: no_mki,
}

fn no_mki(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mki = vec![1, 2, 3, 4];
    let mut s = DtlsStage::with(t, DtlsRole::Server, version(v), |setup| {
        setup.profile.mki.clone_from(&mki);
        setup.profile.srtp = PROFILES.to_vec();
    })?;
    t.stimulus("a client with an MKI");
    s.begin(t);
    let done = s.completes(t, LONG);
    let answered = s.peer.negotiated.mki.clone();
    let right = done && (answered.is_empty() || answered == mki);
    t.must(req::DTLSSRTP_MKI_ANSWER, right, "none, or the same", format!("{answered:?}"))
}

case! {
    id: "dtls.13.exporter",
    title: "The exporter of 1.3 gives both sides the same for any label, context and length",
    reqs: [req::TLS13_EXPORTER],
    kind: SubjectKind::Dtls,
    needs: [Cap::DtlsExporter],
    variants: product! { role: ["client", "server"], length: [1, 32, 200], context: [false, true] },
    no_reference: "no other stack in process exports for any label",
    run: exporter,
}

fn exporter(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.connect(t)?;
    let context: Option<&[u8]> = v.flag("context").then_some(b"some context");
    let length = usize::try_from(v.number("length")).unwrap_or(1);
    let label = "EXPERIMENTAL of the suite";
    let given = needed(s.command(t, |endpoint, _| endpoint.export(label, context, length)))?;
    t.stimulus("a label to export for");
    let expected = s.peer.export(label, context, length).unwrap_or_default();
    t.must(req::TLS13_EXPORTER, given == expected, "the same", "others")
}

case! {
    id: "dtls.alpn",
    title: "The first protocol of the server that the client offers is chosen, on both sides",
    reqs: [req::ALPN_DEFINITIVE],
    kind: SubjectKind::Dtls,
    needs: [Cap::DtlsAlpn],
    variants: product! { role: ["client", "server"], version: ["1.2", "1.3"] },
    no_reference: "the other stack in process has no ALPN",
    run: alpn,
}

fn alpn(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let names = [b"c-webrtc".to_vec(), b"webrtc".to_vec()];
    let mut s = DtlsStage::with(t, role(v), version(v), |setup| {
        setup.config.alpn = names.to_vec();
        setup.profile.alpn = vec![b"webrtc".to_vec(), b"other".to_vec()];
    })?;
    t.stimulus("a peer with ALPN");
    s.connect(t)?;
    let chosen = needed(s.command(t, |endpoint, _| endpoint.alpn()))?;
    let right = chosen.as_deref() == Some(b"webrtc") && s.peer.negotiated.alpn == chosen;
    t.must(req::ALPN_DEFINITIVE, right, "webrtc", format!("{chosen:?}"))
}
