//! Hosts that guard themselves, clocks that are wrong, networks for guests, and hosts that crash.

use lab::{Outcome, Scenario};
use rstest::rstest;

/// A sender on a LAN, and a host that hears it unless something keeps them apart.
const LAN: &str = r#"
version = 1
name = "guests"
seed = 7
duration = "5s"

[[lan]]
name = "hotel"
prefixes = ["192.168.1.0/24"]

[[host]]
name = "alice"
attach = "hotel"
role = { flow = { to = "bob", rate = "80kbps", stop = "1min" } }

[[host]]
name = "bob"
attach = "hotel"
role = "sink"
"#;

fn run(change: impl FnOnce(&str) -> String) -> Outcome {
    let text = change(LAN);
    let scenario = Scenario::parse(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let again = Scenario::parse(&scenario.to_toml());
    assert_eq!(again.ok().as_ref(), Some(&scenario), "what was written reads the same");
    scenario.build(()).unwrap_or_else(|problem| panic!("{problem}")).run()
}

fn dropped(outcome: &Outcome, reason: &str) -> u64 {
    outcome.tally.drops().find(|(it, _)| it.name() == reason).map_or(0, |(_, count)| count)
}

#[test]
fn neighbours_hear_each_other() {
    let outcome = run(str::to_owned);
    assert!(outcome.tally.delivered > 10, "{:?}", outcome.tally);
}

#[test]
fn guests_do_not_hear_each_other() {
    let outcome = run(|text| text.replace("24\"]", "24\"]\nisolated = true"));
    assert!(dropped(&outcome, "segment.isolated") > 10, "{:?}", outcome.tally);
}

#[test]
fn a_host_guards_itself() {
    let outcome = run(|text| text.replace("\"sink\"", "\"sink\"\nfirewall = {}"));
    assert!(dropped(&outcome, "firewall.rule") > 10, "{:?}", outcome.tally);
}

#[test]
fn a_fast_clock_sends_more() {
    let right = run(str::to_owned).tally.originated;
    let fast = "\"1min\" } }\nclock = { drift-ppm = 100000 }";
    let fast = run(|text| text.replace("\"1min\" } }", fast)).tally.originated;
    assert!(fast > right + right / 20, "{fast} packets instead of {right}");
}

#[test]
fn a_wide_area_network_cannot_be_isolated() {
    let text =
        LAN.replace("[[lan]]", "[wan]\nprefixes = [\"11.0.0.0/8\"]\nisolated = true\n\n[[lan]]");
    let problems = Scenario::parse(&text).expect_err("it is refused");
    assert!(problems.iter().any(|it| it.to_string().contains("isolated")), "{problems:?}");
}

fn event(time: &str, action: &str) -> String {
    format!("\n[[at]]\nt = \"{time}\"\ndo = {{ {action} = \"alice\" }}\n")
}

/// To be told to start again means nothing to a host that is up: its role goes on as it was, and one that
/// has not begun still waits.
#[rstest]
#[case::while_it_acts("")]
#[case::before_it_begins("start = \"3s\", ")]
fn a_host_that_never_crashed_does_not_restart(#[case] start: &str) {
    let later = |text: &str| text.replace("stop =", &format!("{start}stop ="));
    let undisturbed = run(later).tally;
    let told = run(|text| later(text) + &event("2s", "restart"));
    assert_eq!(told.tally.originated, undisturbed.originated);
}

#[test]
fn a_role_begins_once_when_its_host_crashed_before_its_time() {
    let text = |start: &str| LAN.replace("stop =", &format!("start = \"{start}\", stop ="));
    let events = event("1s", "crash") + &event("2s", "restart");
    let crashed = run(|_| text("3s") + &events).tally.originated;
    let undisturbed = run(|_| text("2s")).tally.originated;
    assert_eq!(crashed, undisturbed, "it begins with its host, and not again");
}
