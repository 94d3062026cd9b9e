//! Messages put together from I-DATA chunks, whose fragments are numbered within their message:
//! RFC 8260 §2.2.3.

use std::collections::BTreeMap;

use super::{
    fragments::Fragments,
    ledger::Ledger,
    run::{Fragment, Run, Title},
};
use crate::{Mid, Misdeed, StreamId};

/// Messages in the making that are found without a tree. A sender has at most one for each stream, and
/// schedulers take turns among a few streams.
const HOT: usize = 8;

/// Messages in the making, at most, for which a buffer of the length of the last message is set aside when
/// the first fragment arrives.
const MAX_GUESSES: usize = 4;

/// A floor is forgotten when messages so far beyond it arrive: what is left of a message that was given up
/// comes while its neighbours do.
const FLOOR_LIFE: u32 = 1 << 16;

/// A message in the making.
#[derive(Debug)]
struct Assembly {
    fragments: Fragments,
    /// The number of the last fragment, once it arrived.
    end: Option<u64>,
    /// The highest number that arrived.
    highest: u64,
    /// Bytes that arrived.
    bytes: usize,
}

/// The fragments that came in I-DATA chunks.
#[derive(Debug)]
pub(super) struct Interleaved {
    /// The few that are in the making as a rule.
    hot: Vec<(Title, Assembly)>,
    /// The others.
    others: BTreeMap<Title, Assembly>,
    /// For each stream, the last unordered message that the sender gave up. What is left of it may still
    /// arrive and must not be kept.
    floors: BTreeMap<StreamId, Mid>,
    /// The length of the last message that came in fragments, a guess for the next.
    expected: usize,
    /// Most bytes of a message.
    longest: usize,
}

impl Interleaved {
    /// Nothing waits; messages have at most `longest` bytes.
    pub(super) const fn new(longest: usize) -> Self {
        Self {
            hot: Vec::new(),
            others: BTreeMap::new(),
            floors: BTreeMap::new(),
            expected: 0,
            longest,
        }
    }

    // Told.

    /// Takes a fragment that is not a whole message, of a message that was not delivered nor given up; true
    /// if it completes it, which is then to be taken with [`Interleaved::take_whole`].
    pub(super) fn insert(
        &mut self,
        index: u64,
        fragment: &Fragment<'_>,
        ledger: &mut Ledger,
    ) -> Result<bool, Misdeed> {
        let title = fragment.title;
        if !fragment.begins && index == 0 {
            return Err(Misdeed::ContradictoryFragments(title.stream));
        }
        let expected = if self.hot.len() < MAX_GUESSES { self.expected } else { 0 };
        let longest = self.longest;
        let assembly = self.entry(title);
        assembly.check(index, fragment, longest)?;
        let expected = fragment.begins.then_some(expected);
        assembly.fragments.insert(index, fragment, expected, ledger)
    }

    /// Takes the message with `title`, which its fragment `index` completed.
    pub(super) fn take_whole(&mut self, title: Title, index: u64) -> Option<Run> {
        let run = self.entry(title).fragments.take_whole(index)?;
        self.expected = run.bytes();
        self.remove(title);
        Some(run)
    }

    /// The sender gave up messages of a stream up to the one of `title`, whose number may be the highest of
    /// many: RFC 8260 §2.3.1. `is_past` says of an ordered message whether it is among them.
    pub(super) fn skip_to(
        &mut self,
        title: Title,
        ledger: &mut Ledger,
        is_past: impl Fn(u32) -> bool,
    ) {
        let limit = Mid::new(title.number);
        let goes = |other: Title| {
            other.stream == title.stream
                && other.unordered == title.unordered
                && if title.unordered {
                    !Mid::new(other.number).is_newer_than(limit)
                } else {
                    is_past(other.number)
                }
        };
        self.drop_where(title.stream, goes, ledger);
        if title.unordered {
            let floor = self.floors.entry(title.stream).or_insert(limit);
            if limit.is_newer_than(*floor) {
                *floor = limit;
            }
        }
    }

    /// Drops all of `stream`, whose numbers begin again.
    pub(super) fn reset(&mut self, stream: StreamId, ledger: &mut Ledger) {
        self.drop_where(stream, |other| other.stream == stream, ledger);
        self.floors.remove(&stream);
    }

    /// Drops everything.
    pub(super) fn clear(&mut self, ledger: &mut Ledger) {
        let others = std::mem::take(&mut self.others);
        for (_, mut assembly) in self.hot.drain(..).chain(others) {
            assembly.fragments.clear(ledger);
        }
        self.floors.clear();
    }

    /// Whether `title` is of an unordered message that the sender gave up.
    pub(super) fn is_given_up(&mut self, title: Title) -> bool {
        if self.floors.is_empty() || !title.unordered {
            return false;
        }
        let Some(&floor) = self.floors.get(&title.stream) else {
            return false;
        };
        let mid = Mid::new(title.number);
        let ahead = floor.distance_to(mid);
        if mid.is_newer_than(floor) && ahead > FLOOR_LIFE {
            self.floors.remove(&title.stream);
        }
        !mid.is_newer_than(floor)
    }

    // Asked.

    /// Whether fragments of `title` wait.
    pub(super) fn contains(&self, title: Title) -> bool {
        self.hot.iter().any(|(other, _)| *other == title) || self.others.contains_key(&title)
    }

    /// The message with `title`, which is made if it is not there.
    fn entry(&mut self, title: Title) -> &mut Assembly {
        let longest = self.longest;
        let place = self.hot.iter().position(|(other, _)| *other == title);
        let place = match place {
            Some(place) => place,
            None if self.hot.len() >= HOT || self.others.contains_key(&title) => {
                return self.others.entry(title).or_insert_with(|| Assembly::new(longest));
            }
            None => {
                self.hot.push((title, Assembly::new(longest)));
                self.hot.len() - 1
            }
        };
        let (_, assembly) = self.hot.get_mut(place).expect("the place was just found");
        assembly
    }

    fn remove(&mut self, title: Title) {
        match self.hot.iter().position(|(other, _)| *other == title) {
            Some(place) => {
                self.hot.swap_remove(place);
            }
            None => {
                self.others.remove(&title);
            }
        }
    }

    /// Drops the messages of `stream` that `goes` names.
    fn drop_where(&mut self, stream: StreamId, goes: impl Fn(Title) -> bool, ledger: &mut Ledger) {
        self.hot.retain_mut(|(title, assembly)| {
            let stays = !goes(*title);
            if !stays {
                assembly.fragments.clear(ledger);
            }
            stays
        });
        let first = Title { stream, unordered: false, number: 0 };
        let last = Title { stream, unordered: true, number: u32::MAX };
        let titles: Vec<Title> =
            self.others.range(first..=last).map(|(title, _)| *title).filter(|t| goes(*t)).collect();
        for title in titles {
            if let Some(mut assembly) = self.others.remove(&title) {
                assembly.fragments.clear(ledger);
            }
        }
    }
}

impl Assembly {
    const fn new(longest: usize) -> Self {
        Self { fragments: Fragments::new(longest), end: None, highest: 0, bytes: 0 }
    }

    /// RFC 8260 §2.1: the last fragment has the highest number.
    fn check(
        &mut self,
        index: u64,
        fragment: &Fragment<'_>,
        longest: usize,
    ) -> Result<(), Misdeed> {
        let stream = fragment.title.stream;
        let is_after_last = self.end.is_some_and(|end| index > end);
        let ends_early = fragment.ends && (self.end.is_some() || index < self.highest);
        if is_after_last || ends_early {
            return Err(Misdeed::FragmentAfterLast(stream));
        }
        self.bytes += fragment.payload.len();
        // Every fragment has at least one byte, so its number is a length too.
        if self.bytes > longest || index >= longest as u64 {
            return Err(Misdeed::MessageTooLong(stream));
        }
        self.highest = self.highest.max(index);
        if fragment.ends {
            self.end = Some(index);
        }
        Ok(())
    }
}
