//! Mapping and filtering of single packets: RFC 4787 §4, §5, §6.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use base::Instant;

use super::{
    address::Addresses,
    config::{
        Collision, Config, Conflicting, Filtering, Ipv6, Mapping as MappingBehaviour, Meddling,
        PortAssignment, Trigger,
    },
    hash::Map,
    hold::HeldDown,
    refusal::Refusal,
    slab::Id,
    table::{Flow, Kind, Mapping, Scope, Session, Table},
    tcp::{self, Direction, Tracked},
};
use crate::{
    event::NatEvent,
    middlebox::Outlet,
    packet::{Protocol, Tcp, TcpFlags},
};

/// The books of a NAT, and the rules by which it keeps them.
pub(super) struct Translator {
    pub(super) config: Config,
    pub(super) addresses: Addresses,
    pub(super) table: Table,
    pub(super) behaviour: Behaviour,
    /// Where a sequential assignment goes on.
    pub(super) next_port: Option<u16>,
    /// Pool index that the next new host gets.
    pub(super) next_address: usize,
    /// How often a wanted port was taken.
    pub(super) conflicts: u32,
    /// How many mappings were made.
    pub(super) made: u32,
    /// When each host may make its next mapping at the earliest, were all of them spread evenly; kept
    /// only where the rate is limited.
    pub(super) paces: Map<IpAddr, Instant>,
    /// Who owns which block of ports of which address.
    pub(super) blocks: BTreeMap<(usize, usize), IpAddr>,
    pub(super) held_down: HeldDown,
    /// When a port was assigned in sequence last.
    pub(super) assigned_at: Instant,
    /// The time of the last look at the clock.
    pub(super) now: Instant,
    /// Whether anything is done to packets besides.
    pub(super) meddles: bool,
    /// Whether some packets pass without a look at them.
    pub(super) exempts: bool,
    /// Whether things end when their time is up, and not some time later.
    pub(super) exact: bool,
    /// Whether outside addresses are taken for those of the inside.
    pub(super) confuses: bool,
}

/// The part of the behaviour that a non-deterministic NAT changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Behaviour {
    pub(super) mapping: MappingBehaviour,
    pub(super) filtering: Filtering,
    pub(super) assignment: PortAssignment,
    pub(super) deviated: bool,
}

/// Where a packet that comes in goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) internal: SocketAddr,
    /// The mapping it came through; none if the address is mapped one to one, and for the host that
    /// gets what nobody else does.
    pub(super) mapping: Option<Id>,
    session: Option<Id>,
    /// It goes to the host that gets what nobody else does.
    fallback: bool,
}

impl Translator {
    pub(super) fn new(config: Config, addresses: Addresses) -> Self {
        let behaviour = Behaviour {
            mapping: config.mapping,
            filtering: config.filtering,
            assignment: config.ports.assignment,
            deviated: false,
        };
        let exempts = config.ipv6 == Ipv6::Route || !config.fixed.exempt.is_empty();
        let confuses = config.conflicting_addresses == Conflicting::Drop;
        let exact = config.timers.jitter.is_zero() && config.timers.sweep.is_zero();
        let meddles = config.meddling != Meddling::default();
        let counts = config.limits.sessions_per_host.is_some();
        let table = Table::new(counts, config.timers.per_mapping);
        Self {
            config,
            addresses,
            table,
            behaviour,
            next_port: None,
            next_address: 0,
            conflicts: 0,
            made: 0,
            paces: Map::default(),
            blocks: BTreeMap::new(),
            held_down: HeldDown::default(),
            assigned_at: Instant::ZERO,
            now: Instant::ZERO,
            meddles,
            exempts,
            exact,
            confuses,
        }
    }

    /// The external endpoint that stands for `flow.near` towards `flow.far`, made if need be. A packet
    /// of TCP brings its segment.
    pub(super) fn outbound(
        &mut self,
        flow: &Flow,
        segment: Option<&Tcp>,
        out: &mut Outlet<'_>,
    ) -> Result<SocketAddr, Refusal> {
        if let Some(id) = self.table.session_inside(flow)
            && let Some(session) = self.table.session(id)
        {
            let outside = session.outside;
            if self.config.ports.on_collision == Collision::Overload {
                // Of those who share the endpoint, the last to send gets the answers.
                self.table.claim_outside(outside, id);
            }
            match segment {
                Some(segment) => self.follow(id, Direction::Outbound, segment, out)?,
                None => self.refresh(id, Direction::Outbound, out),
            }
            return Ok(outside.near);
        }
        if let Some(segment) = segment {
            self.may_begin(segment, flow)?;
        }
        let scope = self.scope_of(flow);
        let protocol = self.book(flow.protocol);
        let named = self.table.named(protocol, flow.near).filter(|_| flow.far.is_ipv4());
        let existing = named.or_else(|| self.table.mapping_for(protocol, flow.near, scope));
        self.check_sessions(flow.near.ip())?;
        let id = existing.map_or_else(|| self.map(flow, scope, out), Ok)?;
        let tracked = segment.map_or_else(Tracked::default, |segment| {
            Tracked::begin(Direction::Outbound, segment, &self.config.tcp)
        });
        self.open_session(id, existing.is_some(), flow, tracked, out)
    }

    /// Where a packet of `flow`, from outside, goes; the filter has its say.
    pub(super) fn inbound(
        &mut self,
        flow: &Flow,
        segment: Option<&Tcp>,
        out: &mut Outlet<'_>,
    ) -> Result<SocketAddr, Refusal> {
        if self.table.is_remembered(flow) {
            return Err(Refusal::Remembered { external: flow.near, remote: flow.far });
        }
        let target = self.target(flow)?;
        self.admit(flow, &target)?;
        self.note_inbound(flow, &target, segment, out)?;
        Ok(target.internal)
    }

    /// Turns a packet from inside to an external endpoint around: the source it gets, and where it
    /// goes.
    pub(super) fn hairpin(
        &mut self,
        flow: &Flow,
        segment: Option<&Tcp>,
        out: &mut Outlet<'_>,
    ) -> Result<(SocketAddr, SocketAddr), Refusal> {
        use super::config::Hairpin;
        let hairpin = match self.config.hairpin {
            _ if base::mutant::active("nat-hairpin-none") => Hairpin::None,
            Hairpin::ExternalSource if base::mutant::active("nat-hairpin-internal-source") => {
                Hairpin::InternalSource
            }
            configured => configured,
        };
        if hairpin == Hairpin::None {
            return Err(Refusal::NoHairpin { external: flow.far });
        }
        // Without a mapping to go to there is no reason to make one to come from.
        let protocol = self.book(flow.protocol);
        if self.table.mappings_at(protocol, flow.far).is_empty()
            && self.addresses.owner(flow.far).is_none()
        {
            return Err(Refusal::NoMapping { external: flow.far });
        }
        let source = self.outbound(flow, segment, out)?;
        let outside = Flow { protocol: flow.protocol, near: flow.far, far: source };
        let target = self.target(&outside)?;
        if self.config.filter_hairpin {
            self.admit(&outside, &target)?;
        }
        self.note_inbound(&outside, &target, segment, out)?;
        let shown = if hairpin == Hairpin::InternalSource { flow.near } else { source };
        Ok((shown, target.internal))
    }

    /// The mapping that packets of `flow` from outside belong to, whether or not its filter lets them
    /// in.
    pub(super) fn target(&self, flow: &Flow) -> Result<Target, Refusal> {
        if let Some(session) = self.table.session_outside(flow)
            && let Some(held) = self.table.session(session)
        {
            let (internal, mapping) = (held.inside.near, Some(held.mapping));
            return Ok(Target { internal, mapping, session: Some(session), fallback: false });
        }
        // More than one only where mappings share endpoints: whoever knows the sender, else the latest.
        let holders = self.table.mappings_at(self.book(flow.protocol), flow.near);
        let known = |id: &&Id| self.table.has_peer(**id, flow.far.ip());
        let holder = holders.iter().rev().find(known).or_else(|| holders.last()).copied();
        if let Some(id) = holder
            && let Some(mapping) = self.table.mapping(id)
        {
            let internal = mapping.internal;
            let fallback = self.config.fixed.dmz_host == Some(internal.ip());
            // What that host got from others is mapped for each of them alone.
            let serves = !fallback || mapping.scope.covers(flow.far);
            return Ok(Target { internal, mapping: serves.then_some(id), session: None, fallback });
        }
        let owner = self.addresses.owner(flow.near);
        let fallback = owner.is_none();
        let internal = owner.or_else(|| self.fallback(flow));
        let internal = internal.ok_or(Refusal::NoMapping { external: flow.near })?;
        Ok(Target { internal, mapping: None, session: None, fallback })
    }

    /// The endpoint of the host that gets what nobody else does.
    fn fallback(&self, flow: &Flow) -> Option<SocketAddr> {
        let host = self.config.fixed.dmz_host?;
        let serves = flow.protocol != Protocol::Icmp && flow.near.is_ipv4();
        serves.then(|| SocketAddr::new(host, flow.near.port()))
    }

    /// RFC 4787 §5: whether the mapping lets `flow.far` in.
    fn admit(&self, flow: &Flow, target: &Target) -> Result<(), Refusal> {
        let filtering = self.filtering(flow.protocol);
        let known = |id| self.table.has_peer(id, flow.far.ip());
        let admitted = match filtering {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => target.mapping.is_some_and(known),
            Filtering::AddressAndPortDependent => target.session.is_some(),
        };
        // RFC 6887 §11: whoever asks for a mapping by name wants to be reached by everybody.
        let asked = |id| self.table.mapping(id).is_some_and(|held| held.kind != Kind::Dynamic);
        if admitted || target.fallback || target.mapping.is_some_and(asked) {
            return Ok(());
        }
        Err(Refusal::Filtered { filtering, external: flow.near, remote: flow.far })
    }

    fn filtering(&self, protocol: Protocol) -> Filtering {
        let special = match protocol {
            Protocol::Udp => None,
            Protocol::Tcp => self.config.tcp.filtering,
            Protocol::Icmp => self.config.icmp.filtering,
        };
        let filtering = special.unwrap_or(self.behaviour.filtering);
        match filtering {
            Filtering::AddressDependent if base::mutant::active("nat-filter-admits-anyone") => {
                Filtering::EndpointIndependent
            }
            Filtering::AddressAndPortDependent
                if base::mutant::active("nat-filter-ignores-port") =>
            {
                Filtering::AddressDependent
            }
            filtering => filtering,
        }
    }

    /// RFC 4787 §4.1: which destinations share a mapping with `flow.far`. Mappings of ICMP queries
    /// serve all (RFC 5508 §3.1). So does the pass-through of IPv6, which is kept apart from what the
    /// same endpoint gets for IPv4 in a NAT64.
    fn scope_of(&self, flow: &Flow) -> Scope {
        if flow.far.is_ipv6() {
            return PASSED_THROUGH;
        }
        if flow.protocol == Protocol::Icmp {
            return Scope::Any;
        }
        match self.mapping_behaviour(flow.protocol) {
            MappingBehaviour::EndpointIndependent
                if base::mutant::active("nat-mapping-depends-on-port") =>
            {
                Scope::Endpoint(flow.far)
            }
            MappingBehaviour::EndpointIndependent => Scope::Any,
            MappingBehaviour::AddressDependent => Scope::Address(flow.far.ip()),
            MappingBehaviour::AddressAndPortDependent
            | MappingBehaviour::EndpointIndependentIfPossible => Scope::Endpoint(flow.far),
        }
    }

    /// How mappings of `protocol` are made.
    pub(super) fn mapping_behaviour(&self, protocol: Protocol) -> MappingBehaviour {
        match self.config.tcp.mapping {
            Some(mapping) if protocol == Protocol::Tcp => mapping,
            _ => self.behaviour.mapping,
        }
    }

    /// The protocol under which mappings of `protocol` are entered: RFC 7857 §5.
    pub(super) fn book(&self, protocol: Protocol) -> Protocol {
        match protocol {
            Protocol::Tcp if self.config.share_protocols => Protocol::Udp,
            protocol => protocol,
        }
    }

    /// Makes a mapping.
    fn map(&mut self, flow: &Flow, scope: Scope, out: &mut Outlet<'_>) -> Result<Id, Refusal> {
        let Flow { near: internal, far: remote, .. } = *flow;
        let protocol = self.book(flow.protocol);
        let flow = &Flow { protocol, ..*flow };
        self.check_mappings(internal.ip(), out.now())?;
        let assigned = self.assign(flow, scope, out)?;
        let id = self.enter(flow, scope, assigned.external, assigned.address, out.now());
        let external = assigned.external;
        out.event(|| NatEvent::Mapped { protocol, internal, external, remote });
        self.made += 1;
        if let Some(Trigger::Mappings(count)) = self.trigger()
            && self.made >= count
        {
            self.deviate(out);
        }
        Ok(id)
    }

    /// Enters a mapping of `flow.near` that has no session yet.
    pub(super) fn enter(
        &mut self,
        flow: &Flow,
        scope: Scope,
        external: SocketAddr,
        address: usize,
        now: Instant,
    ) -> Id {
        let mapping = Mapping {
            protocol: flow.protocol,
            kind: Kind::Dynamic,
            internal: flow.near,
            external,
            scope,
            deadline: now,
            queued: now,
            until: now,
            sessions: 0,
        };
        self.table.add_mapping(mapping, address)
    }

    /// Lets `flow.far` in through the mapping `id`.
    fn open_session(
        &mut self,
        id: Id,
        reused: bool,
        flow: &Flow,
        tcp: Tracked,
        out: &mut Outlet<'_>,
    ) -> Result<SocketAddr, Refusal> {
        let Some(mapping) = self.table.mapping(id) else { return Err(Refusal::NoAddress) };
        let (external, ends) = (mapping.external, mapping.deadline);
        let mut session = Session {
            mapping: id,
            inside: *flow,
            outside: Flow { near: external, ..*flow },
            born: out.now(),
            replied: false,
            tcp,
            deadline: out.now(),
            queued: out.now(),
        };
        session.deadline = self.deadline(&session, out);
        // RFC 4787 §4.3: a packet that does not refresh the mapping opens nothing that outlives it.
        if reused && flow.protocol != Protocol::Tcp && !self.refreshes(Direction::Outbound) {
            session.deadline = session.deadline.min(ends);
        }
        let deadline = session.deadline;
        session.queued = deadline;
        self.table.add_session(session);
        self.prolong(id, deadline, out);
        out.event(|| NatEvent::Permitted { external, remote: flow.far });
        Ok(external)
    }

    /// An inbound packet goes through: that may be an answer, may refresh, and may open a connection.
    fn note_inbound(
        &mut self,
        flow: &Flow,
        target: &Target,
        segment: Option<&Tcp>,
        out: &mut Outlet<'_>,
    ) -> Result<(), Refusal> {
        match (target.session, segment) {
            (Some(id), Some(segment)) => self.follow(id, Direction::Inbound, segment, out)?,
            (Some(id), None) => {
                if let Some(session) = self.table.session_mut(id) {
                    session.replied = true;
                }
                self.refresh(id, Direction::Inbound, out);
            }
            (None, Some(segment)) if tcp::is_opening(segment.flags) => {
                let tracked = Tracked::begin(Direction::Inbound, segment, &self.config.tcp);
                self.receive(flow, target, tracked, out)?;
            }
            // RFC 6146 §3.5.2: other segments pass and change nothing, if the filter lets them.
            (None, Some(_)) => {}
            (None, None) if target.fallback && target.mapping.is_none() => {
                self.receive(flow, target, Tracked::default(), out)?;
            }
            (None, None) => {
                if let Some(id) = target.mapping
                    && self.refreshes(Direction::Inbound)
                {
                    // Nobody inside has asked for the sender, so there is no session to refresh.
                    self.prolong(id, out.now() + self.config.timers.udp, out);
                }
            }
        }
        Ok(())
    }

    /// Opens the session of a conversation that began outside, and a mapping where there is none.
    fn receive(
        &mut self,
        flow: &Flow,
        target: &Target,
        tracked: Tracked,
        out: &mut Outlet<'_>,
    ) -> Result<(), Refusal> {
        let inside = Flow { near: target.internal, ..*flow };
        self.check_sessions(inside.near.ip())?;
        let id = match target.mapping {
            Some(id) => id,
            None => self.map_inward(flow, &inside, target.fallback, out)?,
        };
        self.open_session(id, false, &inside, tracked, out).map(|_| ())
    }

    /// The mapping for a conversation that began outside at `flow.near`, where none served it.
    fn map_inward(
        &mut self,
        flow: &Flow,
        inside: &Flow,
        fallback: bool,
        out: &mut Outlet<'_>,
    ) -> Result<Id, Refusal> {
        let booked = Flow { protocol: self.book(flow.protocol), ..*inside };
        let Flow { protocol, near: internal, far: remote } = booked;
        let scope = if fallback { Scope::Endpoint(remote) } else { self.scope_of(inside) };
        let here = |id: &Id| self.table.mapping(*id).is_some_and(|held| held.external == flow.near);
        if let Some(id) = self.table.mapping_for(protocol, internal, scope).filter(here) {
            return Ok(id);
        }
        self.check_mappings(internal.ip(), out.now())?;
        let external = flow.near;
        let id = self.enter(&booked, scope, external, 0, out.now());
        out.event(|| NatEvent::Mapped { protocol, internal, external, remote });
        Ok(id)
    }

    /// Whether a segment from inside may begin a session.
    fn may_begin(&self, segment: &Tcp, flow: &Flow) -> Result<(), Refusal> {
        let adopts = self.config.tcp.strays == super::config::Strays::Adopt;
        let resets = segment.flags.contains(TcpFlags::RST);
        if tcp::is_opening(segment.flags) || adopts && !resets {
            return Ok(());
        }
        Err(Refusal::Stray { source: flow.near, destination: flow.far })
    }

    /// A segment of a connection that is known.
    fn follow(
        &mut self,
        id: Id,
        from: Direction,
        segment: &Tcp,
        out: &mut Outlet<'_>,
    ) -> Result<(), Refusal> {
        let Some(session) = self.table.session_mut(id) else { return Ok(()) };
        let (was_ending, flow) = (session.tcp.is_ending(), session.inside);
        session.tcp.follow(from, segment, &self.config.tcp).map_err(|fault| match fault {
            tcp::Fault::OutOfWindow => Refusal::OutOfWindow { far: flow.far },
            tcp::Fault::SimultaneousOpen => Refusal::SimultaneousOpen { far: flow.far },
        })?;
        session.replied |= from == Direction::Inbound;
        let mapping = session.mapping;
        let Some(session) = self.table.session(id) else { return Ok(()) };
        let (ending, before) = (session.tcp.is_ending(), session.deadline);
        let deadline = self.deadline(session, out);
        if ending && !was_ending && deadline < before {
            self.table.shorten(id, deadline, self.config.timers.linger);
        } else if !(ending && segment.flags.contains(TcpFlags::RST)) {
            // RFC 7857 §7.1: a reset keeps nothing alive.
            if let Some(session) = self.table.session_mut(id) {
                session.deadline = session.deadline.max(deadline);
            }
            self.prolong(mapping, deadline, out);
        }
        Ok(())
    }

    /// Whether packets from inside to `ip` turn around.
    pub(super) fn is_external(&self, ip: IpAddr) -> bool {
        self.addresses.is_external(ip, self.config.ipv6)
    }

    /// What is done to packets besides, if anything.
    pub(super) fn meddling(&self) -> Option<&Meddling> {
        self.meddles.then_some(&self.config.meddling)
    }

    /// Whether packets to or from `remote` pass without a look at them.
    pub(super) fn passes(&self, remote: SocketAddr) -> bool {
        remote.is_ipv6() && self.config.ipv6 == Ipv6::Route
            || self.config.fixed.exempt.iter().any(|exempt| exempt.covers(remote))
    }
}

/// The scope of mappings for IPv6 that keeps its addresses: all destinations of that family.
const PASSED_THROUGH: Scope = Scope::Address(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
