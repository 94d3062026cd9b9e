//! `replay`: one result again, with its ladder.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use reports::model::Seed;

use super::{closed, default_folder, parse_seed};
use crate::{
    assemble, baseline,
    execute::{Executed, Job, Keep, execute},
    exit::{Exit, Refusal},
    replay::Recorded,
    select,
    suite::Suite,
};

/// What to play again.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A `case[variant]`, or the replay.json that a run has left.
    what: String,
    /// The subject.
    #[arg(long, default_value = "ours")]
    subject: String,
    /// The seed of the run.
    #[arg(long, default_value = "0", value_parser = parse_seed)]
    seed: u64,
    /// Where the run left its files, to compare with [default: target/conformance/latest].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also write the capture here, as pcapng.
    #[arg(long, value_name = "FILE")]
    capture: Option<PathBuf>,
}

pub(super) fn replay(suite: &Suite, args: &Args, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let is_file = Path::new(&args.what).extension().is_some_and(|extension| extension == "json");
    let recorded = if is_file { Some(Recorded::load(Path::new(&args.what))?) } else { None };
    let (address, subject, seed) = match &recorded {
        Some(recorded) => (&recorded.case, &recorded.subject, recorded.seed.0),
        None => (&args.what, &args.subject, args.seed),
    };
    let job = find(suite, address, subject)?;
    let recorded = match recorded {
        Some(recorded) => Some(recorded),
        None => left_behind(&job, seed, args)?,
    };
    let executed = execute(&job, &suite.registry, seed, Keep::Always);
    let again = execute(&job, &suite.registry, seed, Keep::Always);
    print(&executed, out)?;
    if let (Some(path), Some(files)) = (&args.capture, &executed.files) {
        std::fs::write(path, &files.capture).map_err(|error| {
            Refusal::environment(format!(
                "{}: cannot be written ({error}); choose another path",
                path.display()
            ))
        })?;
    }
    let same_files = executed.files == again.files || !job.subject.is_deterministic();
    if executed.result != again.result || !same_files {
        writeln!(out, "not deterministic: a second replay differs").map_err(closed)?;
        return Ok(Exit::Harness);
    }
    compare(&executed, recorded.as_ref(), out)
}

/// The one job that `address` and `subject` name.
fn find(suite: &Suite, address: &str, subject: &str) -> Result<Job<'static>, Refusal> {
    let subject = suite.subjects(&[subject.to_owned()])?;
    let bare = address.split('[').next().unwrap_or(address);
    let case = suite.cases.iter().find(|case| case.id == bare);
    let variant = case.and_then(|case| {
        (case.variants)().into_iter().find(|variant| case.address(variant) == address)
    });
    let (Some(&case), Some(variant), Some(&subject)) = (case, variant, subject.first()) else {
        select::check_filter(address, &suite.cases)?;
        return Err(Refusal::usage(format!(
            "{address} names several variants; `list --variants {bare}` shows them, replay one"
        )));
    };
    if subject.kinds().contains(&case.kind) {
        return Ok(Job { case, variant, subject });
    }
    Err(Refusal::usage(format!(
        "{} is no {}; `subjects` shows what each subject is",
        subject.name(),
        case.kind
    )))
}

/// The record that the latest run left of this job, if it was run with the same seed.
fn left_behind(job: &Job<'_>, seed: u64, args: &Args) -> Result<Option<Recorded>, Refusal> {
    let folder = args.out.clone().unwrap_or_else(|| default_folder("latest"));
    let path = folder.join(assemble::folder(job)).join("replay.json");
    if !path.is_file() {
        return Ok(None);
    }
    let recorded = Recorded::load(&path)?;
    Ok((recorded.seed == Seed(seed)).then_some(recorded))
}

fn print(executed: &Executed, out: &mut dyn Write) -> Result<(), Refusal> {
    let result = &executed.result;
    let ladder = executed.files.as_ref().map_or("", |files| files.ladder.as_str());
    let reason = result.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
    write!(
        out,
        "{ladder}\n{}  {}   subject={}{reason}\ntrace {}\n",
        result.verdict.to_string().to_uppercase(),
        result.name(),
        result.subject,
        result.trace
    )
    .map_err(closed)
}

fn compare(
    executed: &Executed,
    recorded: Option<&Recorded>,
    out: &mut dyn Write,
) -> Result<Exit, Refusal> {
    let result = &executed.result;
    let (line, exit) = match recorded {
        Some(recorded) if recorded.trace == result.trace && recorded.verdict == result.verdict => {
            ("the same as the record".to_owned(), Exit::Equal)
        }
        Some(recorded) => (
            format!(
                "differs from the record, which has {} and trace {} (suite {}, this is {})",
                recorded.verdict,
                recorded.trace,
                recorded.suite,
                env!("CARGO_PKG_VERSION")
            ),
            Exit::Regression,
        ),
        None => ("no record to compare with".to_owned(), exit_of(executed)),
    };
    writeln!(out, "{line}").map_err(closed)?;
    Ok(exit)
}

fn exit_of(executed: &Executed) -> Exit {
    match baseline::compare(executed.result.verdict, None) {
        baseline::Standing::Harness => Exit::Harness,
        baseline::Standing::Regression => Exit::Regression,
        baseline::Standing::Equal | baseline::Standing::Stale => Exit::Equal,
    }
}
