//! FINGERPRINT at the server: RFC 8489 §7, §14.7.

use super::script::*;

case! {
    id: "stun.server.fingerprint.sent",
    title: "Where the usage employs FINGERPRINT, responses carry a right one at the end",
    reqs: [
        req::STUN_FINGERPRINT_SENT_WHEN_USED,
        req::STUN_FINGERPRINT_CRC,
        req::STUN_FINGERPRINT_COVERS_LENGTH,
        req::STUN_FINGERPRINT_LAST,
        req::STUN_FINGERPRINT_ANY_MESSAGE,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::Fingerprint],
    variants: product! { outcome: ["success", "420"], auth: ["none", "short-term"] },
    run: fingerprint_sent,
}

fn fingerprint_sent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let auth = v.text("auth") == "short-term";
    let config = if auth { short_term_server() } else { plain() };
    let stage = ServerStage::open(t, StunServerConfig { fingerprint: true, ..config })?;
    let mut request = stage.request(t);
    if v.text("outcome") == "420" {
        request = request.with(Attribute::bytes(0x7ffe, b"?"));
    }
    if auth {
        request = request
            .with(Attribute::username(&short_term().username))
            .with(Attribute::integrity(&short_term_key()));
    }
    let request = request.with(Attribute::fingerprint());
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_FINGERPRINT_SENT_WHEN_USED, reply)?;
    let there = reply.has(attribute::FINGERPRINT);
    t.must(req::STUN_FINGERPRINT_SENT_WHEN_USED, there, "FINGERPRINT", &reply)?;
    let check = reply.fingerprint();
    t.must(
        req::STUN_FINGERPRINT_CRC,
        check == Check::Good,
        "the right CRC",
        format_args!("{check:?}"),
    )?;
    t.must(
        req::STUN_FINGERPRINT_COVERS_LENGTH,
        check == Check::Good && reply.trailing.is_empty(),
        "a CRC over the final length and tags",
        &reply,
    )?;
    let last = reply.kinds().last() == Some(&attribute::FINGERPRINT);
    t.must(req::STUN_FINGERPRINT_LAST, last, "FINGERPRINT at the end", &reply)?;
    t.may(req::STUN_FINGERPRINT_ANY_MESSAGE, there, "FINGERPRINT in a response", &reply)
}

case! {
    id: "stun.server.fingerprint.checked",
    title: "Where the usage employs FINGERPRINT, requests without a right one are passed over",
    reqs: [req::STUN_RECEIVE_CHECKS_FINGERPRINT],
    kind: SubjectKind::StunServer,
    needs: [Cap::Fingerprint],
    variants: product! {
        fault: ["absent", "wrong", "not masked", "spoilt message", "not last", "length field", "too short"],
    },
    run: fingerprint_checked,
}

fn fingerprint_checked(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, StunServerConfig { fingerprint: true, ..plain() })?;
    let request = stage.request(t).with(Attribute::software("covered"));
    let good = Attribute::fingerprint();
    let mut bytes = match v.text("fault") {
        "absent" => request.encode(),
        "wrong" => request.with(good.with_octets(F::Xor(vec![0, 0, 0, 1]))).encode(),
        "not masked" => {
            request.with(good.with_octets(F::Xor(vec![0x53, 0x54, 0x55, 0x4e]))).encode()
        }
        "length field" => request.with(good.with_length(F::Set(3))).encode(),
        "too short" => request.with(good.with_octets(F::Raw(vec![1, 2, 3]))).encode(),
        "not last" => {
            let early = good.with_octets(F::Xor(vec![0xff]));
            request.with(early).with(Attribute::software("more")).encode()
        }
        _ => request.with(good).encode(),
    };
    if v.text("fault") == "spoilt message"
        && let Some(byte) = bytes.get_mut(25)
    {
        *byte ^= 1;
    }
    stage.ignores(t, req::STUN_RECEIVE_CHECKS_FINGERPRINT, &bytes)
}

case! {
    id: "stun.server.fingerprint.plain",
    title: "A server that does not employ FINGERPRINT may echo it and accepts requests with and without",
    reqs: [req::STUN_SERVER_MAY_USE_FINGERPRINT, req::STUN_SERVER_DOES_NOT_REQUIRE_FINGERPRINT],
    kind: SubjectKind::StunServer,
    variants: product! { sent: [false, true] },
    run: fingerprint_plain,
}

fn fingerprint_plain(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let mut request = stage.request(t);
    if v.flag("sent") {
        request = request.with(Attribute::fingerprint());
    }
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_SERVER_DOES_NOT_REQUIRE_FINGERPRINT, reply)?;
    Model::success(&request, stage.peer()).allowing(attribute::FINGERPRINT).holds(
        t,
        req::STUN_SERVER_DOES_NOT_REQUIRE_FINGERPRINT,
        &reply,
    )?;
    let used = reply.has(attribute::FINGERPRINT);
    t.may(req::STUN_SERVER_MAY_USE_FINGERPRINT, used, "FINGERPRINT in the response", &reply)
}
