//! Whether what happens can happen.

use simnet::Topology;

use super::{Checker, Finding};
use crate::{
    run::Directory,
    scenario::{Do, Scenario, Sides},
};

impl Checker<'_> {
    pub(super) fn events(&mut self) {
        for (index, event) in self.scenario.events.iter().enumerate() {
            self.event(&format!("at[{index}].do"), &event.action);
        }
    }

    fn event(&mut self, path: &str, action: &Do) {
        let nats = self.scenario.nats.iter().chain(&self.scenario.nat64s);
        let nats = nats.map(|nat| nat.name.as_str());
        let hosts = self.scenario.hosts.iter().map(|host| host.name.as_str());
        let part = ("event", path);
        match action {
            Do::LinkDown(name) => self.interface_name(&format!("{path}.link-down"), name),
            Do::LinkUp(name) => self.interface_name(&format!("{path}.link-up"), name),
            Do::Link(link) => self.link(&format!("{path}.link"), link),
            Do::AddressAdd(it) | Do::AddressRemove(it) => {
                self.interface_name(path, &it.interface);
                self.address(path, &it.address, ("interface", &it.interface));
            }
            Do::RouteAdd(it) | Do::RouteRemove(it) => {
                self.interface_name(path, &it.interface);
                self.prefix(path, &it.to, ("interface", &it.interface));
                if let Some(via) = &it.via {
                    self.address(path, via, ("interface", &it.interface));
                }
            }
            Do::Crash(name) => self.refer(&format!("{path}.crash"), "host", name, hosts),
            Do::Restart(name) => self.refer(&format!("{path}.restart"), "host", name, hosts),
            Do::NatReboot(name) => self.refer(&format!("{path}.nat-reboot"), "NAT", name, nats),
            Do::NatAddress(it) => {
                self.refer(&format!("{path}.nat-address.nat"), "NAT", &it.nat, nats);
                self.address(&format!("{path}.nat-address.address"), &it.address, part);
            }
            Do::Partition(sides) => self.sides(&format!("{path}.partition"), sides),
            Do::Heal(sides) => self.sides(&format!("{path}.heal"), sides),
            Do::Signalling(_) => {}
        }
    }

    fn interface_name(&mut self, path: &str, interface: &str) {
        let known = self.scenario.interface_names();
        self.refer(path, "interface", interface, known.iter().map(String::as_str));
    }

    fn sides(&mut self, path: &str, sides: &Sides) {
        let hosts = self.scenario.hosts.iter().map(|host| host.name.as_str());
        let known: Vec<_> =
            hosts.chain(self.scenario.segments().map(|it| it.name.as_str())).collect();
        for (key, side) in [("one", &sides.one), ("other", &sides.other)] {
            for name in side {
                let path = format!("{path}.{key}");
                self.refer(&path, "host or segment", name, known.iter().copied());
            }
        }
    }
}

/// Links that events change although no such link is there.
pub(super) fn unattached(scenario: &Scenario, topology: &Topology) -> Vec<Finding> {
    let directory = Directory::of(topology);
    let mut found = Vec::new();
    for (index, event) in scenario.events.iter().enumerate() {
        let Do::Link(link) = &event.action else { continue };
        let (one, other) = (link.between.0.as_str(), link.between.1.as_str());
        if directory.between(one, other).is_some() {
            continue;
        }
        let message = format!("`{one}` and `{other}` are not attached to each other");
        let near = directory.attached(one);
        let suggestion = if near.is_empty() {
            format!("nothing is attached to `{one}`")
        } else {
            format!("`{one}` is attached to: {}", near.join(", "))
        };
        let finding = Finding::new(format!("at[{index}].do.link.between"), message);
        found.push(finding.suggesting(suggestion));
    }
    found
}
