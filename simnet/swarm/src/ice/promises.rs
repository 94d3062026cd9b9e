//! What holds in every world.
//!
//! | promise | says |
//! |---|---|
//! | `connects` | after the network has healed, data passes both ways within ten seconds, unless the oracle promises nothing |
//! | `reason` | whoever is not connected in the end has failed and said why; whoever is, has data |
//! | `byte-exact` | nothing arrives that the other side did not send |
//! | `steady` | ten seconds after the healing, no path changes and no state flaps |
//! | `consent` | no data is sent 30 s after the peer has gone (RFC 7675 §5.1) |
//! | `pacing` | checks of one agent are Ta apart (RFC 8445 §14.2); left out are retransmissions, checks over TCP, to the remote address of the path in use, and through a relay |
//! | `packets` | so many packets at most, besides data |
//! | `memory` | a transport holds so much at most; sockets, streams and the buffers of callers do not count |
//! | `progress` | no more than three wakes in a row leave the deadline where it was, and no more than 40 in a second lead to no event, packet or command |
//! | `accepted` | an agent takes what the other agent found |
//! | `audit` | every packet is accounted for, and the books of NATs are in order |

use std::{fmt::Display, time::Duration};

use base::Instant;
use ice::State;

use super::{
    app::Testimony,
    oracle,
    plan::{NAMES, Plan},
    watch::Seen,
};
use crate::Broken;

/// How long after the healing the applications go on to restart.
pub(super) const TRIES: Duration = Duration::from_secs(12);
/// Within how long data passes after the healing.
const RECOVERY: Duration = Duration::from_secs(10);
/// How long a world has to be connected until its path is taken to be settled.
const SETTLING: Duration = Duration::from_secs(5);
/// How long after the loss of a peer data may be sent: RFC 7675 §5.1, and the way of the last answer.
const CONSENT: Duration = Duration::from_millis(30_000 + 1_500);
/// Ta: RFC 8445 §14.2.
const PACING: Duration = Duration::from_millis(50);
/// What no pacing goes below: RFC 8445 §14.2.
const LEAST: Duration = Duration::from_millis(5);
/// Most wakes within a second of which nothing came: a tick of Ta each, and as many for everything else.
const EMPTY: u32 = 40;
/// Most wakes in a row that lead to nothing and leave the deadline where it was.
const IDLE: u32 = 3;
/// Packets besides data that an endpoint may send in a world, and for each second of it.
const PACKETS: u64 = 600;
const PACKETS_PER_SECOND: u64 = 10;
/// Bytes that a transport may hold: agent, sockets, and four allocations.
const MEMORY: u64 = 512 * 1_024;

/// What came of both sides, to be judged.
pub(super) struct Lived<'a> {
    pub(super) plan: &'a Plan,
    /// What the applications say in the end; that of a crashed host, just before.
    pub(super) apps: [Option<Testimony>; 2],
    pub(super) seen: &'a [Seen; 2],
    pub(super) audit: Result<(), String>,
}

/// Every promise that was not kept.
pub(super) fn judge(lived: &Lived<'_>) -> Vec<Broken> {
    let mut broken = Vec::new();
    broken.extend(connects(lived));
    broken.extend(reason(lived));
    for (index, app) in lived.apps.iter().enumerate() {
        if let Some(app) = app {
            broken.extend(byte_exact(index, app));
            broken.extend(steady(lived, index, app));
            broken.extend(memory(index, app));
            broken.extend(progress(index, app));
            broken.extend(accepted(index, app));
        }
    }
    for (index, seen) in lived.seen.iter().enumerate() {
        broken.extend(packets(lived.plan, index, seen));
        let selected = lived.apps.get(index).and_then(Option::as_ref);
        broken.extend(pacing(index, seen, selected));
    }
    broken.extend(consent(lived));
    if let Err(fault) = &lived.audit {
        broken.push(not("audit", "books in order", fault));
    }
    broken
}

fn not(promise: &'static str, wanted: impl Display, got: impl Display) -> Broken {
    Broken { promise, wanted: wanted.to_string(), got: got.to_string() }
}

fn name(index: usize) -> &'static str {
    NAMES.get(index).copied().unwrap_or("nobody")
}

/// From the healing until data had passed both ways.
pub(super) fn recovered(lived: &Lived<'_>) -> Option<Duration> {
    let heal = Instant::ZERO + lived.plan.heal;
    let times = lived.apps.iter().flatten().map(|app| app.diary.healed);
    let times: Option<Vec<Instant>> = times.collect();
    times?.into_iter().max().map(|at| at.saturating_duration_since(heal))
}

fn connects(lived: &Lived<'_>) -> Option<Broken> {
    if !oracle::must_connect(lived.plan) {
        return None;
    }
    let wanted = format!(
        "data both ways within {} s of the healing ({})",
        RECOVERY.as_secs(),
        oracle::way(lived.plan).words()
    );
    match recovered(lived) {
        Some(time) if time <= RECOVERY => None,
        Some(time) => Some(not("connects", wanted, format!("{:.2} s", time.as_secs_f64()))),
        None => Some(not("connects", wanted, ended(lived))),
    }
}

/// How the agents ended, in words.
pub(super) fn ended(lived: &Lived<'_>) -> String {
    let each = lived.apps.iter().enumerate().map(|(index, app)| {
        let state = app.as_ref().map_or_else(
            || "crashed".to_owned(),
            |app| {
                let failure = app.diary.failures.last();
                let why = failure.map(|(_, why)| format!(" ({why})")).unwrap_or_default();
                format!("{}{why}", app.state)
            },
        );
        format!("{} {state}", name(index))
    });
    each.collect::<Vec<_>>().join(", ")
}

/// Whoever is not connected in the end has failed, and has said why since it last had a path or, if it had
/// none, since the healing. If both are connected, data has passed since the healing.
fn reason(lived: &Lived<'_>) -> Option<Broken> {
    let heal = Instant::ZERO + lived.plan.heal;
    // Of Bob who is gone nothing more is asked.
    let living = if lived.plan.gone.is_some() { 1 } else { 2 };
    let silent = lived.apps.iter().take(living).flatten().any(|app| {
        let states = app.diary.states.iter().rev();
        let path = states.map(|(at, state)| (*at, state.is_connected())).find(|(_, is)| *is);
        let since = path.map_or(heal, |(at, _)| at);
        let said = app.diary.failures.iter().any(|(at, _)| *at >= since);
        !(app.state.is_connected() || said && app.state == State::Failed)
    });
    let mute = connected_at_last(lived) && recovered(lived).is_none();
    let got = || if mute { "connected, and no data".to_owned() } else { ended(lived) };
    (silent || mute).then(|| not("reason", "a path that carries data, or a reason", got()))
}

/// Whether both had a path in the end, or when Bob was gone.
pub(super) fn connected_at_last(lived: &Lived<'_>) -> bool {
    let end = Instant::ZERO + lived.plan.gone.unwrap_or(lived.plan.end);
    lived.apps.iter().all(|app| {
        let states = app.iter().flat_map(|app| app.diary.states.iter().rev());
        let mut states = states.filter(|(at, _)| *at <= end);
        states.next().is_some_and(|(_, state)| state.is_connected())
    })
}

fn byte_exact(index: usize, app: &Testimony) -> Option<Broken> {
    let garbled = app.diary.garbled;
    (garbled > 0).then(|| {
        let got = format!("{garbled} payloads at {} that are not", name(index));
        not("byte-exact", "what the other side sent", got)
    })
}

/// The time in which nothing happens any more that could move a path: some time after the network has
/// settled, and after losses of a path up to then and restarts. A loss after the network has settled
/// excuses nothing, nor does a restart that follows it.
fn calm(lived: &Lived<'_>, app: &Testimony) -> Option<(Instant, Instant)> {
    let plan = lived.plan;
    let end = Instant::ZERO + plan.gone.unwrap_or(plan.end);
    let settled = Instant::ZERO + plan.heal + RECOVERY;
    let apart = |app: &Testimony| -> Vec<Instant> {
        let states = app.diary.states.iter().filter(|(_, state)| !state.is_connected());
        states.map(|(at, _)| *at).collect()
    };
    let all = lived.apps.iter().flatten();
    let broke = all.clone().flat_map(apart).filter(|at| *at > settled).min();
    let rounds = all.flat_map(|app| app.diary.rounds.iter().copied());
    let rounds = rounds.filter(|at| broke.is_none_or(|broke| *at <= broke));
    let last = apart(app).into_iter().rfind(|at| *at <= settled).into_iter().chain(rounds);
    let begin = last.map(|at| at + SETTLING).chain([settled]).max()?;
    (begin < end).then_some((begin, end))
}

/// With no fault, loss or restart, whoever is connected stays so, and on the path that was agreed on.
fn steady(lived: &Lived<'_>, index: usize, app: &Testimony) -> Option<Broken> {
    if !oracle::must_connect(lived.plan) {
        return None;
    }
    let (begin, end) = calm(lived, app)?;
    let within = |at: Instant| begin < at && at < end;
    let states = app.diary.states.iter();
    let states = states.filter(|(at, state)| within(*at) && !state.is_connected());
    let states = states.map(|(at, state)| format!("{state} at {at}"));
    let paths = app.diary.selected.iter().zip(app.diary.selected.iter().skip(1));
    // Until both have nominated a pair they may use the best that works, which may become better.
    let agreed = |path: &ice::Path| path.nominated;
    let paths = paths.filter(|((_, one), (at, next))| {
        within(*at) && agreed(one) && (one.local, one.remote) != (next.local, next.remote)
    });
    let paths = paths.map(|(_, (at, path))| format!("{} to {} at {at}", path.local, path.remote));
    let moves: Vec<_> = states.chain(paths).collect();
    (!moves.is_empty()).then(|| {
        let wanted = format!("one path at {} from {begin} to {end}", name(index));
        not("steady", wanted, moves.join(", "))
    })
}

fn memory(index: usize, app: &Testimony) -> Option<Broken> {
    let most = app.most_bytes;
    (most > MEMORY).then(|| {
        let got = format!("{most} bytes at {}", name(index));
        not("memory", format!("{MEMORY} bytes at most"), got)
    })
}

fn progress(index: usize, app: &Testimony) -> Option<Broken> {
    let (idle, empty) = (app.diary.idle, app.diary.empty);
    (idle > IDLE || empty > EMPTY).then(|| {
        let wanted = format!("{IDLE} in a row or {EMPTY} in a second at most");
        let got = format!("{idle} and {empty} wakes at {} that led to nothing", name(index));
        not("progress", wanted, got)
    })
}

/// What one agent found, the other takes; there are far fewer than the limit.
fn accepted(index: usize, app: &Testimony) -> Option<Broken> {
    let (at, refused) = app.diary.refused.first()?;
    Some(not(
        "accepted",
        "what the other agent says",
        format!("{} at {at}: {refused}", name(index)),
    ))
}

fn packets(plan: &Plan, index: usize, seen: &Seen) -> Option<Broken> {
    let sent = seen.control + seen.segments;
    let most = PACKETS + PACKETS_PER_SECOND * plan.end.as_secs();
    (sent > most).then(|| {
        let got = format!("{sent} from {}", name(index));
        not("packets", format!("{most} packets besides data at most"), got)
    })
}

/// New checks of one agent are Ta apart, but for those that ask for consent on the path in use, and those
/// that go to its relay, which wait there for permissions.
fn pacing(index: usize, seen: &Seen, app: Option<&Testimony>) -> Option<Broken> {
    let used = |at: Instant, to| {
        let Some(app) = app else { return true };
        let path = app.diary.selected.iter().rev().find(|(since, _)| *since <= at);
        path.is_some_and(|(_, path)| path.remote == to)
    };
    let checks = seen.checks.iter().filter(|(at, to)| to.is_some_and(|to| !used(*at, to)));
    let times: Vec<Instant> = checks.map(|(at, _)| *at).collect();
    let gaps = times.iter().zip(times.iter().skip(1)).map(|(one, next)| (*next - *one, *next));
    let (least, at) = gaps.min()?;
    (least < PACING).then(|| {
        let limit = if least < LEAST { "never less than 5 ms" } else { "50 ms" };
        let got = format!("{} µs at {at} from {}", least.as_micros(), name(index));
        not("pacing", format!("{limit} between checks"), got)
    })
}

/// Nobody sends data to a peer that is gone for longer than consent lasts.
fn consent(lived: &Lived<'_>) -> Option<Broken> {
    let limit = Instant::ZERO + lived.plan.gone? + CONSENT;
    // Data over TCP is not seen on the wire: the agent took it, which is no later than it left.
    let taken = lived.apps.first()?.as_ref().and_then(|app| app.diary.last_sent);
    let last = lived.seen.first()?.last_data.max(taken)?;
    (last > limit).then(|| {
        not("consent", format!("no data after {limit}"), format!("alice sent some at {last}"))
    })
}

/// When both had a path for the first time.
pub(super) fn connected(lived: &Lived<'_>) -> Option<Instant> {
    let first = |app: &Testimony| {
        app.diary.states.iter().find(|(_, state)| state.is_connected()).map(|(at, _)| *at)
    };
    let times: Option<Vec<Instant>> = lived.apps.iter().flatten().map(first).collect();
    times?.into_iter().max()
}

/// How often a side lost its path, as far as its agent says.
pub(super) fn losses(app: &Testimony) -> u64 {
    let lost = |state: State| matches!(state, State::Disconnected | State::Failed);
    app.diary.states.iter().filter(|(_, state)| lost(*state)).count() as u64
}
