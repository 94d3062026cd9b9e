//! Lite agents: RFC 8445 §2.5, §5.2, §7.3.2, §12.1.1.

use super::script::*;

case! {
    id: "ice.lite.answers",
    title: "A lite agent answers checks, sends none, and uses the pair that is nominated",
    reqs: [
        req::ICE_LITE_TAKES_NOMINATION,
        req::ICE_LITE_WAITS_FOR_VALID_PAIRS,
        req::ICE_LITE_SENDS_THEN,
        req::ICE_RESPONSE_AUTHENTICATED,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceLite],
    variants: product! { told: [0, 1] },
    run: answers,
}

fn answers(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let told = u8::try_from(v.number("told")).unwrap_or_default();
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.config.lite, setup.told) = (true, told);
    })?;
    let early = stage.data_arrives_in(t, DATA);
    let req = req::ICE_LITE_WAITS_FOR_VALID_PAIRS;
    t.must(req, early.is_none(), "no data yet", format_args!("{early:?}"))?;
    let check = stage.check(t);
    let heard = stage.ask(t, 0, &check);
    let good = heard.as_ref().is_some_and(|heard| {
        heard.message.class() == Class::Success
            && heard.message.integrity(&stage.agent.key()) == Check::Good
    });
    t.must(req::ICE_RESPONSE_AUTHENTICATED, good, "a success response", "none")?;
    let nomination = stage.nomination(t);
    stage.send(t, 0, &nomination);
    let asked = stage.serve(t, 10 * SECOND);
    let own = asked.len();
    t.must(req::ICE_LITE_TAKES_NOMINATION, own == 0, "no checks of its own", own)?;
    let selected = stage.selected(t);
    let wanted = Some((stage.base(), stage.peer(0)));
    let text = format!("{selected:?}");
    t.must(req::ICE_LITE_TAKES_NOMINATION, selected == wanted, format_args!("{wanted:?}"), text)?;
    let arrived = stage.data_arrives_in(t, DATA);
    t.may(req::ICE_LITE_SENDS_THEN, arrived == Some(0), "data", format_args!("{arrived:?}"))
}

case! {
    id: "ice.lite.candidates",
    title: "A lite agent tells host candidates with a priority and a foundation for each address",
    reqs: [
        req::ICE_LITE_ONE_CANDIDATE_PER_ADDRESS,
        req::ICE_LITE_FOUNDATION_BY_ADDRESS,
        req::ICE_LITE_PRIORITY_UNIQUE,
        req::ICE_LITE_TYPE_PREFERENCE,
        req::ICE_LITE_LOCAL_PREFERENCE_V4_ONLY,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceLite],
    variants: product! { locals: [1, 2] },
    run: candidates,
}

fn candidates(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let locals = u8::try_from(v.number("locals")).unwrap_or(1);
    let stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.config.lite, setup.locals) = (true, locals);
    })?;
    t.stimulus("local addresses");
    let lines: Vec<Line> = stage
        .events(t)
        .into_iter()
        .filter_map(|(_, event)| match event {
            IceEvent::Candidate(text) => Line::read(&text).ok(),
            _ => None,
        })
        .collect();
    let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let count = lines.len() == usize::from(locals);
    t.must(req::ICE_LITE_ONE_CANDIDATE_PER_ADDRESS, count, "one for each address", &text)?;
    let distinct = |field: fn(&Line) -> &str| {
        let mut values: Vec<&str> = lines.iter().map(field).collect();
        values.sort_unstable();
        values.dedup();
        values.len() == lines.len()
    };
    let fine = distinct(|line| &line.foundation);
    t.must(req::ICE_LITE_FOUNDATION_BY_ADDRESS, fine, "one for each address", &text)?;
    t.must(req::ICE_LITE_PRIORITY_UNIQUE, distinct(|line| &line.priority), "all different", &text)?;
    for line in &lines {
        let (kind, local, _) = split_priority(line.priority.parse().unwrap_or_default());
        t.should(req::ICE_LITE_TYPE_PREFERENCE, kind == preference::HOST, "126", &text)?;
        if locals == 1 {
            t.should(req::ICE_LITE_LOCAL_PREFERENCE_V4_ONLY, local == u16::MAX, "65535", &text)?;
        }
    }
    Ok(())
}

case! {
    id: "ice.lite.components",
    title: "A lite agent with two components tells candidates for both",
    reqs: [req::ICE_LITE_COMPONENT_FOR_RTCP],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceLite, Cap::IceComponents],
    no_reference: "no other stack at hand has two components",
    run: components,
}

fn components(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.config.lite, setup.config.components) = (true, 2);
    })?;
    let second = SocketAddr::new(stage.base().ip(), 40_002);
    let added = stage.command(t, |agent, now| agent.add_local(now, 2, second));
    needed(added)?;
    t.stimulus("an address for the second component");
    let told = stage.events(t);
    let has = |component: &str| {
        told.iter().any(|(_, event)| match event {
            IceEvent::Candidate(text) => {
                Line::read(text).is_ok_and(|line| line.component == component)
            }
            _ => false,
        })
    };
    let both = has("1") && has("2");
    stage.data.clear();
    t.must(req::ICE_LITE_COMPONENT_FOR_RTCP, both, "candidates of both", format_args!("{told:?}"))
}
