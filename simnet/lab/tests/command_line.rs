//! The command line: answers, exit codes, files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rstest::rstest;

fn lab(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerlab-lab"));
    command.args(arguments).output().expect("the laboratory starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A scenario of the lessons.
fn lesson(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lessons").join(path);
    path.to_str().expect("paths are text").to_owned()
}

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("the target folder is writable");
    folder
}

#[rstest]
#[case::unknown_command(&["dance"], 64, "unrecognized subcommand")]
#[case::unknown_preset(&["explain", "linux-masquerad"], 64, "did you mean `linux-masquerade`?")]
#[case::unknown_kind(&["presets", "--kind", "router"], 64, "firewall")]
#[case::unknown_lesson(&["lesson", "inbound-frist"], 64, "did you mean `03-inbound-first`?")]
#[case::unknown_plot(&["plots", "red"], 64, "codel")]
#[case::missing_file(&["check", "nowhere.toml"], 65, "is the path right?")]
fn mistakes_have_an_exit_code_and_a_next_step(
    #[case] arguments: &[&str],
    #[case] code: i32,
    #[case] says: &str,
) {
    let output = lab(arguments);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(errors.contains(says), "{errors}");
}

#[test]
fn a_broken_scenario_is_told_with_its_line() {
    let path = folder("broken").join("broken.toml");
    let source = fs::read_to_string(lesson("01-symmetric-nat/scenario.toml")).expect("it is there");
    fs::write(&path, source.replace("classic-symmetric", "clasic-symmetric")).expect("writable");
    let output = lab(&["check", path.to_str().expect("text")]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(65), "{errors}");
    assert!(errors.contains("line ") && errors.contains("classic-symmetric"), "{errors}");
}

#[test]
fn a_run_leaves_files_that_replay_to_the_bit() {
    let out = folder("replayed");
    let out = out.to_str().expect("text");
    let run = lab(&["run", &lesson("03-inbound-first/scenario.toml"), "--out", out, "--repeat"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert!(text(&run.stdout).contains("a second run was the same"));
    for file in
        ["run.html", "ladder.svg", "ladder.mmd", "bindings.svg", "all.pcapng", "trace.jsonl"]
    {
        let path = Path::new(out).join(file);
        assert!(fs::metadata(&path).is_ok_and(|it| it.len() > 500), "{file}");
    }
    let again = lab(&["replay", out]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stdout));
    fs::write(Path::new(out).join("hash"), "00\n").expect("writable");
    assert_eq!(lab(&["replay", out]).status.code(), Some(1));
}

#[test]
fn what_fails_shrinks_to_what_the_failure_needs() {
    let path = folder("shrunk").join("failing.toml");
    let source = fs::read_to_string(lesson("01-symmetric-nat/both.toml")).expect("it is there");
    let failing = source.replace("not-connected = true", "connected-within = \"1s\"");
    fs::write(&path, failing).expect("writable");
    let path = path.to_str().expect("text");
    assert_eq!(lab(&["run", path]).status.code(), Some(1));
    let output = lab(&["shrink", path]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let small = lab::Scenario::parse(&text(&output.stdout)).expect("what is printed is a scenario");
    assert!(small.nats.len() < 2, "{}", text(&output.stdout));
    let well = lab(&["shrink", &lesson("01-symmetric-nat/both.toml")]);
    assert_eq!(well.status.code(), Some(64));
    assert!(text(&well.stderr).contains("nothing to shrink"));
}

#[test]
fn a_preset_is_explained_with_source_partners_and_a_walk() {
    let output = lab(&["explain", "classic-port-restricted-cone"]);
    let words = text(&output.stdout);
    for wanted in
        ["confidence  rfc", "RFC 4787 §5", "Behaviour discovery", "Whom a peer behind it", "DROP"]
    {
        assert!(words.contains(wanted), "{wanted} is not in\n{words}");
    }
}

#[test]
fn lists_are_complete() {
    let presets = text(&lab(&["presets", "--json"]).stdout);
    let list: serde_json::Value = serde_json::from_str(&presets).expect("it is JSON");
    let count: usize = lab::presets::kinds().map(|kind| lab::presets::all(kind).len()).sum();
    assert_eq!(list.as_array().map(Vec::len), Some(count));
    let lessons = text(&lab(&["lessons"]).stdout);
    assert_eq!(lessons.lines().filter(|line| line.starts_with(['0', '1'])).count(), 15);
}
