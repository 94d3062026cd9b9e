//! What waits to be sent.

use std::collections::VecDeque;

use base::{StreamCommand, StreamId, Transmit};

/// Most datagrams that wait, and most commands to streams beyond which no message is added. A driver drains everything after whatever it tells the transport, and then
/// there are a few at most; more are dropped and counted.
pub const MAX_QUEUED: usize = 1_024;

/// Datagrams and stream commands with their bytes, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    transmits: VecDeque<Transmit>,
    payloads: Payloads,
    commands: VecDeque<StreamCommand>,
    bytes: Payloads,
    pub(super) dropped: u64,
}

/// Bytes one after the other, in one buffer that is used again.
#[derive(Debug, Default)]
struct Payloads {
    buffer: Vec<u8>,
    taken: usize,
}

impl Outbox {
    /// Puts a datagram in.
    pub(super) fn push(&mut self, transmit: Transmit, payload: &[u8]) {
        if self.transmits.len() >= MAX_QUEUED {
            self.dropped += 1;
            return;
        }
        let payload = payload.get(..transmit.size).unwrap_or(payload);
        self.payloads.put(payload);
        self.transmits.push_back(Transmit { size: payload.len(), ..transmit });
    }

    /// Puts a stream command in; the bytes are those of a `Send`.
    ///
    /// Each `Send` is a whole message, so that one can be left out; there are few commands of other kinds,
    /// and none of them can be spared.
    pub(super) fn command(&mut self, command: StreamCommand, bytes: &[u8]) {
        if let StreamCommand::Send { size, .. } = command {
            if self.commands.len() >= MAX_QUEUED {
                self.dropped += 1;
                return;
            }
            self.bytes.put(bytes.get(..size).unwrap_or(bytes));
        }
        self.commands.push_back(command);
    }

    /// Puts bytes for a stream in.
    pub(super) fn send(&mut self, id: StreamId, size: usize, bytes: &[u8]) {
        self.command(StreamCommand::Send { id, size }, bytes);
    }

    /// The oldest datagram.
    pub(super) fn take(&mut self, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let transmit = self.transmits.pop_front()?;
        self.payloads.take(transmit.size, buffer);
        Some(transmit)
    }

    /// The oldest stream command.
    pub(super) fn take_command(&mut self, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        let command = self.commands.pop_front()?;
        if let StreamCommand::Send { size, .. } = command {
            self.bytes.take(size, buffer);
        }
        Some(command)
    }
}

impl Payloads {
    fn put(&mut self, bytes: &[u8]) {
        if self.taken == self.buffer.len() {
            self.buffer.clear();
            self.taken = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn take(&mut self, size: usize, out: &mut Vec<u8>) {
        let end = self.taken.saturating_add(size);
        out.extend_from_slice(self.buffer.get(self.taken..end).unwrap_or_default());
        self.taken = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_over_in_order_and_uses_its_room_again() {
        let mut outbox = Outbox::default();
        let to = "192.0.2.1:1".parse().unwrap();
        for round in 0..100_u8 {
            outbox.push(Transmit::new(to, 2), &[round, 1]);
            outbox.push(Transmit::new(to, 1), &[round]);
            let mut buffer = vec![9];
            assert_eq!(outbox.take(&mut buffer), Some(Transmit::new(to, 2)));
            assert_eq!(outbox.take(&mut buffer), Some(Transmit::new(to, 1)));
            assert_eq!(buffer, [9, round, 1, round]);
            assert_eq!(outbox.take(&mut buffer), None);
        }
        assert!(outbox.payloads.buffer.len() <= 3);
        let id = StreamId::own(1);
        outbox.command(StreamCommand::Send { id, size: 2 }, b"ab");
        outbox.command(StreamCommand::Close { id }, b"");
        let mut buffer = Vec::new();
        assert!(matches!(outbox.take_command(&mut buffer), Some(StreamCommand::Send { .. })));
        assert_eq!(buffer, b"ab");
    }

    #[test]
    fn what_nobody_takes_is_dropped_beyond_the_limit() {
        let mut outbox = Outbox::default();
        for _ in 0..MAX_QUEUED + 5 {
            outbox.push(Transmit::new("192.0.2.1:1".parse().unwrap(), 1), &[0]);
        }
        assert_eq!((outbox.transmits.len(), outbox.dropped), (MAX_QUEUED, 5));
    }

    #[test]
    fn messages_to_a_stream_are_dropped_beyond_the_limit_but_not_its_end() {
        let mut outbox = Outbox::default();
        let id = StreamId::own(1);
        for _ in 0..MAX_QUEUED + 5 {
            outbox.send(id, 2, b"ab");
        }
        outbox.command(StreamCommand::Close { id }, b"");
        assert_eq!((outbox.commands.len(), outbox.dropped), (MAX_QUEUED + 1, 5));
        assert_eq!(outbox.commands.back(), Some(&StreamCommand::Close { id }));
        assert_eq!(outbox.bytes.buffer.len(), 2 * MAX_QUEUED);
    }
}
