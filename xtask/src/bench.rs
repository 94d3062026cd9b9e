//! `cargo xtask bench`: run the benchmarks and put all figures in one table.

use std::{fs, path::Path, process::ExitCode};

use owo_colors::OwoColorize as _;
use serde::Deserialize;

use crate::process;

/// Where criterion leaves its estimates.
const RESULTS: &str = "target/criterion";

/// Run the benchmarks and print one table; it is also written to target/bench/report.md.
///
/// Times depend on the machine and on what else it is doing. Compare figures of one run with each other:
/// the rows of a group do the same work, in one process, one after the other.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run only benchmarks whose name contains this.
    filter: Option<String>,
    /// Measure only in the packages named here, such as `peerlab-stun`.
    #[arg(long, value_delimiter = ',')]
    package: Vec<String>,
    /// Shorter measurements: for a look, not for a claim.
    #[arg(long)]
    quick: bool,
    /// Name the benchmark programs and stop.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let programs = match programs() {
        Ok(programs) => programs,
        Err(error) => {
            anstream::eprintln!("error: cargo metadata: {error}");
            return process::exit(process::ENVIRONMENT);
        }
    };
    if arguments.list {
        programs.iter().for_each(|(package, bench)| anstream::println!("{package} {bench}"));
        return ExitCode::SUCCESS;
    }
    let before = estimates(&process::root().join(RESULTS));
    for (package, bench) in &programs {
        if !arguments.package.is_empty() && !arguments.package.contains(package) {
            continue;
        }
        let code = measure(package, bench, arguments);
        if code != 0 {
            return process::exit(code);
        }
    }
    let after = estimates(&process::root().join(RESULTS));
    report(&after.into_iter().filter(|row| !before.contains(row)).collect::<Vec<_>>())
}

fn measure(package: &str, bench: &str, arguments: &Arguments) -> u8 {
    let mut command = process::cargo(["bench", "--package", package, "--bench", bench, "--"]);
    command.args(arguments.filter.as_deref());
    if arguments.quick {
        command.args(["--warm-up-time", "0.5", "--measurement-time", "1"]);
    }
    anstream::println!("{}", process::spelled(&command).dimmed());
    process::run(&mut command)
}

/// The criterion programs of the workspace, as (package, bench).
fn programs() -> Result<Vec<(String, String)>, cargo_metadata::Error> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(process::root().join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let mut programs: Vec<(String, String)> = Vec::new();
    for package in &metadata.packages {
        for target in package.targets.iter().filter(|target| target.is_bench()) {
            programs.push((package.name.to_string(), target.name.clone()));
        }
    }
    programs.sort();
    Ok(programs)
}

/// One measured benchmark.
#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    median_ns: f64,
    low_ns: f64,
    high_ns: f64,
    throughput: Option<Throughput>,
}

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
    throughput: Option<Throughput>,
}

#[derive(Deserialize, Debug, PartialEq)]
enum Throughput {
    Bytes(u64),
    BytesDecimal(u64),
    Elements(u64),
    Bits(u64),
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: Interval,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

/// Every estimate below `directory`, in the order of their names.
fn estimates(directory: &Path) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    collect(directory, &mut rows);
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

fn collect(directory: &Path, rows: &mut Vec<Row>) {
    rows.extend(row(directory));
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), rows);
        }
    }
}

fn row(directory: &Path) -> Option<Row> {
    if directory.file_name()? != "new" {
        return None;
    }
    let read = |name: &str| fs::read_to_string(directory.join(name)).ok();
    let benchmark: Benchmark = serde_json::from_str(&read("benchmark.json")?).ok()?;
    let estimates: Estimates = serde_json::from_str(&read("estimates.json")?).ok()?;
    Some(Row {
        name: benchmark.full_id,
        median_ns: estimates.median.point_estimate,
        low_ns: estimates.median.confidence_interval.lower_bound,
        high_ns: estimates.median.confidence_interval.upper_bound,
        throughput: benchmark.throughput,
    })
}

fn report(rows: &[Row]) -> ExitCode {
    let mut text =
        String::from("| benchmark | median | 95 % interval | rate |\n|---|---|---|---|\n");
    for row in rows {
        text += &format!(
            "| {} | {} | {} – {} | {} |\n",
            row.name,
            time(row.median_ns),
            time(row.low_ns),
            time(row.high_ns),
            rate(row),
        );
    }
    let path = process::root().join("target/bench/report.md");
    let written =
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, &text));
    anstream::println!("\n{text}");
    match written {
        Ok(()) => {
            anstream::println!("written to {}", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            anstream::eprintln!("error: cannot write {}: {error}", path.display());
            process::exit(process::ENVIRONMENT)
        }
    }
}

fn time(nanos: f64) -> String {
    match nanos {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate shown with three digits")]
fn rate(row: &Row) -> String {
    let per_second = |amount: u64| amount as f64 * 1e9 / row.median_ns;
    match &row.throughput {
        None => String::new(),
        Some(Throughput::Elements(count)) => match per_second(*count) {
            few if few < 1e3 => format!("{few:.1} /s"),
            some if some < 1e6 => format!("{:.2} k/s", some / 1e3),
            many => format!("{:.2} M/s", many / 1e6),
        },
        Some(Throughput::Bits(count)) => format!("{:.2} Gbit/s", per_second(*count) / 1e9),
        Some(Throughput::Bytes(count) | Throughput::BytesDecimal(count)) => {
            format!("{:.1} MB/s", per_second(*count) / 1e6)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow() -> Row {
        Row {
            name: "simnet/call".into(),
            median_ns: 538_530.0,
            low_ns: 536_930.0,
            high_ns: 542_050.0,
            throughput: None,
        }
    }

    #[test]
    fn figures_carry_the_unit_a_person_would_choose() {
        assert_eq!(time(37.24), "37.2 ns");
        assert_eq!(time(3_724.0), "3.72 µs");
        let row = Row {
            name: "stun/parse".into(),
            median_ns: 40.0,
            low_ns: 39.0,
            high_ns: 41.0,
            throughput: Some(Throughput::Bytes(92)),
        };
        assert_eq!(rate(&row), "2300.0 MB/s");
        let elements = |count| Row { throughput: Some(Throughput::Elements(count)), ..slow() };
        assert_eq!(rate(&elements(1)), "1.86 k/s");
        assert_eq!(rate(&elements(3_752)), "6.97 M/s");
    }
}
