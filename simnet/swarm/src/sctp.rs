//! Two ends of SCTP that deliver over anything: data channels, or messages on streams.

mod app;
mod diary;
mod draw;
mod end;
mod lane;
mod life;
mod message;
mod plan;
mod promises;
mod words;

use std::{collections::BTreeMap, fmt::Write as _};

use base::Instant;
use simnet::{Observer, observe::Ladder};

use self::{
    diary::Diary,
    life::Life,
    plan::{Cut, Loss, NAMES, Plan, Reading, Setup},
};
use crate::{Broken, Drawn, Outcome, Record, World};

/// Two ends on a path that loses up to 60 % of all packets, singly or in bursts, reorders, duplicates,
/// corrupts, cuts off, delays, is narrow, changes its MTU and is gone for seconds; data channels of every
/// kind and bare streams; every extension, controller and scheduler; closing and opening again, restarts,
/// shutdowns, slow readers, tiny windows; and then a network that has healed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sctp;

impl World for Sctp {
    fn name(&self) -> &'static str {
        "sctp"
    }

    fn about(&self) -> &'static str {
        "two ends of SCTP and data channels deliver over a path that does everything wrong"
    }

    fn known(&self) -> &'static str {
        include_str!("../known/sctp.txt")
    }

    fn live(&self, seed: u64, cuts: &[String]) -> Record {
        let plan = plan(seed, cuts);
        let mut life = Life::new(plan.clone(), ());
        life.run();
        record(&plan, &life)
    }

    fn draw(&self, seed: u64, cuts: &[String]) -> Drawn {
        let plan = plan(seed, cuts);
        let mut life = Life::new(plan.clone(), Ladder::with_summary(summary));
        life.run();
        let record = record(&plan, &life);
        let mut notes = Vec::new();
        let mut ends = String::new();
        for (index, name) in NAMES.into_iter().enumerate() {
            let node = life.node(index);
            let Some(app) = life.app(index) else { continue };
            notes.extend(app.diary.notes.iter().map(|(at, text)| (*at, node, text.clone())));
            let association = app.end().association();
            let _ = writeln!(ends, "{name}: {:?}\n{:#?}", association.state(), association.stats());
            let _ = writeln!(ends, "{:#?}\n{:#?}", app.lanes(), app.diary);
        }
        notes.sort_by_key(|(at, ..)| *at);
        let mut ladder = life.network.into_observer();
        for (at, node, text) in notes {
            ladder.note(at, node, &text);
        }
        let mut words = words::describe(&plan).join("\n");
        words.push('\n');
        let files = vec![("world.txt", words), ("ladder.txt", ladder.render()), ("ends.txt", ends)];
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
        match plan.cuts().into_iter().find(|cut| cut.to_string() == *name) {
            Some(cut) => plan.without(cut),
            None => plan,
        }
    })
}

fn record<O: Observer>(plan: &Plan, life: &Life<O>) -> Record {
    let broken = promises::judge(plan, life);
    let begin = plan.sides.iter().map(|side| side.start).max().unwrap_or_default();
    let since = |from: Instant| move |at: Instant| at.saturating_duration_since(from);
    let hash = life.network.trace_hash().unwrap_or_default();
    Record {
        seed: plan.seed,
        kind: promises::kind(plan),
        outcome: if broken.is_empty() { Outcome::Connected } else { Outcome::Failed },
        detail: detail(plan, &broken),
        connected_after: life.met.map(since(Instant::ZERO + begin)),
        recovered_after: life.done.map(since(Instant::ZERO + plan.storm)),
        faults: faults(plan),
        figures: figures(plan, life),
        broken,
        hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn detail(plan: &Plan, broken: &[Broken]) -> String {
    if let Some(broken) = broken.first() {
        return broken.promise.to_owned();
    }
    match plan.setup {
        Setup::One(_) => "one connects".to_owned(),
        Setup::Both => "both connect".to_owned(),
        Setup::Snap => "INITs in signalling".to_owned(),
    }
}

/// What is bad about the world.
fn faults(plan: &Plan) -> Vec<&'static str> {
    let any = |of: &dyn Fn(&plan::Way) -> bool| plan.ways.iter().any(of);
    let most = plan.ways.iter().map(|way| way.loss.rate().0).fold(0.0, f64::max);
    let faults = [
        (most > 0.0 && most <= 0.05, "loss up to 5 %"),
        (most > 0.05 && most <= 0.3, "loss up to 30 %"),
        (most > 0.3, "loss up to 60 %"),
        (any(&|way| matches!(way.loss, Loss::Bursts(..))), "loss in bursts"),
        (any(&|way| way.reorder > 0 || way.jitter > 0), "reordering"),
        (any(&|way| way.duplicate > 0), "duplicates"),
        (any(&|way| way.corrupt > 0 || way.truncate > 0), "corruption"),
        (any(&|way| way.rate > 0), "a narrow path"),
        (!plan.partitions.is_empty(), "partitions"),
        (plan.mtu.later.is_some(), "a changing mtu"),
        (plan.sides.iter().any(|side| side.window < 16_384), "tiny windows"),
        (plan.sides.iter().any(|side| side.reading != Reading::AtOnce), "slow readers"),
        (plan.flows.iter().any(|flow| flow.rounds > 1), "streams begun anew"),
    ];
    faults.into_iter().filter(|(is_there, _)| *is_there).map(|(_, name)| name).collect()
}

/// Figures for statistics: of both sides, the larger one.
fn figures<O: Observer>(plan: &Plan, life: &Life<O>) -> BTreeMap<&'static str, u64> {
    let apps = || (0..NAMES.len()).filter_map(|side| life.app(side));
    let most = |of: &dyn Fn(&app::App) -> u64| apps().map(of).max().unwrap_or(0);
    let stats =
        |of: &dyn Fn(&sctp::Stats) -> u64| most(&|app| of(&app.end().association().stats()));
    let held = apps()
        .zip(&plan.sides)
        .map(|(app, side)| 100 * app.most_bytes() / promises::memory_bound(plan, side).max(1));
    let storm = Instant::ZERO + plan.storm;
    let took = life.done.map(|at| at.saturating_duration_since(storm).as_millis());
    let given = promises::given(plan).as_millis().max(1);
    let used = took.map_or(100, |took| u64::try_from(100 * took / given).unwrap_or(u64::MAX));
    BTreeMap::from([
        ("bytes held at most", most(&|app| app.most_bytes())),
        ("per cent of the bound on memory", held.max().unwrap_or(0)),
        ("per cent of the time given", used),
        ("packets sent", stats(&|it| it.packets_sent)),
        ("timeouts", stats(&|it| it.timeouts)),
        ("chunks sent again", stats(&|it| it.data_chunks_repeated)),
        ("messages given up", stats(&|it| it.messages_abandoned)),
        ("messages received", most(&|app| Diary::count(&app.diary.received))),
        ("channels or streams begun anew", most(&|app| app.diary.rounds)),
    ])
}

/// The chunks of a packet in words.
fn summary(payload: &[u8]) -> Option<String> {
    let packet = sctp::wire::Packet::parse(payload).ok()?;
    let words = packet.chunks().map(|chunk| match chunk {
        Ok(chunk) => chunk.to_string(),
        Err(malformed) => malformed.to_string(),
    });
    Some(words.collect::<Vec<_>>().join(", "))
}
