//! Where packets live while they travel: queues and events hold numbers, packets stay put.

use crate::packet::Packet;

/// The place of a packet in the [`Slab`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u32);

#[cfg(test)]
impl Slot {
    /// A place for tests that have no packets.
    pub(crate) const fn numbered(number: u32) -> Self {
        Self(number)
    }
}

/// Packets in flight. Places are used again, the last freed first, while it is still in the cache.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    places: Vec<Option<Packet>>,
    free: Vec<Slot>,
}

impl Slab {
    #[inline]
    pub(crate) fn insert(&mut self, packet: Packet) -> Slot {
        if let Some(slot) = self.free.pop() {
            *self.place(slot) = Some(packet);
            return slot;
        }
        let slot = Slot(u32::try_from(self.places.len()).expect("fewer than 2^32 packets fly"));
        self.places.push(Some(packet));
        slot
    }

    #[inline]
    pub(crate) fn take(&mut self, slot: Slot) -> Packet {
        let packet = self.place(slot).take().expect("a slot is taken once");
        self.free.push(slot);
        packet
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "slots are made by `insert`, places never leave")]
    pub(crate) fn get(&self, slot: Slot) -> &Packet {
        self.places[slot.0 as usize].as_ref().expect("the slot is occupied")
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> &mut Packet {
        self.place(slot).as_mut().expect("the slot is occupied")
    }

    /// Packets in flight.
    pub(crate) const fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "slots are made by `insert`, places never leave")]
    fn place(&mut self, slot: Slot) -> &mut Option<Packet> {
        &mut self.places[slot.0 as usize]
    }
}
