//! ClientHellos of 1.3 that a server refuses, and those it has to take.

use super::script::*;

/// What the requirements call the alerts for parameters without overlap.
const NO_OVERLAP: &[u8] = &[alert::HANDSHAKE_FAILURE, alert::INSUFFICIENT_SECURITY];
/// Values of the kind that RFC 8701 §2 sets aside so that nobody grows stiff.
const UNKNOWN: u16 = 0x3a3a;

case! {
    id: "dtls.13.hello.refused",
    title: "A ClientHello of 1.3 that cannot be served ends the handshake with the alert for that",
    reqs: [
        req::DTLS13_COOKIE_FIELD_REFUSED,
        req::TLS13_COMPRESSION_REFUSED,
        req::TLS13_HELLO_INCOMPLETE,
        req::TLS13_SIGNATURE_ALGORITHMS_MISSING,
        req::TLS13_NOTHING_IN_COMMON_ALERT,
        req::TLS13_NO_COMMON_GROUP,
        req::TLS13_EXTENSION_TWICE_REFUSED,
        req::TLS13_POINT_CHECKED,
        req::TLS13_SHARED_SECRET_ZERO,
        req::TLS13_DECODE_ERROR,
        req::TLS13_ILLEGAL_PARAMETER,
        req::TLS13_OLDER_CLIENT_REFUSED,
        req::DTLSSRTP_MALFORMED_REFUSED,
        req::RSL_MINIMUM_RECEIVED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        what: [
            "cookie-field", "compression", "no-groups", "no-shares", "no-signatures", "suites",
            "groups", "extension-twice", "point", "zero-share", "share-length", "cut-short",
            "trailing", "old-versions", "srtp-malformed", "record-limit",
        ],
    },
    run: refused,
}

fn refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::with(t, DtlsRole::Server, Version::Dtls13, |setup| {
        if what == "point" {
            setup.profile.shares = vec![group::P256];
        }
        if what == "record-limit" {
            setup.config.record_size_limit = Some(1_024);
        }
    })?;
    s.peer.edit(handshake::CLIENT_HELLO, move |body| spoil(body, what));
    let (requirement, alerts) = meant(what);
    s.begin(t);
    t.stimulus(format_args!("a ClientHello that is spoiled: {what}"));
    s.refuses(t, requirement, alerts)
}

fn spoil(body: &mut Vec<u8>, what: &str) {
    match what {
        "cut-short" => body.truncate(body.len() - 3),
        "trailing" => body.push(0),
        _ => {
            if let Some(mut hello) = ClientHello::read(body) {
                spoil_fields(&mut hello, what);
                *body = hello.write();
            }
        }
    }
}

fn spoil_fields(hello: &mut ClientHello, what: &str) {
    let extensions = &mut hello.extensions;
    let zeros = |count: usize| extension::key_shares(&[(group::X25519, vec![0; count])]);
    match what {
        "cookie-field" => hello.cookie = vec![1, 2, 3],
        "compression" => hello.compression = vec![0, 1],
        "no-groups" => extensions.remove(ext::SUPPORTED_GROUPS),
        "no-shares" => extensions.remove(ext::KEY_SHARE),
        "no-signatures" => extensions.remove(ext::SIGNATURE_ALGORITHMS),
        "suites" => hello.suites = vec![UNKNOWN],
        "groups" => {
            extensions.set(ext::SUPPORTED_GROUPS, extension::list16(&[UNKNOWN]));
            let shares = extension::key_shares(&[(UNKNOWN, vec![1])]);
            extensions.set(ext::KEY_SHARE, shares);
        }
        "extension-twice" => {
            let again = extensions.get(ext::SUPPORTED_GROUPS).unwrap_or_default().to_vec();
            extensions.add(ext::SUPPORTED_GROUPS, again);
        }
        "point" => {
            let point = [vec![4], vec![1; 64]].concat();
            extensions.set(ext::KEY_SHARE, extension::key_shares(&[(group::P256, point)]));
        }
        "zero-share" => extensions.set(ext::KEY_SHARE, zeros(32)),
        "share-length" => extensions.set(ext::KEY_SHARE, zeros(31)),
        "old-versions" => extensions.remove(ext::SUPPORTED_VERSIONS),
        "srtp-malformed" => extensions.set(ext::USE_SRTP, vec![0, 3, 0, 7, 0, 0]),
        "record-limit" => extensions.set(ext::RECORD_SIZE_LIMIT, vec![0, 63]),
        _ => {}
    }
}

fn meant(what: &str) -> (Req, &'static [u8]) {
    match what {
        "cookie-field" => (req::DTLS13_COOKIE_FIELD_REFUSED, &[alert::ILLEGAL_PARAMETER]),
        "compression" => (req::TLS13_COMPRESSION_REFUSED, &[alert::ILLEGAL_PARAMETER]),
        "no-groups" | "no-shares" => (req::TLS13_HELLO_INCOMPLETE, &[alert::MISSING_EXTENSION]),
        "no-signatures" => (req::TLS13_SIGNATURE_ALGORITHMS_MISSING, &[alert::MISSING_EXTENSION]),
        "suites" => (req::TLS13_NOTHING_IN_COMMON_ALERT, NO_OVERLAP),
        "groups" => (req::TLS13_NO_COMMON_GROUP, NO_OVERLAP),
        "extension-twice" => {
            let alerts = &[alert::DECODE_ERROR, alert::ILLEGAL_PARAMETER];
            (req::TLS13_EXTENSION_TWICE_REFUSED, alerts)
        }
        "point" => (req::TLS13_POINT_CHECKED, &[alert::ILLEGAL_PARAMETER]),
        "zero-share" => {
            let alerts = &[alert::ILLEGAL_PARAMETER, alert::HANDSHAKE_FAILURE];
            (req::TLS13_SHARED_SECRET_ZERO, alerts)
        }
        "share-length" => (req::TLS13_ILLEGAL_PARAMETER, &[alert::ILLEGAL_PARAMETER]),
        "old-versions" => (req::TLS13_OLDER_CLIENT_REFUSED, &[alert::PROTOCOL_VERSION]),
        "srtp-malformed" => (req::DTLSSRTP_MALFORMED_REFUSED, &[alert::DECODE_ERROR]),
        "record-limit" => (req::RSL_MINIMUM_RECEIVED, &[alert::ILLEGAL_PARAMETER]),
        _ => (req::TLS13_DECODE_ERROR, &[alert::DECODE_ERROR]),
    }
}

case! {
    id: "dtls.13.hello.tolerated",
    title: "A ClientHello of 1.3 with things that a server does not know is served",
    reqs: [
        req::TLS13_UNKNOWN_SUITES_IGNORED,
        req::TLS13_UNKNOWN_EXTENSIONS_IGNORED,
        req::TLS13_EXTENSIBLE_FIELDS,
        req::TLS13_VERSION_FROM_LIST,
        req::TLS13_SUPPORTED_VERSIONS_ONLY,
        req::TLS13_PSK_IGNORED,
        req::DTLS13_NO_SESSION_ID_ECHO,
        req::RSL_SERVER_TOLERATES,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        what: [
            "suites", "extensions", "groups", "schemes", "versions", "version-field",
            "session-id", "order", "record-limit", "psk-modes",
        ],
    },
    run: tolerated,
}

fn tolerated(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::open(t, DtlsRole::Server, Version::Dtls13)?;
    s.peer.edit_client_hello(move |hello| stretch(hello, what));
    s.begin(t);
    t.stimulus(format_args!("a ClientHello with something unknown: {what}"));
    let requirement = match what {
        "suites" => req::TLS13_UNKNOWN_SUITES_IGNORED,
        "extensions" => req::TLS13_UNKNOWN_EXTENSIONS_IGNORED,
        "versions" => req::TLS13_VERSION_FROM_LIST,
        "version-field" => req::TLS13_SUPPORTED_VERSIONS_ONLY,
        "session-id" => req::DTLS13_NO_SESSION_ID_ECHO,
        "record-limit" => req::RSL_SERVER_TOLERATES,
        "psk-modes" => req::TLS13_PSK_IGNORED,
        _ => req::TLS13_EXTENSIBLE_FIELDS,
    };
    s.tolerates(t, requirement)?;
    let echoed = s.peer.log.server_hellos().iter().any(|hello| !hello.session_id.is_empty());
    t.must(
        if what == "session-id" { req::DTLS13_NO_SESSION_ID_ECHO } else { requirement },
        !echoed,
        "an empty session id",
        "an echo",
    )
}

fn stretch(hello: &mut ClientHello, what: &str) {
    let extensions = &mut hello.extensions;
    match what {
        "suites" => hello.suites = [vec![UNKNOWN], hello.suites.clone(), vec![0xfafa]].concat(),
        "extensions" => {
            extensions.0.insert(0, wire::dtls::Extension { kind: UNKNOWN, data: vec![0] });
            extensions.add(0xfafa, Vec::new());
        }
        "groups" => {
            let groups = extension::list16(&[UNKNOWN, group::X25519, group::P256]);
            extensions.set(ext::SUPPORTED_GROUPS, groups);
            let mut shares = vec![(UNKNOWN, vec![0])];
            let data = extensions.get(ext::KEY_SHARE).unwrap_or_default();
            shares.extend(extension::read_key_shares(data).unwrap_or_default());
            extensions.set(ext::KEY_SHARE, extension::key_shares(&shares));
        }
        "schemes" => {
            let schemes = extension::list16(&[UNKNOWN, code::scheme::ECDSA_P256_SHA256]);
            extensions.set(ext::SIGNATURE_ALGORITHMS, schemes);
        }
        "versions" => {
            let versions = extension::list8(&[UNKNOWN, Version::Dtls13.code(), 0xfeff]);
            extensions.set(ext::SUPPORTED_VERSIONS, versions);
        }
        "version-field" => hello.version = 0xfefc,
        "session-id" => hello.session_id = vec![7; 32],
        "order" => extensions.0.reverse(),
        "record-limit" => extensions.set(ext::RECORD_SIZE_LIMIT, vec![0xff, 0xff]),
        "psk-modes" => extensions.add(45, vec![1, 1]),
        _ => {}
    }
}

case! {
    id: "dtls.13.hello.form",
    title: "The first ClientHello of a client of 1.3 has the form that the specifications give it",
    reqs: [
        req::DTLS13_LEGACY_VERSION,
        req::DTLS13_SESSION_ID_EMPTY,
        req::DTLS13_LEGACY_COOKIE_EMPTY,
        req::DTLS13_RECORD_VERSION,
        req::DTLS13_SEQUENCE_PER_EPOCH,
        req::DTLS13_NO_CCM8,
        req::DTLSSRTP_CLIENT_EXTENSION,
        req::TLS13_COMPRESSION_NULL,
        req::TLS13_HELLO_COMPLETE,
        req::TLS13_EXTENSION_ONCE,
        req::TLS13_SHARES_IN_ORDER,
        req::TLS13_ONE_SHARE_PER_GROUP,
        req::TLS13_SHARES_OF_OFFERED_GROUPS,
        req::TLS13_COOKIE_NOT_FIRST,
        req::TLS13_SUITE_MANDATORY,
        req::TLS13_GROUP_MANDATORY,
        req::TLS13_SIGNATURES_MANDATORY,
        req::TLS13_SUPPORTED_VERSIONS_COMPLETE,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { both: [false, true] },
    run: form,
}

fn form(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let both = v.flag("both");
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls13, |setup| {
        if both {
            setup.config.versions.0 = DtlsVersion::Dtls12;
        }
    })?;
    t.stimulus("a client that begins");
    let _ = s.hear(t, SECOND);
    while s.peer.log.messages.is_empty() && s.hear(t, SOON).is_some() {}
    let hello = s.peer.log.client_hellos().into_iter().next();
    let hello = t.expect(hello, "a ClientHello that parses")?;
    check_fields(t, &hello)?;
    check_shares(t, &hello)?;
    let versions = hello.versions();
    let right = versions.first() == Some(&Version::Dtls13) && (versions.len() == 2) == both;
    t.must(req::TLS13_SUPPORTED_VERSIONS_COMPLETE, right, "all versions", format!("{versions:?}"))?;
    let first = s.peer.log.records.first();
    let first = t.expect(first, "a record")?;
    let bytes = first.raw.head.get(1..3).unwrap_or_default();
    let right = bytes == [254, 253] || bytes == [254, 255];
    t.must(req::DTLS13_RECORD_VERSION, right, "254.253 or 254.255", format!("{bytes:?}"))?;
    t.must(req::DTLS13_SEQUENCE_PER_EPOCH, first.sequence == 0, "0", first.sequence)
}

fn check_fields(t: &mut Ctl<'_>, hello: &ClientHello) -> Outcome {
    let version = hello.version;
    t.must(req::DTLS13_LEGACY_VERSION, version == 0xfefd, "0xfefd", format!("{version:#06x}"))?;
    t.must(req::DTLS13_SESSION_ID_EMPTY, hello.session_id.is_empty(), "no session id", "one")?;
    t.must(req::DTLS13_LEGACY_COOKIE_EMPTY, hello.cookie.is_empty(), "no cookie", "one")?;
    let null = hello.compression == [0];
    t.must(req::TLS13_COMPRESSION_NULL, null, "[0]", format!("{:?}", hello.compression))?;
    let suites = &hello.suites;
    t.must(req::DTLS13_NO_CCM8, !suites.contains(&0x1305), "no 0x1305", format!("{suites:x?}"))?;
    let has = suites.contains(&code::suite::AES_128_GCM_SHA256);
    t.must(req::TLS13_SUITE_MANDATORY, has, "0x1301", format!("{suites:x?}"))?;
    let has = |kind: u16| hello.extensions.has(kind);
    let complete =
        has(ext::SIGNATURE_ALGORITHMS) && has(ext::SUPPORTED_GROUPS) && has(ext::KEY_SHARE);
    let kinds = hello.extensions.kinds();
    t.must(req::TLS13_HELLO_COMPLETE, complete, "all three", format!("{kinds:?}"))?;
    let mut sorted = kinds.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let once = sorted.len() == kinds.len();
    t.must(req::TLS13_EXTENSION_ONCE, once, "each once", format!("{kinds:?}"))?;
    t.must(req::TLS13_COOKIE_NOT_FIRST, !has(ext::COOKIE), "no cookie", "one")?;
    let srtp = hello.extensions.get(ext::USE_SRTP).and_then(extension::read_use_srtp);
    let listed = srtp.as_ref().is_some_and(|(profiles, _)| !profiles.is_empty());
    t.must(req::DTLSSRTP_CLIENT_EXTENSION, listed, "a list of profiles", format!("{srtp:?}"))?;
    let schemes = hello.extensions.get(ext::SIGNATURE_ALGORITHMS).and_then(extension::read_list16);
    let schemes = schemes.unwrap_or_default();
    let has = schemes.contains(&code::scheme::ECDSA_P256_SHA256) && schemes.contains(&0x0804);
    t.must(req::TLS13_SIGNATURES_MANDATORY, has, "0x0403 and 0x0804", format!("{schemes:x?}"))
}

fn check_shares(t: &mut Ctl<'_>, hello: &ClientHello) -> Outcome {
    let groups = hello.extensions.get(ext::SUPPORTED_GROUPS).and_then(extension::read_list16);
    let groups = groups.unwrap_or_default();
    let has = groups.contains(&group::P256);
    t.must(req::TLS13_GROUP_MANDATORY, has, "P-256", format!("{groups:x?}"))?;
    let shares: Vec<u16> = hello.shares().iter().map(|(group, _)| *group).collect();
    let places: Vec<Option<usize>> =
        shares.iter().map(|share| groups.iter().position(|group| group == share)).collect();
    let offered = places.iter().all(Option::is_some);
    t.must(req::TLS13_SHARES_OF_OFFERED_GROUPS, offered, "offered groups", format!("{shares:x?}"))?;
    t.must(req::TLS13_SHARES_IN_ORDER, places.is_sorted(), "their order", format!("{shares:x?}"))?;
    let mut once = places.clone();
    once.dedup();
    let right = once.len() == places.len();
    t.must(req::TLS13_ONE_SHARE_PER_GROUP, right, "one each", format!("{shares:x?}"))
}
