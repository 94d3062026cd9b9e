//! Two peers that connect through anything: ICE with STUN and TURN.

mod app;
mod data;
mod draw;
mod letter;
mod life;
mod oracle;
mod plan;
mod promises;
mod scenario;
mod watch;
mod words;

use std::{collections::BTreeMap, fmt::Write as _};

use base::Instant;
use lab::render;
use simnet::{NodeId, Observer, observe::Ladder};

use self::{
    life::Life,
    plan::{Cut, Plan},
    promises::{Lived, connected, connected_at_last, ended, judge, losses, recovered},
    watch::Watch,
};
use crate::{Broken, Drawn, Outcome, Record, World};

/// Two hosts with [`peer::IceTransport`]s behind any boxes, on any links, with or without STUN and TURN
/// servers; applications that restart ICE when it says that it failed; faults; and then a network that
/// has healed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ice;

impl World for Ice {
    fn name(&self) -> &'static str {
        "ice"
    }

    fn about(&self) -> &'static str {
        "two peers behind any boxes connect with ICE, STUN and TURN, through faults"
    }

    fn known(&self) -> &'static str {
        include_str!("../known/ice.txt")
    }

    fn live(&self, seed: u64, cuts: &[String]) -> Record {
        let plan = plan(seed, cuts);
        let mut life = Life::new(&plan, (Watch::default(), ()));
        life.run();
        record(&plan, &life)
    }

    fn draw(&self, seed: u64, cuts: &[String]) -> Drawn {
        let plan = plan(seed, cuts);
        let ladder = Ladder::with_summary(render::words);
        let mut life = Life::new(&plan, (Watch::default(), ladder));
        life.run();
        let record = record(&plan, &life);
        let (notes, pairs) = (notes(&life), pairs(&life));
        let line = |(at, node, text): &(Instant, NodeId, String)| {
            format!("{at} {} {text}\n", life.world.network().topology().node_name(*node))
        };
        let diary: String = notes.iter().map(line).collect();
        let (_, mut ladder) = life.world.into_observer();
        ladder.remark(Instant::ZERO + plan.heal, "the network has healed");
        for (at, node, text) in notes {
            ladder.note(at, node, &text);
        }
        let mut words = words::describe(&plan).join("\n");
        words.push('\n');
        let files = vec![
            ("world.txt", words),
            ("scenario.toml", scenario::scenario(&plan).to_toml()),
            ("ladder.txt", ladder.render()),
            ("pairs.txt", pairs),
            ("diary.txt", diary),
        ];
        Drawn { record, files }
    }

    fn describe(&self, seed: u64, cuts: &[String]) -> Vec<String> {
        words::describe(&plan(seed, cuts))
    }

    fn cuts(&self, seed: u64, cuts: &[String]) -> Vec<String> {
        plan(seed, cuts).cuts().iter().map(Cut::to_string).collect()
    }
}

/// The plan of a seed, without what is named.
fn plan(seed: u64, cuts: &[String]) -> Plan {
    cuts.iter().fold(draw::draw(seed), |plan, name| {
        let cut = plan.cuts().into_iter().find(|cut| cut.to_string() == *name);
        match cut {
            Some(cut) => plan.without(cut),
            None => plan,
        }
    })
}

/// What the applications noted, for the ladder.
fn notes<O: Observer>(life: &Life<'_, O>) -> Vec<(Instant, NodeId, String)> {
    let mut notes = Vec::new();
    for (side, name) in plan::NAMES.into_iter().enumerate() {
        let node = life.world.network().node(name);
        let Some(app) = life.app(side) else { continue };
        notes.extend(app.diary.lines().into_iter().map(|(at, text)| (at, node, text)));
    }
    notes.sort_by_key(|(at, ..)| *at);
    notes
}

/// What the agents think of their pairs in the end.
fn pairs<O: Observer>(life: &Life<'_, O>) -> String {
    let mut text = String::new();
    for (side, name) in plan::NAMES.into_iter().enumerate() {
        let Some(app) = life.app(side) else { continue };
        let stats = app.transport().agent().stats();
        let _ = writeln!(text, "{name}: {}, {}, {:?}", stats.state, stats.role, stats.dropped);
        for pair in &stats.pairs {
            let flags = [(pair.nominated, " nominated"), (pair.selected, " selected")];
            let flags = flags.into_iter().filter(|(set, _)| *set).map(|(_, words)| words);
            let counters = &pair.counters;
            let _ = writeln!(
                text,
                "  {} to {}: {:?}{}, {} asked, {} again, {} answered",
                pair.local,
                pair.remote,
                pair.state,
                flags.collect::<String>(),
                counters.requests_sent,
                counters.retransmissions_sent,
                counters.responses_received,
            );
        }
        for relay in app.transport().relays() {
            let _ = writeln!(text, "  {relay:?}");
        }
    }
    text
}

fn record<O: Observer>(plan: &Plan, life: &Life<'_, (Watch, O)>) -> Record {
    let network = life.world.network();
    let lived = Lived {
        plan,
        apps: [life.testimony(0), life.testimony(1)],
        seen: &network.observer().0.seen,
        audit: life.world.audit(),
    };
    let broken = judge(&lived);
    let start = plan.sides.iter().map(|side| side.start).max().unwrap_or_default();
    let first = connected(&lived).map(|at| at.saturating_duration_since(Instant::ZERO + start));
    let hash = network.trace_hash().unwrap_or_default();
    Record {
        seed: plan.seed,
        kind: kind(plan),
        outcome: outcome(&broken, &lived),
        detail: detail(&lived),
        connected_after: first,
        recovered_after: recovered(&lived),
        faults: plan.faults.iter().map(|fault| fault.what.kind()).collect(),
        broken,
        figures: figures(&lived, life.letters),
        hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn kind(plan: &Plan) -> String {
    let family = match plan.family {
        plan::Family::V4 => "IPv4",
        plan::Family::V6 => "IPv6",
        plan::Family::Dual => "dual",
    };
    format!("{family}, {}", oracle::way(plan).words())
}

fn outcome(broken: &[Broken], lived: &Lived<'_>) -> Outcome {
    match connected_at_last(lived) {
        _ if !broken.is_empty() => Outcome::Failed,
        true => Outcome::Connected,
        false => Outcome::Excused,
    }
}

/// How they are connected, or why they are not.
fn detail(lived: &Lived<'_>) -> String {
    let path = lived.apps.iter().flatten().find_map(|app| app.path.as_ref());
    match path {
        Some(path) => format!(
            "{} to {}, {:?} and {:?}",
            path.local, path.remote, path.local_kind, path.remote_kind
        ),
        None => ended(lived),
    }
}

/// Figures for statistics: of both sides, the larger one.
fn figures(lived: &Lived<'_>, letters: u64) -> BTreeMap<&'static str, u64> {
    let apps = || lived.apps.iter().flatten();
    let most = |of: &dyn Fn(&app::Testimony) -> u64| apps().map(of).max().unwrap_or(0);
    let wire = |of: &dyn Fn(&watch::Seen) -> u64| lived.seen.iter().map(of).max().unwrap_or(0);
    BTreeMap::from([
        ("bytes held at most", most(&|app| app.most_bytes)),
        ("candidate pairs", most(&|app| app.pairs)),
        ("checks begun", wire(&|seen| seen.checks.len() as u64)),
        ("data received", most(&|app| app.diary.received)),
        ("data sent", most(&|app| app.diary.sent)),
        ("letters", letters),
        ("idle wakes in a second", most(&|app| u64::from(app.diary.empty))),
        ("packets besides data", wire(&|seen| seen.control + seen.segments)),
        ("path changes", most(&|app| app.diary.selected.len() as u64)),
        ("paths lost", most(&losses)),
        ("restarts", most(&|app| app.diary.rounds.len() as u64)),
    ])
}
