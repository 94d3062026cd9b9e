//! Links with more than a fixed rate and a drop-tail queue, and links that change.

use base::Ecn;

use crate::{
    agenda::Work,
    event::{DropReason, Event},
    id::HopId,
    link::{Admission, Link, LinkState, Pace, Refuse},
    network::Network,
    node::Role,
    observer::Observer,
    packet::IcmpError,
    slab::Slot,
};

impl<O: Observer> Network<O> {
    /// A packet comes to the policer and the queue of a link.
    pub(super) fn transmit_shaped(&mut self, hop: HopId, slot: Slot) {
        let now = self.now;
        let link = &mut self.hops.at_mut(hop).link;
        let packet = self.packets.get(slot);
        let bytes = packet.ip_length();
        if let Some(path) = link.spec.pmtu.filter(|path| bytes > path.mtu as usize) {
            return self.outgrow(hop, slot, path.mtu, path.icmp);
        }
        let Some(shaping) = &mut link.shaping else { return };
        if !shaping.admits(now, bytes) {
            return self.drop_on(hop, slot, DropReason::LinkPoliced);
        }
        let idle = link.sending.is_none();
        if idle && !shaping.pacer.waits() {
            return self.depart(hop, slot);
        }
        if idle && shaping.discipline.is_plain() {
            self.set_out(hop, slot);
            return;
        }
        let mut refused = Refuse::default();
        let item = shaping.item(now, packet, slot, bytes);
        match shaping.discipline.enqueue(now, item, &mut refused) {
            Admission::Queued if idle => {}
            Admission::Queued => {
                let waiting = shaping.discipline.waiting().1;
                self.watch.on(now, &Event::Queued { hop, packet, waiting });
            }
            Admission::Refused(reason) => refused.push((slot, reason)),
        }
        self.refuse(hop, refused);
        if idle {
            self.serve(hop);
        }
    }

    /// The link is free: the next packet of the queue leaves.
    pub(super) fn serve(&mut self, hop: HopId) {
        loop {
            let now = self.now;
            let Some(shaping) = &mut self.hops.at_mut(hop).link.shaping else { return };
            let mut refused = Refuse::default();
            let next = shaping.discipline.dequeue(now, &mut refused);
            self.refuse(hop, refused);
            let Some(next) = next else { return };
            if next.marked {
                self.mark(hop, next.slot);
            }
            if self.set_out(hop, next.slot) {
                return;
            }
        }
    }

    /// The turn of a packet has come; false if it can never leave and has been dropped.
    fn set_out(&mut self, hop: HopId, slot: Slot) -> bool {
        let now = self.now;
        let bytes = self.packets.get(slot).ip_length();
        let link = &mut self.hops.at_mut(hop).link;
        let Some(shaping) = &mut link.shaping else { return false };
        match shaping.pacer.begin(now, bytes) {
            Pace::Done(at) => {
                link.sending = Some(slot);
                self.agenda.push(at, Work::Free(hop));
            }
            Pace::Contend(medium) => {
                link.sending = Some(slot);
                if self.media.seize(medium, hop) {
                    self.go_on_air(hop);
                }
            }
            Pace::Never => {
                self.drop_on(hop, slot, DropReason::LinkPoliced);
                return false;
            }
        }
        true
    }

    /// The link of `hop` has sent its packet: if that was on a shared medium, somebody else may send.
    pub(super) fn pass_on(&mut self, hop: HopId) {
        let (now, hops) = (self.now, &self.hops);
        let rate = |hop: HopId| hops.at(hop).link.shaping.as_ref()?.pacer.bearer_rate(now);
        if let Some(next) = self.media.release(hop, now, rate) {
            self.go_on_air(next);
        }
    }

    /// The packet of `hop` has the medium for itself.
    fn go_on_air(&mut self, hop: HopId) {
        let link = &self.hops.at(hop).link;
        let bytes = link.sending.map_or(0, |slot| self.packets.get(slot).ip_length());
        let done = match &link.shaping {
            Some(shaping) => {
                if shaping.pacer.bearer_rate(self.now).is_some() {
                    let bits = u32::try_from(bytes * 8).map_or(f64::MAX, f64::from);
                    self.media.account(hop, self.now, bits);
                }
                shaping.pacer.on_air(self.now, bytes)
            }
            None => self.now, // The link has changed while it waited for its turn.
        };
        self.agenda.push(done, Work::Free(hop));
    }

    fn refuse(&mut self, hop: HopId, refused: Refuse) {
        for (slot, reason) in refused {
            self.drop_on(hop, slot, reason);
        }
    }

    /// Tells the receiver of a packet of congestion, if it does not know yet.
    fn mark(&mut self, hop: HopId, slot: Slot) {
        let packet = self.packets.get_mut(slot);
        if packet.ecn != Ecn::Ce {
            packet.ecn = Ecn::Ce;
            self.watch.on(self.now, &Event::Marked { hop, packet });
        }
    }

    /// A packet is longer than the path behind the link takes.
    fn outgrow(&mut self, hop: HopId, slot: Slot, mtu: u32, icmp: bool) {
        let packet = self.packets.get(slot);
        if !packet.is_ipv6() && !packet.dont_fragment && self.fragment_to(mtu, hop, slot) {
            return;
        }
        let near = self.hops.at(hop);
        // Switches have no addresses and report nothing.
        let speaks = icmp && !matches!(self.nodes.at(near.node).role, Role::Switch(_));
        let packet = self.packets.get(slot);
        let reporter = self
            .hops
            .at(near.peer)
            .address(packet.is_ipv6(), self.now)
            .or_else(|| near.address(packet.is_ipv6(), self.now))
            .filter(|_| speaks);
        let error = reporter.and_then(|ip| packet.icmp_error(ip, IcmpError::TooBig { mtu }));
        let node = near.node;
        self.drop_on(hop, slot, DropReason::PathTooBig);
        if let Some(error) = error {
            self.originate_from(node, error);
        }
    }

    /// Gives the direction away from `hop` new parameters at once. What waits goes on waiting, what is on
    /// its way arrives when it would have; the dice go on where they were, and so do parts whose
    /// parameters do not change.
    ///
    /// # Panics
    ///
    /// If the parameters make no sense: [`Link::check`].
    pub(crate) fn set_link(&mut self, hop: HopId, link: Link) {
        if let Err(what) = link.check() {
            panic!("the new link at {}: {what}", self.hops.at(hop).full_name);
        }
        let (now, seed) = (self.now, self.topology.seed);
        let interface = self.hops.at_mut(hop);
        interface.mtu = link.mtu.unwrap_or(interface.mtu);
        let state = &mut interface.link;
        let new = LinkState::new(link, state.path.clone(), seed);
        let mut old = std::mem::replace(state, new);
        state.inherit(&mut old);
        let waiting = old.clear_waiting();
        let held = old.impairments.and_then(|impairments| impairments.held);
        let mut refused = Refuse::default();
        for slot in waiting {
            let packet = self.packets.get(slot);
            let bytes = packet.ip_length();
            match &mut state.shaping {
                Some(shaping) => {
                    let item = shaping.item(now, packet, slot, bytes);
                    let admission = shaping.discipline.enqueue(now, item, &mut refused);
                    if let Admission::Refused(reason) = admission {
                        refused.push((slot, reason));
                    }
                }
                None => {
                    state.waiting.push_back(slot);
                    state.waiting_bytes += bytes as u64;
                }
            }
        }
        self.refuse(hop, refused);
        if let Some((held, until)) = held {
            self.put_on_wire(hop, held, until + old.spec.delay);
        }
    }
}
