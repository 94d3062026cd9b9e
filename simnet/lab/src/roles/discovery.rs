//! A host that asks a STUN server what the NATs on the way do.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, SocketError};
use serde::{Deserialize, Serialize};
use simnet::{Cx, Driven, Endpoint, RecvMeta, SocketId};
use stun::{
    Dependence, DiscoveryConfig, DiscoveryEvent, Hairpinning, LifetimeSearch, NatBehavior,
    PortAssignment,
};

use super::{Inhabitant, Parameters, first_with, late::Late};
use crate::{
    run::{Directory, Figure, Post, Report},
    scenario::{Finding, Scenario, is_default},
};

/// Parameters of a host that asks a STUN server what the NATs on the way do: RFC 5780 §4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Discovery {
    /// The server; the first one in the file if it does not say. It needs two addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The first of the UDP ports it sends from.
    pub port: u16,
    /// How many ports it sends from. From two on, hairpinning and port assignment are seen.
    pub ports: u16,
    /// The longest lifetime of a mapping that is looked for; none is if it does not say. This takes
    /// several times as long.
    #[serde(with = "simnet::units::option_duration", skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Duration>,
    /// When it begins.
    #[serde(with = "simnet::units::duration", skip_serializing_if = "is_default")]
    pub start: Duration,
}

impl Default for Discovery {
    fn default() -> Self {
        let start = Duration::ZERO;
        Self { server: None, port: 40_000, ports: 4, lifetime: None, start }
    }
}

impl Parameters for Discovery {
    type Endpoint = Discovering;

    fn endpoint(&self, _: &str, scenario: &Scenario) -> Discovering {
        let first = || first_with(scenario, "stun").map(str::to_owned);
        let server = self.server.clone().or_else(first);
        Discovering { role: self.clone(), server, driven: Late::new(), ended: None, failed: None }
    }

    fn begins(&self) -> Option<Duration> {
        Some(self.start)
    }

    fn needs(&self) -> Option<&str> {
        self.server.as_deref()
    }

    fn check(&self, scenario: &Scenario, path: &str, _: &str) -> Vec<Finding> {
        let missing = Finding::new(path, "there is no STUN server to ask")
            .suggesting("give a host with two addresses the role \"stun\"");
        let found = match &self.server {
            Some(server) => super::target(scenario, &format!("{path}.server"), server, &["stun"]),
            None => first_with(scenario, "stun").is_none().then_some(missing),
        };
        found.into_iter().collect()
    }
}

/// The host at work.
pub(crate) struct Discovering {
    role: Discovery,
    server: Option<String>,
    driven: Late<Driven<stun::Discovery>>,
    ended: Option<Instant>,
    failed: Option<String>,
}

impl Discovering {
    fn look(&mut self) {
        let Some(driven) = self.driven.get_mut() else { return };
        while let Some((at, event)) = driven.take_event() {
            self.ended = Some(at);
            if let DiscoveryEvent::Failed(reason) = event {
                self.failed = Some(format!("{reason:?}"));
            }
        }
    }
}

impl Inhabitant for Discovering {
    fn begin(&mut self, cx: &mut Cx<'_>, directory: &Directory, _: &Post) {
        let server = self.server.as_deref();
        let server = server.and_then(|name| directory.resolve(name, super::stun::PORT));
        let Some(server) = server else { return };
        let interfaces = cx.interfaces();
        let mut ips = interfaces.iter().flat_map(|it| &it.addresses).map(|address| address.ip);
        let Some(ip) = ips.find(|ip| ip.is_ipv4() == server.is_ipv4()) else { return };
        let ports = (0..self.role.ports).map(|step| self.role.port.saturating_add(step));
        let locals: Vec<_> = ports.map(|port| SocketAddr::new(ip, port)).collect();
        let provider = crypto::Provider::default();
        let lifetime = self.role.lifetime;
        let lifetime =
            lifetime.map(|longest| LifetimeSearch { longest, ..LifetimeSearch::default() });
        let config =
            DiscoveryConfig { lifetime, ..DiscoveryConfig::new(provider, server, locals.clone()) };
        let mut driven = Driven::new(stun::Discovery::new(config, cx.stream().rng(), cx.now()));
        for local in locals {
            driven = driven.bind(local);
        }
        self.driven.begin(cx, driven);
    }

    fn report(&self) -> Report {
        let Some(driven) = self.driven.get() else { return Report::default() };
        let mut report = behavior(driven.machine().found());
        if let Some(ended) = self.ended {
            let took = ended.elapsed().saturating_sub(self.role.start);
            report = report.with("took", Figure::Time(took));
        }
        match &self.failed {
            Some(reason) => report.with("failed", Figure::Text(reason.clone())),
            None => report,
        }
    }
}

/// What was found, in the words of the parameters of a NAT.
fn behavior(found: &NatBehavior) -> Report {
    let text = |text: &str| Figure::Text(text.to_owned());
    let mut report = Report::default().with("translated", Figure::Truth(found.is_translated));
    if let Some(mapped) = found.mapped {
        report = report.with("mapped", Figure::Text(mapped.to_string()));
    }
    if let Some(mapping) = found.mapping {
        report = report.with("mapping", text(dependence(mapping)));
    }
    if let Some(filtering) = found.filtering {
        report = report.with("filtering", text(dependence(filtering)));
    }
    if let Some(hairpin) = found.hairpin {
        let hairpin = match hairpin {
            Hairpinning::Absent => "none",
            Hairpinning::InternalSource => "internal-source",
            Hairpinning::ExternalSource => "external-source",
        };
        report = report.with("hairpin", text(hairpin));
    }
    if let Some(ports) = found.port_assignment {
        let ports = match ports {
            PortAssignment::Preserves => "preserves".to_owned(),
            PortAssignment::Overloads => "overloads".to_owned(),
            PortAssignment::Sequential { step } => format!("sequential, step {step}"),
            PortAssignment::Random => "random".to_owned(),
        };
        report = report.with("ports", Figure::Text(ports));
    }
    if let Some(lifetime) = found.lifetime {
        report = report.with("lifetime-at-least", Figure::Time(lifetime.at_least));
        if let Some(at_most) = lifetime.at_most {
            report = report.with("lifetime-at-most", Figure::Time(at_most));
        }
    }
    report
}

const fn dependence(dependence: Dependence) -> &'static str {
    match dependence {
        Dependence::EndpointIndependent => "endpoint-independent",
        Dependence::AddressDependent => "address-dependent",
        Dependence::AddressAndPortDependent => "address-and-port-dependent",
    }
}

impl Endpoint for Discovering {
    fn handle_datagram(
        &mut self,
        cx: &mut Cx<'_>,
        socket: SocketId,
        meta: &RecvMeta,
        payload: &[u8],
    ) {
        self.driven.handle_datagram(cx, socket, meta, payload);
        self.look();
    }

    fn handle_socket_error(&mut self, cx: &mut Cx<'_>, socket: SocketId, error: SocketError) {
        self.driven.handle_socket_error(cx, socket, error);
        self.look();
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        self.driven.handle_timeout(cx);
        self.look();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.driven.poll_timeout()
    }
}
