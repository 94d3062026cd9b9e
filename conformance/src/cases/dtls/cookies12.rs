//! The cookie exchange of DTLS 1.2: RFC 6347 §4.2.1.

use wire::dtls::{Header, HelloVerifyRequest, Raw, split};

use super::{judge::*, script::*};

case! {
    id: "dtls.12.cookie.client",
    title: "A client gives the cookie back in the same ClientHello, whatever version came with it",
    reqs: [
        req::DTLS12_COOKIE_ECHOED,
        req::DTLS12_SECOND_HELLO_SAME,
        req::DTLS12_CLIENT_ACCEPTS_VERIFY_REQUEST,
        req::DTLS12_VERIFY_REQUEST_VERSION_IGNORED,
        req::DTLS12_VERIFY_REQUEST_10_NOT_A_CHOICE,
        req::DTLS12_COOKIE_EXCHANGE_NOT_HASHED,
        req::DTLS13_CLIENT_FALLS_BACK,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        length: [1, 20, 255],
        says: ["1.0", "1.2"],
        offers: ["1.2", "1.2 and 1.3"],
    },
    run: client,
}

fn client(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let both = v.text("offers") != "1.2";
    let length = usize::try_from(v.number("length")).unwrap_or(1);
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls12, |setup| {
        setup.profile.cookie = Some(vec![0xc0; length]);
        if both {
            setup.config.versions = (DtlsVersion::Dtls12, DtlsVersion::Dtls13);
        }
    })?;
    if v.text("says") == "1.0" {
        s.peer.edit(handshake::HELLO_VERIFY_REQUEST, |body| {
            if let Some(low) = body.get_mut(1) {
                *low = 0xff;
            }
        });
    }
    t.stimulus("a server that asks for a cookie");
    let done = s.completes(t, LONG);
    let hellos = s.peer.log.client_hellos();
    let [first, second, ..] = &hellos[..] else {
        let got = hellos.len();
        return t.must(req::DTLS12_CLIENT_ACCEPTS_VERIFY_REQUEST, false, "two hellos", got);
    };
    let shown = format!("{second:?}");
    let echoed = second.cookie == vec![0xc0; length];
    t.must(req::DTLS12_COOKIE_ECHOED, echoed, "the cookie", &shown)?;
    let same = first.version == second.version
        && first.random == second.random
        && first.session_id == second.session_id
        && first.suites == second.suites
        && first.compression == second.compression;
    t.must(req::DTLS12_SECOND_HELLO_SAME, same, format_args!("as {first:?}"), &shown)?;
    let got = format!("{:?} {:?}", s.peer.log.faults, s.peer.log.alerts);
    for req in [
        req::DTLS12_CLIENT_ACCEPTS_VERIFY_REQUEST,
        req::DTLS12_VERIFY_REQUEST_VERSION_IGNORED,
        req::DTLS12_VERIFY_REQUEST_10_NOT_A_CHOICE,
        req::DTLS12_COOKIE_EXCHANGE_NOT_HASHED,
        req::DTLS13_CLIENT_FALLS_BACK,
    ] {
        t.must(req, done, "a handshake that ends well", &got)?;
    }
    must_live(t, &mut s, req::DTLS12_CLIENT_ACCEPTS_VERIFY_REQUEST)
}

case! {
    id: "dtls.12.cookie.again",
    title: "A client that is asked for a cookie once more gives the newer one",
    reqs: [req::DTLS12_SECOND_VERIFY_REQUEST],
    kind: SubjectKind::Dtls,
    run: again,
}

fn again(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls12, |setup| {
        setup.profile.cookie = Some(vec![1; 20]);
    })?;
    for flight in s.hear(t, LONG).unwrap_or_default() {
        s.say(t, &flight);
    }
    s.peer.profile.cookie = Some(vec![2; 20]);
    t.stimulus("a second HelloVerifyRequest");
    let done = s.completes(t, LONG);
    let cookies: Vec<_> = s.peer.log.client_hellos().into_iter().map(|it| it.cookie).collect();
    let newer = cookies.last() == Some(&vec![2; 20]);
    t.should(req::DTLS12_SECOND_VERIFY_REQUEST, done && newer, "the newer", format!("{cookies:?}"))
}

case! {
    id: "dtls.12.cookie.malformed",
    title: "A HelloVerifyRequest whose lengths do not fit is not believed",
    reqs: [req::DTLS12_COOKIE_MALFORMED],
    kind: SubjectKind::Dtls,
    variants: product! { what: ["cookie beyond the body", "bytes behind", "empty", "one byte"] },
    run: malformed,
}

/// Regression: the length of the cookie was believed (CVE-2022-35409 in Mbed TLS, GHSA-4xgv in Pion).
fn malformed(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls12, |setup| {
        setup.profile.cookie = Some(vec![3; 8]);
    })?;
    s.peer.edit(handshake::HELLO_VERIFY_REQUEST, move |body| match what {
        "cookie beyond the body" => {
            if let Some(length) = body.get_mut(2) {
                *length = 0xff;
            }
        }
        "bytes behind" => body.push(7),
        "empty" => body.clear(),
        _ => body.truncate(1),
    });
    t.stimulus(format_args!("a HelloVerifyRequest with {what}"));
    must_refuse(t, &mut s, req::DTLS12_COOKIE_MALFORMED, &[alert::DECODE_ERROR])
}

/// A server that asks for cookies.
fn server(t: &mut Ctl<'_>) -> Result<DtlsStage, Stop> {
    DtlsStage::with(t, DtlsRole::Server, Version::Dtls12, |setup| setup.config.cookies = true)
}

/// The first record of the last datagram that was heard.
fn last_record(s: &DtlsStage) -> Option<Raw> {
    let (_, datagram) = s.heard.last()?;
    split(datagram, 0).0.into_iter().next()
}

/// Epoch and sequence number of a record without keys.
const fn number(raw: &Raw) -> Option<(u16, u64)> {
    match &raw.header {
        Header::Plain { epoch, sequence, .. } => Some((*epoch, *sequence)),
        Header::Unified { .. } => None,
    }
}

/// The request for a cookie in the last datagram that was heard.
fn request(s: &DtlsStage) -> Option<HelloVerifyRequest> {
    let message = s.peer.log.last(handshake::HELLO_VERIFY_REQUEST)?;
    HelloVerifyRequest::read(&message.body)
}

case! {
    id: "dtls.12.cookie.server",
    title: "A server that wants a cookie first asks for it with a small packet and keeps nothing",
    reqs: [
        req::DTLS12_HELLO_VERIFY_REQUEST,
        req::DTLS12_COOKIE_EXCHANGE,
        req::DTLS12_COOKIE_STATELESS,
        req::DTLS12_VERIFY_REQUEST_VERSION,
        req::DTLS12_VERIFY_REQUEST_SEQUENCE,
        req::DTLS12_SERVER_HELLO_SEQUENCE,
        req::DTLS12_SERVER_HELLO_SEQUENCE_GROWS,
        req::DTLS12_AMPLIFICATION,
        req::DTLS12_COOKIE_EXCHANGE_NOT_HASHED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { sequence: [0, 7, 70_000] },
    run: ask,
}

fn ask(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = server(t)?;
    let sequence = v.number("sequence");
    s.peer.records.set_next_sequence(0, sequence);
    let flight = s.peer.start();
    let datagrams = s.peer.pack(&flight);
    let sent: usize = datagrams.iter().map(Vec::len).sum();
    s.say_datagrams(t, &datagrams, "a ClientHello without a cookie");
    let flights = s.listen(t, SOON);
    let heard: usize = s.heard.iter().map(|(_, datagram)| datagram.len()).sum();
    let asked = request(&s);
    t.may(req::DTLS12_HELLO_VERIFY_REQUEST, asked.is_some(), "a request", "none")?;
    t.should(req::DTLS12_COOKIE_EXCHANGE, asked.is_some(), "a HelloVerifyRequest", "none")?;
    let asked = t.expect(asked, "a HelloVerifyRequest")?;
    let version = format!("{:#06x}", asked.version);
    t.should(req::DTLS12_VERIFY_REQUEST_VERSION, asked.version == 0xfeff, "0xfeff", version)?;
    let wanted = format!("at most {}", 3 * sent);
    t.must(req::DTLS12_AMPLIFICATION, heard <= 3 * sent, wanted, heard)?;
    let seen = last_record(&s).as_ref().and_then(number);
    let wanted = format!("(0, {sequence})");
    let got = format!("{seen:?}");
    t.must(req::DTLS12_VERIFY_REQUEST_SEQUENCE, seen == Some((0, sequence)), wanted, got)?;
    if let Ok(peers) = s.command(t, |endpoint, _| endpoint.peers()) {
        t.should(req::DTLS12_COOKIE_STATELESS, peers == 0, "nothing kept", peers)?;
    }
    let answer = s.peer.records.next_sequence(0);
    for flight in flights {
        s.say(t, &flight);
    }
    let before = s.heard.len();
    let done = s.completes(t, LONG);
    let got = format!("{:?}", s.peer.log.alerts);
    t.must(req::DTLS12_COOKIE_EXCHANGE_NOT_HASHED, done, "a handshake that ends well", got)?;
    let first = s.heard.get(before).map(|(_, datagram)| split(datagram, 0).0);
    let first = first.unwrap_or_default();
    let seen: Vec<u64> =
        first.iter().filter_map(number).filter(|it| it.0 == 0).map(|it| it.1).collect();
    let right = seen.first() == Some(&answer);
    let got = format!("{seen:?}");
    t.must(req::DTLS12_SERVER_HELLO_SEQUENCE, right, format_args!("{answer} first"), &got)?;
    let grows = seen.windows(2).all(|pair| matches!(pair, [one, two] if one + 1 == *two));
    t.must(req::DTLS12_SERVER_HELLO_SEQUENCE_GROWS, grows, "one more each time", &got)
}

case! {
    id: "dtls.12.cookie.checked",
    title: "A ClientHello with a cookie that was not given for it is asked for a cookie again",
    reqs: [
        req::DTLS12_INVALID_COOKIE,
        req::DTLS12_COOKIE_COVERS_HELLO,
        req::DTLS12_COOKIE_STATELESS,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { what: ["cookie", "cut short", "longer", "random", "suites", "session id"] },
    run: checked,
}

fn checked(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = server(t)?;
    s.begin(t);
    let flights = s.listen(t, SOON);
    t.precondition(request(&s).is_some(), "a HelloVerifyRequest")?;
    let flight = flights.first().cloned();
    let mut flight = t.expect(flight, "a second ClientHello")?;
    for message in flight.messages_mut() {
        let Some(mut hello) = ClientHello::read(&message.body) else { continue };
        spoil(&mut hello, what);
        message.body = hello.write();
    }
    let datagrams = s.peer.pack(&flight);
    s.say_datagrams(t, &datagrams, &format!("a ClientHello with another {what}"));
    let before = s.peer.log.records.len();
    s.listen(t, SOON);
    let kinds: Vec<u8> = s.peer.log.records.iter().skip(before).map(kind).collect();
    let alerts = format!("messages {kinds:?}, alerts {:?}", s.peer.log.alerts);
    let asks = kinds.first() == Some(&handshake::HELLO_VERIFY_REQUEST)
        && !kinds.contains(&handshake::SERVER_HELLO);
    if matches!(what, "cookie" | "cut short" | "longer") {
        let right = asks && s.peer.log.alerts.is_empty();
        t.should(req::DTLS12_INVALID_COOKIE, right, "another request", &alerts)?;
    }
    let state = !kinds.contains(&handshake::SERVER_HELLO);
    t.should(req::DTLS12_COOKIE_COVERS_HELLO, state, "no ServerHello", &alerts)?;
    if let Ok(peers) = s.command(t, |endpoint, _| endpoint.peers()) {
        t.should(req::DTLS12_COOKIE_STATELESS, peers == 0, "nothing kept", peers)?;
    }
    Ok(())
}

/// The type of the first message in a record.
fn kind(heard: &wire::dtls::Heard) -> u8 {
    heard.payload.first().copied().unwrap_or_default()
}

fn spoil(hello: &mut ClientHello, what: &str) {
    let flip = |bytes: &mut [u8]| {
        if let Some(byte) = bytes.last_mut() {
            *byte ^= 1;
        }
    };
    match what {
        "cookie" => flip(&mut hello.cookie),
        "cut short" => hello.cookie.truncate(hello.cookie.len() / 2),
        "longer" => hello.cookie.push(0),
        "random" => flip(&mut hello.random),
        "suites" => hello.suites.push(0xc02c),
        _ => hello.session_id = vec![5; 8],
    }
}

case! {
    id: "dtls.12.cookie.flood",
    title: "ClientHellos from many addresses leave nothing behind, and the next client connects",
    reqs: [
        req::DTLS12_COOKIE_STATELESS,
        req::DTLS12_AMPLIFICATION,
        req::DTLS12_CLIENT_ACCEPTS_VERIFY_REQUEST,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { hello: ["good", "in pieces", "rubbish"] },
    run: flood,
}

/// Regression: state was made before the cookie was checked (GHSA-5x2p in coturn), and rapid hellos
/// ended a shared demultiplexer (CVE-2026-55950 in Erlang).
fn flood(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = server(t)?;
    let flight = s.peer.start();
    let datagrams = match v.text("hello") {
        "in pieces" => s.peer.pack_with(&flight, Packing::single(40)),
        "rubbish" => vec![plain(content::HANDSHAKE, 0, 3, &[1; 40])],
        _ => s.peer.pack(&flight),
    };
    let mut sent = 0;
    let mut sockets = Vec::new();
    for port in 6_000..6_200_u16 {
        let socket = t.bind("suite", std::net::SocketAddr::from(([192, 0, 2, 100], port)))?;
        for datagram in &datagrams {
            sent += datagram.len();
            t.send(socket, s.subject, datagram);
        }
        sockets.push(socket);
    }
    t.run_for(SOON);
    t.stimulus("ClientHellos from 200 ports");
    let mut heard = 0;
    for socket in sockets {
        while let Some(received) = t.receive(socket) {
            heard += received.payload.len();
        }
    }
    let wanted = format!("at most {}", 3 * sent);
    t.must(req::DTLS12_AMPLIFICATION, heard <= 3 * sent, wanted, heard)?;
    if let Ok(peers) = s.command(t, |endpoint, _| endpoint.peers()) {
        t.should(req::DTLS12_COOKIE_STATELESS, peers == 0, "nothing kept", peers)?;
    }
    s.say(t, &flight);
    must_complete(t, &mut s, req::DTLS12_CLIENT_ACCEPTS_VERIFY_REQUEST)
}
