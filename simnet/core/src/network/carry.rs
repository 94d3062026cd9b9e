//! Packets on links: RFC 8867 and RFC 8868 describe the models, `link.rs` their parameters.

use base::Instant;

use crate::{
    agenda::Work,
    event::{DropReason, Event},
    id::HopId,
    link::{Fate, Flight, Pass},
    network::Network,
    observer::Observer,
    slab::Slot,
};

mod shaped;

impl<O: Observer> Network<O> {
    /// A node puts a packet, which fits the MTU, on its interface.
    pub(crate) fn transmit(&mut self, hop: HopId, slot: Slot) {
        let packet = self.packets.get(slot);
        self.watch.on(self.now, &Event::Sent { hop, packet });
        let sender = &mut self.hops.at_mut(hop);
        if !sender.up {
            return self.drop_on(hop, slot, DropReason::InterfaceDown);
        }
        let link = &mut sender.link;
        match link.pass {
            Pass::Perfect => return self.agenda.arrive_now(self.now, sender.peer, slot),
            Pass::Free => return self.depart(hop, slot),
            Pass::Shaped => return self.transmit_shaped(hop, slot),
            Pass::Fixed => {}
        }
        if link.sending.is_none() {
            return self.begin(hop, slot);
        }
        let bytes = packet.ip_length();
        if !link.has_room(bytes) {
            return self.drop_on(hop, slot, DropReason::QueueFull);
        }
        link.waiting.push_back(slot);
        link.waiting_bytes += bytes as u64;
        let waiting = link.waiting_bytes;
        self.watch.on(self.now, &Event::Queued { hop, packet, waiting });
    }

    /// The first bit of a packet leaves.
    fn begin(&mut self, hop: HopId, slot: Slot) {
        let link = &mut self.hops.at_mut(hop).link;
        let done = self.now + link.spec.serial(self.packets.get(slot).ip_length());
        link.sending = Some(slot);
        self.agenda.push(done, Work::Free(hop));
    }

    /// The last bit of a packet has left, and the next packet's turn has come.
    pub(crate) fn free(&mut self, hop: HopId) {
        let link = &mut self.hops.at_mut(hop).link;
        let sent = link.sending.take();
        if link.pass == Pass::Shaped {
            self.serve(hop);
        } else if let Some(next) = link.waiting.pop_front() {
            link.waiting_bytes -= self.packets.get(next).ip_length() as u64;
            self.begin(hop, next);
        }
        if !self.media.is_empty() {
            self.pass_on(hop);
        }
        if let Some(sent) = sent {
            self.depart(hop, sent);
        }
    }

    /// A packet has left its sender entirely: what becomes of it?
    fn depart(&mut self, hop: HopId, slot: Slot) {
        let link = &mut self.hops.at_mut(hop).link;
        let Some(impairments) = &mut link.impairments else {
            let at = self.now + link.spec.delay;
            return self.put_on_wire(hop, slot, at);
        };
        let packet = self.packets.get_mut(slot);
        match impairments.fate(&link.spec, self.now, packet) {
            Fate::Lost(reason) => self.drop_on(hop, slot, reason),
            Fate::Carried => self.fly(hop, slot),
            Fate::Twice => {
                self.tally.copied += 1;
                let copy = packet.clone();
                self.watch.on(self.now, &Event::Duplicated { hop, packet: &copy });
                let copy = self.packets.insert(copy);
                self.fly(hop, slot);
                self.fly(hop, copy);
            }
        }
    }

    /// A packet that is not lost goes through corruption, delay and jitter.
    fn fly(&mut self, hop: HopId, slot: Slot) {
        let sender = &mut self.hops.at_mut(hop);
        let link = &mut sender.link;
        let packet = self.packets.get_mut(slot);
        let Some(impairments) = &mut link.impairments else { return };
        if impairments.corrupt(&link.spec, packet) {
            self.watch.on(self.now, &Event::Corrupted { hop, packet });
        }
        match impairments.flight(&link.spec, self.now, packet.ip_length()) {
            Flight::InOrder(at) => {
                let held = impairments.held.take();
                self.put_on_wire(hop, slot, at);
                if let Some((held, _)) = held {
                    self.put_on_wire(hop, held, at);
                }
            }
            Flight::Free(at) => self.agenda.push(at, Work::Arrive(sender.peer, slot)),
            Flight::Hold(until) => {
                impairments.held = Some((slot, until));
                self.agenda.push(until, Work::Release(hop));
            }
        }
    }

    /// A packet goes behind those that are on their way, and arrives at `at` unless they are later.
    #[inline]
    fn put_on_wire(&mut self, hop: HopId, slot: Slot, at: Instant) {
        let link = &mut self.hops.at_mut(hop).link;
        let order = self.agenda.order(at, Work::Land(hop));
        if link.flying.is_empty() {
            self.agenda.enter(order, Work::Land(hop));
        }
        link.flying.push_back((order, slot));
    }

    /// The packet that waited for another to pass it goes on, if it is still there.
    pub(crate) fn release(&mut self, hop: HopId) {
        let (now, link) = (self.now, &mut self.hops.at_mut(hop).link);
        let Some(impairments) = &mut link.impairments else { return };
        if let Some((slot, _)) = impairments.held.take_if(|(_, until)| *until <= now) {
            let at = now + link.spec.delay;
            self.put_on_wire(hop, slot, at);
        }
    }

    /// The packet that has been longest on the link of `hop` reaches its other end.
    pub(crate) fn land(&mut self, hop: HopId) {
        let sender = &mut self.hops.at_mut(hop);
        // A wire that was taken away has left an entry too many in the agenda.
        if sender.link.flying.front().is_none_or(|(order, _)| order.at() > self.now) {
            return;
        }
        let Some((_, slot)) = sender.link.flying.pop_front() else { return };
        if let Some(&(order, _)) = sender.link.flying.front() {
            self.agenda.enter(order, Work::Land(hop));
        }
        let peer = sender.peer;
        self.arrive(peer, slot);
    }
}
