//! What lives on the hosts of a scenario.
//!
//! | role | does |
//! |---|---|
//! | `idle` | nothing |
//! | `stun` | answers STUN requests; with two addresses, helps discover what NATs do |
//! | `echo` | sends every datagram back |
//! | `sink` | counts the datagrams of flows |
//! | `flow` | sends datagrams at a constant rate |
//! | `peer` | finds a way to another peer, by punching holes |

use serde::{Deserialize, Deserializer, Serialize, de};
use simnet::{Network, NodeId, Observer};

use crate::{
    run::{Directory, Post, Report},
    scenario::{Finding, Scenario, hint},
};

mod echo;
mod flow;
pub mod peer;
mod sink;
mod stun;

pub use echo::Echo;
pub use flow::Flow;
pub use peer::Peer;
pub use sink::Sink;
pub use stun::Stun;

/// What lives on a host, with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Nothing.
    #[default]
    Idle,
    /// A STUN server.
    Stun(Stun),
    /// Sends every datagram back.
    Echo(Echo),
    /// Counts the datagrams of flows.
    Sink(Sink),
    /// Sends datagrams at a constant rate.
    Flow(Flow),
    /// Finds a way to another peer.
    Peer(Peer),
}

/// The names of the roles.
const NAMES: &[&str] = &["idle", "stun", "echo", "sink", "flow", "peer"];

/// A role is written as its name, or as its name with parameters.
impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Role;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a role, such as \"idle\" or { flow = { to = \"bob\" } }")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Role, E> {
                let nothing =
                    || de::value::MapDeserializer::<_, E>::new(std::iter::empty::<(&str, &str)>());
                role(name, nothing())
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Role, A::Error> {
                struct Parameters(String);

                impl<'de> de::DeserializeSeed<'de> for Parameters {
                    type Value = Role;

                    fn deserialize<D: Deserializer<'de>>(self, it: D) -> Result<Role, D::Error> {
                        role(&self.0, it)
                    }
                }

                let Some(name) = map.next_key::<String>()? else {
                    return Err(de::Error::custom("the role has no name"));
                };
                let role = map.next_value_seed(Parameters(name))?;
                match map.next_key::<String>()? {
                    None => Ok(role),
                    Some(_) => Err(de::Error::custom("a host has one role")),
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

fn role<'de, D: Deserializer<'de>>(name: &str, parameters: D) -> Result<Role, D::Error> {
    match name {
        "idle" => Ok(Role::Idle),
        "stun" => Stun::deserialize(parameters).map(Role::Stun),
        "echo" => Echo::deserialize(parameters).map(Role::Echo),
        "sink" => Sink::deserialize(parameters).map(Role::Sink),
        "flow" => Flow::deserialize(parameters).map(Role::Flow),
        "peer" => Peer::deserialize(parameters).map(Role::Peer),
        other => Err(de::Error::unknown_variant(other, NAMES)),
    }
}

macro_rules! roles {
    ($($type:ident),*) => {
        $(impl From<$type> for Role {
            fn from(role: $type) -> Self {
                Self::$type(role)
            }
        })*
    };
}

roles!(Stun, Echo, Sink, Flow, Peer);

impl Role {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Stun(_) => "stun",
            Self::Echo(_) => "echo",
            Self::Sink(_) => "sink",
            Self::Flow(_) => "flow",
            Self::Peer(_) => "peer",
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
            Self::Stun(role) => {
                let role = role.clone();
                host.endpoint_from(move || stun::Server::new(&role))
            }
            Self::Echo(role) => {
                let role = role.clone();
                host.endpoint_from(move || echo::Echoing::new(&role))
            }
            Self::Sink(role) => {
                let role = role.clone();
                host.endpoint_from(move || sink::Counting::new(&role))
            }
            Self::Flow(role) => {
                let (role, duration) = (role.clone(), scenario.duration);
                host.endpoint_from(move || flow::Sending::new(&role, duration))
            }
            Self::Peer(role) => {
                let known = peer::Acquaintances::of(name, role, scenario);
                let (role, name) = (role.clone(), name.to_owned());
                host.endpoint_from(move || peer::Agent::new(&name, &role, &known))
            }
        }
    }

    /// When it begins to act, if it acts of its own accord.
    pub(crate) const fn begins(&self) -> Option<std::time::Duration> {
        match self {
            Self::Idle | Self::Stun(_) | Self::Echo(_) | Self::Sink(_) => None,
            Self::Flow(role) => Some(role.start),
            Self::Peer(role) => Some(role.start),
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
            Self::Idle | Self::Stun(_) | Self::Echo(_) | Self::Sink(_) => {}
            Self::Flow(_) => {
                net.with_endpoint(node, |it: &mut flow::Sending, cx| it.begin(cx, directory));
            }
            Self::Peer(_) => {
                net.with_endpoint(node, |it: &mut peer::Agent, cx| it.begin(cx, directory, post));
            }
        }
    }

    /// What became of it.
    pub(crate) fn report<O: Observer>(&self, net: &Network<O>, node: NodeId) -> Report {
        match self {
            Self::Idle | Self::Stun(_) => Report::default(),
            Self::Echo(_) => net.endpoint(node).map(echo::Echoing::report).unwrap_or_default(),
            Self::Sink(_) => net.endpoint(node).map(sink::Counting::report).unwrap_or_default(),
            Self::Flow(_) => net.endpoint(node).map(flow::Sending::report).unwrap_or_default(),
            Self::Peer(_) => net.endpoint(node).map(peer::Agent::report).unwrap_or_default(),
        }
    }
}

/// Whether what roles say of other hosts is true.
pub(crate) fn check(scenario: &Scenario) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, host) in scenario.hosts.iter().enumerate() {
        let path = format!("host[{index}].role.{}", host.role.name());
        let findings = match &host.role {
            Role::Idle | Role::Stun(_) | Role::Echo(_) | Role::Sink(_) => Vec::new(),
            Role::Flow(role) => {
                target(scenario, &format!("{path}.to"), &role.to, None).into_iter().collect()
            }
            Role::Peer(role) => peer::check(scenario, &path, &host.name, role),
        };
        let part = format!("host `{}`", host.name);
        found.extend(findings.into_iter().map(|finding| Finding { part: part.clone(), ..finding }));
    }
    found
}

/// Checks the name of a host that is talked to: `bob`, `bob:5000` or an address with a port.
fn target(scenario: &Scenario, path: &str, to: &str, role: Option<&str>) -> Option<Finding> {
    if to.parse::<std::net::SocketAddr>().is_ok() {
        return None;
    }
    let name = to.split(':').next().unwrap_or(to);
    let fits = |host: &&crate::Host| role.is_none_or(|role| host.role.name() == role);
    let known: Vec<_> = scenario.hosts.iter().filter(fits).map(|host| host.name.as_str()).collect();
    if known.contains(&name) {
        return None;
    }
    let message = match role.filter(|_| scenario.hosts.iter().any(|host| host.name == name)) {
        Some(role) => format!("`{name}` is not a `{role}`"),
        None => format!("no host is called `{name}`"),
    };
    Some(Finding::new(path, message).suggesting(hint::suggest(name, known)))
}

/// Binds a UDP port on all addresses of both families.
fn listen(cx: &mut simnet::Cx<'_>, port: u16) -> Vec<simnet::SocketId> {
    let wildcards =
        [std::net::SocketAddr::from(([0; 4], port)), std::net::SocketAddr::from(([0; 16], port))];
    wildcards.into_iter().filter_map(|local| cx.bind(local).ok()).collect()
}

/// A socket of the family of a destination.
fn socket_towards(cx: &mut simnet::Cx<'_>, to: std::net::SocketAddr) -> Option<simnet::SocketId> {
    let local = if to.is_ipv4() {
        std::net::SocketAddr::from(([0; 4], 0))
    } else {
        std::net::SocketAddr::from(([0; 16], 0))
    };
    cx.bind(local).ok()
}
