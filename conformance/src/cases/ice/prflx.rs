//! Candidates that nobody named: RFC 8445 §7.2.5.3.1, §7.3.1.3, §7.3.1.4.

use super::script::*;

case! {
    id: "ice.prflx.remote",
    title: "A check from an unknown address makes that address a candidate, which is checked at once and used",
    reqs: [
        req::ICE_PRFLX_REMOTE_LEARNT,
        req::ICE_TRIGGERED_CHECK_NEW_PAIR,
        req::ICE_MAPPED_ADDRESS_IS_SOURCE,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"], told: [0, 1] },
    run: remote,
}

fn remote(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let told = u8::try_from(v.number("told")).unwrap_or_default();
    let mut stage = IceStage::with(t, role(v), |setup| (setup.peers, setup.told) = (2, told))?;
    let check = stage.check(t);
    stage.send(t, 1, &check);
    let begun = t.now();
    let mut mapped = None;
    let mut back = None;
    while let Some(heard) = stage.hear(t, (begun + SECOND).saturating_duration_since(t.now())) {
        if heard.socket != 1 {
            continue;
        }
        if heard.message.is_request() {
            back.get_or_insert(heard.at);
            stage.answer(t, &heard);
        } else if heard.id() == check.transaction {
            mapped = heard.message.xor_mapped_address();
        }
    }
    let wanted = stage.peer(1);
    let text = format!("{mapped:?}");
    t.must(req::ICE_MAPPED_ADDRESS_IS_SOURCE, mapped == Some(wanted), wanted, text)?;
    let soon = back.is_some_and(|at| at <= begun + SOON);
    let text = format!("{back:?}, asked at {begun}");
    t.must(req::ICE_TRIGGERED_CHECK_NEW_PAIR, soon, "a check back within 500 ms", &text)?;
    t.must(req::ICE_PRFLX_REMOTE_LEARNT, back.is_some(), "a check back", text)?;
    if stage.role == Role::Controlling {
        let nomination = stage.nomination(t);
        stage.send(t, 1, &nomination);
    }
    let _ = stage.serve_if(t, 10 * SECOND, |heard| heard.socket == 1);
    let selected = stage.selected(t).map(|(_, remote)| remote);
    let text = format!("{selected:?}");
    t.must(req::ICE_PRFLX_REMOTE_LEARNT, selected == Some(wanted), wanted, text)
}

case! {
    id: "ice.prflx.local",
    title: "A response that names an unknown address reveals a NAT, and the pair works all the same",
    reqs: [req::ICE_MAPPED_ADDRESS_CHECKED, req::ICE_REFLEXIVE_LOCAL_REPLACED_BY_BASE],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: local,
}

fn local(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    let seen = SocketAddr::from(([198, 51, 100, 7], 61_000));
    let until = t.now() + 10 * SECOND;
    let mut nominated = false;
    while let Some(heard) = stage.hear_request(t, until - t.now()) {
        let req = req::ICE_REFLEXIVE_LOCAL_REPLACED_BY_BASE;
        t.must(req, heard.from == stage.base(), stage.base(), heard.from)?;
        let success = stage.me.success(&heard.message, seen);
        stage.reply(t, &heard, &success);
        if stage.role == Role::Controlling && !std::mem::replace(&mut nominated, true) {
            let nomination = stage.nomination(t);
            stage.send(t, 0, &nomination);
        }
    }
    let selected = stage.selected(t);
    let wanted = Some((stage.base(), stage.peer(0)));
    let (req, text) = (req::ICE_MAPPED_ADDRESS_CHECKED, format!("{selected:?}"));
    t.must(req, selected == wanted, format_args!("{wanted:?}"), text)
}
