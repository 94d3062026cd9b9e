//! What a naive observer, who sees packets alone, knows of a NAT.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use base::Instant;

use crate::{
    nat::config::{Config, Filtering, Ipv6},
    packet::{Body, Icmp, Packet, Protocol},
};

/// An internal endpoint, and the external one it was seen at.
type Pair = (Protocol, SocketAddr, SocketAddr);

/// What a naive observer knows.
#[derive(Default)]
pub(super) struct Model {
    /// To whom each pair has sent, and when last.
    contacted: BTreeMap<Pair, BTreeMap<SocketAddr, Instant>>,
    /// Pairs that the box told of.
    mapped: BTreeSet<Pair>,
    /// External endpoints that were promised to somebody, and until when.
    promised: BTreeMap<(Protocol, SocketAddr), (SocketAddr, Instant)>,
    /// The last few external endpoints that sent something, and to whom.
    recent: VecDeque<(Protocol, SocketAddr, SocketAddr)>,
}

/// How many conversations are recent.
const RECENT: usize = 12;

impl Model {
    /// External endpoints that were seen, for traffic that is to find something.
    pub(super) fn externals(&self) -> Vec<(Protocol, SocketAddr)> {
        let seen = self.contacted.keys().map(|(protocol, _, external)| (*protocol, *external));
        let promised = self.promised.keys().copied();
        seen.chain(promised).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The last few external endpoints that sent something, and to whom.
    pub(super) fn recent(&self) -> Vec<(Protocol, SocketAddr, SocketAddr)> {
        self.recent.iter().copied().collect()
    }

    pub(super) fn forget(&mut self) {
        self.contacted.clear();
        self.promised.clear();
        self.mapped.clear();
        self.recent.clear();
    }

    /// An explicit mapping was granted.
    pub(super) fn promise(
        &mut self,
        protocol: Protocol,
        internal: SocketAddr,
        external: SocketAddr,
        until: Instant,
    ) {
        self.promised.insert((protocol, external), (internal, until));
    }

    /// The box told of a mapping.
    pub(super) fn mapped(
        &mut self,
        protocol: Protocol,
        internal: SocketAddr,
        external: SocketAddr,
    ) {
        self.mapped.insert((protocol, internal, external));
    }

    /// A packet from inside was dropped. One that was to turn around may have made a mapping all the
    /// same, when it was the filter of the other mapping that refused it.
    pub(super) fn was_dropped(&mut self, config: &Config, given: &Packet, now: Instant) {
        let (protocol, near) = (given.protocol(), given.source());
        let turns = self.mapped.iter().any(|(.., external)| *external == given.destination());
        if !turns {
            return;
        }
        let of = |pair: &&Pair| same_book(config, pair.0, protocol) && pair.1 == near;
        let made: Vec<Pair> = self.mapped.iter().filter(of).copied().collect();
        for pair in made {
            let remotes = self.contacted.entry((protocol, pair.1, pair.2)).or_default();
            remotes.insert(far(protocol, given.destination()), now);
        }
    }

    /// A packet from inside left on the outside.
    pub(super) fn went_out(
        &mut self,
        given: &Packet,
        packet: &Packet,
        now: Instant,
    ) -> Result<(), String> {
        if is_error(packet) {
            return Ok(());
        }
        if packet.destination_ip != given.destination_ip {
            return Err("the destination changed".to_owned());
        }
        self.note(given, packet.source(), now);
        Ok(())
    }

    fn note(&mut self, given: &Packet, external: SocketAddr, now: Instant) {
        let protocol = given.protocol();
        let remote = far(protocol, given.destination());
        let pair = (protocol, given.source(), external);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((protocol, external, given.destination()));
        self.contacted.entry(pair).or_default().insert(remote, now);
    }

    /// A packet from inside came back to the inside.
    pub(super) fn turned(
        &mut self,
        config: &Config,
        given: &Packet,
        packet: &Packet,
        now: Instant,
    ) -> Result<(), String> {
        if is_error(packet) {
            return Ok(());
        }
        let protocol = given.protocol();
        let (external, internal) = (given.destination(), packet.destination());
        // A host may reach itself, through the mapping that this packet makes.
        self.note(given, packet.source(), now);
        let known = self.contacted.keys().any(|(of, near, at)| {
            same_book(config, *of, protocol) && *near == internal && is_at(config, *at, external)
        });
        if known || self.is_named(config, protocol, internal, external) {
            return Ok(());
        }
        Err(format!("{internal} was never seen at {external}"))
    }

    /// A packet from outside came in.
    pub(super) fn came_in(
        &self,
        config: &Config,
        given: &Packet,
        packet: &Packet,
        now: Instant,
    ) -> Result<(), String> {
        let protocol = given.protocol();
        let (external, internal) = (given.destination(), packet.destination());
        let remote = far(protocol, given.source());
        let exempt = config.fixed.exempt.iter().any(|exempt| exempt.covers(remote))
            || packet.is_ipv6() && config.ipv6 == Ipv6::Route;
        if exempt && internal == external {
            return Ok(());
        }
        if let Body::Icmp(Icmp::Error { quote, .. }) = &given.body {
            return self.told(config, quote.source, packet);
        }
        if self.is_named(config, protocol, internal, external) {
            return Ok(());
        }
        let pairs = self.contacted.iter().filter(|((of, near, at), _)| {
            same_book(config, *of, protocol) && *near == internal && is_at(config, *at, external)
        });
        let mut known = false;
        for (_, remotes) in pairs {
            known = true;
            let admitted = remotes.keys().any(|one| admits(config, protocol, *one, remote));
            let alive = remotes.values().any(|last| now - *last <= life(config, protocol));
            if admitted && alive {
                return Ok(());
            }
        }
        let why = if known { "nobody asked for it, or too long ago" } else { "nobody is there" };
        Err(why.to_owned())
    }

    /// An ICMP error came in, about a packet that `external` seemed to have sent.
    fn told(&self, config: &Config, external: SocketAddr, packet: &Packet) -> Result<(), String> {
        let ip = packet.destination_ip;
        let seen = self
            .contacted
            .keys()
            .any(|(_, near, at)| near.ip() == ip && is_at(config, *at, external));
        let known = seen
            || self.promised.keys().any(|(_, at)| is_at(config, *at, external))
            || config.fixed.forwards.iter().any(|forward| forward.internal.ip() == ip)
            || config.fixed.one_to_one.iter().any(|pair| pair.internal == ip)
            || config.fixed.dmz_host == Some(ip);
        if known { Ok(()) } else { Err("the error is about nothing of theirs".to_owned()) }
    }

    /// Whether the configuration, or a promise, lets everybody reach `internal` at `external`.
    fn is_named(
        &self,
        config: &Config,
        protocol: Protocol,
        internal: SocketAddr,
        external: SocketAddr,
    ) -> bool {
        let fixed = &config.fixed;
        let forwarded = fixed.forwards.iter().any(|forward| {
            let serves = forward.protocol.protocols().contains(&protocol) || config.share_protocols;
            serves && forward.internal == internal && forward.external_port == external.port()
        });
        // While there is traffic, a promised mapping may live on, and stays open.
        let promised = self.promised.iter().any(|((of, at), (near, _))| {
            same_book(config, *of, protocol) && *near == internal && is_at(config, *at, external)
        });
        let own = fixed.one_to_one.iter().any(|pair| {
            let reaches = pair.internal == internal.ip() && pair.external == external.ip();
            reaches && filtering(config, protocol) == Filtering::EndpointIndependent
        });
        forwarded || promised || own || fixed.dmz_host == Some(internal.ip())
    }
}

/// Whether `seen` is where packets for `external` are expected to have come from. Mappings that move
/// are recognised by their internal endpoint alone.
fn is_at(config: &Config, seen: SocketAddr, external: SocketAddr) -> bool {
    seen == external
        || config.over_time.rebind.is_some()
        || config.hairpin == crate::nat::Hairpin::InternalSource
}

/// Whether mappings of one protocol serve the other.
fn same_book(config: &Config, one: Protocol, other: Protocol) -> bool {
    let shares = config.share_protocols && one != Protocol::Icmp && other != Protocol::Icmp;
    one == other || shares
}

/// RFC 4787 §5: whether having sent to `contacted` lets `remote` in.
fn admits(config: &Config, protocol: Protocol, contacted: SocketAddr, remote: SocketAddr) -> bool {
    match filtering(config, protocol) {
        Filtering::EndpointIndependent => true,
        Filtering::AddressDependent => contacted.ip() == remote.ip(),
        Filtering::AddressAndPortDependent => contacted == remote,
    }
}

/// The laxest filter that may be in force.
fn filtering(config: &Config, protocol: Protocol) -> Filtering {
    let special = match protocol {
        Protocol::Udp => None,
        Protocol::Tcp => config.tcp.filtering,
        Protocol::Icmp => config.icmp.filtering,
    };
    let base = config.filtering;
    let later = config.over_time.deviation.map_or(base, |deviation| deviation.filtering);
    special.unwrap_or_else(|| base.min(later))
}

/// RFC 4787 §4.3: how long a mapping may be used after a packet from inside, at most.
fn life(config: &Config, protocol: Protocol) -> Duration {
    let timers = &config.timers;
    if config.refresh.inbound || protocol != Protocol::Udp || config.share_protocols {
        return Duration::MAX;
    }
    let stream = timers.stream.map(|stream| stream.timeout);
    let known = timers.well_known.iter().map(|(_, time)| *time);
    let longest = known.chain(stream).fold(timers.udp, Duration::max);
    longest + timers.linger + timers.jitter + timers.sweep
}

/// The remote end: ICMP queries have no port there.
fn far(protocol: Protocol, remote: SocketAddr) -> SocketAddr {
    let port = if protocol == Protocol::Icmp { 0 } else { remote.port() };
    SocketAddr::new(remote.ip(), port)
}

fn is_error(packet: &Packet) -> bool {
    matches!(&packet.body, Body::Icmp(icmp) if icmp.is_error())
}
