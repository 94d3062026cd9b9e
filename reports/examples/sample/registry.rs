//! Specifications, requirements, cases and planted bugs.

use reports::model::{
    Case, Killer, Level, Mutant, Mutants, Requirement, Section, Side, Spec, Test, Why,
};

use crate::dice::Dice;

/// Document, title, short name, layer, sections as number, title and count of requirements.
pub(crate) type SpecRow = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str, usize)],
);

pub(crate) const SPECS: &[SpecRow] = &[
    (
        "rfc8489",
        "Session Traversal Utilities for NAT (STUN)",
        "STUN",
        "STUN",
        &[
            ("5", "STUN Message Structure", 14),
            ("6.1", "Forming a Request or an Indication", 8),
            ("6.2.1", "Sending over UDP or DTLS-over-UDP", 15),
            ("6.2.2", "Sending over TCP or TLS-over-TCP", 9),
            ("6.3", "Receiving a STUN Message", 7),
            ("6.3.1", "Processing a Request", 10),
            ("6.3.1.1", "Forming a Success or Error Response", 6),
            ("6.3.3", "Processing a Success Response", 5),
            ("6.3.4", "Processing an Error Response", 11),
            ("7", "FINGERPRINT Mechanism", 4),
            ("8", "DNS Discovery of a Server", 8),
            ("9.1", "Short-Term Credential Mechanism", 12),
            ("9.2", "Long-Term Credential Mechanism", 28),
            ("10", "ALTERNATE-SERVER Mechanism", 9),
            ("14", "STUN Attributes", 7),
            ("14.1", "MAPPED-ADDRESS", 4),
            ("14.2", "XOR-MAPPED-ADDRESS", 3),
            ("14.5", "MESSAGE-INTEGRITY", 9),
            ("14.6", "MESSAGE-INTEGRITY-SHA256", 8),
            ("14.7", "FINGERPRINT", 4),
            ("14.8", "ERROR-CODE", 7),
            ("16.1", "Attacks against the Protocol", 6),
            ("18", "IANA Considerations", 5),
        ],
    ),
    (
        "rfc5780",
        "NAT Behavior Discovery Using STUN",
        "NAT discovery",
        "STUN",
        &[
            ("4.3", "Determining NAT Mapping Behavior", 6),
            ("4.4", "Determining NAT Filtering Behavior", 5),
            ("6", "Server Behavior", 12),
            ("7.1", "Representing Transport Addresses", 3),
            ("7.2", "CHANGE-REQUEST", 5),
            ("7.6", "PADDING", 4),
        ],
    ),
    (
        "rfc4787",
        "NAT Behavioral Requirements for Unicast UDP",
        "NAT UDP",
        "NAT",
        &[
            ("4.1", "Address and Port Mapping", 6),
            ("4.2.1", "Port Assignment Behavior", 7),
            ("4.3", "Mapping Refresh", 8),
            ("5", "Filtering Behavior", 5),
            ("6", "Hairpinning Behavior", 4),
            ("7", "Application Level Gateways", 3),
            ("9", "ICMP Destination Unreachable Behavior", 4),
            ("11", "Fragmentation of Outgoing Packets", 4),
        ],
    ),
    (
        "rfc5769",
        "Test Vectors for STUN",
        "STUN vectors",
        "STUN",
        &[
            ("2.1", "Sample Request", 3),
            ("2.2", "Sample IPv4 Response", 3),
            ("2.4", "Sample Request with Long-Term Authentication", 2),
        ],
    ),
];

const SAYS: &[&str] = &[
    "The two most significant bits of every message are zero, so that a demultiplexer tells STUN from its neighbours.",
    "A client keeps at least 500 ms between a request and its first retransmission, unless it knows the round trip better.",
    "After each retransmission the timeout doubles, until Rc requests have gone out.",
    "Once a response has arrived, no further request of that transaction leaves the client.",
    "A message with an unknown comprehension-required attribute is answered with 420 and the list of what was not understood.",
    "A response whose transaction id matches no outstanding request is silently discarded.",
    "The length field counts the attributes only, never the header, and is a multiple of four.",
    "Padding bytes are ignored by the receiver, whatever their value.",
    "An agent that finds a wrong FINGERPRINT treats the packet as if it were not STUN.",
    "The server echoes the source transport address of the request in XOR-MAPPED-ADDRESS, also behind another NAT.",
    "Attributes that follow MESSAGE-INTEGRITY are ignored, apart from MESSAGE-INTEGRITY-SHA256 and FINGERPRINT.",
    "The nonce of a server that supports password algorithms begins with the cookie that says so.",
    "A mapping stays alive for at least two minutes without outbound traffic.",
    "The NAT keeps the parity of the internal port when it assigns an external one.",
    "All sessions of one internal endpoint share one external address.",
];

pub(crate) fn specs() -> Vec<Spec> {
    let spec = |&(doc, title, short, layer, sections): &SpecRow| Spec {
        doc: doc.into(),
        title: title.into(),
        short: short.into(),
        layer: layer.into(),
        obsoletes: if doc == "rfc8489" { vec!["rfc5389".into()] } else { Vec::new() },
        updated_by: if doc == "rfc4787" {
            vec!["rfc6888".into(), "rfc7857".into()]
        } else {
            Vec::new()
        },
        sections: sections
            .iter()
            .map(|(number, title, _)| Section { number: (*number).into(), title: (*title).into() })
            .collect(),
    };
    SPECS.iter().map(spec).collect()
}

pub(crate) fn requirements(dice: &mut Dice) -> Vec<Requirement> {
    let mut all = Vec::new();
    for (doc, _, _, layer, sections) in SPECS {
        for (section, title, count) in *sections {
            for at in 0..*count {
                let exempt = *section == "18" || dice.chance(12);
                let later = !exempt && dice.chance(6);
                let slug: String = title
                    .to_lowercase()
                    .split(|c: char| !c.is_alphanumeric())
                    .filter(|word| word.len() > 3)
                    .take(2)
                    .collect::<Vec<_>>()
                    .join("-");
                all.push(Requirement {
                    id: format!(
                        "{}-{slug}-{}-{}",
                        layer.to_lowercase(),
                        section.replace('.', "-"),
                        at + 1
                    ),
                    spec: (*doc).into(),
                    section: (*section).into(),
                    level: dice.pick(&[
                        Level::Must,
                        Level::Must,
                        Level::Must,
                        Level::Should,
                        Level::May,
                        Level::Implicit,
                    ]),
                    actor: dice.pick(&["stun-client", "stun-server", "stun-agent", "nat"]).into(),
                    side: dice.pick(&[Side::Send, Side::Receive, Side::State]),
                    says: dice.pick(SAYS).into(),
                    test: if exempt || later {
                        Test::None
                    } else {
                        dice.pick(&[Test::Wire, Test::Sim, Test::Api, Test::Vector])
                    },
                    why: match (exempt, later) {
                        (true, _) if *section == "18" => Some(Why::Iana),
                        (true, _) => Some(dice.pick(&[
                            Why::Document,
                            Why::Operator,
                            Why::Unobservable,
                            Why::Overridden,
                        ])),
                        (_, true) => Some(Why::Later),
                        _ => None,
                    },
                    reason: exempt.then(|| {
                        "It binds the people who write or run the software, not a packet.".into()
                    }),
                    by: None,
                    seen: if dice.chance(5) { vec!["example/stack#71".into()] } else { Vec::new() },
                });
            }
        }
    }
    all
}

pub(crate) fn cases(requirements: &[Requirement], count: usize) -> Vec<Case> {
    let testable: Vec<&Requirement> =
        requirements.iter().filter(|r| r.test != Test::None).collect();
    let share = (testable.len() * 94 / 100).div_ceil(count).max(1);
    let names = [
        "schedule",
        "header",
        "integrity",
        "unknown",
        "error",
        "refresh",
        "mapping",
        "padding",
        "barrier",
        "stray",
    ];
    let case = |(at, chunk): (usize, &[&Requirement])| {
        let first = chunk.first().expect("chunks are not empty");
        let layer = if first.spec == "rfc4787" { "NAT" } else { "STUN" };
        let name = names.get(at % names.len()).copied().unwrap_or_default();
        Case {
            id: format!(
                "{}.{name}.s{}.{at}",
                layer.to_lowercase(),
                first.section.replace('.', "-")
            ),
            title: first.says.trim_end_matches('.').to_owned(),
            layer: layer.into(),
            tier: if at % 9 == 0 { "slow" } else { "fast" }.into(),
            requirements: chunk.iter().map(|r| r.id.clone()).collect(),
            no_reference: (at % 31 == 7).then(|| "No other stack offers this interface.".into()),
        }
    };
    testable.chunks(share).take(count).enumerate().map(case).collect()
}

pub(crate) fn mutants(cases: &[Case]) -> Mutants {
    let names = [
        "stun-server-skips-fingerprint",
        "stun-client-reuses-transaction-id",
        "stun-integrity-covers-too-little",
        "stun-rto-does-not-double",
        "stun-rc-is-six",
        "stun-xor-address-not-xored",
        "stun-unknown-attribute-ignored",
        "stun-nonce-cookie-absent",
        "stun-bid-down-accepted",
        "stun-error-class-swapped",
        "stun-padding-counted",
        "nat-mapping-depends-on-port",
        "nat-filter-open",
        "nat-hairpin-internal-source",
        "nat-timer-one-minute",
        "nat-parity-lost",
        "nat-pooling-arbitrary",
        "nat-icmp-ends-mapping",
    ];
    let mutant = |(at, name): (usize, &&str)| {
        let case = cases.get(at * 7 % cases.len());
        Mutant {
            name: (*name).into(),
            breaks: case.and_then(|c| c.requirements.first()).cloned().unwrap_or_default(),
            says: "Answers as if the check had succeeded, whatever came.".into(),
            killer: case.filter(|_| at != 9).map(|c| Killer {
                case: c.id.clone(),
                variant: String::new(),
                requirement: c.requirements.first().cloned(),
            }),
        }
    };
    Mutants { mutants: names.iter().enumerate().map(mutant).collect() }
}
