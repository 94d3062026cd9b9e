//! What every world of SCTP keeps.

use std::{collections::BTreeMap, time::Duration};

use simnet::Observer;

use super::{
    app::App,
    life::Life,
    message::{Key, Mark},
    plan::{Deed, Longer, Mtu, NAMES, Plan, Reading, Reliability, Side, Sizes, Style},
};
use crate::Broken;

/// Bytes that one end holds whatever it is doing: tables, a cookie, packets that are being made.
const BASE: u64 = 256 * 1_024;
/// Bytes beside the payload of a message that waits to be sent, and of each of its chunks.
const AROUND_MESSAGE: u64 = 512;
/// Wakes in a row that may lead to nothing.
const IDLE: u32 = 3;

/// The promises that a world has broken.
pub(crate) fn judge<O: Observer>(plan: &Plan, life: &Life<O>) -> Vec<Broken> {
    let (Some(client), Some(server)) = (life.app(0), life.app(1)) else {
        return vec![broken("connects", "two ends", "one that never began".to_owned())];
    };
    let mut all = Vec::new();
    all.extend(over(life, client, server));
    for (sender, reader) in [(client, server), (server, client)] {
        all.extend(messages(plan, life, sender, reader));
    }
    for ((name, app), side) in NAMES.into_iter().zip([client, server]).zip(&plan.sides) {
        all.extend(ends(life, name, app));
        all.extend(memory(plan, name, app, side));
        all.extend(steady(name, app));
        all.extend(
            app.diary.strange.first().map(|what| {
                broken("as told", "nothing but what was done", format!("{name}: {what}"))
            }),
        );
    }
    all
}

fn broken(promise: &'static str, wanted: &str, got: String) -> Broken {
    Broken { promise, wanted: wanted.to_owned(), got }
}

/// How long after the network has healed everything may take: three of the longest timeouts, so that one
/// that was set before the healing may pass and two more be needed; twenty round trips; four times the time
/// that all bytes take on the path; the time that slow readers take; and a minute where packets are
/// fragmented, for as long may a host keep what is missing a fragment, and have no room for more.
pub(crate) fn given(plan: &Plan) -> Duration {
    const SLACK: Duration = Duration::from_secs(5);
    let rto = plan.sides.iter().map(|side| side.rto_max).max().unwrap_or_default();
    let rate = plan.ways.iter().map(|way| way.rate).filter(|rate| *rate > 0).min();
    // Kilobits a second are bits a millisecond.
    let sending = rate.map_or(0, |rate| 4 * 8 * bytes(plan) / u64::from(rate));
    let queues = Duration::from_millis(400);
    let reading = plan.sides.iter().map(|side| reading(plan, side)).max().unwrap_or_default();
    let starts = plan.flows.iter().map(|flow| flow.start + flow.pace * flow.counts[0]).max();
    // A round of a flow takes as long as its messages, and as closing and opening.
    let rounds: u32 = plan.flows.iter().map(|flow| flow.rounds).max().unwrap_or(1);
    let pace = plan.flows.iter().map(|flow| {
        let count = flow.counts.iter().copied().max().unwrap_or(0);
        flow.pace * count * flow.rounds
    });
    let lifetimes = plan.flows.iter().map(|flow| match flow.reliability {
        Reliability::Lifetime(millis) => Duration::from_millis(u64::from(millis)),
        _ => Duration::ZERO,
    });
    let fragments = plan.mtu.longer == Longer::Fragmented && plan.mtu != Mtu::PLAIN;
    let reassembly = Duration::from_secs(if fragments { 60 } else { 0 });
    rto * 3
        + reassembly
        + (plan.round_trip() + queues) * (20 + 6 * rounds)
        + Duration::from_millis(sending)
        + reading
        + starts.unwrap_or_default()
        + pace.max().unwrap_or_default()
        + lifetimes.max().unwrap_or_default()
        + SLACK
}

/// Bytes of all messages of a plan, at most.
fn bytes(plan: &Plan) -> u64 {
    plan.flows.iter().map(|flow| messages_of(flow) * longest(flow.sizes)).sum()
}

fn messages_of(flow: &super::plan::Flow) -> u64 {
    flow.counts.iter().map(|count| u64::from(*count)).sum::<u64>() * u64::from(flow.rounds)
}

fn longest(sizes: Sizes) -> u64 {
    match sizes {
        Sizes::UpTo(length) | Sizes::Exactly(length) => u64::from(length),
    }
}

/// How long a side takes to read everything, messages and events.
fn reading(plan: &Plan, side: &Side) -> Duration {
    let count = plan.flows.iter().map(|flow| messages_of(flow) + 6 * u64::from(flow.rounds)).sum();
    match side.reading {
        Reading::AtOnce => Duration::ZERO,
        Reading::Slowly(every, messages) => {
            let reads: u64 = u64::div_ceil(count, messages.max(1) as u64);
            // A window that only opens a little at each read takes a packet for each.
            every * u32::try_from(2 * reads + 10).unwrap_or(u32::MAX)
        }
        Reading::Pausing(_, to) => to,
    }
}

/// Whether messages of a lane are sent until they have arrived.
pub(crate) fn is_reliable(plan: &Plan, key: &Key) -> bool {
    let flow = plan.flows.get(key.flow);
    flow.is_some_and(|flow| flow.reliability == Reliability::Reliable)
}

/// Everything that was to happen has happened in the time that is fair.
fn over<O: Observer>(life: &Life<O>, client: &App, server: &App) -> Option<Broken> {
    if life.done.is_some() {
        return None;
    }
    let side = |name: &str, app: &App, other: &App| {
        let diary = &app.diary;
        let lanes: Vec<_> = app
            .lanes()
            .iter()
            .filter(|lane| lane.phase != super::lane::Phase::Done)
            .map(|lane| format!("flow {} {:?} at {}", lane.key.flow, lane.phase, lane.next))
            .collect();
        let missing = diary.sent.iter().filter(|(key, sent)| {
            let read = other.diary.received.get(key).map_or(0, Vec::len);
            life.must_arrive(key) && read < sent.len()
        });
        let missing: Vec<_> = missing.map(|(key, _)| key.flow).collect();
        let association = app.end().association();
        let connected = match (diary.connected, &diary.closed) {
            (_, Some((at, reason))) => format!("{reason} at {at}"),
            (Some(at), None) => format!("connected at {at}"),
            (None, None) => "never connected".to_owned(),
        };
        format!(
            "{name}: {connected}, {:?}, {}; lanes {lanes:?}; missing of flows {missing:?}",
            association.state(),
            if association.is_idle() { "idle" } else { "busy" },
        )
    };
    let promise = if life.met.is_some() { "finishes" } else { "connects" };
    let wanted = format!("all done by {}", life.limit);
    let got = format!("{}; {}", side("client", client, server), side("server", server, client));
    Some(broken(promise, &wanted, got))
}

/// Messages arrive as they were sent, at most once: a prefix of those that are reliable and ordered, and all
/// of it once the network has healed.
fn messages<O: Observer>(plan: &Plan, life: &Life<O>, sender: &App, reader: &App) -> Vec<Broken> {
    let mut all = Vec::new();
    for (key, received) in &reader.diary.received {
        let sent = sender.diary.sent.get(key).map(Vec::as_slice).unwrap_or_default();
        let ordered = plan.flows.get(key.flow).is_some_and(|flow| flow.ordered);
        let flow = format!("{key:?}: {} of {} messages", received.len(), sent.len());
        match (ordered, is_reliable(plan, key)) {
            (true, true) if !sent.starts_with(received) => {
                all.push(broken("in order", "a prefix of what was sent", flow));
            }
            (true, false) if !is_part(received, sent) => {
                all.push(broken("in order", "what was sent, in order and once", flow));
            }
            (false, _) if !is_among(received, sent) => {
                all.push(broken("at most once", "what was sent, once", flow));
            }
            _ => {}
        }
    }
    if life.done.is_none() {
        return all;
    }
    for (key, sent) in &sender.diary.sent {
        let read = reader.diary.received.get(key).map_or(0, Vec::len);
        if life.must_arrive(key) && read < sent.len() {
            let got = format!("{key:?}: {read} of {}", sent.len());
            all.push(broken("all arrive", "every reliable message", got));
        }
    }
    all
}

/// Whether the messages are some of those sent, in order.
fn is_part(received: &[Mark], sent: &[Mark]) -> bool {
    let mut rest = sent.iter();
    received.iter().all(|mark| rest.any(|it| it == mark))
}

/// Whether the messages are some of those sent, in any order.
fn is_among(received: &[Mark], sent: &[Mark]) -> bool {
    let mut counts: BTreeMap<&Mark, i64> = BTreeMap::new();
    sent.iter().for_each(|mark| *counts.entry(mark).or_default() += 1);
    received.iter().for_each(|mark| *counts.entry(mark).or_default() -= 1);
    counts.values().all(|count| *count >= 0)
}

/// The association ends when it is ended, as it was, and not before.
fn ends<O: Observer>(life: &Life<O>, name: &str, app: &App) -> Option<Broken> {
    use sctp::CloseReason;
    let (at, reason) = app.diary.closed.as_ref()?;
    // A packet that comes after the end is answered by an ABORT, which may overtake what said that all is well
    // (RFC 9260 §8.4).
    let fits = matches!(
        (life.deed, reason),
        (
            Some(Deed::Shutdown(_) | Deed::ShutdownBoth(_)),
            CloseReason::Shutdown | CloseReason::AbortedByPeer { cause: None, .. }
        ) | (Some(Deed::Abort(_)), CloseReason::Aborted | CloseReason::AbortedByPeer { .. })
    );
    (!fits)
        .then(|| broken("lasts", "an association that lasts", format!("{name}: {reason} at {at}")))
}

/// Bytes that an end may hold: what it has been given to send and may keep for its reader, but no more than
/// there is in the world; twice for what is being put together; and what goes around each message.
pub(crate) fn memory_bound(plan: &Plan, side: &Side) -> u64 {
    let count: u64 = plan.flows.iter().map(messages_of).sum();
    let bytes = bytes(plan);
    let chunks = count + bytes / 256;
    bytes.min(side.send_buffer as u64)
        + 2 * bytes.min(u64::from(side.window))
        + AROUND_MESSAGE * chunks
        + BASE
}

fn memory(plan: &Plan, name: &str, app: &App, side: &Side) -> Option<Broken> {
    let (most, bound) = (app.most_bytes(), memory_bound(plan, side));
    (most > bound)
        .then(|| broken("memory", &format!("at most {bound} bytes"), format!("{name}: {most}")))
}

fn steady(name: &str, app: &App) -> Option<Broken> {
    let (idle, _) = app.idle_wakes();
    (idle > IDLE).then(|| {
        let got = format!("{name}: {idle} wakes in a row that led to nothing");
        broken("steady", "deadlines that advance", got)
    })
}

/// The kind of world, for tables.
pub(crate) fn kind(plan: &Plan) -> String {
    let style = match plan.style {
        Style::Channels => "data channels",
        Style::Bare => "streams",
    };
    let interleaved = if plan.both(|it| it.interleaving) { ", interleaved" } else { "" };
    let deed = match plan.deed {
        None => "",
        Some((_, Deed::Restart(_))) => ", restart",
        Some((_, Deed::Shutdown(_) | Deed::ShutdownBoth(_))) => ", shutdown",
        Some((_, Deed::Abort(_))) => ", abort",
    };
    format!("{style}{interleaved}{deed}")
}
