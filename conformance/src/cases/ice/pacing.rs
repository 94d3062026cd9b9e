//! The order, the pace and the number of checks: RFC 8445 §6.1.2, §6.1.4, §14.2.

use super::script::*;

case! {
    id: "ice.pacing.ta",
    title: "New checks begin Ta apart, and never closer than 5 ms",
    reqs: [req::ICE_TA_DEFAULT, req::ICE_TA_FIVE_MS_FLOOR],
    kind: SubjectKind::IceAgent,
    variants: product! { ta: ["default", "1 ms", "100 ms"], peers: [20] },
    no_reference: "no other stack at hand passes yet",
    run: ta,
}

fn ta(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let wanted = match v.text("ta") {
        "default" => None,
        "1 ms" => Some(MILLISECOND),
        _ => Some(100 * MILLISECOND),
    };
    let peers = u8::try_from(v.number("peers")).unwrap_or(1);
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.peers, setup.told, setup.config.pacing) = (peers, peers, wanted);
    })?;
    t.stimulus("candidates that do not answer");
    let asked = stage.ignore(t, 4 * SECOND);
    let begun = beginnings(&asked);
    t.precondition(begun.len() > 5, "several checks")?;
    let least = gaps(&begun).iter().min().copied().unwrap_or_default();
    let text = format!("{least:?}");
    let floor = 5 * MILLISECOND;
    t.must(req::ICE_TA_FIVE_MS_FLOOR, least >= floor, "5 ms at least", &text)?;
    if wanted.is_none() {
        t.should(req::ICE_TA_DEFAULT, least >= 50 * MILLISECOND, "50 ms", text)?;
    }
    Ok(())
}

/// When each transaction began.
fn beginnings(asked: &[Heard]) -> Vec<Instant> {
    let mut seen: Vec<TransactionId> = Vec::new();
    let mut begun: Vec<Instant> = Vec::new();
    for heard in asked {
        if !seen.contains(&heard.id()) {
            seen.push(heard.id());
            begun.push(heard.at);
        }
    }
    begun.sort();
    begun
}

case! {
    id: "ice.pacing.order",
    title: "Pairs are checked in the order of their priorities",
    reqs: [req::ICE_PAIR_PRIORITY_FORMULA],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    no_reference: "no other stack at hand passes yet",
    run: order,
}

/// The candidates are told worst first, before the parameters that let checks begin.
fn order(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| {
        (setup.peers, setup.told, setup.introduced) = (6, 0, false);
    })?;
    for n in (0..6).rev() {
        stage.tell(t, n)?;
    }
    stage.introduce(t)?;
    t.stimulus("six candidates, worst first");
    let asked = stage.ignore(t, 450 * MILLISECOND);
    let places: Vec<usize> = asked.iter().map(|heard| heard.socket).collect();
    let text = format!("{places:?}");
    let fine = places.len() > 3 && places.is_sorted();
    t.must(req::ICE_PAIR_PRIORITY_FORMULA, fine, "the better first", text)
}

case! {
    id: "ice.pacing.foundations",
    title: "Of pairs with one foundation a single one is checked until it succeeds, then the others",
    reqs: [
        req::ICE_INITIAL_STATE_ONE_PAIR_PER_FOUNDATION,
        req::ICE_SUCCESS_UNFREEZES_FOUNDATION,
        req::TRICKLE_NEW_PAIR_STATE,
    ],
    kind: SubjectKind::IceAgent,
    no_reference: "no other stack at hand passes yet",
    run: foundations,
}

fn foundations(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.peers, setup.told, setup.introduced) = (4, 0, false);
    })?;
    for n in 0..4 {
        let address = stage.peer(n);
        let foundation = if n == 3 { "other" } else { "same" };
        let (ip, port) = (address.ip(), address.port());
        let line = Line::new(foundation, host_priority(n), ip, port, "host").to_string();
        needed(stage.tell_line(t, &line))?;
    }
    stage.introduce(t)?;
    t.stimulus("three candidates of one foundation, and one of another");
    let asked = stage.ignore(t, 480 * MILLISECOND);
    let mut places: Vec<usize> = asked.iter().map(|heard| heard.socket).collect();
    places.sort_unstable();
    places.dedup();
    let text = format!("{places:?}");
    let req = req::ICE_INITIAL_STATE_ONE_PAIR_PER_FOUNDATION;
    t.must(req, places == [0, 3], "the first of each foundation", &text)?;
    t.must(req::TRICKLE_NEW_PAIR_STATE, places.contains(&3), "the other foundation at once", text)?;
    let first = t.expect(asked.first().cloned(), "a check")?;
    stage.answer(t, &first);
    let asked = stage.ignore(t, 300 * MILLISECOND);
    let unfrozen = [1, 2].iter().all(|n| asked.iter().any(|heard| heard.socket == *n));
    let text = format!("{:?}", asked.iter().map(|heard| heard.socket).collect::<Vec<_>>());
    t.must(req::ICE_SUCCESS_UNFREEZES_FOUNDATION, unfrozen, "both others", text)
}

case! {
    id: "ice.pacing.victim",
    title: "However many candidates at a stranger are told, checks stay few and slow, and end",
    reqs: [
        req::ICE_CHECKS_LIMITED,
        req::ICE_HUNDRED_CHECKS,
        req::ICE_PAIR_LIMIT_CONFIGURABLE,
        req::ICE_TA_FIVE_MS_FLOOR,
        req::ICE_MAY_LIMIT_CANDIDATES,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! { limit: ["default", "10"] },
    no_reference: "no other stack at hand passes yet",
    run: victim,
}

fn victim(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let limit = if v.text("limit") == "10" { Some(10) } else { None };
    let stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.told, setup.config.pair_limit) = (0, limit);
    })?;
    let node = t.net().node("peer");
    t.net().tap(node);
    let mut refused = 0;
    for n in 0..300_u16 {
        let address = SocketAddr::new(stage.peer(0).ip(), 10_000 + n);
        let line = host_line(usize::from(n), address);
        refused += u16::from(stage.tell_line(t, &line).is_err());
    }
    t.stimulus("three hundred candidates");
    t.may(req::ICE_MAY_LIMIT_CANDIDATES, refused > 0, "some refused", refused)?;
    t.run_for(100 * SECOND);
    let mut begun: Vec<(TransactionId, Instant)> = Vec::new();
    let mut pairs: Vec<SocketAddr> = Vec::new();
    let mut last = Instant::ZERO;
    while let Some((at, packet)) = t.net().poll_tap(node) {
        let Ok(message) = Parsed::read(packet.payload()) else { continue };
        last = at;
        if !pairs.contains(&packet.destination()) {
            pairs.push(packet.destination());
        }
        if begun.iter().all(|(known, _)| *known != message.transaction) {
            begun.push((message.transaction, at));
        }
    }
    let count = pairs.len();
    let most = limit.unwrap_or(100);
    t.must(req::ICE_CHECKS_LIMITED, count <= most, format_args!("{most} pairs at most"), count)?;
    let req = req::ICE_PAIR_LIMIT_CONFIGURABLE;
    t.must(req, count <= most && count > 0, format_args!("{most} pairs at most"), count)?;
    let checks = begun.len();
    t.should(req::ICE_HUNDRED_CHECKS, checks <= 100, "100 transactions at most", checks)?;
    let times: Vec<Instant> = begun.iter().map(|(_, at)| *at).collect();
    let least = gaps(&times).iter().min().copied().unwrap_or_default();
    let fine = least >= 5 * MILLISECOND;
    t.must(req::ICE_TA_FIVE_MS_FLOOR, fine, "5 ms apart", format_args!("{least:?}"))?;
    let ended = last <= Instant::ZERO + 90 * SECOND;
    t.must(req::ICE_CHECKS_LIMITED, ended, "an end within 90 s", format_args!("the last at {last}"))
}
