//! How long things live, and how much of them there may be.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::Instant;

use super::{
    config::{Trigger, Unsolicited},
    earlier,
    refusal::Refusal,
    slab::Id,
    table::{Ended, Flow, Mapping, Session},
    tcp::Direction,
    translate::{Behaviour, Translator},
};
use crate::{event::NatEvent, middlebox::Outlet, packet::Protocol};

impl Translator {
    /// A packet of a session went through.
    pub(super) fn refresh(&mut self, id: Id, direction: Direction, out: &mut Outlet<'_>) {
        if !self.refreshes(direction) {
            return;
        }
        let Some(session) = self.table.session(id) else { return };
        let (mapping, deadline) = (session.mapping, self.deadline(session, out));
        if let Some(session) = self.table.session_mut(id) {
            session.deadline = session.deadline.max(deadline);
        }
        self.prolong(mapping, deadline, out);
    }

    pub(super) fn refreshes(&self, direction: Direction) -> bool {
        match direction {
            Direction::Outbound => {
                self.config.refresh.outbound && !base::mutant::active("nat-refresh-not-outbound")
            }
            Direction::Inbound => self.config.refresh.inbound,
        }
    }

    /// Lets a mapping live until `deadline` and as much longer as it lingers after its last session.
    pub(super) fn prolong(&mut self, id: Id, deadline: Instant, out: &mut Outlet<'_>) {
        let linger = self.config.timers.linger;
        let deadline = if linger.is_zero() { deadline } else { deadline + linger };
        let Some(mapping) = self.table.mapping_mut(id) else { return };
        if deadline <= mapping.deadline {
            return;
        }
        mapping.deadline = deadline;
        let Mapping { internal, external, .. } = *mapping;
        out.event(|| NatEvent::Refreshed { internal, external, expires: deadline });
    }

    /// When the session ends, if nothing happens from now on.
    #[inline]
    pub(super) fn deadline(&self, session: &Session, out: &mut Outlet<'_>) -> Instant {
        let deadline = out.now() + self.lifetime(session, out.now());
        if self.exact { deadline } else { self.inexact(deadline, out) }
    }

    /// When the box notices that a deadline has passed.
    #[cold]
    fn inexact(&self, mut deadline: Instant, out: &mut Outlet<'_>) -> Instant {
        let timers = &self.config.timers;
        if !timers.jitter.is_zero() {
            let most = u64::try_from(timers.jitter.as_nanos()).unwrap_or(u64::MAX);
            deadline += Duration::from_nanos(out.stream().below(most));
        }
        if !timers.sweep.is_zero() {
            let step = u64::try_from(timers.sweep.as_nanos()).unwrap_or(u64::MAX);
            let sweeps = deadline.as_nanos().div_ceil(step);
            deadline = Instant::from_nanos(sweeps.saturating_mul(step));
        }
        deadline
    }

    /// RFC 4787 §4.3, RFC 5382 §5: how long the session lives from now on, if nothing happens.
    fn lifetime(&self, session: &Session, now: Instant) -> Duration {
        let timers = &self.config.timers;
        match session.inside.protocol {
            Protocol::Udp => {}
            Protocol::Tcp => return session.tcp.life(&self.config.tcp),
            Protocol::Icmp => return timers.icmp_query,
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

    /// Whether `host` may open another session.
    pub(super) fn check_sessions(&self, host: IpAddr) -> Result<(), Refusal> {
        let limits = &self.config.limits;
        if self.table.session_count() >= limits.sessions {
            return Err(Refusal::SessionLimit(limits.sessions));
        }
        match limits.sessions_per_host {
            Some(limit) if self.table.host_sessions(host) >= limit => {
                Err(Refusal::HostSessionLimit(limit))
            }
            _ => Ok(()),
        }
    }

    /// Whether `host` may have another mapping; counts it if so.
    pub(super) fn check_mappings(&mut self, host: IpAddr, now: Instant) -> Result<(), Refusal> {
        let limits = self.config.limits;
        if self.table.mapping_count() >= limits.mappings {
            return Err(Refusal::MappingLimit(limits.mappings));
        }
        let (held, ports) =
            self.table.host(host).map_or((0, 0), |host| (host.mappings, host.ports));
        if held >= limits.mappings_per_host {
            return Err(Refusal::HostLimit(limits.mappings_per_host));
        }
        if let Some(limit) = limits.ports_per_host
            && ports >= limit
        {
            return Err(Refusal::PortLimit(limit));
        }
        match limits.mapping_rate {
            Some(rate) => self.check_pace(host, rate, now),
            None => Ok(()),
        }
    }

    /// Whether the mappings of `host` stay below `rate` a second; as many may come at once.
    fn check_pace(&mut self, host: IpAddr, rate: u32, now: Instant) -> Result<(), Refusal> {
        let next = self.paces.get(&host).copied().unwrap_or(now);
        let next = paced(next, rate, now).ok_or(Refusal::RateLimit(rate))?;
        if self.paces.len() >= self.config.limits.mappings {
            self.paces.retain(|_, next| *next > now);
        }
        self.paces.insert(host, next);
        Ok(())
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
        self.now = out.now();
        if !self.config.ports.hold_down.is_zero() {
            self.wake_ports();
        }
        while let Some(ended) = self.table.end_one(out.now()) {
            if let Ended::Mapping(mapping) = ended {
                self.end(&mapping, out);
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
        earlier(self.table.next_deadline(), deviation)
    }

    /// A mapping is gone.
    pub(super) fn end(&mut self, mapping: &Mapping, out: &mut Outlet<'_>) {
        self.hold_down(mapping);
        Self::tell_expired(mapping, out);
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
        // RFC 6888 §3: ports in use at that time rest all the same.
        let held: Vec<_> = self.table.mappings().map(|(_, mapping)| *mapping).collect();
        for mapping in held {
            self.hold_down(&mapping);
        }
        let (config, addresses) = (self.config.clone(), std::mem::take(&mut self.addresses));
        let (now, held_down) = (self.now, std::mem::take(&mut self.held_down));
        *self = Self { now, held_down, ..Self::new(config, addresses) };
    }

    /// Takes out the mapping `id` and its sessions; what was at its external endpoint is free.
    pub(super) fn remove(&mut self, id: Id, out: &mut Outlet<'_>) -> Option<SocketAddr> {
        self.table.remove_sessions_of(id);
        let mapping = self.table.remove_mapping(id)?;
        self.end(&mapping, out);
        Some(mapping.external)
    }
}

/// When the thing after the next may happen at the earliest, were all spread evenly, if the next one
/// may happen `now` at `rate` a second; as many may happen at once.
pub(super) fn paced(next: Instant, rate: u32, now: Instant) -> Option<Instant> {
    let second = Duration::from_secs(1);
    let spacing = second.checked_div(rate)?;
    let next = next.max(now);
    if next - now > second - spacing { None } else { Some(next + spacing) }
}
