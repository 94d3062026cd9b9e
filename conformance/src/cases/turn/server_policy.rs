//! Whom servers relay to, and what a user may have: RFC 8656 §5, §21.

use super::script::*;

/// Addresses that are not of the public Internet: one from each range that IANA keeps for a special
/// purpose, first and last ones of the ranges where servers have gone wrong.
const SPECIAL_V4: [&str; 24] = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
];
/// The same in IPv6, and IPv4 addresses of special purpose in every form that IPv6 has for them.
const SPECIAL_V6: [&str; 30] = [
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0.0.0.0",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::10.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::0.0.0.0",
    "64:ff9b:1::127.0.0.1",
    "64:ff9b:1::10.0.0.1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "3fff::1",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "2002:b00:201::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "febf::1",
    "ff02::1",
    "ff0e::1",
    "2a00:9::5efe:127.0.0.1",
];
/// Addresses beside the ranges: they are as public as any.
const PUBLIC: [&str; 14] = [
    "1.0.0.1",
    "9.255.255.255",
    "11.0.2.1",
    "100.63.255.255",
    "100.128.0.1",
    "126.255.255.255",
    "128.0.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "192.169.0.1",
    "198.20.0.1",
    "223.255.255.254",
    "2a00:2::1",
];

/// An allocation of the family of `ip`.
fn allocate(
    t: &mut Ctl<'_>,
    stage: &mut RelayStage,
    line: usize,
    ip: IpAddr,
) -> Result<Allocation, Stop> {
    let session = stage.login(t, line, "alice")?;
    let attribute = Attribute::requested_address_family(family(ip));
    Allocation::by(t, stage, session, [attribute])
}

/// Asks for a permission or a channel, and then sends all the same. Says what the server answered.
fn tries(
    t: &mut Ctl<'_>,
    stage: &mut RelayStage,
    allocation: &Allocation,
    by: &str,
    ip: IpAddr,
) -> Result<Option<Parsed>, Stop> {
    // What the server's own address must not be reached at is the port it serves at.
    let address = SocketAddr::new(ip, 3478);
    let peer = Attribute::xor_peer_address(address);
    let (_, reply) = match by {
        "permission" => allocation.ask(t, stage, method::CREATE_PERMISSION, [peer])?,
        _ => allocation.try_bind(t, stage, 0x4000, address)?,
    };
    Ok(reply)
}

case! {
    id: "turn.server.policy.special",
    title: "A server of the public Internet relays to no address of special purpose, however written",
    reqs: [
        req::TURN_SERVER_FORBIDS_SPECIAL_ADDRESSES,
        req::TURN_SERVER_MAY_403_PERMISSION,
        req::TURN_SERVER_MAY_403_CHANNEL,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnPeerPolicy],
    variants: product! { by: ["permission", "channel"], carrier: ["udp", "tcp"] },
    no_reference: "no independent stack in process has a policy for peers",
    run: special,
}

/// Regressions: loopback by another name (CVE-2020-26262, T01), by an embedding (CVE-2026-27624, T02,
/// T03), by a wrong comparison (T04), by another transport (T06).
fn special(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| {
        config.peers = Peers::Public;
        config.tcp = v.text("carrier") == "tcp";
    })?;
    let all = SPECIAL_V4.iter().chain(&SPECIAL_V6).filter_map(|text| text.parse().ok());
    // A permission for the server's own address may be one for another relayed address.
    let own = stage.config.relays.clone();
    let own = own.into_iter().filter(|_| v.text("by") == "channel");
    for ip in all.chain(own) {
        let line = match v.text("carrier") {
            "udp" => stage.join(t)?,
            _ => stage.connect(t)?,
        };
        let allocation = allocate(t, &mut stage, line, ip)?;
        let reply = tries(t, &mut stage, &allocation, v.text("by"), ip)?;
        let told = format!("{ip}: {}", shown(reply.as_ref()));
        let refused = reply.as_ref().is_some_and(|reply| reply.class() == Class::Error);
        t.must(req::TURN_SERVER_FORBIDS_SPECIAL_ADDRESSES, refused, "a refusal", &told)?;
        let code = reply.as_ref().and_then(Parsed::code) == Some(403);
        let req = match v.text("by") {
            "permission" => req::TURN_SERVER_MAY_403_PERMISSION,
            _ => req::TURN_SERVER_MAY_403_CHANNEL,
        };
        t.may(req, code, "403", told)?;
        let _ = allocation.refresh(t, &mut stage, 0)?;
    }
    Ok(())
}

case! {
    id: "turn.server.policy.public",
    title: "Addresses beside the special ranges are relayed to",
    reqs: [req::TURN_SERVER_FORBIDS_SPECIAL_ADDRESSES],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnPeerPolicy],
    variants: product! { by: ["permission", "channel"] },
    no_reference: "no independent stack in process has a policy for peers",
    run: public,
}

fn public(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| config.peers = Peers::Public)?;
    for ip in PUBLIC.iter().filter_map(|text| text.parse().ok()) {
        let line = stage.join(t)?;
        let allocation = allocate(t, &mut stage, line, ip)?;
        let reply = tries(t, &mut stage, &allocation, v.text("by"), ip)?;
        let granted = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
        let told = format!("{ip}: {}", shown(reply.as_ref()));
        t.must(req::TURN_SERVER_FORBIDS_SPECIAL_ADDRESSES, granted, "success", told)?;
        let _ = allocation.refresh(t, &mut stage, 0)?;
    }
    Ok(())
}

case! {
    id: "turn.server.policy.tcp",
    title: "The relay of TCP has the same policy",
    reqs: [req::TURN_TCP_SERVER_403],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnTcp, Cap::TurnTcpRelay, Cap::TurnPeerPolicy],
    no_reference: "no independent stack in process has a policy for peers",
    run: policy_tcp,
}

/// Regressions: the policy was not asked about TCP (T06), which makes a proxy of a relay (T25).
fn policy_tcp(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| {
        config.peers = Peers::Public;
        config.tcp = true;
        config.tcp_relay = true;
    })?;
    for number in [1, 2] {
        let line = stage.connect(t)?;
        let session = stage.login(t, line, "alice")?;
        let attributes =
            [Attribute::requested_transport(TCP), Attribute::requested_address_family(number)];
        let (request, reply) = session.ask(t, &mut stage, method::ALLOCATE, attributes)?;
        let allocation = Allocation::of(t, session, request, reply)?;
        let texts = if number == 1 { &SPECIAL_V4[..] } else { &SPECIAL_V6[..] };
        for ip in texts.iter().filter_map(|text| text.parse::<IpAddr>().ok()) {
            let peer = Attribute::xor_peer_address(SocketAddr::new(ip, 80));
            let (_, reply) = allocation.ask(t, &mut stage, method::CONNECT, [peer])?;
            let refused = reply.as_ref().and_then(Parsed::code) == Some(403);
            let told = format!("{ip}: {}", shown(reply.as_ref()));
            t.must(req::TURN_TCP_SERVER_403, refused, "403", told)?;
        }
    }
    Ok(())
}

case! {
    id: "turn.server.policy.tunnels",
    title: "Addresses of Teredo and 6to4 are refused, as peers and as clients, by any policy",
    reqs: [
        req::TURN_SERVER_REFUSES_TEREDO_6TO4,
        req::TURN_SERVER_REFUSES_TUNNELS,
        req::TURN_SERVER_MAY_DROP_SEND,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { tunnel: ["teredo", "6to4"], as: ["permission", "channel", "client"] },
    no_reference: "the independent stack in process knows no tunnels",
    run: tunnels,
}

fn tunnels(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let line = if v.text("tunnel") == "teredo" { 4 } else { 5 };
    let req = req::TURN_SERVER_REFUSES_TEREDO_6TO4;
    if v.text("as") == "client" {
        let request =
            Message::asking(method::ALLOCATE, fresh(t)).with(Attribute::requested_transport(UDP));
        let mut reply = stage.ask(t, line, &request)?;
        if reply.as_ref().and_then(Parsed::code) == Some(401) {
            let session = stage.login(t, line, "alice")?;
            reply = session.try_allocate(t, &mut stage, [])?.1;
        }
        let granted = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
        t.must(req, !granted, "no allocation", shown(reply.as_ref()))?;
        return stage.alive(t, req);
    }
    let ip = stage.client(line).ip();
    let allocation = allocate(t, &mut stage, 0, ip)?;
    let reply = tries(t, &mut stage, &allocation, v.text("as"), ip)?;
    let refused = reply.as_ref().is_some_and(|reply| reply.class() == Class::Error);
    t.must(req, refused, "a refusal", shown(reply.as_ref()))?;
    t.should(req::TURN_SERVER_REFUSES_TUNNELS, refused, "a refusal", shown(reply.as_ref()))?;
    let _ = stage.take(t, line);
    let to = stage.client(line);
    let message = Allocation::send_indication(t, to, b"through the tunnel");
    stage.give(t, 0, &message.encode())?;
    stage.settle(t);
    let arrived = stage.take(t, line);
    let told = shown_all(&arrived);
    t.may(req::TURN_SERVER_MAY_DROP_SEND, arrived.is_empty(), "nothing", told)
}

case! {
    id: "turn.server.quota.allocations",
    title: "A user has so many allocations and no more, wherever the requests come from",
    reqs: [
        req::TURN_SERVER_LIMITS_ALLOCATIONS,
        req::TURN_SERVER_MAY_486,
        req::TURN_SERVER_QUOTA_BY_USERNAME,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnQuotas],
    variants: product! { given_back: ["deleted", "expired"] },
    no_reference: "no independent stack in process has quotas",
    run: quota_allocations,
}

/// Regression: a quota that came back too early was no quota (T12).
fn quota_allocations(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| {
        config.quotas = Quotas { allocations: Some(2), ..Quotas::default() };
    })?;
    let session = stage.login(t, 0, "alice")?;
    let first = Allocation::by(t, &mut stage, session, [])?;
    let session = stage.login(t, 1, "alice")?;
    Allocation::by(t, &mut stage, session, [])?;
    let session = stage.login(t, 2, "alice")?;
    let (request, reply) = session.try_allocate(t, &mut stage, [])?;
    let told = shown(reply.as_ref());
    let refused = Shape::error(&request, 486)
        .signed(session.key())
        .deviation(&t.expect(reply, "a response")?)
        .is_none();
    t.should(req::TURN_SERVER_LIMITS_ALLOCATIONS, refused, "486", &told)?;
    t.may(req::TURN_SERVER_MAY_486, refused, "486", &told)?;
    t.should(req::TURN_SERVER_QUOTA_BY_USERNAME, refused, "486 from another host", told)?;
    let session = stage.login(t, 2, "bob")?;
    let (_, reply) = session.try_allocate(t, &mut stage, [])?;
    let granted = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    let req = req::TURN_SERVER_QUOTA_BY_USERNAME;
    t.should(req, granted, "an allocation of another user", shown(reply.as_ref()))?;
    match v.text("given_back") {
        "deleted" => {
            let _ = first.refresh(t, &mut stage, 0)?;
        }
        _ => stage.wait(t, 601 * SECOND),
    }
    let line = stage.join(t)?;
    let session = stage.login(t, line, "alice")?;
    let (_, reply) = session.try_allocate(t, &mut stage, [])?;
    let granted = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    t.should(req, granted, "an allocation afterwards", shown(reply.as_ref()))
}

case! {
    id: "turn.server.quota.bandwidth",
    title: "Data beyond a user's bandwidth is discarded",
    reqs: [req::TURN_SERVER_LIMITS_BANDWIDTH],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnQuotas],
    variants: product! { direction: ["out", "in"] },
    no_reference: "no independent stack in process has quotas",
    run: quota_bandwidth,
}

fn quota_bandwidth(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| {
        config.quotas = Quotas { bandwidth: Some(20_000), ..Quotas::default() };
    })?;
    let allocation = Allocation::make(t, &mut stage)?;
    allocation.bind(t, &mut stage, 0x4000, 0)?;
    let payload = vec![7; 1000];
    let message = ChannelData::new(0x4000, &payload).encode();
    let mut arrived = 0;
    for _ in 0..400 {
        if v.text("direction") == "out" {
            stage.throw(t, 0, &message);
            stage.wait(t, 25 * MILLISECOND);
            arrived += stage.peer_takes(t, 0).len();
        } else {
            stage.peer_sends(t, 0, allocation.relay(), &payload);
            arrived += stage.take(t, 0).len();
        }
    }
    t.stimulus("400 kB");
    // Ten or twenty seconds at 20 kB each, and whatever is let through in one go.
    let limited = (100..=500 / 2 + 300).contains(&arrived) && arrived < 400;
    t.should(req::TURN_SERVER_LIMITS_BANDWIDTH, limited, "some of it", format_args!("{arrived} kB"))
}

case! {
    id: "turn.server.challenge.size",
    title: "A challenge is no more than 128 bytes",
    reqs: [req::TURN_SERVER_REQUIRES_AUTHENTICATION],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnChallengeCap],
    variants: product! { software: [false, true] },
    no_reference: "a promise of ours",
    run: challenge_size,
}

/// Regression: a server was an amplifier for whoever could forge an address (T11).
fn challenge_size(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| {
        config.challenge_cap = true;
        config.software = v.flag("software").then_some("a relay with a rather long name");
    })?;
    for bare in [true, false] {
        let transport = Attribute::requested_transport(UDP);
        let mut request = Message::asking(method::ALLOCATE, fresh(t));
        if !bare {
            request = request.with(transport).with(Attribute::username("alice"));
        }
        let reply = stage.ask(t, 0, &request)?;
        let size = reply.as_ref().map_or(0, |reply| reply.bytes.len());
        let req = req::TURN_SERVER_REQUIRES_AUTHENTICATION;
        t.must(req, (1..=128).contains(&size), "a challenge of 128 bytes at most", size)?;
    }
    Ok(())
}

case! {
    id: "turn.server.challenge.cap",
    title: "One source gets ten challenges a second and no more; users and others are served on",
    reqs: [req::TURN_SERVER_REQUIRES_AUTHENTICATION],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnChallengeCap],
    variants: product! { method: ["allocate", "refresh"] },
    no_reference: "a promise of ours",
    run: challenge_cap,
}

fn challenge_cap(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| config.challenge_cap = true)?;
    let allocation = Allocation::make(t, &mut stage)?;
    let kind = if v.text("method") == "allocate" { method::ALLOCATE } else { method::REFRESH };
    stage.wait(t, 2 * SECOND);
    let mut answers = Vec::new();
    for _ in 0..5 {
        let _ = stage.take(t, 1);
        for _ in 0..100 {
            let request = Message::asking(kind, fresh(t)).encode();
            stage.throw(t, 1, &request);
            stage.wait(t, 10 * MILLISECOND);
        }
        answers.push(stage.take(t, 1).len());
    }
    t.stimulus("500 requests without credentials");
    let req = req::TURN_SERVER_REQUIRES_AUTHENTICATION;
    let first = answers.first().copied().unwrap_or(0);
    let told = format!("{answers:?}");
    t.must(req, (1..=21).contains(&first), "ten, and ten in one go", &told)?;
    let later = answers.iter().skip(1).all(|count| *count <= 11);
    t.must(req, later, "ten a second", told)?;
    // The user behind the same address is served.
    let (_, reply) = allocation.refresh(t, &mut stage, 600)?;
    let served = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    t.must(req, served, "a user at the same address served", shown(reply.as_ref()))?;
    let other = Message::asking(method::ALLOCATE, fresh(t));
    let reply = stage.ask(t, 2, &other)?;
    t.must(req, reply.is_some(), "another source challenged", "silence")
}

case! {
    id: "turn.server.loop",
    title: "Allocations that relay to each other do not keep a datagram alive",
    reqs: [req::TURN_LOOP_DIES],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { with: ["each other", "the server itself"] },
    run: relay_loop,
}

/// Regression: relays that were pointed at each other never stopped (T24).
fn relay_loop(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let one = Allocation::make(t, &mut stage)?;
    let session = stage.login(t, 2, "alice")?;
    let two = Allocation::by(t, &mut stage, session, [])?;
    let server = stage.config.addresses.first().copied();
    let (first, second) = match v.text("with") {
        "each other" => (two.relay(), one.relay()),
        _ => {
            let server = t.expect(server, "an address of the server")?;
            (server, server)
        }
    };
    let _ = one.try_bind(t, &mut stage, 0x4000, first)?;
    let _ = two.try_bind(t, &mut stage, 0x4000, second)?;
    let inner = ChannelData::new(0x4000, b"round and round").encode();
    let before = t.net().tally().delivered;
    stage.give(t, 0, &ChannelData::new(0x4000, &inner).encode())?;
    stage.wait(t, 5 * SECOND);
    let packets = t.net().tally().delivered - before;
    t.must(req::TURN_LOOP_DIES, packets < 10, "an end", format_args!("{packets} packets"))
}
