//! What can be asked for.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use lab::{
    artefacts::Kind,
    matrix::{Family, Help},
};

/// A network laboratory on virtual time: scenarios in, packets explained out.
///
/// A scenario is a TOML file with LANs, NATs, links, hosts and what is expected. A run of it depends on
/// the file and its seed alone: the same two give the same packets, to the bit, on every machine.
#[derive(Parser)]
#[command(
    name = "peerlab-lab",
    bin_name = "cargo xtask lab",
    version,
    max_term_width = 100,
    after_help = "Start with:\n  \
        cargo xtask lab explain linux-masquerade   what a NAT does, and what that means\n  \
        cargo xtask lab matrix                     which NATs let two peers meet\n  \
        cargo xtask lab lessons                    what there is to learn\n  \
        cargo xtask lab run FILE --out DIR         run a scenario, with pictures of it\n\n\
        Exit codes: 0 as expected, 1 an expectation did not hold, 3 a fault of the laboratory, 4 the \
        machine lacks something, 64 wrong usage, 65 a broken scenario."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Run(Run),
    Replay(Replay),
    Shrink(Shrink),
    Check(Check),
    Matrix(Matrix),
    Presets(Presets),
    Explain(Explain),
    Lessons(Lessons),
    Lesson(Lesson),
    Plots(Plots),
}

/// Run a scenario and say what came of it.
///
/// Prints a verdict for every expectation, what the participants tell, and where all packets went. With
/// `--out` it leaves files to look at: start with `run.html`.
#[derive(Args)]
#[command(after_long_help = "Examples:\n  \
    cargo xtask lab run punch.toml                       verdicts only\n  \
    cargo xtask lab run punch.toml --ladder              and every packet, as text\n  \
    cargo xtask lab run punch.toml --out out/punch       and every file there is\n  \
    cargo xtask lab run punch.toml --out out --only html --only pcap\n  \
    cargo xtask lab run punch.toml --seed 8 --repeat     twice, which must be the same\n  \
    cargo xtask lab run punch.toml --seeds 100           a hundred seeds, one line each")]
pub(crate) struct Run {
    /// The scenario.
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenario: PathBuf,
    /// Seed to use instead of that in the file.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Run with this many seeds, from the first on, and print a line for each.
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["out", "ladder", "bindings", "repeat"])]
    pub(crate) seeds: Option<u64>,
    /// Folder for files about the run; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Kinds of files to leave; all if none is named.
    #[arg(long, value_name = "KIND", requires = "out")]
    pub(crate) only: Vec<Kind>,
    /// Print every packet as an arrow.
    #[arg(long)]
    pub(crate) ladder: bool,
    /// Print what NATs remembered.
    #[arg(long)]
    pub(crate) bindings: bool,
    /// Print the outcome as JSON.
    #[arg(long, conflicts_with_all = ["ladder", "bindings", "seeds"])]
    pub(crate) json: bool,
    /// Run twice and compare the hashes over everything that happened.
    #[arg(long)]
    pub(crate) repeat: bool,
}

/// Run again what `run --out` left in a folder, and compare.
///
/// Reads `scenario.toml` and `hash`; a difference means that the laboratory has changed, or is not
/// deterministic.
#[derive(Args)]
#[command(after_long_help = "Example:\n  cargo xtask lab replay out/punch")]
pub(crate) struct Replay {
    /// The folder.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// Make a scenario that fails small: what is left is what the failure needs.
///
/// Takes hosts, boxes, links, events and parameters away as long as the same expectations still fail,
/// and prints the smallest scenario that does. A scenario whose expectations all hold cannot be shrunk.
#[derive(Args)]
#[command(after_long_help = "Examples:\n  \
    cargo xtask lab shrink broken.toml > small.toml\n  \
    cargo xtask lab shrink broken.toml --seed 41 --out out/small")]
pub(crate) struct Shrink {
    /// The scenario.
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenario: PathBuf,
    /// Seed to use instead of that in the file.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Folder for the files of the smallest run.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Say whether a scenario is right, without running it.
///
/// Names every mistake with its line and what to do about it.
#[derive(Args)]
#[command(after_long_help = "Example:\n  cargo xtask lab check punch.toml")]
pub(crate) struct Check {
    /// The scenarios.
    #[arg(value_name = "SCENARIO", required = true)]
    pub(crate) scenarios: Vec<PathBuf>,
}

/// Let a peer behind every NAT meet a peer behind every NAT.
///
/// Each pair is a world of its own: two homes with links of 50 ms, a server that helps, and signalling that
/// takes as long as packets. A grid for each family of addresses and kind of server says by which candidates
/// they connected, and where that is not what simple rules on mapping and filtering predict.
#[derive(Args)]
#[command(after_long_help = "Examples:\n  \
    cargo xtask lab matrix                              all NAT presets\n  \
    cargo xtask lab matrix linux-masquerade classic-symmetric\n  \
    cargo xtask lab matrix --family ipv4 --with stun    one grid of nine\n  \
    cargo xtask lab matrix --summary --strict           figures only; fails if a rule is wrong\n  \
    cargo xtask lab matrix --out out/matrix             a page, heat maps, JSON and CSV")]
pub(crate) struct Matrix {
    /// NAT presets; all if none is named.
    #[arg(value_name = "PRESET")]
    pub(crate) presets: Vec<String>,
    /// Seed of all worlds.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Threads; the result does not depend on them.
    #[arg(long, value_name = "COUNT", default_value_t = NonZeroUsize::MIN.saturating_add(1))]
    pub(crate) threads: NonZeroUsize,
    /// Families of addresses; all if none is named.
    #[arg(long, value_name = "FAMILY", value_parser = family)]
    pub(crate) family: Vec<Family>,
    /// Servers that help: `stun`, `turn-udp`, `turn-tcp`; all if none is named.
    #[arg(long = "with", value_name = "SERVER", value_parser = help)]
    pub(crate) help: Vec<Help>,
    /// Print JSON instead of text.
    #[arg(long, conflicts_with = "summary")]
    pub(crate) json: bool,
    /// Print a line for each family and server, without the grids.
    #[arg(long)]
    pub(crate) summary: bool,
    /// Folder for `matrix.html`, `matrix.json`, `matrix.csv` and the heat maps; it is made if it is not
    /// there.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Fail if a pair is not what the rules predict.
    #[arg(long)]
    pub(crate) strict: bool,
}

fn family(text: &str) -> Result<Family, String> {
    let known = Family::ALL.into_iter().find(|family| family.name() == text);
    known.ok_or_else(|| "the families are ipv4, ipv6, dual".to_owned())
}

fn help(text: &str) -> Result<Help, String> {
    let known = Help::ALL.into_iter().find(|help| help.name() == text);
    known.ok_or_else(|| "the servers are stun, turn-udp, turn-tcp".to_owned())
}

/// List the presets, each with how well it is known.
#[derive(Args)]
#[command(after_long_help = "Examples:\n  \
    cargo xtask lab presets\n  \
    cargo xtask lab presets --kind nat\n  \
    cargo xtask lab presets --kind link --json")]
pub(crate) struct Presets {
    /// Only those of a kind.
    #[arg(long, value_name = "nat|firewall|link")]
    pub(crate) kind: Option<String>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Say in plain words what a NAT does, and what that means for two peers.
///
/// Mapping, filtering, ports, timers, hairpinning; the source of the figures; a walk through behaviour
/// discovery (RFC 5780) as a ladder; and which other presets it can punch a hole to.
#[derive(Args)]
#[command(after_long_help = "Examples:\n  \
    cargo xtask lab explain classic-symmetric\n  \
    cargo xtask lab explain linux-masquerade-bare --out out/bare\n  \
    cargo xtask lab explain cgn-rfc6888 --short")]
pub(crate) struct Explain {
    /// The NAT preset; `presets --kind nat` lists them.
    #[arg(value_name = "PRESET")]
    pub(crate) preset: String,
    /// Without the walk through behaviour discovery.
    #[arg(long)]
    pub(crate) short: bool,
    /// Folder for `walk.html` and `walk.svg`.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// List the lessons: scenarios with a page of explanation each.
#[derive(Args)]
pub(crate) struct Lessons {}

/// Read a lesson and run its scenarios.
///
/// Prints the page, and what came of each scenario. The files are in `simnet/lessons`: copy one, change
/// it, and `run` it.
#[derive(Args)]
#[command(after_long_help = "Examples:\n  \
    cargo xtask lab lesson inbound-first\n  \
    cargo xtask lab lesson 3 --ladder            with every packet\n  \
    cargo xtask lab lesson 3 --out out/3         with pictures: out/3/scenario/run.html")]
pub(crate) struct Lesson {
    /// Its name, with or without its number, or its number.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Print every packet as an arrow.
    #[arg(long)]
    pub(crate) ladder: bool,
    /// Folder for the files of the runs, one folder in it for each scenario.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Draw what queue disciplines do under the loads of their RFCs.
///
/// Runs CoDel, FQ-CoDel, PIE and DualPI2 beside a plain queue, prints how long packets waited, and leaves
/// an SVG of each.
#[derive(Args)]
#[command(after_long_help = "Examples:\n  \
    cargo xtask lab plots                   the figures\n  \
    cargo xtask lab plots codel --out out   one of them, with out/codel.svg")]
pub(crate) struct Plots {
    /// Which; all if none is named.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Folder for the drawings.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
