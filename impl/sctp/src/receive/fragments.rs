//! Fragments that wait for others.

use std::collections::BTreeMap;

use super::{
    ledger::Ledger,
    run::{Fragment, Run},
};
use crate::Misdeed;

/// Runs of fragments by the index of their first one.
///
/// The run that grows at its end in the ordinary case stands apart, so that a fragment in order costs no
/// search.
#[derive(Debug)]
pub(super) struct Fragments {
    current: Option<Run>,
    waiting: BTreeMap<u64, Run>,
    /// Most bytes of a message.
    longest: usize,
}

impl Fragments {
    /// Nothing waits; messages have at most `longest` bytes.
    pub(super) const fn new(longest: usize) -> Self {
        Self { current: None, waiting: BTreeMap::new(), longest }
    }

    // Told.

    /// Takes a fragment that is not a whole message; true if it made a run whole, which is then to be taken
    /// with [`Fragments::take_whole`].
    ///
    /// `expected` is how long the message may become where its first fragment becomes the current run, which
    /// `is_current` says; elsewhere nothing is set aside for what did not arrive.
    pub(super) fn insert(
        &mut self,
        index: u64,
        fragment: &Fragment<'_>,
        expected: Option<usize>,
        ledger: &mut Ledger,
    ) -> Result<bool, Misdeed> {
        if let Some(run) = &mut self.current
            && run.last() + 1 == index
        {
            if !run.is_followed_by(fragment.title, fragment.begins)? {
                return Err(Misdeed::ContradictoryFragments(fragment.title.stream));
            }
            run.append(fragment);
            ledger.grow(fragment.payload.len());
            if !self.waiting.is_empty() && !fragment.ends {
                join_right(run, &mut self.waiting)?;
            }
            check_length(run, self.longest)?;
            return Ok(run.is_whole());
        }
        if let Some(expected) = expected {
            if self.current.is_some() {
                return Err(Misdeed::ContradictoryFragments(fragment.title.stream));
            }
            let mut run = Run::new(index, fragment, expected);
            ledger.add_piece(run.bytes());
            join_right(&mut run, &mut self.waiting)?;
            check_length(&run, self.longest)?;
            return Ok(self.current.insert(run).is_whole());
        }
        self.insert_waiting(index, fragment, ledger)
    }

    /// Takes a run that is neither current nor whole.
    fn insert_waiting(
        &mut self,
        index: u64,
        fragment: &Fragment<'_>,
        ledger: &mut Ledger,
    ) -> Result<bool, Misdeed> {
        let stream = fragment.title.stream;
        if self.current.as_ref().is_some_and(|run| (run.first()..=run.last()).contains(&index)) {
            return Err(Misdeed::ContradictoryFragments(stream));
        }
        let left = self.waiting.range(..=index).next_back();
        let left = left.map(|(&first, run)| (first, run.last()));
        if left.is_some_and(|(_, last)| last >= index) {
            return Err(Misdeed::ContradictoryFragments(stream));
        }
        let neighbour = left.filter(|&(_, last)| last + 1 == index);
        let (first, mut run) = match neighbour
            .and_then(|(first, _)| self.waiting.remove_entry(&first))
        {
            Some((first, mut run)) if run.is_followed_by(fragment.title, fragment.begins)? => {
                run.append(fragment);
                ledger.grow(fragment.payload.len());
                (first, run)
            }
            other => {
                self.waiting.extend(other);
                ledger.add_piece(fragment.payload.len());
                (index, Run::new(index, fragment, 0))
            }
        };
        join_right(&mut run, &mut self.waiting)?;
        check_length(&run, self.longest)?;
        let is_whole = run.is_whole();
        self.waiting.insert(first, run);
        Ok(is_whole)
    }

    /// Takes the run with the fragment `index`, which [`Fragments::insert`] made whole.
    pub(super) fn take_whole(&mut self, index: u64) -> Option<Run> {
        if self.current.as_ref().is_some_and(Run::is_whole) {
            return self.current.take();
        }
        let (&first, _) =
            self.waiting.range(..=index).next_back().filter(|(_, run)| run.is_whole())?;
        self.waiting.remove(&first)
    }

    /// Makes the first of the waiting runs the current one; there is none.
    pub(super) fn promote(&mut self, run: Run) {
        self.current = Some(run);
    }

    /// Takes the current run away.
    pub(super) fn take_current(&mut self) -> Option<Run> {
        self.current.take()
    }

    /// Takes the first waiting run away if it begins at `index` or before.
    pub(super) fn take_waiting_until(&mut self, index: u64) -> Option<Run> {
        let first = self.waiting.first_entry()?;
        (*first.key() <= index).then(|| first.remove())
    }

    /// Puts a run back that [`Fragments::take_waiting_until`] took.
    pub(super) fn put_back(&mut self, run: Run) {
        self.waiting.insert(run.first(), run);
    }

    /// Drops everything.
    pub(super) fn clear(&mut self, ledger: &mut Ledger) {
        let waiting = std::mem::take(&mut self.waiting);
        for run in self.current.take().into_iter().chain(waiting.into_values()) {
            ledger.remove(run.pieces(), run.bytes());
        }
    }

    // Asked.

    pub(super) const fn current(&self) -> Option<&Run> {
        self.current.as_ref()
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

/// Joins the run that follows `run`, if it is there and of the same message.
fn join_right(run: &mut Run, waiting: &mut BTreeMap<u64, Run>) -> Result<(), Misdeed> {
    let Some(right) = waiting.get(&(run.last() + 1)) else {
        return Ok(());
    };
    if run.is_followed_by(right.title(), right.begins())?
        && let Some(right) = waiting.remove(&(run.last() + 1))
    {
        run.join(right);
    }
    Ok(())
}

const fn check_length(run: &Run, longest: usize) -> Result<(), Misdeed> {
    if run.bytes() > longest { Err(Misdeed::MessageTooLong(run.title().stream)) } else { Ok(()) }
}
