//! Writes a large, realistic run with all its views, to look at while working on the page:
//! `cargo run -p peerlab-reports --example sample -- target/sample [results]`.
//!
//! Nothing in it was measured: it is a shape to look at, not a statement about any software.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, error, fs};

use reports::model::{
    About, Assertion, Capability, Capture, Case, CaseResult, Clock, Killer, Known, Level, Mutant,
    Mutants, Requirement, Run, Section, Seed, Side, Spec, Subject, Test, Verdict, Wall, Why,
};
use reports::{badge, html, junit, markdown};

/// Document, title, short name, layer, sections as number, title and count of requirements.
type SpecRow = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str, usize)],
);

const SPECS: &[SpecRow] = &[
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

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let at = usize::try_from(self.roll(of.len() as u64)).unwrap_or_default();
        *of.get(at).expect("a roll is below the number of sides")
    }
}

fn specs() -> Vec<Spec> {
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

fn requirements(dice: &mut Dice) -> Vec<Requirement> {
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

fn cases(requirements: &[Requirement], count: usize) -> Vec<Case> {
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

fn ladder(dice: &mut Dice, failed: bool) -> String {
    let tid = format!("{:08x}", dice.roll(u64::from(u32::MAX)));
    let mut text = format!(
        "  0.000000  # the client gathers on 10.0.0.2:5000\n\
         \x20 0.000000  client > nat     STUN Binding request tid={tid}\n\
         \x20 0.004000  nat    > server  STUN Binding request tid={tid} from=198.51.100.1:61000\n\
         \x20 0.020000  nat    < server  STUN Binding success tid={tid} mapped=198.51.100.1:61000\n\
         \x20 0.024000  client x nat     STUN Binding success tid={tid} (dropped: filtered)\n"
    );
    let mut at = 500;
    for _ in 0..dice.roll(5) + 1 {
        text.push_str(&format!(
            "  {}.{:03}000  client > nat     STUN Binding request tid={tid}\n",
            at / 1000,
            at % 1000
        ));
        at *= 2;
    }
    if failed {
        text.push_str(&format!("! {}.{:03}000  client > server  STUN Binding request tid={tid} ICE-CONTROLLED tiebreaker=0x8877665544332211 USERNAME=evtj:h6vY\n", at / 1000, at % 1000 + 250));
    }
    text
}

fn result(
    dice: &mut Dice,
    case: &Case,
    levels: &BTreeMap<String, Level>,
    at: (&str, &str),
) -> CaseResult {
    let (variant, subject) = at;
    let foreign = subject != "ours";
    let fails = dice.chance(if foreign { 7 } else { 2 });
    let mut assertions = Vec::new();
    for id in &case.requirements {
        let level = levels.get(id).copied().unwrap_or(Level::Must);
        let held = if level.is_binding() { !fails || dice.chance(60) } else { !dice.chance(6) };
        assertions.push(Assertion {
            requirement: id.clone(),
            level,
            held,
            wanted: "the second request between 500 ms and 550 ms after the first".into(),
            got: if held {
                "500 ms"
            } else {
                "750 ms: the timeout is rounded up to the next tick of 250 ms"
            }
            .into(),
            at_ns: 500_000_000 + dice.roll(39_000_000_000),
        });
    }
    let broken =
        |binding: bool| assertions.iter().any(|a| !a.held && a.level.is_binding() == binding);
    let mut verdict = match (broken(true), broken(false)) {
        (true, _) => Verdict::Fail,
        (false, true) => Verdict::Note,
        (false, false) => Verdict::Pass,
    };
    let odd = dice.roll(400);
    if foreign && dice.chance(12) {
        verdict = dice.pick(&[Verdict::Unsupported, Verdict::Unsupported, Verdict::Missing]);
    } else if odd < 3 {
        verdict = *[Verdict::Inconclusive, Verdict::Harness, Verdict::Skipped]
            .get(usize::try_from(odd).unwrap_or_default())
            .expect("three of them");
    }
    if !verdict.is_evidence() {
        assertions.clear();
    }
    let name = if variant.is_empty() { case.id.clone() } else { format!("{}[{variant}]", case.id) };
    let seed = Seed(dice.roll(u64::from(u32::MAX)));
    CaseResult {
        case: case.id.clone(),
        variant: variant.into(),
        subject: subject.into(),
        verdict,
        reason: reason(verdict),
        seed,
        trace: format!("{:016x}{:016x}", dice.roll(u64::MAX), dice.roll(u64::MAX)),
        virtual_ns: 39_500_000_000,
        assertions,
        sometimes: BTreeMap::from([(
            "the response overtakes a retransmission".into(),
            dice.chance(70),
        )]),
        ladder: ladder(dice, verdict == Verdict::Fail),
        capture: (verdict == Verdict::Fail).then(|| Capture::Embedded {
            name: format!("{}.pcapng", case.id),
            base64: "Cg0NChwAAABNPCsaAQAAAP//////////HAAAAA==".into(),
        }),
        replay: format!(
            "cargo xtask conformance replay '{name}' --subject {subject} --seed {seed}"
        ),
        known: (verdict == Verdict::Fail && foreign && dice.chance(40)).then(|| Known {
            verdict: Verdict::Fail,
            reason: "It rounds every timeout up to its tick of 250 ms.".into(),
            issue: Some("example/stack#12".into()),
        }),
    }
}

fn reason(verdict: Verdict) -> Option<String> {
    let text = match verdict {
        Verdict::Pass => return None,
        Verdict::Note => "a SHOULD deviated: the timeout is not cached between transactions",
        Verdict::Fail => "the second request left 250 ms late",
        Verdict::Missing => "declares no long-term credentials, which the specification demands",
        Verdict::Unsupported => "declares no TCP",
        Verdict::Skipped => "this host has no IPv6",
        Verdict::Inconclusive => "the stimulus did not arrive",
        Verdict::Flaky => "2 of 3 repetitions passed",
        Verdict::Harness => "the case panicked: the oracle and the peer disagree about the length",
    };
    Some(text.into())
}

fn mutants(cases: &[Case]) -> Mutants {
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

fn run(results: usize) -> Run {
    let mut dice = Dice(0x5eed);
    let requirements = requirements(&mut dice);
    let cases = cases(&requirements, 150);
    let levels: BTreeMap<String, Level> =
        requirements.iter().map(|r| (r.id.clone(), r.level)).collect();
    let subject = |name: &str, version: &str, about: &str| Subject {
        name: name.into(),
        version: version.into(),
        about: about.into(),
        capabilities: BTreeMap::from([
            ("stun-client".into(), Capability::Yes),
            ("stun-tcp".into(), if name == "ours" { Capability::Yes } else { Capability::No }),
            ("long-term-credentials".into(), Capability::Unknown),
        ]),
        clock: Clock::Virtual,
    };
    let mut run = Run::new(About {
        command: "cargo xtask conformance --tier fast --seed 0".into(),
        seed: Seed(0),
        tier: "fast".into(),
        filter: None,
        shard: None,
        suite: "0.1.0".into(),
        registry: SPECS.iter().map(|spec| (spec.0.into(), "b3:51c0a95e77d1f2aa".into())).collect(),
        mutants: Some(mutants(&cases)),
    });
    run.subjects = vec![
        subject("ours", "0.1.0", "Peerlab's own stack, in process"),
        subject("other-stun", "2.0.4", "An independent stack, in process"),
    ];
    run.specs = specs();
    run.requirements = requirements;
    let each = results.div_ceil(cases.len() * 2).max(1);
    for case in &cases {
        let variants: Vec<String> = if each == 1 {
            vec![String::new()]
        } else {
            (0..each)
                .map(|at| {
                    format!(
                        "transport={},rto={}ms",
                        ["udp", "tcp", "dtls"].get(at % 3).copied().unwrap_or_default(),
                        100 * (at + 1)
                    )
                })
                .collect()
        };
        for variant in &variants {
            for subject in ["ours", "other-stun"] {
                run.results.push(result(&mut dice, case, &levels, (variant, subject)));
            }
        }
    }
    run.cases = cases;
    run.wall = Wall {
        started: "2026-11-22T07:37:17Z".into(),
        host: "linux x86_64, 2 cores".into(),
        total_us: 41_730_000,
        durations_us: run.results.iter().map(|r| (r.key(), 900 + dice.roll(60_000))).collect(),
    };
    run.finish();
    run
}

fn main() -> Result<(), Box<dyn error::Error>> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "target/sample".into()));
    let results = arguments.next().map_or(Ok(600), |count| count.parse())?;
    let run = run(results);
    run.save(folder.join("run.json"))?;
    fs::write(folder.join("index.html"), html::page(&run))?;
    fs::write(folder.join("junit.xml"), junit::xml(&run))?;
    fs::write(folder.join("report.md"), markdown::report(&run))?;
    fs::write(folder.join("badge.svg"), badge::svg(&run, None))?;
    Ok(())
}
