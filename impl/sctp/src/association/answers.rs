//! What waits to be sent in answer to what arrived.

use std::collections::VecDeque;

use base::Writer;

use crate::wire::HEADER_LENGTH;

/// Packets of their own that may wait. Whoever asks faster than answers leave gets none.
const MAX_PACKETS: usize = 16;
/// Chunks that may wait to be put into the next packet.
const MAX_CHUNKS: usize = 32;
/// Bytes of chunks that may wait: two of the longest packets.
const MAX_CHUNK_BYTES: usize = 128 << 10;

/// Packets and chunks that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    packets: VecDeque<Answer>,
    chunks: VecDeque<Vec<u8>>,
    chunk_bytes: usize,
}

/// A packet of its own, without its common header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The verification tag to send it with.
    pub(crate) tag: u32,
    /// Its chunks.
    pub(crate) chunks: Vec<u8>,
}

/// There is no room for another answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Answers {
    /// Queues a packet of its own.
    pub(crate) fn push_packet(&mut self, tag: u32, chunks: Vec<u8>) -> Result<(), TooMany> {
        if self.packets.len() >= MAX_PACKETS {
            return Err(TooMany);
        }
        self.packets.push_back(Answer { tag, chunks });
        Ok(())
    }

    /// The same before all others and whatever waits: the last words of an association.
    pub(crate) fn push_last_words(&mut self, tag: u32, chunks: Vec<u8>) {
        self.packets.push_front(Answer { tag, chunks });
        self.packets.truncate(MAX_PACKETS);
    }

    /// Queues a chunk for the next packet to the peer.
    pub(crate) fn push_chunk(&mut self, chunk: Vec<u8>) -> Result<(), TooMany> {
        let bytes = self.chunk_bytes + chunk.len();
        if self.chunks.len() >= MAX_CHUNKS || bytes > MAX_CHUNK_BYTES {
            return Err(TooMany);
        }
        self.chunk_bytes = bytes;
        self.chunks.push_back(chunk);
        Ok(())
    }

    /// The next packet of its own.
    pub(crate) fn pop_packet(&mut self) -> Option<Answer> {
        self.packets.pop_front()
    }

    /// Whether chunks wait.
    pub(crate) fn has_chunks(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// Appends the chunks that fit into a packet of at most `most` bytes. One that fits into no packet of
    /// ours goes into one of its own: what it answers came in one as long.
    pub(crate) fn write_chunks(&mut self, most: usize, writer: &mut Writer<'_>) {
        while let Some(chunk) = self.chunks.front() {
            let fits = writer.len() + chunk.len() <= most;
            if !fits && writer.len() > HEADER_LENGTH {
                return;
            }
            writer.bytes(chunk);
            self.chunk_bytes -= chunk.len();
            self.chunks.pop_front();
        }
    }

    /// Forgets the chunks: the peer they were for is no more.
    pub(crate) fn clear_chunks(&mut self) {
        self.chunks.clear();
        self.chunk_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_questions_fills_no_memory() {
        let mut answers = Answers::default();
        let packets = (0..1_000).filter(|_| answers.push_packet(1, vec![0; 8]).is_ok()).count();
        assert_eq!(packets, MAX_PACKETS);
        let chunks = (0..1_000).filter(|_| answers.push_chunk(vec![0; 8]).is_ok()).count();
        assert_eq!(chunks, MAX_CHUNKS);
        answers.clear_chunks();
        let chunks = (0..1_000).filter(|_| answers.push_chunk(vec![0; 60_000]).is_ok()).count();
        assert_eq!(chunks, 2);
    }

    #[test]
    fn last_words_come_first_even_where_no_room_is() {
        let mut answers = Answers::default();
        while answers.push_packet(1, vec![0; 8]).is_ok() {}
        answers.push_last_words(7, vec![6]);
        assert_eq!(answers.pop_packet(), Some(Answer { tag: 7, chunks: vec![6] }));
        assert_eq!(std::iter::from_fn(|| answers.pop_packet()).count(), MAX_PACKETS - 1);
    }

    #[test]
    fn a_chunk_waits_for_a_packet_with_room() {
        let mut answers = Answers::default();
        for length in [8, 12, 400] {
            answers.push_chunk(vec![0; length]).unwrap();
        }
        let mut lengths = Vec::new();
        while !answers.chunks.is_empty() {
            let mut packet = vec![0; 0];
            let mut writer = Writer::new(&mut packet);
            writer.zeros(HEADER_LENGTH);
            answers.write_chunks(HEADER_LENGTH + 16, &mut writer);
            lengths.push(writer.len() - HEADER_LENGTH);
        }
        assert_eq!(lengths, [8, 12, 400], "the last fits nowhere");
        assert_eq!(answers.chunk_bytes, 0);
    }
}
