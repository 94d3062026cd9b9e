//! What waits to be sent: datagrams, and commands for streams.

use std::{collections::VecDeque, net::SocketAddr};

use base::{Ecn, StreamCommand, StreamId, Transmit};

/// Most bytes of datagrams that wait to be sent: what 3,000 full packets take. A driver that falls
/// behind by more loses packets, as a router would.
pub const MAX_OUTBOX: usize = 4 * 1_024 * 1_024;

/// Most bytes for streams that wait to be handed to the driver.
pub const MAX_STREAM_OUTBOX: usize = 16 * 1_024 * 1_024;

/// Longest batch in bytes: the longest UDP payload over IPv4.
const MAX_BATCH: usize = 65_507;

/// Bytes in the order in which they were put and are taken, in one piece of memory that is used again.
#[derive(Debug, Default)]
struct Bytes {
    bytes: Vec<u8>,
    taken: usize,
}

impl Bytes {
    const fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// The buffer to append to.
    fn tail(&mut self) -> &mut Vec<u8> {
        // Taken bytes are dropped when nothing is left, or when they are the greater part.
        if self.taken == self.bytes.len() {
            self.bytes.clear();
            self.taken = 0;
        } else if self.taken > MAX_OUTBOX {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        &mut self.bytes
    }

    fn take(&mut self, size: usize) -> &[u8] {
        let from = self.taken;
        self.taken = (from + size).min(self.bytes.len());
        self.bytes.get(from..self.taken).unwrap_or_default()
    }
}

/// Where a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) ecn: Ecn,
}

/// Datagrams that wait to be sent. Those that follow one another on one way and have one length share a
/// [`Transmit`].
#[derive(Debug)]
pub(super) struct Outbox {
    transmits: VecDeque<Transmit>,
    bytes: Bytes,
    /// Datagrams of the last transmit.
    segments: usize,
    max_segments: usize,
}

impl Outbox {
    pub(super) fn new(max_segments: usize) -> Self {
        Self {
            transmits: VecDeque::new(),
            bytes: Bytes::default(),
            segments: 0,
            max_segments: max_segments.max(1),
        }
    }

    /// Appends what `write` writes as a datagram; false if there is no room.
    pub(super) fn push(&mut self, route: Route, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        if self.bytes.len() >= MAX_OUTBOX {
            return false;
        }
        let tail = self.bytes.tail();
        let start = tail.len();
        write(tail);
        let size = tail.len().saturating_sub(start);
        if !self.join(route, size) {
            let Route { source, destination, ecn } = route;
            let transmit = Transmit::new(destination, size).from(source);
            self.transmits.push_back(Transmit { ecn, ..transmit });
            self.segments = 1;
        }
        true
    }

    /// Lets the datagram ride with the last transmit, if it fits: segments are equal but for the last.
    fn join(&mut self, route: Route, size: usize) -> bool {
        let Some(last) = self.transmits.back_mut() else {
            return false;
        };
        let segment = last.segment_size.unwrap_or(last.size);
        let is_full = last.size == segment * self.segments && segment > 0;
        let fits = self.segments < self.max_segments && last.size + size <= MAX_BATCH;
        let is_same_way = last.source == Some(route.source)
            && last.destination == route.destination
            && last.ecn == route.ecn;
        if !(is_full && fits && is_same_way && (1..=segment).contains(&size)) {
            return false;
        }
        last.segment_size = Some(segment);
        last.size += size;
        self.segments += 1;
        true
    }

    /// The next transmit and its bytes, where they lie.
    pub(super) fn take(&mut self) -> Option<(Transmit, &[u8])> {
        let transmit = self.transmits.pop_front()?;
        Some((transmit, self.bytes.take(transmit.size)))
    }
}

/// Commands for streams that wait for the driver.
#[derive(Debug, Default)]
pub(super) struct StreamOutbox {
    commands: VecDeque<StreamCommand>,
    bytes: Bytes,
}

impl StreamOutbox {
    /// Sends what `write` writes; false if there is no room.
    pub(super) fn send(&mut self, id: StreamId, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        if self.bytes.len() >= MAX_STREAM_OUTBOX {
            return false;
        }
        let tail = self.bytes.tail();
        let start = tail.len();
        write(tail);
        let size = tail.len().saturating_sub(start);
        if let Some(StreamCommand::Send { id: last, size: before }) = self.commands.back_mut()
            && *last == id
        {
            *before += size;
        } else if size > 0 {
            self.commands.push_back(StreamCommand::Send { id, size });
        }
        true
    }

    pub(super) fn push(&mut self, command: StreamCommand) {
        self.commands.push_back(command);
    }

    pub(super) fn take(&mut self, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        let command = self.commands.pop_front()?;
        if let StreamCommand::Send { size, .. } = command {
            buffer.extend_from_slice(self.bytes.take(size));
        }
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 3_478);

    fn route(port: u16) -> Route {
        let destination = SocketAddr::new([192, 0, 2, 9].into(), port);
        Route { source: HERE, destination, ecn: Ecn::NotEct }
    }

    /// Puts datagrams of these ports and sizes and tells how they come out: port, size, segment.
    fn batches(
        max_segments: usize,
        datagrams: &[(u16, usize)],
    ) -> Vec<(u16, usize, Option<usize>)> {
        let mut outbox = Outbox::new(max_segments);
        let mut sent = Vec::new();
        for (number, (port, size)) in (0_u8..).zip(datagrams) {
            let bytes = vec![number; *size];
            sent.extend_from_slice(&bytes);
            assert!(outbox.push(route(*port), |buffer| buffer.extend_from_slice(&bytes)));
        }
        let mut taken = Vec::new();
        let mut batches = Vec::new();
        while let Some((transmit, bytes)) = outbox.take() {
            assert_eq!(transmit.size, bytes.len());
            taken.extend_from_slice(bytes);
            batches.push((transmit.destination.port(), transmit.size, transmit.segment_size));
        }
        assert_eq!(taken, sent);
        batches
    }

    #[test]
    fn equal_datagrams_on_one_way_go_together() {
        let three = [(1, 100), (1, 100), (1, 100)];
        assert_eq!(batches(64, &three), [(1, 300, Some(100))]);
        assert_eq!(batches(2, &three), [(1, 200, Some(100)), (1, 100, None)]);
        assert_eq!(batches(1, &three), [(1, 100, None); 3]);
    }

    #[test]
    fn a_shorter_one_ends_a_batch_and_a_longer_one_begins_another() {
        let datagrams = [(1, 100), (1, 40), (1, 40), (1, 100)];
        let expected = [(1, 140, Some(100)), (1, 40, None), (1, 100, None)];
        assert_eq!(batches(64, &datagrams), expected);
    }

    #[test]
    fn another_way_or_nothing_at_all_goes_alone() {
        assert_eq!(
            batches(64, &[(1, 9), (2, 9), (1, 9)]),
            [(1, 9, None), (2, 9, None), (1, 9, None)]
        );
        assert_eq!(batches(64, &[(1, 0), (1, 0)]), [(1, 0, None), (1, 0, None)]);
        let much = [(1, 1_500); 50];
        assert_eq!(batches(64, &much), [(1, 64_500, Some(1_500)), (1, 10_500, Some(1_500))]);
    }

    #[test]
    fn a_full_outbox_takes_no_more_until_something_is_taken() {
        let mut outbox = Outbox::new(1);
        let kilobyte = |buffer: &mut Vec<u8>| buffer.resize(buffer.len() + 1_024, 7);
        let count = (0..10_000).take_while(|_| outbox.push(route(1), kilobyte)).count();
        assert_eq!(count, MAX_OUTBOX / 1_024);
        assert!(outbox.take().is_some());
        assert!(outbox.push(route(1), kilobyte) && !outbox.push(route(1), kilobyte));
        // Memory does not grow while a queue is never empty.
        for _ in 0..20_000 {
            assert!(outbox.take().is_some() && outbox.push(route(1), kilobyte));
        }
        assert!(outbox.bytes.bytes.capacity() <= 4 * MAX_OUTBOX);
    }
}
