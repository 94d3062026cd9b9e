//! What discovery finds out.

use std::{fmt, net::SocketAddr, time::Duration};

/// How a NAT treats UDP, as far as it could be seen: RFC 4787, RFC 5780. What could not be seen is
/// `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NatBehavior {
    /// Whether the address the server sees is another than the local one.
    pub is_translated: bool,
    /// The address the server sees for the first local address.
    pub mapped: Option<SocketAddr>,
    /// When a new destination gets a new mapping: RFC 5780 §4.3.
    pub mapping: Option<Dependence>,
    /// What is let in: RFC 5780 §4.4.
    pub filtering: Option<Dependence>,
    /// Whether two hosts behind the NAT reach each other by their mapped addresses: RFC 4787 §6.
    pub hairpin: Option<Hairpinning>,
    /// How external ports are chosen: RFC 4787 §4.2.1.
    pub port_assignment: Option<PortAssignment>,
    /// How long a mapping lasts without traffic: RFC 5780 §4.6.
    pub lifetime: Option<Lifetime>,
    /// Whether fragments pass in both directions: RFC 5780 §7.6.
    pub passes_fragments: Option<bool>,
}

/// On what of the remote endpoint something depends: RFC 4787 §4.1, §5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependence {
    /// On nothing.
    EndpointIndependent,
    /// On the address.
    AddressDependent,
    /// On address and port.
    AddressAndPortDependent,
}

impl fmt::Display for Dependence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::EndpointIndependent => "endpoint-independent",
            Self::AddressDependent => "address-dependent",
            Self::AddressAndPortDependent => "address- and port-dependent",
        })
    }
}

/// Whether packets from inside to a mapped address come back in: RFC 4787 §6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hairpinning {
    /// None came. A NAT that filters them like packets from outside, and whose mapping and filtering
    /// both depend on the endpoint, looks the same: nobody can make use of its hairpinning.
    Absent,
    /// They come with the internal address of their sender.
    InternalSource,
    /// They come with the mapped address of their sender, as they should.
    ExternalSource,
}

/// How external ports are chosen: RFC 4787 §4.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortAssignment {
    /// The local port, while it is free.
    Preserves,
    /// The local port, even if another host has it: two local addresses with one port were seen with
    /// one external port. Seen only if the local addresses allow it.
    Overloads,
    /// One after the other, this far apart.
    Sequential {
        /// From each to the next, wrapping.
        step: i16,
    },
    /// By no rule that shows.
    Random,
}

/// Bounds of how long a mapping lasts without traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lifetime {
    /// It lasted this long.
    pub at_least: Duration,
    /// It did not last this long; `None` if it outlasted the search.
    pub at_most: Option<Duration>,
}

/// Tells a rule from the local addresses and the mapped ones that belong to them, in the order they
/// were made.
pub(super) fn classify(pairs: &[(SocketAddr, SocketAddr)]) -> Option<PortAssignment> {
    if pairs.len() < 2 {
        return None;
    }
    let preserved = pairs.iter().filter(|(local, mapped)| local.port() == mapped.port()).count();
    if preserved * 2 > pairs.len() {
        let overloads = pairs.iter().enumerate().any(|(nth, (local, mapped))| {
            pairs.iter().skip(nth + 1).any(|(other, other_mapped)| {
                local != other && local.port() == other.port() && mapped == other_mapped
            })
        });
        return Some(if overloads { PortAssignment::Overloads } else { PortAssignment::Preserves });
    }
    Some(sequence(pairs).unwrap_or(PortAssignment::Random))
}

/// The longest step that is taken for a rule rather than for chance.
const MAX_STEP: u16 = 64;

/// A step that all mapped ports but one keep to: at one place the NAT may have wrapped around, or
/// another host may have come between. Two steps at least must agree.
fn sequence(pairs: &[(SocketAddr, SocketAddr)]) -> Option<PortAssignment> {
    let ports = || pairs.iter().map(|(_, mapped)| mapped.port());
    let steps: Vec<i16> = ports()
        .zip(ports().skip(1))
        .map(|(port, next)| i16::from_be_bytes(next.wrapping_sub(port).to_be_bytes()))
        .collect();
    let small = |step: &i16| *step != 0 && step.unsigned_abs() <= MAX_STEP;
    let agreeing = |step: i16| steps.iter().filter(|other| **other == step).count();
    let step = steps.iter().copied().filter(small).max_by_key(|step| agreeing(*step))?;
    let enough = agreeing(step) >= 2.min(steps.len()) && agreeing(step) + 1 >= steps.len();
    enough.then_some(PortAssignment::Sequential { step })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn pairs(local: &[u16], mapped: &[u16]) -> Vec<(SocketAddr, SocketAddr)> {
        let at = |ip, port: &u16| SocketAddr::from((ip, *port));
        let local = local.iter().map(|port| at([10, 0, 0, 2], port));
        local.zip(mapped.iter().map(|port| at([192, 0, 2, 1], port))).collect()
    }

    #[rstest]
    #[case::preserves(&[5000, 6001, 7005, 8002], Some(PortAssignment::Preserves))]
    #[case::preserves_but_one(&[5000, 6001, 1024, 8002], Some(PortAssignment::Preserves))]
    #[case::upwards(&[1024, 1025, 1026, 1027], Some(PortAssignment::Sequential { step: 1 }))]
    #[case::in_twos(&[1024, 1026, 1028, 1030], Some(PortAssignment::Sequential { step: 2 }))]
    #[case::downwards(&[9, 8, 7, 6], Some(PortAssignment::Sequential { step: -1 }))]
    #[case::wrapping(&[65534, 65535, 1024, 1025], Some(PortAssignment::Sequential { step: 1 }))]
    #[case::random(&[4711, 60123, 33333, 1999], Some(PortAssignment::Random))]
    #[case::one_small_step_by_chance(&[4711, 4713, 33333, 1999], Some(PortAssignment::Random))]
    #[case::constant(&[4711, 4711, 4711, 4711], Some(PortAssignment::Random))]
    fn tells_the_rule(#[case] mapped: &[u16], #[case] rule: Option<PortAssignment>) {
        assert_eq!(classify(&pairs(&[5000, 6001, 7005, 8002], mapped)), rule);
    }

    #[test]
    fn one_port_tells_nothing() {
        assert_eq!(classify(&pairs(&[5000], &[5000])), None);
    }

    #[test]
    fn overloading_shows_with_one_port_on_two_addresses() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let mapped = at("192.0.2.1:5000");
        let shared = [(at("10.0.0.2:5000"), mapped), (at("10.0.0.3:5000"), mapped)];
        assert_eq!(classify(&shared), Some(PortAssignment::Overloads));
    }
}
