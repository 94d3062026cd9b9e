//! Which version is spoken: RFC 9147 §5.3, RFC 8446 §4.1.3, §4.2.1.

use super::script::*;

/// What a server of 1.3 that chose 1.2 writes at the end of its random.
const SENTINEL: &[u8] = b"DOWNGRD\x01";

case! {
    id: "dtls.fallback",
    title: "The best version that both sides speak is spoken, with cookies and without",
    reqs: [
        req::DTLS13_CLIENT_FALLS_BACK,
        req::TLS13_ALSO_12,
        req::TLS13_NO_SUPPORTED_VERSIONS,
        req::TLS13_VERSION_FROM_LIST,
        req::TLS13_12_WITHOUT_EXTENSION,
        req::TLS13_SELECTED_VERSION,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        peer: ["1.2", "1.3", "both"],
        cookie: [false, true],
    },
    run: fallback,
}

fn fallback(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let versions = match v.text("peer") {
        "1.2" => vec![Version::Dtls12],
        "1.3" => vec![Version::Dtls13],
        _ => vec![Version::Dtls13, Version::Dtls12],
    };
    let best = versions.first().copied().unwrap_or(Version::Dtls12);
    let role = role(v);
    let mut s = DtlsStage::with(t, role, best, |setup| {
        setup.config.versions = (DtlsVersion::Dtls12, DtlsVersion::Dtls13);
        setup.profile.versions.clone_from(&versions);
        if v.flag("cookie") {
            setup.config.cookies = role == DtlsRole::Server;
            setup.profile.cookie = Some(vec![3; 20]);
        }
    })?;
    t.stimulus(format_args!("a peer of {}", v.text("peer")));
    s.begin(t);
    let done = s.completes(t, LONG) && s.data_passes(t);
    let spoken = s.peer.negotiated.version;
    let said = s.command(t, |endpoint, _| endpoint.version());
    let right = done && spoken == Some(best) && said == Some(named(best));
    let got = format!("{spoken:?}, {said:?}, {}", s.state(t));
    if role == DtlsRole::Client {
        let requirement = match best {
            Version::Dtls12 => req::DTLS13_CLIENT_FALLS_BACK,
            Version::Dtls13 => req::TLS13_VERSION_FROM_LIST,
        };
        return t.must(requirement, right, format_args!("{best:?}"), got);
    }
    t.should(req::TLS13_ALSO_12, right, format_args!("{best:?}"), &got)?;
    let hello = t.expect(s.peer.log.server_hellos().pop(), "a ServerHello")?;
    let says = hello.extensions.has(ext::SUPPORTED_VERSIONS);
    match best {
        Version::Dtls12 => {
            t.must(req::TLS13_12_WITHOUT_EXTENSION, !says, "no supported_versions", "one")?;
            t.must(req::TLS13_NO_SUPPORTED_VERSIONS, right, "1.2", got)
        }
        Version::Dtls13 => {
            t.must(req::TLS13_SELECTED_VERSION, says, "supported_versions", "none")?;
            t.must(req::TLS13_VERSION_FROM_LIST, right, "1.3", got)
        }
    }
}

case! {
    id: "dtls.downgrade.sent",
    title: "A server of both versions that is offered 1.2 alone says in its random that it knows better",
    reqs: [req::DTLS13_DOWNGRADE_SENTINEL, req::TLS13_SENTINEL_12],
    kind: SubjectKind::Dtls,
    run: downgrade_sent,
}

fn downgrade_sent(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = DtlsStage::with(t, DtlsRole::Server, Version::Dtls12, |setup| {
        setup.config.versions = (DtlsVersion::Dtls12, DtlsVersion::Dtls13);
    })?;
    t.stimulus("a client of 1.2 alone");
    s.connect(t)?;
    let hello = t.expect(s.peer.log.server_hellos().pop(), "a ServerHello")?;
    let says = hello.random.ends_with(SENTINEL);
    // Stacks throw dice of their own: what stands there instead would differ from run to run.
    let got = if says { "the sentinel" } else { "another end of the random" };
    t.must(req::DTLS13_DOWNGRADE_SENTINEL, says, "the sentinel", got)?;
    t.must(req::TLS13_SENTINEL_12, says, "the sentinel", got)
}

case! {
    id: "dtls.downgrade.detected",
    title: "A client of both versions that is answered with 1.2 and the sentinel aborts",
    reqs: [
        req::DTLS13_DOWNGRADE_DETECTED,
        req::TLS13_SENTINEL_CHECKED,
        req::TLS13_SENTINEL_ABORT,
    ],
    kind: SubjectKind::Dtls,
    run: downgrade_detected,
}

fn downgrade_detected(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls12, |setup| {
        setup.config.versions = (DtlsVersion::Dtls12, DtlsVersion::Dtls13);
    })?;
    s.peer.edit_server_hello(|hello| {
        for (place, byte) in hello.random.iter_mut().skip(24).zip(SENTINEL) {
            *place = *byte;
        }
    });
    t.stimulus("a ServerHello of 1.2 with the sentinel");
    s.refuses(t, req::DTLS13_DOWNGRADE_DETECTED, &[alert::ILLEGAL_PARAMETER])?;
    t.must(req::TLS13_SENTINEL_CHECKED, true, "an end", "an end")?;
    t.must(req::TLS13_SENTINEL_ABORT, true, "illegal_parameter", "illegal_parameter")
}

case! {
    id: "dtls.pq-hello",
    title: "A ClientHello over several datagrams is served, whatever part holds the versions",
    reqs: [
        req::DTLS12_FRAGMENTS_REASSEMBLED,
        req::DTLS13_FRAGMENTS_REASSEMBLED,
        req::DTLS13_MESSAGES_IN_SEVERAL_RECORDS,
        req::TLS13_EXTENSION_ORDER,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        peer: ["1.2", "1.3", "both"],
        versions: ["first", "last"],
        reversed: [false, true],
    },
    run: pq_hello,
}

fn pq_hello(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let versions = match v.text("peer") {
        "1.2" => vec![Version::Dtls12],
        "1.3" => vec![Version::Dtls13],
        _ => vec![Version::Dtls13, Version::Dtls12],
    };
    let best = versions.first().copied().unwrap_or(Version::Dtls12);
    let mut s = DtlsStage::with(t, DtlsRole::Server, best, |setup| {
        setup.config.versions = (DtlsVersion::Dtls12, DtlsVersion::Dtls13);
        setup.config.groups = Some(vec![group::X25519, group::P256]);
        setup.profile.versions.clone_from(&versions);
        setup.profile.groups = vec![group::X25519_MLKEM768, group::X25519, group::P256];
        setup.profile.shares = vec![group::X25519_MLKEM768, group::X25519];
    })?;
    let last = v.text("versions") == "last";
    let padded = best == Version::Dtls12;
    s.peer.edit_client_hello(move |hello| {
        if last {
            hello.extensions.0.reverse();
        }
        if padded {
            // Without shares there is padding in their place (RFC 7685 §3).
            hello.extensions.0.insert(0, wire::dtls::Extension { kind: 21, data: vec![0; 1_300] });
        }
    });
    let flight = s.peer.start();
    let mut datagrams = s.peer.pack_with(&flight, Packing::of_mtu(1_100));
    t.precondition(datagrams.len() > 1, "a ClientHello of several datagrams")?;
    if v.flag("reversed") {
        datagrams.reverse();
    }
    s.say_datagrams(t, &datagrams, "a ClientHello in parts");
    let done = s.completes(t, LONG) && s.data_passes(t);
    let right = done && s.peer.negotiated.version == Some(best);
    let got = s.state(t);
    match best {
        Version::Dtls12 => t.must(req::DTLS12_FRAGMENTS_REASSEMBLED, right, "1.2", got),
        Version::Dtls13 => {
            t.must(req::DTLS13_FRAGMENTS_REASSEMBLED, right, "1.3", &got)?;
            t.may(req::TLS13_EXTENSION_ORDER, right, "any order", &got)?;
            t.may(req::DTLS13_MESSAGES_IN_SEVERAL_RECORDS, right, "several records", got)
        }
    }
}

case! {
    id: "dtls.pq-hello.sent",
    title: "A client whose ClientHello has a share of ML-KEM sends it in datagrams that fit, and is served",
    reqs: [req::DTLS13_TOO_BIG_FRAGMENTED, req::DTLS13_FRAGMENT_FIELDS],
    kind: SubjectKind::Dtls,
    needs: [Cap::DtlsHybrid],
    variants: product! { retry: [false, true] },
    no_reference: "no other stack in process has the group",
    run: pq_hello_sent,
}

fn pq_hello_sent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let retry = v.flag("retry");
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls13, |setup| {
        setup.config.shares = Some(if retry {
            vec![group::X25519_MLKEM768]
        } else {
            vec![group::X25519_MLKEM768, group::X25519]
        });
    })?;
    t.stimulus("a client with a share of ML-KEM");
    s.connect(t)?;
    let longest = s.heard.iter().map(|(_, datagram)| datagram.len()).max().unwrap_or(0);
    t.should(req::DTLS13_TOO_BIG_FRAGMENTED, longest <= 1_252, "1,252 bytes at most", longest)?;
    let first = t.expect(s.peer.log.client_hellos().into_iter().next(), "a ClientHello")?;
    let has = first
        .shares()
        .iter()
        .any(|(group, share)| *group == group::X25519_MLKEM768 && share.len() == 1_216);
    t.must(req::DTLS13_FRAGMENT_FIELDS, has, "a share of 1,216 bytes", "none")
}
