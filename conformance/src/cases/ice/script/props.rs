//! Names, addresses and small helpers that many cases share.

use std::{net::SocketAddr, time::Duration};

use wire::ice::{Role, Side, preference, priority};

use crate::{Stop, Variant, subjects::ice::IceRole, subjects::stun::Refusal};

/// A second.
pub(in crate::cases) const SECOND: Duration = Duration::from_secs(1);
/// A millisecond.
pub(in crate::cases) const MILLISECOND: Duration = Duration::from_millis(1);
/// Longer than any agent needs to begin a check that is due.
pub(in crate::cases) const SOON: Duration = Duration::from_millis(500);
/// The priority that checks of the suite carry: a peer-reflexive one for a single address.
pub(in crate::cases) const PEER_PRIORITY: u32 = 0x6e00_ffff | 0x00ff_ff00;
/// What the suite says as data: nothing that looks like STUN.
pub(in crate::cases) const DATA: &[u8] = b"\x80 data";

/// The suite's own credentials.
pub(in crate::cases) fn suite_side() -> Side {
    Side::new("sUiT", "conformance0suite0peer")
}

/// The credentials of the suite after a restart.
pub(in crate::cases) fn restarted_side() -> Side {
    Side::new("sUi2", "conformance0suite0anew")
}

/// The subject's role in this variant.
pub(in crate::cases) fn role(v: &Variant) -> IceRole {
    match v.text("role") {
        "controlling" => IceRole::Controlling,
        _ => IceRole::Controlled,
    }
}

/// The word of a role on the wire.
pub(in crate::cases) const fn on_wire(role: IceRole) -> Role {
    match role {
        IceRole::Controlling => Role::Controlling,
        IceRole::Controlled => Role::Controlled,
    }
}

/// The priority of the suite's host candidate number `n`, best first.
pub(in crate::cases) fn host_priority(n: usize) -> u32 {
    let below = u16::try_from(n).unwrap_or(u16::MAX);
    priority(preference::HOST, u16::MAX - below, 1)
}

/// The text of a host candidate of the suite.
pub(in crate::cases) fn host_line(n: usize, address: SocketAddr) -> String {
    let line = wire::ice::Line::new(
        &format!("s{n}"),
        host_priority(n),
        address.ip(),
        address.port(),
        "host",
    );
    line.to_string()
}

/// Passes over an operation that the subject does not have, and stops at a refusal.
pub(in crate::cases) fn needed(outcome: Result<(), Refusal>) -> Result<(), Stop> {
    outcome.map_err(|refusal| match refusal {
        Refusal::Unsupported => Stop::Unsupported("the agent has no such command".to_owned()),
        Refusal::Refused(why) => Stop::Inconclusive(format!("the agent refused: {why}")),
    })
}

/// The largest and the smallest distance between neighbours.
pub(in crate::cases) fn gaps(times: &[base::Instant]) -> Vec<Duration> {
    times
        .windows(2)
        .map(|pair| {
            pair.last().copied().map_or(Duration::ZERO, |last| {
                pair.first().map_or(Duration::ZERO, |first| last - *first)
            })
        })
        .collect()
}
