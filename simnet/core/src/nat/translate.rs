//! Mapping and filtering of single packets: RFC 4787 §4, §5, §6.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::Instant;

use super::{
    address::Addresses,
    config::{
        Collision, Config, Filtering, Ipv6, Mapping as MappingBehaviour, PortAssignment, Trigger,
        Unsolicited,
    },
    refusal::Refusal,
    slab::Id,
    table::{Ended, Flow, Mapping, Scope, Session, Table},
};
use crate::{event::NatEvent, middlebox::Outlet, packet::Protocol};

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
    made: u32,
}

/// The part of the behaviour that a non-deterministic NAT changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Behaviour {
    pub(super) mapping: MappingBehaviour,
    pub(super) filtering: Filtering,
    pub(super) assignment: PortAssignment,
    deviated: bool,
}

/// Where a packet that comes in goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) internal: SocketAddr,
    /// The mapping it came through; none if the address is mapped one to one.
    pub(super) mapping: Option<Id>,
    session: Option<Id>,
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Outbound,
    Inbound,
}

impl Translator {
    pub(super) fn new(config: Config, addresses: Addresses) -> Self {
        let behaviour = Behaviour {
            mapping: config.mapping,
            filtering: config.filtering,
            assignment: config.ports.assignment,
            deviated: false,
        };
        Self {
            config,
            addresses,
            table: Table::default(),
            behaviour,
            next_port: None,
            next_address: 0,
            conflicts: 0,
            made: 0,
        }
    }

    /// The external endpoint that stands for `flow.near` towards `flow.far`, made if need be.
    pub(super) fn outbound(
        &mut self,
        flow: &Flow,
        out: &mut Outlet<'_>,
    ) -> Result<SocketAddr, Refusal> {
        if let Some(id) = self.table.session_inside(flow)
            && let Some(session) = self.table.session_mut(id)
        {
            let outside = session.outside;
            if self.config.ports.on_collision == Collision::Overload {
                // Of those who share the endpoint, the last to send gets the answers.
                self.table.claim_outside(outside, id);
            }
            self.refresh(id, Direction::Outbound, out);
            return Ok(outside.near);
        }
        let scope = self.scope_of(flow);
        let existing = self.table.mapping_for(flow.protocol, flow.near, scope);
        let limit = self.config.limits.sessions;
        if self.table.session_count() >= limit {
            return Err(Refusal::SessionLimit(limit));
        }
        let id = existing.map_or_else(|| self.map(flow, scope, out), Ok)?;
        self.open_session(id, existing.is_some(), flow, out)
    }

    /// Where a packet of `flow`, from outside, goes; the filter has its say.
    pub(super) fn inbound(
        &mut self,
        flow: &Flow,
        out: &mut Outlet<'_>,
    ) -> Result<SocketAddr, Refusal> {
        if self.table.is_remembered(flow) {
            return Err(Refusal::Remembered { external: flow.near, remote: flow.far });
        }
        let target = self.target(flow)?;
        self.admit(flow, &target)?;
        self.note_inbound(&target, out);
        Ok(target.internal)
    }

    /// Turns a packet from inside to an external endpoint around: the source it gets, and where it
    /// goes.
    pub(super) fn hairpin(
        &mut self,
        flow: &Flow,
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
        if self.table.mappings_at(flow.protocol, flow.far).is_empty()
            && self.addresses.owner(flow.far).is_none()
        {
            return Err(Refusal::NoMapping { external: flow.far });
        }
        let source = self.outbound(flow, out)?;
        let outside = Flow { protocol: flow.protocol, near: flow.far, far: source };
        let target = self.target(&outside)?;
        if self.config.filter_hairpin {
            self.admit(&outside, &target)?;
        }
        self.note_inbound(&target, out);
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
            return Ok(Target { internal, mapping, session: Some(session) });
        }
        // More than one only where mappings share endpoints: whoever knows the sender, else the latest.
        let holders = self.table.mappings_at(flow.protocol, flow.near);
        let known = |id: &&Id| self.table.has_peer(**id, flow.far.ip());
        let holder = holders.iter().rev().find(known).or_else(|| holders.last()).copied();
        if let Some(id) = holder
            && let Some(mapping) = self.table.mapping(id)
        {
            return Ok(Target { internal: mapping.internal, mapping: Some(id), session: None });
        }
        let owner = self.addresses.owner(flow.near);
        let internal = owner.ok_or(Refusal::NoMapping { external: flow.near })?;
        Ok(Target { internal, mapping: None, session: None })
    }

    /// RFC 4787 §5: whether the mapping lets `flow.far` in.
    fn admit(&self, flow: &Flow, target: &Target) -> Result<(), Refusal> {
        let filtering = self.filtering();
        let known = |id| self.table.has_peer(id, flow.far.ip());
        let admitted = match filtering {
            Filtering::EndpointIndependent => true,
            Filtering::AddressDependent => target.mapping.is_some_and(known),
            Filtering::AddressAndPortDependent => target.session.is_some(),
        };
        if admitted {
            return Ok(());
        }
        Err(Refusal::Filtered { filtering, external: flow.near, remote: flow.far })
    }

    fn filtering(&self) -> Filtering {
        match self.behaviour.filtering {
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
    /// serve all (RFC 5508 §3.1), and so does the pass-through of IPv6.
    fn scope_of(&self, flow: &Flow) -> Scope {
        if flow.protocol == Protocol::Icmp || flow.far.is_ipv6() {
            return Scope::Any;
        }
        match self.behaviour.mapping {
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

    /// Makes a mapping.
    fn map(&mut self, flow: &Flow, scope: Scope, out: &mut Outlet<'_>) -> Result<Id, Refusal> {
        let Flow { protocol, near: internal, far: remote } = *flow;
        let limits = self.config.limits;
        if self.table.mapping_count() >= limits.mappings {
            return Err(Refusal::MappingLimit(limits.mappings));
        }
        let held = self.table.host(internal.ip()).map_or(0, |host| host.mappings);
        if held >= limits.mappings_per_host {
            return Err(Refusal::HostLimit(limits.mappings_per_host));
        }
        let assigned = self.assign(flow, scope, out)?;
        let (external, deadline) = (assigned.external, out.now());
        let mapping = Mapping { protocol, internal, external, scope, deadline };
        let id = self.table.add_mapping(mapping, assigned.address);
        out.event(|| NatEvent::Mapped { protocol, internal, external, remote });
        self.made += 1;
        if let Some(Trigger::Mappings(count)) = self.trigger()
            && self.made >= count
        {
            self.deviate(out);
        }
        Ok(id)
    }

    /// Lets `flow.far` in through the mapping `id`.
    fn open_session(
        &mut self,
        id: Id,
        reused: bool,
        flow: &Flow,
        out: &mut Outlet<'_>,
    ) -> Result<SocketAddr, Refusal> {
        let Some(mapping) = self.table.mapping(id) else { return Err(Refusal::NoAddress) };
        let external = mapping.external;
        let mut session = Session {
            mapping: id,
            inside: *flow,
            outside: Flow { near: external, ..*flow },
            born: out.now(),
            replied: false,
            deadline: out.now(),
        };
        session.deadline = out.now() + self.lifetime(&session, out.now());
        // RFC 4787 §4.3: a packet that does not refresh the mapping opens nothing that outlives it.
        if reused && !self.refreshes(Direction::Outbound) {
            session.deadline = session.deadline.min(mapping.deadline);
        }
        let deadline = session.deadline;
        self.table.add_session(session);
        self.prolong(id, deadline, out);
        out.event(|| NatEvent::Permitted { external, remote: flow.far });
        Ok(external)
    }

    /// An inbound packet went through: that may be an answer, and may refresh.
    fn note_inbound(&mut self, target: &Target, out: &mut Outlet<'_>) {
        if let Some(id) = target.session {
            if let Some(session) = self.table.session_mut(id) {
                session.replied = true;
            }
            self.refresh(id, Direction::Inbound, out);
        } else if let Some(id) = target.mapping
            && self.refreshes(Direction::Inbound)
        {
            // Nobody inside has asked for the sender, so there is no session to refresh.
            self.prolong(id, out.now() + self.config.timers.udp, out);
        }
    }

    fn refresh(&mut self, id: Id, direction: Direction, out: &mut Outlet<'_>) {
        if !self.refreshes(direction) {
            return;
        }
        let Some(session) = self.table.session(id) else { return };
        let (mapping, deadline) = (session.mapping, out.now() + self.lifetime(session, out.now()));
        if let Some(session) = self.table.session_mut(id) {
            session.deadline = session.deadline.max(deadline);
        }
        self.prolong(mapping, deadline, out);
    }

    fn refreshes(&self, direction: Direction) -> bool {
        match direction {
            Direction::Outbound => {
                self.config.refresh.outbound && !base::mutant::active("nat-refresh-not-outbound")
            }
            Direction::Inbound => self.config.refresh.inbound,
        }
    }

    fn prolong(&mut self, id: Id, deadline: Instant, out: &mut Outlet<'_>) {
        let Some(mapping) = self.table.mapping_mut(id) else { return };
        if deadline <= mapping.deadline {
            return;
        }
        mapping.deadline = deadline;
        let Mapping { internal, external, .. } = *mapping;
        out.event(|| NatEvent::Refreshed { internal, external, expires: deadline });
    }

    /// RFC 4787 §4.3: how long the session lives from now on, if nothing happens.
    fn lifetime(&self, session: &Session, now: Instant) -> Duration {
        let timers = &self.config.timers;
        if session.inside.protocol == Protocol::Icmp {
            return timers.icmp_query;
        }
        let port = session.inside.far.port();
        if let Some((_, time)) = timers.well_known.iter().find(|(known, _)| *known == port) {
            return *time;
        }
        match timers.stream {
            Some(stream) if session.replied && now - session.born >= stream.after => stream.timeout,
            _ if base::mutant::active("nat-timer-too-short") => timers.udp / 3,
            _ => timers.udp,
        }
    }

    /// Notes that `flow.far` spoke to the box before anyone inside spoke to it.
    pub(super) fn remember(&mut self, flow: Flow, now: Instant) {
        let known = self.table.is_remembered(&flow);
        let wanted = self.config.unsolicited == Unsolicited::RejectAndRemember;
        let room = self.table.remembered_count() < self.config.limits.remembered;
        // A mapping that shares the endpoint may be in use by the same peer for another purpose: that
        // conversation exists, so this packet would not have come here.
        if wanted && (known || room) {
            self.table.remember(flow, now + self.config.timers.udp);
        }
    }

    /// Ends what is due.
    pub(super) fn expire(&mut self, out: &mut Outlet<'_>) {
        while let Some(ended) = self.table.end_one(out.now()) {
            if let Ended::Mapping(mapping) = ended {
                Self::tell_expired(&mapping, out);
            }
        }
        if let Some(Trigger::At(at)) = self.trigger()
            && out.now() >= at
        {
            self.deviate(out);
        }
    }

    /// When [`Translator::expire`] may have something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let deviation = match self.trigger() {
            Some(Trigger::At(at)) => Some(at),
            Some(Trigger::Conflicts(_) | Trigger::Mappings(_)) | None => None,
        };
        self.table.next_deadline().into_iter().chain(deviation).min()
    }

    pub(super) fn tell_expired(mapping: &Mapping, out: &mut Outlet<'_>) {
        let Mapping { protocol, internal, external, .. } = *mapping;
        out.event(|| NatEvent::Expired { protocol, internal, external });
    }

    /// What is still to set off a change of behaviour.
    pub(super) fn trigger(&self) -> Option<Trigger> {
        let deviation = self.config.over_time.deviation.as_ref()?;
        (!self.behaviour.deviated).then_some(deviation.trigger)
    }

    /// Changes the behaviour, against RFC 4787 §8.
    pub(super) fn deviate(&mut self, out: &mut Outlet<'_>) {
        let Some(deviation) = self.config.over_time.deviation else { return };
        self.behaviour = Behaviour {
            mapping: deviation.mapping,
            filtering: deviation.filtering,
            assignment: deviation.assignment,
            deviated: true,
        };
        out.event(|| NatEvent::Deviated);
    }

    /// Loses all state, as a box does that loses power.
    pub(super) fn forget_all(&mut self) {
        let (config, addresses) = (self.config.clone(), std::mem::take(&mut self.addresses));
        *self = Self::new(config, addresses);
    }

    /// Whether packets from inside to `ip` turn around.
    pub(super) fn is_external(&self, ip: IpAddr) -> bool {
        self.addresses.is_external(ip, self.config.ipv6)
    }

    /// Whether IPv6 passes without a look at it.
    pub(super) fn routes(&self, ip: IpAddr) -> bool {
        ip.is_ipv6() && self.config.ipv6 == Ipv6::Route
    }
}
