//! Server-reflexive candidates: RFC 8445 §5.1.1.2, §5.1.1.4. A socket of the suite is the STUN server.

use super::script::*;

/// What the server says that the agent's address is.
const SEEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7)), 61_000);

/// An agent whose STUN servers are the suite's sockets; it knows no peer.
fn gathering(
    t: &mut Ctl<'_>,
    servers: u8,
    change: impl FnOnce(&mut Setup),
) -> Result<IceStage, Stop> {
    IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.peers, setup.told, setup.introduced) = (servers, 0, false);
        setup.config.servers =
            (0..servers).map(|n| SocketAddr::from(([192, 0, 2, 100 + n], 5_000))).collect();
        change(setup);
    })
}

/// What a STUN server answers.
fn answer(stage: &IceStage, t: &mut Ctl<'_>, heard: &Heard, address: Attribute) {
    let response = Message::success(heard.id()).with(address);
    stage.reply(t, heard, &response);
}

fn told(stage: &IceStage, t: &mut Ctl<'_>, kind: &str) -> Vec<Line> {
    let lines = stage.events(t).into_iter().filter_map(|(_, event)| match event {
        IceEvent::Candidate(text) => Line::read(&text).ok(),
        _ => None,
    });
    lines.filter(|line| line.kind == kind).collect()
}

case! {
    id: "ice.gather.reflexive",
    title: "A STUN server's answer makes a server-reflexive candidate, from servers old and new",
    reqs: [
        req::ICE_GATHERS_REFLEXIVE_AND_RELAYED,
        req::ICE_GATHERS_FROM_ONE_SERVER_AT_LEAST,
        req::ICE_GATHERING_ACCEPTS_PLAIN_MAPPED_ADDRESS,
        req::ICE_CANDIDATE_RELATED_ADDRESS_PRESENT,
        req::ICE_TYPE_PREFERENCES_RECOMMENDED,
        req::ICE_CANDIDATE_GRAMMAR,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceGathering],
    variants: product! { address: ["xor", "plain"], servers: [1, 2] },
    no_reference: "no other stack at hand gathers by itself",
    run: reflexive,
}

fn reflexive(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let servers = u8::try_from(v.number("servers")).unwrap_or(1);
    let mut stage = gathering(t, servers, |_| {})?;
    t.stimulus("STUN servers");
    let until = t.now() + 5 * SECOND;
    let mut asked = 0;
    while let Some(heard) = stage.hear_request(t, until - t.now()) {
        asked += 1;
        let address = match v.text("address") {
            "xor" => Attribute::xor_mapped_address(SEEN),
            _ => Attribute::mapped_address(SEEN),
        };
        answer(&stage, t, &heard, address);
    }
    t.should(req::ICE_GATHERS_FROM_ONE_SERVER_AT_LEAST, asked > 0, "a request", asked)?;
    let lines = told(&stage, t, "srflx");
    let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let found = !lines.is_empty();
    t.should(req::ICE_GATHERS_REFLEXIVE_AND_RELAYED, found, "a candidate", &text)?;
    let req = req::ICE_GATHERING_ACCEPTS_PLAIN_MAPPED_ADDRESS;
    t.must(req, found, "a server-reflexive candidate", &text)?;
    let line = t.expect(lines.first(), "a server-reflexive candidate")?;
    let place = (line.address.clone(), line.port.clone());
    let right = place == (SEEN.ip().to_string(), SEEN.port().to_string());
    t.must(req, right, SEEN, &text)?;
    let faults = line.faults();
    t.must(req::ICE_CANDIDATE_GRAMMAR, faults.is_empty(), "no faults", format_args!("{faults:?}"))?;
    let related = line.value("raddr").is_some() && line.value("rport").is_some();
    t.must(req::ICE_CANDIDATE_RELATED_ADDRESS_PRESENT, related, "raddr and rport", &text)?;
    let (kind, _, _) = split_priority(line.priority.parse().unwrap_or_default());
    let fine = kind == preference::SERVER_REFLEXIVE;
    t.should(req::ICE_TYPE_PREFERENCES_RECOMMENDED, fine, "100", text)
}

case! {
    id: "ice.gather.redundant",
    title: "A reflexive address that is the base itself makes no second candidate",
    reqs: [req::ICE_REDUNDANT_CANDIDATES_ELIMINATED],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceGathering],
    no_reference: "no other stack at hand gathers by itself",
    run: redundant,
}

fn redundant(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = gathering(t, 1, |_| {})?;
    let heard = stage.expect_request(t, 2 * SECOND)?;
    answer(&stage, t, &heard, Attribute::xor_mapped_address(heard.from));
    t.run_for(SECOND);
    let lines = told(&stage, t, "srflx");
    let req = req::ICE_REDUNDANT_CANDIDATES_ELIMINATED;
    t.should(req, lines.is_empty(), "no such candidate", format_args!("{}", lines.len()))
}

case! {
    id: "ice.gather.pace",
    title: "Requests to STUN servers begin Ta apart, and are repeated after 500 ms at least",
    reqs: [
        req::ICE_GATHERING_PACED,
        req::ICE_RTO_GATHERING,
        req::ICE_RTO_NOT_BELOW_500_MS,
        req::ICE_TA_FIVE_MS_FLOOR,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceGathering],
    no_reference: "no other stack at hand gathers by itself",
    run: pace,
}

fn pace(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = gathering(t, 3, |setup| setup.locals = 4)?;
    t.stimulus("STUN servers that do not answer");
    let asked = stage.ignore(t, 5 * SECOND);
    let mut begun: Vec<(TransactionId, Instant)> = Vec::new();
    let mut rtos = Vec::new();
    for heard in &asked {
        match begun.iter().find(|(id, _)| *id == heard.id()) {
            None => begun.push((heard.id(), heard.at)),
            Some((_, first)) => rtos.push(heard.at - *first),
        }
    }
    let mut times: Vec<Instant> = begun.iter().map(|(_, at)| *at).collect();
    times.sort();
    let least = gaps(&times).iter().min().copied().unwrap_or_default();
    let text = format!("{least:?} between {}", times.len());
    t.precondition(times.len() > 3, "several transactions")?;
    t.should(req::ICE_GATHERING_PACED, least >= 50 * MILLISECOND, "50 ms", &text)?;
    t.must(req::ICE_TA_FIVE_MS_FLOOR, least >= 5 * MILLISECOND, "5 ms", text)?;
    let rto = rtos.iter().min().copied().unwrap_or_default();
    let text = format!("{rto:?}");
    t.must(req::ICE_RTO_NOT_BELOW_500_MS, rto >= 500 * MILLISECOND, "500 ms", &text)?;
    let wanted =
        (50 * MILLISECOND * u32::try_from(times.len()).unwrap_or(1)).max(500 * MILLISECOND);
    let near = rto.abs_diff(wanted) <= 100 * MILLISECOND;
    t.should(req::ICE_RTO_GATHERING, near, format_args!("{wanted:?}"), text)
}

case! {
    id: "ice.gather.kept-alive",
    title: "Until ICE has completed, the binding of a reflexive candidate is refreshed at its server",
    reqs: [
        req::ICE_GATHERED_CANDIDATES_KEPT_ALIVE,
        req::ICE_REFLEXIVE_KEPT_ALIVE_BY_BINDING_REQUESTS,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceGathering],
    no_reference: "no other stack at hand gathers by itself",
    run: kept_alive,
}

fn kept_alive(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = gathering(t, 1, |_| {})?;
    t.stimulus("a STUN server");
    let until = t.now() + 120 * SECOND;
    let mut times = Vec::new();
    while let Some(heard) = stage.hear_request(t, until - t.now()) {
        times.push(heard.at);
        answer(&stage, t, &heard, Attribute::xor_mapped_address(SEEN));
    }
    let most = gaps(&times).iter().max().copied().unwrap_or(Duration::MAX);
    let fine = times.len() >= 4 && most <= 30 * SECOND;
    let text = format!("{} requests, {most:?} apart at most", times.len());
    let req = req::ICE_REFLEXIVE_KEPT_ALIVE_BY_BINDING_REQUESTS;
    t.must(req, fine, "a request every 30 s at least", &text)?;
    t.must(req::ICE_GATHERED_CANDIDATES_KEPT_ALIVE, fine, "a request every 30 s at least", text)
}

case! {
    id: "ice.gather.base",
    title: "No check leaves from a reflexive address: its base takes its place, and no pair is checked twice",
    reqs: [req::ICE_REFLEXIVE_LOCAL_REPLACED_BY_BASE, req::TRICKLE_REFLEXIVE_REPLACED_BY_BASE],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceGathering],
    no_reference: "no other stack at hand gathers by itself",
    run: base,
}

fn base(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = gathering(t, 1, |setup| (setup.peers, setup.locals) = (2, 1))?;
    let heard = stage.expect_request(t, 2 * SECOND)?;
    answer(&stage, t, &heard, Attribute::xor_mapped_address(SEEN));
    let found = told(&stage, t, "srflx").len();
    t.precondition(found == 1, "a reflexive candidate")?;
    stage.introduce(t)?;
    stage.tell(t, 1)?;
    let asked = stage.ignore(t, 400 * MILLISECOND);
    let checks: Vec<&Heard> = asked.iter().filter(|heard| heard.socket == 1).collect();
    let from_base = checks.iter().all(|heard| heard.from == stage.base());
    let text = format!("{} checks", checks.len());
    for req in [req::ICE_REFLEXIVE_LOCAL_REPLACED_BY_BASE, req::TRICKLE_REFLEXIVE_REPLACED_BY_BASE]
    {
        t.must(req, from_base && checks.len() == 1, "one check, from the base", &text)?;
    }
    Ok(())
}

case! {
    id: "ice.gather.silent-server",
    title: "A server that does not answer does not keep the peers apart",
    reqs: [req::ICE_READY_ONCE_CANDIDATES_ARE_SENT, req::TRICKLE_CONTROLLED_CONVEYS_END],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceGathering],
    no_reference: "no other stack at hand gathers by itself",
    run: silent_server,
}

fn silent_server(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        setup.config.servers = vec![SocketAddr::from(([192, 0, 2, 99], 3_478))];
    })?;
    stage.connect(t)?;
    let selected = stage.selected(t).is_some();
    t.must(req::ICE_READY_ONCE_CANDIDATES_ARE_SENT, selected, "a selected pair", selected)?;
    let _ = stage.serve(t, 60 * SECOND);
    let finished = stage.events(t).iter().any(|(_, event)| *event == IceEvent::GatheringFinished);
    t.should(req::TRICKLE_CONTROLLED_CONVEYS_END, finished, "the end of gathering", finished)
}
