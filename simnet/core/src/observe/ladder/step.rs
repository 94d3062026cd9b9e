//! What the drawing is made of, whoever draws it.

use std::net::SocketAddr;

use base::Instant;

use super::{mark::Mark, tables::Table};
use crate::{event::DropReason, id::PacketId};

/// One thing that happened.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// When it began.
    pub(super) at: Instant,
    /// Its place among those that began at the same time.
    pub(super) order: u64,
    pub(super) mark: Mark,
    /// The words of the text drawing, which leaves steps without any out.
    pub(super) text: String,
    /// For arrows: the packet.
    pub(super) leg: Option<Box<Leg>>,
    /// For notes of a NAT: what it remembers now.
    pub(super) table: Option<Box<Table>>,
}

/// A packet on its way from one column to the next.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) packet: PacketId,
    /// The column in which the packet began.
    pub(super) origin: usize,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    /// Whether the source differs from that of the leg before.
    pub(super) new_source: bool,
    /// Whether the destination differs from that of the leg before.
    pub(super) new_destination: bool,
    /// What it carries.
    pub(super) words: String,
    /// Bytes from the IP header on.
    pub(super) size: usize,
    /// When it arrived or ended.
    pub(super) until: Instant,
    /// Why it ended, if it did.
    pub(super) why: Option<Why>,
}

/// Why a packet ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) reason: DropReason,
    /// For people, after the name.
    pub(super) words: String,
}

impl Why {
    pub(super) fn new(reason: DropReason, note: &str) -> Self {
        let explained = reason.explained(note);
        let words = explained.split_once(": ").map_or("", |(_, words)| words).to_owned();
        Self { reason, words }
    }
}

impl Step {
    /// A step without packet or table.
    pub(super) const fn plain(at: Instant, order: u64, mark: Mark, text: String) -> Self {
        Self { at, order, mark, text, leg: None, table: None }
    }
}
