//! What a reader has seen before.

use std::collections::BTreeMap;

use super::step::{Leg, Step};
use crate::{id::PacketId, observe::ladder::mark::Mark};

/// Journeys of one kind that are shown before others are left out; the last one is shown as well.
const SHOWN: usize = 2;

/// What to leave out.
#[derive(Debug, Default)]
pub(super) struct Elision {
    hidden: Vec<bool>,
    /// What stands for the journeys left out, by the step that was the first of them.
    stands: BTreeMap<usize, String>,
}

/// The journeys of one kind: the numbers of their first steps and of their packets.
#[derive(Default)]
struct Kind {
    packets: Vec<PacketId>,
    words: String,
}

impl Elision {
    /// Finds packets which go the same way between the same endpoints to the same end as earlier ones,
    /// with words that differ in numbers at most. The first two and the last of each kind stay.
    pub(super) fn of(steps: &[Step]) -> Self {
        let mut journeys: BTreeMap<PacketId, (usize, String)> = BTreeMap::new();
        for (index, step) in steps.iter().enumerate() {
            if let Some(leg) = &step.leg {
                let journey = journeys.entry(leg.packet).or_insert((index, String::new()));
                shape(step.mark, leg, &mut journey.1);
            }
        }
        let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
        for (packet, (first, shape)) in &journeys {
            let kind = kinds.entry(shape).or_default();
            kind.packets.push(*packet);
            if kind.words.is_empty() {
                let leg = steps.get(*first).and_then(|step| step.leg.as_ref());
                kind.words = leg.map_or_else(String::new, |leg| leg.words.clone());
            }
        }
        let mut out = Self { hidden: vec![false; steps.len()], stands: BTreeMap::new() };
        for kind in kinds.values().filter(|kind| kind.packets.len() > SHOWN + 2) {
            out.hide(kind, steps, &journeys);
        }
        out
    }

    fn hide(
        &mut self,
        kind: &Kind,
        steps: &[Step],
        journeys: &BTreeMap<PacketId, (usize, String)>,
    ) {
        let last = kind.packets.len() - 1;
        let repeats = kind.packets.get(SHOWN..last).unwrap_or_default();
        for (hidden, step) in self.hidden.iter_mut().zip(steps) {
            let packet = step.leg.as_ref().map(|leg| leg.packet);
            *hidden |= packet.is_some_and(|packet| repeats.binary_search(&packet).is_ok());
        }
        let first = repeats.first().and_then(|packet| journeys.get(packet));
        if let Some((index, _)) = first {
            let text = format!("⋮  {} more like this: {}", repeats.len(), kind.words);
            self.stands.insert(*index, text);
        }
    }

    /// Whether the step is left out.
    pub(super) fn hides(&self, index: usize) -> bool {
        self.hidden.get(index).copied().unwrap_or(false)
    }

    /// What is said in place of this step and those like it.
    pub(super) fn stands_for(&self, index: usize) -> Option<&str> {
        self.stands.get(&index).map(String::as_str)
    }
}

/// Adds a leg to the description of a journey; numbers in words do not count.
fn shape(mark: Mark, leg: &Leg, out: &mut String) {
    use std::fmt::Write as _;
    let _ = write!(out, "{mark:?} {} {} ", leg.source, leg.destination);
    for letter in leg.words.chars() {
        match letter {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            other => out.push(other),
        }
    }
    if let Some(why) = &leg.why {
        let _ = write!(out, " {}", why.reason);
    }
    out.push('\n');
}
