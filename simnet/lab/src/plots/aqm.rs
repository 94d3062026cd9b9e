//! Queue disciplines against the delays that their RFCs promise.

use std::time::Duration;

use base::Ecn;
use simnet::{Body, Congestion, Packet, Queue, QueueLimit};

use super::{
    Curve, Plot,
    bottleneck::{Flow, Load},
    draw::{Target, draw},
    reactive::Reaction,
};

/// The queue that is compared with: 300 ms, as RFC 8867 §4.2 has it.
const TAIL: QueueLimit = QueueLimit::time(Duration::from_millis(300));
/// How long worlds run.
const LENGTH: Duration = Duration::from_secs(35);

const RENO: Flow = Flow::Tcp(Congestion::Reno);
const CUBIC: Flow = Flow::Tcp(Congestion::Cubic);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn all_alike(_: &Packet) -> usize {
    0
}

/// UDP, and everything else.
const fn by_protocol(packet: &Packet) -> usize {
    matches!(packet.body, Body::Udp(_)) as usize
}

/// Low-latency packets, and everything else (RFC 9331 §5.1).
const fn by_mark(packet: &Packet) -> usize {
    matches!(packet.ecn, Ecn::Ect1 | Ecn::Ce) as usize
}

/// CoDel under long TCP flows (RFC 8289 §3.2): half of all packets wait no longer than about the target.
#[must_use]
pub fn codel() -> Plot {
    let load = Load {
        rate: 10_000_000,
        round_trip: ms(100),
        flows: &[RENO, RENO, CUBIC, CUBIC],
        length: LENGTH,
        kind: all_alike,
    };
    let curves =
        vec![load.run(TAIL).curve("drop-tail", 0), load.run(Queue::codel()).curve("CoDel", 0)];
    let targets = [Target { name: "target (RFC 8289 §4.3)", millis: 5.0 }];
    let title = "CoDel: four long TCP flows, 10 Mbit/s, 100 ms";
    plot("codel", title, curves, &targets)
}

/// FQ-CoDel under long TCP flows and a call (RFC 8290 §1.3, §5.2.2): each queue is kept at the target, and
/// the call passes them all.
#[must_use]
pub fn fq_codel() -> Plot {
    let load = Load {
        rate: 10_000_000,
        round_trip: ms(50),
        flows: &[RENO, RENO, CUBIC, CUBIC, Flow::Cbr(80_000, 200)],
        length: LENGTH,
        kind: by_protocol,
    };
    let (tail, fair) = (load.run(TAIL), load.run(Queue::fq_codel()));
    let curves = vec![
        tail.curve("drop-tail, TCP", 0),
        tail.curve("drop-tail, call", 1),
        fair.curve("FQ-CoDel, TCP", 0),
        fair.curve("FQ-CoDel, call", 1),
    ];
    let targets = [Target { name: "target (RFC 8290 §5.2.2)", millis: 5.0 }];
    let title = "FQ-CoDel: four long TCP flows and a call, 10 Mbit/s, 50 ms";
    plot("fq-codel", title, curves, &targets)
}

/// PIE under long TCP flows (RFC 8033 §4.2, §7): waiting is at the target on average.
#[must_use]
pub fn pie() -> Plot {
    let load = Load {
        rate: 10_000_000,
        round_trip: ms(100),
        flows: &[RENO, RENO, RENO, CUBIC, CUBIC],
        length: LENGTH,
        kind: all_alike,
    };
    let curves = vec![load.run(TAIL).curve("drop-tail", 0), load.run(Queue::pie()).curve("PIE", 0)];
    let targets = [Target { name: "target (RFC 8033 §4.2)", millis: 15.0 }];
    let title = "PIE: five long TCP flows, 10 Mbit/s, 100 ms";
    plot("pie", title, curves, &targets)
}

/// DualPI2 under classic and scalable flows (RFC 9332 §1.4, §A.1): the classic queue is kept at its target,
/// and low-latency packets wait for less than a millisecond on average and hardly ever more than two.
#[must_use]
pub fn dualpi2() -> Plot {
    let classic = Flow::Reactive(Reaction::Classic);
    let scalable = Flow::Reactive(Reaction::Scalable);
    let load = Load {
        rate: 40_000_000,
        round_trip: ms(10),
        flows: &[CUBIC, classic, scalable, scalable],
        length: LENGTH,
        kind: by_mark,
    };
    let (tail, dual) = (load.run(TAIL), load.run(Queue::dualpi2()));
    let curves = vec![
        tail.curve("drop-tail, classic", 0),
        tail.curve("drop-tail, L4S", 1),
        dual.curve("DualPI2, classic", 0),
        dual.curve("DualPI2, L4S", 1),
    ];
    let targets = [
        Target { name: "classic target (RFC 9332 §A.1)", millis: 15.0 },
        Target { name: "L4S mean (RFC 9332 §1.4)", millis: 1.0 },
    ];
    let title = "DualPI2: two classic and two scalable flows, 40 Mbit/s, 10 ms";
    plot("dualpi2", title, curves, &targets)
}

fn plot(name: &'static str, title: &str, curves: Vec<Curve>, targets: &[Target]) -> Plot {
    let svg = draw(title, &curves, targets);
    Plot { name, title: title.to_owned(), svg, curves }
}
