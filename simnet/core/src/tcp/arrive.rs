//! TCP segments, and errors about them, that reach the host they are addressed to.

use std::net::SocketAddr;

use super::store::{Entry, Stage};
use crate::{
    event::DropReason,
    id::{ListenerId, NodeId, TcpId},
    network::Network,
    observer::Observer,
    packet::{Body, IcmpError, Packet, Quote, Tcp, TcpFlags, is_group},
    slab::Slot,
};

impl<O: Observer> Network<O> {
    /// A segment with a good checksum is here.
    pub(crate) fn arrive_for_tcp(&mut self, node: NodeId, slot: Slot) {
        let packet = self.packets.get(slot);
        let (local, remote) = (packet.destination(), packet.source());
        let begins = matches!(&packet.body, Body::Tcp(tcp) if is_first(tcp));
        if let Some(id) = self.find_tcp(node, local, remote) {
            let listener = self.find_listener(node, local).filter(|_| begins);
            let gives_way = listener.is_some()
                && self.tcp.open(id).is_some_and(|connection| connection.gives_way_to(packet));
            if !gives_way {
                let packet = self.deliver(node, None, slot);
                return self.run_tcp(id, |connection, now| connection.receive(now, &packet));
            }
            self.run_tcp(id, |connection, _| connection.abort());
        }
        match self.find_listener(node, local).filter(|_| begins) {
            Some(listener) => self.arrive_for_listener(listener, slot),
            None => self.refuse_segment(node, slot),
        }
    }

    /// Somebody wants to connect.
    fn arrive_for_listener(&mut self, id: ListenerId, slot: Slot) {
        let listener = self.tcp.listeners.at(id);
        let (node, driven) = (listener.host, listener.driven);
        let waiting = listener.half_open + listener.ready.len();
        let tcp = self.nodes.at(node).host().and_then(|host| host.tcp.as_ref());
        let Some((config, count)) = tcp.map(|tcp| (tcp.config, tcp.count)) else { return };
        if waiting >= usize::try_from(config.backlog).unwrap_or(usize::MAX) {
            return self.drop_in(node, slot, DropReason::TcpBacklogFull);
        }
        if count >= config.connections {
            return self.drop_in(node, slot, DropReason::TcpTooMany);
        }
        let packet = self.packets.get(slot);
        let (local, remote) = (packet.destination(), packet.source());
        let Some(connection) = self.answer_tcp(node, local, remote) else {
            return self.refuse_segment(node, slot);
        };
        let stage = Stage::Open(Box::new(connection));
        let (host, listener, touched) = (node, Some(id), false);
        let entry = Entry { host, local, remote, driven, listener, touched, stage };
        let connection = self.tcp.connections.push(entry);
        self.tcp.listeners.at_mut(id).half_open += 1;
        if let Some(tcp) = self.nodes.at_mut(node).host_mut().and_then(|host| host.tcp.as_mut()) {
            tcp.enter(local.port());
            tcp.connections.insert((local, remote), connection);
        }
        let packet = self.deliver(node, None, slot);
        self.run_tcp(connection, |connection, now| connection.receive(now, &packet));
    }

    /// Nobody takes the segment.
    fn refuse_segment(&mut self, node: NodeId, slot: Slot) {
        let silent = self.nodes.at(node).host().is_some_and(|host| host.silent);
        let reset = reset_for(self.packets.get(slot)).filter(|_| !silent);
        self.drop_in(node, slot, DropReason::TcpNoSocket);
        if let Some(reset) = reset {
            self.originate_from(node, reset);
        }
    }

    /// The network reports an error about a segment.
    pub(crate) fn report_to_tcp(&mut self, node: NodeId, kind: IcmpError, quote: &Quote) {
        let Some(id) = self.find_tcp(node, quote.source, quote.destination) else { return };
        if !self.tcp.open(id).is_some_and(|connection| connection.sent(quote)) {
            return;
        }
        if let IcmpError::TooBig { mtu } = kind {
            let remote = quote.destination.ip();
            self.learn_path_mtu(node, remote, mtu);
            let mtu = self.paths().path_mtu(node, remote);
            self.run_tcp(id, |connection, now| connection.narrow(now, mtu));
        } else {
            let error = kind.socket_error();
            self.run_tcp(id, |connection, _| connection.report(error));
        }
    }

    fn find_tcp(&self, node: NodeId, local: SocketAddr, remote: SocketAddr) -> Option<TcpId> {
        let tcp = self.nodes.at(node).host()?.tcp.as_ref()?;
        tcp.connections.get(&(local, remote)).copied()
    }

    /// The listener that takes connections to `local`; one of just this address comes first.
    fn find_listener(&self, node: NodeId, local: SocketAddr) -> Option<ListenerId> {
        let tcp = self.nodes.at(node).host()?.tcp.as_ref()?;
        let all = || tcp.listeners.iter().copied();
        let accepts = |id: &ListenerId| self.tcp.listeners.at(*id).accepts(local);
        let exact = |id: &ListenerId| !self.tcp.listeners.at(*id).local.ip().is_unspecified();
        all().filter(accepts).find(exact).or_else(|| all().find(accepts))
    }
}

/// Whether the segment asks for a new connection.
const fn is_first(tcp: &Tcp) -> bool {
    let flags = tcp.flags;
    flags.contains(TcpFlags::SYN)
        && !flags.contains(TcpFlags::ACK)
        && !flags.contains(TcpFlags::RST)
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
