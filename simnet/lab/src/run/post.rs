//! The way by which peers tell each other where they may be reached.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base::Instant;

use crate::{
    roles::{ice, peer::Candidate},
    scenario::Signalling,
};

/// Carries letters between peers, beside the network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Post(Arc<Mutex<Bag>>);

#[derive(Debug, Default)]
struct Bag {
    signalling: Signalling,
    /// By the time they arrive, and the order in which they were sent.
    letters: BTreeMap<(Instant, u64), Letter>,
    sent: u64,
    /// When the last letter of a direction arrives: none overtakes another.
    last: BTreeMap<(String, String), Instant>,
}

/// Something that one peer tells another.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) to: String,
    pub(crate) signal: Signal,
}

/// What a peer tells.
#[derive(Clone, Debug)]
pub(crate) enum Signal {
    /// A hole puncher: that it began, or where it may be reached.
    Peer {
        /// How often it has begun.
        generation: u32,
        candidate: Option<Candidate>,
    },
    /// An ICE endpoint.
    Ice(ice::Letter),
}

impl Post {
    pub(crate) fn new(signalling: &Signalling) -> Self {
        let bag = Bag { signalling: signalling.clone(), ..Bag::default() };
        Self(Arc::new(Mutex::new(bag)))
    }

    pub(crate) fn send(&self, now: Instant, from: &str, to: &str, signal: Signal) {
        let mut bag = self.bag();
        let way = (from.to_owned(), to.to_owned());
        let last = bag.last.get(&way).copied().unwrap_or(Instant::ZERO);
        let due = (now + bag.signalling.between(from, to)).max(last);
        bag.last.insert(way, due);
        bag.sent += 1;
        let key = (due, bag.sent);
        bag.letters.insert(key, Letter { to: to.to_owned(), signal });
    }

    /// When the next letter arrives.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.bag().letters.keys().next().map(|(due, _)| *due)
    }

    /// A letter that has arrived.
    pub(crate) fn deliver(&self, now: Instant) -> Option<Letter> {
        let mut bag = self.bag();
        let entry = bag.letters.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }

    /// From now on it takes this long.
    pub(crate) fn change(&self, signalling: &Signalling) {
        self.bag().signalling = signalling.clone();
    }

    fn bag(&self) -> MutexGuard<'_, Bag> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
