//! `run`: the cases, the verdicts, the reports.

use std::{collections::BTreeMap, io::Write, path::PathBuf};

use reports::model::Run;

use super::{closed, default_folder, determinism, list, parse_seed};
use crate::{
    Subject, Tier,
    assemble::{self, Asked},
    baseline::{Baseline, Standing},
    clock::{self, Stopwatch},
    execute::{Job, Keep},
    exit::{Exit, Refusal},
    folder::{Folder, VIEWS},
    print,
    progress::Progress,
    runner::{self, Done, Plan},
    select::{Selection, Shard},
    subject,
    suite::Suite,
};

/// What to do with the selected cases.
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub(super) options: Options,
    /// List what would run, and run nothing.
    #[arg(long)]
    list: bool,
    /// Run everything three times, once on another number of threads, and compare every byte.
    #[arg(long)]
    check_determinism: bool,
}

/// What to run, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Run the cases that the pattern names; may be repeated.
    #[arg(long, value_name = "GLOB")]
    pub filter: Vec<String>,
    /// Run the cases that assert something of this RFC, such as 8489.
    #[arg(long, value_name = "NUMBER")]
    pub rfc: Option<String>,
    /// With --rfc: of this section and those below it, such as 6.2.
    #[arg(long, value_name = "SECTION")]
    pub section: Option<String>,
    /// Run against these subjects only, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub subject: Vec<String>,
    /// The seed from which all chance of the run comes.
    #[arg(long, default_value = "0", value_parser = parse_seed)]
    pub seed: u64,
    /// Run every case with this many seeds, and keep its worst result.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub repeat: u64,
    /// Run one part of the whole, such as 3/8.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Balance shards by the durations in this run.json.
    #[arg(long, value_name = "FILE")]
    pub durations: Option<PathBuf>,
    /// Run cases of this tier; with a filter the default is all.
    #[arg(long)]
    pub tier: Option<TierChoice>,
    /// Which cases leave ladder, trace and capture.
    #[arg(long, value_enum, default_value_t = Keep::Failures, value_name = "WHICH")]
    pub pcap: Keep,
    /// Write the reports here [default: target/conformance/latest].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// On how many threads [default: as many as there are cores].
    #[arg(long, short = 'j', value_name = "N")]
    pub threads: Option<usize>,
    /// Show no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

/// The tiers that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TierChoice {
    /// Cases that take well under a second.
    Fast,
    /// Cases that simulate hours or thousands of variants.
    Slow,
    /// Both.
    All,
}

impl Options {
    fn tier(&self, filtered: bool) -> TierChoice {
        self.tier.unwrap_or(if filtered { TierChoice::All } else { TierChoice::Fast })
    }

    fn selection(&self, cases: &[String]) -> Selection {
        let filters: Vec<String> = self.filter.iter().chain(cases).cloned().collect();
        let tier = match self.tier(!filters.is_empty()) {
            TierChoice::Fast => Some(Tier::Fast),
            TierChoice::Slow => Some(Tier::Slow),
            TierChoice::All => None,
        };
        Selection {
            filters,
            rfc: self.rfc.clone(),
            section: self.section.clone(),
            tier,
            shard: self.shard,
        }
    }

    /// The command that asks for the same results, wherever and on however many threads.
    fn command(&self, selection: &Selection) -> String {
        let mut command = String::from("cargo xtask conformance");
        let mut add = |option: &str, value: &str| command.push_str(&format!(" {option} {value}"));
        for filter in &selection.filters {
            add("--filter", &format!("'{filter}'"));
        }
        let subjects = (!self.subject.is_empty()).then(|| self.subject.join(","));
        let options = [
            ("--rfc", self.rfc.clone()),
            ("--section", self.section.clone()),
            ("--subject", subjects),
            ("--seed", (self.seed != 0).then(|| format!("{:#x}", self.seed))),
            ("--repeat", (self.repeat != 1).then(|| self.repeat.to_string())),
            ("--tier", self.tier.map(|tier| format!("{tier:?}").to_lowercase())),
            (
                "--pcap",
                (self.pcap != Keep::Failures).then(|| format!("{:?}", self.pcap).to_lowercase()),
            ),
            ("--shard", self.shard.map(|shard| shard.to_string())),
        ];
        for (option, value) in options {
            if let Some(value) = value {
                add(option, &value);
            }
        }
        command
    }

    fn durations(&self) -> Result<BTreeMap<String, u64>, Refusal> {
        let Some(path) = &self.durations else { return Ok(BTreeMap::new()) };
        Ok(Run::load(path).map_err(Refusal::data)?.wall.durations_us)
    }
}

/// The selected jobs with all that running and reporting them takes.
pub(super) struct Session<'a> {
    pub(super) suite: &'a Suite,
    pub(super) subjects: Vec<(&'static dyn Subject, Baseline)>,
    pub(super) jobs: Vec<Job<'static>>,
    pub(super) plan: Plan<'a>,
    pub(super) asked: Asked,
    pub(super) quiet: bool,
}

impl<'a> Session<'a> {
    /// Selects what `args` ask for.
    pub(super) fn new(suite: &'a Suite, args: &Options, cases: &[String]) -> Result<Self, Refusal> {
        let selection = args.selection(cases);
        let chosen = suite.subjects(&args.subject)?;
        let jobs = selection.jobs(&suite.cases, &chosen, &suite.registry, &args.durations()?)?;
        if jobs.is_empty() && args.shard.is_none() {
            return Err(Refusal::usage(
                "nothing to run: no case of this selection and tier fits these subjects; try --tier all, or `list`",
            ));
        }
        let subjects = chosen
            .into_iter()
            .map(|subject| Ok((subject, suite.baseline(subject)?)))
            .collect::<Result<_, Refusal>>()?;
        let asked = Asked {
            command: args.command(&selection),
            seed: args.seed,
            tier: format!("{:?}", args.tier(!selection.filters.is_empty())).to_lowercase(),
            filter: (!selection.filters.is_empty()).then(|| selection.filters.join(" ")),
            shard: args.shard.map(|shard| shard.to_string()),
        };
        let plan = Plan {
            registry: &suite.registry,
            seed: args.seed,
            repeat: args.repeat,
            threads: args.threads.unwrap_or_else(runner::default_threads),
            keep: args.pcap,
            mutant: None,
        };
        Ok(Self { suite, subjects, jobs, plan, asked, quiet: args.quiet })
    }

    /// Runs the jobs once, writing recordings to `folder` as they come.
    pub(super) fn outcomes(&self, folder: Option<&Folder>) -> Result<Vec<Option<Done>>, Refusal> {
        let mut progress = Progress::new(self.jobs.len(), self.quiet);
        let mut trouble = None;
        let outcomes = runner::run(&self.jobs, &self.plan, |index, done| {
            let Some(job) = self.jobs.get(index) else { return false };
            if let Some(Err(refusal)) = folder.map(|f| f.write_case(job, done, self.plan.seed)) {
                trouble = Some(refusal);
                return false;
            }
            progress.done(&job.key(), done.executed.result.verdict);
            true
        });
        progress.finish();
        trouble.map_or(Ok(outcomes), Err)
    }

    /// The document of these outcomes.
    pub(super) fn document(&self, outcomes: &[Option<Done>]) -> Run {
        let subjects: Vec<(&dyn Subject, Baseline)> = self
            .subjects
            .iter()
            .map(|(s, baseline)| (*s as &dyn Subject, baseline.clone()))
            .collect();
        assemble::assemble(
            self.asked.clone(),
            &self.suite.registry,
            &subjects,
            &self.jobs,
            outcomes,
        )
    }
}

/// Unexpected results that are printed in full; the report has them all.
const PRINTED: usize = 20;

/// Runs what `args` ask for.
pub(super) fn run(
    suite: &Suite,
    args: &RunArgs,
    cases: &[String],
    out: &mut dyn Write,
) -> Result<Exit, Refusal> {
    let session = Session::new(suite, &args.options, cases)?;
    if args.list {
        return list::jobs(&session.jobs, out);
    }
    if args.check_determinism {
        return determinism::check(session, out);
    }
    let (stopwatch, started) = (Stopwatch::start(), clock::now());
    let folder =
        Folder::prepare(&args.options.out.clone().unwrap_or_else(|| default_folder("latest")))?;
    let outcomes = session.outcomes(Some(&folder))?;
    let mut run = session.document(&outcomes);
    run.wall.started = started.to_string();
    run.wall.total_us = stopwatch.elapsed_us();
    folder.write_run(&run)?;
    let mut exit = report(&session, &run, &folder, out).map_err(closed)?;
    exit = exit.max_by_gravity(adapters(&session, out)?);
    exit = exit.max_by_gravity(stale_entries(&session, out)?);
    let counts = session.jobs.len();
    let seconds = stopwatch.elapsed().as_secs_f64();
    writeln!(out, "{counts} results in {seconds:.1} s: {}", exit.says()).map_err(closed)?;
    Ok(exit)
}

/// Prints failures, tables and files, and says how the results stand to the baseline.
fn report(
    session: &Session<'_>,
    run: &Run,
    folder: &Folder,
    out: &mut dyn Write,
) -> std::io::Result<Exit> {
    let unexpected = print::unexpected(run);
    let mut exit = Exit::Equal;
    for (index, (result, standing)) in unexpected.iter().enumerate() {
        exit = exit.max_by_gravity(exit_of(*standing));
        if index >= PRINTED {
            continue;
        }
        let job = session.jobs.iter().find(|job| job.key() == result.key());
        let files = job.map(|job| folder.path().join(assemble::folder(job)).display().to_string());
        match standing {
            Standing::Stale => {
                let known = result.known.as_ref().map(|known| known.verdict.as_str());
                writeln!(
                    out,
                    "STALE  {}   subject={}\n      the baseline expects {}, and it is {}: `baseline update` corrects the line\n",
                    result.name(),
                    result.subject,
                    known.unwrap_or("nothing"),
                    result.verdict
                )?;
            }
            _ => writeln!(out, "{}", print::failure(run, result, &files.unwrap_or_default()))?,
        }
    }
    if let Some(rest) = unexpected.len().checked_sub(PRINTED).filter(|&rest| rest > 0) {
        writeln!(out, "… and {rest} more, in the report\n")?;
    }
    write!(out, "{}", print::tables(run))?;
    for (name, purpose) in VIEWS {
        let path = folder.path().join(name);
        if path.is_file() {
            writeln!(out, "{:<24} {}", purpose, path.display())?;
        }
    }
    Ok(exit)
}

const fn exit_of(standing: Standing) -> Exit {
    match standing {
        Standing::Equal => Exit::Equal,
        Standing::Regression => Exit::Regression,
        Standing::Stale => Exit::Stale,
        Standing::Harness => Exit::Harness,
    }
}

/// Adapters that contradict themselves are the suite's own fault.
fn adapters(session: &Session<'_>, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let mut exit = Exit::Equal;
    for (subject, _) in &session.subjects {
        for fault in subject::self_check(*subject) {
            writeln!(out, "adapter of {}: {fault}", subject.name()).map_err(closed)?;
            exit = Exit::Harness;
        }
    }
    Ok(exit)
}

/// Lines of a baseline that fit no case are as wrong as those that fit a result badly.
fn stale_entries(session: &Session<'_>, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let mut exit = Exit::Equal;
    for (_, baseline) in &session.subjects {
        for entry in baseline.unmatched(&session.suite.cases) {
            writeln!(
                out,
                "{}:{}: no case is called {}; correct the pattern or remove the entry",
                baseline.file, entry.line, entry.case
            )
            .map_err(closed)?;
            exit = Exit::Stale;
        }
    }
    Ok(exit)
}
