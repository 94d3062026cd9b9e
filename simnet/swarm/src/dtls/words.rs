//! Worlds of DTLS in words.

use super::plan::{Loss, NAMES, Plan, Side, Way};

/// The world in words, a line for each part.
pub(crate) fn describe(plan: &Plan) -> Vec<String> {
    let mut lines = vec![format!(
        "IP packets of up to {} bytes pass{}{}; the handshake may take {:.1} s",
        plan.mtu,
        if plan.cookies { "; the server asks for a cookie" } else { "" },
        if plan.mutual { "; both have certificates" } else { "" },
        plan.given().as_secs_f64(),
    )];
    for ((name, side), way) in NAMES.into_iter().zip(&plan.sides).zip(&plan.ways) {
        lines.push(format!("{name}: {}", describe_side(side)));
        lines.push(format!("from {name}: {}", describe_way(way)));
    }
    for update in &plan.updates {
        let name = NAMES.get(update.side).copied().unwrap_or_default();
        let asks = if update.asks { ", and asks for the other's" } else { "" };
        lines.push(format!("{name} updates its keys {} ms later{asks}", update.after.as_millis()));
    }
    if let Some(after) = plan.rebinding {
        lines.push(format!("the client moves to another port {} ms later", after.as_millis()));
    }
    lines.push(format!("the network heals {} ms after both are connected", plan.storm.as_millis()));
    lines
}

fn describe_side(side: &Side) -> String {
    let [least, most] = side.versions;
    let versions = if least == most { most.to_string() } else { format!("{least} or {most}") };
    let shares = side.groups.iter().take(side.shares);
    let mut parts = vec![
        format!("begins at {} ms", side.start.as_millis()),
        versions,
        format!("{:?}", side.key),
        format!("groups {:?}, shares {:?}", side.groups, shares.collect::<Vec<_>>()),
    ];
    let mut say = |is_so: bool, words: String| parts.extend(is_so.then_some(words));
    say(side.knows_mtu, "knows the MTU".to_owned());
    say(side.knows_rtt, "knows the round trip".to_owned());
    say(side.learns_late, "learns the fingerprint late".to_owned());
    let id = side.connection_id.unwrap_or(0);
    say(side.connection_id.is_some(), format!("connection ids of {id} bytes"));
    say(
        side.record_limit.is_some(),
        format!("records of {} bytes", side.record_limit.unwrap_or(0)),
    );
    parts.join(", ")
}

fn describe_way(way: &Way) -> String {
    let mut parts = vec![format!("{} ms", way.delay)];
    let mut say = |is_so: bool, words: String| parts.extend(is_so.then_some(words));
    say(way.jitter > 0, format!("jitter {} ms", way.jitter));
    match way.loss {
        Loss::None => {}
        Loss::Single(percent) => say(true, format!("{percent} % lost")),
        Loss::Bursts(percent, length) => say(true, format!("{percent} % lost, {length} in a row")),
    }
    say(way.reorder > 0, format!("{} % overtaken", way.reorder));
    say(way.duplicate > 0, format!("{} % come twice", way.duplicate));
    say(way.corrupt > 0, format!("{} % corrupted", way.corrupt));
    parts.join(", ")
}
