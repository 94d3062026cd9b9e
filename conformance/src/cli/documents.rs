//! `diff`, `merge` and `report`: what is done with run.json afterwards.

use std::{io::Write, path::PathBuf};

use reports::{diff::Diff, merge, model::Run};

use super::{closed, default_folder};
use crate::{
    exit::{Exit, Refusal},
    folder::{Folder, VIEWS},
    print,
};

/// What to compare.
#[derive(Debug, clap::Args)]
pub(super) struct DiffArgs {
    /// The run before.
    before: PathBuf,
    /// The run after.
    after: PathBuf,
    /// Compare this subject of the run before …
    #[arg(long, requires = "subject_after", value_name = "NAME")]
    subject_before: Option<String>,
    /// … with this one of the run after.
    #[arg(long, requires = "subject_before", value_name = "NAME")]
    subject_after: Option<String>,
    /// Write Markdown.
    #[arg(long)]
    markdown: bool,
}

pub(super) fn diff(args: &DiffArgs, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let before = load(&args.before)?;
    let after = load(&args.after)?;
    let diff = match (&args.subject_before, &args.subject_after) {
        (Some(first), Some(second)) => {
            Diff::of_subjects((&before, has(&before, first)?), (&after, has(&after, second)?))
        }
        _ => Diff::between(&before, &after),
    };
    let text = if args.markdown { diff.to_markdown() } else { diff.to_text() };
    write!(out, "{text}").map_err(closed)?;
    Ok(if diff.has_regressions() { Exit::Regression } else { Exit::Equal })
}

fn has<'a>(run: &Run, name: &'a str) -> Result<&'a str, Refusal> {
    if run.subjects.iter().any(|subject| subject.name == name) {
        return Ok(name);
    }
    let names: Vec<&str> = run.subjects.iter().map(|subject| subject.name.as_str()).collect();
    Err(Refusal::usage(format!("the run has no subject {name}; it has {}", names.join(", "))))
}

/// What to join.
#[derive(Debug, clap::Args)]
pub(super) struct MergeArgs {
    /// The run.json of every shard.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Write the joined run and its reports here [default: target/conformance/merged].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn merge(args: &MergeArgs, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let runs = args.runs.iter().map(load).collect::<Result<Vec<_>, _>>()?;
    let merged = merge::merge(runs).map_err(Refusal::data)?;
    write_views(&merged, args.out.clone().unwrap_or_else(|| default_folder("merged")), out)
}

/// What to write again.
#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// The run.json.
    run: PathBuf,
    /// Write the reports here [default: beside the run].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn report(args: &ReportArgs, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let run = load(&args.run)?;
    let beside = args.run.parent().map_or_else(PathBuf::new, PathBuf::from);
    write_views(&run, args.out.clone().unwrap_or(beside), out)
}

fn write_views(run: &Run, path: PathBuf, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let folder = Folder::open(&path)?;
    folder.write_run(run)?;
    write!(out, "{}", print::tables(run)).map_err(closed)?;
    for (name, purpose) in VIEWS {
        writeln!(out, "{purpose:<24} {}", folder.path().join(name).display()).map_err(closed)?;
    }
    Ok(Exit::Equal)
}

fn load(path: &PathBuf) -> Result<Run, Refusal> {
    Run::load(path).map_err(Refusal::data)
}
