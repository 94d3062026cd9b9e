//! `baseline`: the lists of known deviations.

use std::{io::Write, path::PathBuf};

use reports::model::{CaseResult, Run};

use super::{closed, default_folder};
use crate::{
    exit::{Exit, Refusal},
    suite::Suite,
};

/// What to do with baselines.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Rewrite the baselines from a run: keep what still holds, drop what does not, add what is new.
    Update(UpdateArgs),
}

/// From what, and why.
#[derive(Debug, clap::Args)]
pub(super) struct UpdateArgs {
    /// The run [default: target/conformance/latest/run.json].
    #[arg(long, value_name = "FILE")]
    run: Option<PathBuf>,
    /// Only these subjects, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    subject: Vec<String>,
    /// Why the new deviations are accepted. Needed if there are any.
    #[arg(long)]
    reason: Option<String>,
    /// Since when they are known [default: the version of the suite].
    #[arg(long)]
    since: Option<String>,
    /// Where the baselines are.
    #[arg(long, value_name = "DIR", default_value = "conformance/baselines")]
    into: PathBuf,
}

pub(super) fn baseline(
    suite: &Suite,
    Command::Update(args): &Command,
    out: &mut dyn Write,
) -> Result<Exit, Refusal> {
    let path = args.run.clone().unwrap_or_else(|| default_folder("latest").join("run.json"));
    let run = Run::load(&path).map_err(Refusal::data)?;
    let since = args.since.clone().unwrap_or_else(|| run.run.suite.clone());
    if !args.into.is_dir() {
        return Err(Refusal::environment(format!(
            "{}: no such directory; run in the workspace or name it with --into DIR",
            args.into.display()
        )));
    }
    for subject in suite.subjects(&args.subject)? {
        let results: Vec<&CaseResult> =
            run.results.iter().filter(|result| result.subject == subject.name()).collect();
        let before = crate::baseline::Baseline::load(subject.name(), Some(&args.into))?;
        let text = before.update(&results, args.reason.as_deref(), &since)?;
        let file = args.into.join(format!("{}.toml", subject.name()));
        std::fs::write(&file, text).map_err(|error| {
            Refusal::environment(format!(
                "{}: cannot be written ({error}); check its permissions",
                file.display()
            ))
        })?;
        writeln!(out, "{}", file.display()).map_err(closed)?;
    }
    Ok(Exit::Equal)
}
