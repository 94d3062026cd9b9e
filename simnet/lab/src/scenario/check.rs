//! Whether a scenario fits together.

use std::collections::{BTreeMap, BTreeSet};

use simnet::Prefix;

use super::{Boxed, Host, Interface, Link, Problem, Scenario, event::Do, hint, merge::Culprit};
use crate::{
    presets,
    roles::{self, peer::Kind},
};

mod realms;

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where, such as `nat[0].inside`.
    pub(crate) path: String,
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
        Self { path, part: String::new(), message, suggestion: String::new() }
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

impl<'a> Checker<'a> {
    fn names(&mut self) {
        let mut seen: BTreeMap<&str, String> = BTreeMap::new();
        for (path, name) in self.scenario.names() {
            if name.is_empty() || name.contains(['.', ' ']) {
                let finding = Finding::new(
                    format!("{path}.name"),
                    format!("`{name}` cannot be a name: names have no dots and no spaces"),
                );
                self.found.push(finding);
            }
            if let Some(other) = seen.insert(name, path.clone()) {
                let finding =
                    Finding::new(format!("{path}.name"), format!("two parts are called `{name}`"))
                        .suggesting(format!("the other one is {}", in_words(&other)));
                self.found.push(finding);
            }
        }
    }

    fn segments(&mut self) {
        let wans = self.scenario.wans.iter().enumerate().map(|(index, it)| ("wan", index, it));
        let lans = self.scenario.lans.iter().enumerate().map(|(index, it)| ("lan", index, it));
        for (kind, index, segment) in wans.chain(lans) {
            let path = format!("{kind}[{index}].prefixes");
            if segment.prefixes.is_empty() {
                let finding = Finding::new(&path, "it has no block of addresses")
                    .about(kind, &segment.name)
                    .suggesting("such as prefixes = [\"192.168.1.0/24\"]");
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
            self.host(index, host);
        }
        for (index, router) in self.scenario.routers.iter().enumerate() {
            let path = format!("router[{index}].attach");
            if router.attach.len() < 2 {
                let finding = Finding::new(&path, "a router joins two segments or more")
                    .about("router", &router.name);
                self.found.push(finding);
            }
            for (number, point) in router.attach.iter().enumerate() {
                self.interface(&format!("{path}[{number}]"), &point.0, ("router", &router.name));
            }
        }
        for (index, nat) in self.scenario.nats.iter().enumerate() {
            self.boxed(&format!("nat[{index}]"), "nat", nat);
        }
    }

    fn host(&mut self, index: usize, host: &Host) {
        for (number, interface) in host.interfaces.iter().enumerate() {
            // The text may have said `attach` instead of `interfaces`.
            let path = format!("host[{index}].interfaces[{number}]");
            self.interface(&path, interface, ("host", &host.name));
        }
        let bad = host.gateway.as_ref().filter(|ip| ip.parse::<std::net::IpAddr>().is_err());
        if let Some(ip) = bad {
            let path = format!("host[{index}].gateway");
            let message = format!("`{ip}` is not an IP address");
            self.found.push(Finding::new(path, message).about("host", &host.name));
        }
    }

    fn interface(&mut self, path: &str, interface: &Interface, part: (&str, &str)) {
        self.segment(&format!("{path}.attach"), &interface.attach, part);
        self.addresses(&format!("{path}.addrs"), &interface.addrs, part);
    }

    fn segment(&mut self, path: &str, segment: &str, (kind, name): (&str, &str)) {
        let known = self.scenario.segments().map(|segment| segment.name.as_str());
        if known.clone().any(|known| known == segment) {
            return;
        }
        let message = format!("`{segment}` is neither a LAN nor a wide-area network");
        let finding =
            Finding::new(path, message).about(kind, name).suggesting(hint::suggest(segment, known));
        self.found.push(finding);
    }

    fn addresses(&mut self, path: &str, addresses: &[String], (kind, name): (&str, &str)) {
        for (number, ip) in addresses.iter().enumerate() {
            if ip.parse::<std::net::IpAddr>().is_err() {
                let message = format!("`{ip}` is not an IP address");
                let path = format!("{path}[{number}]");
                self.found.push(Finding::new(path, message).about(kind, name));
            }
        }
    }

    fn boxed(&mut self, path: &str, kind: &str, it: &Boxed) {
        let part = (kind, it.name.as_str());
        self.segment(&format!("{path}.inside"), &it.inside, part);
        self.segment(&format!("{path}.outside"), &it.outside, part);
        self.addresses(&format!("{path}.inside-addrs"), &it.inside_addrs, part);
        self.addresses(&format!("{path}.outside-addrs"), &it.outside_addrs, part);
        if it.inside == it.outside {
            let finding = Finding::new(
                format!("{path}.outside"),
                "its inside and its outside are the same segment: packets would go round for ever",
            );
            self.found.push(finding.about(kind, &it.name));
        }
    }

    fn configurations(&mut self) {
        for (index, nat) in self.scenario.nats.iter().enumerate() {
            if let Err(fault) = presets::nat(nat.preset.as_deref(), &nat.overlay) {
                self.faults(&format!("nat[{index}]"), ("nat", &nat.name), fault);
            }
        }
    }

    fn faults(&mut self, path: &str, (kind, name): (&str, &str), fault: presets::Fault) {
        match fault {
            presets::Fault::Unknown(unknown) => {
                let finding = Finding::new(format!("{path}.preset"), unknown.to_string())
                    .about(kind, name)
                    .suggesting(unknown.suggestion());
                self.found.push(finding);
            }
            presets::Fault::Wrong(culprits) => {
                for Culprit { path: below, message } in culprits {
                    let (message, suggestion) = hint::improve(&message, &[]);
                    let path = [path.to_owned()].into_iter().chain(below).collect::<Vec<_>>();
                    let finding = Finding::new(path.join("."), message)
                        .about(kind, name)
                        .suggesting(suggestion);
                    self.found.push(finding);
                }
            }
        }
    }

    fn links(&mut self) {
        for (index, link) in self.scenario.links.iter().enumerate() {
            self.link(&format!("link[{index}]"), link);
        }
    }

    fn link(&mut self, path: &str, link: &Link) {
        let name = format!("{} – {}", link.between.0, link.between.1);
        for (number, end) in [&link.between.0, &link.between.1].into_iter().enumerate() {
            let part = end.split('.').next().unwrap_or(end);
            let known: BTreeSet<&str> = self.scenario.names().map(|(_, name)| name).collect();
            if !known.contains(part) {
                let path = format!("{path}.between[{number}]");
                let finding = Finding::new(path, format!("no part is called `{part}`"))
                    .about("link", &name)
                    .suggesting(hint::suggest(part, known));
                self.found.push(finding);
            }
        }
        for (direction, table) in [("up", &link.up), ("down", &link.down)] {
            match presets::link(link, direction) {
                Err(presets::Fault::Wrong(culprits)) => {
                    for mut culprit in culprits {
                        let first = culprit.path.first();
                        if first.is_some_and(|key| table.contains_key(key)) {
                            culprit.path.insert(0, direction.to_owned());
                        }
                        let fault = presets::Fault::Wrong(vec![culprit]);
                        self.faults(path, ("link", &name), fault);
                    }
                }
                Err(fault) => self.faults(path, ("link", &name), fault),
                Ok(_) => {}
            }
        }
        self.found.dedup();
    }

    fn events(&mut self) {
        for (index, event) in self.scenario.events.iter().enumerate() {
            let path = format!("at[{index}].do");
            match &event.action {
                Do::LinkDown(interface) => self.event_interface(&path, "link-down", interface),
                Do::LinkUp(interface) => self.event_interface(&path, "link-up", interface),
                Do::Link(link) => self.link(&format!("{path}.link"), link),
                Do::NatReboot(name) => {
                    let known = self.scenario.nats.iter().map(|nat| nat.name.as_str());
                    self.refer(&format!("{path}.nat-reboot"), "NAT", name, known);
                }
                Do::Signalling(_) => {}
            }
        }
    }

    fn event_interface(&mut self, path: &str, key: &str, interface: &str) {
        let known = self.scenario.interface_names();
        self.refer(
            &format!("{path}.{key}"),
            "interface",
            interface,
            known.iter().map(String::as_str),
        );
    }

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

    fn expectations(&mut self) {
        for (index, expect) in self.scenario.expects.iter().enumerate() {
            // A single `[expect]` is known by its plain name.
            let path = format!("expect[{index}]");
            if let Some(host) = &expect.host {
                let known = self.scenario.hosts.iter().map(|host| host.name.as_str());
                self.refer(&format!("{path}.host"), "host", host, known);
            }
            let selected = expect.selected.iter().flat_map(|(one, other)| [one, other]);
            for (key, kind) in selected
                .map(|kind| ("selected", kind))
                .chain(expect.never.iter().map(|kind| ("never", kind)))
            {
                let known = Kind::NAMES.iter().copied();
                self.refer(&format!("{path}.{key}"), "kind of candidate", kind, known);
            }
            for (reason, bound) in &expect.drops {
                let known = simnet::DropReason::ALL.iter().map(|reason| reason.name());
                let path = format!("{path}.drops.{reason}");
                self.refer(&path, "reason to drop", reason, known);
                if let Err(message) = bound.parse::<crate::run::Bound>() {
                    self.found.push(Finding::new(&path, message));
                }
            }
        }
    }

    /// Whatever else keeps the world from being built.
    fn assembly(&mut self) {
        if let Err(error) = super::assemble(self.scenario).build() {
            self.found.push(Finding::new("", error.to_string()));
        }
    }
}

/// A path for people: `nat[0]` is `nat 1`.
fn in_words(path: &str) -> String {
    let Some((kind, index)) = path.split_once('[') else { return path.to_owned() };
    let index: usize = index.trim_end_matches(']').parse().unwrap_or(0);
    format!("the [[{kind}]] number {}", index + 1)
}

impl Scenario {
    /// Paths and names of all parts.
    pub(crate) fn names(&self) -> impl Iterator<Item = (String, &str)> {
        fn of<'a, T>(
            kind: &'static str,
            all: &'a [T],
            name: impl Fn(&'a T) -> &'a String + 'a,
        ) -> impl Iterator<Item = (String, &'a str)> {
            let named = move |(index, it)| (format!("{kind}[{index}]"), name(it).as_str());
            all.iter().enumerate().map(named)
        }
        of("wan", &self.wans, |it| &it.name)
            .chain(of("lan", &self.lans, |it| &it.name))
            .chain(of("router", &self.routers, |it| &it.name))
            .chain(of("nat", &self.nats, |it| &it.name))
            .chain(of("host", &self.hosts, |it| &it.name))
    }

    /// All wide-area networks and LANs.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &super::Segment> + Clone {
        self.wans.iter().chain(&self.lans)
    }

    /// Names of the interfaces of hosts, routers and boxes.
    pub(crate) fn interface_names(&self) -> Vec<String> {
        let named = |owner: &str, interfaces: Vec<&Interface>| {
            let name = |(index, interface): (usize, &Interface)| match &interface.name {
                Some(own) => format!("{owner}.{own}"),
                None => format!("{owner}.eth{index}"),
            };
            interfaces.into_iter().enumerate().map(name).collect::<Vec<_>>()
        };
        let hosts =
            self.hosts.iter().flat_map(|host| named(&host.name, host.interfaces.iter().collect()));
        let routers = self.routers.iter().flat_map(|router| {
            named(&router.name, router.attach.iter().map(|point| &point.0).collect())
        });
        let boxes = self
            .nats
            .iter()
            .flat_map(|nat| [format!("{}.inside", nat.name), format!("{}.outside", nat.name)]);
        hosts.chain(routers).chain(boxes).collect()
    }
}
