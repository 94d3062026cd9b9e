//! Whether a scenario fits together.

use std::{collections::BTreeMap, net::IpAddr};

use simnet::Prefix;

use super::{Boxed, Host, Interface, Problem, Route, Scenario, hint};
use crate::roles;

mod boxes;
mod events;
mod expects;
mod names;
mod realms;
mod routes;

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where, such as `nat[0].inside`; several, divided by `|`, if the text may say it in several ways.
    pub(crate) path: String,
    /// Whether it is about the key there, rather than its value.
    pub(crate) of_key: bool,
    /// The part it concerns.
    pub(crate) part: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) suggestion: String,
}

impl Finding {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        let (path, message) = (path.into(), message.into());
        let of_key = message.starts_with("unknown key");
        Self { path, of_key, part: String::new(), message, suggestion: String::new() }
    }

    pub(crate) fn about(mut self, kind: &str, name: &str) -> Self {
        self.part = format!("{kind} `{name}`");
        self
    }

    pub(crate) fn suggesting(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = suggestion.into();
        self
    }

    /// As a problem of a scenario that was not read from text.
    pub(crate) fn without_text(self) -> Problem {
        let Self { part, message, suggestion, .. } = self;
        Problem { place: None, part, message, suggestion }
    }
}

/// All that does not fit.
pub(crate) fn check(scenario: &Scenario) -> Vec<Finding> {
    let mut checker = Checker { scenario, found: Vec::new() };
    checker.names();
    checker.segments();
    checker.attachments();
    checker.configurations();
    checker.links();
    checker.events();
    checker.found.extend(roles::check(scenario));
    checker.expectations();
    if checker.found.is_empty() {
        checker.found.extend(realms::check(scenario));
    }
    if checker.found.is_empty() {
        checker.assembly();
    }
    checker.found
}

struct Checker<'a> {
    scenario: &'a Scenario,
    found: Vec<Finding>,
}

impl Checker<'_> {
    fn names(&mut self) {
        let mut seen: BTreeMap<&str, String> = BTreeMap::new();
        for (path, name) in self.scenario.names() {
            let path_of_name = format!("{path}.name");
            if name.is_empty() || name.contains(['.', ' ', ':']) {
                let message = format!("`{name}` cannot be a name");
                let finding = Finding::new(&path_of_name, message)
                    .suggesting("names have no dots, colons and spaces");
                self.found.push(finding);
            }
            if let Some(other) = seen.insert(name, path) {
                let finding = Finding::new(path_of_name, format!("two parts are called `{name}`"))
                    .suggesting(format!("the other one is {}", names::in_words(&other)));
                self.found.push(finding);
            }
        }
    }

    fn segments(&mut self) {
        for (kind, index, segment) in self.scenario.numbered_segments() {
            let path = format!("{kind}[{index}].prefixes");
            if segment.prefixes.is_empty() {
                let finding = Finding::new(&path, "it has no block of addresses")
                    .about(kind, &segment.name)
                    .suggesting("such as prefixes = [\"192.168.1.0/24\"]");
                self.found.push(finding);
            }
            if segment.isolated && kind == "wan" {
                let finding =
                    Finding::new(format!("{kind}[{index}].isolated"), "a `wan` cannot be isolated")
                        .about(kind, &segment.name)
                        .suggesting("LANs can: their hosts then reach routers and boxes alone");
                self.found.push(finding);
            }
            for (number, prefix) in segment.prefixes.iter().enumerate() {
                if let Err(error) = prefix.parse::<Prefix>() {
                    let path = format!("{path}[{number}]");
                    self.found
                        .push(Finding::new(path, error.to_string()).about(kind, &segment.name));
                }
            }
        }
    }

    fn attachments(&mut self) {
        for (index, host) in self.scenario.hosts.iter().enumerate() {
            self.host(&format!("host[{index}]"), host);
        }
        for (index, router) in self.scenario.routers.iter().enumerate() {
            let (path, part) = (format!("router[{index}]"), ("router", router.name.as_str()));
            if router.attach.len() < 2 {
                let message = "a router joins two segments or more";
                let finding = Finding::new(format!("{path}.attach"), message);
                self.found.push(finding.about(part.0, part.1));
            }
            for (number, point) in router.attach.iter().enumerate() {
                self.interface(&format!("{path}.attach[{number}]"), &point.0, part);
            }
            self.routes(&path, &router.routes, part);
        }
        for (kind, index, it) in self.scenario.boxes() {
            self.boxed(&format!("{kind}[{index}]"), kind, it);
        }
    }

    fn host(&mut self, path: &str, host: &Host) {
        let part = ("host", host.name.as_str());
        for (number, interface) in host.interfaces.iter().enumerate() {
            // The text may have said `attach` or `interfaces`.
            let below = format!("{path}.interfaces[{number}]");
            let attach = format!("{below}.attach|{path}.attach[{number}]|{path}.attach");
            self.segment(&attach, &interface.attach, part);
            let only = host.interfaces.len() == 1;
            for (nth, ip) in interface.addrs.iter().enumerate() {
                let own = format!("{below}.addrs[{nth}]");
                let path = if only { format!("{own}|{path}.addrs[{nth}]") } else { own };
                self.address(&path, ip, part);
            }
        }
        if let Some(gateway) = &host.gateway {
            self.address(&format!("{path}.gateway"), gateway, part);
        }
        self.routes(path, &host.routes, part);
    }

    fn routes(&mut self, path: &str, routes: &[Route], part: (&str, &str)) {
        for (number, route) in routes.iter().enumerate() {
            let path = format!("{path}.routes[{number}]");
            self.prefix(&format!("{path}.to"), &route.to, part);
            self.address(&format!("{path}.via"), &route.via, part);
        }
    }

    fn interface(&mut self, path: &str, interface: &Interface, part: (&str, &str)) {
        self.segment(&format!("{path}.attach"), &interface.attach, part);
        self.addresses(&format!("{path}.addrs"), &interface.addrs, part);
    }

    fn segment(&mut self, path: &str, segment: &str, (kind, name): (&str, &str)) {
        let known: Vec<_> = self.scenario.segments().map(|it| it.name.as_str()).collect();
        if !known.contains(&segment) {
            let message = format!("`{segment}` is neither a LAN nor a wide-area network");
            let finding = Finding::new(path, message)
                .about(kind, name)
                .suggesting(hint::suggest(segment, known));
            self.found.push(finding);
        }
    }

    fn addresses(&mut self, path: &str, addresses: &[String], part: (&str, &str)) {
        for (number, ip) in addresses.iter().enumerate() {
            self.address(&format!("{path}[{number}]"), ip, part);
        }
    }

    fn address(&mut self, path: &str, ip: &str, (kind, name): (&str, &str)) {
        if ip.parse::<IpAddr>().is_err() {
            let message = format!("`{ip}` is not an IP address");
            self.found.push(Finding::new(path, message).about(kind, name));
        }
    }

    fn prefix(&mut self, path: &str, prefix: &str, (kind, name): (&str, &str)) {
        if let Err(error) = prefix.parse::<Prefix>() {
            self.found.push(Finding::new(path, error.to_string()).about(kind, name));
        }
    }

    fn boxed(&mut self, path: &str, kind: &str, it: &Boxed) {
        let part = (kind, it.name.as_str());
        self.segment(&format!("{path}.inside"), &it.inside, part);
        self.segment(&format!("{path}.outside"), &it.outside, part);
        self.addresses(&format!("{path}.inside-addrs"), &it.inside_addrs, part);
        self.addresses(&format!("{path}.outside-addrs"), &it.outside_addrs, part);
        if it.inside == it.outside {
            let message = "a route loop: its inside and its outside are the same segment";
            let finding = Finding::new(format!("{path}.outside"), message)
                .suggesting("attach one of them to another segment");
            self.found.push(finding.about(kind, &it.name));
        }
    }

    /// Complains if nothing is called `name`.
    fn refer<'k>(
        &mut self,
        path: &str,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        let known: Vec<_> = known.into_iter().collect();
        if !known.contains(&name) {
            let finding = Finding::new(path, format!("no {what} is called `{name}`"))
                .suggesting(hint::suggest(name, known));
            self.found.push(finding);
        }
    }

    /// Whatever else keeps the world from being built, and what only shows once it is.
    fn assembly(&mut self) {
        match super::assemble(self.scenario).build() {
            Ok(net) => {
                self.found.extend(routes::check(self.scenario, net.topology()));
                self.found.extend(events::unattached(self.scenario, net.topology()));
            }
            Err(error) => self
                .found
                .push(Finding::new(names::of_error(self.scenario, &error), error.to_string())),
        }
    }
}
