//! How a client asks, and what it does about refusals: RFC 5780 §5.

use std::collections::BTreeMap;

use super::client_stage::{Asked, DiscoveryStage, ELSEWHERE, Pretence, refusal};
use crate::{cases::stun::script::*, subjects::stun::DiscoveryEvent};

/// Longer than any run without a search for lifetimes.
const LONG: Duration = Duration::from_secs(120);

case! {
    id: "stun.discovery.client.unauthorized",
    title: "A client without credentials takes a 401 as the end",
    reqs: [req::DISCOVERY_CLIENT_HANDLES_401],
    kind: SubjectKind::Discovery,
    no_reference: "no other stack at hand has a discovery client",
    run: unauthorized,
}

fn unauthorized(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let stage = DiscoveryStage::open(t, |_| {})?;
    let talk = stage.talk(t, LONG, |asked| {
        let mut answer = refusal(asked, 401, &[]);
        answer.message =
            answer.message.with(Attribute::realm(REALM)).with(Attribute::nonce(b"once"));
        vec![answer]
    });
    let req = req::DISCOVERY_CLIENT_HANDLES_401;
    let failed = talk.events == [DiscoveryEvent::Failed { code: Some(401) }];
    t.must(req, failed, "a failure with 401", talk.shown())?;
    t.run_for(60 * SECOND);
    let more = stage.arrived(t);
    let got = format_args!("{more:?}").to_string();
    t.must(req, talk.asked.len() == 1 && more.is_empty(), "one request and no more", got)
}

case! {
    id: "stun.discovery.client.alternate-server",
    title: "The client goes to no alternate server",
    reqs: [req::DISCOVERY_CLIENT_IGNORES_ALTERNATE_SERVER],
    kind: SubjectKind::Discovery,
    variants: product! { in: ["300", "success"] },
    no_reference: "no other stack at hand has a discovery client",
    run: alternate_server,
}

fn alternate_server(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = DiscoveryStage::open(t, |_| {})?;
    let mut nat = Pretence::usual();
    let alternate = Attribute::alternate_server(ELSEWHERE);
    let talk = stage.talk(t, LONG, |asked| {
        let mut answers = match v.text("in") {
            "300" => vec![refusal(asked, 300, &[])],
            _ => nat.answer(asked),
        };
        for answer in &mut answers {
            answer.message.attributes.push(alternate.clone());
        }
        answers
    });
    let req = req::DISCOVERY_CLIENT_IGNORES_ALTERNATE_SERVER;
    let strayed = talk.asked.iter().any(|asked| asked.to == ELSEWHERE);
    t.should(req, !strayed, "no request elsewhere", talk.shown())?;
    let fine = match v.text("in") {
        "300" => matches!(talk.events.as_slice(), [DiscoveryEvent::Failed { .. }]),
        _ => talk.found("mapping").is_some() && talk.is_done(),
    };
    t.should(req, fine, "an end", talk.shown())
}

case! {
    id: "stun.discovery.client.pace",
    title: "The client opens few transactions at a time, and their copies do not fall together",
    reqs: [
        req::DISCOVERY_CLIENT_TEN_PER_SECOND,
        req::DISCOVERY_CLIENT_PACES_RETRANSMISSIONS,
    ],
    kind: SubjectKind::Discovery,
    variants: product! { locals: [1, 24], answered: [1, 2, 3] },
    no_reference: "no other stack at hand has a discovery client",
    run: pace,
}

/// Only the given copy of each request is answered, so that there are retransmissions to look at.
fn pace(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let more = u16::try_from(v.number("locals")).unwrap_or(1) - 1;
    let stage = DiscoveryStage::open(t, |config| {
        let mut local = config.local;
        for port in 1..=more {
            local.set_port(config.local.port() + port);
            config.others.push(local);
        }
    })?;
    let (mut nat, mut copies) = (Pretence::usual(), BTreeMap::new());
    let talk = stage.talk(t, 5 * LONG, |asked| {
        let copy: &mut u64 = copies.entry(asked.message.transaction).or_default();
        *copy += 1;
        if *copy == v.number("answered") { nat.answer(asked) } else { vec![] }
    });
    let starts: Vec<&Asked> = talk.transactions();
    let crowded = starts.iter().zip(starts.iter().skip(10)).find(|(a, b)| b.at - a.at < SECOND);
    let got = crowded
        .map_or_else(|| "no such moment".to_owned(), |(a, _)| format!("eleven from {}", a.at));
    let req = req::DISCOVERY_CLIENT_TEN_PER_SECOND;
    t.should(req, crowded.is_none(), "at most ten in any second", got)?;
    let together =
        talk.asked.iter().zip(talk.asked.iter().skip(1)).find(|(a, b)| {
            a.message.transaction != b.message.transaction && b.at - a.at < MILLISECOND
        });
    let got = together.map_or_else(|| "none".to_owned(), |(a, _)| format!("two at {}", a.at));
    let req = req::DISCOVERY_CLIENT_PACES_RETRANSMISSIONS;
    t.should(req, together.is_none(), "no two requests at one time", got)?;
    t.sometimes("a request was retransmitted", talk.asked.len() > starts.len());
    t.should(req, talk.is_done(), "an end", talk.shown())
}

case! {
    id: "stun.discovery.client.fingerprint",
    title: "A client that shares its flow fingerprints every request",
    reqs: [req::DISCOVERY_FINGERPRINT_WHEN_MULTIPLEXED],
    kind: SubjectKind::Discovery,
    variants: product! { shared: [true] },
    no_reference: "no other stack at hand has a discovery client",
    run: fingerprint,
}

fn fingerprint(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = DiscoveryStage::open(t, |config| config.fingerprint = v.flag("shared"))?;
    let mut nat = Pretence::usual();
    let talk = stage.talk(t, LONG, |asked| {
        let mut answers = nat.answer(asked);
        for answer in &mut answers {
            answer.message.attributes.push(Attribute::fingerprint());
        }
        answers
    });
    let req = req::DISCOVERY_FINGERPRINT_WHEN_MULTIPLEXED;
    let bare = talk.asked.iter().find(|asked| asked.message.fingerprint() != Check::Good);
    let got = bare.map_or_else(|| "one on each".to_owned(), |asked| asked.message.to_string());
    t.should(req, bare.is_none(), "FINGERPRINT", got)?;
    t.should(req, talk.found("filtering").is_some() && talk.is_done(), "an end", talk.shown())
}

case! {
    id: "stun.discovery.client.padding",
    title: "PADDING is as long as the MTU",
    reqs: [req::DISCOVERY_CLIENT_PADDING_SIZE],
    kind: SubjectKind::Discovery,
    variants: product! { mtu: [1_280, 1_499, 1_500, 9_000], passes: [true, false] },
    no_reference: "no other stack at hand has a discovery client",
    run: padding,
}

/// §5 asks for the MTU, §7.6 for the MTU rounded up to a multiple of four: either will do.
fn padding(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mtu = u16::try_from(v.number("mtu")).unwrap_or(1_500);
    let stage = DiscoveryStage::open(t, |config| config.padding = Some(mtu))?;
    let mut nat = Pretence::usual();
    let talk = stage.talk(t, LONG, |asked| {
        match v.flag("passes") || !asked.message.has(attribute::PADDING) {
            true => nat.answer(asked),
            false => vec![],
        }
    });
    let sizes: Vec<usize> = talk
        .transactions()
        .iter()
        .filter_map(|asked| Some(asked.message.value(attribute::PADDING)?.len()))
        .collect();
    let wanted = usize::from(mtu);
    let fits = |size: &usize| [wanted, wanted.next_multiple_of(4)].contains(size);
    let fine = !sizes.is_empty() && sizes.iter().all(fits);
    let req = req::DISCOVERY_CLIENT_PADDING_SIZE;
    t.should(req, fine, wanted, format_args!("{sizes:?}"))?;
    let seen = talk.found("fragments") == Some(if v.flag("passes") { "yes" } else { "no" });
    t.should(req, seen && talk.is_done(), "what became of the fragments", talk.shown())
}
