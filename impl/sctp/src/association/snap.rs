//! Set-up without a handshake: both INITs came by way of signalling (draft-hancke-tsvwg-snap).

use base::{Instant, Reader, Writer};

use super::{
    Association,
    introduction::{self, Extra, Introduced},
    state::State,
};
use crate::{
    Event, SnapError,
    path::Rtt,
    wire::{Chunk, ChunkType},
};

impl Association {
    /// The INIT chunk that this end would send, for signalling to carry. Nothing changes, and it is the same
    /// until the association has been set up and has ended.
    #[must_use]
    pub fn init_chunk(&self) -> Vec<u8> {
        let mut chunk = Vec::new();
        let writer = &mut Writer::new(&mut chunk);
        introduction::write(ChunkType::INIT, &self.config, self.local, Extra::default(), writer);
        chunk
    }

    /// Sets the association up at once: the peer has our [`Association::init_chunk`], and `peer_init` is
    /// its own. The layer below must have made sure that the peer is who it should be.
    ///
    /// # Errors
    ///
    /// [`SnapError`]; nothing has changed then.
    pub fn connect_with(&mut self, now: Instant, peer_init: &[u8]) -> Result<(), SnapError> {
        self.advance(now);
        if !matches!(self.state, State::Closed) {
            return Err(SnapError::UnderWay);
        }
        let mut reader = Reader::new(peer_init);
        let chunk = Chunk::read(&mut reader).map_err(SnapError::Malformed)?;
        let Chunk::Init(init) = chunk else { return Err(SnapError::NotInit) };
        if !reader.is_empty() {
            return Err(SnapError::NotInit);
        }
        let features = self.config.features;
        let introduced = Introduced::read(&init, features).map_err(SnapError::Misdeed)?;
        let local = self.local;
        let sender = self.new_sender(local);
        let rtt = Rtt::new(self.config.rtt());
        let link = self.new_link(local, &introduced.peer, sender, rtt);
        self.stand(link, Event::Connected, false);
        Ok(())
    }
}
