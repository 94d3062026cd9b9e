//! Worlds of SCTP in words.

use super::plan::{
    Deed, Flow, Longer, Loss, NAMES, Plan, Queue, Reading, Reliability, Setup, Side, Sizes, Style,
    Way,
};

/// The world in words, a line for each part.
pub(crate) fn describe(plan: &Plan) -> Vec<String> {
    let setup = match plan.setup {
        Setup::One(side) => format!("the {} connects", name(side)),
        Setup::Both => "both connect".to_owned(),
        Setup::Snap => "signalling carries both INITs".to_owned(),
    };
    let style = match plan.style {
        Style::Channels => "data channels",
        Style::Bare => "messages on streams",
    };
    let longer = match plan.mtu.longer {
        Longer::Fragmented => "longer ones are fragmented",
        Longer::Vanish => "longer ones vanish",
        Longer::Told => "the interface knows",
    };
    let mut lines = vec![
        format!("{style}; {setup}"),
        format!("IP packets of up to {} bytes pass, {longer}", plan.mtu.bytes),
    ];
    if let Some((at, mtu)) = plan.mtu.later {
        lines.push(format!("from {} ms on, up to {mtu}", at.as_millis()));
    }
    for ((name, side), way) in NAMES.into_iter().zip(&plan.sides).zip(&plan.ways) {
        lines.push(format!("{name}: {}", describe_side(side)));
        lines.push(format!("from {name}: {}", describe_way(way)));
    }
    lines.extend(plan.flows.iter().enumerate().map(|(index, flow)| describe_flow(index, flow)));
    for (from, to) in &plan.partitions {
        lines.push(format!("nothing passes from {} to {} ms", from.as_millis(), to.as_millis()));
    }
    if let Some((at, deed)) = plan.deed {
        lines.push(format!("at {} ms {}", at.as_millis(), describe_deed(deed)));
    }
    let given = super::promises::given(plan).as_secs_f64();
    lines.push(format!(
        "the network heals at {} ms; all is to be done {given:.1} s later",
        plan.storm.as_millis()
    ));
    lines
}

fn name(side: usize) -> &'static str {
    NAMES.get(side).copied().unwrap_or_default()
}

fn describe_deed(deed: Deed) -> String {
    match deed {
        Deed::Restart(side) => format!("the {} forgets everything and begins anew", name(side)),
        Deed::Shutdown(side) => format!("the {} shuts the association down", name(side)),
        Deed::ShutdownBoth(after) => {
            format!(
                "the client shuts the association down, the server {} ms later",
                after.as_millis()
            )
        }
        Deed::Abort(side) => format!("the {} aborts the association", name(side)),
    }
}

fn describe_side(side: &Side) -> String {
    let mut parts = vec![
        format!("begins at {} ms", side.start.as_millis()),
        format!("{:?}", side.algorithm),
        format!("{:?}", side.scheduler),
        format!("packets of {} bytes, searching up to {}", side.max_packet, side.max_probe),
        format!("timeouts up to {} s", side.rto_max.as_secs()),
        format!("window of {} bytes", side.window),
    ];
    let sctp::Features { forward_tsn, interleaving, reconfig, zero_checksum, ecn } = side.features;
    let features = [
        (forward_tsn, "FORWARD-TSN"),
        (interleaving, "I-DATA"),
        (reconfig, "RE-CONFIG"),
        (zero_checksum, "zero checksum"),
        (ecn, "ECN"),
    ];
    let there = features.into_iter().filter(|(is_there, _)| *is_there).map(|(_, name)| name);
    parts.push(there.collect::<Vec<_>>().join(" "));
    parts.extend(side.initial_tsn.map(|tsn| format!("first number {tsn:#x}")));
    match side.reading {
        Reading::AtOnce => {}
        Reading::Slowly(every, count) => {
            parts.push(format!("reads {count} messages every {} ms", every.as_millis()));
        }
        Reading::Pausing(from, to) => {
            parts.push(format!("reads nothing from {} to {} ms", from.as_millis(), to.as_millis()));
        }
    }
    parts.join(", ")
}

fn describe_flow(index: usize, flow: &Flow) -> String {
    let sizes = match flow.sizes {
        Sizes::UpTo(length) => format!("up to {length}"),
        Sizes::Exactly(length) => length.to_string(),
    };
    let reliability = match flow.reliability {
        Reliability::Reliable => String::new(),
        Reliability::Retransmits(times) => format!(", {times} retransmissions"),
        Reliability::Lifetime(millis) => format!(", {millis} ms of life"),
        Reliability::Priority(priority) => format!(", given up for less than {priority}"),
    };
    let [forth, back] = flow.counts;
    format!(
        "flow {index}: from the {} at {} ms, {}{reliability}, {forth} messages of {sizes} bytes \
         every {} ms, {back} back, {} rounds, priority {}{}, stream {}",
        name(flow.side),
        flow.start.as_millis(),
        if flow.ordered { "ordered" } else { "unordered" },
        flow.pace.as_millis(),
        flow.rounds,
        flow.priority,
        if flow.negotiated { ", negotiated" } else { "" },
        flow.stream,
    )
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
    say(way.truncate > 0, format!("{} % cut off", way.truncate));
    let queue = match way.queue {
        Queue::DropTail(millis) => format!("drop-tail of {millis} ms"),
        queue => format!("{queue:?}"),
    };
    say(way.rate > 0, format!("{} kbit/s behind {queue}", way.rate));
    parts.join(", ")
}
