//! Checks that arrive before the peer is known: RFC 8445 §7.3.

use super::script::*;

case! {
    id: "ice.early.answered",
    title: "A check before the peer's parameters is answered at once, and used when they come",
    reqs: [req::ICE_EARLY_CHECK_ANSWERED, req::ICE_EARLY_CHECK_USED],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    no_reference: "no other stack at hand passes yet",
    run: answered,
}

fn answered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage =
        IceStage::with(t, role(v), |setup| (setup.told, setup.introduced) = (0, false))?;
    let check = stage.check(t);
    stage.send(t, 0, &check);
    let begun = t.now();
    let heard = stage.hear_response(t, check.transaction, SECOND);
    let text =
        heard.as_ref().map_or_else(|| "silence".to_owned(), |heard| heard.message.to_string());
    let at_once = heard.as_ref().is_some_and(|heard| {
        heard.message.class() == Class::Success && heard.at <= begun + 50 * MILLISECOND
    });
    t.must(req::ICE_EARLY_CHECK_ANSWERED, at_once, "a success response at once", text)?;
    stage.introduce(t)?;
    let asked = stage.serve(t, SECOND);
    let back = asked.iter().any(|heard| heard.socket == 0);
    t.must(req::ICE_EARLY_CHECK_USED, back, "a check back", "none")
}

case! {
    id: "ice.early.flood",
    title: "Many early checks, good and bad, leave room for the candidate that the peer names",
    reqs: [req::ICE_EARLY_CHECK_USED, req::ICE_REQUEST_AUTHENTICATED],
    kind: SubjectKind::IceAgent,
    variants: product! { kind: ["forged", "good"] },
    run: flood,
}

fn flood(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.told, setup.introduced) = (0, false);
    })?;
    let good = v.text("kind") == "good";
    for n in 0..300_u16 {
        let bare = stage.bare_check(t);
        let check = match good {
            true => stage.agent.protect(bare),
            false => Side::new("x", "guess").protect(bare),
        };
        let [high, low] = n.to_be_bytes();
        let source = SocketAddr::from(([203, 0, 113, high + 1], 10_000 + u16::from(low)));
        stage.hand(t, source, stage.base(), &check.encode());
    }
    t.stimulus("three hundred checks");
    stage.introduce(t)?;
    stage.tell(t, 0)?;
    let check = stage.check(t);
    let heard = stage.ask(t, 0, &check);
    let success = heard.is_some_and(|heard| heard.message.class() == Class::Success);
    t.must(req::ICE_REQUEST_AUTHENTICATED, success, "a success response", "none")?;
    let nomination = stage.nomination(t);
    stage.send(t, 0, &nomination);
    let _ = stage.serve(t, 60 * SECOND);
    let selected = stage.selected(t).map(|(_, remote)| remote);
    let wanted = stage.peer(0);
    t.must(
        req::ICE_EARLY_CHECK_USED,
        selected == Some(wanted),
        wanted,
        format_args!("{selected:?}"),
    )
}
