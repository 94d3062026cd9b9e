//! What happens at a time that the configuration names.

use std::net::SocketAddr;

use base::Instant;

use super::{
    Nat,
    config::{OverTime, Rebound},
    refusal::Refusal,
    slab::Id,
    table::{Flow, Kind},
    translate::Translator,
};
use crate::{event::NatEvent, middlebox::Outlet};

/// What is still to happen.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    rebind: Option<Instant>,
    reboots: usize,
    changes: usize,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Reboot,
    Addresses,
    Rebind,
}

impl Timeline {
    pub(super) fn new(plan: &OverTime) -> Self {
        Self { rebind: plan.rebind.map(|rebind| rebind.at), ..Self::default() }
    }

    /// The next step and its time.
    fn next(&self, plan: &OverTime) -> Option<(Instant, Step)> {
        let reboot = plan.reboot.get(self.reboots).map(|at| (*at, Step::Reboot));
        let change = plan.addresses.get(self.changes).map(|change| (change.at, Step::Addresses));
        let rebind = self.rebind.map(|at| (at, Step::Rebind));
        [reboot, change, rebind].into_iter().flatten().min()
    }

    /// When [`Nat::keep_appointments`] has something to do.
    pub(super) fn next_deadline(&self, plan: &OverTime) -> Option<Instant> {
        self.next(plan).map(|(at, _)| at)
    }
}

impl Nat {
    /// Does what is due.
    pub(super) fn keep_appointments(&mut self, out: &mut Outlet<'_>) {
        while let Some((at, step)) = self.timeline.next(&self.translator.config.over_time)
            && at <= out.now()
        {
            let plan = &self.translator.config.over_time;
            match step {
                Step::Reboot => {
                    self.timeline.reboots += 1;
                    self.reboot();
                    self.wake_up(out);
                }
                Step::Addresses => {
                    let pool = plan.addresses.get(self.timeline.changes);
                    let pool = pool.map(|change| change.pool.clone()).unwrap_or_default();
                    self.timeline.changes += 1;
                    self.translator.move_to(pool, out);
                }
                Step::Rebind => {
                    let Some(rebind) = plan.rebind else { break };
                    // A period of nothing would never end.
                    let period = rebind.period.filter(|period| !period.is_zero());
                    self.timeline.rebind = period.map(|period| at + period);
                    self.translator.rebind(rebind.what, out);
                }
            }
        }
    }

    /// The first thing after a loss of state.
    pub(super) fn wake_up(&mut self, out: &mut Outlet<'_>) {
        if std::mem::take(&mut self.rebooted) {
            out.event(|| NatEvent::Rebooted);
            for packet in std::mem::take(&mut self.lost) {
                super::passage::refuse(packet, Refusal::Rebooted, out);
            }
            self.translator.install(out);
        }
    }
}

impl Translator {
    /// Takes other external addresses; all mappings end.
    fn move_to(&mut self, pool: Vec<std::net::IpAddr>, out: &mut Outlet<'_>) {
        let ids: Vec<Id> = self.table.mappings().map(|(id, _)| id).collect();
        for id in ids {
            if self.table.mapping(id).is_some_and(|mapping| mapping.external.is_ipv4()) {
                self.remove(id, out);
            }
        }
        self.blocks.clear();
        self.addresses.pool = pool;
        self.install(out);
    }

    /// Reads the addresses of the interfaces anew. Further external addresses change nothing for the
    /// mappings there are; where one is gone, all of them end.
    pub(super) fn renumber(&mut self, out: &mut Outlet<'_>) {
        let before = std::mem::take(&mut self.addresses.pool);
        self.addresses.read(&self.config.fixed, out);
        if !self.addresses.pool.starts_with(&before) {
            let pool = std::mem::take(&mut self.addresses.pool);
            self.move_to(pool, out);
        }
    }

    /// Gives every dynamic mapping another external endpoint.
    fn rebind(&mut self, what: Rebound, out: &mut Outlet<'_>) {
        let ids: Vec<Id> = self.table.mappings().map(|(id, _)| id).collect();
        for id in ids {
            let Some(mapping) = self.table.mapping(id).copied() else { continue };
            if mapping.kind != Kind::Dynamic || mapping.external.is_ipv6() {
                continue;
            }
            let pool = &self.addresses.pool;
            let Some(at) = pool.iter().position(|ip| *ip == mapping.external.ip()) else {
                continue;
            };
            let next = match what {
                Rebound::Port => at,
                Rebound::Address => (at + 1) % pool.len(),
            };
            let Some(&ip) = pool.get(next) else { continue };
            let far = mapping.external;
            let flow = Flow { protocol: mapping.protocol, near: mapping.internal, far };
            let same = SocketAddr::new(ip, mapping.external.port());
            let external = if next != at && self.is_free(same, &flow, mapping.scope) {
                Some(same)
            } else {
                self.any_port(ip, &flow, mapping.scope, out)
            };
            let Some(external) = external else { continue };
            self.end(&mapping, out);
            self.table.move_mapping(id, external, next);
            let (protocol, internal) = (mapping.protocol, mapping.internal);
            out.event(|| NatEvent::Mapped { protocol, internal, external, remote: far });
        }
    }
}
