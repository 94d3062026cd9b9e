//! The parts of a world, as they are written.

use base::InterfaceKind;
use serde::{Deserialize, Serialize};
use simnet::{Clock, firewall};
use toml::Table;

use super::{is_default, one_or_many};
use crate::roles::Role;

/// A wide-area network or a LAN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Segment {
    /// What it is called.
    #[serde(default = "wan")]
    pub name: String,
    /// Its blocks of addresses, such as `192.168.1.0/24`; several LANs may use the same.
    #[serde(deserialize_with = "one_or_many")]
    pub prefixes: Vec<String>,
    /// Whether its hosts reach routers and boxes alone, as in a network for guests. LANs can be told so.
    #[serde(default, skip_serializing_if = "is_default")]
    pub isolated: bool,
}

fn wan() -> String {
    "wan".to_owned()
}

impl Segment {
    /// A segment with one block of addresses.
    #[must_use]
    pub fn new(name: &str, prefix: &str) -> Self {
        Self { name: name.to_owned(), prefixes: vec![prefix.to_owned()], isolated: false }
    }
}

/// One interface of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Interface {
    /// The segment.
    pub attach: String,
    /// Its name; `eth0` for the first, and so on, if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its addresses; if there are none, the network chooses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addrs: Vec<String>,
    /// What it is made of.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: InterfaceType,
    /// Largest IP packet in bytes; 1500 if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Whether it is down at first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub down: bool,
}

impl Interface {
    /// An interface on a segment.
    #[must_use]
    pub fn on(segment: &str) -> Self {
        Self { attach: segment.to_owned(), ..Self::default() }
    }
}

/// What an interface is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceType {
    /// A cable.
    #[default]
    Ethernet,
    /// A wireless LAN.
    Wifi,
    /// A mobile network.
    Cellular,
    /// A tunnel.
    Vpn,
}

impl From<InterfaceType> for InterfaceKind {
    fn from(kind: InterfaceType) -> Self {
        match kind {
            InterfaceType::Ethernet => Self::Ethernet,
            InterfaceType::Wifi => Self::Wifi,
            InterfaceType::Cellular => Self::Cellular,
            InterfaceType::Vpn => Self::Vpn,
        }
    }
}

/// A host. In TOML one with plain interfaces says `attach` and `addrs`, others list `interfaces`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenHost", into = "WrittenHost")]
pub struct Host {
    /// What it is called.
    pub name: String,
    /// Its interfaces, at least one.
    pub interfaces: Vec<Interface>,
    /// Where it sends what has no other route, instead of the first router or box on its LAN.
    pub gateway: Option<String>,
    /// Routes besides those that the network works out.
    pub routes: Vec<Route>,
    /// Whether it keeps quiet about closed ports.
    pub silent: bool,
    /// A clock that may be wrong.
    pub clock: Option<Clock>,
    /// The firewall it guards itself with.
    pub firewall: Option<firewall::Config>,
    /// What lives on it.
    pub role: Role,
}

impl Host {
    /// A host on a segment.
    #[must_use]
    pub fn new(name: &str, segment: &str, role: impl Into<Role>) -> Self {
        Self {
            name: name.to_owned(),
            interfaces: vec![Interface::on(segment)],
            gateway: None,
            routes: Vec::new(),
            silent: false,
            clock: None,
            firewall: None,
            role: role.into(),
        }
    }

    /// With another address on its last interface.
    #[must_use]
    pub fn address(mut self, ip: &str) -> Self {
        if let Some(interface) = self.interfaces.last_mut() {
            interface.addrs.push(ip.to_owned());
        }
        self
    }

    /// With one more interface.
    #[must_use]
    pub fn interface(mut self, interface: Interface) -> Self {
        self.interfaces.push(interface);
        self
    }
}

/// A host as it stands in the text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WrittenHost {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attach: Option<Attachments>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addrs: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<Interface>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route>,
    #[serde(default, skip_serializing_if = "is_default")]
    silent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock: Option<Clock>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    firewall: Option<firewall::Config>,
    #[serde(default, skip_serializing_if = "is_default")]
    role: Role,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected the name of a segment, or a list of names")]
enum Attachments {
    One(String),
    Many(Vec<String>),
}

impl TryFrom<WrittenHost> for Host {
    type Error = String;

    fn try_from(written: WrittenHost) -> Result<Self, String> {
        let WrittenHost { attach, addrs, mut interfaces, .. } = written;
        let segments = match attach {
            Some(Attachments::One(segment)) => vec![segment],
            Some(Attachments::Many(segments)) => segments,
            None => Vec::new(),
        };
        match (segments.len(), interfaces.len()) {
            (0, 0) => return Err("the host is attached to nothing: give it `attach`".to_owned()),
            (0, 1) | (1, 0) => {}
            (0, _) | (_, 0) if addrs.is_empty() => {}
            (0, _) | (_, 0) => {
                let message = "`addrs` does not say which interface it is about: list `interfaces`";
                return Err(message.to_owned());
            }
            _ => return Err("a host has either `attach` or `interfaces`".to_owned()),
        }
        if interfaces.is_empty() {
            interfaces = segments.iter().map(|segment| Interface::on(segment)).collect();
        }
        if let Some(first) = interfaces.first_mut() {
            first.addrs.extend(addrs);
        }
        let WrittenHost { name, gateway, routes, silent, clock, firewall, role, .. } = written;
        Ok(Self { name, interfaces, gateway, routes, silent, clock, firewall, role })
    }
}

impl From<Host> for WrittenHost {
    fn from(host: Host) -> Self {
        let Host { name, mut interfaces, gateway, routes, silent, clock, firewall, role } = host;
        let (mut attach, mut addrs) = (None, Vec::new());
        if let [only] = interfaces.as_mut_slice() {
            addrs = std::mem::take(&mut only.addrs);
        }
        let plain = |interface: &Interface| *interface == Interface::on(&interface.attach);
        if !interfaces.is_empty() && interfaces.iter().all(plain) {
            let mut segments: Vec<_> = interfaces.drain(..).map(|one| one.attach).collect();
            attach = match segments.len() {
                1 => segments.pop().map(Attachments::One),
                _ => Some(Attachments::Many(segments)),
            };
        }
        Self { name, attach, addrs, interfaces, gateway, routes, silent, clock, firewall, role }
    }
}

/// A router between segments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Router {
    /// What it is called.
    pub name: String,
    /// The segments it joins, two or more, each as text or as an interface.
    pub attach: Vec<RouterPoint>,
    /// Routes besides those that the network works out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
}

/// A route that the network does not work out by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Route {
    /// Where it leads, such as `10.0.0.0/8`.
    pub to: String,
    /// The router to hand packets to.
    pub via: String,
}

/// Where a router is attached: the name of a segment, or an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenPoint", into = "WrittenPoint")]
pub struct RouterPoint(pub Interface);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected the name of a segment, or an interface")]
enum WrittenPoint {
    Segment(String),
    Interface(Interface),
}

impl From<WrittenPoint> for RouterPoint {
    fn from(written: WrittenPoint) -> Self {
        match written {
            WrittenPoint::Segment(segment) => Self(Interface::on(&segment)),
            WrittenPoint::Interface(interface) => Self(interface),
        }
    }
}

impl From<RouterPoint> for WrittenPoint {
    fn from(RouterPoint(interface): RouterPoint) -> Self {
        if interface == Interface::on(&interface.attach) {
            Self::Segment(interface.attach)
        } else {
            Self::Interface(interface)
        }
    }
}

impl Router {
    /// A router between segments.
    #[must_use]
    pub fn new(name: &str, segments: &[&str]) -> Self {
        let attach = segments.iter().map(|segment| RouterPoint(Interface::on(segment))).collect();
        Self { name: name.to_owned(), attach, routes: Vec::new() }
    }
}

/// A box between an inside and an outside: a preset, and what differs from it. Keys that are not the
/// box's own belong to its configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Boxed {
    /// What it is called.
    pub name: String,
    /// The segment inside.
    pub inside: String,
    /// The segment outside.
    pub outside: String,
    /// Its addresses inside; if there are none, the network chooses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside_addrs: Vec<String>,
    /// Its addresses outside; if there are none, the network chooses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside_addrs: Vec<String>,
    /// The preset it starts from, or the default of its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// What differs from the preset.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub overlay: Table,
}

impl Boxed {
    /// The keys that are the box's own.
    pub(crate) const KEYS: &[&str] =
        &["name", "inside", "outside", "inside-addrs", "outside-addrs", "preset"];

    /// A box with everything as its kind has it by default.
    #[must_use]
    pub fn new(name: &str, inside: &str, outside: &str) -> Self {
        Self {
            name: name.to_owned(),
            inside: inside.to_owned(),
            outside: outside.to_owned(),
            inside_addrs: Vec::new(),
            outside_addrs: Vec::new(),
            preset: None,
            overlay: Table::new(),
        }
    }

    /// The same from a preset.
    #[must_use]
    pub fn preset(self, name: &str) -> Self {
        Self { preset: Some(name.to_owned()), ..self }
    }

    /// The same with one parameter set; `key` is its path, such as `timers.udp`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        super::merge::set(&mut self.overlay, key, value.into());
        self
    }
}

/// Two parts that are attached to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between(pub String, pub String);

/// What lies between two parts that are attached to each other: a preset, and what differs from it. Keys
/// that are not the link's own are parameters of both directions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Link {
    /// The parts; `up` is the way from the first to the second.
    pub between: Between,
    /// The preset it starts from, or a perfect link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// What differs from the first to the second part.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub up: Table,
    /// What differs from the second to the first part.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub down: Table,
    /// What differs in both directions.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub overlay: Table,
}

impl Link {
    /// The keys that are the link's own.
    pub(crate) const KEYS: &[&str] = &["between", "preset", "up", "down"];

    /// A perfect link.
    #[must_use]
    pub fn between(one: &str, other: &str) -> Self {
        Self {
            between: Between(one.to_owned(), other.to_owned()),
            preset: None,
            up: Table::new(),
            down: Table::new(),
            overlay: Table::new(),
        }
    }

    /// The same from a preset.
    #[must_use]
    pub fn preset(self, name: &str) -> Self {
        Self { preset: Some(name.to_owned()), ..self }
    }

    /// The same with one parameter set in both directions; `key` is its path, such as `delay`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        super::merge::set(&mut self.overlay, key, value.into());
        self
    }

    /// The same with one parameter set from the first to the second part.
    #[must_use]
    pub fn up(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        super::merge::set(&mut self.up, key, value.into());
        self
    }

    /// The same with one parameter set from the second to the first part.
    #[must_use]
    pub fn down(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        super::merge::set(&mut self.down, key, value.into());
        self
    }
}
