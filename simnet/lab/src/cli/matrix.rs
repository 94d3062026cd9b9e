//! Every NAT against every NAT.

use std::{fs, path::Path};

use lab::{
    matrix::{self, Colours, Family, Help, Plan, entries, heat_map},
    presets,
};

use super::{Done, arguments::Matrix, failure::Failure, run::bar};

/// Runs the matrix.
pub(crate) fn matrix(arguments: &Matrix) -> Result<Done, Failure> {
    let known = presets::all("nat");
    let nats = if arguments.presets.is_empty() {
        entries(known.iter().map(|preset| preset.name))?
    } else {
        entries(arguments.presets.iter().map(String::as_str))?
    };
    let families = or_all(&arguments.family, &Family::ALL);
    let helps = or_all(&arguments.help, &Help::ALL);
    let cells = nats.len() * nats.len() * families.len() * helps.len();
    let (seed, threads) = (arguments.seed, arguments.threads);
    let plan = Plan { nats, families, helps, seed, threads };
    let bar = bar(cells as u64, "pairs");
    let done = matrix::run(&plan, &|count| bar.set_position(count as u64));
    bar.finish_and_clear();
    if let Some(folder) = &arguments.out {
        leave(&done, folder)?;
    }
    let as_expected = !arguments.strict || done.disagreements().next().is_none();
    let text = match (arguments.json, arguments.summary) {
        (true, _) => done.to_json(),
        (false, true) => done.summary(),
        (false, false) => done.to_text(),
    };
    Ok(Done { text, as_expected })
}

fn or_all<T: Clone>(named: &[T], all: &[T]) -> Vec<T> {
    if named.is_empty() { all.to_vec() } else { named.to_vec() }
}

/// Writes every file there is.
fn leave(done: &matrix::Matrix, folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| Failure::unwritable(&path, &error))
    };
    write("matrix.html", done.to_html())?;
    write("matrix.json", done.to_json())?;
    write("matrix.csv", done.to_csv())?;
    for sheet in &done.sheets {
        for (colours, what) in [(Colours::Outcome, "outcome"), (Colours::Time, "time")] {
            let name = format!("{}-{}-{what}.svg", sheet.family, sheet.help);
            write(&name, heat_map(sheet, colours))?;
        }
    }
    Ok(())
}
