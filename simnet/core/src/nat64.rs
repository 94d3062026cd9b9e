//! Between IPv6 and IPv4: NAT64 (RFC 6146) and the CLAT of 464XLAT (RFC 6877).
//!
//! A [`Nat64`] gives hosts that have IPv6 alone a share of IPv4 addresses. It is a [`Nat`] whose inside
//! speaks IPv6, with a translation of headers around it: mappings, filters, ports, timers, TCP states,
//! fragments and hairpinning are those of `nat/`. A [`Clat`] gives programs that know IPv4 alone a way
//! through a network without it, and keeps no state.
//!
//! | file | holds |
//! |---|---|
//! | `config.rs` | [`Config`], [`ClatConfig`] |
//! | `pref64.rs` | [`Pref64`]: IPv4 addresses inside IPv6 ones (RFC 6052) |
//! | `header.rs` | headers and ICMP messages from one family to the other (RFC 7915) |
//! | `clat.rs` | [`Clat`] |

mod clat;
mod config;
mod header;
mod pref64;

use std::{fmt, net::IpAddr};

use base::Instant;

pub use clat::Clat;
pub use config::{ClatConfig, ClatSource, Config};
pub use pref64::{BadPref64, Pref64};

use self::header::{Mtus, to_ipv4, to_ipv6};
use crate::{
    event::DropReason,
    middlebox::{Action, Middlebox, Outlet, Side},
    nat::Nat,
    packet::{Body, Icmp, IcmpError, Packet, Quote},
    prefix::Prefix,
};

/// A NAT64: IPv6 inside, IPv4 outside. IPv6 packets to other destinations than its prefix pass as the
/// `ipv6` key of its NAT says.
///
/// ```
/// use simnet::{
///     Host, Network,
///     nat64::{Config, Nat64},
/// };
/// use std::time::Duration;
///
/// let mut net = Network::builder(7)
///     .wan("wan", "11.0.0.0/8")
///     .lan("cell", "2001:db8:1::/64")
///     .nat("plat", "cell", "wan", Nat64::new(Config::default()))
///     .host("phone", Host::on("cell"))
///     .host("server", Host::on("wan").address("11.0.0.3"))
///     .build()
///     .expect("the description fits together");
/// let phone = net.bind(net.node("phone"), "[::]:4000".parse().unwrap()).unwrap();
/// let server = net.bind(net.node("server"), "0.0.0.0:3478".parse().unwrap()).unwrap();
///
/// net.send(phone, "[64:ff9b::11.0.0.3]:3478".parse().unwrap(), b"hello");
/// net.run_for(Duration::from_secs(1));
/// let hello = net.receive(server).expect("it crosses to IPv4");
/// net.send(server, hello.source, b"hello yourself");
/// net.run_for(Duration::from_secs(1));
/// let answer = net.receive(phone).expect("and back");
/// assert_eq!(answer.source.to_string(), "[64:ff9b::b00:3]:3478");
/// ```
pub struct Nat64 {
    prefix: Pref64,
    strict: bool,
    nat: Nat,
    /// Kept between calls for its memory.
    actions: Vec<Action>,
}

/// What the wrapping knows of a packet before the NAT has it.
struct Entry {
    side: Side,
    /// What to quote if it turns out too big for the other side, though it must not be fragmented.
    quote: Option<Packet>,
}

impl Nat64 {
    /// A NAT64 without any state.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            prefix: config.prefix,
            strict: config.strict_well_known,
            nat: Nat::new(config.nat).between_families(),
            actions: Vec::new(),
        }
    }

    /// The prefix under which its inside sees IPv4.
    #[must_use]
    pub const fn prefix(&self) -> Pref64 {
        self.prefix
    }

    /// The NAT within: its internal endpoints are IPv6, its external and remote ones IPv4.
    #[must_use]
    pub const fn nat(&self) -> &Nat {
        &self.nat
    }

    /// Loses all state, as a box does that loses power.
    pub fn reboot(&mut self) {
        self.nat.reboot();
    }

    /// Checks that the books are in order.
    ///
    /// # Errors
    ///
    /// What is wrong, in words. It is a bug of this crate.
    pub fn audit(&self) -> Result<(), String> {
        self.nat.audit()
    }

    /// From inside: to IPv4 if the destination says so. None if the packet ended.
    fn take_in(&self, mut packet: Packet, out: &mut Outlet<'_>) -> Option<Packet> {
        let (IpAddr::V6(source), IpAddr::V6(destination)) =
            (packet.source_ip, packet.destination_ip)
        else {
            return Some(packet);
        };
        if self.prefix.contains(source) {
            // RFC 6146 §3.5, §5.4: it could turn around here for ever.
            untranslatable(packet, "a source address within the prefix: RFC 6146 §5.4", out);
            return None;
        }
        let Some(target) = self.prefix.extract(destination) else {
            return Some(packet);
        };
        if self.strict && self.prefix.is_well_known() && !pref64::is_global(target) {
            untranslatable(
                packet,
                "a private address in the well-known prefix: RFC 6052 §3.1",
                out,
            );
            return None;
        }
        if packet.hop_limit <= 1 {
            self.report(Side::INSIDE, &packet, IcmpError::TimeExceeded, out);
            out.drop(packet, DropReason::HopLimit);
            return None;
        }
        packet.destination_ip = target.into();
        if !self.quote_to_ipv4(&mut packet, mtus(out)) {
            let packet = self.to_inside(packet, mtus(out));
            untranslatable(packet, "it quotes a packet from another network: RFC 7915 §5.3", out);
            return None;
        }
        to_ipv4(&mut packet);
        let mtu = out.mtu(Side::OUTSIDE);
        if packet.dont_fragment && packet.ip_length() > usize::try_from(mtu).unwrap_or(usize::MAX) {
            let mtu = mtu.saturating_add(header::DIFFERENCE);
            let packet = self.to_inside(packet, mtus(out));
            self.report(Side::INSIDE, &packet, IcmpError::TooBig { mtu }, out);
            out.drop(packet, DropReason::TooBig);
            return None;
        }
        Some(packet)
    }

    /// Makes an ICMPv6 error and its quote IPv4; whether that can be done.
    fn quote_to_ipv4(&self, packet: &mut Packet, mtus: Mtus) -> bool {
        let Body::Icmp(Icmp::Error { kind, quote }) = &mut packet.body else { return true };
        let IpAddr::V6(remote) = quote.source.ip() else { return true };
        let Some(remote) = self.prefix.extract(remote) else { return false };
        quote.source.set_ip(remote.into());
        *kind = header::kind_to_ipv4(*kind, mtus);
        true
    }

    /// What the NAT decided, in the family of the side it goes to.
    fn give_out(&self, action: Action, entry: &Entry, out: &mut Outlet<'_>) {
        match action {
            Action::Forward(Side::INSIDE, packet) => {
                let mtus = mtus(out);
                let packet = self.to_inside(packet, mtus);
                let mtu = usize::try_from(mtus.ipv6).unwrap_or(usize::MAX);
                match &entry.quote {
                    Some(original) if packet.ip_length() > mtu => {
                        let mtu = mtus.ipv6.saturating_sub(header::DIFFERENCE);
                        self.report(Side::OUTSIDE, original, IcmpError::TooBig { mtu }, out);
                        out.drop(packet, DropReason::TooBig);
                    }
                    _ => out.forward(Side::INSIDE, packet),
                }
            }
            // Its report has no address that the inside understands: this box reports instead.
            Action::Send(Side::INSIDE, packet) if is_mixed(&packet) && is_error(&packet) => {}
            Action::Send(Side::INSIDE, packet) => {
                let packet = self.to_inside(packet, mtus(out));
                out.send(Side::INSIDE, packet);
            }
            Action::Drop(packet, reason, note) => {
                let packet = self.to_inside(packet, mtus(out));
                let shortage = matches!(reason, DropReason::NatNoPort | DropReason::NatLimit);
                if shortage && entry.side == Side::INSIDE {
                    // RFC 6146 §3.5.1.1: the host learns that no address is left for it.
                    self.report(Side::INSIDE, &packet, IcmpError::HostUnreachable, out);
                }
                out.drop_because(packet, reason, || note);
            }
            other => out.act(other),
        }
    }

    /// Tells the sender of `packet`, on `side`, what is wrong with it.
    fn report(&self, side: Side, packet: &Packet, kind: IcmpError, out: &mut Outlet<'_>) {
        if self.nat.config().icmp.originates {
            report(side, packet, kind, out);
        }
    }

    /// A packet whose addresses are of two families, as the inside sees it; others stay as they are.
    fn to_inside(&self, mut packet: Packet, mtus: Mtus) -> Packet {
        match (packet.source_ip, packet.destination_ip) {
            (IpAddr::V4(source), IpAddr::V6(_)) => {
                packet.source_ip = self.prefix.embed(source).into();
                if let Body::Icmp(Icmp::Error { kind, quote }) = &mut packet.body {
                    self.quote_to_ipv6(quote);
                    *kind = header::kind_to_ipv6(*kind, mtus);
                }
                to_ipv6(&mut packet);
            }
            (IpAddr::V6(_), IpAddr::V4(destination)) => {
                packet.destination_ip = self.prefix.embed(destination).into();
                if let Body::Icmp(Icmp::Error { quote, .. }) = &mut packet.body {
                    self.quote_to_ipv6(quote);
                }
            }
            _ => {}
        }
        packet
    }

    fn quote_to_ipv6(&self, quote: &mut Quote) {
        for end in [&mut quote.source, &mut quote.destination] {
            if let IpAddr::V4(ip) = end.ip() {
                end.set_ip(self.prefix.embed(ip).into());
            }
        }
    }

    /// Lets the NAT act, and makes what it decides fit the two sides.
    fn with_nat(
        &mut self,
        entry: &Entry,
        out: &mut Outlet<'_>,
        call: impl FnOnce(&mut Nat, &mut Outlet<'_>),
    ) {
        let mut actions = std::mem::take(&mut self.actions);
        call(&mut self.nat, &mut out.nested(&mut actions));
        for action in actions.drain(..) {
            self.give_out(action, entry, out);
        }
        self.actions = actions;
    }
}

impl Middlebox for Nat64 {
    fn announces(&self, inside: &[Prefix]) -> Vec<Prefix> {
        self.nat.announces(inside)
    }

    fn start(&mut self, out: &mut Outlet<'_>) {
        self.nat.start(out);
    }

    fn handle_packet(&mut self, side: Side, packet: Packet, out: &mut Outlet<'_>) {
        let packet = if side == Side::INSIDE { self.take_in(packet, out) } else { Some(packet) };
        let Some(packet) = packet else { return };
        let unbreakable = side != Side::INSIDE && !packet.is_ipv6() && packet.dont_fragment;
        let room = usize::try_from(out.mtu(Side::INSIDE).saturating_sub(header::DIFFERENCE));
        let large = packet.ip_length() > room.unwrap_or(usize::MAX);
        let quote = (unbreakable && large).then(|| packet.clone());
        self.with_nat(&Entry { side, quote }, out, |nat, out| nat.handle_packet(side, packet, out));
    }

    fn handle_addresses(&mut self, side: Side, out: &mut Outlet<'_>) {
        let entry = Entry { side: Side::OUTSIDE, quote: None };
        self.with_nat(&entry, out, |nat, out| nat.handle_addresses(side, out));
    }

    fn handle_timeout(&mut self, out: &mut Outlet<'_>) {
        let entry = Entry { side: Side::OUTSIDE, quote: None };
        self.with_nat(&entry, out, Nat::handle_timeout);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.nat.poll_timeout()
    }
}

impl fmt::Debug for Nat64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nat64")
            .field("prefix", &self.prefix)
            .field("nat", &self.nat)
            .finish_non_exhaustive()
    }
}

/// What the two sides carry: IPv6 inside, IPv4 outside.
fn mtus(out: &Outlet<'_>) -> Mtus {
    Mtus { ipv6: out.mtu(Side::INSIDE), ipv4: out.mtu(Side::OUTSIDE) }
}

/// Whether the addresses are of two families: it is on its way through the NAT.
const fn is_mixed(packet: &Packet) -> bool {
    packet.source_ip.is_ipv6() != packet.destination_ip.is_ipv6()
}

fn is_error(packet: &Packet) -> bool {
    matches!(&packet.body, Body::Icmp(icmp) if icmp.is_error())
}

/// The box's own address on `side`, of the family of `packet`.
fn own(side: Side, packet: &Packet, out: &Outlet<'_>) -> Option<IpAddr> {
    let addresses = out.addresses(side).iter().map(|address| address.ip);
    addresses.into_iter().find(|ip| ip.is_ipv6() == packet.is_ipv6())
}

/// Tells the sender of `packet`, on `side`, what is wrong with it.
fn report(side: Side, packet: &Packet, kind: IcmpError, out: &mut Outlet<'_>) {
    if let Some(error) = own(side, packet, out).and_then(|own| packet.icmp_error(own, kind)) {
        out.send(side, error);
    }
}

fn untranslatable(packet: Packet, why: &'static str, out: &mut Outlet<'_>) {
    out.drop_because(packet, DropReason::NatUntranslatable, || why.to_owned());
}
