//! TCP segments that reach the host they are addressed to.

use crate::{
    event::DropReason,
    id::NodeId,
    network::Network,
    observer::Observer,
    packet::{Body, Packet, Tcp, TcpFlags, is_group},
    slab::Slot,
};

impl<O: Observer> Network<O> {
    /// A segment with a good checksum is here.
    pub(crate) fn arrive_for_tcp(&mut self, node: NodeId, slot: Slot) {
        let silent = self.nodes.at(node).host().is_some_and(|host| host.silent);
        let reset = reset_for(self.packets.get(slot)).filter(|_| !silent);
        self.drop_in(node, slot, DropReason::TcpNoSocket);
        if let Some(reset) = reset {
            self.originate_from(node, reset);
        }
    }
}

/// What a host answers to a segment that belongs to no connection: RFC 9293 §3.10.7.1. Nothing answers
/// a reset, nor a segment that was sent to many.
pub(crate) fn reset_for(packet: &Packet) -> Option<Packet> {
    let Body::Tcp(tcp) = &packet.body else { return None };
    if tcp.flags.contains(TcpFlags::RST) || is_group(packet.destination_ip) {
        return None;
    }
    let mut reset = if tcp.flags.contains(TcpFlags::ACK) {
        Tcp::new(TcpFlags::RST).sequence(tcp.acknowledgment)
    } else {
        let next = tcp.sequence.wrapping_add(tcp.sequence_length());
        Tcp::new(TcpFlags::RST).acknowledging(next)
    };
    reset.window = 0;
    Some(Packet::tcp(packet.destination(), packet.source(), reset))
}
