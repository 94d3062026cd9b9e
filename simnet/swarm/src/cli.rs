//! What can be asked for, and what it leaves.

use std::{
    fs, io,
    io::Write as _,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use swarm::{
    Known, Outcome, Record, World, differing, draw_one, fairness, run, shrink, tell, worlds,
};

/// Thousands of random worlds, each of which keeps its promises.
///
/// A world is drawn from its seed: boxes, links, servers, peers, and faults that happen to them. It lives
/// on virtual time, first through its faults and then healed, and is judged by promises that hold in every
/// world. What comes of a seed depends on the seed alone: the same on every machine, on any number of
/// threads.
#[derive(Parser)]
#[command(
    name = "peerlab-swarm",
    bin_name = "cargo xtask sim",
    version,
    max_term_width = 100,
    after_help = "Start with:\n  \
        cargo xtask sim                            two hundred worlds\n  \
        cargo xtask sim --seeds 20000 ice          many more\n  \
        cargo xtask sim --seed 0x2a ice            one of them, packet by packet\n  \
        cargo xtask sim --table dtls               what handshakes cost, with and without loss\n  \
        cargo xtask sim --table fairness           how associations share a bottleneck with TCP\n  \
        cargo xtask sim --list                     what kinds of worlds there are\n\n\
        Exit codes: 0 every promise was kept but those on the record of known failures, 1 one was broken, \
        2 the record is out of date, 4 the machine lacks something, 64 wrong usage."
)]
struct Arguments {
    /// The kind of world; `--list` names them.
    #[arg(value_name = "WORLD", default_value = "ice")]
    world: String,
    /// How many worlds.
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    seeds: u64,
    /// The first seed; the others follow it.
    #[arg(long, value_name = "SEED", default_value = "0x1", value_parser = seed)]
    from: u64,
    /// Look at this world alone: its words, its figures, and files with every packet.
    #[arg(long, value_name = "SEED", value_parser = seed, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Leave this out of the world, as a shrunk failure says.
    #[arg(long, value_name = "PART", value_delimiter = ',', requires = "seed")]
    without: Vec<String>,
    /// Threads; the result is the same for any number.
    #[arg(long, value_name = "COUNT", default_value_t = cores())]
    threads: NonZeroUsize,
    /// Folder for records and drawings; it is made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "target/sim")]
    out: PathBuf,
    /// How many failures are shrunk, drawn and told in full.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    told: usize,
    /// Print the table of this kind of world, what things cost in chosen ones, and stop. There is one
    /// that belongs to no kind: `fairness`.
    #[arg(long, conflicts_with_all = ["seed", "seeds", "from"])]
    table: bool,
    /// Round trips in milliseconds of the table of fairness.
    #[arg(long, value_name = "MS", value_delimiter = ',', default_value = "50", requires = "table",
          value_parser = clap::value_parser!(u64).range(1..=2_000))]
    rtt: Vec<u64>,
    /// Name the kinds of worlds and stop.
    #[arg(long)]
    list: bool,
}

/// Why there is no answer.
struct Failure {
    code: u8,
    says: String,
}

/// Exit code when a promise was broken.
const REGRESSION: u8 = 1;
/// Exit code when a promise was kept that the record of known failures says is broken.
const OUT_OF_DATE: u8 = 2;
/// Exit code when the machine lacks something.
const ENVIRONMENT: u8 = 4;
/// Exit code for wrong usage.
const USAGE: u8 = 64;
/// One world in so many is run a second time, on another number of threads.
const SAMPLE: usize = 100;

pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let wrong = error.use_stderr();
            // Nobody is left to be told when standard error is closed.
            let _ = error.print();
            return if wrong { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match perform(&arguments).and_then(|(text, code)| print(&text).map(|()| code)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("error: {}", failure.says);
            ExitCode::from(failure.code)
        }
    }
}

/// The answer, and the exit code.
fn perform(arguments: &Arguments) -> Result<(String, u8), Failure> {
    let all = worlds();
    if arguments.list {
        let lines = all.iter().map(|it| format!("{:8} {}\n", it.name(), it.about()));
        return Ok((lines.collect(), 0));
    }
    if arguments.table && arguments.world == "fairness" {
        return fair(arguments);
    }
    let Some(world) = all.iter().find(|it| it.name() == arguments.world) else {
        let names: Vec<_> = all.iter().map(|it| it.name()).collect();
        let says = format!("no world `{}`; there are: {}", arguments.world, names.join(", "));
        return Err(Failure { code: USAGE, says });
    };
    if arguments.table {
        let says = format!("worlds of `{}` have no table", world.name());
        return world.table().map(|text| (text, 0)).ok_or(Failure { code: USAGE, says });
    }
    match arguments.seed {
        Some(seed) => one(arguments, world.as_ref(), seed),
        None => many(arguments, world.as_ref()),
    }
}

/// How associations share a bottleneck; the figures are left as CSV and as a drawing, too.
fn fair(arguments: &Arguments) -> Result<(String, u8), Failure> {
    let plan = fairness::Plan::at(&arguments.rtt, arguments.threads);
    let bar = bar(plan.meetings.len() as u64);
    let sheet = fairness::run(&plan, &|done| bar.set_position(done as u64));
    bar.finish_and_clear();
    write(&arguments.out.join("fairness.csv"), sheet.csv().as_bytes())?;
    write(&arguments.out.join("fairness.svg"), sheet.svg().as_bytes())?;
    let left = arguments.out.join("fairness.{csv,svg}");
    Ok((format!("{}\nleft in {}\n", sheet.table(), left.display()), 0))
}

/// One world, packet by packet.
fn one(arguments: &Arguments, world: &dyn World, seed: u64) -> Result<(String, u8), Failure> {
    if let Some(unknown) = unknown_cut(world, seed, &arguments.without) {
        let says = format!("there is no `{unknown}` to leave out of {seed:#x}");
        return Err(Failure { code: USAGE, says });
    }
    let record = swarm::run_one(world, seed, &arguments.without);
    let mut text = tell::one(world, &record, &arguments.without);
    let left = keep(&arguments.out, world, seed, &arguments.without)?;
    text.push_str(&format!("  drawn in {}\n", left.display()));
    Ok((text, if record.outcome == Outcome::Failed { REGRESSION } else { 0 }))
}

/// The first part that is to be left out and is not there.
fn unknown_cut(world: &dyn World, seed: u64, cuts: &[String]) -> Option<String> {
    let mut done: Vec<String> = Vec::new();
    for cut in cuts {
        if !world.cuts(seed, &done).contains(cut) {
            return Some(cut.clone());
        }
        done.push(cut.clone());
    }
    None
}

/// A whole swarm. What is on the record of known failures is counted, not told.
fn many(arguments: &Arguments, world: &dyn World) -> Result<(String, u8), Failure> {
    let known = Known::parse(world.known()).map_err(|line| Failure {
        code: ENVIRONMENT,
        says: format!("the record of known failures has no such line: {line}"),
    })?;
    let seeds: Vec<u64> = (0..arguments.seeds).map(|n| arguments.from.wrapping_add(n)).collect();
    let bar = bar(seeds.len() as u64);
    let records = run(world, &seeds, arguments.threads, &|done, record| {
        bar.set_position(done as u64);
        if known.is_new(record) {
            bar.println(format!("seed {:#x} FAILED: {}", record.seed, first(record)));
        }
    });
    bar.finish_and_clear();
    let path = arguments.out.join(format!("{}.jsonl", world.name()));
    write_lines(&path, &records)?;
    let list = arguments.out.join(format!("{}-known.txt", world.name()));
    write(&list, Known::text(&records).as_bytes())?;
    let mut text = tell::summary(&records);
    let failed: Vec<&Record> = records.iter().filter(|it| known.is_new(it)).collect();
    for record in failed.iter().take(arguments.told) {
        let shrunk = shrink(world, record);
        text.push('\n');
        text.push_str(&tell::failure(world, record, Some(&shrunk)));
        let left = keep(&arguments.out, world, record.seed, &shrunk.cuts)?;
        text.push_str(&format!("  drawn in {}\n", left.display()));
    }
    let unlike = again(arguments, world, &records);
    text.push_str(&ending(&records, &failed, &unlike, &path));
    let kept = tell::known(&known, &records);
    text.push_str(&kept.text);
    let code = match (failed.is_empty() && unlike.is_empty(), kept.out_of_date) {
        (false, _) => REGRESSION,
        (true, true) => OUT_OF_DATE,
        (true, false) => 0,
    };
    Ok((text, code))
}

/// Runs a sample of the worlds again on another number of threads, and names those that differ.
fn again(arguments: &Arguments, world: &dyn World, records: &[Record]) -> Vec<u64> {
    let seeds: Vec<u64> = records.iter().step_by(SAMPLE).map(|record| record.seed).collect();
    let other = if arguments.threads.get() == 1 { 2 } else { 1 };
    let threads = NonZeroUsize::new(other).unwrap_or(NonZeroUsize::MIN);
    differing(&run(world, &seeds, threads, &|_, _| ()), records)
}

fn ending(records: &[Record], failed: &[&Record], unlike: &[u64], path: &Path) -> String {
    let sampled = records.len().div_ceil(SAMPLE);
    let mut text = format!(
        "\n{} worlds, {} failed that are not on the record; {sampled} run twice, on another number of threads: {}\n",
        records.len(),
        failed.len(),
        if unlike.is_empty() { "all the same".to_owned() } else { format!("differ: {unlike:x?}") },
    );
    if failed.len() > 1 {
        let seeds: Vec<_> = failed.iter().map(|it| format!("{:#x}", it.seed)).collect();
        text.push_str(&format!("failed seeds: {}\n", seeds.join(" ")));
    }
    text.push_str(&format!("records in {}\n", path.display()));
    text
}

fn first(record: &Record) -> String {
    record.broken.first().map(ToString::to_string).unwrap_or_default()
}

/// Leaves what can be drawn of a world in a folder of its own.
fn keep(out: &Path, world: &dyn World, seed: u64, cuts: &[String]) -> Result<PathBuf, Failure> {
    let folder = out.join(format!("{}-{seed:#x}", world.name()));
    let drawn = match draw_one(world, seed, cuts) {
        Ok(drawn) => drawn,
        // The record says so too; the report goes on.
        Err(panic) => {
            write(&folder.join("panic.txt"), format!("{panic}\n").as_bytes())?;
            return Ok(folder);
        }
    };
    for (name, text) in &drawn.files {
        write(&folder.join(name), text.as_bytes())?;
    }
    Ok(folder)
}

fn write_lines(path: &Path, records: &[Record]) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for record in records {
        // A record is made of texts and numbers.
        let _ = serde_json::to_writer(&mut lines, record);
        lines.push(b'\n');
    }
    write(path, &lines)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes)).map_err(|error| Failure {
        code: ENVIRONMENT,
        says: format!("cannot write {}: {error}", path.display()),
    })
}

/// Writes the text; a reader who has gone away has read enough.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure { code: ENVIRONMENT, says: format!("cannot write the answer: {error}") })
        }
        _ => Ok(()),
    }
}

fn bar(length: u64) -> ProgressBar {
    let template = "{bar:40} {pos}/{len} worlds, {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template);
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A seed, decimal or hexadecimal.
fn seed(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x");
    let number = digits.map_or_else(|| text.parse(), |digits| u64::from_str_radix(digits, 16));
    number.map_err(|_| "a seed is a number such as 42 or 0x2a".to_owned())
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
