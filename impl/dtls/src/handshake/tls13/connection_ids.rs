//! Connection ids after the handshake: new ones given, taken and asked for (RFC 9147 §9).

use std::collections::VecDeque;

use crate::{
    Misdeed,
    handshake::Context,
    wire::{ConnectionIdUsage, Message as _, NewConnectionId, RequestConnectionId},
};

/// Connection ids of the peer that are kept for later. A change of paths uses one up, and more can be
/// asked for in time.
pub(super) const MAX_SPARE: usize = 8;

/// Connection ids that we gave: each is an entry in the table of whoever routes packets to us.
pub(super) const MAX_GIVEN: usize = 8;

/// Requests for connection ids that are answered; after them the association ends, as RFC 9147 §9
/// allows. A peer that changes paths every minute gets through an hour.
pub(super) const MAX_REQUESTS: u32 = 64;

/// The connection ids of one association, past those of the hellos.
#[derive(Debug, Default)]
pub(super) struct ConnectionIds {
    /// Ids of the peer that were given and not used, the oldest first.
    spare: VecDeque<Vec<u8>>,
    /// How many we gave.
    given: usize,
    /// How often the peer asked.
    requests: u32,
    /// Whether we asked and got no answer yet.
    asked: bool,
}

impl ConnectionIds {
    /// The peer gave ids for the records that it gets.
    pub(super) fn take(&mut self, cx: &mut Context<'_>, body: &[u8]) -> Result<(), Misdeed> {
        let given = NewConnectionId::parse(body)?;
        // RFC 9147 §9: who negotiated none, or wants none in its records, gives none.
        if cx.session.peer_connection_id().is_empty() || given.ids().any(<[u8]>::is_empty) {
            return Err(Misdeed::BadConnectionIds);
        }
        self.asked = false;
        if given.usage == ConnectionIdUsage::CID_IMMEDIATE {
            // The older ones may not be good any more.
            self.spare.clear();
        }
        let room = MAX_SPARE - self.spare.len().min(MAX_SPARE);
        let immediate = usize::from(given.usage == ConnectionIdUsage::CID_IMMEDIATE);
        self.spare.extend(given.ids().take(room + immediate).map(<[u8]>::to_vec));
        if immediate == 1 && !base::mutant::active("dtls-13-cid-immediate-waits") {
            self.change(cx);
        }
        Ok(())
    }

    /// The peer asked for ids. Returns those that it is to get, which may be none.
    pub(super) fn answer(
        &mut self,
        cx: &mut Context<'_>,
        body: &[u8],
    ) -> Result<Vec<Vec<u8>>, Misdeed> {
        let asked = RequestConnectionId::parse(body)?;
        // RFC 9147 §9: who sends an empty one asks for none.
        if cx.session.own_connection_id().is_empty() {
            return Err(Misdeed::BadConnectionIds);
        }
        self.requests += 1;
        if self.requests > MAX_REQUESTS {
            return Err(Misdeed::TooManyConnectionIds);
        }
        Ok(self.draw(cx, usize::from(asked.count)))
    }

    /// Draws up to `count` ids of our own and has records with them accepted.
    pub(super) fn draw(&mut self, cx: &mut Context<'_>, count: usize) -> Vec<Vec<u8>> {
        let length = cx.session.own_connection_id().len();
        let count = count.min(MAX_GIVEN - self.given);
        self.given += count;
        let mut ids = vec![vec![0; length]; count];
        for id in &mut ids {
            cx.rng.fill_public(id);
            cx.records.accept_connection_id(id);
            cx.session.more_connection_ids.push(id.clone());
        }
        ids
    }

    /// Uses the next spare id in all records from now on. Returns whether there was one.
    pub(super) fn change(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(id) = self.spare.pop_front() else { return false };
        cx.records.use_connection_id(&id);
        cx.session.peer_connection_id = Some(id);
        true
    }

    /// Whether the peer may be asked for more: it gives ids, and no request of ours is open.
    pub(super) fn may_ask(&self, cx: &Context<'_>) -> bool {
        !self.asked && !cx.session.peer_connection_id().is_empty()
    }

    /// We asked.
    pub(super) const fn ask(&mut self) {
        self.asked = true;
    }
}
