//! What every world of DTLS keeps.

use std::time::Duration;

use base::Instant;
use dtls::Version;
use simnet::Observer;

use super::{
    app::App,
    life::{Cost, Life},
    plan::{NAMES, Plan, Side},
};
use crate::Broken;

/// Bytes that one end may hold: what the handshake may (64 KiB), and as much again for its own flights, keys
/// and queues. Builds with debug assertions remember every nonce, which takes more.
const MEMORY: u64 = if cfg!(debug_assertions) { 1_024 * 1_024 } else { 128 * 1_024 };
/// Bytes that one end may hold on its peer's account.
const ON_ACCOUNT: usize = 64 * 1024;
/// Wakes in a row that may lead to nothing.
const IDLE: u32 = 3;
/// Flights that a side sends in a handshake: two hellos and the last flight of a client, or two answers to
/// hellos and the last flight of a server.
const FLIGHTS: u64 = 3;
/// How long after the network has healed messages may still be lost: those that were sent before, and those
/// sent before the peer knew of a new port.
const MENDING: Duration = Duration::from_secs(3);

/// The promises that a world has broken.
pub(crate) fn judge<O: Observer>(
    plan: &Plan,
    life: &Life<'_, O>,
    rehearsed: [Cost; 2],
) -> Vec<Broken> {
    let (Some(client), Some(server)) = (life.app(0), life.app(1)) else {
        return vec![broken("connects", "two ends", "one that never began".to_owned())];
    };
    let mut all = Vec::new();
    all.extend(connects(plan, life));
    if let Some((_, costs)) = life.met {
        all.extend(agree(plan, client, server));
        all.extend(stays(life));
        all.extend(data(plan, life));
        all.extend(budget(plan, life, &costs, &rehearsed));
    }
    for (name, app) in NAMES.into_iter().zip([client, server]) {
        all.extend(memory(name, app));
        all.extend(steady(name, app));
    }
    all
}

fn broken(promise: &'static str, wanted: &str, got: String) -> Broken {
    Broken { promise, wanted: wanted.to_owned(), got }
}

/// The handshake is over in the time that is fair.
fn connects<O: Observer>(plan: &Plan, life: &Life<'_, O>) -> Option<Broken> {
    if life.met.is_some() {
        return None;
    }
    let side = |index: usize| {
        let name = NAMES.get(index).copied().unwrap_or_default();
        let diary = life.app(index).map(|app| &app.diary);
        let (connected, closed) = diary.map_or((None, None), |it| (it.connected, it.closed));
        match (connected, closed) {
            (_, Some((at, reason))) => format!("{name}: {reason} at {at}"),
            (Some(at), None) => format!("{name}: connected at {at}"),
            (None, None) => format!("{name}: neither connected nor closed"),
        }
    };
    let wanted = format!("both connected within {:.1} s", plan.given().as_secs_f64());
    Some(broken("connects", &wanted, format!("{}; {}", side(0), side(1))))
}

/// Both ends think the same of what was agreed on.
fn agree(plan: &Plan, client: &App, server: &App) -> Vec<Broken> {
    let ends = [client, server].map(|app| app.end().association());
    let [Some(one), Some(other)] = ends else {
        return vec![broken("agree", "two associations", "fewer".to_owned())];
    };
    let (mine, theirs) = (one.session(), other.session());
    let mut all = Vec::new();
    let mut same = |what: &str, equal: bool, got: String| {
        all.extend((!equal).then(|| broken("agree", &format!("the same {what}"), got)));
    };
    let both = |of: &dyn Fn(&dtls::Session) -> String| format!("{} and {}", of(mine), of(theirs));
    same("version", mine.version() == theirs.version(), both(&|it| format!("{:?}", it.version())));
    same("suite", mine.suite() == theirs.suite(), both(&|it| format!("{:?}", it.suite())));
    same("group", mine.group() == theirs.group(), both(&|it| format!("{:?}", it.group())));
    same("protocol", mine.alpn() == theirs.alpn(), both(&|it| format!("{:?}", it.alpn())));
    let [client_side, server_side] = &plan.sides;
    let highest = client_side.versions[1].min(server_side.versions[1]);
    let wanted = mine.version() == Some(highest);
    same("highest version of both", wanted, format!("{:?}", mine.version()));
    let chain =
        |of: &dtls::Session, key| of.peer_chain() == super::identities::credential(key).chain();
    same("server certificate", chain(mine, server_side.key), "another".to_owned());
    let shown =
        if plan.mutual { chain(theirs, client_side.key) } else { theirs.peer_chain().is_empty() };
    same("client certificate", shown, format!("{} in the chain", theirs.peer_chain().len()));
    let mut exported = [[0; 48], [0; 48]];
    let [first, second] = &mut exported;
    let told = one.export(b"EXPORTER-swarm", Some(b"context"), first).is_ok()
        && other.export(b"EXPORTER-swarm", Some(b"context"), second).is_ok();
    same("exported bytes", told && first == second && *first != [0; 48], "others".to_owned());
    let profile = mine.srtp_profile();
    same(
        "profile of SRTP",
        profile.is_some() && profile == theirs.srtp_profile(),
        format!("{profile:?}"),
    );
    let keys = (one.srtp_keys(), other.srtp_keys());
    let mirrored = matches!(&keys, (Some(one), Some(other))
        if one.local.key() == other.remote.key() && one.remote.key() == other.local.key()
            && one.local.salt() == other.remote.salt() && one.remote.salt() == other.local.salt());
    same("keys of SRTP", mirrored, "others".to_owned());
    all
}

/// Nothing ends the association once it is there.
fn stays<O: Observer>(life: &Life<'_, O>) -> Vec<Broken> {
    let ended = |(index, name): (usize, &str)| {
        let (at, reason) = life.app(index)?.diary.closed?;
        Some(broken("stays", "an association that lasts", format!("{name}: {reason} at {at}")))
    };
    NAMES.into_iter().enumerate().filter_map(ended).collect()
}

/// Messages arrive as they were sent, at most once; all of them once the network has healed.
fn data<O: Observer>(plan: &Plan, life: &Life<'_, O>) -> Vec<Broken> {
    let mut all = Vec::new();
    let Some(healed) = life.healed else { return all };
    let certain = healed + MENDING + plan.round_trip();
    for (index, name) in NAMES.into_iter().enumerate() {
        let (Some(app), Some(peer)) = (life.app(index), life.app(1 - index)) else { continue };
        let diary = &app.diary;
        if diary.garbled > 0 {
            let got = format!("{name}: {} others", diary.garbled);
            all.push(broken("intact", "messages as they were sent", got));
        }
        let twice = diary.received.iter().filter(|(_, times)| **times > 1).count();
        if twice > 0 {
            all.push(broken("at most once", "no message twice", format!("{name}: {twice} were")));
        }
        let invented = diary.received.keys().filter(|it| !peer.diary.sent.contains_key(it)).count();
        if invented > 0 {
            all.push(broken("intact", "only what was sent", format!("{name}: {invented} others")));
        }
        let late = |(_, at): &(&u64, &Instant)| **at >= certain;
        let due: Vec<_> = peer.diary.sent.iter().filter(late).map(|(number, _)| *number).collect();
        let missing = due.iter().filter(|number| !diary.received.contains_key(number)).count();
        if missing > 0 || due.is_empty() {
            let wanted = format!("every message sent from {certain} on");
            let got = format!("{name}: {missing} of {} missing", due.len());
            all.push(broken("data flows", &wanted, got));
        }
    }
    all
}

/// Timeouts that a flight may have in a time: each twice as long as the one before, up to a minute (RFC 9147
/// §5.8.2, RFC 6347 §4.2.4.1).
pub(crate) fn timeouts_in(time: Duration, first: Duration) -> u64 {
    let (mut count, mut timeout, mut passed) = (0, first, first);
    while passed <= time {
        count += 1;
        timeout = (timeout * 2).min(Duration::from_secs(60));
        passed += timeout;
    }
    count
}

/// What was sent again is what the RFCs allow: at each timeout at most one flight, timeouts that double, at
/// most one answer to each repeat of the peer, and the rest of a flight at each acknowledgement of a part
/// (RFC 9147 §7.2).
///
/// The handshake on a perfect path, rehearsed, says what all flights cost. Small datagrams and
/// acknowledgements cost more: twice as much is allowed, and an acknowledgement of a few hundred bytes for
/// each.
fn budget<O: Observer>(
    plan: &Plan,
    life: &Life<'_, O>,
    costs: &[Cost; 2],
    rehearsed: &[Cost; 2],
) -> Vec<Broken> {
    const ACKNOWLEDGEMENT: u64 = 600;
    let mut all = Vec::new();
    let Some((met, _)) = life.met else { return all };
    let causes: u64 = costs.iter().map(|cost| cost.timeouts + cost.acknowledgements).sum();
    let sides = NAMES.into_iter().zip(&plan.sides).zip(costs.iter().zip(rehearsed));
    for ((name, side), (cost, rehearsed)) in sides {
        let time = met.saturating_duration_since(Instant::ZERO + side.start);
        let most = FLIGHTS * timeouts_in(time, plan.first_timeout(side));
        if cost.timeouts > most {
            let wanted = format!("at most {most} timeouts in {:.1} s", time.as_secs_f64());
            all.push(broken("budget", &wanted, format!("{name}: {}", cost.timeouts)));
        }
        let most = (1 + causes) * (2 * rehearsed.bytes + ACKNOWLEDGEMENT);
        if cost.bytes > most {
            let wanted = format!("at most {most} bytes after {causes} timeouts and ACKs");
            all.push(broken("budget", &wanted, format!("{name}: {} bytes", cost.bytes)));
        }
    }
    all
}

/// How much of the budget a side has used, in per cent.
pub(crate) fn used(cost: &Cost, rehearsed: &Cost, causes: u64) -> u64 {
    100 * cost.bytes / ((1 + causes) * rehearsed.bytes).max(1)
}

fn memory(name: &str, app: &App) -> Option<Broken> {
    let most = app.most_bytes();
    let held = app.end().association().map_or(0, dtls::Association::held);
    (most > MEMORY || held > ON_ACCOUNT).then(|| {
        let wanted = format!("at most {MEMORY} bytes, {ON_ACCOUNT} on the peer's account");
        broken("memory", &wanted, format!("{name}: {most}, {held} on the peer's account"))
    })
}

fn steady(name: &str, app: &App) -> Option<Broken> {
    let (idle, _) = app.idle_wakes();
    (idle > IDLE).then(|| {
        let got = format!("{name}: {idle} wakes in a row that led to nothing");
        broken("steady", "deadlines that advance", got)
    })
}

/// What the two will speak, in short.
pub(crate) fn kind(plan: &Plan) -> String {
    let [client, server] = &plan.sides;
    let version = client.versions[1].min(server.versions[1]);
    let hybrid = |side: &Side| side.groups.contains(&crypto::NamedGroup::X25519MlKem768);
    let sends = client.shares > 0
        && client
            .groups
            .iter()
            .take(client.shares)
            .any(|it| *it == crypto::NamedGroup::X25519MlKem768);
    let share = match version {
        Version::Dtls13 if sends && hybrid(server) => ", hybrid share",
        _ => "",
    };
    let cookie = if plan.cookies { ", cookie" } else { "" };
    format!("{version}{share}{cookie}")
}
