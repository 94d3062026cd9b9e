//! Messages put together from DATA chunks, whose fragments follow one another by transmission sequence
//! number: RFC 9260 §6.9.

use super::{
    fragments::Fragments,
    ledger::Ledger,
    run::{Fragment, Run},
    tsns::Place,
};
use crate::Misdeed;

/// The fragments that came in DATA chunks.
#[derive(Debug)]
pub(super) struct Sequence {
    fragments: Fragments,
    /// The sender gave up this number, and fragments that go on after it have lost their message.
    given_up: Option<Place>,
    /// The length of the last message that came in fragments, a guess for the next.
    expected: usize,
}

impl Sequence {
    /// Nothing waits; messages have at most `longest` bytes.
    pub(super) const fn new(longest: usize) -> Self {
        Self { fragments: Fragments::new(longest), given_up: None, expected: 0 }
    }

    /// Takes a fragment that is not a whole message; true if it completes one, which is then to be taken with
    /// [`Sequence::take_whole`].
    ///
    /// `is_next` says that it is the one after the last without a gap.
    pub(super) fn insert(
        &mut self,
        place: Place,
        fragment: &Fragment<'_>,
        is_next: bool,
        ledger: &mut Ledger,
    ) -> Result<bool, Misdeed> {
        let mut expected = None;
        if is_next && self.fragments.current().is_none() {
            if !fragment.begins {
                return self.go_on_after(place, fragment).map(|()| false);
            }
            expected = Some(self.expected);
        }
        self.fragments.insert(place, fragment, expected, ledger)
    }

    /// Takes the message that the fragment at `place` completed.
    pub(super) fn take_whole(&mut self, place: Place) -> Option<Run> {
        let run = self.fragments.take_whole(place)?;
        self.expected = run.bytes();
        Some(run)
    }

    /// A whole message arrived as the one after the last without a gap: none may be half done.
    pub(super) fn check_whole(&self) -> Result<(), Misdeed> {
        self.fragments.current().map_or(Ok(()), |run| Err(contradiction(run)))
    }

    /// Everything up to `cumulative` arrived or was given up: what began before it must go on after it.
    pub(super) fn settle(&mut self, cumulative: Place, ledger: &mut Ledger) -> Result<(), Misdeed> {
        if let Some(run) = self.fragments.current()
            && run.last() < cumulative
        {
            return Err(contradiction(run));
        }
        while let Some(run) = self.fragments.take_waiting_until(cumulative) {
            if run.begins() {
                if run.last() < cumulative {
                    return Err(contradiction(&run));
                }
                self.fragments.promote(run);
            } else if self.given_up == Some(run.first() - 1) {
                ledger.remove(run.pieces(), run.bytes());
                self.given_up = (!run.ends()).then_some(run.last());
            } else {
                return Err(Misdeed::FragmentAfterLast(run.title().stream));
            }
        }
        Ok(())
    }

    /// The sender gave up all up to `place` that did not arrive: RFC 3758 §3.6. A message that misses some of
    /// it goes.
    pub(super) fn skip_to(&mut self, place: Place, ledger: &mut Ledger) {
        self.given_up = Some(place);
        if self.fragments.current().is_some_and(|run| run.last() < place)
            && let Some(run) = self.fragments.take_current()
        {
            ledger.remove(run.pieces(), run.bytes());
        }
        while let Some(run) = self.fragments.take_waiting_until(place) {
            if run.begins() && run.last() >= place {
                self.fragments.put_back(run);
                return;
            }
            if !run.ends() && run.last() >= place {
                self.given_up = Some(run.last());
            }
            ledger.remove(run.pieces(), run.bytes());
        }
    }

    /// Drops everything; what arrives next begins a message.
    pub(super) fn clear(&mut self, ledger: &mut Ledger) {
        self.fragments.clear(ledger);
        self.given_up = None;
    }

    /// Whether something waits for what did not arrive.
    pub(super) fn has_waiting(&self) -> bool {
        self.fragments.has_waiting()
    }

    /// A fragment that begins nothing arrived where a message has to begin.
    fn go_on_after(&mut self, place: Place, fragment: &Fragment<'_>) -> Result<(), Misdeed> {
        if self.given_up != Some(place - 1) {
            return Err(Misdeed::FragmentAfterLast(fragment.title.stream));
        }
        self.given_up = (!fragment.ends).then_some(place);
        Ok(())
    }
}

/// What follows the run is not of its message.
const fn contradiction(run: &Run) -> Misdeed {
    Misdeed::ContradictoryFragments(run.title().stream)
}
