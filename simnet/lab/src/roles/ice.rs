//! A peer that finds a way to another one by ICE (RFC 8445), with all that belongs to it: STUN and TURN
//! servers, trickling, nomination, consent, restarts.
//!
//! Behind the role stands [`IceEndpoint`], so that implementations of others can be put in its place.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Parameters, Role, target};
use crate::scenario::{Finding, Scenario, is_default};

mod endpoint;
mod host;
mod ours;

pub use endpoint::{Factory, IceEndpoint, IceFigures, Letter, News, Server, Setup, TurnTransport};
pub(crate) use host::{Choice, IceHost};
pub(crate) use ours::KINDS;
pub use ours::Ours;

/// Parameters of a peer that speaks ICE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Ice {
    /// The other peer; the only other one there is if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Whether it decides which pair is used; the one that comes first in the file if neither says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controlling: Option<bool>,
    /// The STUN servers it asks; all in the file if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stun: Option<Vec<String>>,
    /// The TURN servers it has relay; all in the file if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<Vec<String>>,
    /// How it speaks to TURN servers: one allocation for each way.
    pub turn_over: Vec<TurnTransport>,
    /// Whether it uses relays alone.
    #[serde(skip_serializing_if = "is_default")]
    pub relay_only: bool,
    /// Whether it tells each candidate as it is found (RFC 8838), or all at once in the end.
    pub trickle: bool,
    /// Whether it is lite: RFC 8445 §2.5.
    #[serde(skip_serializing_if = "is_default")]
    pub lite: bool,
    /// Whether it nominates every pair with its first check, as agents of RFC 5245 do.
    #[serde(skip_serializing_if = "is_default")]
    pub aggressive: bool,
    /// Whether it offers to nominate again without a restart.
    #[serde(skip_serializing_if = "is_default")]
    pub renomination: bool,
    /// Whether it has TCP candidates: RFC 6544 §5.1.
    #[serde(skip_serializing_if = "is_default")]
    pub tcp: bool,
    /// The UDP port it sends from; any if 0.
    #[serde(skip_serializing_if = "is_default")]
    pub port: u16,
    /// Time between one check and the next: Ta of RFC 8445 §14.2.
    #[serde(with = "simnet::units::duration")]
    pub pace: Duration,
    /// Time between the datagrams it sends once it is connected; none are sent if 0.
    #[serde(with = "simnet::units::duration")]
    pub data: Duration,
    /// Whether it restarts ICE when the path is lost or the addresses of its host change.
    pub restarts: bool,
    /// When it begins.
    #[serde(with = "simnet::units::duration", skip_serializing_if = "is_default")]
    pub start: Duration,
}

impl Default for Ice {
    fn default() -> Self {
        Self {
            with: None,
            controlling: None,
            stun: None,
            turn: None,
            turn_over: vec![TurnTransport::Udp],
            relay_only: false,
            trickle: true,
            lite: false,
            aggressive: false,
            renomination: false,
            tcp: false,
            port: 0,
            pace: Duration::from_millis(50),
            data: Duration::from_secs(1),
            restarts: true,
            start: Duration::ZERO,
        }
    }
}

impl Ice {
    /// A peer that looks for a certain other one.
    #[must_use]
    pub fn with(other: &str) -> Self {
        Self { with: Some(other.to_owned()), ..Self::default() }
    }
}

/// Who the others are, as far as the file says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Company {
    /// The other peer.
    other: Option<String>,
    /// The STUN servers.
    stun: Vec<String>,
    /// The TURN servers, with username and password.
    turn: Vec<(String, super::Turn)>,
    /// Whether this one decides.
    controlling: bool,
}

impl Company {
    fn of(name: &str, role: &Ice, scenario: &Scenario) -> Self {
        let peers: Vec<(&str, &Ice)> = scenario
            .hosts
            .iter()
            .filter_map(|host| match &host.role {
                Role::Ice(ice) => Some((host.name.as_str(), ice)),
                _ => None,
            })
            .collect();
        let others: Vec<&str> =
            peers.iter().map(|(peer, _)| *peer).filter(|peer| *peer != name).collect();
        let other = match (&role.with, others.as_slice()) {
            (Some(other), _) => Some(other.clone()),
            (None, [only]) => Some((*only).to_owned()),
            (None, _) => None,
        };
        let is_one = |peer: &str| peer == name || Some(peer) == other.as_deref();
        let first = peers.iter().map(|(peer, _)| *peer).find(|peer| is_one(peer));
        let theirs = peers.iter().find(|(peer, _)| Some(*peer) == other.as_deref());
        let theirs = theirs.and_then(|(_, ice)| ice.controlling);
        let controlling = role.controlling.or_else(|| theirs.map(|theirs| !theirs));
        Self {
            stun: named(scenario, "stun", role.stun.as_ref()),
            turn: named(scenario, "turn", role.turn.as_ref())
                .into_iter()
                .filter_map(|name| Some((name.clone(), turn_role(scenario, &name)?)))
                .collect(),
            controlling: controlling.unwrap_or_else(|| first == Some(name)),
            other,
        }
    }
}

/// The hosts with a role: those that are listed, or all of them.
fn named(scenario: &Scenario, role: &str, listed: Option<&Vec<String>>) -> Vec<String> {
    let all = scenario.hosts.iter().filter(|host| host.role.name() == role);
    listed.map_or_else(|| all.map(|host| host.name.clone()).collect(), Clone::clone)
}

fn turn_role(scenario: &Scenario, name: &str) -> Option<super::Turn> {
    let host = name.split(':').next().unwrap_or(name);
    scenario.hosts.iter().find(|it| it.name == host).and_then(|host| match &host.role {
        Role::Turn(turn) => Some(turn.clone()),
        _ => None,
    })
}

impl Parameters for Ice {
    type Endpoint = IceHost;

    fn endpoint(&self, name: &str, scenario: &Scenario) -> IceHost {
        IceHost::new(name, self, Company::of(name, self, scenario))
    }

    fn begins(&self) -> Option<Duration> {
        Some(self.start)
    }

    fn needs(&self) -> Option<&str> {
        self.with.as_deref()
    }

    fn check(&self, scenario: &Scenario, path: &str, name: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(with) = &self.with {
            found.extend(target(scenario, &format!("{path}.with"), with, &["ice"]));
        } else if Company::of(name, self, scenario).other.is_none() {
            let finding = Finding::new(path, "it does not say which peer it looks for")
                .suggesting("say `with = \"…\"`: there are not exactly two with the role `ice`");
            found.push(finding);
        }
        for (key, listed, role) in [("stun", &self.stun, "stun"), ("turn", &self.turn, "turn")] {
            let roles: &[&str] = if role == "stun" { &["stun", "turn"] } else { &["turn"] };
            for server in listed.iter().flatten() {
                found.extend(target(scenario, &format!("{path}.{key}"), server, roles));
            }
        }
        if self.pace < ice::MIN_PACING {
            let path = format!("{path}.pace");
            let finding = Finding::new(path, "checks are at least 5 ms apart (RFC 8445 §14.2)")
                .suggesting("say `pace = \"5ms\"` or more");
            found.push(finding);
        }
        let is_turn = |host: &crate::Host| host.role.name() == "turn";
        if self.relay_only && !scenario.hosts.iter().any(is_turn) {
            let finding = Finding::new(format!("{path}.relay-only"), "there is no TURN server")
                .suggesting("give a host the role \"turn\"");
            found.push(finding);
        }
        if self.turn_over.is_empty() {
            let path = format!("{path}.turn-over");
            let finding = Finding::new(path, "it says no way to speak to TURN servers")
                .suggesting("say `turn = []` to use none");
            found.push(finding);
        }
        found
    }
}
