//! Transactions over a reliable transport: RFC 8489 §6.2.2, §9.1.4, §9.2.5.

use super::script::*;

case! {
    id: "stun.client.stream.once",
    title: "Over a reliable transport a request is sent once and given up after Ti",
    reqs: [
        req::STUN_TCP_NO_RETRANSMISSION,
        req::STUN_TCP_TIMEOUT_DEFAULT,
        req::STUN_TCP_TIMEOUT_CONFIGURABLE,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::Stream],
    variants: product! { ti: ["default", "10 s"] },
    run: once,
}

fn once(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let configured = v.text("ti") == "10 s";
    let mut stage = ClientStage::open(t, |config| {
        config.transport = Transport::Tcp;
        config.ti = configured.then_some(10 * SECOND);
    })?;
    let begin = t.now();
    stage.start(t)?;
    let told = stage.event(t, 300 * SECOND);
    let end = millis(stage.told_at() - begin);
    let sent = stage.take_sent(t);
    t.must(req::STUN_TCP_NO_RETRANSMISSION, sent.len() == 1, "one request", show(&sent))?;
    let timed_out = matches!(told, Some(ClientEvent::TimedOut { .. }));
    let (req, wanted) = if configured {
        (req::STUN_TCP_TIMEOUT_CONFIGURABLE, 10_000)
    } else {
        (req::STUN_TCP_TIMEOUT_DEFAULT, 39_500)
    };
    let got = format!("{told:?} after {end} ms");
    t.should(req, timed_out && end == wanted, format_args!("timed out after {wanted} ms"), got)
}

case! {
    id: "stun.client.stream.pipelining",
    title: "Several requests share a connection, and responses come in any order",
    reqs: [req::STUN_TCP_PIPELINING],
    kind: SubjectKind::StunClient,
    needs: [Cap::Stream],
    run: pipelining,
}

fn pipelining(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |config| config.transport = Transport::Tcp)?;
    for _ in 0..3 {
        stage.start(t)?;
    }
    stage.wait(t, SECOND);
    let mut sent = Vec::new();
    while let Some(one) = stage.next(t, Duration::ZERO) {
        sent.push(one);
    }
    t.may(req::STUN_TCP_PIPELINING, sent.len() == 3, "three requests at once", sent.len())?;
    for one in sent.iter().rev() {
        stage.reply(t, &stage.success_for(one));
        let told = stage.event(t, SECOND);
        let fine = matches!(told, Some(ClientEvent::Success { .. }));
        t.may(req::STUN_TCP_PIPELINING, fine, "success", format_args!("{told:?}"))?;
    }
    Ok(())
}

case! {
    id: "stun.client.stream.violation",
    title: "Over a reliable transport the first forgery ends the transaction",
    reqs: [req::STUN_SHORT_TERM_RELIABLE_VIOLATION, req::STUN_LONG_TERM_RELIABLE_VIOLATION],
    kind: SubjectKind::StunClient,
    needs: [Cap::Stream, Cap::ShortTerm, Cap::LongTerm],
    variants: product! { auth: ["short-term", "long-term"], forged: ["no tag", "wrong tag"] },
    no_reference: "no other stack at hand passes yet",
    run: violation,
}

fn violation(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let short = v.text("auth") == "short-term";
    let mut stage = ClientStage::open(t, |config| {
        config.transport = Transport::Tcp;
        config.authentication = match short {
            true => Authentication::ShortTerm(short_term()),
            false => Authentication::LongTerm(long_term()),
        };
    })?;
    stage.start(t)?;
    let mut sent = stage.expect(t, SECOND, "a request")?;
    if !short {
        let challenge = Message::error(sent.message.transaction, 401, "Unauthenticated")
            .with(Attribute::realm(REALM))
            .with(Attribute::nonce(b"nonce"));
        stage.reply(t, &challenge);
        sent = stage.expect(t, SECOND, "a retry")?;
    }
    let forged =
        Message::success(sent.message.transaction).with(Attribute::xor_mapped_address(OTHER));
    let forged = match v.text("forged") {
        "no tag" => forged,
        _ => forged.with(Attribute::integrity(&Key::short_term("guess"))),
    };
    stage.reply(t, &forged);
    let told = stage.event(t, 100 * MILLISECOND);
    let named = matches!(told, Some(ClientEvent::IntegrityViolated { .. }));
    let req = if short {
        req::STUN_SHORT_TERM_RELIABLE_VIOLATION
    } else {
        req::STUN_LONG_TERM_RELIABLE_VIOLATION
    };
    t.must(req, named, "integrity violated, at once", format_args!("{told:?}"))
}
