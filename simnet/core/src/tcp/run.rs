//! Connections at work: what is due, what leaves, who is told.

use std::net::SocketAddr;

use base::SocketErrorKind;

use super::{
    connection::{Connection, News},
    state::{TcpClosed, TcpEvent},
    store::{Ended, Stage},
};
use crate::{
    event::DropReason,
    id::{NodeId, TcpId},
    network::{Ask, Network},
    observer::Observer,
    packet::Packet,
};

/// MTU of a connection whose way out is not known.
const DEFAULT_MTU: u32 = 1_500;

impl<O: Observer> Network<O> {
    /// Looks at every connection that has something to do, and tells endpoints what happened.
    pub(crate) fn settle_tcp(&mut self) {
        loop {
            if let Some(id) = self.tcp.touched.pop_front() {
                self.tcp.connections.at_mut(id).touched = false;
                self.run_tcp(id, |_, _| {});
            } else if let Some((node, event)) = self.tcp.events.pop_front() {
                self.call(node, |endpoint, cx| endpoint.handle_tcp(cx, event));
            } else {
                return;
            }
        }
    }

    /// A deadline of the host has come: perhaps one of its connections'.
    pub(crate) fn wake_tcp(&mut self, node: NodeId) {
        let now = self.now;
        while let Some(tcp) = self.nodes.at_mut(node).host_mut().and_then(|host| host.tcp.as_mut())
            && let Some(id) = tcp.pop_due(now)
        {
            if let Some(connection) = self.tcp.open_mut(id) {
                connection.armed = None;
            }
            self.tcp.touch(id);
        }
    }

    /// Lets a connection act, sends what it has to say, and notes what became of it.
    pub(super) fn run_tcp(&mut self, id: TcpId, act: impl FnOnce(&mut Connection, base::Instant)) {
        if matches!(self.tcp.connections.at(id).stage, Stage::Planned) {
            self.begin_tcp(id);
        }
        let Some(mut connection) = self.tcp.take(id) else { return };
        let node = self.tcp.connections.at(id).host;
        act(&mut connection, self.now);
        connection.poll(self.now);
        for packet in connection.outgoing(self.now) {
            match self.send_segment(node, packet) {
                Ok(()) => {}
                Err(SocketErrorKind::TooBig { mtu }) => connection.narrow(self.now, mtu),
                Err(error) => connection.fail(error),
            }
        }
        let news = connection.news();
        let deadline = connection.deadline(self.now).filter(|_| news.ended.is_none());
        let armed = std::mem::replace(&mut connection.armed, deadline);
        if let Some(tcp) = self.nodes.at_mut(node).host_mut().and_then(|host| host.tcp.as_mut()) {
            tcp.set_deadline(id, armed, deadline);
        }
        self.tcp.connections.at_mut(id).stage = Stage::Open(connection);
        self.tell_tcp(id, news);
        self.rearm(node);
    }

    /// Puts a segment on its way.
    fn send_segment(&mut self, node: NodeId, packet: Packet) -> Result<(), SocketErrorKind> {
        let source = packet.source_ip;
        let ask = Ask { source: Some(source), through: None };
        let route = self.paths().route(node, ask, packet.destination_ip);
        let slot = self.admit(node, packet);
        let sent = if self.paths().has(node, source) {
            self.leave(route, slot)
        } else {
            Err((DropReason::NoSourceAddress, SocketErrorKind::AddressNotAvailable))
        };
        sent.map_err(|(reason, kind)| {
            self.drop_in(node, slot, reason);
            kind
        })
    }

    /// Begins a planned connection: by now the way out can be asked for.
    fn begin_tcp(&mut self, id: TcpId) {
        let entry = self.tcp.connections.at(id);
        let (node, local, remote) = (entry.host, entry.local, entry.remote);
        let wanted = Some(local.ip()).filter(|ip| !ip.is_unspecified());
        let paths = self.paths();
        let route = paths.route(node, Ask { source: wanted, through: None }, remote.ip());
        let source = wanted.or_else(|| paths.source(node, route?, remote.ip()));
        let source = source.filter(|ip| ip.is_ipv6() == remote.is_ipv6());
        let Some(source) = source else {
            let why = TcpClosed::Unreachable(SocketErrorKind::NetworkUnreachable);
            return self
                .tell_tcp(id, News { closed: Some(why), ended: Some(why), ..News::default() });
        };
        let local = SocketAddr::new(source, local.port());
        let mtu = route.map_or(DEFAULT_MTU, |route| paths.mtu(node, route.hop, remote.ip()));
        let now = self.now;
        let Some(host) = self.nodes.at_mut(node).host_mut() else { return };
        let Some(tcp) = &mut host.tcp else { return };
        let seed = host.stream.u64();
        let connection = Connection::connect(now, (local, remote), mtu, seed, tcp.config);
        let free = !tcp.connections.contains_key(&(local, remote));
        match connection.filter(|_| free) {
            Some(connection) => {
                tcp.connections.insert((local, remote), id);
                self.tcp.connections.at_mut(id).local = local;
                self.tcp.connections.at_mut(id).stage = Stage::Open(Box::new(connection));
            }
            None => {
                let why = Some(TcpClosed::Aborted);
                self.tell_tcp(id, News { closed: why, ended: why, ..News::default() });
            }
        }
    }

    /// Makes a connection that answers a SYN.
    pub(super) fn answer_tcp(
        &mut self,
        node: NodeId,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Option<Connection> {
        let paths = self.paths();
        let ask = Ask { source: Some(local.ip()), through: None };
        let route = paths.route(node, ask, remote.ip());
        let mtu = route.map_or(DEFAULT_MTU, |route| paths.mtu(node, route.hop, remote.ip()));
        let now = self.now;
        let host = self.nodes.at_mut(node).host_mut()?;
        let config = host.tcp.as_ref()?.config;
        Connection::listen(now, (local, remote), mtu, host.stream.u64(), config)
    }

    /// Notes what changed, and lets the listener and the endpoint know.
    fn tell_tcp(&mut self, id: TcpId, news: News) {
        let entry = self.tcp.connections.at(id);
        let (node, driven) = (entry.host, entry.driven);
        if news.opened {
            self.open_tcp(id);
        }
        if driven && news.readable {
            self.tcp.events.push_back((node, TcpEvent::Readable(id)));
        }
        if driven && news.writable {
            self.tcp.events.push_back((node, TcpEvent::Writable(id)));
        }
        if let Some(why) = news.closed.filter(|_| driven && !self.is_half_open(id)) {
            self.tcp.events.push_back((node, TcpEvent::Closed(id, why)));
        }
        if let Some(why) = news.ended {
            self.end_tcp(id, why);
        }
    }

    /// Whether the connection came to a listener and was never made.
    fn is_half_open(&self, id: TcpId) -> bool {
        let made = self.tcp.open(id).is_some_and(Connection::was_open);
        !made && self.tcp.connections.at(id).listener.is_some()
    }

    /// Keeps of a connection what may still be asked for.
    fn end_tcp(&mut self, id: TcpId, why: TcpClosed) {
        if self.is_half_open(id)
            && let Some(listener) = self.tcp.connections.at(id).listener
        {
            self.tcp.listeners.at_mut(listener).half_open -= 1;
        }
        let entry = self.tcp.connections.at_mut(id);
        let before = std::mem::replace(&mut entry.stage, Stage::Away);
        let (unread, stats) = match before {
            Stage::Open(mut connection) => (connection.last_bytes(), connection.stats()),
            Stage::Planned | Stage::Away | Stage::Ended(_) => Default::default(),
        };
        entry.stage = Stage::Ended(Ended { why, unread, stats });
        let (node, local, remote) = (entry.host, entry.local, entry.remote);
        if let Some(tcp) = self.nodes.at_mut(node).host_mut().and_then(|host| host.tcp.as_mut()) {
            tcp.remove(local, remote, id);
        }
    }

    /// The connection is made.
    fn open_tcp(&mut self, id: TcpId) {
        let entry = self.tcp.connections.at(id);
        let (node, driven) = (entry.host, entry.driven);
        let Some(listener) = entry.listener else {
            if driven {
                self.tcp.events.push_back((node, TcpEvent::Connected(id)));
            }
            return;
        };
        let it = self.tcp.listeners.at_mut(listener);
        it.half_open -= 1;
        if !it.open {
            if let Some(connection) = self.tcp.open_mut(id) {
                connection.abort();
            }
            return self.tcp.touch(id);
        }
        if driven {
            self.tcp.events.push_back((node, TcpEvent::Accepted { listener, id }));
        } else {
            it.ready.push_back(id);
        }
    }
}
