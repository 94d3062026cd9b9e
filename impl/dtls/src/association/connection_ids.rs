//! Commands about connection ids after the handshake (RFC 9147 §9). Version 1.2 has none.

use base::Instant;

use super::{Association, Phase};
use crate::{
    handshake::{Context, Handshake, tls13::Connected},
    wire::ConnectionIdUsage,
};

impl Association {
    /// Asks the peer for `count` connection ids, to be used on new paths. Says whether that may be asked:
    /// in version 1.3, of a peer that named one in its hello, when it has answered what it was asked
    /// before.
    pub fn request_connection_ids(&mut self, now: Instant, count: u8) -> bool {
        self.with_connected(now, |connected, cx| connected.request_connection_ids(cx, count))
    }

    /// Gives the peer up to `count` connection ids for its records, to keep for later or to use
    /// `immediately`. Says whether that may be done: in version 1.3, if we named one in our hello. No more
    /// are good at one time than a few.
    pub fn give_connection_ids(&mut self, now: Instant, count: usize, immediately: bool) -> bool {
        let usage = if immediately {
            ConnectionIdUsage::CID_IMMEDIATE
        } else {
            ConnectionIdUsage::CID_SPARE
        };
        self.with_connected(now, |connected, cx| connected.give_connection_ids(cx, count, usage))
    }

    /// Sends under the next connection id that the peer gave, as is right on a new path. Says whether
    /// there was one.
    pub fn change_connection_id(&mut self, now: Instant) -> bool {
        self.with_connected(now, Connected::change_connection_id)
    }

    fn with_connected(
        &mut self,
        now: Instant,
        act: impl FnOnce(&mut Connected, &mut Context<'_>) -> bool,
    ) -> bool {
        self.advance(now);
        if self.phase != Phase::Connected {
            return false;
        }
        let (handshake, mut cx) = self.split();
        match handshake {
            Some(Handshake::Connected13(connected)) => act(connected, &mut cx),
            _ => false,
        }
    }
}
