//! The customer's end of 464XLAT: RFC 6877 §6.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{
    config::{ClatConfig, ClatSource},
    header::{self, Mtus, kind_to_ipv4, kind_to_ipv6, to_ipv4, to_ipv6},
    report, untranslatable,
};
use crate::{
    event::DropReason,
    middlebox::{Middlebox, Outlet, Side},
    packet::{Body, Icmp, IcmpError, Packet, is_link_scoped},
    prefix::Prefix,
};

/// A CLAT: IPv4 inside, IPv6 outside, without state. Together with a [`Nat64`](super::Nat64) on the way
/// it carries IPv4 over a network that has none.
///
/// ```
/// use simnet::{
///     Host, Network,
///     nat64::{Clat, ClatConfig, Config, Nat64},
/// };
/// use std::time::Duration;
///
/// let mut net = Network::builder(7)
///     .wan("wan", "11.0.0.0/8")
///     .lan("cell", "2001:db8:1::/64")
///     .lan("phone", "192.0.0.0/29")
///     .nat("plat", "cell", "wan", Nat64::new(Config::default()))
///     .nat("clat", "phone", "cell", Clat::new(ClatConfig::default()))
///     .host("app", Host::on("phone").address("192.0.0.2"))
///     .host("server", Host::on("wan").address("11.0.0.3"))
///     .build()
///     .expect("the description fits together");
/// let app = net.bind(net.node("app"), "0.0.0.0:4000".parse().unwrap()).unwrap();
/// let server = net.bind(net.node("server"), "0.0.0.0:3478".parse().unwrap()).unwrap();
///
/// net.send(app, "11.0.0.3:3478".parse().unwrap(), b"hello");
/// net.run_for(Duration::from_secs(1));
/// let hello = net.receive(server).expect("IPv4, IPv6, IPv4");
/// net.send(server, hello.source, b"hello yourself");
/// net.run_for(Duration::from_secs(1));
/// assert_eq!(net.receive(app).unwrap().source.to_string(), "11.0.0.3:3478");
/// ```
pub struct Clat {
    config: ClatConfig,
    inside: Option<Ipv4Addr>,
    outside: Option<Ipv6Addr>,
}

impl Clat {
    /// A CLAT that does what `config` says.
    #[must_use]
    pub const fn new(config: ClatConfig) -> Self {
        Self { config, inside: None, outside: None }
    }

    /// What it does.
    #[must_use]
    pub const fn config(&self) -> &ClatConfig {
        &self.config
    }

    /// The IPv6 address that stands for an inside host.
    fn outer(&self, host: Ipv4Addr) -> Option<Ipv6Addr> {
        match self.config.source {
            ClatSource::Interface(one) => self.outside.filter(|_| one == host),
            ClatSource::Prefix(prefix) => Some(prefix.embed(host)),
        }
    }

    /// The inside host that an IPv6 address stands for.
    fn inner(&self, ip: Ipv6Addr) -> Option<Ipv4Addr> {
        match self.config.source {
            ClatSource::Interface(one) => (self.outside == Some(ip)).then_some(one),
            ClatSource::Prefix(prefix) => prefix.extract(ip),
        }
    }

    /// Makes a packet from inside IPv6; whether its addresses have counterparts.
    fn to_network(&self, packet: &mut Packet, mtus: Mtus) -> Option<()> {
        let (IpAddr::V4(source), IpAddr::V4(destination)) =
            (packet.source_ip, packet.destination_ip)
        else {
            return None;
        };
        let source = self.outer(source)?;
        if let Body::Icmp(Icmp::Error { kind, quote }) = &mut packet.body {
            // RFC 7915 §4.3: the packet in question came from the network to the host.
            let (IpAddr::V4(remote), IpAddr::V4(host)) =
                (quote.source.ip(), quote.destination.ip())
            else {
                return None;
            };
            let host = self.outer(host)?;
            quote.source.set_ip(self.config.plat_prefix.embed(remote).into());
            quote.destination.set_ip(host.into());
            *kind = kind_to_ipv6(*kind, mtus);
        }
        packet.source_ip = source.into();
        packet.destination_ip = self.config.plat_prefix.embed(destination).into();
        to_ipv6(packet);
        Some(())
    }

    /// Makes a packet from the network IPv4; whether its addresses have counterparts.
    fn to_hosts(&self, packet: &mut Packet, mtus: Mtus) -> Option<()> {
        let (IpAddr::V6(source), IpAddr::V6(destination)) =
            (packet.source_ip, packet.destination_ip)
        else {
            return None;
        };
        let destination = self.inner(destination)?;
        let mut source = self.config.plat_prefix.extract(source);
        if let Body::Icmp(Icmp::Error { kind, quote }) = &mut packet.body {
            let (IpAddr::V6(host), IpAddr::V6(remote)) =
                (quote.source.ip(), quote.destination.ip())
            else {
                return None;
            };
            let (host, remote) = (self.inner(host)?, self.config.plat_prefix.extract(remote)?);
            // A router of the IPv6 network has no IPv4 address: the CLAT's own stands for it.
            source = Some(source.or(self.inside)?);
            quote.source.set_ip(host.into());
            quote.destination.set_ip(remote.into());
            *kind = kind_to_ipv4(*kind, mtus);
        }
        packet.source_ip = source?.into();
        packet.destination_ip = destination.into();
        to_ipv4(packet);
        Some(())
    }

    /// Takes a hop off and sends the translation on, if it lives and fits.
    fn pass(&self, from: Side, mut packet: Packet, out: &mut Outlet<'_>) {
        let mtus = Mtus { ipv6: out.mtu(Side::OUTSIDE), ipv4: out.mtu(Side::INSIDE) };
        let before = (packet.source_ip, packet.destination_ip);
        let (to, translated) = if from == Side::INSIDE {
            (Side::OUTSIDE, self.to_network(&mut packet, mtus))
        } else {
            (Side::INSIDE, self.to_hosts(&mut packet, mtus))
        };
        if translated.is_none() {
            untranslatable(packet, "its addresses have no counterpart: RFC 6877 §6.3", out);
            return;
        }
        let (mtu, unbreakable) = match to {
            Side::INSIDE => (mtus.ipv4, packet.dont_fragment),
            _ => (mtus.ipv6, packet.split_at.is_none()),
        };
        let fault = if !packet.decrement_hop_limit() {
            Some((IcmpError::TimeExceeded, DropReason::HopLimit))
        } else if unbreakable && packet.ip_length() > usize::try_from(mtu).unwrap_or(usize::MAX) {
            let mtu = match to {
                Side::INSIDE => mtu.saturating_add(header::DIFFERENCE),
                _ => mtu.saturating_sub(header::DIFFERENCE),
            };
            Some((IcmpError::TooBig { mtu }, DropReason::TooBig))
        } else {
            None
        };
        let Some((kind, reason)) = fault else {
            out.forward(to, packet);
            return;
        };
        // The sender knows it by its old addresses.
        (packet.source_ip, packet.destination_ip) = before;
        report(from, &packet, kind, out);
        out.drop(packet, reason);
    }
}

impl Middlebox for Clat {
    fn announces(&self, _: &[Prefix]) -> Vec<Prefix> {
        match self.config.source {
            ClatSource::Interface(_) => Vec::new(),
            ClatSource::Prefix(prefix) => {
                Prefix::new(prefix.ip().into(), prefix.length()).into_iter().collect()
            }
        }
    }

    fn start(&mut self, out: &mut Outlet<'_>) {
        let inside = out.addresses(Side::INSIDE).iter();
        self.inside = inside.map(|address| address.ip).find_map(|ip| match ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        });
        let outside = out.addresses(Side::OUTSIDE).iter();
        self.outside = outside.map(|address| address.ip).find_map(|ip| match ip {
            IpAddr::V6(ip) => Some(ip),
            IpAddr::V4(_) => None,
        });
    }

    fn handle_packet(&mut self, side: Side, packet: Packet, out: &mut Outlet<'_>) {
        let destination = packet.destination_ip;
        if is_link_scoped(destination) {
            out.drop(packet, DropReason::NotForwarded);
        } else if side == Side::INSIDE && self.inside.map(IpAddr::V4) == Some(destination) {
            out.drop(packet, DropReason::NotForUs);
        } else {
            self.pass(side, packet, out);
        }
    }
}

impl fmt::Debug for Clat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clat").field("config", &self.config).finish_non_exhaustive()
    }
}
