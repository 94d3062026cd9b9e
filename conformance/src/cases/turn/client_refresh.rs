//! How clients keep and give back allocations: RFC 8656 §5, §8.

use super::script::*;

case! {
    id: "turn.client.refresh.schedule",
    title: "An allocation is refreshed before the granted lifetime is over, every time",
    reqs: [
        req::TURN_CLIENT_REFRESHES,
        req::TURN_CLIENT_GRANTED_LIFETIME,
        req::TURN_CLIENT_REFRESHES_OWN_FAMILY,
    ],
    kind: SubjectKind::TurnClient,
    variants: product! {
        granted: [60, 120, 600, 3_600],
        relayed: ["v4", "both"],
    },
    run: schedule,
}

/// Regression: the lifetime asked for was believed, not the one granted (aioice#29, coturn#332).
fn schedule(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let both = v.text("relayed") == "both";
    if both && t.subject().supports(Cap::TurnDual) == Support::No {
        return Err(Stop::Unsupported("no allocation with both families".to_owned()));
    }
    let relayed = if both { Relayed::Both } else { Relayed::V4 };
    let mut stage = HostStage::open(t, |config| config.wish.relayed = relayed)?;
    let granted = u32::try_from(v.number("granted")).unwrap_or(0);
    stage.lifetime = granted;
    stage.allocate(t)?;
    let mut last = t.expect(stage.requests(method::ALLOCATE).last().map(|sent| sent.at), "one")?;
    stage.forget();
    let lifetime = Duration::from_secs(u64::from(granted));
    stage.serve(t, 3 * lifetime + 10 * SECOND)?;
    let requests = stage.requests(method::REFRESH);
    let req = req::TURN_CLIENT_GRANTED_LIFETIME;
    t.must(req, requests.len() >= 3, "three Refresh requests", requests.len())?;
    for sent in &requests {
        let gap = sent.at - last;
        let req = req::TURN_CLIENT_REFRESHES;
        t.must(req, gap < lifetime, format_args!("within {lifetime:?}"), format_args!("{gap:?}"))?;
        last = sent.at;
        let Some(message) = sent.stun() else { continue };
        let family = message.value(attribute::REQUESTED_ADDRESS_FAMILY);
        let own = match family {
            None => true,
            Some(value) => both && matches!(value, [1 | 2, 0, 0, 0]),
        };
        t.must(req::TURN_CLIENT_REFRESHES_OWN_FAMILY, own, "no other family", message)?;
        let wanted = message.lifetime() != Some(0);
        t.must(req, wanted, "a lifetime", message)?;
    }
    let events = stage.events(t);
    let lost = events.iter().any(|event| matches!(event, TurnClientEvent::Lost));
    t.must(req::TURN_CLIENT_REFRESHES, !lost, "the allocation kept", format_args!("{events:?}"))
}

case! {
    id: "turn.client.refresh.gone",
    title: "A 437 to any later request tells the client that its allocation is gone",
    reqs: [req::TURN_CLIENT_437_ALLOCATION_GONE, req::TURN_CLIENT_REFRESH_437],
    kind: SubjectKind::TurnClient,
    variants: product! { method: ["refresh", "permission", "channel"] },
    run: gone,
}

fn gone(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    let to = peer(1);
    let (kind, req) = match v.text("method") {
        "refresh" => (method::REFRESH, req::TURN_CLIENT_REFRESH_437),
        "permission" => (method::CREATE_PERMISSION, req::TURN_CLIENT_437_ALLOCATION_GONE),
        _ => (method::CHANNEL_BIND, req::TURN_CLIENT_437_ALLOCATION_GONE),
    };
    match kind {
        method::CREATE_PERMISSION => {
            stage.command(t, "the command to permit", |c, now| c.permit(now, to.ip()))?;
        }
        method::CHANNEL_BIND => {
            stage.command(t, "the command to bind", |c, now| c.bind_channel(now, to))?;
        }
        _ => {}
    }
    let patience = if kind == method::REFRESH { 600 } else { 3 };
    stage.serve_with(t, patience * SECOND, |sent| match sent.is_request(kind) {
        true => Deed::Refuse(437),
        false => Deed::Good,
    })?;
    let events = stage.events(t);
    let lost = events.contains(&TurnClientEvent::Lost);
    t.must(req, lost, "the loss reported", format_args!("{events:?}"))?;
    stage.forget();
    let sends = stage.try_command(t, "the command to send", |c, now| c.send(now, to, b"data"))?;
    stage.serve(t, SECOND)?;
    let data = stage.log.iter().any(|sent| match &sent.piece {
        Piece::Stun(message) => message.method() == method::SEND,
        _ => true,
    });
    t.must(req, !data, "no data", format_args!("sent: {sends}"))
}

case! {
    id: "turn.client.refresh.release",
    title: "A client that is done deletes its allocation, and takes 437 for success",
    reqs: [
        req::TURN_CLIENT_DELETES,
        req::TURN_REFRESH_ZERO_DELETES,
        req::TURN_CLIENT_REFRESH_437,
    ],
    kind: SubjectKind::TurnClient,
    variants: product! { answer: ["success", "437", "lost once"] },
    run: release,
}

fn release(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    stage.forget();
    stage.command(t, "the command to release", |c, now| c.release(now))?;
    let mut lost = u32::from(v.text("answer") == "lost once");
    let gone = v.text("answer") == "437";
    stage.serve_with(t, 10 * SECOND, |sent| {
        if lost > 0 {
            lost -= 1;
            return Deed::Silence;
        }
        if gone && sent.is_request(method::REFRESH) { Deed::Refuse(437) } else { Deed::Good }
    })?;
    let zero = stage
        .requests(method::REFRESH)
        .iter()
        .any(|sent| sent.stun().and_then(Parsed::lifetime) == Some(0));
    t.should(req::TURN_CLIENT_DELETES, zero, "a Refresh request with zero", "none")?;
    t.must(req::TURN_REFRESH_ZERO_DELETES, zero, "a Refresh request with zero", "none")?;
    let events = stage.events(t);
    let req = req::TURN_CLIENT_REFRESH_437;
    let calm = !events.contains(&TurnClientEvent::Lost);
    t.must(req, calm, "no loss reported", format_args!("{events:?}"))?;
    stage.forget();
    stage.serve(t, 700 * SECOND)?;
    t.must(req, stage.log.is_empty(), "silence afterwards", stage.log.len())
}
