//! Where the runner comes from, and how it is started.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use super::expectations::CONFIG;
use crate::process;

/// Where this chore leaves what it builds and what the runner says.
const FOLDER: &str = "target/bogo";

/// What to do where there is no runner.
const HOW_TO: &str = "\
BOGO_RUNNER is not set. It names BoringSSL's test runner: a built program, or the folder of its sources
(ssl/test/runner), which are built with Go here. To have it, outside of this repository:

  git clone https://boringssl.googlesource.com/boringssl && cd boringssl/ssl/test/runner
  git checkout e9449d4f
  go test -c -o bogo-runner . && export BOGO_RUNNER=$PWD/bogo-runner

The committed names and exceptions are those of that revision. Go is at https://go.dev/dl/.";

/// The runner as a program; nothing if this machine has none, which was then said.
pub(super) fn program() -> Option<PathBuf> {
    let Some(named) = std::env::var_os("BOGO_RUNNER").map(PathBuf::from) else {
        anstream::eprintln!("{HOW_TO}");
        return None;
    };
    if named.is_file() {
        return Some(named);
    }
    if !named.is_dir() {
        anstream::eprintln!("error: BOGO_RUNNER names {}, which is not there", named.display());
        return None;
    }
    let built = process::root().join(FOLDER).join("runner");
    let mut go = Command::new("go");
    go.args(["test", "-c", "-o"]).arg(&built).arg(".").current_dir(&named);
    anstream::println!("   {}", process::spelled(&go));
    if process::run(&mut go) == 0 {
        return Some(built);
    }
    anstream::eprintln!("error: Go cannot build the runner in {}", named.display());
    None
}

/// Builds the shim, and returns cargo's exit code.
pub(super) fn build_shim() -> u8 {
    process::run(&mut process::cargo(["build", "--quiet", "--package", "peerlab-bogo"]))
}

/// What is to be run, and how.
pub(super) struct Order {
    /// Names or patterns; all tests if there are none.
    pub(super) patterns: Vec<String>,
    pub(super) workers: u16,
    pub(super) include_disabled: bool,
    pub(super) provider: String,
}

/// What the runner and the shim wrote.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The verdict of every test that was started.
    pub(super) verdicts: BTreeMap<String, Verdict>,
    /// What the runner says about each failure.
    pub(super) failures: BTreeMap<String, String>,
    /// What the shim says of the tests of DTLS.
    pub(super) shim: ShimLog,
}

/// What the shim says of the tests of DTLS.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ShimLog {
    /// How many were started.
    pub(super) started: usize,
    /// What it does not know, and how many tests begin with asking for it.
    pub(super) unknown: BTreeMap<String, usize>,
    /// Panics, hangs and checks of its own that failed, and in how many tests.
    pub(super) broken: BTreeMap<String, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Verdict {
    #[serde(rename = "PASS")]
    Passed,
    #[serde(rename = "FAIL")]
    Failed,
    #[serde(rename = "SKIP")]
    Unimplemented,
}

/// Runs the runner, its own output in a file.
pub(super) fn run(program: &Path, order: &Order) -> Result<Outcome, String> {
    let folder = process::root().join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let [results, said, shim_log] =
        ["results.json", "runner.log", "shim.log"].map(|name| folder.join(name));
    for stale in [&results, &shim_log] {
        // What is not there need not be removed.
        let _ = fs::remove_file(stale);
    }
    let output = fs::File::create(&said).map_err(|error| format!("{}: {error}", said.display()))?;
    let mut command = Command::new(program);
    command
        .current_dir(&folder)
        .arg("-shim-path")
        .arg(shim())
        .arg("-shim-config")
        .arg(process::root().join(CONFIG))
        .arg("-json-output")
        .arg(&results)
        .args(["-allow-unimplemented", "-pipe", "-shim-extra-flags"])
        .arg(format!("-provider;{}", order.provider))
        .arg("-num-workers")
        .arg(order.workers.to_string())
        .args(order.include_disabled.then_some("-include-disabled"))
        .env("BOGO_SHIM_LOG", &shim_log)
        .stdout(output.try_clone().map_err(|error| error.to_string())?)
        .stderr(output)
        .stdin(Stdio::null());
    if !order.patterns.is_empty() {
        command.arg("-test").arg(order.patterns.join(";"));
    }
    anstream::println!("the runner's own words go to {}", said.display());
    process::run(&mut command);
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let said = read(&said)?;
    let results = read(&results).map_err(|error| format!("{error}; the runner said:\n{said}"))?;
    let mut outcome = parse(&results, &said)?;
    outcome.shim = ShimLog::parse(&fs::read_to_string(&shim_log).unwrap_or_default());
    Ok(outcome)
}

/// The program that `build_shim` made.
fn shim() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| process::root().join("target"), |it| process::root().join(it));
    target.join("debug").join("bogo-shim")
}

#[derive(Deserialize)]
struct Results {
    tests: BTreeMap<String, Test>,
}

#[derive(Deserialize)]
struct Test {
    actual: Verdict,
}

/// Reads the runner's results, and the reasons of failures out of its words.
fn parse(results: &str, said: &str) -> Result<Outcome, String> {
    let results: Results =
        serde_json::from_str(results).map_err(|error| format!("results of the runner: {error}"))?;
    let verdicts = results.tests.into_iter().map(|(name, test)| (name, test.actual)).collect();
    let mut failures: BTreeMap<String, String> = BTreeMap::new();
    let mut current: Option<&mut String> = None;
    for line in said.lines() {
        let name = line.strip_prefix("FAILED (").and_then(|rest| rest.strip_suffix(')'));
        if let Some(name) = name {
            current = Some(failures.entry(name.to_owned()).or_default());
        } else if line.starts_with("PASSED (") || line.starts_with("UNIMPLEMENTED (") {
            current = None;
        } else if let Some(text) = &mut current {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(Outcome { verdicts, failures, ..Outcome::default() })
}

impl ShimLog {
    /// A line is `unknown FLAG` for a test that was refused, `broken WHY` for one in which the shim went
    /// wrong, anything else for one that ran.
    fn parse(log: &str) -> Self {
        let mut parsed = Self::default();
        for line in log.lines() {
            parsed.started = parsed.started.saturating_add(1);
            let (counts, key) = match line.split_once(' ') {
                Some(("unknown", flag)) => (&mut parsed.unknown, flag),
                Some(("broken", why)) => (&mut parsed.broken, why),
                _ => continue,
            };
            let count = counts.entry(key.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = r#"{"version": 3, "tests": {
        "A": {"actual": "PASS", "expected": "PASS", "is_unexpected": false},
        "B": {"actual": "FAIL", "expected": "PASS", "is_unexpected": true},
        "C": {"actual": "SKIP", "expected": "SKIP", "is_unexpected": false}}}"#;

    #[test]
    fn a_failure_keeps_the_runner_s_words() {
        let said = "PASSED (A)\nFAILED (B)\nunexpected failure\ngot:\nUNIMPLEMENTED (C)\nmore\n";
        let outcome = parse(RESULTS, said).unwrap();
        let verdicts: Vec<Verdict> = outcome.verdicts.values().copied().collect();
        assert_eq!(verdicts, [Verdict::Passed, Verdict::Failed, Verdict::Unimplemented]);
        assert_eq!(outcome.failures["B"], "unexpected failure\ngot:\n");
    }

    #[test]
    fn the_shim_says_what_it_does_not_know() {
        let log = ShimLog::parse("ran\nunknown -psk\nbroken a panic\nunknown -psk\n");
        assert_eq!(log.started, 4);
        assert_eq!(log.unknown, BTreeMap::from([("-psk".to_owned(), 2)]));
        assert_eq!(log.broken, BTreeMap::from([("a panic".to_owned(), 1)]));
    }
}
