//! Timers and endpoints.

use crate::{
    agenda::Work,
    endpoint::{Cx, Endpoint},
    event::DropReason,
    id::NodeId,
    network::{Network, Scope},
    node::{Host, Role},
    observer::Observer,
    packet::IcmpError,
};

/// Wakes at one instant after which some deadline is taken not to advance at all.
const MAX_WAKES: u32 = 1_000_000;

impl<O: Observer> Network<O> {
    /// Time begins: boxes first, then endpoints, in the order of their ids.
    pub(crate) fn start(&mut self) {
        self.watch.start(&self.topology);
        for node in self.nodes.keys() {
            self.with_box(node, |middlebox, out| middlebox.start(out));
        }
        for node in self.nodes.keys() {
            self.call(node, |endpoint, cx| endpoint.start(cx));
        }
        self.report_errors();
    }

    /// Makes sure that the agenda wakes the node in time.
    pub(crate) fn rearm(&mut self, node: NodeId) {
        let at = &mut self.nodes.at_mut(node);
        let deadline = match &at.role {
            Role::Host(host) => {
                let endpoint = host.endpoint_deadline();
                let reassembly = host.reassembly.deadline();
                let tcp = host.tcp.as_ref().and_then(|tcp| tcp.deadline());
                [endpoint, reassembly, tcp].into_iter().flatten().min()
            }
            Role::Middlebox(middle) => middle.middlebox.poll_timeout(),
            Role::Switch(_) | Role::Router => None,
        };
        let Some(deadline) = deadline else { return };
        let deadline = deadline.max(self.now);
        // A later deadline needs no entry of its own: the early wake finds it and arms again.
        if at.armed.is_none_or(|armed| deadline < armed) {
            at.armed = Some(deadline);
            self.agenda.push(deadline, Work::Wake(node));
        }
    }

    pub(crate) fn wake(&mut self, node: NodeId) {
        if self.nodes.at(node).armed != Some(self.now) {
            return; // An earlier wake took its place.
        }
        self.nodes.at_mut(node).armed = None;
        self.wakes += 1;
        assert!(
            self.wakes < MAX_WAKES,
            "a deadline of `{}` does not advance past {}",
            self.nodes.at(node).name,
            self.now
        );
        match &self.nodes.at(node).role {
            Role::Host(_) => self.wake_host(node),
            Role::Middlebox(middle) => {
                if middle.middlebox.poll_timeout().is_some_and(|deadline| deadline <= self.now) {
                    self.with_box(node, |middlebox, out| middlebox.handle_timeout(out));
                }
            }
            Role::Switch(_) | Role::Router => {}
        }
        self.rearm(node);
    }

    fn wake_host(&mut self, node: NodeId) {
        let now = self.now;
        while let Some(slots) =
            self.nodes.at_mut(node).host_mut().and_then(|host| host.reassembly.expire(now))
        {
            self.give_up(node, &slots);
        }
        self.wake_tcp(node);
        let deadline = self.nodes.at(node).host().and_then(Host::endpoint_deadline);
        if deadline.is_some_and(|deadline| deadline <= now) {
            self.call(node, |endpoint, cx| endpoint.handle_timeout(cx));
        }
    }

    /// Ends the fragments of a packet that did not become whole in time; whoever sent it is told, if the
    /// first fragment is here (RFC 1122 §3.3.2, RFC 8200 §4.5).
    fn give_up(&mut self, node: NodeId, slots: &[crate::slab::Slot]) {
        for &slot in slots {
            let packet = self.packets.get(slot);
            let own = &self.nodes.at(node).hops;
            let shared = own.iter().any(|&hop| self.is_shared(hop, packet.destination_ip));
            let first = !shared && packet.fragment.is_some_and(|fragment| fragment.offset == 0);
            let error = packet
                .icmp_error(packet.destination_ip, IcmpError::ReassemblyTimeExceeded)
                .filter(|_| first);
            self.drop_in(node, slot, DropReason::ReassemblyTimeout);
            if let Some(error) = error {
                self.originate_from(node, error);
            }
        }
    }

    /// Calls the endpoint of a host and sends what it wants sent.
    pub(crate) fn call(&mut self, node: NodeId, call: impl FnOnce(&mut dyn Endpoint, &mut Cx<'_>)) {
        let Some(host) = self.nodes.at_mut(node).host_mut() else { return };
        let now = host.local(self.now);
        let Some(mut endpoint) = host.endpoint.take() else { return };
        let mut outbox = std::mem::take(&mut self.outbox);
        let scope = Scope {
            nodes: &mut self.nodes,
            hops: &self.hops,
            sockets: &mut self.sockets,
            outbox: &mut outbox,
            tcp: &mut self.tcp,
        };
        call(endpoint.as_mut(), &mut Cx { now, true_now: self.now, node, scope });
        if let Some(host) = self.nodes.at_mut(node).host_mut() {
            host.endpoint = Some(endpoint);
        }
        for outgoing in outbox.drain(..) {
            self.dispatch(outgoing);
        }
        self.outbox = outbox;
        self.rearm(node);
    }

    /// Tells sockets what became of their packets, and lets TCP do what is due.
    pub(crate) fn report_errors(&mut self) {
        loop {
            while let Some((id, error)) = self.errors.pop_front() {
                let socket = &mut self.sockets.at_mut(id);
                let node = socket.host;
                if socket.driven {
                    self.call(node, |endpoint, cx| endpoint.handle_socket_error(cx, id, error));
                } else {
                    socket.report(error);
                    self.call(node, |endpoint, cx| endpoint.handle_ready(cx, id));
                }
            }
            if self.tcp.is_idle() {
                return;
            }
            self.settle_tcp();
        }
    }
}
