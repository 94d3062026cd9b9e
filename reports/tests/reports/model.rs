//! Reading, writing, checking and adding up runs.

use std::{env, fs};

use reports::model::{Capture, Level, LoadError, Run, Seed, Standing, Verdict, percent};
use rstest::rstest;

use crate::fixture;

#[test]
fn reads_back_what_it_wrote() {
    let run = fixture::run();
    assert_eq!(Run::parse(&run.to_json(), "run.json").unwrap(), run);
}

#[test]
fn writes_the_same_bytes_for_the_same_run() {
    assert_eq!(fixture::run().to_json(), fixture::run().to_json());
}

#[test]
fn keeps_the_clock_and_the_host_inside_the_wall_block() {
    let (mut early, mut late) = (fixture::run(), fixture::run());
    late.wall.started = "2031-01-01T00:00:00Z".into();
    late.wall.host = "another".into();
    late.wall.durations_us.values_mut().for_each(|micros| *micros *= 3);
    assert_ne!(early.to_json(), late.to_json());
    early.wall = reports::model::Wall::default();
    late.wall = reports::model::Wall::default();
    assert_eq!(early.to_json(), late.to_json());
}

#[test]
fn saves_and_loads_below_a_folder_that_does_not_exist_yet() {
    let folder = env::temp_dir().join(format!("peerlab-reports-save-{}", std::process::id()));
    let path = folder.join("deep/run.json");
    let run = fixture::run();
    run.save(&path).unwrap();
    let loaded = Run::load(&path);
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(loaded.unwrap(), run);
}

#[rstest]
#[case::unknown_field("\"virtual_ns\": 39500000000,", "\"virtual_ms\": 39500,", "virtual_ms")]
#[case::unknown_verdict("\"verdict\": \"pass\"", "\"verdict\": \"passed\"", "passed")]
#[case::bad_seed("\"seed\": \"0x000000005eed0007\"", "\"seed\": \"seven\"", "seven")]
fn names_the_file_and_the_line_of_what_is_malformed(
    #[case] good: &str,
    #[case] bad: &str,
    #[case] near: &str,
) {
    let text = fixture::run().to_json().replacen(good, bad, 1);
    let line = 1 + text.lines().position(|line| line.contains(near)).unwrap();
    let error = Run::parse(&text, "some/run.json").unwrap_err().to_string();
    assert!(error.starts_with(&format!("some/run.json:{line}: ")), "{error}");
    assert!(error.contains(near) && !error.contains('\n'), "{error}");
}

#[rstest]
#[case::newer(2, "update Peerlab")]
#[case::older(0, "write the run again")]
fn refuses_another_version_and_says_what_to_do(#[case] version: u32, #[case] remedy: &str) {
    let mut run = fixture::run();
    run.schema = version;
    let text = run.to_json().replacen("\"command\"", "\"later_field\"", 1);
    let error = Run::parse(&text, "run.json").unwrap_err();
    assert!(matches!(error, LoadError::Version { line: 2, found, .. } if found == version));
    assert!(error.to_string().contains(remedy), "{error}");
}

#[test]
fn names_a_file_that_is_not_there() {
    let error = Run::load("no/such/run.json").unwrap_err().to_string();
    assert!(error.starts_with("no/such/run.json: cannot read the run: "), "{error}");
}

#[rstest]
#[case::unlisted_subject(|run: &mut Run| run.results[0].subject = "nobody".into(), "nobody")]
#[case::unlisted_case(|run: &mut Run| run.results[0].case = "no.such".into(), "no.such")]
#[case::unlisted_requirement(
    |run: &mut Run| run.cases[0].requirements.push("no-such".into()), "no-such"
)]
#[case::same_result_twice(
    |run: &mut Run| run.results.push(run.results[0].clone()), "stands there twice"
)]
#[case::same_case_twice(|run: &mut Run| run.cases.push(run.cases[0].clone()), "twice")]
fn refuses_a_run_that_does_not_hang_together(#[case] spoil: fn(&mut Run), #[case] says: &str) {
    let mut run = fixture::run();
    spoil(&mut run);
    run.roll_up();
    let error = Run::parse(&run.to_json(), "run.json").unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}

#[test]
fn refuses_a_roll_up_that_the_results_do_not_give() {
    let mut run = fixture::run();
    run.rollup.get_mut("other").unwrap().get_mut("stun-rto-doubles").unwrap().standing =
        Standing::Pass;
    let error = Run::parse(&run.to_json(), "run.json").unwrap_err().to_string();
    assert!(error.contains("roll-up"), "{error}");
}

#[rstest]
#[case::held("ours", "stun-rto-doubles", Some(Standing::Pass))]
#[case::deviated_from_should("ours", "stun-rto-at-least-500ms", Some(Standing::Note))]
#[case::broke_must("other", "stun-rto-doubles", Some(Standing::Fail))]
#[case::capability_absent("other", "stun-fingerprint-crc", Some(Standing::Unsupported))]
#[case::proved_nothing("ours", "nat-timer-two-minutes", Some(Standing::Unproven))]
#[case::no_case("ours", "stun-iana-registry", None)]
#[case::case_did_not_run("other", "nat-mapping-independent", None)]
fn rolls_results_up_to_requirements(
    #[case] subject: &str,
    #[case] requirement: &str,
    #[case] standing: Option<Standing>,
) {
    assert_eq!(fixture::run().standing(subject, requirement), standing);
}

#[test]
fn does_not_count_the_assertions_of_a_result_that_proves_nothing() {
    let mut run = fixture::run();
    run.results[0].verdict = Verdict::Inconclusive;
    run.results[1].verdict = Verdict::Harness;
    run.roll_up();
    assert_eq!(run.standing("ours", "stun-rto-doubles"), Some(Standing::Unproven));
    assert_eq!(run.rollup["ours"]["stun-rto-doubles"].held, 0);
}

#[test]
fn a_doubtful_failure_hides_a_pass_but_not_a_failure() {
    let mut run = fixture::run();
    let mut flaky = run.results[0].clone();
    flaky.variant = "again".into();
    flaky.verdict = Verdict::Flaky;
    flaky.assertions[1].held = false;
    run.results.push(flaky);
    run.roll_up();
    assert_eq!(run.standing("ours", "stun-rto-doubles"), Some(Standing::Unproven));
    run.results[0].assertions[1].held = false;
    run.roll_up();
    assert_eq!(run.standing("ours", "stun-rto-doubles"), Some(Standing::Fail));
}

#[test]
fn counts_what_is_put_off_but_not_what_cannot_be_tested() {
    let run = fixture::run();
    let totals = run.totals("ours", |_| true);
    let must = totals.level(Level::Must);
    assert_eq!((must.all, must.testable, must.tested, must.pass), (5, 4, 3, 3));
    let may = totals.level(Level::May);
    assert_eq!((may.all, may.testable, may.tested), (1, 1, 0));
    assert_eq!(run.totals("other", |_| true).must.fail, 1);
    assert_eq!(run.totals("ours", |r| r.spec == "rfc4787").must.testable, 2);
}

#[rstest]
#[case(0, 0, 100)]
#[case(999, 1000, 99)]
#[case(1000, 1000, 100)]
#[case(0, 3, 0)]
fn rounds_shares_down(#[case] part: usize, #[case] whole: usize, #[case] share: usize) {
    assert_eq!(percent(part, whole), share);
}

#[test]
fn reports_states_that_nothing_reached() {
    let mut run = fixture::run();
    assert_eq!(run.never_reached(), [("stun.rtx.schedule", "response after last request")]);
    run.results[2].sometimes.insert("response after last request".into(), true);
    assert_eq!(run.never_reached(), []);
}

#[test]
fn writes_seeds_with_all_their_digits() {
    assert_eq!(Seed(u64::MAX).to_string(), "0xffffffffffffffff");
    assert_eq!(Seed(7).to_string(), "0x0000000000000007");
}

#[test]
fn embeds_small_captures_and_leaves_large_and_absent_ones() {
    let folder = env::temp_dir().join(format!("peerlab-reports-embed-{}", std::process::id()));
    fs::create_dir_all(folder.join("captures")).unwrap();
    fs::write(folder.join("captures/other.pcapng"), b"\n\r\r\n").unwrap();
    let mut run = fixture::run();
    run.embed_captures(&folder, 3);
    assert_eq!(run.results[2].capture, Some(Capture::Path("captures/other.pcapng".into())));
    run.embed_captures(&folder, 4);
    fs::remove_dir_all(&folder).unwrap();
    let embedded = Capture::Embedded { name: "other.pcapng".into(), base64: "Cg0NCg==".into() };
    assert_eq!(run.results[2].capture, Some(embedded));
    run.results[2].capture = Some(Capture::Path("captures/absent.pcapng".into()));
    run.embed_captures(&folder, 4);
    assert!(matches!(run.results[2].capture, Some(Capture::Path(_))));
}
