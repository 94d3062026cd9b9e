//! Segments being built, and the addresses they give out.

use std::{collections::BTreeMap, net::IpAddr};

use base::InterfaceAddress;

use super::{BuildError, Point, assemble::Site};
use crate::{id::NodeId, node::Segment as Middle, observer::NodeKind, prefix::Prefix};

/// First number that routers and boxes on a LAN get.
const FIRST_ROUTER: u64 = 1;
/// First number that everything else gets, in IPv4 and in IPv6.
const FIRST_HOST: (u64, u64) = (10, 0x10);

/// A LAN or a wide-area network.
pub(super) struct Segment {
    pub(super) node: NodeId,
    pub(super) wan: bool,
    pub(super) prefixes: Vec<Prefix>,
    /// Addresses, and the part that has them.
    taken: BTreeMap<IpAddr, String>,
}

impl Site {
    pub(super) fn segment(
        &mut self,
        name: &str,
        node: NodeId,
        wan: bool,
        prefixes: &str,
    ) -> Result<(), BuildError> {
        let parsed: Result<Vec<Prefix>, _> = prefixes.split_whitespace().map(str::parse).collect();
        let prefixes =
            parsed.map_err(|source| BuildError::BadPrefix { part: name.to_owned(), source })?;
        let middle = prefixes.iter().filter_map(|prefix| prefix.nth(FIRST_ROUTER));
        let taken = middle.filter(|_| wan).map(|ip| (ip, name.to_owned())).collect();
        let middle = Middle { wan, prefixes: prefixes.clone() };
        self.nodes.at_mut(node).segment = Some(Box::new(middle));
        self.segments.insert(name.to_owned(), Segment { node, wan, prefixes, taken });
        Ok(())
    }

    pub(super) fn segment_of(
        &mut self,
        part: &str,
        name: &str,
    ) -> Result<&mut Segment, BuildError> {
        if !self.segments.contains_key(name) {
            return Err(BuildError::NoSuchSegment {
                part: part.to_owned(),
                segment: name.to_owned(),
                known: self.segments.keys().cloned().collect(),
            });
        }
        Ok(self.segments.get_mut(name).expect("it was just found"))
    }

    /// Sets the addresses that a point asks for aside, before others are given out.
    pub(super) fn claim(&mut self, part: &str, point: &Point) -> Result<(), BuildError> {
        let segment = self.segment_of(part, &point.segment)?;
        for text in &point.addresses {
            let ip = parse_address(part, text)?.0;
            if let Some(by) = segment.taken.insert(ip, part.to_owned()) {
                let (part, segment) = (part.to_owned(), point.segment.clone());
                return Err(BuildError::AddressTaken { part, ip, segment, by });
            }
        }
        Ok(())
    }

    /// The addresses of an interface: those asked for, else one of each prefix of its segment.
    pub(super) fn addresses(
        &mut self,
        node: NodeId,
        point: &Point,
    ) -> Result<Vec<InterfaceAddress>, BuildError> {
        let (part, kind) = (self.nodes.at(node).name.clone(), self.nodes.at(node).kind());
        let segment = self.segment_of(&part, &point.segment)?;
        if !point.addresses.is_empty() {
            let with_prefix = |text: &String| segment.given(&part, &point.segment, text);
            return point.addresses.iter().map(with_prefix).collect();
        }
        let mut addresses = Vec::new();
        for &prefix in &segment.prefixes {
            let taken = |ip| segment.taken.contains_key(&ip);
            let Some(ip) = first_free(prefix, segment.wan, kind, taken) else {
                return Err(BuildError::NoAddressLeft { part, segment: point.segment.clone() });
            };
            segment.taken.insert(ip, part.clone());
            addresses.push(InterfaceAddress::new(ip, prefix.length()));
        }
        Ok(addresses)
    }
}

impl Segment {
    /// Addresses of the router in the middle of a wide-area network.
    pub(super) fn own_addresses(&self) -> Vec<InterfaceAddress> {
        let own = |prefix: &Prefix| {
            Some(InterfaceAddress::new(prefix.nth(FIRST_ROUTER)?, prefix.length()))
        };
        self.prefixes.iter().filter_map(own).collect()
    }

    /// An address that a part asks for, with its prefix length: its own, or that of the segment.
    fn given(&self, part: &str, name: &str, text: &str) -> Result<InterfaceAddress, BuildError> {
        let (ip, length) = parse_address(part, text)?;
        let around = self.prefixes.iter().find(|prefix| prefix.contains(ip));
        let length = length.or_else(|| around.map(|prefix| prefix.length()));
        let length = length.or_else(|| link_local_length(ip));
        let length = length.ok_or_else(|| BuildError::AddressOutside {
            part: part.to_owned(),
            ip,
            segment: name.to_owned(),
            prefixes: self.prefixes.clone(),
        })?;
        Ok(InterfaceAddress::new(ip, length))
    }
}

/// The first address of the prefix that nobody has, for a node of this kind.
pub(crate) fn first_free(
    prefix: Prefix,
    wan: bool,
    kind: NodeKind,
    taken: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let first = match (kind, prefix.ip().is_ipv4()) {
        (NodeKind::Router | NodeKind::Middlebox, _) if !wan => FIRST_ROUTER,
        (_, true) => FIRST_HOST.0,
        (_, false) => FIRST_HOST.1,
    };
    (first..)
        .map_while(|number| prefix.nth(number))
        .find(|&ip| !taken(ip) && prefix.broadcast() != Some(ip))
}

/// An address, and the length behind it if it has one.
pub(super) fn parse_address(part: &str, text: &str) -> Result<(IpAddr, Option<u8>), BuildError> {
    let bad = || BuildError::BadAddress { part: part.to_owned(), text: text.to_owned() };
    if text.contains('/') {
        let prefix: Prefix = text.parse().map_err(|_| bad())?;
        return Ok((prefix.ip(), Some(prefix.length())));
    }
    Ok((text.parse().map_err(|_| bad())?, None))
}

/// Link-local addresses are on every segment.
const fn link_local_length(ip: IpAddr) -> Option<u8> {
    match ip {
        IpAddr::V4(v4) if v4.is_link_local() => Some(16),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(64),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}
