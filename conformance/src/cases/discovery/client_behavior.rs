//! What a client finds out about mapping and filtering: RFC 5780 §4.2-§4.4.

use super::{
    client_stage::{Answer, Asked, CLIENT, DiscoveryStage, Pretence, Talk, refusal},
    props::{Flags, four, other_of},
};
use crate::{cases::stun::script::*, subjects::stun::DiscoveryEvent};

/// Longer than any run without a search for lifetimes.
const LONG: Duration = Duration::from_secs(120);

case! {
    id: "stun.discovery.client.behavior",
    title: "The client tells mappings and filters apart",
    reqs: [
        req::DISCOVERY_NOT_NATTED,
        req::DISCOVERY_MAPPING_ENDPOINT_INDEPENDENT,
        req::DISCOVERY_MAPPING_ADDRESS_DEPENDENT,
        req::DISCOVERY_MAPPING_ADDRESS_AND_PORT_DEPENDENT,
        req::DISCOVERY_FILTERING_ENDPOINT_INDEPENDENT,
        req::DISCOVERY_FILTERING_ADDRESS_DEPENDENT,
        req::DISCOVERY_FILTERING_ADDRESS_AND_PORT_DEPENDENT,
    ],
    kind: SubjectKind::Discovery,
    variants: product! {
        mapping: ["none", "endpoint", "address", "address+port"],
        filtering: ["endpoint", "address", "address+port"],
    },
    no_reference: "no other stack at hand has a discovery client",
    run: behavior,
}

fn behavior(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = DiscoveryStage::open(t, |_| {})?;
    let mut nat = Pretence::new(v.text("mapping"), v.text("filtering"));
    let talk = stage.talk(t, LONG, |asked| nat.answer(asked));
    let (req, wanted) = match v.text("mapping") {
        "none" => (req::DISCOVERY_NOT_NATTED, "endpoint-independent"),
        "endpoint" => (req::DISCOVERY_MAPPING_ENDPOINT_INDEPENDENT, "endpoint-independent"),
        "address" => (req::DISCOVERY_MAPPING_ADDRESS_DEPENDENT, "address-dependent"),
        _ => {
            let req = req::DISCOVERY_MAPPING_ADDRESS_AND_PORT_DEPENDENT;
            (req, "address- and port-dependent")
        }
    };
    t.must(req, talk.found("mapping") == Some(wanted), wanted, talk.shown())?;
    let translated = if v.text("mapping") == "none" { "no" } else { "yes" };
    t.must(req, talk.found("translated") == Some(translated), translated, talk.shown())?;
    let (req, wanted) = match v.text("filtering") {
        "endpoint" => (req::DISCOVERY_FILTERING_ENDPOINT_INDEPENDENT, "endpoint-independent"),
        "address" => (req::DISCOVERY_FILTERING_ADDRESS_DEPENDENT, "address-dependent"),
        _ => {
            let req = req::DISCOVERY_FILTERING_ADDRESS_AND_PORT_DEPENDENT;
            (req, "address- and port-dependent")
        }
    };
    t.must(req, talk.found("filtering") == Some(wanted), wanted, talk.shown())?;
    t.must(req, talk.is_done(), "an end", talk.shown())
}

case! {
    id: "stun.discovery.client.requests",
    title: "The tests come in an order in which none spoils another, in well-formed requests",
    reqs: [
        req::DISCOVERY_MAPPING_TESTS_IN_ORDER,
        req::DISCOVERY_FILTERING_UNSPOILT_PORT,
        req::DISCOVERY_CHANGE_REQUEST_FORMAT,
    ],
    kind: SubjectKind::Discovery,
    variants: product! {
        mapping: ["none", "endpoint", "address", "address+port"],
        filtering: ["endpoint", "address", "address+port"],
    },
    no_reference: "no other stack at hand has a discovery client",
    run: requests,
}

fn requests(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = DiscoveryStage::open(t, |_| {})?;
    let mut nat = Pretence::new(v.text("mapping"), v.text("filtering"));
    let talk = stage.talk(t, LONG, |asked| nat.answer(asked));
    mapping_order(t, v, &talk)?;
    let changes: Vec<&Asked> =
        talk.asked.iter().filter(|asked| asked.message.has(attribute::CHANGE_REQUEST)).collect();
    let req = req::DISCOVERY_CHANGE_REQUEST_FORMAT;
    t.must(req, !changes.is_empty(), "a request with CHANGE-REQUEST", "none")?;
    for asked in changes {
        let flags = asked.flags().unwrap_or_default();
        let wanted = [0, 0, 0, u8::from(flags.ip) << 2 | u8::from(flags.port) << 1];
        let value = asked.message.value(attribute::CHANGE_REQUEST).unwrap_or_default();
        t.must(req, value == wanted && flags != Flags::default(), hex(&wanted), hex(value))?;
        let sound = asked.message.faults().is_empty() && asked.message.kind == 0x0001;
        t.must(req, sound, "a sound Binding request", &asked.message)?;
        let spoilt = talk.asked.iter().find(|before| {
            before.at < asked.at
                && before.from == asked.from
                && before.to.ip() == other_of(asked.to).ip()
        });
        let got = spoilt
            .map_or_else(|| "none".to_owned(), |before| format!("{} at {}", before.to, before.at));
        let req = req::DISCOVERY_FILTERING_UNSPOILT_PORT;
        t.must(req, spoilt.is_none(), "no earlier packet to the other address", got)?;
    }
    Ok(())
}

/// One source port, and the addresses in the order of the specification, no more than needed.
fn mapping_order(t: &mut Ctl<'_>, v: &Variant, talk: &Talk) -> Outcome {
    let plain: Vec<&Asked> = talk
        .transactions()
        .into_iter()
        .filter(|asked| !asked.message.has(attribute::CHANGE_REQUEST))
        .collect();
    let went: Vec<SocketAddr> = plain.iter().map(|asked| asked.to).collect();
    let all = four(Family::V4);
    let order: Vec<SocketAddr> = [0, 2, 3].iter().filter_map(|n| all.get(*n).copied()).collect();
    let count = match v.text("mapping") {
        "none" => went.len().clamp(1, 2),
        "endpoint" => 2,
        _ => 3,
    };
    let wanted = order.get(..count).unwrap_or_default();
    let one_port = plain.iter().all(|asked| asked.from.to_string() == CLIENT);
    let req = req::DISCOVERY_MAPPING_TESTS_IN_ORDER;
    t.must(req, went == wanted, format_args!("{wanted:?}"), format_args!("{went:?}"))?;
    t.must(req, one_port, CLIENT, format_args!("{plain:?}"))
}

case! {
    id: "stun.discovery.client.no-other-address",
    title: "Without OTHER-ADDRESS the client does not guess",
    reqs: [req::DISCOVERY_NEEDS_OTHER_ADDRESS, req::DISCOVERY_CLIENT_HANDLES_CHANGE_REQUEST_420],
    kind: SubjectKind::Discovery,
    variants: product! { filtering: ["endpoint", "address+port"] },
    no_reference: "no other stack at hand has a discovery client",
    run: no_other_address,
}

/// The server is a plain one: it answers CHANGE-REQUEST with 420, should the client try it.
fn no_other_address(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = DiscoveryStage::open(t, |_| {})?;
    let mut nat = Pretence::new("endpoint", v.text("filtering"));
    let talk = stage.talk(t, LONG, |asked| plain_server(&mut nat, asked));
    let guess = talk.found("mapping").or_else(|| talk.found("filtering"));
    let req = req::DISCOVERY_NEEDS_OTHER_ADDRESS;
    t.must(req, guess.is_none(), "neither mapping nor filtering", talk.shown())?;
    t.must(req, talk.is_done(), "an end", talk.shown())?;
    let filtering = talk.found("filtering");
    let req = req::DISCOVERY_CLIENT_HANDLES_CHANGE_REQUEST_420;
    t.must(req, filtering.is_none(), "no result for filtering", talk.shown())
}

/// What a server without an alternate address answers.
fn plain_server(nat: &mut Pretence, asked: &Asked) -> Vec<Answer> {
    if asked.message.has(attribute::CHANGE_REQUEST) {
        return vec![refusal(asked, 420, &[attribute::CHANGE_REQUEST])];
    }
    let mut answers = nat.answer(asked);
    for answer in &mut answers {
        answer.message.attributes.retain(|one| one.kind != attribute::OTHER_ADDRESS);
    }
    answers
}

case! {
    id: "stun.discovery.client.change-request-420",
    title: "A 420 to CHANGE-REQUEST is no result, and the mapping tests go on",
    reqs: [req::DISCOVERY_CLIENT_HANDLES_CHANGE_REQUEST_420],
    kind: SubjectKind::Discovery,
    variants: product! { answer: ["420", "unchanged"] },
    no_reference: "no other stack at hand has a discovery client",
    run: change_request_420,
}

/// The server names an alternate address, and then refuses to answer from it or does not care.
fn change_request_420(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = DiscoveryStage::open(t, |_| {})?;
    let mut nat = Pretence::usual();
    let talk = stage.talk(t, LONG, |asked| match asked.flags() {
        Some(_) if v.text("answer") == "420" => {
            vec![refusal(asked, 420, &[attribute::CHANGE_REQUEST])]
        }
        Some(_) => vec![nat.success(asked, asked.to)],
        None => nat.answer(asked),
    });
    let req = req::DISCOVERY_CLIENT_HANDLES_CHANGE_REQUEST_420;
    let tried = talk.asked.iter().any(|asked| asked.flags().is_some());
    t.must(req, tried && talk.found("filtering").is_none(), "no result", talk.shown())?;
    let mapping = talk.found("mapping") == Some("endpoint-independent");
    t.must(req, mapping && talk.is_done(), "the mapping all the same", talk.shown())
}

case! {
    id: "stun.discovery.client.no-connectivity",
    title: "Without any answer the client says that it cannot reach the server",
    reqs: [req::DISCOVERY_CONNECTIVITY_TEST],
    kind: SubjectKind::Discovery,
    no_reference: "no other stack at hand has a discovery client",
    run: no_connectivity,
}

/// As long as a transaction lasts, and not before its last copy was sent.
fn no_connectivity(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let stage = DiscoveryStage::open(t, |_| {})?;
    let talk = stage.talk(t, LONG, |_| vec![]);
    let req = req::DISCOVERY_CONNECTIVITY_TEST;
    let failed = talk.events == [DiscoveryEvent::Failed { code: None }];
    t.must(req, failed, "a failure without a code", talk.shown())?;
    let plain = talk.asked.iter().all(|asked| asked.message.kinds().is_empty());
    let one = talk.transactions().len() == 1 && talk.asked.len() == 7;
    t.must(req, one && plain, "one plain request, seven times", format_args!("{:?}", talk.asked))
}
