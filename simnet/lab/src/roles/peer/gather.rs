//! Gathering: where this peer may be reached.

use std::net::SocketAddr;

use simnet::Cx;
use stun::Request;

use super::{
    Candidate, Kind,
    agent::{Agent, Base, Purpose},
};

impl Agent {
    /// Binds a socket to every address, and asks the server about each.
    pub(super) fn gather(&mut self, cx: &mut Cx<'_>) {
        for base in std::mem::take(&mut self.bases) {
            cx.close(base.socket);
        }
        let interfaces = cx.interfaces();
        let ips = interfaces.iter().flat_map(|it| &it.addresses).map(|address| address.ip);
        for ip in ips {
            if let Ok(socket) = cx.bind(SocketAddr::new(ip, self.role.port)) {
                self.bases.push(Base { socket, local: cx.local_address(socket) });
            }
        }
        self.tell(cx.now(), None);
        for index in 0..self.bases.len() {
            self.gather_from(cx, index);
        }
    }

    fn gather_from(&mut self, cx: &Cx<'_>, index: usize) {
        let Some(&base) = self.bases.get(index) else { return };
        if self.role.host_candidates {
            self.offer(cx, Candidate::new(Kind::Host, base.local, index));
        }
        let server = self.stun_server.filter(|server| server.is_ipv4() == base.local.is_ipv4());
        if let (Some(server), Some(client)) = (server, &mut self.client) {
            let request = Request::binding(server).from_source(base.local);
            if let Ok(request) = client.request(cx.now(), request) {
                self.requests.insert(request, Purpose::Gather(index));
            }
        }
    }

    /// The server said how a base looks from outside.
    pub(super) fn found_reflexive(&mut self, cx: &Cx<'_>, base: usize, mapped: SocketAddr) {
        self.offer(cx, Candidate::new(Kind::ServerReflexive, mapped, base));
        for step in self.role.guess.clone() {
            let port = mapped.port().wrapping_add(step);
            let guessed = SocketAddr::new(mapped.ip(), port);
            self.offer(cx, Candidate::new(Kind::ServerReflexive, guessed, base));
        }
    }

    fn offer(&mut self, cx: &Cx<'_>, candidate: Candidate) {
        // RFC 8445 §5.1.3: one that is no news is left out.
        if self.locals.iter().all(|known| known.address != candidate.address) {
            self.locals.push(candidate);
            self.tell(cx.now(), Some(candidate));
        }
    }
}
