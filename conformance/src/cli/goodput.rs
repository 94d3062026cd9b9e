//! `goodput`: what SCTP associations carry over a bottleneck, side by side.

use std::{fs, io::Write, num::NonZeroUsize, path::PathBuf, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use super::closed;
use crate::{
    exit::{Exit, Refusal},
    goodput::{self, Plan, Sheet, Stack},
};

const EXAMPLES: &str = "\
Examples:
  cargo xtask conformance goodput                                 the whole table
  cargo xtask conformance goodput --rtt 50 --loss 1 --seeds 5     one cell, five seeds
  cargo xtask conformance goodput --stack ours,dcsctp --rtt 10    two stacks at one distance";

/// What to run.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// These stacks, separated by commas; all if none is named.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = stack)]
    stack: Vec<Stack>,
    /// These round trips in milliseconds.
    #[arg(long, value_name = "MS", value_delimiter = ',', default_value = "10,50,100,200",
          value_parser = clap::value_parser!(u64).range(1..=2_000))]
    rtt: Vec<u64>,
    /// These losses in percent.
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', default_value = "0,0.1,1,3",
          value_parser = loss)]
    loss: Vec<u32>,
    /// So many seeds for each cell; the figure is their median.
    #[arg(long, value_name = "COUNT", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..=1_000))]
    seeds: u64,
    /// How long data flows, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Give every stack this receive window in bytes instead of its own.
    #[arg(long, value_name = "BYTES")]
    window: Option<u32>,
    /// On how many threads; the figures are the same.
    #[arg(short = 'j', long, value_name = "N", default_value_t = NonZeroUsize::MIN)]
    threads: NonZeroUsize,
    /// Folder for goodput.csv, goodput.json and goodput.svg; it is made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "target/goodput")]
    out: PathBuf,
}

fn stack(name: &str) -> Result<Stack, String> {
    Stack::named(name).ok_or_else(|| {
        let names: Vec<_> = Stack::all().into_iter().map(Stack::name).collect();
        format!("there are: {}", names.join(", "))
    })
}

/// A loss in percent, in thousandths of one.
fn loss(text: &str) -> Result<u32, String> {
    let percent: f64 = text.parse().map_err(|error| format!("{error}"))?;
    let all = 0..=100_000_u32;
    let found = all.into_iter().find(|&loss| (f64::from(loss) / 1_000.0 - percent).abs() < 0.0005);
    found.ok_or_else(|| "a loss is from 0 to 100 percent".to_owned())
}

pub(super) fn goodput(args: &Args, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let plan = Plan {
        stacks: if args.stack.is_empty() { Stack::all() } else { args.stack.clone() },
        rtts: args.rtt.clone(),
        losses: args.loss.clone(),
        seeds: (1..=args.seeds).collect(),
        span: Duration::from_secs(args.seconds),
        window: args.window,
        threads: args.threads,
    };
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let count = plan.stacks.len() * plan.rtts.len() * plan.losses.len() * plan.seeds.len();
    bar.set_length(u64::try_from(count).unwrap_or(u64::MAX));
    let sheet = goodput::run(&plan, &|done, cell, _| {
        bar.set_message(format!("{} at {} ms", cell.stack, cell.rtt));
        bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    });
    bar.finish_and_clear();
    write!(out, "{}", sheet.table()).map_err(closed)?;
    keep(args, &sheet)?;
    writeln!(out, "\nwritten: {}", args.out.join("goodput.{csv,json,svg}").display())
        .map_err(closed)?;
    Ok(Exit::Equal)
}

fn keep(args: &Args, sheet: &Sheet) -> Result<(), Refusal> {
    let failed = |error: std::io::Error| {
        Refusal::environment(format!("{} cannot be written ({error})", args.out.display()))
    };
    fs::create_dir_all(&args.out).map_err(failed)?;
    let json = sheet.json().map_err(Refusal::environment)?;
    fs::write(args.out.join("goodput.json"), json).map_err(failed)?;
    fs::write(args.out.join("goodput.csv"), sheet.csv()).map_err(failed)?;
    fs::write(args.out.join("goodput.svg"), sheet.svg()).map_err(failed)
}
