//! A STUN server, which helps discover what NATs do if it has two addresses.

use std::net::{IpAddr, SocketAddr};

use base::{Instant, SocketError};
use serde::{Deserialize, Serialize};
use simnet::{Cx, Driven, Endpoint, RecvMeta, SocketId};
use stun::{Behavior, ServerConfig};

use super::{Inhabitant, Parameters, late::Late};
use crate::scenario::Scenario;

/// Parameters of a STUN server. With two addresses of a family it takes part in behaviour discovery
/// (RFC 5780 §6) on two ports of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Stun {
    /// The UDP port it listens on; the alternate port is the next one.
    pub port: u16,
}

/// The port of STUN: RFC 8489 §18.6.
pub(crate) const PORT: u16 = 3_478;

impl Default for Stun {
    fn default() -> Self {
        Self { port: PORT }
    }
}

/// The server at work.
pub(crate) struct Server {
    port: u16,
    driven: Late<Driven<stun::Server>>,
}

impl Parameters for Stun {
    type Endpoint = Server;

    fn endpoint(&self, _: &str, _: &Scenario) -> Server {
        Server { port: self.port, driven: Late::new() }
    }
}

impl Inhabitant for Server {}

impl Endpoint for Server {
    fn start(&mut self, cx: &mut Cx<'_>) {
        let interfaces = cx.interfaces();
        let ips = interfaces.iter().flat_map(|it| &it.addresses).map(|address| address.ip);
        let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = ips.partition(IpAddr::is_ipv4);
        let family = if v4.len() > 1 || v6.len() < 2 { &v4 } else { &v6 };
        let behavior = match family.as_slice() {
            [primary, alternate, ..] => Some(Behavior::new(
                SocketAddr::new(*primary, self.port),
                SocketAddr::new(*alternate, self.port.wrapping_add(1)),
            )),
            _ => None,
        };
        let ports = if behavior.is_some() { 2 } else { 1 };
        let config = ServerConfig { behavior, ..ServerConfig::new(crypto::Provider::default()) };
        let mut driven = Driven::new(stun::Server::new(config, cx.stream().rng(), cx.now()));
        for ip in v4.iter().chain(&v6) {
            for step in 0..ports {
                driven = driven.bind(SocketAddr::new(*ip, self.port.wrapping_add(step)));
            }
        }
        self.driven.begin(cx, driven);
    }

    fn handle_datagram(
        &mut self,
        cx: &mut Cx<'_>,
        socket: SocketId,
        meta: &RecvMeta,
        payload: &[u8],
    ) {
        self.driven.handle_datagram(cx, socket, meta, payload);
    }

    fn handle_socket_error(&mut self, cx: &mut Cx<'_>, socket: SocketId, error: SocketError) {
        self.driven.handle_socket_error(cx, socket, error);
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        self.driven.handle_timeout(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.driven.poll_timeout()
    }
}
