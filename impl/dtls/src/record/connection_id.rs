//! Connection ids in headers (RFC 9146 §3, RFC 9147 §9).

use smallvec::SmallVec;

/// The ids that the peer's records may bear, all of one length: a header does not tell how long its id
/// is.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionIds(SmallVec<[ConnectionId; 1]>);

impl ConnectionIds {
    /// Adds `id` if it can be told from the others and there is room.
    pub(super) fn accept(&mut self, id: &[u8]) {
        let id = ConnectionId::new(id);
        let fits = self.0.first().is_none_or(|first| first.len() == id.len());
        if fits && !id.is_empty() && self.0.len() < MAX_ACCEPTED && !self.knows(id.as_ref()) {
            self.0.push(id);
        }
    }

    /// Whether the peer's records bear no id.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long the ids are.
    pub(super) fn id_len(&self) -> usize {
        self.0.first().map_or(0, ConnectionId::len)
    }

    /// Whether `id` is one of them.
    pub(super) fn knows(&self, id: &[u8]) -> bool {
        self.0.iter().any(|known| known.as_ref() == id)
    }
}

/// One id, of at most 255 bytes; none if it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ConnectionId(SmallVec<[u8; 20]>);

impl ConnectionId {
    pub(super) fn new(id: &[u8]) -> Self {
        Self(SmallVec::from_slice(id.get(..255).unwrap_or(id)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl AsRef<[u8]> for ConnectionId {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Ids that are accepted at a time: the first, and as many spare ones as a few changes of path need.
pub(super) const MAX_ACCEPTED: usize = 32;
