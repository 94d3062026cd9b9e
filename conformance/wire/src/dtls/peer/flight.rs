//! What a peer sends, and how it is packed into datagrams.

use super::{Peer, Sent};
use crate::dtls::{Fragment, Message, code::content, cut};

/// What a peer sends at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flight {
    /// The things in it, in order.
    pub items: Vec<Item>,
}

/// One thing in a flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A handshake message.
    Message(Message),
    /// Anything else.
    Record {
        /// The epoch.
        epoch: u64,
        /// The content type.
        content: u8,
        /// What the record carries.
        payload: Vec<u8>,
    },
}

impl Flight {
    /// The messages in it.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.items.iter().filter_map(|item| match item {
            Item::Message(message) => Some(message),
            Item::Record { .. } => None,
        })
    }

    /// The messages in it, to be changed after they were hashed.
    pub fn messages_mut(&mut self) -> impl Iterator<Item = &mut Message> {
        self.items.iter_mut().filter_map(|item| match item {
            Item::Message(message) => Some(message),
            Item::Record { .. } => None,
        })
    }

    /// The message of one type.
    #[must_use]
    pub fn message(&self, kind: u8) -> Option<&Message> {
        self.messages().find(|message| message.kind == kind)
    }

    /// Whether a message of this type is in it.
    #[must_use]
    pub fn has(&self, kind: u8) -> bool {
        self.message(kind).is_some()
    }

    /// Adds a ChangeCipherSpec.
    pub(super) fn change_cipher_spec(&mut self) {
        let (content, payload) = (content::CHANGE_CIPHER_SPEC, vec![1]);
        self.items.push(Item::Record { epoch: 0, content, payload });
    }
}

/// How a flight is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// The most bytes in a datagram.
    pub mtu: usize,
    /// The most bytes of a message in a fragment.
    pub fragment: usize,
    /// Whether several records may share a datagram.
    pub coalesces: bool,
}

impl Packing {
    /// Datagrams of at most `mtu` bytes.
    #[must_use]
    pub const fn of_mtu(mtu: usize) -> Self {
        Self { mtu, fragment: usize::MAX, coalesces: true }
    }

    /// Every fragment of at most `fragment` bytes in a datagram of its own.
    #[must_use]
    pub const fn single(fragment: usize) -> Self {
        Self { mtu: usize::MAX, fragment, coalesces: false }
    }
}

/// The bytes around a fragment: the longest header, nonce, tag and the header of the fragment.
const AROUND: usize = 13 + 8 + 17 + 12;

impl Peer {
    /// The datagrams of a flight.
    pub fn pack(&mut self, flight: &Flight) -> Vec<Vec<u8>> {
        self.pack_with(flight, Packing::of_mtu(self.profile.mtu))
    }

    /// The datagrams of a flight, packed so.
    pub fn pack_with(&mut self, flight: &Flight, packing: Packing) -> Vec<Vec<u8>> {
        let cid = self.records.write_cid.as_ref().map_or(0, Vec::len);
        let most = packing.fragment.min(packing.mtu.saturating_sub(AROUND + cid)).max(1);
        let mut records = Vec::new();
        for item in &flight.items {
            match item {
                Item::Message(message) => {
                    for fragment in cut(message, most) {
                        records.push(self.piece(message.epoch, &fragment));
                    }
                }
                Item::Record { epoch, content, payload } => {
                    records.push(self.record(*epoch, *content, payload));
                }
            }
        }
        join(records, packing)
    }

    /// The next record of an epoch.
    pub fn record(&mut self, epoch: u64, content: u8, payload: &[u8]) -> Vec<u8> {
        let sequence = self.records.next_sequence(epoch);
        self.log.sent.push(Sent { epoch, sequence, content, piece: None });
        self.records.seal(epoch, content, payload)
    }

    /// The next record of an epoch, with a piece of a message.
    pub fn piece(&mut self, epoch: u64, fragment: &Fragment) -> Vec<u8> {
        let sequence = self.records.next_sequence(epoch);
        let piece = Some((fragment.kind, fragment.seq, fragment.offset, fragment.data.len()));
        self.log.sent.push(Sent { epoch, sequence, content: content::HANDSHAKE, piece });
        self.records.seal(epoch, content::HANDSHAKE, &fragment.write())
    }
}

/// Puts records into datagrams, in order.
fn join(records: Vec<Vec<u8>>, packing: Packing) -> Vec<Vec<u8>> {
    let mut datagrams: Vec<Vec<u8>> = Vec::new();
    for record in records {
        match datagrams.last_mut() {
            Some(last) if packing.coalesces && last.len() + record.len() <= packing.mtu => {
                last.extend(record);
            }
            _ => datagrams.push(record),
        }
    }
    datagrams
}
