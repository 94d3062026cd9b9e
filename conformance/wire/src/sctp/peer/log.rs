//! What has come, and what was wrong with it.

use std::collections::BTreeMap;

use crate::sctp::{
    Change, Chunk, Data, IData, Init, Packet, Sack, causes,
    code::{chunk, data},
};

/// What has come.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// The packets in order.
    pub packets: Vec<Packet>,
    /// The same as bytes.
    pub bytes: Vec<Vec<u8>>,
    /// What was wrong with their form, whatever the case is about.
    pub faults: Vec<String>,
    /// The number of the last request to change streams.
    pub last_request: Option<u32>,
}

impl Log {
    /// Every chunk in order.
    pub fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.packets.iter().flat_map(|packet| &packet.chunks)
    }

    /// Every chunk of a type in order.
    pub fn of(&self, kind: u8) -> impl Iterator<Item = &Chunk> {
        self.chunks().filter(move |chunk| chunk.kind == kind)
    }

    /// How many chunks of a type have come.
    #[must_use]
    pub fn count(&self, kind: u8) -> usize {
        self.of(kind).count()
    }

    /// The last chunk of a type.
    #[must_use]
    pub fn last(&self, kind: u8) -> Option<&Chunk> {
        self.of(kind).last()
    }

    /// Every DATA chunk in order.
    #[must_use]
    pub fn data(&self) -> Vec<Data> {
        self.chunks().filter_map(Data::read).collect()
    }

    /// Every I-DATA chunk in order.
    #[must_use]
    pub fn i_data(&self) -> Vec<IData> {
        self.chunks().filter_map(IData::read).collect()
    }

    /// Every SACK in order.
    #[must_use]
    pub fn sacks(&self) -> Vec<Sack> {
        self.chunks().filter_map(Sack::read).collect()
    }

    /// Every INIT and INIT ACK in order.
    #[must_use]
    pub fn inits(&self) -> Vec<Init> {
        self.chunks().filter_map(Init::read).collect()
    }

    /// Every parameter of a RE-CONFIG in order.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.chunks().filter_map(Change::read_all).flatten().collect()
    }

    /// The causes in every ABORT and ERROR in order.
    #[must_use]
    pub fn causes(&self) -> Vec<u16> {
        self.chunks().filter_map(causes).flatten().map(|cause| cause.kind).collect()
    }

    /// Whether an ABORT has come.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.count(chunk::ABORT) > 0
    }

    /// The messages that can be put together of DATA chunks: stream and bytes, in the order of their
    /// last fragments' numbers.
    #[must_use]
    pub fn messages(&self) -> Vec<(u16, Vec<u8>)> {
        let all = self.data();
        let Some(first) = all.first().map(|data| data.tsn) else { return Vec::new() };
        // Counted from well before the first that came, which need not be the first that was sent.
        let base = first.wrapping_sub(1 << 30);
        let by_tsn: BTreeMap<u32, &Data> =
            all.iter().map(|data| (data.tsn.wrapping_sub(base), data)).collect();
        let (mut messages, mut open) = (Vec::new(), None::<(u32, Vec<u8>)>);
        for (place, one) in by_tsn {
            let begins = one.flags & data::B != 0;
            open = match open {
                _ if begins => Some((place, one.payload.clone())),
                Some((last, mut bytes)) if last + 1 == place => {
                    bytes.extend(&one.payload);
                    Some((place, bytes))
                }
                _ => None,
            };
            if one.flags & data::E != 0
                && let Some((_, bytes)) = open.take()
            {
                messages.push((one.stream, bytes));
            }
        }
        messages
    }
}
