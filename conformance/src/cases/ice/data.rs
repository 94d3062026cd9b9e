//! Data: RFC 8445 §12.

use super::script::*;

case! {
    id: "ice.data.selected",
    title: "Data goes over the selected pair, from its base to its remote candidate",
    reqs: [req::ICE_DATA_ON_SELECTED_PAIR],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"], peers: [1, 3] },
    run: selected,
}

fn selected(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let peers = u8::try_from(v.number("peers")).unwrap_or(1);
    let mut stage = IceStage::with(t, role(v), |setup| (setup.peers, setup.told) = (peers, peers))?;
    stage.connect(t)?;
    let _ = stage.serve(t, 20 * SECOND);
    for n in 0..10_u8 {
        let arrived = stage.data_arrives_in(t, &[0x80, n]);
        let wanted = stage.selected(t).map(|(_, remote)| remote);
        let found = arrived.map(|socket| stage.peer(socket));
        let req = req::ICE_DATA_ON_SELECTED_PAIR;
        let fine = found.is_some() && found == wanted;
        t.must(req, fine, format_args!("{wanted:?}"), format_args!("{found:?}"))?;
        let _ = stage.serve(t, SECOND);
    }
    Ok(())
}

case! {
    id: "ice.data.received",
    title: "Data from the peer is taken on any candidate that was checked",
    reqs: [req::ICE_DATA_RECEIVED_ON_ANY_CANDIDATE, req::ICE_READY_ONCE_CANDIDATES_ARE_SENT],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: received,
}

fn received(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| (setup.peers, setup.told) = (2, 2))?;
    let check = stage.check(t);
    stage.send(t, 1, &check);
    stage.connect(t)?;
    for n in 0..2_u8 {
        let payload = [0x80, n];
        let _ = stage.events(t);
        stage.send_bytes(t, usize::from(n), stage.base(), &payload);
        let wanted = IceEvent::Data { component: 1, payload: payload.to_vec() };
        let arrived = stage.events(t).into_iter().any(|(_, event)| event == wanted);
        let text = if arrived { "data" } else { "nothing" };
        t.should(req::ICE_DATA_RECEIVED_ON_ANY_CANDIDATE, arrived, "data", text)?;
        t.must(req::ICE_READY_ONCE_CANDIDATES_ARE_SENT, arrived, "data", text)?;
    }
    Ok(())
}

case! {
    id: "ice.data.before",
    title: "Before anybody has consented, no data leaves",
    reqs: [req::CONSENT_REQUIRED_TO_SEND],
    kind: SubjectKind::IceAgent,
    variants: product! { when: ["new", "checking", "asked by the peer"] },
    run: before,
}

fn before(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        setup.introduced = v.text("when") != "new";
        setup.told = u8::from(setup.introduced);
    })?;
    if v.text("when") == "asked by the peer" {
        let nomination = stage.nomination(t);
        stage.send(t, 0, &nomination);
    }
    for _ in 0..20 {
        let _ = stage.command(t, |agent, now| agent.send(now, 1, DATA));
        let _ = stage.ignore(t, 500 * MILLISECOND);
    }
    t.stimulus("data to send");
    let count = stage.data.len();
    t.must(req::CONSENT_REQUIRED_TO_SEND, count == 0, "no data", format_args!("{count} datagrams"))
}

case! {
    id: "ice.data.valid",
    title: "Once a pair works, data may go before a nomination",
    reqs: [req::ICE_MAY_SEND_ON_VALID_PAIR],
    kind: SubjectKind::IceAgent,
    no_reference: "no other stack at hand passes yet",
    run: valid,
}

fn valid(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlled)?;
    let _ = stage.serve(t, SECOND);
    let arrived = stage.data_arrives_in(t, DATA);
    let text = format!("{arrived:?}");
    t.may(req::ICE_MAY_SEND_ON_VALID_PAIR, arrived == Some(0), "data on the valid pair", text)
}

case! {
    id: "ice.data.closed",
    title: "A session that has ended sends nothing, and answers nothing",
    reqs: [req::ICE_KEEPALIVE_ENDS_WITH_SESSION],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceClose],
    variants: product! { when: ["checking", "connected"] },
    run: closed,
}

fn closed(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlled)?;
    if v.text("when") == "connected" {
        stage.connect(t)?;
    }
    needed(stage.command(t, |agent, now| agent.close(now)))?;
    t.stimulus("the end of the session");
    let _ = stage.command(t, |agent, now| agent.send(now, 1, DATA));
    t.run_for(20 * MILLISECOND);
    let _ = stage.hear(t, Duration::ZERO);
    stage.data.clear();
    let heard = stage.serve_with_responses(t, 60 * SECOND);
    let text = format!("{} messages", heard.len());
    let quiet = heard.is_empty() && stage.data.is_empty();
    t.must(req::ICE_KEEPALIVE_ENDS_WITH_SESSION, quiet, "silence", text)
}
