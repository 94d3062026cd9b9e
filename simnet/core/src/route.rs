//! Which way to an address.

use std::net::IpAddr;

use crate::{
    id::HopId,
    prefix::{Prefix, number},
};

/// The way to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// The interface to leave by.
    pub(crate) hop: HopId,
    /// The router on that segment to hand the packet to; `None` if the destination itself is there.
    pub(crate) gateway: Option<IpAddr>,
    /// Lower is better among routes of one length.
    pub(crate) metric: u32,
}

/// A route that a description or a caller gives a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticRoute {
    /// Where it leads.
    pub prefix: Prefix,
    /// The interface to leave by.
    pub hop: HopId,
    /// The router on that segment to hand packets to; `None` if the destination itself is there.
    pub gateway: Option<IpAddr>,
    /// Among routes to one prefix the lowest is taken; routes that the network works out by itself have
    /// 1 or more, those to a node's own segments 0.
    pub metric: u32,
}

impl StaticRoute {
    /// A route before all others to `prefix`.
    #[must_use]
    pub const fn new(prefix: Prefix, hop: HopId, gateway: Option<IpAddr>) -> Self {
        Self { prefix, hop, gateway, metric: 0 }
    }

    pub(crate) const fn entry(self) -> (Prefix, Route) {
        let Self { prefix, hop, gateway, metric } = self;
        (prefix, Route { hop, gateway, metric })
    }
}

/// A table of routes: the longest prefix wins, then the lowest metric, then the first entered.
///
/// Routes to single addresses are found by binary search, so that a wide-area network with many
/// attachments stays fast; the few others are kept with the longest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct RouteTable {
    hosts: Vec<(bool, u128, Route)>,
    prefixes: Vec<(Prefix, Route)>,
}

impl RouteTable {
    /// Enters a route; says whether the table changed, which it does not for a prefix and interface that
    /// has an equal or better one.
    pub(crate) fn add(&mut self, prefix: Prefix, route: Route) -> bool {
        if prefix == Prefix::host(prefix.ip()) {
            let key = (prefix.ip().is_ipv6(), number(prefix.ip()));
            match self.hosts.binary_search_by_key(&key, |entry| (entry.0, entry.1)) {
                Ok(at) => match self.hosts.get_mut(at) {
                    Some(entry) if route.metric < entry.2.metric => entry.2 = route,
                    _ => return false,
                },
                Err(at) => self.hosts.insert(at, (key.0, key.1, route)),
            }
            return true;
        }
        let same = |entry: &(Prefix, Route)| entry.0 == prefix && entry.1.hop == route.hop;
        if let Some(at) = self.prefixes.iter().position(same) {
            if self.prefixes.get(at).is_some_and(|entry| entry.1.metric <= route.metric) {
                return false;
            }
            self.prefixes.remove(at);
        }
        let rank = |prefix: Prefix, metric| (u8::MAX - prefix.length(), metric);
        let at = self
            .prefixes
            .partition_point(|entry| rank(entry.0, entry.1.metric) <= rank(prefix, route.metric));
        self.prefixes.insert(at, (prefix, route));
        true
    }

    /// The best route to `destination` whose interface is acceptable.
    #[inline]
    pub(crate) fn find(
        &self,
        destination: IpAddr,
        mut accept: impl FnMut(&Route) -> bool,
    ) -> Option<Route> {
        if !self.hosts.is_empty() {
            let key = (destination.is_ipv6(), number(destination));
            if let Ok(at) = self.hosts.binary_search_by_key(&key, |entry| (entry.0, entry.1)) {
                let found = self.hosts.get(at).map(|entry| entry.2).filter(|route| accept(route));
                if found.is_some() {
                    return found;
                }
            }
        }
        self.prefixes
            .iter()
            .find(|(prefix, route)| prefix.contains(destination) && accept(route))
            .map(|entry| entry.1)
    }

    /// Takes the route to `prefix` by `hop` out; says whether there was one.
    pub(crate) fn remove(&mut self, prefix: Prefix, hop: HopId) -> bool {
        let before = self.hosts.len() + self.prefixes.len();
        if prefix == Prefix::host(prefix.ip()) {
            let key = (prefix.ip().is_ipv6(), number(prefix.ip()));
            self.hosts.retain(|entry| (entry.0, entry.1) != key || entry.2.hop != hop);
        } else {
            self.prefixes.retain(|entry| entry.0 != prefix || entry.1.hop != hop);
        }
        before > self.hosts.len() + self.prefixes.len()
    }

    /// Every prefix with its route.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Prefix, Route)> {
        let host = |&(ipv6, number, route): &(bool, u128, Route)| {
            let ip = if ipv6 {
                IpAddr::from(number.to_be_bytes())
            } else {
                let [.., a, b, c, d] = number.to_be_bytes();
                IpAddr::from([a, b, c, d])
            };
            (Prefix::host(ip), route)
        };
        self.hosts.iter().map(host).chain(self.prefixes.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn table() -> RouteTable {
        let mut table = RouteTable::default();
        let entries = [
            ("0.0.0.0/0", 0, 1),
            ("0.0.0.0/0", 1, 0),
            ("10.0.0.0/8", 2, 0),
            ("10.1.0.0/16", 3, 9),
            ("10.1.2.3/32", 4, 0),
            ("::/0", 5, 0),
        ];
        for (prefix, hop, metric) in entries {
            let route = Route { hop: HopId(hop), gateway: None, metric };
            assert!(table.add(prefix.parse().unwrap(), route));
        }
        table
    }

    #[rstest]
    #[case::lowest_metric("8.8.8.8", 1)]
    #[case::longer("10.2.0.0", 2)]
    #[case::longest_whatever_the_metric("10.1.9.9", 3)]
    #[case::host("10.1.2.3", 4)]
    #[case::family("2001:db8::1", 5)]
    fn longest_prefix_wins_then_metric(#[case] destination: IpAddr, #[case] hop: u32) {
        let route = table().find(destination, |_| true).unwrap();
        assert_eq!(route.hop, HopId(hop));
    }

    #[test]
    fn falls_back_when_an_interface_is_unacceptable() {
        let destination = "10.1.2.3".parse().unwrap();
        let route = table().find(destination, |route| route.hop.get() < 2).unwrap();
        assert_eq!(route.hop, HopId(1));
    }

    #[test]
    fn a_worse_route_changes_nothing() {
        let mut table = table();
        let worse = Route { hop: HopId(3), gateway: None, metric: 10 };
        assert!(!table.add("10.1.0.0/16".parse().unwrap(), worse));
        let better = Route { metric: 1, ..worse };
        assert!(table.add("10.1.0.0/16".parse().unwrap(), better));
        assert_eq!(table.iter().count(), 6);
    }
}
