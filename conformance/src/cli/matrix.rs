//! `matrix`: our ICE agent and those of others behind every pair of NATs, side by side.

use std::{io::Write, num::NonZeroUsize};

use lab::matrix::{self, Contender, Family, Figures, Help, Plan, Spread};

use super::{closed, parse_seed};
use crate::{
    exit::{Exit, Refusal},
    subjects::endpoint,
    suite::Suite,
};

/// NATs that differ in what matters to ICE.
const USUAL: [&str; 6] = [
    "classic-full-cone",
    "classic-restricted-cone",
    "classic-port-restricted-cone",
    "classic-symmetric",
    "linux-masquerade",
    "cgn-rfc6888",
];

/// What to run.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Presets of NATs; a usual choice if none is named.
    #[arg(value_name = "PRESET")]
    presets: Vec<String>,
    /// These subjects beside our own, separated by commas; all with an ICE agent if none is named.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    subject: Vec<String>,
    /// The seed of all worlds.
    #[arg(long, value_parser = parse_seed, default_value = "1")]
    seed: u64,
    /// On how many threads.
    #[arg(short = 'j', long, value_name = "N", default_value_t = NonZeroUsize::MIN)]
    threads: NonZeroUsize,
}

pub(super) fn matrix(suite: &Suite, args: &Args, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let names: Vec<&str> = match args.presets.is_empty() {
        true => USUAL.to_vec(),
        false => args.presets.iter().map(String::as_str).collect(),
    };
    let nats = matrix::entries(names).map_err(|error| Refusal::usage(error.to_string()))?;
    let plan = Plan {
        nats,
        families: vec![Family::Ipv4],
        helps: vec![Help::Stun],
        seed: args.seed,
        threads: args.threads,
    };
    writeln!(
        out,
        "Every NAT with every NAT over IPv4 with a STUN server; times in round trips between the peers.\n\
         {:<13} {:>6} {:>8} {:>7} {:>7} {:>7} {:>8}",
        "agent", "pairs", "connect", "median", "p95", "most", "packets"
    )
    .map_err(closed)?;
    let mut contenders = vec![Contender::default()];
    for subject in suite.subjects(&args.subject)? {
        if subject.name() != "ours"
            && let Some(factory) = endpoint::factory(subject)
        {
            let name = format!("{} {}", subject.name(), subject.version());
            contenders.push(Contender { name, factory: Some(factory) });
        }
    }
    for contender in contenders {
        let done = matrix::run_with(&plan, &contender, &|_| {});
        for sheet in &done.sheets {
            let line = row(&contender.name, &sheet.figures());
            writeln!(out, "{line}").map_err(closed)?;
        }
    }
    Ok(Exit::Equal)
}

fn row(name: &str, figures: &Figures) -> String {
    let connected = figures.direct + figures.relayed;
    let time = |pick: fn(&Spread) -> u64| {
        figures.micros.as_ref().map_or_else(
            || "–".to_owned(),
            |spread| format!("{:.2}", Spread::round_trips(pick(spread))),
        )
    };
    let packets =
        figures.packets.as_ref().map_or_else(|| "–".to_owned(), |spread| spread.median.to_string());
    format!(
        "{name:<13} {:>6} {connected:>8} {:>7} {:>7} {:>7} {packets:>8}",
        figures.pairs,
        time(|spread| spread.median),
        time(|spread| spread.p95),
        time(|spread| spread.most),
    )
}
