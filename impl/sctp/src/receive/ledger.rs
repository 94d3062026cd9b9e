//! How much is held: what the window is counted by.

/// What one held piece costs beside its bytes: the message or fragment that names it, its place in a list,
/// and what the allocator adds.
pub(super) const PIECE_OVERHEAD: usize = 64;

/// What is held. A piece is a buffer of its own: a message, or the fragments of one that came in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// Bytes of user data.
    bytes: usize,
    pieces: usize,
}

impl Ledger {
    /// A piece more, with so many bytes.
    pub(super) const fn add_piece(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.pieces += 1;
    }

    /// Bytes more in a piece that was there.
    pub(super) const fn grow(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Pieces less, but not their bytes: they became part of another.
    pub(super) const fn merge(&mut self, pieces: usize) {
        self.pieces -= pieces;
    }

    /// Pieces less, with so many bytes.
    pub(super) const fn remove(&mut self, pieces: usize, bytes: usize) {
        self.pieces -= pieces;
        self.bytes -= bytes;
    }

    /// Bytes of user data held.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Pieces held.
    pub(super) const fn pieces(&self) -> usize {
        self.pieces
    }

    /// What it all costs.
    pub(super) const fn cost(&self) -> usize {
        self.bytes + self.pieces * PIECE_OVERHEAD
    }
}
