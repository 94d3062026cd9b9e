//! Consent: RFC 7675.

use super::script::*;

case! {
    id: "ice.consent.cadence",
    title: "Consent is asked for every four to six seconds, with new transactions, at random intervals",
    reqs: [
        req::CONSENT_INTERVAL_RANDOMIZED,
        req::CONSENT_INTERVAL_FIVE_SECONDS,
        req::CONSENT_INTERVAL_NOT_BELOW_FOUR,
        req::CONSENT_NEW_TRANSACTION_ID,
        req::ICE_KEEPALIVES_SENT,
        req::ICE_KEEPALIVES_ARE_STUN,
        req::ICE_KEEPALIVE_AFTER_TR,
        req::ICE_KEEPALIVE_FORMAT,
        req::ICE_KEEPALIVE_STUN_BY_DEFAULT,
        req::ICE_SDP_KEEPALIVES,
        req::ICE_TIEBREAKER_CONSTANT,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceConsent],
    variants: product! { role: ["controlling", "controlled"] },
    no_reference: "no other stack at hand passes yet",
    run: cadence,
}

fn cadence(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    stage.connect(t)?;
    let _ = stage.serve(t, 5 * SECOND);
    let asked = stage.serve(t, 120 * SECOND);
    let gaps = gaps(&IceStage::times(&asked, |_| true));
    let text = format!("{gaps:?}");
    for req in [
        req::ICE_KEEPALIVES_SENT,
        req::ICE_KEEPALIVES_ARE_STUN,
        req::ICE_KEEPALIVE_AFTER_TR,
        req::ICE_KEEPALIVE_STUN_BY_DEFAULT,
        req::ICE_SDP_KEEPALIVES,
    ] {
        t.must(req, asked.len() >= 8, "one in 15 s", &text)?;
    }
    t.should(req::ICE_KEEPALIVE_FORMAT, asked.len() >= 8, "one in 15 s", &text)?;
    let (least, most) = (gaps.iter().min().copied(), gaps.iter().max().copied());
    let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
    let req = req::CONSENT_INTERVAL_NOT_BELOW_FOUR;
    t.must(req, least >= 4 * SECOND, "4 s at least", &text)?;
    let fine = least >= 4 * SECOND && most <= 6 * SECOND;
    t.should(req::CONSENT_INTERVAL_FIVE_SECONDS, fine, "4 to 6 s", &text)?;
    let spread =
        most.saturating_sub(least) >= 500 * MILLISECOND && most <= least * 3 / 2 + MILLISECOND;
    t.must(req::CONSENT_INTERVAL_RANDOMIZED, spread, "0.8 to 1.2 times the period", &text)?;
    let mut ids: Vec<TransactionId> = asked.iter().map(Heard::id).collect();
    ids.sort();
    ids.dedup();
    let fresh = ids.len() == asked.len();
    t.must(req::CONSENT_NEW_TRANSACTION_ID, fresh, "a new id each", format_args!("{}", ids.len()))?;
    let claimed: Vec<_> = asked.iter().map(|heard| Role::of(&heard.message)).collect();
    let same = claimed.windows(2).all(|pair| pair.first() == pair.last());
    t.must(req::ICE_TIEBREAKER_CONSTANT, same, "one tie-breaker", format_args!("{claimed:?}"))
}

case! {
    id: "ice.consent.unanswered",
    title: "A consent check that goes unanswered is not repeated; the next comes in its time",
    reqs: [req::CONSENT_NOT_RETRANSMITTED, req::CONSENT_NEW_TRANSACTION_ID],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceConsent],
    run: unanswered,
}

fn unanswered(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlled)?;
    stage.connect(t)?;
    let _ = stage.serve(t, 5 * SECOND);
    let asked = stage.ignore(t, 20 * SECOND);
    t.stimulus("twenty seconds of silence");
    let mut ids: Vec<TransactionId> = asked.iter().map(Heard::id).collect();
    ids.sort();
    ids.dedup();
    let text = format!("{} checks, {} ids", asked.len(), ids.len());
    let fine = asked.len() == ids.len() && asked.len() > 1;
    t.must(req::CONSENT_NOT_RETRANSMITTED, fine, "no repetition", &text)?;
    t.must(req::CONSENT_NEW_TRANSACTION_ID, fine, "a new id each", text)
}

case! {
    id: "ice.consent.expires",
    title: "Thirty seconds after the last good response nothing is sent any more, whatever else arrives",
    reqs: [req::CONSENT_EXPIRES_AFTER_THIRTY_SECONDS, req::CONSENT_REGAINED_BEFORE_DATA],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceConsent],
    variants: product! {
        incoming: ["nothing", "data", "checks", "unsigned responses", "stale responses", "wrong password"],
    },
    no_reference: "no other stack at hand passes yet",
    run: expires,
}

fn expires(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlled)?;
    stage.connect(t)?;
    let asked = stage.serve(t, 12 * SECOND);
    let last = t.expect(asked.last().cloned(), "a consent check")?;
    let silent_since = last.at;
    stage.data.clear();
    let mut current = None;
    for _ in 0..50 {
        match v.text("incoming") {
            "data" => stage.send_bytes(t, 0, stage.base(), DATA),
            "checks" => {
                let check = stage.check(t);
                stage.send(t, 0, &check);
            }
            "stale responses" => stage.answer(t, &last),
            "unsigned responses" => forge(&stage, t, current.as_ref(), None),
            "wrong password" => forge(&stage, t, current.as_ref(), Some(Side::new("x", "guess"))),
            _ => {}
        }
        let _ = stage.command(t, |agent, now| agent.send(now, 1, DATA));
        current = stage.ignore(t, SECOND).pop().or(current);
    }
    t.stimulus("fifty seconds without consent");
    let times: Vec<Instant> = stage.data.iter().map(|(at, ..)| *at).collect();
    let final_one = times.last().copied().unwrap_or(Instant::ZERO);
    let after = final_one - silent_since;
    let text = format!("the last data {after:?} after the last answered check");
    // The answer took a round trip, which counts in the sender's favour.
    let fine = after <= 30 * SECOND + 100 * MILLISECOND;
    t.must(req::CONSENT_EXPIRES_AFTER_THIRTY_SECONDS, fine, "30 s at most", &text)?;
    t.must(req::CONSENT_REGAINED_BEFORE_DATA, fine, "30 s at most", &text)?;
    t.sometimes("data goes on for a while without answers", after >= 20 * SECOND);
    Ok(())
}

/// Answers the last check with nothing, or something wrong, as a tag.
fn forge(stage: &IceStage, t: &mut Ctl<'_>, heard: Option<&Heard>, signer: Option<Side>) {
    if let Some(heard) = heard {
        let bare = Message::success(heard.id()).with(Attribute::xor_mapped_address(heard.from));
        let message = match signer {
            Some(signer) => signer.protect(bare),
            None => bare.with(Attribute::fingerprint()),
        };
        stage.reply(t, heard, &message);
    }
}

case! {
    id: "ice.consent.late",
    title: "What was lost stays lost: late responses and new checks do not bring back consent under the same credentials",
    reqs: [
        req::CONSENT_TRANSACTIONS_DISCARDED,
        req::CONSENT_CREDENTIALS_DEAD_AFTER_LOSS,
        req::CONSENT_REGAINED_BEFORE_DATA,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceConsent],
    variants: product! { role: ["controlling", "controlled"] },
    no_reference: "no other stack at hand passes yet",
    run: late,
}

fn late(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    stage.connect(t)?;
    let asked = stage.ignore(t, 60 * SECOND);
    let after = stage.data_arrives_in(t, DATA);
    t.precondition(after.is_none(), "consent expired")?;
    for heard in asked.iter().rev().take(8) {
        stage.answer(t, heard);
    }
    let arrived = stage.data_arrives_in(t, DATA);
    let text = format!("{arrived:?}");
    t.must(req::CONSENT_TRANSACTIONS_DISCARDED, arrived.is_none(), "no data", &text)?;
    for _ in 0..5 {
        let check = stage.nomination(t);
        stage.send(t, 0, &check);
        let _ = stage.serve(t, SECOND);
    }
    let arrived = stage.data_arrives_in(t, DATA);
    let text = format!("{arrived:?}");
    t.must(req::CONSENT_CREDENTIALS_DEAD_AFTER_LOSS, arrived.is_none(), "no data", &text)?;
    t.must(req::CONSENT_REGAINED_BEFORE_DATA, arrived.is_none(), "no data", text)
}

case! {
    id: "ice.consent.slow",
    title: "On a path with a long round trip consent stays fresh",
    reqs: [req::CONSENT_RESPONSE_AWAITED, req::CONSENT_EXPIRES_AFTER_THIRTY_SECONDS],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceConsent],
    variants: product! { rtt: [400, 1200, 3000] },
    run: slow,
}

fn slow(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let rtt = Duration::from_millis(v.number("rtt"));
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| setup.rtt = rtt)?;
    stage.connect_within(t, 60 * SECOND)?;
    let _ = stage.serve(t, 90 * SECOND);
    let sent = stage.command(t, |agent, now| agent.send(now, 1, DATA));
    t.stimulus("data after 90 s");
    let text = format!("{sent:?}");
    t.should(req::CONSENT_RESPONSE_AWAITED, sent.is_ok(), "data is sent", &text)?;
    t.must(req::CONSENT_EXPIRES_AFTER_THIRTY_SECONDS, sent.is_ok(), "data is sent", text)
}

case! {
    id: "ice.consent.answered",
    title: "Checks of the peer are answered throughout the session, and a Binding indication in silence",
    reqs: [
        req::CONSENT_ANSWERED_AS_CHECK,
        req::ICE_KEEPALIVE_BOTH_KINDS_RECEIVED,
        req::ICE_ANSWERS_AFTER_NOMINATION,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: answered,
}

fn answered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    stage.connect(t)?;
    for _ in 0..6 {
        let _ = stage.serve(t, 10 * SECOND);
        let indication = Message::indication(IceStage::id(t)).with(Attribute::fingerprint());
        stage.send(t, 0, &indication);
        let check = stage.check(t);
        stage.send(t, 0, &check);
        let heard = stage.serve_with_responses(t, SECOND);
        let answers = heard.iter().filter(|heard| !heard.message.is_request());
        let answers: Vec<TransactionId> = answers.map(Heard::id).collect();
        let fine = answers == [check.transaction];
        let text = format!("{answers:?}");
        for req in [
            req::CONSENT_ANSWERED_AS_CHECK,
            req::ICE_KEEPALIVE_BOTH_KINDS_RECEIVED,
            req::ICE_ANSWERS_AFTER_NOMINATION,
        ] {
            t.must(req, fine, "one answer, to the check", &text)?;
        }
    }
    let arrived = stage.data_arrives_in(t, DATA);
    let req = req::CONSENT_ANSWERED_AS_CHECK;
    t.must(req, arrived == Some(0), "data still flows", format_args!("{arrived:?}"))
}
