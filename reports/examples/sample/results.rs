//! What the cases found out.

use std::collections::BTreeMap;

use reports::model::{Assertion, Capture, Case, CaseResult, Known, Level, Seed, Verdict};

use crate::dice::Dice;

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

pub(crate) fn result(
    dice: &mut Dice,
    case: &Case,
    levels: &BTreeMap<String, Level>,
    at: (&str, &str),
) -> CaseResult {
    let (variant, subject) = at;
    let foreign = subject != "ours";
    let fails = dice.chance(if foreign { 7 } else { 2 });
    let mut assertions = assertions(dice, case, levels, fails);
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

/// What the case asserts, most of it held.
fn assertions(
    dice: &mut Dice,
    case: &Case,
    levels: &BTreeMap<String, Level>,
    fails: bool,
) -> Vec<Assertion> {
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
    assertions
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
