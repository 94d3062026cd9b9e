//! The parts of a scenario by name.

use simnet::BuildError;

use crate::scenario::{Boxed, Interface, Scenario, Segment};

impl Scenario {
    /// Paths and names of all parts.
    pub(crate) fn names(&self) -> Vec<(String, &str)> {
        let mut all = Vec::new();
        for (kind, index, segment) in self.numbered_segments() {
            all.push((format!("{kind}[{index}]"), segment.name.as_str()));
        }
        for (index, router) in self.routers.iter().enumerate() {
            all.push((format!("router[{index}]"), router.name.as_str()));
        }
        for (kind, index, it) in self.boxes() {
            all.push((format!("{kind}[{index}]"), it.name.as_str()));
        }
        for (index, host) in self.hosts.iter().enumerate() {
            all.push((format!("host[{index}]"), host.name.as_str()));
        }
        all
    }

    /// All wide-area networks and LANs.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Segment> + Clone {
        self.wans.iter().chain(&self.lans)
    }

    /// The same with kind and number.
    pub(crate) fn numbered_segments(
        &self,
    ) -> impl Iterator<Item = (&'static str, usize, &Segment)> {
        let wans = self.wans.iter().enumerate().map(|(index, it)| ("wan", index, it));
        wans.chain(self.lans.iter().enumerate().map(|(index, it)| ("lan", index, it)))
    }

    /// All boxes with kind and number.
    pub(crate) fn boxes<'a>(&'a self) -> impl Iterator<Item = (&'static str, usize, &'a Boxed)> {
        let kinds = [
            ("nat", &self.nats),
            ("firewall", &self.firewalls),
            ("nat64", &self.nat64s),
            ("clat", &self.clats),
        ];
        let numbered = |(kind, all): (&'static str, &'a Vec<Boxed>)| {
            all.iter().enumerate().map(move |(index, it)| (kind, index, it))
        };
        kinds.into_iter().flat_map(numbered)
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
            .boxes()
            .flat_map(|(_, _, it)| [format!("{}.inside", it.name), format!("{}.outside", it.name)]);
        hosts.chain(routers).chain(boxes).collect()
    }
}

/// A path for people: `nat[0]` is "the first `[[nat]]`".
pub(super) fn in_words(path: &str) -> String {
    let Some((kind, index)) = path.split_once('[') else { return path.to_owned() };
    let index: usize = index.trim_end_matches(']').parse().unwrap_or(0);
    format!("number {} of `[[{kind}]]`", index + 1)
}

/// The path of the part that an error is about.
pub(super) fn of_error(scenario: &Scenario, error: &BuildError) -> String {
    let name = match error {
        BuildError::DuplicateName(name)
        | BuildError::TooFewAttachments(name)
        | BuildError::TooManyInterfaces(name) => name,
        BuildError::NoSuchSegment { part, .. }
        | BuildError::BadPrefix { part, .. }
        | BuildError::BadAddress { part, .. }
        | BuildError::NoAddressLeft { part, .. }
        | BuildError::AddressTaken { part, .. } => part,
        BuildError::NoSuchLink { from, to } | BuildError::BadLink { from, to, .. } => {
            let fits = |link: &crate::Link| {
                let (one, other) = (&link.between.0, &link.between.1);
                (one, other) == (from, to) || (one, other) == (to, from)
            };
            let index = scenario.links.iter().position(fits);
            return index.map_or_else(String::new, |index| format!("link[{index}]"));
        }
        _ => return String::new(),
    };
    let part = scenario.names().into_iter().find(|(_, known)| known == name);
    part.map(|(path, _)| path).unwrap_or_default()
}
