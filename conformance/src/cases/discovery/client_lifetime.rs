//! How long a mapping lasts: RFC 5780 §4.6, §7.5.

use base::Instant;

use super::client_stage::{Answer, Asked, DiscoveryStage, Pretence, Talk, refusal};
use crate::{cases::stun::script::*, subjects::stun::DiscoveryEvent};

/// The longest lifetime that is tried.
const LONGEST: Duration = Duration::from_secs(300);
/// How close the bounds come.
const PRECISION: Duration = Duration::from_secs(5);
/// Longer than any search.
const LONG: Duration = Duration::from_secs(3_600);

case! {
    id: "stun.discovery.client.lifetime",
    title: "The client closes in on the lifetime of a mapping",
    reqs: [
        req::DISCOVERY_LIFETIME_ALIVE,
        req::DISCOVERY_LIFETIME_EXPIRED,
        req::DISCOVERY_LIFETIME_SEARCH,
        req::DISCOVERY_LIFETIME_REFRESHES_FIRST,
        req::DISCOVERY_RESPONSE_PORT_FORMAT,
    ],
    kind: SubjectKind::Discovery,
    needs: [Cap::ResponsePort],
    variants: product! { seconds: [20, 65, 121, 240, 1_000], expired: ["nowhere", "second port"] },
    no_reference: "no other stack at hand has a discovery client",
    run: lifetime,
}

/// What goes to a mapping that has expired arrives nowhere, or where the mapping belongs by now.
fn lifetime(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let lives = Duration::from_secs(v.number("seconds"));
    let stage = open(t)?;
    let (mut nat, mut refreshed) = (Pretence::new("endpoint", "endpoint"), Instant::ZERO);
    let talk = stage.talk(t, LONG, |asked| {
        let mut answers = nat.answer(asked);
        if asked.response_port().is_none() {
            refreshed = asked.at;
        } else if asked.at - refreshed < lives {
            answers.iter_mut().for_each(|answer| answer.to.set_port(first_port(answer)));
        } else if v.text("expired") == "nowhere" {
            answers.clear();
        }
        answers
    });
    let found = talk.events.iter().find_map(|event| match event {
        DiscoveryEvent::Lifetime { at_least, at_most } => Some((*at_least, *at_most)),
        _ => None,
    });
    let (at_least, at_most) = t.expect(found, "a lifetime")?;
    let got = format!("{at_least:?} to {at_most:?}");
    t.must(req::DISCOVERY_LIFETIME_ALIVE, at_least <= lives, "no more than it lived", &got)?;
    let expired = at_most.is_none_or(|at_most| lives <= at_most);
    t.must(req::DISCOVERY_LIFETIME_EXPIRED, expired, "no less than it lived", &got)?;
    let close = match at_most {
        Some(at_most) => at_most - at_least <= PRECISION + SECOND,
        None => lives > LONGEST && at_least >= LONGEST,
    };
    t.must(req::DISCOVERY_LIFETIME_SEARCH, close && talk.is_done(), "close bounds", &got)?;
    order(t, &talk)?;
    format(t, &talk)
}

/// Before each request with RESPONSE-PORT, the mapping it asks about is made anew.
fn order(t: &mut Ctl<'_>, talk: &Talk) -> Outcome {
    let req = req::DISCOVERY_LIFETIME_REFRESHES_FIRST;
    let starts = talk.transactions();
    for (before, probe) in starts.iter().zip(starts.iter().skip(1)) {
        if probe.response_port().is_some() {
            let fresh = before.response_port().is_none() && before.from != probe.from;
            let got = format!("{} from {}", before.message, before.from);
            t.must(req, fresh, "a request from the first port before it", got)?;
        }
    }
    let probes = starts.iter().filter(|asked| asked.response_port().is_some()).count();
    t.must(req, probes > 0, "tests with RESPONSE-PORT", probes)
}

/// The port of the mapping, and two bytes of nothing behind it.
fn format(t: &mut Ctl<'_>, talk: &Talk) -> Outcome {
    let wanted = talk.asked.first().map(|asked| Pretence::usual().mapped(asked).port());
    let [high, low] = t.expect(wanted, "a first request")?.to_be_bytes();
    for asked in &talk.asked {
        let Some(found) = asked.message.attribute(attribute::RESPONSE_PORT) else { continue };
        let bytes = [found.value.as_slice(), &found.padding].concat();
        let fine = bytes == [high, low, 0, 0] && asked.message.faults().is_empty();
        let req = req::DISCOVERY_RESPONSE_PORT_FORMAT;
        t.must(req, fine, hex(&[high, low, 0, 0]), &asked.message)?;
    }
    Ok(())
}

case! {
    id: "stun.discovery.client.response-port-420",
    title: "A server that refuses RESPONSE-PORT ends the search without a result",
    reqs: [req::DISCOVERY_CLIENT_HANDLES_RESPONSE_PORT_420],
    kind: SubjectKind::Discovery,
    needs: [Cap::ResponsePort],
    no_reference: "no other stack at hand has a discovery client",
    run: response_port_420,
}

fn response_port_420(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let stage = open(t)?;
    let mut nat = Pretence::usual();
    let talk = stage.talk(t, LONG, |asked: &Asked| match asked.response_port() {
        Some(_) => vec![refusal(asked, 420, &[attribute::RESPONSE_PORT])],
        None => nat.answer(asked),
    });
    let req = req::DISCOVERY_CLIENT_HANDLES_RESPONSE_PORT_420;
    let tried = talk.asked.iter().filter(|asked| asked.response_port().is_some()).count();
    t.must(req, tried == 1, "one request with RESPONSE-PORT", tried)?;
    let found = talk.events.iter().any(|event| matches!(event, DiscoveryEvent::Lifetime { .. }));
    t.must(req, !found && talk.is_done(), "no lifetime, and an end", talk.shown())
}

/// A client with two ports that looks for the lifetime.
fn open(t: &mut Ctl<'_>) -> Result<DiscoveryStage, Stop> {
    let stage = DiscoveryStage::open(t, |config| {
        let mut second = config.local;
        second.set_port(config.local.port() + 1);
        config.others = vec![second];
        config.lifetime = Some((LONGEST, PRECISION));
    })?;
    Ok(stage.slowly())
}

/// The port before that of the second local address.
fn first_port(answer: &Answer) -> u16 {
    answer.to.port() - 1
}
