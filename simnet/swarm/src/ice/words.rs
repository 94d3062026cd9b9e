//! Worlds in words, for those who have to understand a failure.

use std::time::Duration;

use super::plan::{Access, Family, Fault, Impairment, Loss, Meeting, NAMES, Plan, Side, What};

/// The world in words, a line for each part.
pub(crate) fn describe(plan: &Plan) -> Vec<String> {
    let mut lines = vec![network(plan)];
    for (index, side) in plan.sides.iter().enumerate() {
        lines.push(format!("{}: {}", name(index), describe_side(plan, index, side)));
    }
    lines.extend(plan.faults.iter().map(describe_fault));
    lines.push(format!("{} everything heals", at(plan.heal)));
    if let Some(gone) = plan.gone {
        lines.push(format!("{} bob's host crashes for good", at(gone)));
    }
    lines
}

fn name(index: usize) -> &'static str {
    NAMES.get(index).copied().unwrap_or("nobody")
}

fn at(time: Duration) -> String {
    format!("at {:6.2} s", time.as_secs_f64())
}

fn network(plan: &Plan) -> String {
    let family = match plan.family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
        Family::Dual => "IPv4 and IPv6",
    };
    let meeting = match plan.meeting {
        Meeting::Apart => String::new(),
        Meeting::Together => ", both on one LAN".to_owned(),
        Meeting::SameCarrier(preset) => format!(", both behind the carrier's NAT {preset}"),
    };
    let stun = if plan.stun { "a STUN server" } else { "no STUN server" };
    let turn = plan.turn.map_or_else(
        || "no TURN server".to_owned(),
        |turn| {
            let port =
                |name: &str, port: Option<u16>| port.map(|port| format!("{name} port {port}"));
            let ports = [port("UDP", turn.udp), port("TCP", turn.tcp)];
            let ports: Vec<_> = ports.into_iter().flatten().collect();
            format!("a TURN server on {}", ports.join(" and "))
        },
    );
    let spread = plan.signalling.spread.as_millis();
    let late = if spread > 0 { format!(" to {spread} ms more") } else { String::new() };
    let delay = plan.signalling.delay.as_millis();
    format!("{family}{meeting}; {stun}, {turn}; signalling takes {delay} ms{late}")
}

fn describe_side(plan: &Plan, index: usize, side: &Side) -> String {
    let mut parts = Vec::new();
    if plan.meeting != Meeting::Together || index == 0 {
        parts.push(describe_access(&side.access));
    }
    if let Some(second) = side.second {
        parts.push(format!("also on a mobile network with the NAT {second}"));
    }
    parts.push(format!("{} ms one way", side.delay));
    parts.extend(describe_impairment(side.impairment));
    parts.push(if side.controlling { "controlling" } else { "controlled" }.to_owned());
    let flags = [
        (side.aggressive, "nominates aggressively"),
        (!side.trickle, "names all candidates at once"),
        (side.relay_only, "relayed candidates only"),
        (side.tcp, "TCP candidates too"),
    ];
    parts.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, words)| words.to_owned()));
    parts.join(", ")
}

fn describe_access(access: &Access) -> String {
    let firewall = access.firewall.map(|preset| format!("the firewall {preset}"));
    let nats = access.nats.iter().map(|preset| format!("the NAT {preset}"));
    let boxes: Vec<_> = firewall.into_iter().chain(nats).collect();
    if boxes.is_empty() {
        return "on the open network".to_owned();
    }
    format!("behind {}", boxes.join(" and "))
}

fn describe_impairment(impairment: Impairment) -> Vec<String> {
    let Impairment { loss, reorder, duplicate, jitter, rate, mtu } = impairment;
    let loss = match loss {
        Loss::None => None,
        Loss::Single(percent) => Some(format!("loses {percent} %")),
        Loss::Bursts(percent, length) => Some(format!("loses {percent} % in bursts of {length}")),
    };
    let some = |value: u32, words: String| (value > 0).then_some(words);
    let parts = [
        loss,
        some(reorder, format!("reorders {reorder} %")),
        some(duplicate, format!("doubles {duplicate} %")),
        some(jitter, format!("{jitter} ms of jitter")),
        rate.map(|rate| format!("{rate} kbit/s")),
        mtu.map(|mtu| format!("MTU {mtu}")),
    ];
    parts.into_iter().flatten().collect()
}

fn describe_fault(fault: &Fault) -> String {
    let lasts = format!("for {:.1} s", fault.what.lasts().as_secs_f64());
    let what = match fault.what {
        What::Reboot(index) => format!("{}'s outer NAT reboots", name(index)),
        What::Renumber(index) => format!("{}'s outer NAT gets another address", name(index)),
        What::Outage(index, _) => format!("{}'s uplink carries nothing {lasts}", name(index)),
        What::InterfaceDown(index, _) => format!("{}'s eth0 is down {lasts}", name(index)),
        What::Handover(index) => format!("{}'s eth0 goes down for good", name(index)),
        What::Moved(index) => format!("{}'s eth0 has another address", name(index)),
        What::Added(index) => format!("{}'s eth0 gets one more address", name(index)),
        What::Partition(_) => format!("alice and bob do not hear each other {lasts}"),
        What::Isolation(index, _) => format!("{} hears nobody {lasts}", name(index)),
        What::TurnRestart(_) => format!("the TURN server is down {lasts} and forgets everything"),
        What::Storm(index, percent, _) => {
            format!("{}'s uplink loses {percent} % {lasts}", name(index))
        }
        What::Restart(index) => format!("{}'s application restarts ICE", name(index)),
        What::Glare => "both applications restart ICE".to_owned(),
    };
    format!("{} {what} (fault-{})", at(fault.at), fault.number)
}
