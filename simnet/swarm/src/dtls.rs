//! A client and a server that agree on keys over anything: DTLS 1.2 and 1.3.

mod app;
mod draw;
mod end;
mod identities;
mod life;
mod plan;
mod promises;
mod table;
mod words;

use std::{collections::BTreeMap, fmt::Write as _};

use base::{Instant, Reader};
use simnet::{Observer, observe::Ladder};

use self::{
    life::{Cost, Life},
    plan::{Cut, NAMES, Plan},
};
use crate::{Broken, Drawn, Outcome, Record, World};

/// Two ends on a link that loses up to 40 % of all packets, singly or in bursts, reorders, duplicates,
/// corrupts, delays, and carries datagrams of 300 to 1,500 bytes; both versions, every group, suite and key;
/// cookies, connection ids, updates of keys, moves; and then a network that has healed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dtls;

impl Dtls {
    /// What handshakes cost, as a table: round trips and bytes until both ends are connected, without loss
    /// and with, of so many handshakes of each kind.
    #[must_use]
    pub fn costs(handshakes: u64) -> String {
        table::tables(handshakes)
    }
}

impl World for Dtls {
    fn name(&self) -> &'static str {
        "dtls"
    }

    fn about(&self) -> &'static str {
        "a client and a server agree on keys over a link that loses, reorders and cuts off"
    }

    fn table(&self) -> Option<String> {
        Some(Self::costs(table::HANDSHAKES))
    }

    fn live(&self, seed: u64, cuts: &[String]) -> Record {
        let plan = plan(seed, cuts);
        let mut life = Life::new(&plan, ());
        life.run();
        record(&plan, &life)
    }

    fn draw(&self, seed: u64, cuts: &[String]) -> Drawn {
        let plan = plan(seed, cuts);
        let mut life = Life::new(&plan, Ladder::with_summary(summary));
        life.run();
        let record = record(&plan, &life);
        let mut notes = Vec::new();
        let mut ends = String::new();
        for (index, name) in NAMES.into_iter().enumerate() {
            let node = life.node(index);
            let Some(app) = life.app(index) else { continue };
            notes.extend(app.diary.notes.iter().map(|(at, text)| (*at, node, text.clone())));
            if let Some(end) = app.end().association() {
                let _ = writeln!(ends, "{name}: {:?}\n{:#?}", end.session(), end.stats());
            }
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

/// What the handshake of a plan costs each side on a path that does nothing but take its time.
fn rehearse(plan: &Plan) -> [Cost; 2] {
    let rehearsal = plan.rehearsal();
    let mut life = Life::new(&rehearsal, ());
    life.meet();
    life.met.map(|(_, costs)| costs).unwrap_or_default()
}

fn record<O: Observer>(plan: &Plan, life: &Life<'_, O>) -> Record {
    let rehearsed = rehearse(plan);
    let broken = promises::judge(plan, life, rehearsed);
    let begin = plan.sides.iter().map(|side| side.start).max().unwrap_or_default();
    let connected_after =
        life.met.map(|(at, _)| at.saturating_duration_since(Instant::ZERO + begin));
    let hash = life.network.trace_hash().unwrap_or_default();
    Record {
        seed: plan.seed,
        kind: promises::kind(plan),
        outcome: if broken.is_empty() { Outcome::Connected } else { Outcome::Failed },
        detail: detail(life, &broken),
        connected_after,
        recovered_after: None,
        faults: faults(plan),
        figures: figures(life, &rehearsed),
        broken,
        hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn detail<O: Observer>(life: &Life<'_, O>, broken: &[Broken]) -> String {
    if let Some(broken) = broken.first() {
        return broken.promise.to_owned();
    }
    let session =
        life.app(0).and_then(|app| app.end().association()).map(dtls::Association::session);
    session
        .map(|session| format!("{:?}, {:?}", session.suite(), session.group()))
        .unwrap_or_default()
}

/// What is bad about the network.
fn faults(plan: &Plan) -> Vec<&'static str> {
    let any = |of: &dyn Fn(&plan::Way) -> bool| plan.ways.iter().any(of);
    let most = plan.ways.iter().map(|way| way.loss.rate().0).fold(0.0, f64::max);
    let faults = [
        (most > 0.0 && most <= 0.05, "loss up to 5 %"),
        (most > 0.05 && most <= 0.2, "loss up to 20 %"),
        (most > 0.2, "loss up to 40 %"),
        (any(&|way| matches!(way.loss, plan::Loss::Bursts(..))), "loss in bursts"),
        (any(&|way| way.reorder > 0 || way.jitter > 0), "reordering"),
        (any(&|way| way.duplicate > 0), "duplicates"),
        (any(&|way| way.corrupt > 0), "corruption"),
        (plan.mtu < 600, "mtu below 600"),
        (plan.mtu < 1_500 && !plan.sides.iter().all(|side| side.knows_mtu), "unknown mtu"),
        (!plan.updates.is_empty(), "key updates"),
        (plan.rebinding.is_some(), "rebinding"),
    ];
    faults.into_iter().filter(|(is_there, _)| *is_there).map(|(_, name)| name).collect()
}

/// Figures for statistics: of both sides, the larger one.
fn figures<O: Observer>(life: &Life<'_, O>, rehearsed: &[Cost; 2]) -> BTreeMap<&'static str, u64> {
    let apps = || (0..NAMES.len()).filter_map(|side| life.app(side));
    let costs = life.met.map(|(_, costs)| costs).unwrap_or_default();
    let most = |of: &dyn Fn(&Cost) -> u64| costs.iter().map(of).max().unwrap_or(0);
    let causes = costs.iter().map(|cost| cost.timeouts + cost.acknowledgements).sum();
    let used = costs.iter().zip(rehearsed);
    let used = used.map(|(cost, rehearsed)| promises::used(cost, rehearsed, causes)).max();
    let updates = apps().filter_map(|app| app.end().association());
    let updates = updates.map(|end| end.stats().key_updates_sent).max();
    // Builds with debug assertions remember nonces, some for the thread and not for the world.
    let held = apps().map(app::App::most_bytes).max().filter(|_| !cfg!(debug_assertions));
    BTreeMap::from([
        ("bytes held at most", held.unwrap_or(0)),
        ("bytes of the handshake", most(&|cost| cost.bytes)),
        ("datagrams of the handshake", most(&|cost| cost.datagrams)),
        ("timeouts of the handshake", most(&|cost| cost.timeouts)),
        ("per cent of one flight each", used.unwrap_or(0)),
        ("key updates", updates.unwrap_or(0)),
        ("messages received", apps().map(|app| app.diary.received.len() as u64).max().unwrap_or(0)),
    ])
}

/// The records of a datagram in words.
fn summary(payload: &[u8]) -> Option<String> {
    let mut reader = Reader::new(payload);
    let mut words = Vec::new();
    while let Some(word) = record_in_words(&mut reader) {
        words.push(word);
    }
    (!words.is_empty()).then(|| words.join(", "))
}

fn record_in_words(reader: &mut Reader<'_>) -> Option<String> {
    let first = reader.u8().ok()?;
    if first & 0xe0 == 0x20 {
        // The lengths behind a masked number are those of the datagram, but for packed records.
        let rest = reader.rest().len();
        return Some(format!("sealed, epoch {} mod 4, {rest} bytes", first & 3));
    }
    let _version = reader.u16().ok()?;
    let epoch = reader.u16().ok()?;
    let number = (u64::from(reader.u16().ok()?) << 32) | u64::from(reader.u32().ok()?);
    let length = usize::from(reader.u16().ok()?);
    let body = reader.bytes(length).ok()?;
    let what = match (first, epoch) {
        (22, 0) => handshake_in_words(body),
        (20, _) => "ChangeCipherSpec".to_owned(),
        (21, _) => "alert".to_owned(),
        (23, _) => "data".to_owned(),
        (26, _) => "ACK".to_owned(),
        _ => format!("type {first}"),
    };
    Some(format!("{epoch}:{number} {what}"))
}

fn handshake_in_words(body: &[u8]) -> String {
    let mut reader = Reader::new(body);
    let mut words = Vec::new();
    while let Ok(header) = dtls::wire::HandshakeHeader::read(&mut reader) {
        words.push(header.to_string());
        if usize::try_from(header.fragment_length)
            .ok()
            .and_then(|it| reader.bytes(it).ok())
            .is_none()
        {
            break;
        }
    }
    words.join(" + ")
}
