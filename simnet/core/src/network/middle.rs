//! Packets through boxes.

use crate::{
    event::{DropReason, Event, Place},
    id::{HopId, NodeId},
    middlebox::{Action, Middlebox, Outlet, Side, SideInfo},
    network::Network,
    node::Role,
    observer::Observer,
    packet::{Packet, is_group},
    slab::Slot,
};

impl<O: Observer> Network<O> {
    pub(crate) fn arrive_at_box(&mut self, node: NodeId, hop: HopId, slot: Slot) {
        let side = Side(self.hops.at(hop).side);
        let packet = self.packets.take(slot);
        if let Role::Middlebox(middle) = &mut self.nodes.at_mut(node).role {
            middle.held += 1;
        }
        self.with_box(node, |middlebox, out| middlebox.handle_packet(side, packet, out));
    }

    /// Calls the box and does what it decides.
    pub(crate) fn with_box(
        &mut self,
        node: NodeId,
        call: impl FnOnce(&mut dyn Middlebox, &mut Outlet<'_>),
    ) {
        let mut actions = std::mem::take(&mut self.actions);
        if let Role::Middlebox(middle) = &mut self.nodes.at_mut(node).role {
            let observed = self.watch.is_active();
            let mut out =
                Outlet::new(self.now, observed, &middle.sides, &mut middle.stream, &mut actions);
            call(middle.middlebox.as_mut(), &mut out);
        }
        for action in actions.drain(..) {
            self.act(node, action);
        }
        self.actions = actions;
        self.rearm(node);
    }

    fn act(&mut self, node: NodeId, action: Action) {
        match action {
            Action::Forward(side, packet) => {
                self.give_back(node);
                let slot = self.packets.insert(packet);
                self.leave_box(node, side, slot);
            }
            Action::Send(side, packet) => {
                let slot = self.admit(node, packet);
                self.leave_box(node, side, slot);
            }
            Action::Drop(packet, reason, note) => {
                self.give_back(node);
                let slot = self.packets.insert(packet);
                self.drop_at(Place::Node(node), slot, reason, &note);
            }
            Action::Absorb(_) => {
                self.give_back(node);
                self.tally.merged += 1;
            }
            Action::Event(event) => {
                self.watch.on(self.now, &Event::Nat { node, event: &event });
            }
        }
    }

    /// The addresses of a box, side by side.
    pub(crate) fn sides_of(&self, node: NodeId) -> Vec<SideInfo> {
        let side = |&hop: &HopId| {
            let hop = self.hops.at(hop);
            SideInfo { mtu: hop.mtu, addresses: hop.addresses.clone() }
        };
        self.nodes.at(node).hops.iter().map(side).collect()
    }

    fn give_back(&mut self, node: NodeId) {
        if let Role::Middlebox(middle) = &mut self.nodes.at_mut(node).role {
            assert!(middle.held > 0, "a box passes on or ends only packets it was given");
            middle.held -= 1;
        }
    }

    fn leave_box(&mut self, node: NodeId, side: Side, slot: Slot) {
        let packet: &Packet = self.packets.get(slot);
        let at = &self.nodes.at(node);
        let Some(&hop) = at.hops.get(usize::from(side.0)) else {
            return self.drop_in(node, slot, DropReason::NoRoute);
        };
        let destination = packet.destination_ip;
        let target = if is_group(destination) {
            // What is meant for many stays on its link.
            Some(destination)
        } else {
            let route = at.routes.find(destination, |route| route.hop == hop);
            route.map(|route| route.gateway.unwrap_or(destination))
        };
        let Some(target) = target else { return self.drop_on(hop, slot, DropReason::NoRoute) };
        let Some(next_hop) = self.resolve(hop, target) else {
            return self.drop_on(hop, slot, DropReason::NoNeighbour);
        };
        let mtu = self.hops.at(hop).mtu;
        let packet = self.packets.get_mut(slot);
        packet.next_hop = next_hop;
        let split_at = packet.split_at.take().map(|size| u32::from(size.get()).min(mtu));
        if packet.ip_length() <= split_at.unwrap_or(mtu) as usize {
            return self.transmit(hop, slot);
        }
        let unbreakable = packet.dont_fragment || packet.is_ipv6();
        let fragmented = match split_at {
            Some(size) => self.fragment_to(size, hop, slot),
            None => !unbreakable && self.fragment(hop, slot),
        };
        if !fragmented {
            self.drop_on(hop, slot, DropReason::TooBig);
        }
    }
}
