//! What lives on the hosts of a scenario.
//!
//! | role | does |
//! |---|---|
//! | `idle` | nothing |
//! | `stun` | answers STUN requests; with two addresses, helps discover what NATs do |
//! | `echo` | sends every datagram back, at once or later |
//! | `sink` | counts the datagrams of flows |
//! | `flow` | sends datagrams at a constant rate |
//! | `ice` | finds a way to another peer, by ICE |
//! | `turn` | relays for peers, by TURN; answers STUN requests too |
//! | `peer` | punches holes in NATs and guesses ports, to show how that works without ICE |
//! | `dns` | answers for names, and invents IPv6 addresses for hosts behind a NAT64 |
//! | `discovery` | asks a STUN server what the NATs on the way do |
//! | `keepalive` | sees whether answers still arrive after a while |
//! | `pmtu-probe` | looks for the largest packet that arrives, and whether it is told |
//! | `tcp-send` | sends bytes by one TCP connection |
//! | `tcp-sink` | takes bytes by TCP |
//! | `short-flows` | sends small objects by TCP, as browsers do |
//!
//! A role is a type of parameters, which files hold, and the endpoint that acts on them.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de};
use simnet::{Cx, Endpoint, Network, NodeId, Observer, SocketId};

use crate::{
    run::{Directory, Post, Report},
    scenario::{Finding, Scenario, hint},
};

mod discovery;
pub mod dns;
mod echo;
mod flow;
pub mod ice;
mod keepalive;
mod late;
pub mod peer;
mod pmtu;
mod sink;
mod stun;
mod tcp;
mod turn;
mod written;

pub use discovery::Discovery;
pub use dns::Dns;
pub use echo::Echo;
pub use flow::Flow;
pub use ice::Ice;
pub use keepalive::Keepalive;
pub use peer::Peer;
pub use pmtu::PmtuProbe;
pub use sink::Sink;
pub use stun::Stun;
pub use tcp::{ShortFlows, TcpSend, TcpSink};
pub use turn::Turn;

/// The parameters of a role.
trait Parameters: Clone + 'static {
    /// What acts on them.
    type Endpoint: Inhabitant;

    /// Makes what acts on them, on the host called `name`.
    fn endpoint(&self, name: &str, scenario: &Scenario) -> Self::Endpoint;

    /// When it begins to act, if it acts of its own accord.
    fn begins(&self) -> Option<Duration> {
        None
    }

    /// The host that it cannot do without.
    fn needs(&self) -> Option<&str> {
        None
    }

    /// Whether what they say of other hosts is true. `path` is where they stand, `name` the host.
    fn check(&self, scenario: &Scenario, path: &str, name: &str) -> Vec<Finding> {
        let _ = (scenario, path, name);
        Vec::new()
    }
}

/// What lives on a host.
trait Inhabitant: Endpoint {
    /// Begins to act.
    fn begin(&mut self, cx: &mut Cx<'_>, directory: &Directory, post: &Post) {
        let _ = (cx, directory, post);
    }

    /// What became of it.
    fn report(&self) -> Report {
        Report::default()
    }
}

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $name:literal,)*) => {
        /// What lives on a host, with its parameters.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub enum Role {
            /// Nothing.
            #[default]
            Idle,
            $($(#[$doc])* $role($role),)*
        }

        /// The names of the roles.
        const NAMES: &[&str] = &["idle", $($name),*];

        impl Role {
            /// Its name.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    Self::Idle => "idle",
                    $(Self::$role(_) => $name,)*
                }
            }

            /// Puts it on a host.
            pub(crate) fn live_on(
                &self,
                host: simnet::Host,
                name: &str,
                scenario: &Scenario,
            ) -> simnet::Host {
                match self {
                    Self::Idle => host,
                    $(Self::$role(role) => live(role, host, name, scenario),)*
                }
            }

            /// When it begins to act, if it acts of its own accord.
            pub(crate) fn begins(&self) -> Option<Duration> {
                match self {
                    Self::Idle => None,
                    $(Self::$role(role) => role.begins(),)*
                }
            }

            /// Lets it begin.
            pub(crate) fn begin<O: Observer>(
                &self,
                net: &mut Network<O>,
                node: NodeId,
                directory: &Directory,
                post: &Post,
            ) {
                match self {
                    Self::Idle => {}
                    $(Self::$role(role) => begin(role, net, node, directory, post),)*
                }
            }

            /// What became of it.
            pub(crate) fn report<O: Observer>(&self, net: &Network<O>, node: NodeId) -> Report {
                match self {
                    Self::Idle => Report::default(),
                    $(Self::$role(role) => report(role, net, node),)*
                }
            }

            /// The host that it cannot do without.
            pub(crate) fn speaks_of(&self) -> Option<&str> {
                let to = match self {
                    Self::Idle => None,
                    $(Self::$role(role) => role.needs(),)*
                };
                to.and_then(|to| to.split(':').next())
            }

            fn check(&self, scenario: &Scenario, path: &str, name: &str) -> Vec<Finding> {
                match self {
                    Self::Idle => Vec::new(),
                    $(Self::$role(role) => role.check(scenario, path, name),)*
                }
            }
        }

        /// A role is written as its name, or as its name with parameters.
        impl Serialize for Role {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Idle => to.serialize_str("idle"),
                    $(Self::$role(role) => to.collect_map([($name, role)]),)*
                }
            }
        }

        /// Reads the parameters of the role called `name`.
        fn read<'de, D: Deserializer<'de>>(name: &str, parameters: D) -> Result<Role, D::Error> {
            match name {
                "idle" => Ok(Role::Idle),
                $($name => $role::deserialize(parameters).map(Role::$role),)*
                other => Err(de::Error::unknown_variant(other, NAMES)),
            }
        }

        $(impl From<$role> for Role {
            fn from(role: $role) -> Self {
                Self::$role(role)
            }
        })*
    };
}

roles! {
    /// Answers STUN requests.
    Stun = "stun",
    /// Sends every datagram back.
    Echo = "echo",
    /// Counts the datagrams of flows.
    Sink = "sink",
    /// Sends datagrams at a constant rate.
    Flow = "flow",
    /// Finds a way to another peer, by ICE.
    Ice = "ice",
    /// Relays for peers.
    Turn = "turn",
    /// Punches holes.
    Peer = "peer",
    /// Answers for names.
    Dns = "dns",
    /// Asks a STUN server what the NATs on the way do.
    Discovery = "discovery",
    /// Sees whether answers still arrive after a while.
    Keepalive = "keepalive",
    /// Looks for the largest packet that arrives.
    PmtuProbe = "pmtu-probe",
    /// Sends bytes by TCP.
    TcpSend = "tcp-send",
    /// Takes bytes by TCP.
    TcpSink = "tcp-sink",
    /// Sends small objects by TCP.
    ShortFlows = "short-flows",
}

fn live<P: Parameters>(
    role: &P,
    host: simnet::Host,
    name: &str,
    scenario: &Scenario,
) -> simnet::Host {
    // What a host that starts again needs of the scenario is small, but only the role knows what.
    let (role, name, scenario) =
        (role.clone(), name.to_owned(), std::rc::Rc::new(scenario.clone()));
    host.endpoint_from(move || role.endpoint(&name, &scenario))
}

fn begin<P: Parameters, O: Observer>(
    _: &P,
    net: &mut Network<O>,
    node: NodeId,
    directory: &Directory,
    post: &Post,
) {
    net.with_endpoint(node, |it: &mut P::Endpoint, cx| it.begin(cx, directory, post));
}

fn report<P: Parameters, O: Observer>(_: &P, net: &Network<O>, node: NodeId) -> Report {
    net.endpoint(node).map(P::Endpoint::report).unwrap_or_default()
}

/// Whether what roles say of other hosts is true.
pub(crate) fn check(scenario: &Scenario) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, host) in scenario.hosts.iter().enumerate() {
        let path = format!("host[{index}].role.{}", host.role.name());
        let part = format!("host `{}`", host.name);
        let findings = host.role.check(scenario, &path, &host.name);
        found.extend(findings.into_iter().map(|finding| Finding { part: part.clone(), ..finding }));
    }
    found
}

/// Checks the name of a host that is talked to: `bob`, `bob:5000` or an address with a port.
fn target(scenario: &Scenario, path: &str, to: &str, roles: &[&str]) -> Option<Finding> {
    if to.parse::<SocketAddr>().is_ok() {
        return None;
    }
    let name = to.split(':').next().unwrap_or(to);
    let fits = |host: &&crate::Host| roles.is_empty() || roles.contains(&host.role.name());
    let known: Vec<_> = scenario.hosts.iter().filter(fits).map(|host| host.name.as_str()).collect();
    if known.contains(&name) {
        return None;
    }
    let is_host = scenario.hosts.iter().any(|host| host.name == name);
    let message = if is_host {
        format!("`{name}` does not have the role `{}`", roles.join("` or `"))
    } else {
        format!("no host is called `{name}`")
    };
    Some(Finding::new(path, message).suggesting(hint::suggest(name, known)))
}

/// The first host with a role.
fn first_with<'a>(scenario: &'a Scenario, role: &str) -> Option<&'a str> {
    let host = scenario.hosts.iter().find(|host| host.role.name() == role);
    host.map(|host| host.name.as_str())
}

/// Binds a UDP port on all addresses of both families.
fn listen(cx: &mut Cx<'_>, port: u16) -> Vec<SocketId> {
    let wildcards = [SocketAddr::from(([0; 4], port)), SocketAddr::from(([0; 16], port))];
    wildcards.into_iter().filter_map(|local| cx.bind(local).ok()).collect()
}

/// A socket of the family of a destination.
fn socket_towards(cx: &mut Cx<'_>, to: SocketAddr) -> Option<SocketId> {
    let v4 = SocketAddr::from(([0; 4], 0));
    let v6 = SocketAddr::from(([0; 16], 0));
    cx.bind(if to.is_ipv4() { v4 } else { v6 }).ok()
}
