//! Redirection, and clients of RFC 3489: RFC 8489 §10, §12, §14.8, §14.15.

use super::script::*;

case! {
    id: "stun.server.alternate",
    title: "A redirecting server sends authenticated clients to a server of their address family",
    reqs: [
        req::STUN_ALTERNATE_SERVER_SAME_FAMILY,
        req::STUN_ALTERNATE_SERVER_OTHER_FAMILY,
        req::STUN_ALTERNATE_SERVER_FORMAT,
        req::STUN_300_PROTECTED,
        req::STUN_ERROR_CODES,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::AlternateServer, Cap::ShortTerm, Cap::Ipv6],
    variants: product! { family: ["v4", "v6"], integrity: ["sha1", "sha256"] },
    no_reference: "no other stack at hand redirects",
    run: alternate,
}

fn alternate(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::on(t, Family::of(v), redirecting())?;
    let request = stage
        .request(t)
        .with(Attribute::username(&short_term().username))
        .with_all(tags(v.text("integrity"), &short_term_key()));
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_ERROR_CODES, reply)?;
    t.must(req::STUN_ERROR_CODES, reply.code() == Some(300), 300, &reply)?;
    let check = protection(&reply, &short_term_key());
    t.must(req::STUN_300_PROTECTED, check == Check::Good, "a right tag", &reply)?;
    let listed: Vec<Option<SocketAddr>> = reply
        .attributes
        .iter()
        .filter(|found| found.kind == attribute::ALTERNATE_SERVER)
        .map(|found| read_address(&found.value))
        .collect();
    let (mut same, mut other) = (Some(ALTERNATE_V4), Some(ALTERNATE_V6));
    if stage.peer().is_ipv6() {
        std::mem::swap(&mut same, &mut other);
    }
    let found = format!("{listed:?}");
    let first = listed.first().copied().flatten();
    let known = first.is_some_and(|found| Some(found) == same || Some(found) == other);
    t.must(req::STUN_ALTERNATE_SERVER_FORMAT, known, "an address in clear", &found)?;
    t.must(
        req::STUN_ALTERNATE_SERVER_SAME_FAMILY,
        first == same,
        format_args!("{same:?}"),
        &found,
    )?;
    let second = listed.get(1).copied().flatten();
    t.should(
        req::STUN_ALTERNATE_SERVER_OTHER_FAMILY,
        second == other,
        format_args!("{other:?}"),
        found,
    )
}

case! {
    id: "stun.server.alternate-unauthenticated",
    title: "A redirecting server does not send strangers anywhere",
    reqs: [req::STUN_300_ONLY_TO_AUTHENTICATED],
    kind: SubjectKind::StunServer,
    needs: [Cap::AlternateServer, Cap::ShortTerm],
    variants: product! { fault: ["bare", "no username", "wrong tag", "unknown user"] },
    no_reference: "no other stack at hand redirects",
    run: alternate_unauthenticated,
}

fn alternate_unauthenticated(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, redirecting())?;
    let name = Attribute::username(&short_term().username);
    let tag = Attribute::integrity(&short_term_key());
    let attributes = match v.text("fault") {
        "bare" => vec![],
        "no username" => vec![tag],
        "wrong tag" => vec![name, tag.with_octets(F::Xor(vec![1]))],
        _ => vec![Attribute::username("nobody"), tag],
    };
    let request = stage.request(t).with_all(attributes);
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_300_ONLY_TO_AUTHENTICATED, reply)?;
    let refused =
        matches!(reply.code(), Some(400 | 401)) && !reply.has(attribute::ALTERNATE_SERVER);
    t.must(req::STUN_300_ONLY_TO_AUTHENTICATED, refused, "400 or 401, no address", &reply)
}

fn redirecting() -> StunServerConfig {
    let alternate = Some(Alternate { v4: ALTERNATE_V4, v6: ALTERNATE_V6 });
    StunServerConfig { alternate, ..short_term_server() }
}

case! {
    id: "stun.server.rfc3489",
    title: "A client of RFC 3489 gets its 128-bit id back and its address in clear",
    reqs: [req::STUN_SERVER_SERVES_RFC3489_CLIENTS],
    kind: SubjectKind::StunServer,
    needs: [Cap::Rfc3489],
    variants: product! { cookie: [0, 0x2112_a443, 0xffff_ffff] },
    no_reference: "no other stack at hand serves RFC 3489 clients",
    run: rfc3489,
}

fn rfc3489(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, StunServerConfig { rfc3489: true, ..plain() })?;
    let mut request = stage.request(t);
    request.cookie = F::Set(u32::try_from(v.number("cookie")).unwrap_or(0));
    let request = request.encode();
    let sent = stage.exchange_raw(t, &request);
    let reply = sent.first().and_then(|reply| Parsed::read(&reply.payload).ok());
    let reply = t.expect(reply, "a response")?;
    let echoed = reply.bytes.get(4..20) == request.get(4..20);
    let text = "all 16 bytes of the id";
    t.should(req::STUN_SERVER_SERVES_RFC3489_CLIENTS, echoed, text, hex(&reply.bytes))?;
    let mapped = reply.address(attribute::MAPPED_ADDRESS);
    let clear = mapped == Some(stage.peer()) && !reply.has(attribute::XOR_MAPPED_ADDRESS);
    let text = format!("MAPPED-ADDRESS {}, no XOR form", stage.peer());
    t.should(req::STUN_SERVER_SERVES_RFC3489_CLIENTS, clear, text, &reply)?;
    let kinds = reply.kinds();
    let classic = reply.kind == 0x0101 && kinds.iter().all(|kind| *kind < 0x000c);
    let text = "attributes that such a client knows";
    t.should(req::STUN_SERVER_SERVES_RFC3489_CLIENTS, classic, text, format_args!("{kinds:04x?}"))
}
