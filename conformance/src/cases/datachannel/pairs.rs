//! Two endpoints of the subject's with a network between them that loses and delays.

use std::net::SocketAddr;

use simnet::{Host, Link, Loss};

use super::script::*;

/// A client and a server that are connected.
fn pair(t: &mut Ctl<'_>, delay: Duration, loss: f64) -> Result<(Seat, Seat), Stop> {
    let (a, b) =
        (SocketAddr::from(([192, 0, 2, 20], 9899)), SocketAddr::from(([192, 0, 2, 21], 9899)));
    let host = |address: SocketAddr| Host::on("net").address(&address.ip().to_string());
    let network = t
        .network()
        .wan("net", "192.0.2.0/24")
        .host("client", host(a))
        .host("server", host(b))
        .link("client", "net", Link::delayed(delay).loss(Loss::random(loss)));
    t.build(network)?;
    let client = t.start_channels("client", "client", &DataChannelConfig::new(a, b, true))?;
    let server = t.start_channels("server", "server", &DataChannelConfig::new(b, a, false))?;
    t.channels(client, |channels, now| channels.connect(now));
    let up = |event: &DataChannelEvent| *event == DataChannelEvent::Connected;
    let done = t.channel_event_within(client, 6 * LONG, up).is_some()
        && t.channel_event_within(server, 6 * LONG, up).is_some();
    t.precondition(done, "an association that stands")?;
    Ok((client, server))
}

case! {
    id: "datachannel.pair.come-and-go",
    title: "Channels opened and closed again and again leave nothing behind, under loss too",
    reqs: [req::DC_CLOSE_ANSWERED, req::DC_CLOSE_FREES_STREAM, req::DC_RECONFIG_SUPPORTED],
    kind: SubjectKind::DataChannel,
    variants: product! { rounds: [40], loss: ["none", "20%"] },
    no_reference: NO_OTHER,
    run: come_and_go,
}

fn come_and_go(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let loss = if v.text("loss") == "none" { 0.0 } else { 0.2 };
    let (client, server) = pair(t, Duration::from_millis(150), loss)?;
    t.stimulus("channels that come and go");
    for round in 0..v.number("rounds") {
        let who = if round % 2 == 0 { client } else { server };
        let other = if round % 2 == 0 { server } else { client };
        let spec = ChannelSpec::new(format!("{round}"));
        let opened = t.channels(who, |channels, now| channels.open(now, &spec));
        let id = opened.map_err(|refusal| Stop::Inconclusive(refusal.to_string()))?;
        let arrived = t.channel_event_within(
            other,
            12 * LONG,
            |event| matches!(event, DataChannelEvent::Opened { id: number, .. } if *number == id),
        );
        t.precondition(arrived.is_some(), "a channel that arrives")?;
        // Closed by the side that did not open it, without waiting for anything.
        let closed = t.channels(other, |channels, now| channels.close(now, id));
        t.precondition(closed.is_ok(), "a channel that can be closed")?;
    }
    t.run_for(30 * LONG);
    for seat in [client, server] {
        let count = t.channels(seat, |channels, _| channels.count());
        let over = t
            .channel_events(seat)
            .into_iter()
            .any(|(_, event)| matches!(event, DataChannelEvent::Ended(_)));
        let got = format!("{count} channels, ended: {over}");
        let right = count == 0 && !over;
        t.must(req::DC_CLOSE_ANSWERED, right, "no channel", &got)?;
        t.must(req::DC_CLOSE_FREES_STREAM, right, "no channel", &got)?;
        t.must(req::DC_RECONFIG_SUPPORTED, right, "no channel", got)?;
    }
    Ok(())
}

case! {
    id: "datachannel.pair.many",
    title: "As many channels live as may, and one more is refused",
    reqs: [req::DC_MANY_STREAMS, req::DCEP_OPEN_CONDITIONS],
    kind: SubjectKind::DataChannel,
    no_reference: NO_OTHER,
    run: many,
}

fn many(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let (client, server) = pair(t, Duration::from_millis(10), 0.0)?;
    t.stimulus("two thousand channels");
    let mut opened = 0;
    for round in 0..2_000 {
        let spec = ChannelSpec::new(format!("{round}"));
        opened +=
            usize::from(t.channels(client, |channels, now| channels.open(now, &spec)).is_ok());
    }
    t.run_for(3 * LONG);
    let here = t.channels(client, |channels, _| channels.count());
    let there = t.channels(server, |channels, _| channels.count());
    let got = format!("{opened} opened, {here} here, {there} there");
    let right = opened >= 1_000 && here == there && here == opened;
    t.must(req::DC_MANY_STREAMS, right, "a thousand channels at least", &got)?;
    t.must(req::DCEP_OPEN_CONDITIONS, right, "the same on both sides", got)
}
