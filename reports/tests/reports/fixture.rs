//! A small run with one of everything, shared by the tests.

use std::collections::BTreeMap;

use reports::model::{
    About, Assertion, Capability, Capture, Case, CaseResult, Clock, Killer, Known, Level, Mutant,
    Mutants, Requirement, Run, Section, Seed, Side, Spec, Subject, Test, Verdict, Wall, Why,
};

/// A ladder as the simulator writes it.
pub(crate) const LADDER: &str = "   0.000000 client > server   STUN Binding request tid=a1
   0.020000 client < server   STUN Binding success mapped=192.0.2.1:40001
!  0.520000 client > server   STUN Binding request tid=a1
";

fn section(number: &str, title: &str) -> Section {
    Section { number: number.into(), title: title.into() }
}

fn requirement(id: &str, spec: &str, section: &str, level: Level) -> Requirement {
    Requirement {
        id: id.into(),
        spec: spec.into(),
        section: section.into(),
        level,
        actor: "stun-client".into(),
        side: Side::Send,
        says: format!("What {id} demands."),
        test: Test::Wire,
        why: None,
        reason: None,
        by: None,
        seen: Vec::new(),
    }
}

fn case(id: &str, layer: &str, requirements: &[&str]) -> Case {
    Case {
        id: id.into(),
        title: format!("What {id} shows"),
        layer: layer.into(),
        tier: "fast".into(),
        requirements: requirements.iter().map(|&id| id.into()).collect(),
        no_reference: None,
    }
}

fn assertion(requirement: &str, level: Level, held: bool) -> Assertion {
    Assertion {
        requirement: requirement.into(),
        level,
        held,
        wanted: "500 ms after the first request".into(),
        got: if held { "500 ms" } else { "750 ms" }.into(),
        at_ns: 520_000_000,
    }
}

/// A result with nothing remarkable.
pub(crate) fn result(case: &str, variant: &str, subject: &str, verdict: Verdict) -> CaseResult {
    let name = if variant.is_empty() { case.to_owned() } else { format!("{case}[{variant}]") };
    CaseResult {
        case: case.into(),
        variant: variant.into(),
        subject: subject.into(),
        verdict,
        reason: None,
        seed: Seed(0x5eed_0007),
        trace: "9f86d081884c7d65".into(),
        virtual_ns: 39_500_000_000,
        assertions: Vec::new(),
        sometimes: BTreeMap::new(),
        ladder: String::new(),
        capture: None,
        replay: format!("cargo xtask conformance replay '{name}' --subject {subject}"),
        known: None,
    }
}

fn specs() -> Vec<Spec> {
    let stun = Spec {
        doc: "rfc8489".into(),
        title: "Session Traversal Utilities for NAT (STUN)".into(),
        short: "STUN".into(),
        layer: "STUN".into(),
        obsoletes: vec!["rfc5389".into()],
        updated_by: Vec::new(),
        sections: vec![
            section("6.2.1", "Sending over UDP or DTLS-over-UDP"),
            section("14.7", "FINGERPRINT"),
            section("17", "IANA Considerations"),
        ],
    };
    let nat = Spec {
        doc: "rfc4787".into(),
        title: "NAT Behavioral Requirements for Unicast UDP".into(),
        short: "NAT UDP".into(),
        layer: "NAT".into(),
        obsoletes: Vec::new(),
        updated_by: vec!["rfc6888".into(), "rfc7857".into()],
        sections: vec![section("4.1", "Address and Port Mapping"), section("4.3", "")],
    };
    vec![stun, nat]
}

fn requirements() -> Vec<Requirement> {
    let mut iana = requirement("stun-iana-registry", "rfc8489", "17", Level::Must);
    iana.test = Test::None;
    iana.why = Some(Why::Iana);
    iana.reason = Some("It binds the registry.".into());
    let mut later = requirement("nat-refresh-inbound", "rfc4787", "4.3", Level::May);
    later.test = Test::None;
    later.why = Some(Why::Later);
    vec![
        requirement("stun-rto-at-least-500ms", "rfc8489", "6.2.1", Level::Should),
        requirement("stun-rto-doubles", "rfc8489", "6.2.1", Level::Must),
        requirement("stun-fingerprint-crc", "rfc8489", "14.7", Level::Must),
        requirement("stun-fingerprint-last", "rfc8489", "14.7", Level::Implicit),
        iana,
        requirement("nat-mapping-independent", "rfc4787", "4.1", Level::Must),
        requirement("nat-timer-two-minutes", "rfc4787", "4.3", Level::Must),
        later,
    ]
}

fn results() -> Vec<CaseResult> {
    let schedule = "stun.rtx.schedule";
    let mut late = result(schedule, "rto=500ms", "other", Verdict::Fail);
    late.reason = Some("the second request came 250 ms late".into());
    late.assertions = vec![
        assertion("stun-rto-at-least-500ms", Level::Should, true),
        assertion("stun-rto-doubles", Level::Must, false),
    ];
    late.ladder = LADDER.into();
    late.capture = Some(Capture::Path("captures/other.pcapng".into()));
    late.known = Some(Known {
        verdict: Verdict::Fail,
        reason: "It rounds the timeout up to its tick.".into(),
        issue: Some("example/stack#12".into()),
    });
    let mut prompt = result(schedule, "rto=500ms", "ours", Verdict::Pass);
    prompt.assertions = vec![
        assertion("stun-rto-at-least-500ms", Level::Should, true),
        assertion("stun-rto-doubles", Level::Must, true),
    ];
    prompt.sometimes = BTreeMap::from([("response after last request".into(), false)]);
    prompt.ladder = LADDER.into();
    let mut short = result(schedule, "rto=100ms", "ours", Verdict::Note);
    short.reason = Some("starts at 100 ms".into());
    short.assertions = vec![
        assertion("stun-rto-at-least-500ms", Level::Should, false),
        assertion("stun-rto-doubles", Level::Must, true),
    ];
    short.capture =
        Some(Capture::Embedded { name: "trace.pcapng".into(), base64: "Cg0NCg==".into() });
    let mut crc = result("stun.fingerprint", "", "ours", Verdict::Pass);
    crc.assertions = vec![
        assertion("stun-fingerprint-crc", Level::Must, true),
        assertion("stun-fingerprint-last", Level::Implicit, true),
    ];
    let mut lacking = result("stun.fingerprint", "", "other", Verdict::Unsupported);
    lacking.reason = Some("declares no FINGERPRINT".into());
    let mut mapping = result("nat.mapping", "", "ours", Verdict::Pass);
    mapping.assertions = vec![assertion("nat-mapping-independent", Level::Must, true)];
    let mut stuck = result("nat.timer", "", "ours", Verdict::Inconclusive);
    stuck.reason = Some("the stimulus did not arrive".into());
    vec![prompt, short, late, crc, lacking, mapping, stuck]
}

fn about() -> About {
    About {
        command: "cargo xtask conformance --tier fast --seed 0".into(),
        seed: Seed(0),
        tier: "fast".into(),
        filter: None,
        shard: None,
        suite: "0.1.0".into(),
        registry: BTreeMap::from([
            ("rfc4787".into(), "b3:7d1a".into()),
            ("rfc8489".into(), "b3:51c0".into()),
        ]),
        mutants: Some(Mutants {
            mutants: vec![
                Mutant {
                    name: "stun-server-skips-fingerprint".into(),
                    breaks: "stun-fingerprint-crc".into(),
                    says: "Accepts any FINGERPRINT.".into(),
                    killer: Some(Killer {
                        case: "stun.fingerprint".into(),
                        variant: String::new(),
                        requirement: Some("stun-fingerprint-crc".into()),
                    }),
                },
                Mutant {
                    name: "nat-timer-one-minute".into(),
                    breaks: "nat-timer-two-minutes".into(),
                    says: "Drops a mapping after one minute.".into(),
                    killer: None,
                },
            ],
        }),
    }
}

/// Two specifications, eight requirements, four cases, two subjects.
pub(crate) fn run() -> Run {
    let subject = |name: &str, version: &str| Subject {
        name: name.into(),
        version: version.into(),
        about: format!("The subject called {name}."),
        capabilities: BTreeMap::from([("fingerprint".into(), Capability::Unknown)]),
        clock: Clock::Virtual,
    };
    let mut run = Run::new(about());
    run.subjects = vec![subject("ours", "0.1.0"), subject("other", "2.0.1")];
    run.specs = specs();
    run.requirements = requirements();
    run.cases = vec![
        case("stun.rtx.schedule", "STUN", &["stun-rto-at-least-500ms", "stun-rto-doubles"]),
        case("stun.fingerprint", "STUN", &["stun-fingerprint-crc", "stun-fingerprint-last"]),
        case("nat.mapping", "NAT", &["nat-mapping-independent"]),
        case("nat.timer", "NAT", &["nat-timer-two-minutes"]),
    ];
    run.results = results();
    run.wall = Wall {
        started: "2026-11-22T07:37:17Z".into(),
        host: "linux x86_64, 2 cores".into(),
        total_us: 1_234_567,
        durations_us: run.results.iter().map(|r| (r.key(), 1500)).collect(),
    };
    run.roll_up();
    run
}
