//! The mapping timer and what restarts it: RFC 4787 §4.3.

use std::time::Duration;

use simnet::nat::{Refresh, Timers};

use super::{Far, Lab, NO_REFERENCE, PORT, arrival};
use crate::{Ctl, Outcome, SubjectKind, Variant, case, product, req, subjects::nat::NatConfig};

/// Taken off a span before and added behind it: more than a probe takes.
const MARGIN: Duration = Duration::from_secs(1);

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

case! {
    id: "nat.timer.default",
    title: "Without configuration a mapping outlives two minutes of silence, and five",
    reqs: [req::NAT_MAPPING_TIMER_TWO_MINUTES, req::NAT_MAPPING_TIMER_DEFAULT_FIVE_MINUTES],
    kind: SubjectKind::Nat,
    variants: product! { silence: [60, 120, 300] },
    no_reference: NO_REFERENCE,
    run: default_timer,
}

fn default_timer(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let silence = v.number("silence");
    let lab = Lab::build(t, &NatConfig::rfc4787_strict())?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    t.run_for(seconds(silence) - MARGIN);
    let open = lab.reaches(t, Far::Server, external, socket)?;
    let wanted = format!("the answer arrives after {silence} seconds");
    if silence <= 120 {
        t.must(req::NAT_MAPPING_TIMER_TWO_MINUTES, open, wanted, arrival(open))
    } else {
        t.should(req::NAT_MAPPING_TIMER_DEFAULT_FIVE_MINUTES, open, wanted, arrival(open))
    }
}

case! {
    id: "nat.timer.configured",
    title: "A mapping lives as long as configured, and no longer",
    reqs: [
        req::NAT_MAPPING_TIMER_CONFIGURABLE,
        req::NAT_MAPPING_TIMER_TWO_MINUTES,
        req::NAT_MAPPING_EXPIRES,
    ],
    kind: SubjectKind::Nat,
    variants: product! { timer: [120, 150, 300, 900, 7_200] },
    no_reference: NO_REFERENCE,
    run: configured,
}

fn configured(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let timer = seconds(v.number("timer"));
    let config = NatConfig { timers: Timers::udp(timer), ..NatConfig::rfc4787_strict() };
    let lab = Lab::build(t, &config)?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    // Inbound packets refresh nothing here, so that one mapping can be looked at twice.
    t.run_for(timer - MARGIN);
    let open = lab.reaches(t, Far::Server, external, socket)?;
    let wanted = format!("the answer arrives {MARGIN:?} before {timer:?} are over");
    t.must(req::NAT_MAPPING_TIMER_TWO_MINUTES, open, &wanted, arrival(open))?;
    t.may(req::NAT_MAPPING_TIMER_CONFIGURABLE, open, &wanted, arrival(open))?;
    t.run_for(MARGIN);
    let open = lab.reaches(t, Far::Server, external, socket)?;
    let wanted = format!("nothing arrives when {timer:?} are over");
    t.must(req::NAT_MAPPING_EXPIRES, !open, wanted, arrival(open))
}

case! {
    id: "nat.timer.well-known",
    title: "A short timer for one well-known port concerns that port alone",
    reqs: [req::NAT_SHORT_TIMER_WELL_KNOWN_PORTS, req::NAT_MAPPING_TIMER_TWO_MINUTES],
    kind: SubjectKind::Nat,
    no_reference: NO_REFERENCE,
    run: well_known,
}

fn well_known(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let timers = Timers { well_known: vec![(53, seconds(10))], ..Timers::udp(seconds(300)) };
    let config = NatConfig { timers, ..NatConfig::rfc4787_ideal() };
    let lab = Lab::build(t, &config)?;
    let dns = t.bind("server", ([11, 0, 0, 9], 53).into())?;
    let query = Lab::inside(t, 2, PORT)?;
    t.send_stimulus(query, ([11, 0, 0, 9], 53).into(), b"query", "a datagram to port 53");
    let seen = t.receive_within(dns, MARGIN);
    let external = t.expect(seen, "the datagram arrives")?.source;
    let call = Lab::inside(t, 2, PORT + 2)?;
    let other = lab.seen(t, call, Far::Server)?;
    t.run_for(seconds(60));
    let open = lab.reaches(t, Far::Server, other, call)?;
    let wanted = "the mapping to port 3478 is there after a minute";
    t.must(req::NAT_MAPPING_TIMER_TWO_MINUTES, open, wanted, arrival(open))?;
    let open = lab.reaches(t, Far::Server, external, query)?;
    let wanted = "the mapping to port 53 is gone after a minute";
    t.may(req::NAT_SHORT_TIMER_WELL_KNOWN_PORTS, !open, wanted, arrival(open))
}

case! {
    id: "nat.refresh.outbound",
    title: "Sending keeps a mapping alive",
    reqs: [req::NAT_OUTBOUND_REFRESH],
    kind: SubjectKind::Nat,
    variants: product! { inbound: [false, true], to: ["server", "others"] },
    no_reference: NO_REFERENCE,
    run: outbound,
}

fn outbound(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let refresh = Refresh { outbound: true, inbound: v.flag("inbound") };
    let lab = Lab::build(t, &NatConfig { refresh, ..NatConfig::rfc4787_ideal() })?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    let others = [Far::OtherServer, Far::ServerOtherPort, Far::Stranger, Far::Server];
    for other in others {
        t.run_for(seconds(200));
        // Any packet of the mapping counts, whoever it goes to.
        let far = if v.text("to") == "server" { Far::Server } else { other };
        let again = lab.seen(t, socket, far)?;
        let wanted = format!("{external} still");
        t.must(req::NAT_OUTBOUND_REFRESH, again == external, wanted, again)?;
    }
    t.run_for(seconds(200));
    let open = lab.reaches(t, Far::Server, external, socket)?;
    let wanted = "the answer arrives a thousand seconds after the first packet";
    t.must(req::NAT_OUTBOUND_REFRESH, open, wanted, arrival(open))
}

case! {
    id: "nat.refresh.inbound",
    title: "Receiving keeps a mapping alive where it is configured to",
    reqs: [req::NAT_INBOUND_REFRESH, req::NAT_MAPPING_EXPIRES],
    kind: SubjectKind::Nat,
    variants: product! { inbound: [true, false] },
    no_reference: NO_REFERENCE,
    run: inbound,
}

fn inbound(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let inbound = v.flag("inbound");
    let refresh = Refresh { outbound: true, inbound };
    let lab = Lab::build(t, &NatConfig { refresh, ..NatConfig::rfc4787_strict() })?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    t.run_for(seconds(200));
    let open = lab.reaches(t, Far::Server, external, socket)?;
    t.precondition(open, "the mapping is there after 200 seconds")?;
    t.run_for(seconds(200));
    let open = lab.reaches(t, Far::Server, external, socket)?;
    if inbound {
        let wanted = "the answer arrives 200 seconds after the last one";
        t.may(req::NAT_INBOUND_REFRESH, open, wanted, arrival(open))
    } else {
        let wanted = "nothing arrives 400 seconds after the last packet from inside";
        t.must(req::NAT_MAPPING_EXPIRES, !open, wanted, arrival(open))
    }
}

case! {
    id: "nat.refresh.filtered",
    title: "Packets that the filter stops keep nothing alive",
    reqs: [req::NAT_MAPPING_EXPIRES],
    kind: SubjectKind::Nat,
    variants: product! { inbound: [true, false] },
    no_reference: NO_REFERENCE,
    run: filtered,
}

fn filtered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let refresh = Refresh { outbound: true, inbound: v.flag("inbound") };
    let lab = Lab::build(t, &NatConfig { refresh, ..NatConfig::rfc4787_strict() })?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    for _ in 0..3 {
        t.run_for(seconds(90));
        let admitted = lab.reaches(t, Far::Stranger, external, socket)?;
        t.precondition(!admitted, "the filter stops the stranger")?;
    }
    t.run_for(seconds(31));
    let open = lab.reaches(t, Far::Server, external, socket)?;
    let wanted = "nothing arrives 301 seconds after the last packet from inside";
    t.must(req::NAT_MAPPING_EXPIRES, !open, wanted, arrival(open))
}
