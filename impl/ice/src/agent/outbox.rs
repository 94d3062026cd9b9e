//! Packets that wait to be sent.

use std::{collections::VecDeque, net::SocketAddr};

use base::{Dscp, Transmit};

/// Most packets that wait to be sent: a check and an answer for each pair of a full check list, twice.
pub(crate) const MAX_QUEUED: usize = 400;
/// Buffers that are kept for reuse.
const MAX_SPARE: usize = 16;

/// The datagrams to be sent, in order. Buffers are used again, so that a busy agent does not allocate.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    packets: VecDeque<Packet>,
    spare: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Packet {
    local: SocketAddr,
    remote: SocketAddr,
    bytes: Vec<u8>,
}

impl Outbox {
    /// Queues what `write` writes; `false` if there is no room.
    pub(crate) fn push(
        &mut self,
        local: SocketAddr,
        remote: SocketAddr,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        if self.packets.len() >= MAX_QUEUED {
            return false;
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        write(&mut bytes);
        self.packets.push_back(Packet { local, remote, bytes });
        true
    }

    /// Hands the next packet over.
    pub(crate) fn pop(&mut self, dscp: Dscp, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let Packet { local, remote, mut bytes } = self.packets.pop_front()?;
        buffer.extend_from_slice(&bytes);
        let transmit = Transmit { dscp, ..Transmit::new(remote, bytes.len()).from(local) };
        if self.spare.len() < MAX_SPARE {
            bytes.clear();
            self.spare.push(bytes);
        }
        Some(transmit)
    }

    /// Forgets the packets that were to leave from `local`.
    pub(crate) fn forget(&mut self, local: SocketAddr) {
        self.packets.retain(|packet| packet.local != local);
    }

    pub(crate) fn clear(&mut self) {
        self.packets.clear();
    }
}
