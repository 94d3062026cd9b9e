//! What happened to an application.

use std::collections::BTreeMap;

use base::Instant;

use super::message::{Key, Mark};

/// What happened to an application. It survives the application.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diary {
    /// When the association first stood.
    pub(crate) connected: Option<Instant>,
    /// When it ended, and how.
    pub(crate) closed: Option<(Instant, sctp::CloseReason)>,
    /// How often it began anew.
    pub(crate) epoch: u32,
    /// Events in words.
    pub(crate) notes: Vec<(Instant, String)>,
    /// Messages that were taken to be sent.
    pub(crate) sent: BTreeMap<Key, Vec<Mark>>,
    /// Messages that came.
    pub(crate) received: BTreeMap<Key, Vec<Mark>>,
    /// When the last message came.
    pub(crate) last: Option<Instant>,
    /// What should not have happened.
    pub(crate) strange: Vec<String>,
    /// Messages that were given up.
    pub(crate) abandoned: u64,
    /// Channels or streams that were closed or begun anew.
    pub(crate) rounds: u64,
}

impl Diary {
    pub(crate) fn note(&mut self, now: Instant, what: String) {
        self.notes.push((now, what));
    }

    pub(crate) fn strange(&mut self, now: Instant, what: String) {
        self.note(now, format!("strange: {what}"));
        self.strange.push(what);
    }

    pub(crate) fn hear(&mut self, now: Instant, key: Key, mark: Mark) {
        self.received.entry(key).or_default().push(mark);
        self.last = Some(now);
    }

    /// Messages in a table of marks.
    pub(crate) fn count(marks: &BTreeMap<Key, Vec<Mark>>) -> u64 {
        marks.values().map(|marks| marks.len() as u64).sum()
    }
}
