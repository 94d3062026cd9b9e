//! HelloRetryRequest and cookies: RFC 9147 §5.1, RFC 8446 §4.1.4.

use wire::dtls::RETRY_RANDOM;

use super::script::*;

case! {
    id: "dtls.13.retry.answered",
    title: "A client of 1.3 answers a HelloRetryRequest with the same hello, the cookie and the share asked for",
    reqs: [
        req::DTLS13_CLIENT_ACCEPTS_RETRY,
        req::DTLS13_COOKIE_ECHOED,
        req::DTLS13_LEGACY_COOKIE_EMPTY,
        req::DTLS13_SECOND_HELLO_FOLLOWS_FIRST,
        req::TLS13_COOKIE_COPIED,
        req::TLS13_SECOND_HELLO_SAME,
        req::TLS13_RETRY_ONE_SHARE,
        req::TLS13_RETRY_ANSWERED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        asks: ["cookie", "group", "both"],
        cookie: [1, 300],
    },
    run: answered,
}

fn answered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let asks = v.text("asks");
    let length = usize::try_from(v.number("cookie")).unwrap_or(1);
    let cookie = (asks != "group").then(|| vec![0xc7; length]);
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls13, |setup| {
        setup.config.groups = Some(vec![group::X25519, group::P256]);
        setup.profile.cookie.clone_from(&cookie);
        if asks != "cookie" {
            setup.profile.retry_group = Some(group::P256);
        }
    })?;
    t.stimulus(format_args!("a HelloRetryRequest that asks for {asks}"));
    s.tolerates(t, req::DTLS13_CLIENT_ACCEPTS_RETRY)?;
    let hellos = s.peer.log.client_hellos();
    let [first, second] = &hellos[..] else {
        return t.must(req::TLS13_RETRY_ANSWERED, false, "two hellos", hellos.len());
    };
    t.must(req::TLS13_RETRY_ANSWERED, true, "two hellos", "two")?;
    let echoed = second.extensions.get(ext::COOKIE).map(<[u8]>::to_vec);
    let wanted = cookie.as_deref().map(wire::dtls::vec16);
    t.must(req::DTLS13_COOKIE_ECHOED, echoed == wanted, "the cookie", format!("{echoed:?}"))?;
    t.must(req::TLS13_COOKIE_COPIED, echoed == wanted, "the cookie", format!("{echoed:?}"))?;
    t.must(req::DTLS13_LEGACY_COOKIE_EMPTY, second.cookie.is_empty(), "no cookie", "one")?;
    let shares: Vec<u16> = second.shares().iter().map(|(group, _)| *group).collect();
    let one = asks == "cookie" || shares == [group::P256];
    t.must(req::TLS13_RETRY_ONE_SHARE, one, "one share of P-256", format!("{shares:x?}"))?;
    let may_change = [ext::COOKIE, ext::KEY_SHARE, 21, 41, 42];
    let bare = |hello: &ClientHello| {
        let mut hello = hello.clone();
        hello.extensions.0.retain(|extension| !may_change.contains(&extension.kind));
        hello
    };
    let same = bare(first) == bare(second);
    t.must(req::TLS13_SECOND_HELLO_SAME, same, "the same hello", "another")?;
    let random = first.random == second.random;
    t.must(req::DTLS13_SECOND_HELLO_FOLLOWS_FIRST, random && same, "the same random", "another")
}

case! {
    id: "dtls.13.retry.refused",
    title: "A client of 1.3 refuses a HelloRetryRequest that makes no sense, and a ServerHello that breaks with one",
    reqs: [
        req::DTLS13_SECOND_RETRY_REFUSED,
        req::TLS13_SECOND_RETRY,
        req::TLS13_RETRY_WITHOUT_CHANGE,
        req::TLS13_RETRY_GROUP_REFUSED,
        req::TLS13_RETRY_SUITE_NOT_OFFERED,
        req::TLS13_RETRY_SUITE_CHANGED,
        req::TLS13_RETRY_VERSION_CHANGED,
        req::TLS13_SHARE_AS_RETRIED_REFUSED,
        req::TLS13_RETRY_CHECKED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        what: [
            "second", "no-change", "group-unoffered", "group-again", "suite", "compression",
            "suite-changed", "version-changed", "share-changed",
        ],
    },
    run: refused,
}

fn refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls13, |setup| {
        setup.config.groups = Some(vec![group::X25519, group::P256]);
        setup.profile.cookie = Some(vec![1; 16]);
        if what == "share-changed" {
            setup.profile.retry_group = Some(group::P256);
        }
    })?;
    s.peer.edit_server_hello(move |hello| {
        let is_retry = hello.is_retry();
        let extensions = &mut hello.extensions;
        match (what, is_retry) {
            ("second", false) => {
                hello.random = RETRY_RANDOM;
                extensions.remove(ext::KEY_SHARE);
                extensions.add(ext::COOKIE, vec![0, 1, 2]);
            }
            ("no-change", true) => extensions.remove(ext::COOKIE),
            ("group-unoffered", true) => extensions.add(ext::KEY_SHARE, vec![0, 25]),
            ("group-again", true) => {
                extensions.add(ext::KEY_SHARE, group::X25519.to_be_bytes().to_vec());
            }
            ("suite", true) => hello.suite = 0x3a3a,
            ("compression", true) => hello.compression = 1,
            ("suite-changed", false) => hello.suite = 0x1302,
            ("version-changed", false) => extensions.set(ext::SUPPORTED_VERSIONS, vec![0xfe, 0xfd]),
            ("share-changed", false) => {
                let share = extension::key_share(group::X25519, &[9; 32]);
                extensions.set(ext::KEY_SHARE, share);
            }
            _ => {}
        }
    });
    t.stimulus(format_args!("a retry that makes no sense: {what}"));
    let one: &[u8] = &[alert::ILLEGAL_PARAMETER];
    let (requirement, alerts): (Req, &[u8]) = match what {
        "second" => (req::TLS13_SECOND_RETRY, &[alert::UNEXPECTED_MESSAGE]),
        "no-change" => (req::TLS13_RETRY_WITHOUT_CHANGE, one),
        "group-unoffered" | "group-again" => (req::TLS13_RETRY_GROUP_REFUSED, one),
        "suite" => (req::TLS13_RETRY_SUITE_NOT_OFFERED, one),
        "compression" => (req::TLS13_RETRY_CHECKED, one),
        "suite-changed" => (req::TLS13_RETRY_SUITE_CHANGED, one),
        "version-changed" => (req::TLS13_RETRY_VERSION_CHANGED, one),
        _ => (req::TLS13_SHARE_AS_RETRIED_REFUSED, one),
    };
    s.refuses(t, requirement, alerts)?;
    if what == "second" {
        t.must(req::DTLS13_SECOND_RETRY_REFUSED, true, "an end", "an end")?;
    }
    Ok(())
}

case! {
    id: "dtls.13.retry.asked",
    title: "A server of 1.3 asks for a share it can use with a HelloRetryRequest of the right form",
    reqs: [
        req::TLS13_RETRY_FOR_SHARE,
        req::TLS13_RETRY_SUPPORTED_VERSIONS,
        req::TLS13_RETRY_EXTENSIONS,
        req::TLS13_RETRY_MINIMAL,
        req::TLS13_RETRY_SAME_SUITE,
        req::TLS13_SERVER_SHARE_OF_CLIENT_GROUP,
        req::DTLS13_MESSAGE_SEQ_FROM_ZERO,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { shares: ["none", "unknown"] },
    run: asked,
}

fn asked(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let unknown = v.text("shares") == "unknown";
    let mut s = DtlsStage::with(t, DtlsRole::Server, Version::Dtls13, |setup| {
        setup.profile.shares = Vec::new();
    })?;
    let mut has_begun = false;
    s.peer.edit_client_hello(move |hello| {
        if unknown && !has_begun {
            let groups = extension::list16(&[0x3a3a, group::X25519, group::P256]);
            hello.extensions.set(ext::SUPPORTED_GROUPS, groups);
            let shares = extension::key_shares(&[(0x3a3a, vec![1])]);
            hello.extensions.set(ext::KEY_SHARE, shares);
        }
        has_begun = true;
    });
    t.stimulus("a ClientHello without a share that can be used");
    s.begin(t);
    s.tolerates(t, req::TLS13_RETRY_FOR_SHARE)?;
    let hellos = s.peer.log.server_hellos();
    let [request, hello] = &hellos[..] else {
        return t.must(req::TLS13_RETRY_FOR_SHARE, false, "retry and hello", hellos.len());
    };
    let retry = request.is_retry() && !hello.is_retry();
    t.must(req::TLS13_RETRY_FOR_SHARE, retry, "retry and hello", "others")?;
    let has = request.extensions.has(ext::SUPPORTED_VERSIONS);
    t.must(req::TLS13_RETRY_SUPPORTED_VERSIONS, has, "supported_versions", "none")?;
    let known = [ext::SUPPORTED_VERSIONS, ext::KEY_SHARE, ext::COOKIE];
    let kinds = request.extensions.kinds();
    let few = kinds.iter().all(|kind| known.contains(kind));
    t.must(req::TLS13_RETRY_EXTENSIONS, few, "extensions of a retry", format!("{kinds:?}"))?;
    t.should(req::TLS13_RETRY_MINIMAL, few, "few extensions", format!("{kinds:?}"))?;
    let same = request.suite == hello.suite;
    t.must(req::TLS13_RETRY_SAME_SUITE, same, "the same suite", "another")?;
    let wanted = request.extensions.get(ext::KEY_SHARE).and_then(extension::read_u16);
    let given = hello.extensions.get(ext::KEY_SHARE).and_then(extension::read_key_share);
    let right = wanted.is_some() && given.map(|(group, _)| group) == wanted;
    t.must(req::TLS13_SERVER_SHARE_OF_CLIENT_GROUP, right, "the group asked for", "another")?;
    let seqs: Vec<u16> =
        s.peer.log.of(handshake::SERVER_HELLO).map(|message| message.seq).collect();
    t.must(req::DTLS13_MESSAGE_SEQ_FROM_ZERO, seqs == [0, 1], "0 and 1", format!("{seqs:?}"))
}

case! {
    id: "dtls.13.cookie.asked",
    title: "A server of 1.3 that wants a cookie sends little before it has one, and takes it back",
    reqs: [
        req::DTLS13_HELLO_RETRY_REQUEST,
        req::DTLS13_COOKIE_EXCHANGE,
        req::DTLS13_AMPLIFICATION_LIMIT,
        req::DTLS13_NO_HELLO_VERIFY_REQUEST,
        req::TLS13_COOKIE_IN_RETRY,
    ],
    kind: SubjectKind::Dtls,
    run: cookie_asked,
}

fn cookie_asked(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = DtlsStage::with(t, DtlsRole::Server, Version::Dtls13, |setup| {
        setup.config.cookies = true;
    })?;
    let flight = s.peer.start();
    let datagrams = s.peer.pack(&flight);
    let spent: usize = datagrams.iter().map(Vec::len).sum();
    s.say_datagrams(t, &datagrams, "a first ClientHello");
    let answers = s.listen(t, 3 * SECOND);
    let got: usize = s.heard.iter().map(|(_, datagram)| datagram.len()).sum();
    let shown = format!("{got} for {spent}");
    t.should(req::DTLS13_AMPLIFICATION_LIMIT, got <= 3 * spent, "three times at most", shown)?;
    let request = s.peer.log.server_hellos().into_iter().next();
    let asks = request.is_some_and(|hello| hello.is_retry() && hello.extensions.has(ext::COOKIE));
    t.should(req::DTLS13_COOKIE_EXCHANGE, asks, "a cookie asked for", "none")?;
    t.may(req::DTLS13_HELLO_RETRY_REQUEST, asks, "HelloRetryRequest", "none")?;
    t.may(req::TLS13_COOKIE_IN_RETRY, asks, "a cookie", "none")?;
    let old = s.peer.log.last(handshake::HELLO_VERIFY_REQUEST).is_none();
    t.must(req::DTLS13_NO_HELLO_VERIFY_REQUEST, old, "no HelloVerifyRequest", "one")?;
    for flight in answers {
        s.say(t, &flight);
    }
    s.finish(t)
}

case! {
    id: "dtls.13.cookie.invalid",
    title: "A second ClientHello of 1.3 with a spoiled cookie or another offer goes nowhere",
    reqs: [
        req::DTLS13_INVALID_COOKIE,
        req::DTLS13_COOKIE_UNFORGEABLE,
        req::DTLS13_SECOND_HELLO_CHECKED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { what: ["bit", "empty", "longer", "random", "suites"] },
    run: cookie_invalid,
}

fn cookie_invalid(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::with(t, DtlsRole::Server, Version::Dtls13, |setup| {
        setup.config.cookies = true;
    })?;
    s.peer.edit_client_hello(move |hello| {
        let Some(cookie) = hello.extensions.get(ext::COOKIE).map(<[u8]>::to_vec) else { return };
        let mut inner = cookie.get(2..).unwrap_or_default().to_vec();
        match what {
            "bit" => {
                if let Some(byte) = inner.last_mut() {
                    *byte ^= 1;
                }
            }
            "empty" => inner = vec![0],
            "longer" => inner.push(0),
            "random" => hello.random = [0x77; 32],
            _ => hello.suites.insert(0, 0x1302),
        }
        hello.extensions.set(ext::COOKIE, wire::dtls::vec16(&inner));
    });
    t.stimulus(format_args!("a second ClientHello that is spoiled: {what}"));
    s.begin(t);
    s.serve(t, SECOND);
    let asked = s.peer.log.server_hellos().iter().any(wire::dtls::ServerHello::is_retry);
    t.precondition(asked, "a HelloRetryRequest")?;
    let served = s.is_connected(t) || s.peer.log.last(handshake::ENCRYPTED_EXTENSIONS).is_some();
    let fatal = s.peer.log.fatal();
    let got = format!("served: {served}, alert {fatal:?}");
    if matches!(what, "random" | "suites") {
        return t.must(req::DTLS13_SECOND_HELLO_CHECKED, !served, "no service", got);
    }
    t.must(req::DTLS13_COOKIE_UNFORGEABLE, !served, "no service", &got)?;
    let right = fatal == Some(alert::ILLEGAL_PARAMETER);
    t.must(req::DTLS13_INVALID_COOKIE, right, "illegal_parameter", got)
}
