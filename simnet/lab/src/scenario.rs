//! Scenarios: a world, what happens in it, and what should come of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

mod assemble;
mod check;
mod event;
mod expect;
pub(crate) mod hint;
pub(crate) mod merge;
mod parts;
mod problem;
mod read;
mod seed;
mod signalling;
mod source;
mod write;

pub use event::{At, Do, InterfaceAddress, NatAddress, NodeRoute, Sides};
pub use expect::Expect;
pub use parts::{
    Between, Boxed, Host, Interface, InterfaceType, Link, Route, Router, RouterPoint, Segment,
};
pub use problem::{Place, Problem, Problems};
pub use signalling::Signalling;

pub(crate) use assemble::assemble;
pub(crate) use check::Finding;

/// A world, what happens in it, and what should come of it: all that a run depends on.
///
/// It is read from TOML with [`Scenario::parse`], written with [`Scenario::to_toml`], or put together in
/// Rust; the three agree. Running it twice gives the same [`Outcome`](crate::Outcome), to the bit.
///
/// ```
/// let text = r#"
/// version = 1
/// name = "hello"
/// duration = "2s"
///
/// [wan]
/// prefixes = ["11.0.0.0/8"]
///
/// [[lan]]
/// name = "home"
/// prefixes = ["192.168.1.0/24"]
///
/// [[nat]]
/// name = "box"
/// inside = "home"
/// outside = "wan"
///
/// [[host]]
/// name = "alice"
/// attach = "home"
/// role = { flow = { to = "bob" } }
///
/// [[host]]
/// name = "bob"
/// attach = "wan"
/// role = "sink"
///
/// [expect]
/// loss-at-most = "0%"
/// "#;
/// let scenario = lab::Scenario::parse(text).unwrap();
/// let outcome = scenario.build(()).unwrap().run();
/// assert!(outcome.held(), "{outcome}");
/// assert_eq!(lab::Scenario::parse(&scenario.to_toml()).unwrap(), scenario);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// What it shows, for people; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// From which all chance grows.
    #[serde(serialize_with = "seed::serialize")]
    pub seed: u64,
    /// How long it lasts.
    #[serde(with = "simnet::units::duration")]
    pub duration: Duration,
    /// Wide-area networks.
    #[serde(rename = "wan")]
    pub wans: Vec<Segment>,
    /// Local networks.
    #[serde(rename = "lan")]
    pub lans: Vec<Segment>,
    /// Routers.
    #[serde(rename = "router")]
    pub routers: Vec<Router>,
    /// NATs.
    #[serde(rename = "nat")]
    pub nats: Vec<Boxed>,
    /// Firewalls.
    #[serde(rename = "firewall")]
    pub firewalls: Vec<Boxed>,
    /// NAT64s: IPv6 inside, IPv4 outside.
    #[serde(rename = "nat64")]
    pub nat64s: Vec<Boxed>,
    /// CLATs: IPv4 inside, IPv6 outside.
    #[serde(rename = "clat")]
    pub clats: Vec<Boxed>,
    /// Hosts.
    #[serde(rename = "host")]
    pub hosts: Vec<Host>,
    /// What lies between parts that are attached to each other.
    #[serde(rename = "link")]
    pub links: Vec<Link>,
    /// How long what peers tell each other takes.
    #[serde(skip_serializing_if = "Signalling::is_default")]
    pub signalling: Signalling,
    /// What happens at a certain time.
    #[serde(rename = "at")]
    pub events: Vec<At>,
    /// What should come of it.
    #[serde(rename = "expect")]
    pub expects: Vec<Expect>,
}

/// How long a scenario lasts that does not say.
const DEFAULT_DURATION: Duration = Duration::from_secs(30);

impl Scenario {
    /// An empty world.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            about: String::new(),
            seed: 0,
            duration: DEFAULT_DURATION,
            wans: Vec::new(),
            lans: Vec::new(),
            routers: Vec::new(),
            nats: Vec::new(),
            firewalls: Vec::new(),
            nat64s: Vec::new(),
            clats: Vec::new(),
            hosts: Vec::new(),
            links: Vec::new(),
            signalling: Signalling::default(),
            events: Vec::new(),
            expects: Vec::new(),
        }
    }

    /// Reads a scenario and checks that it fits together.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of the lines.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        read::read(text)
    }

    /// The scenario as TOML, which [`Scenario::parse`] reads as this scenario.
    #[must_use]
    pub fn to_toml(&self) -> String {
        write::write(self)
    }

    /// What the NAT with a name does, after its preset and what differs from it; `None` if there is no
    /// such NAT, or if it cannot be told what it is told.
    #[must_use]
    pub fn nat_config(&self, name: &str) -> Option<simnet::nat::Config> {
        let nat = self.nats.iter().find(|nat| nat.name == name)?;
        crate::presets::nat(nat.preset.as_deref(), &nat.overlay).ok()
    }

    /// Checks that it fits together, as [`Scenario::parse`] does.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it; without lines, because there is no text.
    pub fn check(&self) -> Result<(), Problems> {
        let problems: Vec<_> = check::check(self).into_iter().map(Finding::without_text).collect();
        if problems.is_empty() { Ok(()) } else { Err(Problems::new(problems)) }
    }
}

/// Whether a value is what it would be without having been written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Text, or several: `attach = "lan"`, `attach = ["lan", "lte"]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(all) => all,
        }
    }
}

/// For fields that may be written as one text or as several.
pub(crate) fn one_or_many<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    OneOrMany::deserialize(deserializer).map(OneOrMany::into_vec)
}
