//! Hosts that crash and start again.

use crate::{
    endpoint::Endpoint,
    event::{Changed, DropReason, Event},
    id::NodeId,
    network::Network,
    observer::Observer,
};

impl<O: Observer> Network<O> {
    /// Takes everything from the host that lives in its memory. What its interfaces have begun to send
    /// is on its way; what waits behind that is lost.
    pub(crate) fn crash(&mut self, node: NodeId) {
        let Some(host) = self.nodes.at_mut(node).host_mut().filter(|host| !host.crashed) else {
            return;
        };
        host.crashed = true;
        host.endpoint = None;
        host.path_mtus = None;
        if let Some(rules) = &mut host.firewall {
            rules.forget();
        }
        let sockets = std::mem::take(&mut host.ports);
        let mut lost = host.reassembly.clear();
        if let Some(tap) = &mut host.tap {
            tap.clear();
        }
        for (_, id) in sockets {
            self.sockets.at_mut(id).end();
        }
        self.tcp_forget(node);
        self.watch.on(self.now, &Event::Changed { node, changed: &Changed::Crashed });
        for hop in self.nodes.at(node).hops.clone() {
            lost.extend(self.hops.at_mut(hop).link.clear_waiting());
        }
        for slot in lost {
            self.drop_in(node, slot, DropReason::HostDown);
        }
    }

    /// Lets a crashed host start again.
    pub(crate) fn restart(&mut self, node: NodeId) {
        let Some(host) = self.nodes.at_mut(node).host_mut().filter(|host| host.crashed) else {
            return;
        };
        host.crashed = false;
        host.endpoint = host.rebirth.as_mut().map(|make| make());
        self.watch.on(self.now, &Event::Changed { node, changed: &Changed::Restarted });
        self.call(node, |endpoint, cx| endpoint.start(cx));
    }

    /// Puts an endpoint on a host and starts it; one that was there before is gone. Sockets stay. On a
    /// crashed host, and on nodes that are none, nothing happens.
    pub fn install(&mut self, host: NodeId, endpoint: impl Endpoint) {
        let Some(at) = self.nodes.at_mut(host).host_mut().filter(|at| !at.crashed) else { return };
        at.endpoint = Some(Box::new(endpoint));
        self.call(host, |endpoint, cx| endpoint.start(cx));
        self.report_errors();
    }

    /// Whether the host has crashed and not started again.
    #[must_use]
    pub fn is_crashed(&self, host: NodeId) -> bool {
        self.nodes.at(host).host().is_some_and(|host| host.crashed)
    }
}
