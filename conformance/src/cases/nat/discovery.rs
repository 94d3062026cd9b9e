//! Behaviour discovery behind every NAT there is: RFC 5780 §4.
//!
//! The NATs are the simulator's, the server is the suite's own, and the discovery client is under test:
//! what it finds out must be what the NAT was set to.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use simnet::{
    Attach, Host, SocketId,
    nat::{Collision, Filtering, Hairpin, Mapping, PortAssignment, Ports},
};
use wire::stun::{Attribute, Message, Parsed, attribute};

use super::mapping::filtering;
use crate::{
    Ctl, Outcome, Stop, SubjectKind, Variant, case, product,
    registry::Req,
    req,
    subjects::{
        nat::{NatConfig, simulated},
        stun::{DiscoveryConfig, DiscoveryEvent},
    },
};

case! {
    id: "discovery.nat.sweep",
    title: "Discovery recovers what the NAT on the way was set to",
    reqs: [
        req::DISCOVERY_MAPPING_ENDPOINT_INDEPENDENT,
        req::DISCOVERY_MAPPING_ADDRESS_DEPENDENT,
        req::DISCOVERY_MAPPING_ADDRESS_AND_PORT_DEPENDENT,
        req::DISCOVERY_FILTERING_ENDPOINT_INDEPENDENT,
        req::DISCOVERY_FILTERING_ADDRESS_DEPENDENT,
        req::DISCOVERY_FILTERING_ADDRESS_AND_PORT_DEPENDENT,
    ],
    kind: SubjectKind::Discovery,
    variants: product! {
        mapping: [
            "endpoint-independent",
            "address-dependent",
            "address-and-port-dependent",
            "endpoint-independent-if-possible",
        ],
        filtering: ["endpoint-independent", "address-dependent", "address-and-port-dependent"],
        hairpin: ["none", "internal-source", "external-source"],
        ports: [
            "preserve-else-random",
            "preserve-else-next",
            "preserve-in-class",
            "overload",
            "sequential",
            "sequential-by-two",
            "random",
            "random-with-parity",
            "random-with-contiguity",
        ],
    },
    no_reference: "no independent discovery client runs in process",
    run: sweep,
}

/// How long a discovery may take.
const LIMIT: Duration = Duration::from_secs(60);
/// The server looks at what came in as often as this.
const GLANCE: Duration = Duration::from_millis(20);

fn mapping_and_sight(word: &str) -> (Mapping, &'static str, Req) {
    let independent = ("endpoint-independent", req::DISCOVERY_MAPPING_ENDPOINT_INDEPENDENT);
    match word {
        "endpoint-independent" => (Mapping::EndpointIndependent, independent.0, independent.1),
        // As long as nothing collides, and nothing does here, the difference does not show.
        "endpoint-independent-if-possible" => {
            (Mapping::EndpointIndependentIfPossible, independent.0, independent.1)
        }
        "address-dependent" => (
            Mapping::AddressDependent,
            "address-dependent",
            req::DISCOVERY_MAPPING_ADDRESS_DEPENDENT,
        ),
        _ => (
            Mapping::AddressAndPortDependent,
            "address- and port-dependent",
            req::DISCOVERY_MAPPING_ADDRESS_AND_PORT_DEPENDENT,
        ),
    }
}

const fn sight_of(filtering: Filtering) -> (&'static str, Req) {
    match filtering {
        Filtering::EndpointIndependent => {
            ("endpoint-independent", req::DISCOVERY_FILTERING_ENDPOINT_INDEPENDENT)
        }
        Filtering::AddressDependent => {
            ("address-dependent", req::DISCOVERY_FILTERING_ADDRESS_DEPENDENT)
        }
        Filtering::AddressAndPortDependent => {
            ("address- and port-dependent", req::DISCOVERY_FILTERING_ADDRESS_AND_PORT_DEPENDENT)
        }
    }
}

fn ports_and_sight(word: &str) -> (Ports, &'static str) {
    let preserve = Ports::new(PortAssignment::Preserve);
    let random = Ports::new(PortAssignment::Random);
    match word {
        "preserve-else-random" => (preserve, "preserves"),
        "preserve-else-next" => (Ports { on_collision: Collision::Next, ..preserve }, "preserves"),
        "preserve-in-class" => (Ports::new(PortAssignment::PreserveInClass), "preserves"),
        "overload" => (Ports { on_collision: Collision::Overload, ..preserve }, "overloads"),
        "sequential" => (Ports::new(PortAssignment::sequential(1)), "sequential { step: 1 }"),
        "sequential-by-two" => {
            (Ports::new(PortAssignment::sequential(2)), "sequential { step: 2 }")
        }
        "random-with-parity" => (Ports { keep_parity: true, ..random }, "random"),
        "random-with-contiguity" => {
            (Ports { keep_parity: true, keep_contiguity: true, ..random }, "random")
        }
        _ => (random, "random"),
    }
}

fn hairpin_of(word: &str) -> Hairpin {
    match word {
        "none" => Hairpin::None,
        "internal-source" => Hairpin::InternalSource,
        _ => Hairpin::ExternalSource,
    }
}

fn sweep(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (mapping, mut mapping_seen, mut mapping_req) = mapping_and_sight(v.text("mapping"));
    let filtering = filtering(v.text("filtering"));
    let (filtering_seen, filtering_req) = sight_of(filtering);
    let hairpin = hairpin_of(v.text("hairpin"));
    let (ports, ports_seen) = ports_and_sight(v.text("ports"));
    if v.text("ports") == "overload" {
        // RFC 4787 §4.2.1: the external port is the internal one whatever happens, so that all
        // destinations see the same one.
        (_, mapping_seen, mapping_req) = mapping_and_sight("endpoint-independent");
    }
    let config = NatConfig { mapping, filtering, hairpin, ports, ..NatConfig::rfc4787_strict() };
    let found = discover(t, &config)?;
    let got = |property| found.get(property).map_or("nothing", String::as_str);
    let mapping_got = got("mapping");
    t.must(mapping_req, mapping_got == mapping_seen, mapping_seen, mapping_got)?;
    let filtering_got = got("filtering");
    t.must(filtering_req, filtering_got == filtering_seen, filtering_seen, filtering_got)?;
    // RFC 5780 has no test of its own for the other two. They are not the subject's duty, but what it
    // says about them must be true: a lie is a fault in the same test run.
    let (hairpin_seen, hairpin_got) = (v.text("hairpin"), got("hairpinning"));
    let wanted = format!("hairpinning: {hairpin_seen}");
    t.must(mapping_req, hairpin_got == hairpin_seen, wanted, hairpin_got)?;
    let ports_got = got("ports");
    t.must(mapping_req, ports_got == ports_seen, format!("ports: {ports_seen}"), ports_got)
}

/// The server's four addresses: two of them, with two ports each; the primary one first.
fn addresses() -> [SocketAddr; 4] {
    [([11, 0, 0, 9], 3_478), ([11, 0, 0, 9], 3_479), ([11, 0, 1, 9], 3_478), ([11, 0, 1, 9], 3_479)]
        .map(SocketAddr::from)
}

/// Lets the subject look at the NAT, and says what it found, property by property.
fn discover(t: &mut Ctl<'_>, config: &NatConfig) -> Result<BTreeMap<&'static str, String>, Stop> {
    let attach = Attach::to("lan").and_to("wan").address("11.0.0.5");
    let builder = t
        .network()
        .wan("wan", "11.0.0.0/8")
        .lan("lan", "192.168.1.0/24")
        .middlebox("nat", attach, simulated(config))
        .host("client", Host::on("lan").address("192.168.1.2").address("192.168.1.3"))
        .host("server", Host::on("wan").address("11.0.0.9").address("11.0.1.9"));
    t.build(builder)?;
    let mut sockets = Vec::new();
    for address in addresses() {
        sockets.push((t.bind("server", address)?, address));
    }
    let local = |last: u8, port: u16| SocketAddr::from(([192, 168, 1, last], port));
    // One port on two addresses, at the end: that is how overloading shows.
    let others = vec![local(2, 41_003), local(2, 43_010), local(2, 47_021), local(3, 40_000)];
    let [server, ..] = addresses();
    let discovery = DiscoveryConfig { others, ..DiscoveryConfig::new(local(2, 40_000), server) };
    let seat = t.start_discovery("client", &discovery)?;
    let mut found = BTreeMap::new();
    let limit = t.now() + LIMIT;
    let mut asked = false;
    while t.now() < limit {
        t.run_for(GLANCE);
        asked |= serve(t, &sockets);
        while let Some((_, event)) = t.discovery_event(seat) {
            match event {
                DiscoveryEvent::Found { property, value } => {
                    found.insert(property, value);
                }
                DiscoveryEvent::Lifetime { .. } => {}
                DiscoveryEvent::Done => {
                    t.precondition(asked, "the client asked the server")?;
                    t.stimulus("the server's answers");
                    return Ok(found);
                }
                DiscoveryEvent::Failed { .. } => {
                    return Err(Stop::Inconclusive("the client gave up".to_owned()));
                }
            }
        }
    }
    Err(Stop::Inconclusive(format!("the client is not done after {LIMIT:?}")))
}

/// Answers what came in, as RFC 5780 §6.1 asks of a server; says whether anything did.
fn serve(t: &mut Ctl<'_>, sockets: &[(SocketId, SocketAddr)]) -> bool {
    let mut asked = false;
    for (socket, address) in sockets {
        while let Some(received) = t.receive(*socket) {
            let Ok(request) = Parsed::read(&received.payload) else { continue };
            let flags = request.value(attribute::CHANGE_REQUEST).and_then(<[u8]>::last);
            let flags = flags.copied().unwrap_or(0);
            let [primary, .., alternate] = addresses();
            let other = |from: SocketAddr, ip: bool, port: bool| {
                let opposite = if from.ip() == primary.ip() { alternate } else { primary };
                let ip = if ip { opposite.ip() } else { from.ip() };
                let opposite = if from.port() == primary.port() { alternate } else { primary };
                SocketAddr::new(ip, if port { opposite.port() } else { from.port() })
            };
            // RFC 5780 §7.2: the third-last bit asks for the other address, the one after it for the
            // other port.
            let from = other(*address, flags & 0b100 != 0, flags & 0b010 != 0);
            let response = Message::success(request.transaction)
                .with(Attribute::xor_mapped_address(received.source))
                .with(Attribute::response_origin(from))
                .with(Attribute::other_address(other(*address, true, true)));
            if let Some((socket, _)) = sockets.iter().find(|(_, at)| *at == from) {
                t.send(*socket, received.source, &response.encode());
                asked = true;
            }
        }
    }
    asked
}
