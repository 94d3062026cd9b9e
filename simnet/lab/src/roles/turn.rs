//! A TURN server, which relays for peers that find no other way.

use std::net::{IpAddr, SocketAddr};

use base::{Instant, SocketError, WallTime};
use serde::{Deserialize, Serialize};
use simnet::{Cx, Driven, Endpoint, NetworkChange, RecvMeta, SocketId, TcpEvent};
use turn::server::{Accounts, Policy, RelayAddress};

use super::{Inhabitant, Parameters, late::Late};
use crate::{
    run::{Figure, Report},
    scenario::{Finding, Scenario, is_default},
};

/// Parameters of a TURN server (RFC 8656), which answers STUN requests as well. It serves UDP and TCP on
/// every address of its host, and relays from the first of each family to anyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Turn {
    /// The port it listens on, of UDP and of TCP.
    #[serde(skip_serializing_if = "is_default_port")]
    pub port: u16,
    /// Who is served; the role `ice` looks it up here.
    pub username: String,
    /// With which password.
    pub password: String,
    /// Whether it listens for UDP.
    pub udp: bool,
    /// Whether it listens for TCP.
    pub tcp: bool,
    /// How many allocations the user may have at a time.
    #[serde(skip_serializing_if = "is_default")]
    pub allocations: Option<usize>,
}

/// The port of TURN, which is that of STUN: RFC 8656 §4.1.
pub(crate) const PORT: u16 = super::stun::PORT;

impl Default for Turn {
    fn default() -> Self {
        Self {
            port: PORT,
            username: "peer".to_owned(),
            password: "relay me".to_owned(),
            udp: true,
            tcp: true,
            allocations: None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_default_port(port: &u16) -> bool {
    *port == PORT
}

/// The server at work.
pub(crate) struct Relaying {
    role: Turn,
    driven: Late<Driven<turn::Server>>,
    failed: Option<String>,
}

impl Parameters for Turn {
    type Endpoint = Relaying;

    fn endpoint(&self, _: &str, _: &Scenario) -> Relaying {
        Relaying { role: self.clone(), driven: Late::new(), failed: None }
    }

    fn check(&self, _: &Scenario, path: &str, _: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Err(message) = accounts(self) {
            found.push(Finding::new(path, message));
        }
        if !self.udp && !self.tcp {
            let finding = Finding::new(path, "it listens neither for UDP nor for TCP")
                .suggesting("say `udp = true` or `tcp = true`");
            found.push(finding);
        }
        found
    }
}

/// What is in the place of the realm; nobody looks at it.
const REALM: &str = "lab";

fn accounts(role: &Turn) -> Result<Accounts, String> {
    let provider = crypto::Provider::default();
    Accounts::new(REALM)
        .and_then(|accounts| accounts.with_user(provider, &role.username, &role.password))
        .map_err(|_| "username and password must not have control characters".to_owned())
}

impl Relaying {
    fn server(&self, cx: &mut Cx<'_>) -> Result<turn::Server, String> {
        let provider = crypto::Provider::default();
        let accounts = accounts(&self.role)?;
        let mut config = turn::ServerConfig::new(provider, accounts, WallTime::UNIX_EPOCH);
        config.policy = Policy::for_laboratories();
        let interfaces = cx.interfaces();
        for ip in interfaces.iter().flat_map(|it| &it.addresses).map(|address| address.ip) {
            let address = SocketAddr::new(ip, self.role.port);
            if self.role.udp {
                config.udp.push(address);
            }
            if self.role.tcp {
                config.tcp.push(address);
            }
            let relay = match ip {
                IpAddr::V4(_) => &mut config.relay_v4,
                IpAddr::V6(_) => &mut config.relay_v6,
            };
            relay.get_or_insert_with(|| RelayAddress::new(ip));
        }
        if let Some(allocations) = self.role.allocations {
            config.quotas.allocations_per_user = allocations;
        } else {
            // Every peer of a scenario has the same name.
            config.quotas.allocations_per_user = config.quotas.allocations;
        }
        let rng = cx.stream().rng();
        turn::Server::new(config, rng, cx.now()).map_err(|error| error.to_string())
    }
}

impl Inhabitant for Relaying {
    fn report(&self) -> Report {
        if let Some(reason) = &self.failed {
            return Report::default().with("failed", Figure::Text(reason.clone()));
        }
        let Some(driven) = self.driven.get() else { return Report::default() };
        let stats = driven.machine().stats();
        Report::default()
            .with("allocations", Figure::Count(stats.allocated))
            .with("relayed", Figure::Count(stats.to_peers.packets + stats.to_clients.packets))
            .with("relayed-bytes", Figure::Count(stats.to_peers.bytes + stats.to_clients.bytes))
    }
}

impl Endpoint for Relaying {
    fn start(&mut self, cx: &mut Cx<'_>) {
        match self.server(cx) {
            Ok(server) => self.driven.begin(cx, Driven::new(server)),
            Err(reason) => self.failed = Some(reason),
        }
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

    fn handle_tcp(&mut self, cx: &mut Cx<'_>, event: TcpEvent) {
        self.driven.handle_tcp(cx, event);
    }

    fn handle_network_change(&mut self, cx: &mut Cx<'_>, change: NetworkChange) {
        self.driven.handle_network_change(cx, change);
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        self.driven.handle_timeout(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.driven.poll_timeout()
    }
}
