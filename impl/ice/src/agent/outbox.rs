//! Packets that wait to be sent.

use std::{collections::VecDeque, net::SocketAddr};

use base::{Dscp, StreamId, Transmit};

/// Most packets that wait to be sent: a check and an answer for each pair of a full check list, twice.
pub(crate) const MAX_QUEUED: usize = 400;
/// Buffers that are kept for reuse.
const MAX_SPARE: usize = 16;

/// What is to be sent, in order. Buffers are used again, so that a busy agent does not allocate.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    packets: VecDeque<Packet>,
    frames: VecDeque<(StreamId, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
}

/// Where a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    /// The connection it goes over, for TCP.
    pub(crate) stream: Option<StreamId>,
}

#[derive(Debug)]
struct Packet {
    local: SocketAddr,
    remote: SocketAddr,
    bytes: Vec<u8>,
}

impl Outbox {
    /// Queues what `write` writes; `false` if there is no room.
    pub(crate) fn push(&mut self, to: Target, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        if self.packets.len() + self.frames.len() >= MAX_QUEUED {
            return false;
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        write(&mut bytes);
        match to.stream {
            Some(stream) => self.frames.push_back((stream, bytes)),
            None => {
                self.packets.push_back(Packet { local: to.local, remote: to.remote, bytes });
            }
        }
        true
    }

    /// Hands the next datagram over.
    pub(crate) fn pop(&mut self, dscp: Dscp, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let Packet { local, remote, bytes } = self.packets.pop_front()?;
        buffer.extend_from_slice(&bytes);
        let transmit = Transmit { dscp, ..Transmit::new(remote, bytes.len()).from(local) };
        self.recycle(bytes);
        Some(transmit)
    }

    /// Hands the next frame over; [give](Self::recycle) the buffer back.
    pub(crate) fn pop_stream(&mut self) -> Option<(StreamId, Vec<u8>)> {
        self.frames.pop_front()
    }

    /// Takes a buffer back.
    pub(crate) fn recycle(&mut self, mut bytes: Vec<u8>) {
        if self.spare.len() < MAX_SPARE {
            bytes.clear();
            self.spare.push(bytes);
        }
    }

    /// Forgets the datagrams that were to leave from `local`.
    pub(crate) fn forget(&mut self, local: SocketAddr) {
        self.packets.retain(|packet| packet.local != local);
    }

    /// Forgets the frames of a connection that is gone.
    pub(crate) fn forget_stream(&mut self, stream: StreamId) {
        self.frames.retain(|(other, _)| *other != stream);
    }

    pub(crate) fn clear(&mut self) {
        self.packets.clear();
        self.frames.clear();
    }
}
