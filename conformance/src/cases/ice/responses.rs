//! What responses do to a pair: RFC 8445 §7.2.5.

use simnet::{IcmpError, Packet};

use super::script::*;

case! {
    id: "ice.responses.asymmetric",
    title: "A response from another address, or to another one, does not make the pair valid: it has failed",
    reqs: [req::ICE_RESPONSE_SYMMETRIC, req::ICE_ASYMMETRIC_RESPONSE_FAILS_PAIR],
    kind: SubjectKind::IceAgent,
    variants: product! {
        role: ["controlling", "controlled"],
        odd: ["other source", "other destination"],
    },
    run: asymmetric,
}

fn asymmetric(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| {
        (setup.peers, setup.told, setup.locals) = (2, 1, 2);
    })?;
    let mut refused = Vec::new();
    let until = t.now() + 8 * SECOND;
    let mut repeated = 0;
    while let Some(heard) = stage.hear_request(t, until - t.now()) {
        if refused.contains(&heard.id()) {
            repeated += 1;
            continue;
        }
        refused.push(heard.id());
        let success = stage.me.success(&heard.message, heard.from).encode();
        let other = stage.locals.iter().copied().find(|local| *local != heard.from);
        match v.text("odd") {
            "other source" => stage.send_bytes(t, 1, heard.from, &success),
            _ => {
                let other = t.expect(other, "another address")?;
                stage.send_bytes(t, 0, other, &success);
            }
        }
    }
    let selected = stage.selected(t);
    let text = format!("{selected:?}");
    t.must(req::ICE_RESPONSE_SYMMETRIC, selected.is_none(), "no pair", text)?;
    let req = req::ICE_ASYMMETRIC_RESPONSE_FAILS_PAIR;
    t.must(req, repeated == 0, "no repetition", format_args!("{repeated} repetitions"))
}

case! {
    id: "ice.responses.forged",
    title: "A response that the peer did not sign counts for nothing",
    reqs: [req::STUN_SHORT_TERM_BAD_RESPONSE_IGNORED, req::ICE_RESPONSE_SYMMETRIC],
    kind: SubjectKind::IceAgent,
    variants: product! {
        role: ["controlling", "controlled"],
        fault: ["no tag", "wrong tag", "own password", "old transaction"],
    },
    run: forged,
}

fn forged(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    let heard = stage.expect_request(t, 2 * SECOND)?;
    let bare = Message::success(heard.id()).with(Attribute::xor_mapped_address(heard.from));
    let forged = match v.text("fault") {
        "no tag" => bare.with(Attribute::fingerprint()),
        "wrong tag" => bare
            .with(Attribute::integrity(&stage.me.key()).with_octets(F::Xor(vec![1])))
            .with(Attribute::fingerprint()),
        "own password" => stage.agent.protect(bare),
        _ => {
            let other = Message::success(IceStage::id(t));
            stage.me.protect(other.with(Attribute::xor_mapped_address(heard.from)))
        }
    };
    stage.reply(t, &heard, &forged);
    let selected = stage.selected(t);
    let req = req::STUN_SHORT_TERM_BAD_RESPONSE_IGNORED;
    t.must(req, selected.is_none(), "no pair", format_args!("{selected:?}"))?;
    let again = stage.hear_request(t, 4 * SECOND);
    t.must(req, again.is_some(), "the check again", "none")?;
    stage.connect(t)?;
    let selected = stage.selected(t).map(|(_, remote)| remote);
    let wanted = stage.peer(0);
    t.must(req, selected == Some(wanted), wanted, format_args!("{selected:?}"))
}

case! {
    id: "ice.responses.error",
    title: "A pair whose check is refused for good has failed: the check is not repeated",
    reqs: [req::ICE_UNRECOVERABLE_ERROR_FAILS_PAIR],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"], code: [400, 401, 420] },
    run: error,
}

fn error(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    let heard = stage.expect_request(t, 2 * SECOND)?;
    let code = u16::try_from(v.number("code")).unwrap_or_default();
    let refusal = stage.me.error(&heard.message, code, "No");
    stage.reply(t, &heard, &refusal);
    let asked = stage.ignore(t, 4 * SECOND);
    let req = req::ICE_UNRECOVERABLE_ERROR_FAILS_PAIR;
    t.should(req, asked.is_empty(), "no further check", format_args!("{} more", asked.len()))
}

case! {
    id: "ice.responses.timeout",
    title: "A check is repeated with doubled intervals of at least 500 ms; then its pair has failed",
    reqs: [req::ICE_RTO_NOT_BELOW_500_MS, req::ICE_TIMEOUT_FAILS_PAIR, req::ICE_RTO_CHECKS],
    kind: SubjectKind::IceAgent,
    no_reference: "no other stack at hand passes yet",
    run: timeout,
}

fn timeout(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlled)?;
    t.stimulus("a candidate that does not answer");
    let asked = stage.ignore(t, 120 * SECOND);
    let first = t.expect(asked.first().cloned(), "a check")?;
    let times = IceStage::times(&asked, |heard| heard.id() == first.id());
    let gaps = gaps(&times);
    let text = format!("{gaps:?}");
    let least = gaps.iter().min().copied().unwrap_or_default();
    t.must(req::ICE_RTO_NOT_BELOW_500_MS, least >= 500 * MILLISECOND, "500 ms at least", &text)?;
    let initial = gaps.first().copied().unwrap_or_default();
    let fine = initial == 500 * MILLISECOND;
    t.should(req::ICE_RTO_CHECKS, fine, "500 ms for a single pair", &text)?;
    // An agent may try a silent pair anew for a while, but not without end.
    let last = asked.last().map_or(Duration::ZERO, |heard| heard.at - first.at);
    let ended = times.len() == 7 && last <= 60 * SECOND;
    let wanted = "seven requests, and none after a minute";
    let got = format!("the last after {last:?}: {text}");
    t.must(req::ICE_TIMEOUT_FAILS_PAIR, ended, wanted, got)
}

case! {
    id: "ice.responses.rto",
    title: "With many pairs the RTO grows with their number",
    reqs: [req::ICE_RTO_CHECKS, req::ICE_RTO_NOT_BELOW_500_MS],
    kind: SubjectKind::IceAgent,
    no_reference: "no other stack at hand passes yet",
    run: rto,
}

fn rto(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.peers, setup.told, setup.introduced) = (30, 30, false);
    })?;
    stage.introduce(t)?;
    t.stimulus("thirty candidates that do not answer");
    let asked = stage.ignore(t, 10 * SECOND);
    let first = t.expect(asked.first().cloned(), "a check")?;
    let gaps = gaps(&IceStage::times(&asked, |heard| heard.id() == first.id()));
    let found = gaps.first().copied().unwrap_or_default();
    let text = format!("{found:?}");
    t.must(req::ICE_RTO_NOT_BELOW_500_MS, found >= 500 * MILLISECOND, "500 ms at least", &text)?;
    let wanted = 30 * 50 * MILLISECOND;
    t.should(req::ICE_RTO_CHECKS, found.abs_diff(wanted) <= 60 * MILLISECOND, "Ta times 30", text)
}

case! {
    id: "ice.responses.icmp",
    title: "An agent that heeds ICMP gives a pair up after a hard error",
    reqs: [req::ICE_MAY_HEED_ICMP, req::ICE_HARD_ICMP_FAILS_PAIR],
    kind: SubjectKind::IceAgent,
    no_reference: "no other stack at hand passes yet",
    run: icmp,
}

fn icmp(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlled)?;
    let heard = stage.expect_request(t, 2 * SECOND)?;
    let peer = stage.peer(0);
    let request = Packet::udp(heard.from, peer, heard.message.bytes.clone());
    let error = request.icmp_error(peer.ip(), IcmpError::PortUnreachable);
    let error = error.ok_or_else(|| Stop::Harness("no ICMP error to send".to_owned()))?;
    let node = t.net().node("peer");
    t.net().inject(node, error);
    t.stimulus("an ICMP error");
    let asked = stage.ignore(t, 4 * SECOND);
    let heeds = asked.is_empty();
    let text = format!("{} more", asked.len());
    t.may(req::ICE_MAY_HEED_ICMP, heeds, "no further check", &text)?;
    if heeds {
        t.should(req::ICE_HARD_ICMP_FAILS_PAIR, heeds, "no further check", text)?;
    }
    Ok(())
}

case! {
    id: "ice.responses.stray",
    title: "Late, doubled and unasked responses do no harm",
    reqs: [req::STUN_RESPONSE_MATCHES_TRANSACTION],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: stray,
}

fn stray(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    stage.connect(t)?;
    let asked = stage.serve(t, 7 * SECOND);
    let known = t.expect(asked.last().cloned(), "a check")?;
    let unknown = Message::success(IceStage::id(t)).with(Attribute::xor_mapped_address(known.from));
    let unknown = stage.me.protect(unknown);
    for _ in 0..3 {
        stage.answer(t, &known);
        let error = stage.me.error(&known.message, 487, "Role Conflict");
        stage.reply(t, &known, &error);
        stage.send(t, 0, &unknown);
    }
    let now = stage.command(t, |agent, _| agent.role());
    let req = req::STUN_RESPONSE_MATCHES_TRANSACTION;
    t.must(req, now == role(v), "the same role", format_args!("{now:?}"))?;
    let arrived = stage.data_arrives_in(t, DATA);
    t.must(req, arrived == Some(0), "data over the same pair", format_args!("{arrived:?}"))
}
