//! Names of multicast DNS in place of addresses.

use std::net::IpAddr;

use super::script::*;

const NAME: &str = "0f0e0d0c-1111-4222-8333-444455556666.local";

case! {
    id: "ice.names.remote",
    title: "A remote candidate with a name is used once it is resolved, and does not keep the others waiting",
    reqs: [req::ICE_CANDIDATE_UNSUPPORTED_ADDRESS_IGNORED, req::TRICKLE_NEW_PAIR_STATE],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceNames],
    variants: product! { answer: ["address", "none", "silence"] },
    no_reference: "no other stack at hand asks its user to resolve names",
    run: remote,
}

fn remote(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.peers, setup.told) = (2, 0);
    })?;
    let port = stage.peer(1).port();
    let line = format!("candidate:9 1 udp 2130706431 {NAME} {port} typ host");
    needed(stage.tell_line(t, &line))?;
    t.stimulus("a candidate with a name");
    let asks =
        stage.events(t).iter().any(|(_, event)| *event == IceEvent::Resolve(NAME.to_owned()));
    t.precondition(asks, "a question for the name")?;
    let address: Option<IpAddr> =
        if v.text("answer") == "address" { Some(stage.peer(1).ip()) } else { None };
    if v.text("answer") != "silence" {
        needed(stage.command(t, |agent, now| agent.resolved(now, NAME, address)))?;
    }
    if address.is_some() {
        let asked = stage.serve(t, SECOND);
        let checked = asked.iter().any(|heard| heard.socket == 1);
        return t.must(req::TRICKLE_NEW_PAIR_STATE, checked, "a check", checked);
    }
    stage.tell(t, 0)?;
    let told = t.now();
    let asked = stage.serve(t, 2 * SECOND);
    let first = asked.first().map(|heard| heard.at);
    let soon = first.is_some_and(|at| at <= told + SOON);
    let req = req::ICE_CANDIDATE_UNSUPPORTED_ADDRESS_IGNORED;
    t.must(req, soon, "the other checked at once", format_args!("{first:?}"))
}

case! {
    id: "ice.names.local",
    title: "An agent that hides its addresses tells names, and no address in clear",
    reqs: [req::ICE_CANDIDATE_GRAMMAR, req::ICE_CANDIDATE_RELATED_ADDRESS_HIDDEN],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceHiding],
    variants: product! { servers: [0, 1] },
    no_reference: "no other stack at hand hides addresses at this level",
    run: local,
}

fn local(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let with_server = v.number("servers") == 1;
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.told, setup.introduced, setup.config.hides_addresses) = (0, false, true);
        if with_server {
            setup.config.servers = vec![SocketAddr::from(([192, 0, 2, 100], 5_000))];
        }
    })?;
    t.stimulus("a local address");
    if with_server {
        let heard = stage.expect_request(t, 2 * SECOND)?;
        let seen = SocketAddr::from(([198, 51, 100, 7], 61_000));
        let response = Message::success(heard.id()).with(Attribute::xor_mapped_address(seen));
        stage.reply(t, &heard, &response);
        t.run_for(SECOND);
    }
    let lines: Vec<String> = stage
        .events(t)
        .into_iter()
        .filter_map(|(_, event)| match event {
            IceEvent::Candidate(text) => Some(text),
            _ => None,
        })
        .collect();
    let text = lines.join("; ");
    let hidden = !text.contains(&stage.base().ip().to_string());
    t.must(req::ICE_CANDIDATE_RELATED_ADDRESS_HIDDEN, hidden, "no address in clear", &text)?;
    let named = lines.iter().filter_map(|text| Line::read(text).ok()).any(|line| {
        line.kind == "host" && line.address.ends_with(".local") && line.faults().is_empty()
    });
    t.must(req::ICE_CANDIDATE_GRAMMAR, named, "a host candidate with a name", &text)?;
    let related: Vec<Line> = lines.iter().filter_map(|text| Line::read(text).ok()).collect();
    let plain = related
        .iter()
        .filter(|line| line.kind == "srflx")
        .all(|line| line.value("raddr") == Some("0.0.0.0") && line.value("rport") == Some("9"));
    t.must(req::ICE_CANDIDATE_RELATED_ADDRESS_HIDDEN, plain, "raddr 0.0.0.0 rport 9", text)
}
