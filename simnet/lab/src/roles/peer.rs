//! A peer that finds a way to another one, by punching holes.
//!
//! It is a small agent for the laboratory, with what NATs make interesting and nothing else: it gathers
//! host and server-reflexive candidates, tells them to the other through the scenario's signalling,
//! checks pairs at a pace, learns peer-reflexive candidates, agrees on a pair, keeps it alive, notices
//! when it is lost, and starts again. Checks are STUN Binding requests that name both peers and are not
//! protected. It is not ICE (RFC 8445): that comes with an agent of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Parameters;
use crate::scenario::{Finding, Scenario, is_default};

mod agent;
mod candidate;
mod checks;
mod gather;
mod report;

pub(crate) use agent::Agent;
pub use candidate::{Candidate, Kind};

/// Parameters of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Peer {
    /// The other peer; the only other one there is if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Whether it decides which pair is used; the one that comes first in the file if neither says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controlling: Option<bool>,
    /// The STUN server it asks; the first one in the file if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stun: Option<String>,
    /// Whether it offers the addresses of its interfaces.
    pub host_candidates: bool,
    /// Whether it asks a STUN server how it looks from outside.
    pub reflexive_candidates: bool,
    /// How far from the port that the STUN server saw other ports are that it offers as well, because
    /// its NAT may use them next: port prediction (RFC 5128 §3.5).
    #[serde(skip_serializing_if = "is_default")]
    pub guess: Vec<u16>,
    /// The UDP port it sends from; any if 0.
    #[serde(skip_serializing_if = "is_default")]
    pub port: u16,
    /// Time between one check and the next: Ta of RFC 8445 §14.2.
    #[serde(with = "simnet::units::duration")]
    pub pace: Duration,
    /// Time to the first retransmission of a check: RTO of RFC 8445 §14.3, without its growth.
    #[serde(with = "simnet::units::duration")]
    pub rto: Duration,
    /// Time that the deciding peer waits for a better pair after it found one.
    #[serde(with = "simnet::units::duration")]
    pub settle: Duration,
    /// Time between checks whether the other is still there: RFC 7675 §5.1.
    #[serde(with = "simnet::units::duration")]
    pub keepalive: Duration,
    /// Silence after which the other is gone: RFC 7675 §5.1.
    #[serde(with = "simnet::units::duration")]
    pub consent: Duration,
    /// Time between the datagrams it sends once it is connected; none are sent if 0.
    #[serde(with = "simnet::units::duration")]
    pub data: Duration,
    /// Whether it starts again when the other is gone or its own addresses changed.
    pub restarts: bool,
    /// When it begins.
    #[serde(with = "simnet::units::duration", skip_serializing_if = "is_default")]
    pub start: Duration,
}

impl Default for Peer {
    fn default() -> Self {
        Self {
            with: None,
            controlling: None,
            stun: None,
            host_candidates: true,
            reflexive_candidates: true,
            guess: Vec::new(),
            port: 0,
            pace: Duration::from_millis(50),
            rto: Duration::from_millis(500),
            settle: Duration::from_millis(100),
            keepalive: Duration::from_secs(5),
            consent: Duration::from_secs(30),
            data: Duration::from_secs(1),
            restarts: true,
            start: Duration::ZERO,
        }
    }
}

impl Peer {
    /// A peer that looks for a certain other one.
    #[must_use]
    pub fn with(other: &str) -> Self {
        Self { with: Some(other.to_owned()), ..Self::default() }
    }
}

/// Who the others are, as far as the file says.
#[derive(Clone, Debug, Default)]
pub struct Acquaintances {
    /// The other peer.
    pub(crate) other: Option<String>,
    /// The STUN server.
    pub(crate) stun: Option<String>,
    /// Whether this one decides.
    pub(crate) controlling: bool,
}

impl Acquaintances {
    pub(crate) fn of(name: &str, role: &Peer, scenario: &Scenario) -> Self {
        let named = |kind: &'static str| {
            let of_kind = scenario.hosts.iter().filter(move |host| host.role.name() == kind);
            of_kind.map(|host| host.name.as_str())
        };
        let others: Vec<_> = named("peer").filter(|other| *other != name).collect();
        let other = match (&role.with, others.as_slice()) {
            (Some(other), _) => Some(other.clone()),
            (None, [only]) => Some((*only).to_owned()),
            (None, _) => None,
        };
        let first = named("peer").find(|peer| *peer == name || Some(*peer) == other.as_deref());
        let theirs = other.as_ref().and_then(|other| {
            let host = scenario.hosts.iter().find(|host| host.name == *other)?;
            match &host.role {
                super::Role::Peer(peer) => peer.controlling,
                _ => None,
            }
        });
        let controlling = role.controlling.or_else(|| theirs.map(|theirs| !theirs));
        let stun = role.stun.clone().or_else(|| named("stun").next().map(str::to_owned));
        Self {
            other,
            stun: stun.filter(|_| role.reflexive_candidates),
            controlling: controlling.unwrap_or_else(|| first == Some(name)),
        }
    }
}

impl Parameters for Peer {
    type Endpoint = Agent;

    fn endpoint(&self, name: &str, scenario: &Scenario) -> Agent {
        Agent::new(name, self, Acquaintances::of(name, self, scenario))
    }

    fn begins(&self) -> Option<Duration> {
        Some(self.start)
    }

    fn needs(&self) -> Option<&str> {
        self.with.as_deref()
    }

    fn check(&self, scenario: &Scenario, path: &str, name: &str) -> Vec<Finding> {
        check(self, scenario, path, name)
    }
}

fn check(role: &Peer, scenario: &Scenario, path: &str, name: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(with) = &role.with {
        found.extend(super::target(scenario, &format!("{path}.with"), with, &["peer"]));
    } else if Acquaintances::of(name, role, scenario).other.is_none() {
        let finding = Finding::new(path, "it does not say which peer it looks for")
            .suggesting("say `with = \"…\"`: there are not exactly two peers");
        found.push(finding);
    }
    if let Some(stun) = &role.stun {
        found.extend(super::target(scenario, &format!("{path}.stun"), stun, &["stun"]));
    }
    for (key, time) in [("pace", role.pace), ("rto", role.rto), ("keepalive", role.keepalive)] {
        if time.is_zero() {
            found.push(Finding::new(format!("{path}.{key}"), format!("`{key}` must not be 0")));
        }
    }
    found
}
