//! The hellos of DTLS 1.2: what they hold, and what the other side makes of them.

use super::{judge::*, script::*};

/// Suites with ECDHE and AEAD for DTLS 1.2, and the one that stands for renegotiation_info.
const SUITES: &[u16] = &[
    0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9, 0x00ff,
    // Suites of 1.3 in a hello for both versions.
    0x1301, 0x1302, 0x1303,
];
/// The suite that stands for an empty renegotiation_info (RFC 5746 §3.3).
const RENEGOTIATION_SUITE: u16 = 0x00ff;

case! {
    id: "dtls.12.hello.client",
    title: "The ClientHello for DTLS 1.2 offers what it should, and nothing weak",
    reqs: [
        req::TLS12_LATEST_VERSION,
        req::TLS12_COMPRESSION_NULL,
        req::TLS12_EXTENSION_ONCE,
        req::TLS12_SIGNATURE_ALGORITHMS_SENT,
        req::TLS12_NO_ANONYMOUS_SIGNATURE,
        req::TLS12_NO_NULL,
        req::TLS12_NO_ANONYMOUS,
        req::TLS13_12_FORWARD_SECRET,
        req::TLS13_NO_WEAK_CIPHERS,
        req::DTLS12_NO_RC4,
        req::EMS_CLIENT_SENDS,
        req::EMS_EXTENSION_EMPTY,
        req::EMS_HASH,
        req::RENEG_CLIENT_INDICATES,
        req::RENEG_NOT_BOTH,
        req::ECC_EXTENSIONS_SENT,
        req::ECC_UNCOMPRESSED_LISTED,
        req::ALPN_OFFERED,
        req::DTLSSRTP_CLIENT_EXTENSION,
        req::DTLSSDP_ACTIVE_BEGINS,
        req::FP_NO_NULL_SUITE,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { offers: ["1.2", "1.2 and 1.3"] },
    run: client,
}

fn client(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let both = v.text("offers") != "1.2";
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls12, |setup| {
        if both {
            setup.config.versions = (DtlsVersion::Dtls12, DtlsVersion::Dtls13);
        }
    })?;
    s.listen(t, SOON);
    t.stimulus("nothing but time");
    let hello = s.peer.log.client_hellos().into_iter().next();
    t.must(req::DTLSSDP_ACTIVE_BEGINS, hello.is_some(), "a ClientHello", "none")?;
    let hello = t.expect(hello, "a ClientHello")?;
    let shown = format!("{hello:?}");
    t.must(req::TLS12_COMPRESSION_NULL, hello.compression.contains(&0), "0", &shown)?;
    t.should(req::TLS12_LATEST_VERSION, hello.version == 0xfefd, "{254, 253}", &shown)?;
    let mut kinds = hello.extensions.kinds();
    kinds.sort_unstable();
    let twice = kinds.windows(2).any(|pair| matches!(pair, [one, two] if one == two));
    t.must(req::TLS12_EXTENSION_ONCE, !twice, "no extension twice", &shown)?;
    suites(t, &hello, &shown)?;
    signatures(t, &hello, &shown)?;
    let ems = hello.extensions.get(ext::EXTENDED_MASTER_SECRET);
    t.must(req::EMS_CLIENT_SENDS, ems.is_some(), "extended_master_secret", &shown)?;
    t.must(req::EMS_EXTENSION_EMPTY, ems == Some(&[]), "no content", &shown)?;
    let indicated = hello.extensions.get(ext::RENEGOTIATION_INFO) == Some(&[0]);
    let signalled = hello.suites.contains(&RENEGOTIATION_SUITE);
    t.must(req::RENEG_CLIENT_INDICATES, indicated || signalled, "an indication", &shown)?;
    t.should(req::RENEG_NOT_BOTH, !(indicated && signalled), "one indication", &shown)?;
    let groups = hello.extensions.has(ext::SUPPORTED_GROUPS);
    let formats = hello.extensions.get(ext::EC_POINT_FORMATS);
    t.should(req::ECC_EXTENSIONS_SENT, groups && formats.is_some(), "both extensions", &shown)?;
    if let Some([_, formats @ ..]) = formats {
        t.must(req::ECC_UNCOMPRESSED_LISTED, formats.contains(&0), "0", &shown)?;
    }
    t.may(req::ALPN_OFFERED, !hello.extensions.has(ext::ALPN), "no ALPN", &shown)?;
    let srtp = hello.extensions.get(ext::USE_SRTP).and_then(extension::read_use_srtp);
    let fits = srtp.is_some_and(|(profiles, mki)| !profiles.is_empty() && mki.is_empty());
    t.must(req::DTLSSRTP_CLIENT_EXTENSION, fits, "profiles without an MKI", &shown)
}

fn suites(t: &mut Ctl<'_>, hello: &ClientHello, shown: &str) -> Outcome {
    let strong = hello.suites.iter().all(|suite| SUITES.contains(suite) || is_grease(*suite));
    t.should(req::TLS13_12_FORWARD_SECRET, strong, "ECDHE and AEAD alone", shown)?;
    for req in [
        req::TLS13_NO_WEAK_CIPHERS,
        req::DTLS12_NO_RC4,
        req::TLS12_NO_NULL,
        req::TLS12_NO_ANONYMOUS,
    ] {
        t.must(req, strong, "ECDHE and AEAD alone", shown)?;
    }
    t.should(req::FP_NO_NULL_SUITE, strong, "no suite without encryption", shown)?;
    t.should(req::EMS_HASH, strong, "SHA-256 or stronger", shown)
}

fn signatures(t: &mut Ctl<'_>, hello: &ClientHello, shown: &str) -> Outcome {
    let schemes = hello.extensions.get(ext::SIGNATURE_ALGORITHMS);
    let schemes = schemes.and_then(extension::read_list16);
    let req = req::TLS12_SIGNATURE_ALGORITHMS_SENT;
    t.must(req, schemes.is_some(), "signature_algorithms", shown)?;
    let schemes = schemes.unwrap_or_default();
    let anonymous = schemes.iter().any(|scheme| scheme & 0xff == 0 && scheme >> 8 < 7);
    t.must(req::TLS12_NO_ANONYMOUS_SIGNATURE, !anonymous, "none anonymous", shown)
}

/// A value that means nothing (RFC 8701 §2).
const fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

case! {
    id: "dtls.12.hello.server",
    title: "The first flight of a DTLS 1.2 server answers what was offered, and nothing else",
    reqs: [
        req::TLS12_NO_UNSOLICITED_EXTENSION,
        req::TLS12_SERVER_CERTIFICATE,
        req::TLS12_SERVER_CERTIFICATE_FITS,
        req::TLS12_KEY_EXCHANGE_SIGNATURE,
        req::TLS12_SERVER_RANDOM,
        req::TLS12_SIGNATURE_ALGORITHMS_SERVER,
        req::EMS_SERVER_ANSWERS,
        req::RENEG_SERVER_ANSWERS,
        req::RENEG_SERVER_LOOKS_FOR_SUITE,
        req::RENEG_MINIMAL,
        req::DTLSSRTP_SERVER_ANSWERS,
        req::DTLSSRTP_ONE_PROFILE,
        req::DTLSSRTP_OFFERED_PROFILE,
        req::ECC_PARAMETERS_SIGNED,
        req::FP_SERVER_PRESENTS,
        req::FP_SERVER_REQUESTS,
        req::TLS13_SENTINEL_12,
        req::DTLS13_DOWNGRADE_SENTINEL,
        req::TLS13_12_WITHOUT_EXTENSION,
        req::TLS12_SESSION_ID_PUBLIC,
        req::DTLSSDP_PASSIVE_WAITS,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        takes: ["1.2", "1.2 and 1.3"],
        renegotiation: ["extension", "suite"],
    },
    run: server,
}

fn server(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let both = v.text("takes") != "1.2";
    let suite = v.text("renegotiation") == "suite";
    let mut s = DtlsStage::with(t, DtlsRole::Server, Version::Dtls12, |setup| {
        if both {
            setup.config.versions = (DtlsVersion::Dtls12, DtlsVersion::Dtls13);
        }
    })?;
    s.listen(t, 2 * SECOND);
    let silent = s.heard.is_empty();
    t.must(req::DTLSSDP_PASSIVE_WAITS, silent, "silence before a ClientHello", s.heard.len())?;
    if suite {
        s.peer.edit_client_hello(|hello| {
            hello.extensions.remove(ext::RENEGOTIATION_INFO);
            hello.suites.push(RENEGOTIATION_SUITE);
        });
    }
    s.begin(t);
    t.stimulus("a ClientHello for 1.2");
    s.completes(t, LONG);
    let hello = s.peer.log.server_hellos().into_iter().next();
    let hello = t.expect(hello, "a ServerHello")?;
    let shown = format!("{hello:?}");
    let asked = [
        ext::EC_POINT_FORMATS,
        ext::RENEGOTIATION_INFO,
        ext::EXTENDED_MASTER_SECRET,
        ext::SUPPORTED_GROUPS,
        ext::USE_SRTP,
    ];
    let kinds = hello.extensions.kinds();
    let fits = kinds.iter().all(|kind| asked.contains(kind));
    t.must(req::TLS12_NO_UNSOLICITED_EXTENSION, fits, "answers alone", &shown)?;
    let none = !kinds.contains(&ext::SUPPORTED_VERSIONS);
    t.must(req::TLS13_12_WITHOUT_EXTENSION, none, "no supported_versions", &shown)?;
    let none = !kinds.contains(&ext::SIGNATURE_ALGORITHMS);
    t.must(req::TLS12_SIGNATURE_ALGORITHMS_SERVER, none, "no signature_algorithms", &shown)?;
    let ems = hello.extensions.get(ext::EXTENDED_MASTER_SECRET) == Some(&[]);
    t.must(req::EMS_SERVER_ANSWERS, ems, "extended_master_secret", &shown)?;
    let empty = hello.extensions.get(ext::RENEGOTIATION_INFO) == Some(&[0]);
    for req in [req::RENEG_SERVER_ANSWERS, req::RENEG_SERVER_LOOKS_FOR_SUITE, req::RENEG_MINIMAL] {
        t.must(req, empty, "an empty renegotiation_info", &shown)?;
    }
    let srtp = hello.extensions.get(ext::USE_SRTP).and_then(extension::read_use_srtp);
    t.must(req::DTLSSRTP_SERVER_ANSWERS, srtp.is_some(), "use_srtp", &shown)?;
    let (profiles, _) = srtp.unwrap_or_default();
    t.must(req::DTLSSRTP_ONE_PROFILE, profiles.len() == 1, "one profile", &shown)?;
    let offered = profiles.iter().all(|profile| s.peer.profile.srtp.contains(profile));
    t.must(req::DTLSSRTP_OFFERED_PROFILE, offered, "a profile that was offered", &shown)?;
    t.must(req::TLS12_SESSION_ID_PUBLIC, hello.session_id.is_empty(), "no session id", &shown)?;
    let sentinel = hello.random.ends_with(b"DOWNGRD\x01");
    for req in [req::TLS13_SENTINEL_12, req::DTLS13_DOWNGRADE_SENTINEL] {
        t.must(req, sentinel == both, format_args!("a sentinel: {both}"), &shown)?;
    }
    let own = s.peer.log.client_hellos().first().map(|hello| hello.random);
    t.must(req::TLS12_SERVER_RANDOM, own != Some(hello.random), "a random of its own", &shown)?;
    flight(t, &s)
}

/// What stands beside the hello in the server's first flight.
fn flight(t: &mut Ctl<'_>, s: &DtlsStage) -> Outcome {
    let negotiated = &s.peer.negotiated;
    let shown = format!("{:?}", s.peer.log.faults);
    let present = !negotiated.certificates.is_empty();
    for req in [req::TLS12_SERVER_CERTIFICATE, req::FP_SERVER_PRESENTS] {
        t.must(req, present, "a certificate", &shown)?;
    }
    for req in [
        req::TLS12_SERVER_CERTIFICATE_FITS,
        req::TLS12_KEY_EXCHANGE_SIGNATURE,
        req::ECC_PARAMETERS_SIGNED,
    ] {
        t.must(req, negotiated.is_proved, "a key signed with ECDSA on P-256", &shown)?;
    }
    let asks = s.peer.log.last(handshake::CERTIFICATE_REQUEST).is_some();
    t.must(req::FP_SERVER_REQUESTS, asks, "a CertificateRequest", "none")
}

case! {
    id: "dtls.12.hello.tolerance",
    title: "A server passes over what it does not know in a ClientHello for DTLS 1.2",
    reqs: [
        req::TLS12_UNKNOWN_SUITES,
        req::TLS12_EXTENSION_ORDER,
        req::TLS12_SIGNATURE_ALGORITHMS_RECEIVED,
        req::TLS12_HIGHER_VERSION,
        req::TLS12_RECORD_VERSION_ANY,
        req::TLS13_OLDER_HELLO_COMPRESSION,
        req::TLS13_LIST_WITHOUT_13,
        req::TLS13_VERSION_FROM_LIST,
        req::RENEG_SERVER_TOLERANT,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        what: [
            "suites", "extensions", "groups", "schemes", "order", "version above", "compression",
            "supported_versions", "session id",
        ],
        takes: ["1.2", "1.2 and 1.3"],
    },
    run: tolerance,
}

fn tolerance(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let both = v.text("takes") != "1.2";
    let mut s = DtlsStage::with(t, DtlsRole::Server, Version::Dtls12, |setup| {
        if both {
            setup.config.versions = (DtlsVersion::Dtls12, DtlsVersion::Dtls13);
        }
    })?;
    let what = v.text("what");
    s.peer.edit_client_hello(move |hello| match what {
        "suites" => hello.suites = [&[0x3a3a, 0xc0ae, 0xffff], &hello.suites[..]].concat(),
        "extensions" => {
            hello.extensions.add(0x4a4a, Vec::new());
            hello.extensions.add(0xfeed, vec![1, 2, 3]);
        }
        "groups" => {
            let groups = [0x5a5a, group::X25519, group::P256, 0x01ff];
            hello.extensions.set(ext::SUPPORTED_GROUPS, extension::list16(&groups));
        }
        "schemes" => {
            let schemes = [0x6a6a, 0x0909, code::scheme::ECDSA_P256_SHA256];
            hello.extensions.set(ext::SIGNATURE_ALGORITHMS, extension::list16(&schemes));
        }
        "order" => hello.extensions.0.reverse(),
        "version above" => hello.version = 0xfe00,
        "compression" => hello.compression = vec![0x40, 1, 0],
        "supported_versions" => {
            let versions = [0x7a7a, 0xfefd, 0xfe00];
            hello.extensions.add(ext::SUPPORTED_VERSIONS, extension::list8(&versions));
        }
        _ => hello.session_id = vec![0x11; 32],
    });
    s.begin(t);
    t.stimulus(format_args!("a ClientHello with other {what}"));
    let req = match what {
        "suites" | "session id" => req::TLS12_UNKNOWN_SUITES,
        "extensions" => req::RENEG_SERVER_TOLERANT,
        "groups" | "schemes" => req::TLS12_SIGNATURE_ALGORITHMS_RECEIVED,
        "version above" => req::TLS12_HIGHER_VERSION,
        "compression" => req::TLS13_OLDER_HELLO_COMPRESSION,
        "supported_versions" if both => req::TLS13_LIST_WITHOUT_13,
        "supported_versions" => req::TLS13_VERSION_FROM_LIST,
        _ => {
            let done = s.completes(t, LONG);
            let got = format!("{:?}", s.peer.log.alerts);
            return t.may(req::TLS12_EXTENSION_ORDER, done, "a handshake that ends well", got);
        }
    };
    must_complete(t, &mut s, req)
}

case! {
    id: "dtls.12.hello.refused",
    title: "A server refuses a ClientHello for DTLS 1.2 that it must not take",
    reqs: [
        req::TLS12_LOWER_VERSION,
        req::TLS12_EXTENSION_TWICE_REFUSED,
        req::TLS12_HELLO_LENGTH,
        req::TLS12_NO_NULL,
        req::TLS12_SUITE_BY_SIGNATURE,
        req::TLS13_OLDER_CLIENT_REFUSED,
        req::TLS13_OLDER_HELLO_DECODE_ERROR,
        req::RENEG_SERVER_REFUSES,
        req::ECC_CAPABILITIES_CONSIDERED,
        req::ECC_EXTENSIONS_RESPECTED,
        req::ECC_FORMATS_WITHOUT_UNCOMPRESSED,
        req::DTLSSRTP_MALFORMED_REFUSED,
        req::ALPN_MALFORMED,
        req::ALPN_NONE_IN_COMMON,
        req::FP_NO_NULL_SUITE,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        what: [
            "version below", "extension twice", "bytes behind", "null suites", "weak suites",
            "no group", "no scheme", "renegotiation", "no uncompressed", "srtp cut short",
            "srtp too long", "alpn empty", "alpn other",
        ],
    },
    run: refused,
}

fn refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    if what.starts_with("alpn") && t.subject().supports(Cap::DtlsAlpn) == crate::Support::No {
        return Err(Stop::Unsupported("no ALPN".to_owned()));
    }
    let mut s = DtlsStage::with(t, DtlsRole::Server, Version::Dtls12, |setup| {
        if what.starts_with("alpn") {
            setup.config.alpn = vec![b"webrtc".to_vec()];
        }
    })?;
    if what == "bytes behind" {
        s.peer.edit(handshake::CLIENT_HELLO, |body| body.push(0));
    } else {
        s.peer.edit_client_hello(move |hello| spoil(hello, what));
    }
    s.begin(t);
    t.stimulus(format_args!("a ClientHello with {what}"));
    let hopeless = [alert::HANDSHAKE_FAILURE, alert::INSUFFICIENT_SECURITY];
    let (req, alerts): (_, &[u8]) = match what {
        "version below" => (req::TLS12_LOWER_VERSION, &[alert::PROTOCOL_VERSION]),
        "extension twice" => {
            let alerts = &[alert::ILLEGAL_PARAMETER, alert::DECODE_ERROR];
            (req::TLS12_EXTENSION_TWICE_REFUSED, alerts)
        }
        "bytes behind" => (req::TLS12_HELLO_LENGTH, &[alert::DECODE_ERROR]),
        "null suites" | "weak suites" => (req::TLS12_NO_NULL, &hopeless),
        "no group" => (req::ECC_CAPABILITIES_CONSIDERED, &hopeless),
        "no scheme" => (req::TLS12_SUITE_BY_SIGNATURE, &hopeless),
        "renegotiation" => (req::RENEG_SERVER_REFUSES, &[alert::HANDSHAKE_FAILURE]),
        "no uncompressed" => (req::ECC_FORMATS_WITHOUT_UNCOMPRESSED, &[alert::ILLEGAL_PARAMETER]),
        "srtp cut short" | "srtp too long" => {
            (req::DTLSSRTP_MALFORMED_REFUSED, &[alert::DECODE_ERROR])
        }
        "alpn empty" => (req::ALPN_MALFORMED, &[alert::DECODE_ERROR]),
        _ => (req::ALPN_NONE_IN_COMMON, &[alert::NO_APPLICATION_PROTOCOL]),
    };
    must_refuse(t, &mut s, req, alerts)?;
    match what {
        "version below" => must_be_refused(t, &mut s, req::TLS13_OLDER_CLIENT_REFUSED, alerts),
        "bytes behind" => must_be_refused(t, &mut s, req::TLS13_OLDER_HELLO_DECODE_ERROR, alerts),
        "no group" => must_be_refused(t, &mut s, req::ECC_EXTENSIONS_RESPECTED, alerts),
        "null suites" => t.should(req::FP_NO_NULL_SUITE, true, "a refusal", "a refusal"),
        _ => Ok(()),
    }
}

fn spoil(hello: &mut ClientHello, what: &str) {
    match what {
        "version below" => hello.version = 0xfeff,
        "extension twice" => hello.extensions.add(ext::EXTENDED_MASTER_SECRET, Vec::new()),
        "null suites" => hello.suites = vec![0x0000, code::suite::ECDHE_ECDSA_NULL_SHA],
        // RSA key exchange, CBC, RC4 and anonymous suites.
        "weak suites" => hello.suites = vec![0x009c, 0xc009, 0xc007, 0xc018],
        "no group" => {
            hello.extensions.set(ext::SUPPORTED_GROUPS, extension::list16(&[0x01ff]));
        }
        "no scheme" => {
            let schemes = extension::list16(&[code::scheme::ECDSA_SHA1]);
            hello.extensions.set(ext::SIGNATURE_ALGORITHMS, schemes);
        }
        "renegotiation" => hello.extensions.set(ext::RENEGOTIATION_INFO, vec![2, 1, 1]),
        "no uncompressed" => hello.extensions.set(ext::EC_POINT_FORMATS, vec![1, 1]),
        "srtp cut short" => hello.extensions.set(ext::USE_SRTP, vec![0, 4, 0, 7]),
        "srtp too long" => hello.extensions.set(ext::USE_SRTP, vec![0, 2, 0, 7, 0, 0]),
        "alpn empty" => hello.extensions.set(ext::ALPN, vec![0, 0]),
        _ => hello.extensions.set(ext::ALPN, extension::alpn(&[b"other".to_vec()])),
    }
}
