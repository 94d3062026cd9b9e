//! Network address translation, with every behaviour that RFC 4787, RFC 5382 and RFC 5508 name.
//!
//! A [`Nat`] is a [`Middlebox`]: it stands between an inside and an outside, and rewrites, turns around
//! or drops what passes. What it does is a [`Config`]; what it remembers can be looked at with
//! [`Nat::mappings`].
//!
//! | file | holds |
//! |---|---|
//! | `config.rs`, `config/`, `named.rs` | [`Config`] and the configurations that have a name |
//! | `passage.rs` | the way of a packet through the box |
//! | `unsolicited.rs` | packets that nobody asked for, and early SYNs |
//! | `translate.rs` | mapping, filtering, hairpinning |
//! | `tcp.rs`, `tcp/` | the states and windows of TCP connections |
//! | `life.rs` | timers and limits |
//! | `explicit.rs`, `control.rs` | mappings that are asked for by name, and the server that is asked |
//! | `assign.rs`, `assign/`, `hold.rs` | which external address and port a mapping gets |
//! | `timeline.rs` | what happens at a time of its own |
//! | `meddle.rs` | what some boxes do to packets besides |
//! | `address.rs` | which addresses are external, prefix translation |
//! | `icmp.rs`, `fragment.rs`, `reassemble.rs` | ICMP errors and fragments on their way through |
//! | `table.rs`, `table/`, `slab.rs`, `hash.rs` | the books |
//! | `refusal.rs` | why a packet does not pass |
//! | `audit.rs` | what must always hold |
//!
//! Mappings live as long as the longest of their sessions; a session is one remote endpoint that the
//! mapping has sent to, and what filters look for. Both end at the instant their time is up, whether or
//! not anyone asks.

mod address;
mod assign;
mod audit;
mod config;
mod control;
mod explicit;
pub(crate) mod fragment;
pub(crate) mod hash;
mod hold;
mod icmp;
pub mod invariants;
mod life;
mod meddle;
mod named;
mod passage;
mod reassemble;
mod refusal;
pub(crate) mod slab;
mod table;
mod tcp;
mod timeline;
mod translate;
mod unsolicited;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use base::Instant;

pub use config::{
    AddressChange, Collision, Config, Conflicting, Deviation, Exempt, Exhaustion, Filtering, Fixed,
    Forward, Forwarded, Fragments, Hairpin, IcmpErrors, IcmpPolicy, Ipv6, Layout, Limits, Mapping,
    Meddling, MssClamp, OneToOne, OverTime, Pooling, PortAssignment, Ports, Rebind, Rebound,
    Refresh, Reporter, SimultaneousOpen, Strays, Stream, TcpPolicy, Timers, TooBig, Trigger,
    Unsolicited, UnsolicitedSyn,
};

pub use explicit::{Explicit, ExplicitError, ExplicitRequest};

use self::{
    address::Addresses,
    fragment::{Key, Pieces},
    passage::Rewrite,
    reassemble::Assembly,
    timeline::Timeline,
    translate::Translator,
    unsolicited::Syns,
};
use crate::{
    event::DropReason,
    middlebox::{Middlebox, Outlet, Side},
    packet::{Body, Packet, Protocol},
    portcontrol::Server,
    prefix::Prefix,
};

/// A NAT box: the addresses on its outside stand for the hosts on its inside.
///
/// IPv4 is translated to the addresses of the interface on [`Side::OUTSIDE`]; IPv6 passes as
/// [`Config::ipv6`] says.
///
/// ```
/// use simnet::nat::{Config, Nat};
///
/// let nat = Nat::new(Config::rfc4787_ideal());
/// assert!(nat.mappings().is_empty());
/// ```
pub struct Nat {
    translator: Translator,
    pieces: Pieces<Rewrite>,
    syns: Syns,
    assembly: Assembly,
    timeline: Timeline,
    /// When the box may send its next ICMP message, were they spread evenly.
    next_report: Instant,
    /// Packets that waited when the box lost its state.
    lost: Vec<Packet>,
    /// Whether anything is to be done in time besides ending mappings and fragments. Few boxes ever do.
    watchful: bool,
    /// The box lost its state, and nobody was told yet.
    rebooted: bool,
    /// Packets come in with an IPv6 source and an IPv4 destination, and back the other way round: the
    /// box is the heart of a [NAT64](crate::nat64::Nat64).
    mixed: bool,
    /// Answers hosts that ask for mappings.
    control: Option<Box<Server>>,
}

/// A mapping, as [`Nat::mappings`] shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MappingInfo {
    /// Of which protocol.
    pub protocol: Protocol,
    /// Internal address and port.
    pub internal: SocketAddr,
    /// The external address and port that stand for it.
    pub external: SocketAddr,
    /// When it ends unless refreshed.
    pub expires: Instant,
}

impl Nat {
    /// A NAT without any state. It learns its addresses when time begins.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let addresses = Addresses::new(&config.fixed);
        let timeline = Timeline::new(&config.over_time);
        let control = config.port_control.clone().map(|config| Box::new(Server::new(config)));
        let mut nat = Self {
            translator: Translator::new(config, addresses),
            pieces: Pieces::default(),
            syns: Syns::default(),
            assembly: Assembly::default(),
            timeline,
            next_report: Instant::ZERO,
            lost: Vec::new(),
            watchful: false,
            rebooted: false,
            mixed: false,
            control,
        };
        nat.watchful = nat.next_rare_deadline().is_some() || nat.control.is_some();
        nat
    }

    /// The same, with pairs of an internal address and an external one that stands for it alone, all
    /// ports preserved. The external ones need not be addresses of an interface, but must be routed here.
    #[must_use]
    pub fn with_one_to_one(mut self, pairs: Vec<(IpAddr, IpAddr)>) -> Self {
        let pairs = pairs.into_iter().map(|(internal, external)| OneToOne { internal, external });
        self.translator.addresses.one_to_one = pairs.collect();
        self
    }

    /// The same, for packets whose addresses are of two families.
    pub(crate) const fn between_families(mut self) -> Self {
        self.mixed = true;
        self
    }

    /// What it does.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.translator.config
    }

    /// All living mappings, sorted.
    #[must_use]
    pub fn mappings(&self) -> Vec<MappingInfo> {
        let info = |mapping: &table::Mapping| MappingInfo {
            protocol: mapping.protocol,
            internal: mapping.internal,
            external: mapping.external,
            expires: mapping.deadline,
        };
        let mut all: Vec<_> =
            self.translator.table.mappings().map(|(_, mapping)| info(mapping)).collect();
        all.sort_unstable();
        all
    }

    /// Loses all state, as a box does that loses power. Observers learn of it with the next packet.
    pub fn reboot(&mut self) {
        self.translator.forget_all();
        self.lost.extend(self.pieces.drain());
        self.lost.extend(self.syns.drain());
        self.lost.extend(self.assembly.drain());
        if let Some(server) = &mut self.control {
            server.reset();
        }
        self.rebooted = true;
    }

    /// Checks that the books are in order.
    ///
    /// # Errors
    ///
    /// What is wrong, in words. It is a bug of this crate.
    pub fn audit(&self) -> Result<(), String> {
        audit::audit(&self.translator)
    }
}

impl Middlebox for Nat {
    fn announces(&self, inside: &[Prefix]) -> Vec<Prefix> {
        let announced = self.translator.addresses.announced(&self.config().over_time);
        let mut told: Vec<_> = announced.into_iter().map(Prefix::host).collect();
        if !self.config().fixed.exempt.is_empty() {
            told.extend(inside.iter().filter(|prefix| prefix.ip().is_ipv4()).copied());
        }
        match self.config().ipv6 {
            Ipv6::Filter | Ipv6::Route => {
                told.extend(inside.iter().filter(|prefix| prefix.ip().is_ipv6()).copied());
            }
            Ipv6::TranslatePrefix { external, length, .. } => {
                told.extend(Prefix::new(external.into(), length));
            }
            Ipv6::Drop => {}
        }
        told
    }

    fn start(&mut self, out: &mut Outlet<'_>) {
        self.translator.addresses.read(&self.translator.config.fixed, out);
        self.translator.install(out);
        self.announce(out);
    }

    fn handle_packet(&mut self, side: Side, packet: Packet, out: &mut Outlet<'_>) {
        self.catch_up(out);
        if packet.fragment.is_some() && self.config().fragments == Fragments::Reassemble {
            self.handle_part(side, packet, out);
            return;
        }
        self.handle_whole(side, packet, out);
    }

    fn handle_addresses(&mut self, _: Side, out: &mut Outlet<'_>) {
        self.catch_up(out);
        self.translator.renumber(out);
    }

    fn handle_timeout(&mut self, out: &mut Outlet<'_>) {
        self.catch_up(out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let rare = if self.watchful { self.next_rare_deadline() } else { None };
        earlier(earlier(self.translator.next_deadline(), self.pieces.next_deadline()), rare)
    }
}

impl Nat {
    /// Handles a fragment where those are put together.
    #[cold]
    fn handle_part(&mut self, side: Side, packet: Packet, out: &mut Outlet<'_>) {
        if let Some(whole) = self.assemble(side, packet, out) {
            self.handle_whole(side, whole, out);
        }
    }

    /// Handles a packet, or a fragment if those pass as they are. Inlined, for a packet is long to move.
    #[inline(always)]
    fn handle_whole(&mut self, side: Side, packet: Packet, out: &mut Outlet<'_>) {
        match (&packet.body, Key::of(side, &packet)) {
            (Body::Trailing(_), Some(key)) => self.follow(side, key, packet, out),
            _ if side == Side::INSIDE && self.is_for_control(&packet) => {
                self.serve_control(packet, out);
            }
            _ if side == Side::INSIDE => self.leave(packet, out),
            _ if !self.is_admitted(&packet, out) => {
                out.drop_because(packet, DropReason::NatFiltered, || {
                    "the host asked for a filter that keeps it out: RFC 6887 §13.3".to_owned()
                });
            }
            _ => self.enter(packet, out),
        }
    }

    /// When something is to be done that few boxes ever do.
    fn next_rare_deadline(&self) -> Option<Instant> {
        let deadlines = [
            self.syns.next_deadline(),
            self.assembly.next_deadline(),
            self.timeline.next_deadline(&self.config().over_time),
            self.next_announcement(),
        ];
        deadlines.into_iter().flatten().min()
    }
}

impl fmt::Debug for Nat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nat")
            .field("config", self.config())
            .field("mappings", &self.translator.table.mapping_count())
            .finish_non_exhaustive()
    }
}

/// The earlier of two times, of which either may be missing.
#[inline]
fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (time, None) | (None, time) => time,
    }
}
