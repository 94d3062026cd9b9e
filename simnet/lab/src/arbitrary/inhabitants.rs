//! Roles for the hosts of a drawn world.

use std::time::Duration;

use arbitrary::{Result, Unstructured};

use super::{MAX_DURATION, millis};
use crate::{
    roles::{Discovery, Echo, Flow, Keepalive, Peer, PmtuProbe, Role, Sink, TcpSend, TcpSink},
    scenario::{Host, Scenario},
};

/// Gives every host that is idle a role. Servers stand on the wide-area network, so that everybody can
/// talk to somebody.
pub(super) fn settle(u: &mut Unstructured<'_>, scenario: &mut Scenario) -> Result<()> {
    let echo = Echo { delay: millis(u, 0, 1_000)?, ..Echo::default() };
    scenario.hosts.push(Host::new("echo", "wan", echo));
    scenario.hosts.push(Host::new("sink", "wan", Sink::default()));
    scenario.hosts.push(Host::new("taker", "wan", TcpSink::default()));
    let idle: Vec<usize> = scenario
        .hosts
        .iter()
        .enumerate()
        .filter(|(_, host)| host.role == Role::Idle)
        .map(|(index, _)| index)
        .collect();
    let names: Vec<String> = scenario.hosts.iter().map(|host| host.name.clone()).collect();
    let mut waiting: Option<usize> = None;
    for index in idle {
        let role = match u.int_in_range(0..=9_u8)? {
            0..=3 => {
                // Peers come in pairs; one that is left over stays idle.
                if let Some(first) = waiting.take() {
                    pair(u, scenario, first, index)?;
                } else {
                    waiting = Some(index);
                }
                continue;
            }
            4 => flow(u, &names)?.into(),
            5 => {
                let start = millis(u, 0, MAX_DURATION)?;
                Discovery { start, ..Discovery::default() }.into()
            }
            6 => keepalive(u)?.into(),
            7 => PmtuProbe::to("echo").into(),
            8 => {
                let bytes = u.int_in_range(1..=50_000_u64)?;
                TcpSend { bytes: Some(bytes), ..TcpSend::to("taker") }.into()
            }
            _ => Role::Idle,
        };
        if let Some(host) = scenario.hosts.get_mut(index) {
            host.role = role;
        }
    }
    Ok(())
}

fn pair(u: &mut Unstructured<'_>, scenario: &mut Scenario, one: usize, other: usize) -> Result<()> {
    let name = |index: usize| {
        scenario.hosts.get(index).map(|host: &Host| host.name.clone()).unwrap_or_default()
    };
    let (first, second) = (name(one), name(other));
    for (index, with) in [(one, second), (other, first)] {
        let peer = Peer {
            host_candidates: u.ratio(3, 4)?,
            reflexive_candidates: u.ratio(3, 4)?,
            pace: millis(u, 5, 100)?,
            keepalive: millis(u, 50, 5_000)?,
            consent: millis(u, 500, 5_000)?,
            data: millis(u, 0, 500)?,
            start: millis(u, 0, 500)?,
            restarts: u.arbitrary()?,
            ..Peer::with(&with)
        };
        if let Some(host) = scenario.hosts.get_mut(index) {
            host.role = peer.into();
        }
    }
    Ok(())
}

fn flow(u: &mut Unstructured<'_>, names: &[String]) -> Result<Flow> {
    let to = if u.ratio(2, 3)? { "sink" } else { u.choose(names)?.as_str() };
    Ok(Flow {
        rate: u.int_in_range(1_000..=500_000)?,
        size: u.int_in_range(16..=2_000)?,
        start: millis(u, 0, 1_000)?,
        ..Flow::to(to)
    })
}

fn keepalive(u: &mut Unstructured<'_>) -> Result<Keepalive> {
    let ask = millis(u, 100, 2_000)?;
    let interval: Option<Duration> =
        if u.arbitrary()? { Some(millis(u, 50, 1_000)?) } else { None };
    Ok(Keepalive { ask, interval, ..Keepalive::to("echo") })
}
