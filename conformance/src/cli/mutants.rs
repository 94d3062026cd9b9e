//! `mutants`: does the suite notice bugs that are there?

use std::io::Write;

use super::{
    closed, default_folder,
    run::{Options, Session},
};
use crate::{
    clock::{self, Stopwatch},
    execute::Keep,
    exit::{Exit, Refusal},
    folder::Folder,
    mutants::{self, Mutant},
    print,
    suite::Suite,
};

/// Which bugs, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Plant only the bugs with these names.
    names: Vec<String>,
    /// List the bugs and plant none.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    options: Options,
}

/// Where the list is, for errors.
const FILE: &str = "conformance/mutants.toml";

pub(super) fn mutants(suite: &Suite, args: &Args, out: &mut dyn Write) -> Result<Exit, Refusal> {
    if !args.list && !cfg!(feature = "mutant") {
        return Err(Refusal::environment(
            "this build has no planted bugs in it; run `cargo xtask conformance mutants`, which builds with --features mutant",
        ));
    }
    let all = mutants::parse(FILE, crate::MUTANTS_FILE, &suite.registry).map_err(Refusal::data)?;
    let chosen = choose(all, &args.names)?;
    if args.list {
        for mutant in &chosen {
            writeln!(out, "{:<44} {:<40} {}", mutant.name, mutant.breaks, mutant.says)
                .map_err(closed)?;
        }
        return Ok(Exit::Equal);
    }
    hunt(suite, args, &chosen, out)
}

fn choose(all: Vec<Mutant>, names: &[String]) -> Result<Vec<Mutant>, Refusal> {
    if let Some(name) = names.iter().find(|name| all.iter().all(|mutant| mutant.name != **name)) {
        return Err(Refusal::usage(format!(
            "no planted bug is called {name}; `mutants --list` shows them"
        )));
    }
    Ok(all.into_iter().filter(|m| names.is_empty() || names.contains(&m.name)).collect())
}

fn hunt(
    suite: &Suite,
    args: &Args,
    chosen: &[Mutant],
    out: &mut dyn Write,
) -> Result<Exit, Refusal> {
    // Bugs are planted in our own code: no other subject can notice them.
    let mut options = args.options.clone();
    if options.subject.is_empty() {
        options.subject = vec!["ours".to_owned()];
    }
    options.pcap = Keep::Failures;
    let (stopwatch, started) = (Stopwatch::start(), clock::now());
    let session = Session::new(suite, &options, &[])?;
    let folder =
        Folder::prepare(&options.out.clone().unwrap_or_else(|| default_folder("mutants")))?;
    let clean = session.outcomes(Some(&folder))?;
    let quiet = session.quiet;
    let found = mutants::hunt(chosen, &session.jobs, &clean, &session.plan, &|mutant| {
        if !quiet {
            let word = if mutant.killer.is_some() { "killed" } else { "SURVIVED" };
            anstream::eprintln!("{word:<8} {}", mutant.name);
        }
    });
    let mut run = session.document(&clean);
    run.run.command = run.run.command.replacen("conformance", "conformance mutants", 1);
    run.run.mutants = Some(found.clone());
    run.wall.started = started.to_string();
    run.wall.total_us = stopwatch.elapsed_us();
    folder.write_run(&run)?;
    write!(out, "{}", print::mutants(&found)).map_err(closed)?;
    writeln!(
        out,
        "{} of {} planted bugs killed ({} %)\nfor people   {}",
        found.killed(),
        found.mutants.len(),
        found.kill_percent(),
        folder.path().join("report.html").display()
    )
    .map_err(closed)?;
    let all_killed = found.killed() == found.mutants.len();
    Ok(if all_killed { Exit::Equal } else { Exit::Regression })
}
