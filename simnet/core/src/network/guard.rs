//! Hosts that guard themselves.

use crate::{
    event::{DropReason, Place},
    firewall::{Answer, Direction, Rules, Verdict},
    id::{HopId, NodeId},
    network::{Ask, Network},
    observer::Observer,
    packet::{IcmpError, Packet},
    slab::Slot,
    tcp::reset_for,
};

impl<O: Observer> Network<O> {
    /// Why the node must not send the packet, if its firewall says so.
    pub(crate) fn forbids(&mut self, node: NodeId, hop: HopId, slot: Slot) -> Option<DropReason> {
        match self.judge(node, hop, slot, Direction::Outbound)? {
            Verdict::Refuse(refusal, _) => Some(refusal.reason()),
            Verdict::Accept => None,
        }
    }

    /// Asks the firewall of the node about a whole packet that has come in: false, with the packet ended
    /// and its sender told, if it does not pass.
    pub(crate) fn may_enter(&mut self, node: NodeId, hop: HopId, slot: Slot) -> bool {
        let Some(verdict) = self.judge(node, hop, slot, Direction::Inbound) else { return true };
        let Verdict::Refuse(refusal, answer) = verdict else { return true };
        let packet = self.packets.get(slot);
        let error = |kind| packet.icmp_error(packet.destination_ip, kind);
        let answer: Option<Packet> = match answer {
            // RFC 1122 §3.2.2: what was for more than one is not answered.
            _ if self.is_shared(hop, packet.destination_ip) => None,
            Answer::Silence => None,
            Answer::PortUnreachable => error(IcmpError::PortUnreachable),
            Answer::Prohibited | Answer::ProhibitedLater => error(IcmpError::Prohibited),
            Answer::Reset | Answer::ResetBoth => reset_for(packet),
        };
        self.drop_at(Place::Node(node), slot, refusal.reason(), &refusal.to_string());
        if let Some(answer) = answer {
            // What the firewall itself says is not judged again.
            let route = self.paths().route(node, Ask::default(), answer.destination_ip);
            let slot = self.admit(node, answer);
            if let Err((reason, _)) = self.leave_freely(route, slot) {
                self.drop_in(node, slot, reason);
            }
        }
        false
    }

    /// The verdict, if there is a firewall and the packet is not one of the host to itself.
    fn judge(&mut self, node: NodeId, hop: HopId, slot: Slot, way: Direction) -> Option<Verdict> {
        let now = self.now;
        let host = self.nodes.at_mut(node).host_mut()?;
        if hop == host.loopback {
            return None;
        }
        let rules = host.firewall.as_mut()?;
        Some(rules.judge(now, way, self.packets.get(slot)))
    }

    /// What the firewall of a host remembers, if it has one.
    #[must_use]
    pub fn firewall(&self, host: NodeId) -> Option<&Rules> {
        self.nodes.at(host).host()?.firewall.as_deref()
    }
}
