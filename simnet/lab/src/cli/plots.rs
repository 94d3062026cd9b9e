//! What queues do under load.

use std::{fmt::Write as _, fs};

use lab::plots::{self, Draw, Plot};

use super::{Done, arguments::Plots, failure::Failure, run::bar};

/// Draws plots.
pub(crate) fn plots(arguments: &Plots) -> Result<Done, Failure> {
    let wanted = chosen(&arguments.names)?;
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    }
    let bar = bar(wanted.len() as u64, "plots");
    let mut text = String::new();
    for draw in wanted {
        let plot = draw();
        tell(&plot, &mut text);
        if let Some(folder) = &arguments.out {
            let path = folder.join(format!("{}.svg", plot.name));
            fs::write(&path, &plot.svg).map_err(|error| Failure::unwritable(&path, &error))?;
            let _ = writeln!(text, "  left in {}", path.display());
        }
        text.push('\n');
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(Done::well(text))
}

fn chosen(names: &[String]) -> Result<Vec<Draw>, Failure> {
    if names.is_empty() {
        return Ok(plots::ALL.iter().map(|(_, draw)| *draw).collect());
    }
    let find = |name: &String| {
        let plot = plots::ALL.iter().find(|(known, _)| known == name);
        plot.map(|(_, draw)| *draw).ok_or_else(|| {
            let known: Vec<_> = plots::ALL.iter().map(|(known, _)| *known).collect();
            Failure::usage(format!("there is no plot `{name}`, but {}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}

fn tell(plot: &Plot, text: &mut String) {
    let _ = writeln!(text, "{}: {}", plot.name, plot.title);
    let width = plot.curves.iter().map(|curve| curve.name.chars().count()).max().unwrap_or(0);
    for curve in &plot.curves {
        let _ = writeln!(
            text,
            "  {:width$}  mean {:7.2} ms  p95 {:7.2} ms  p99 {:7.2} ms  {:6.2} Mbit/s  {} dropped",
            curve.name,
            curve.mean,
            curve.p95,
            curve.p99,
            curve.rate / 1e6,
            curve.dropped
        );
    }
}
