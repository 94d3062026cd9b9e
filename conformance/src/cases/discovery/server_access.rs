//! Credentials, redirection and clients of RFC 3489: RFC 5780 §3, §5.2, §6.1.

use super::props::{Flags, discovery_server, four, only, success};
use crate::cases::stun::script::*;

case! {
    id: "stun.discovery.server.authentication",
    title: "A server that demands credentials does nothing before and signs what it does after",
    reqs: [
        req::DISCOVERY_SERVER_MAY_REQUIRE_AUTHENTICATION,
        req::DISCOVERY_AUTHENTICATED_RESPONSE,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::OtherAddress, Cap::ShortTerm],
    variants: product! {
        integrity: ["sha1", "sha256"],
        flags: ["none", "ip", "port", "ip+port"],
    },
    no_reference: "no other stack at hand has a second address",
    run: authentication,
}

/// A stranger's request is refused from where it went, and its CHANGE-REQUEST not carried out.
fn authentication(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let config = StunServerConfig { addresses: four(Family::V4), ..guarded() };
    let stage = ServerStage::open(t, config)?;
    let flags = Flags::of(v);
    let request = stage.request(t).with(flags.attribute());
    let replies = stage.exchange_raw(t, &request.encode());
    let req = req::DISCOVERY_AUTHENTICATED_RESPONSE;
    let (arrival, reply) = only(t, req, &replies)?;
    let refused = reply.code() == Some(400) && arrival.source == stage.server();
    t.may(req::DISCOVERY_SERVER_MAY_REQUIRE_AUTHENTICATION, refused, "400", &reply)?;
    let request = stage
        .request(t)
        .with(flags.attribute())
        .with(Attribute::username(&short_term().username))
        .with_all(tags(v.text("integrity"), &short_term_key()));
    let replies = stage.exchange_raw(t, &request.encode());
    let (arrival, reply) = only(t, req, &replies)?;
    let check = protection(&reply, &short_term_key());
    t.must(req, check == Check::Good, "a right tag", &reply)?;
    success(&request, stage.peer()).allowing_integrity().holds(t, req, &reply)?;
    let from = flags.source(stage.server());
    t.must(req, arrival.source == from, from, arrival.source)
}

case! {
    id: "stun.discovery.server.challenge",
    title: "A server of the long-term mechanism challenges first and signs afterwards",
    reqs: [
        req::DISCOVERY_SERVER_MAY_REQUIRE_AUTHENTICATION,
        req::DISCOVERY_AUTHENTICATED_RESPONSE,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::OtherAddress, Cap::LongTerm],
    variants: product! { flags: ["none", "ip", "port", "ip+port"] },
    no_reference: "no other stack at hand has a second address",
    run: challenge,
}

fn challenge(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let config = StunServerConfig {
        authentication: Authentication::LongTerm(long_term()),
        ..discovery_server(Family::V4)
    };
    let stage = ServerStage::open(t, config)?;
    let flags = Flags::of(v);
    let request = stage.request(t).with(flags.attribute());
    let replies = stage.exchange_raw(t, &request.encode());
    let req = req::DISCOVERY_AUTHENTICATED_RESPONSE;
    let (arrival, reply) = only(t, req, &replies)?;
    let may = req::DISCOVERY_SERVER_MAY_REQUIRE_AUTHENTICATION;
    let refused = reply.code() == Some(401) && arrival.source == stage.server();
    t.may(may, refused, "401", &reply)?;
    let login = Challenge::get(t, &stage)?.login();
    let request = login.sign(stage.request(t).with(flags.attribute()));
    let replies = stage.exchange_raw(t, &request.encode());
    let (arrival, reply) = only(t, req, &replies)?;
    t.must(req, protection(&reply, &login.key()) == Check::Good, "a right tag", &reply)?;
    success(&request, stage.peer()).allowing_integrity().holds(t, req, &reply)?;
    let from = flags.source(stage.server());
    t.must(req, arrival.source == from, from, arrival.source)
}

case! {
    id: "stun.discovery.server.alternate-server",
    title: "A redirection carries no attribute of this usage",
    reqs: [req::DISCOVERY_NO_ALTERNATE_SERVER_WITH_OWN_ATTRIBUTES],
    kind: SubjectKind::StunServer,
    needs: [Cap::OtherAddress, Cap::AlternateServer, Cap::ShortTerm],
    variants: product! { asks: ["nothing", "change", "padding", "response-port"] },
    no_reference: "no other stack at hand redirects",
    run: alternate_server,
}

fn alternate_server(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let alternate = Some(Alternate { v4: ALTERNATE_V4, v6: ALTERNATE_V6 });
    let stage = ServerStage::open(t, StunServerConfig { alternate, ..guarded() })?;
    let asks = match v.text("asks") {
        "change" => vec![Attribute::change_request(true, true)],
        "padding" => vec![Attribute::padding(100)],
        "response-port" => vec![Attribute::response_port(50_001)],
        _ => vec![],
    };
    let request = stage
        .request(t)
        .with_all(asks)
        .with(Attribute::username(&short_term().username))
        .with(Attribute::integrity(&short_term_key()));
    let replies = stage.exchange_raw(t, &request.encode());
    let req = req::DISCOVERY_NO_ALTERNATE_SERVER_WITH_OWN_ATTRIBUTES;
    let (_, reply) = only(t, req, &replies)?;
    let model = Model::error(&request, 300).with(attribute::ALTERNATE_SERVER);
    model.allowing(attribute::ALTERNATE_DOMAIN).allowing_integrity().holds(t, req, &reply)
}

case! {
    id: "stun.discovery.server.no-rfc3489",
    title: "Clients of RFC 3489 get no answer",
    reqs: [req::DISCOVERY_SERVER_NO_RFC3489],
    kind: SubjectKind::StunServer,
    needs: [Cap::OtherAddress],
    variants: product! { cookie: [0, 0x2112_a443, 0xffff_ffff], change: [false, true] },
    no_reference: "no other stack at hand has a second address",
    run: no_rfc3489,
}

fn no_rfc3489(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, discovery_server(Family::V4))?;
    let mut request = stage.request(t);
    request.cookie = F::Set(u32::try_from(v.number("cookie")).unwrap_or(0));
    if v.flag("change") {
        request = request.with(Attribute::change_request(true, true));
    }
    let replies = stage.exchange_raw(t, &request.encode());
    let req = req::DISCOVERY_SERVER_NO_RFC3489;
    t.should(req, replies.is_empty(), "silence", show(&replies))?;
    let request = stage.request(t);
    let replies = stage.exchange_raw(t, &request.encode());
    t.should(req, replies.len() == 1, "an answer to a modern client", show(&replies))
}

/// A server of this usage that asks for the short-term credential.
fn guarded() -> StunServerConfig {
    StunServerConfig {
        authentication: Authentication::ShortTerm(short_term()),
        ..discovery_server(Family::V4)
    }
}
