//! The engine on a small suite of its own: verdicts, exit codes, files, errors.

#![expect(clippy::unwrap_used, reason = "the helpers of a test stop it as the test itself would")]

#[path = "engine/fake.rs"]
mod fake;

use std::{fs, path::PathBuf};

use conformance::{
    cli,
    exit::{Exit, Refusal},
    suite::Suite,
};
use reports::model::{Run, Verdict};
use rstest::rstest;

/// What a command said and how it ended.
struct Outcome {
    result: Result<Exit, Refusal>,
    out: String,
}

fn command(suite: Suite, arguments: &[&str]) -> Outcome {
    let arguments = ["peerlab-conformance"].iter().chain(arguments).map(Into::into);
    let mut out = anstream::StripStream::new(Vec::new());
    let result = cli::main_with(arguments, &mut out, |_| Ok(suite));
    Outcome { result, out: String::from_utf8(out.into_inner()).unwrap() }
}

/// A folder for the reports of one test.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    path
}

/// Runs the cases `ids` against both subjects and reads what it wrote.
fn run(name: &str, ids: &[&str], extra: &[&str]) -> (Outcome, Run, PathBuf) {
    let folder = folder(name);
    let out = folder.to_str().unwrap();
    let mut arguments = vec!["--quiet", "--tier", "all", "--out", out];
    arguments.extend(extra);
    let outcome = command(fake::suite_of(ids), &arguments);
    let run = Run::load(folder.join("run.json")).unwrap();
    (outcome, run, folder)
}

#[rstest]
#[case::pass("end.pass", Verdict::Pass, Exit::Equal, "")]
#[case::fail(
    "end.fail",
    Verdict::Fail,
    Exit::Regression,
    "MUST sample-echo: wanted three, got two"
)]
#[case::note(
    "end.note",
    Verdict::Note,
    Exit::Equal,
    "SHOULD sample-polite: wanted please, got now"
)]
#[case::no_assertion(
    "end.no-assertion",
    Verdict::Harness,
    Exit::Harness,
    "vacuous: the case made no assertion"
)]
#[case::no_stimulus(
    "end.no-stimulus",
    Verdict::Harness,
    Exit::Harness,
    "vacuous: no stimulus reached the subject"
)]
#[case::lost_stimulus(
    "net.lost",
    Verdict::Harness,
    Exit::Harness,
    "vacuous: the stimulus \"a word to nobody\" was never delivered"
)]
#[case::panic("end.panic", Verdict::Harness, Exit::Harness, "the case is broken")]
#[case::no_network(
    "net.unready",
    Verdict::Harness,
    Exit::Harness,
    "the case uses the network before it builds one"
)]
#[case::inconclusive(
    "end.inconclusive",
    Verdict::Inconclusive,
    Exit::Regression,
    "the server never came up"
)]
#[case::cannot("end.cannot", Verdict::Unsupported, Exit::Equal, "no such knob")]
#[case::unsupported(
    "end.unsupported",
    Verdict::Unsupported,
    Exit::Equal,
    "the subject declares stun.stream absent"
)]
#[case::missing(
    "end.missing",
    Verdict::Missing,
    Exit::Equal,
    "the subject declares stun.ipv6 absent"
)]
#[case::undeclared(
    "end.undeclared",
    Verdict::Harness,
    Exit::Harness,
    "asserts `sample-silent`, which the case does not list in `reqs`"
)]
#[case::wrong_level(
    "end.level",
    Verdict::Harness,
    Exit::Harness,
    "asserts `sample-polite` as Must, but it is a SHOULD"
)]
#[case::capricious("end.capricious", Verdict::Harness, Exit::Harness, "not deterministic")]
fn every_end_has_its_verdict_and_exit_code(
    #[case] id: &str,
    #[case] verdict: Verdict,
    #[case] exit: Exit,
    #[case] reason: &str,
) {
    let (outcome, run, _) = run(&format!("verdict-{id}"), &[id], &["--subject", "ours"]);
    assert_eq!(run.results.len(), 1);
    assert_eq!(run.results[0].verdict, verdict);
    let said = run.results[0].reason.clone().unwrap_or_default();
    assert!(said.contains(reason), "{said}");
    assert_eq!(outcome.result, Ok(exit), "{}", outcome.out);
}

#[test]
fn a_case_with_a_network_passes_one_subject_and_fails_the_other() {
    let (outcome, run, folder) = run("echo", &["net.echo"], &[]);
    assert_eq!(outcome.result, Ok(Exit::Regression));
    assert_eq!(run.verdicts("ours")[&Verdict::Pass], 4);
    assert_eq!(run.verdicts("loud")[&Verdict::Fail], 4);
    let standing = run.standing("ours", "sample-echo");
    assert_eq!(standing.map(|standing| standing.as_str()), Some("pass"));
    for view in ["junit.xml", "report.md", "report.html", "badge.svg"] {
        assert!(folder.join(view).is_file(), "{view} is missing");
    }
    let shown = outcome.out.replace(folder.to_str().unwrap(), "OUT");
    let first = shown.split("\n\n").next().unwrap();
    insta::assert_snapshot!("failure", first);
}

#[test]
fn only_failures_leave_files_unless_all_are_asked_for() {
    let (_, _, some) = run("pcap-failures", &["net.echo"], &[]);
    assert!(some.join("cases/loud").is_dir() && !some.join("cases/ours").exists());
    let (_, _, all) = run("pcap-always", &["net.echo"], &["--pcap", "always"]);
    let folders: Vec<PathBuf> =
        fs::read_dir(all.join("cases/ours")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(folders.len(), 4);
    for file in ["ladder.txt", "log.jsonl", "trace.pcapng", "replay.json"] {
        assert!(fs::metadata(folders[0].join(file)).unwrap().len() > 100, "{file}");
    }
    let (_, _, none) = run("pcap-never", &["net.echo"], &["--pcap", "never"]);
    assert!(!none.join("cases").exists());
}

#[test]
fn the_same_command_writes_the_same_bytes_but_for_the_wall() {
    let documents = ["same-1", "same-2"].map(|name| {
        let threads = if name == "same-1" { "1" } else { "4" };
        let (_, mut run, _) = run(name, &["net.echo", "end.note", "end.lucky"], &["-j", threads]);
        run.wall = reports::model::Wall::default();
        run.to_json()
    });
    assert_eq!(documents[0], documents[1]);
}

#[test]
fn seeds_change_what_chance_decides_and_subjects_share_them() {
    let traces = |seed: &str| {
        let (_, run, _) = run(&format!("seed-{seed}"), &["end.lucky"], &["--seed", seed]);
        let seeds: Vec<_> = run.results.iter().map(|result| result.seed).collect();
        assert_eq!(seeds[0], seeds[1]);
        run.results[0].verdict
    };
    let verdicts: Vec<Verdict> = (0..8).map(|seed: u64| traces(&seed.to_string())).collect();
    assert!(verdicts.contains(&Verdict::Pass) && verdicts.contains(&Verdict::Fail));
}

#[test]
fn repetition_keeps_the_worst_result_and_says_how_often() {
    let (_, run, _) = run("repeat", &["end.lucky"], &["--repeat", "16", "--subject", "ours"]);
    assert_eq!(run.results[0].verdict, Verdict::Fail);
    let reason = run.results[0].reason.as_deref().unwrap();
    assert!(reason.ends_with(" of 16 seeds)"), "{reason}");
}

#[test]
fn shards_share_the_results_without_rest_and_merge_again() {
    let ids = ["net.echo", "end.pass", "end.note", "end.cannot"];
    let (_, whole, _) = run("shard-whole", &ids, &[]);
    let mut paths = Vec::new();
    let mut count = 0;
    for part in ["1/3", "2/3", "3/3"] {
        let name = format!("shard-{}", part.replace('/', "-"));
        let (_, run, folder) = run(&name, &ids, &["--shard", part]);
        count += run.results.len();
        paths.push(folder.join("run.json").to_str().unwrap().to_owned());
    }
    assert_eq!(count, whole.results.len());
    let merged = folder("shard-merged");
    let mut arguments = vec!["merge", "--out", merged.to_str().unwrap()];
    arguments.extend(paths.iter().map(String::as_str));
    assert_eq!(command(fake::suite(), &arguments).result, Ok(Exit::Equal));
    let merged = Run::load(merged.join("run.json")).unwrap();
    assert_eq!(merged.verdicts("ours"), whole.verdicts("ours"));
    assert_eq!(merged.rollup, whole.rollup);
}

#[test]
fn sections_select_cases_by_what_they_assert() {
    let list = |extra: &[&str]| {
        let mut arguments = vec!["--list", "--subject", "ours", "--rfc", "9999"];
        arguments.extend(extra);
        command(fake::suite_of(&["end.pass", "end.note"]), &arguments)
    };
    assert_eq!(list(&["--section", "2"]).out, "end.note  ours\nend.pass  ours\n");
    let refusal = list(&["--section", "7"]).result.unwrap_err();
    assert_eq!(
        refusal.line,
        "--section 7: RFC 9999 states nothing there; it does in 2.1, 2.2, 3, 4"
    );
    assert_eq!(refusal.exit, Exit::Usage);
}

#[test]
fn determinism_is_checked_and_its_absence_found() {
    let check = |id: &str| {
        command(fake::suite_of(&[id]), &["--check-determinism", "--quiet", "--subject", "ours"])
    };
    let good = check("net.echo");
    assert_eq!(good.result, Ok(Exit::Equal), "{}", good.out);
    assert!(good.out.contains("equal in every byte"), "{}", good.out);
    let bad = check("end.capricious");
    assert_eq!(bad.result, Ok(Exit::Regression));
    assert!(bad.out.contains("ours/end.capricious differs in its trace hash"), "{}", bad.out);
}

#[test]
fn a_subject_with_dice_of_its_own_leaves_no_trace_in_the_document() {
    let mut suite = fake::suite_of(&["end.capricious"]);
    suite.subjects = vec![&fake::Fake { name: "moody", shouts: false }];
    let folder = folder("moody");
    let outcome = command(suite, &["--quiet", "--out", folder.to_str().unwrap()]);
    assert_eq!(outcome.result, Ok(Exit::Regression), "{}", outcome.out);
    let run = Run::load(folder.join("run.json")).unwrap();
    assert_eq!(run.results[0].verdict, Verdict::Fail);
    assert!(run.results[0].trace.is_empty() && run.results[0].ladder.is_empty());
    assert_eq!(run.results[0].assertions[0].got, "(differs from run to run)");
    assert!(folder.join("cases/moody/end.capricious/ladder.txt").is_file());
}

#[test]
fn a_replay_reproduces_the_ladder_and_notices_a_difference() {
    let (_, run, folder) = run("replay", &["net.echo"], &["--seed", "7"]);
    let result = run.results.iter().find(|result| result.verdict == Verdict::Fail).unwrap();
    let cases = fs::read_dir(folder.join("cases/loud")).unwrap();
    let mut records: Vec<PathBuf> = cases.map(|entry| entry.unwrap().path()).collect();
    records.sort();
    let file = records[0].join("replay.json");
    let again = command(fake::suite(), &["replay", file.to_str().unwrap()]);
    assert_eq!(again.result, Ok(Exit::Equal), "{}", again.out);
    assert!(again.out.ends_with("the same as the record\n"), "{}", again.out);
    assert!(again.out.starts_with(&fs::read_to_string(records[0].join("ladder.txt")).unwrap()));

    let forged = fs::read_to_string(&file).unwrap().replace("\"fail\"", "\"pass\"");
    fs::write(&file, forged).unwrap();
    let differs = command(fake::suite(), &["replay", file.to_str().unwrap()]);
    assert_eq!(differs.result, Ok(Exit::Regression));

    let by_name =
        ["replay", &result.name(), "--subject", "loud", "--seed", "7", "--out", "/nowhere"];
    let by_name = command(fake::suite(), &by_name);
    assert!(by_name.out.contains(&result.trace), "{}", by_name.out);
    assert_eq!(by_name.result, Ok(Exit::Regression));
}

#[test]
fn baselines_hold_both_ways() {
    let baselines = folder("baselines");
    fs::create_dir_all(&baselines).unwrap();
    let known = |case: &str| {
        format!(
            "[[known]]\ncase = \"{case}\"\nverdict = \"fail\"\nreason = \"because\"\nsince = \"0.1.0\"\n"
        )
    };
    let run_with = |text: &str| {
        fs::write(baselines.join("ours.toml"), text).unwrap();
        let ids = ["end.pass", "end.fail"];
        let extra = ["--subject", "ours", "--baseline-dir", baselines.to_str().unwrap()];
        run("baselined", &ids, &extra).0
    };
    assert_eq!(run_with("").result, Ok(Exit::Regression));
    assert_eq!(run_with(&known("end.fail")).result, Ok(Exit::Equal));
    let stale = run_with(&known("end.*"));
    assert_eq!(stale.result, Ok(Exit::Stale));
    assert!(stale.out.contains("the baseline expects fail, and it is pass"), "{}", stale.out);
    let idle = run_with(&(known("end.fail") + &known("end.absent")));
    assert_eq!(idle.result, Ok(Exit::Stale));
    assert!(idle.out.contains("ours.toml:7: no case is called end.absent"), "{}", idle.out);
    let broken =
        fs::read_to_string(baselines.join("ours.toml")).unwrap().replace("fail\"", "fial\"");
    fs::write(baselines.join("ours.toml"), broken).unwrap();
    let arguments = ["--baseline-dir", baselines.to_str().unwrap(), "--list"];
    let refusal = command(fake::suite(), &arguments).result.unwrap_err();
    assert_eq!(refusal.exit, Exit::Data);
    assert!(refusal.line.contains("ours.toml:3: unknown variant `fial`"), "{}", refusal.line);
}

#[test]
fn a_baseline_update_wants_a_reason_and_makes_the_run_equal() {
    let (_, _, reports) = run("update", &["end.pass", "end.fail"], &["--subject", "ours"]);
    let baselines = folder("update-baselines");
    fs::create_dir_all(&baselines).unwrap();
    let (file, into) = (reports.join("run.json"), baselines.to_str().unwrap().to_owned());
    let update = [
        "baseline",
        "update",
        "--run",
        file.to_str().unwrap(),
        "--into",
        &into,
        "--subject",
        "ours",
    ];
    let refusal = command(fake::suite(), &update).result.unwrap_err();
    assert_eq!(
        refusal.line,
        "1 new deviation(s), the first is end.fail; say why with --reason \"…\""
    );
    let reasoned: Vec<&str> =
        update.iter().copied().chain(["--reason", "it is \"known\""]).collect();
    assert_eq!(command(fake::suite(), &reasoned).result, Ok(Exit::Equal));
    let extra = ["--subject", "ours", "--baseline-dir", &into];
    let (outcome, again, _) = run("updated", &["end.pass", "end.fail"], &extra);
    assert_eq!(outcome.result, Ok(Exit::Equal));
    let known = again.results.iter().find_map(|result| result.known.clone()).unwrap();
    assert_eq!(known.reason, "it is \"known\"");
}

#[rstest]
#[case::filter(&["--filter", "net.ecko"], "no case is called net.ecko; did you mean net.echo? `peerlab-conformance list` shows them all")]
#[case::positional(&["run", "quic"], "no case is called quic; `peerlab-conformance list` shows them all")]
#[case::subject(&["--subject", "our"], "no subject is called our; did you mean ours? there are ours, loud")]
#[case::shard(&["--shard", "9/8"], "invalid value '9/8' for '--shard <I/N>': `9/8` is not a shard; write for example 3/8, with 1 ≤ 3 ≤ 8; --help shows what there is")]
#[case::rfc(&["--rfc", "8489"], "--rfc 8489: the registry has no such document; it has rfc9999")]
#[case::section(&["--section", "2"], "--section 2: a section of what? add --rfc, for example --rfc 8489")]
#[case::option(&["--sede", "2"], "unexpected argument '--sede' found; a similar argument exists: '--seed'; --help shows what there is")]
#[case::show(&["show", "sample-ecko"], "no case and no requirement is called sample-ecko; did you mean sample-echo? `list` shows the cases, `list --requirements` the requirements")]
#[case::several(&["replay", "net.echo"], "net.echo names several variants; `list --variants net.echo` shows them, replay one")]
fn refuses_what_makes_no_sense_in_one_line(#[case] arguments: &[&str], #[case] line: &str) {
    let refusal = command(fake::suite(), arguments).result.unwrap_err();
    assert_eq!(refusal.line, line);
    assert_eq!(refusal.exit, Exit::Usage);
}

#[test]
fn refuses_a_report_folder_that_cannot_be_written() {
    let file = folder("occupied");
    fs::write(&file, "a file, not a folder").unwrap();
    let path = file.join("reports");
    let refusal =
        command(fake::suite(), &["--quiet", "--out", path.to_str().unwrap()]).result.unwrap_err();
    assert_eq!(refusal.exit, Exit::Environment);
    assert!(refusal.line.starts_with(path.to_str().unwrap()), "{}", refusal.line);
    assert!(refusal.line.ends_with("choose another with --out DIR"), "{}", refusal.line);
}

#[rstest]
#[case::unknown_key(
    "sec = \"2.1\"",
    "sec = \"2.1\"\nsection = \"2\"",
    ":14: unknown key `section`"
)]
#[case::duplicate(
    "sample-polite",
    "sample-echo",
    ":22: requirement id `sample-echo` is already taken at "
)]
#[case::no_reason(
    "why = \"iana\"\n",
    "",
    ":46: `sample-registered` has no test and does not say why; add `why = …`"
)]
#[case::level(
    "level = \"SHOULD\"",
    "level = \"OUGHT\"",
    ":24: `OUGHT` is not a level; use one of MUST, SHOULD, MAY, IMPLICIT"
)]
#[case::missing_key("actor = \"document\"\n", "", ":39: missing key `actor`; add the key")]
fn refuses_a_broken_registry_with_file_and_line(
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: &str,
) {
    let dir = folder(&format!("spec-{}", expected.len()));
    fs::create_dir_all(&dir).unwrap();
    let text = include_str!("spec/sample.toml").replacen(from, to, 1);
    fs::write(dir.join("sample.toml"), text).unwrap();
    let refusal =
        command(fake::suite(), &["list", "--spec-dir", dir.to_str().unwrap()]).result.unwrap_err();
    assert_eq!(refusal.exit, Exit::Data);
    let file = dir.join("sample.toml");
    assert!(refusal.line.starts_with(&format!("{}{expected}", file.display())), "{}", refusal.line);
    assert_eq!(refusal.line.lines().count(), 1);
}

#[test]
fn lists_requirements_with_what_becomes_of_them() {
    let outcome = command(fake::suite_of(&["end.pass"]), &["list", "--requirements"]);
    let states: Vec<&str> =
        outcome.out.lines().map(|line| line.split_whitespace().nth(5).unwrap()).collect();
    assert_eq!(states, ["cases", "cases", "untested", "iana"]);
    let untested =
        command(fake::suite_of(&["end.pass"]), &["list", "--requirements", "--untested"]);
    assert!(untested.out.starts_with("sample-silent") && untested.out.lines().count() == 1);
}

#[test]
fn the_table_counts_untested_musts() {
    let (outcome, run, _) = run("table", &["end.pass"], &["--subject", "ours"]);
    let totals = run.totals("ours", |_| true);
    assert_eq!((totals.must.all, totals.must.testable, totals.must.tested), (3, 2, 1));
    let row = outcome.out.lines().find(|line| line.contains("RFC 9999")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["Sample", "RFC", "9999", "2", "1", "1", "0", "1", "1", "0", "0", "0"]);
}

#[test]
fn states_never_reached_are_reported() {
    let (outcome, _, _) = run("sometimes", &["end.slow"], &["--subject", "ours"]);
    let expected = "never reached in any variant of end.slow: the moon is full";
    assert!(outcome.out.contains(expected), "{}", outcome.out);
}

#[test]
fn cases_that_nobody_else_passes_are_named() {
    let (outcome, _, _) = run("reference", &["net.echo", "end.pass"], &[]);
    let expected = "no independent subject passes, and no reason is given: net.echo\n";
    assert!(outcome.out.contains(expected), "{}", outcome.out);
}

/// Only a build with `--features mutant` has bugs to hunt.
#[cfg(feature = "mutant")]
#[test]
fn the_hunt_finds_the_first_case_that_notices_a_bug() {
    use conformance::{
        execute::Keep,
        mutants::{self, Mutant},
        runner::{self, Plan},
        select::Selection,
    };
    let suite = fake::suite_of(&["end.lucky", "end.pass", "net.echo"]);
    let subjects = suite.subjects(&["ours".to_owned()]).unwrap();
    let none = std::collections::BTreeMap::new();
    let jobs = Selection::default().jobs(&suite.cases, &subjects, &suite.registry, &none).unwrap();
    let plan = Plan {
        registry: &suite.registry,
        seed: 0,
        repeat: 1,
        threads: 2,
        keep: Keep::Failures,
        mutant: None,
    };
    let clean = runner::run(&jobs, &plan, |_, _| true);
    let bugs = ["fake-shouts", "fake-does-nothing"].map(|name| Mutant {
        name: name.to_owned(),
        breaks: "sample-echo".to_owned(),
        says: "It shouts.".to_owned(),
    });
    let found = mutants::hunt(&bugs, &jobs, &clean, &plan, &|_| ());
    let killer = found.mutants[0].killer.clone().unwrap();
    assert_eq!((killer.case.as_str(), killer.variant.as_str()), ("net.echo", "rtt=0,word=hello"));
    assert_eq!(killer.requirement.as_deref(), Some("sample-echo"));
    assert_eq!((found.mutants[1].killer.clone(), found.kill_percent()), (None, 50));
}

#[cfg(not(feature = "mutant"))]
#[test]
fn a_build_without_bugs_refuses_to_hunt_them() {
    let refusal = command(fake::suite(), &["mutants"]).result.unwrap_err();
    assert_eq!(refusal.exit, Exit::Environment);
    assert!(refusal.line.contains("cargo xtask conformance mutants"), "{}", refusal.line);
}

#[test]
fn help_teaches_with_examples() {
    let outcome = command(fake::suite(), &["--help"]);
    assert_eq!(outcome.result, Ok(Exit::Equal));
    assert!(outcome.out.contains("cargo xtask conformance --rfc 8489 --section 6.2"));
    assert!(outcome.out.contains("Exit codes:"));
}

#[test]
fn diff_of_two_runs_finds_the_regression() {
    let (_, _, before) = run("diff-before", &["end.lucky"], &["--subject", "ours"]);
    let (_, _, after) = run("diff-after", &["end.fail"], &["--subject", "ours"]);
    let paths = [before, after].map(|path| path.join("run.json").to_str().unwrap().to_owned());
    assert_eq!(command(fake::suite(), &["diff", &paths[0], &paths[0]]).result, Ok(Exit::Equal));
    let broken = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("broken.json");
    fs::write(&broken, "{\n  \"schema\": 1,\n  oops\n").unwrap();
    let refusal =
        command(fake::suite(), &["diff", broken.to_str().unwrap(), &paths[1]]).result.unwrap_err();
    assert_eq!(refusal.exit, Exit::Data);
    assert!(refusal.line.contains("broken.json:3: "), "{}", refusal.line);
}
