//! One NAT, in plain words.

use std::{fmt::Write as _, fs, path::Path};

use lab::{
    explain::{Walk, points, walk},
    matrix::{Entry, Prediction, entries},
    presets::{self, Preset},
};
use simnet::observe::Page;

use super::{Done, arguments::Explain, failure::Failure, wrap::wrap};

/// Says what a NAT does.
pub(crate) fn explain(arguments: &Explain) -> Result<Done, Failure> {
    let preset = presets::get("nat", &arguments.preset)?;
    let config = preset.nat().map_err(Failure::fault)?;
    let mut text = heading(&preset);
    for point in points(&config) {
        let _ = writeln!(text, "{}", point.topic);
        text.push_str(&wrap(&point.does, 2));
        text.push_str(&wrap(&format!("→ {}", point.means), 2));
        text.push('\n');
    }
    let names = presets::all("nat");
    let all = entries(names.iter().map(|preset| preset.name))?;
    text.push_str(&partners(preset.name, &all));
    let seen = walk(&config, 1);
    if !arguments.short {
        text.push_str(&discovery(&seen));
    }
    if let Some(folder) = &arguments.out {
        leave(folder, &preset, &seen, &text)?;
        let _ = writeln!(text, "left in {}: walk.html, walk.svg", folder.display());
    }
    Ok(Done::well(text))
}

fn heading(preset: &Preset) -> String {
    let mut text = format!("{}: {}\n\n", preset.name, preset.title);
    let _ = writeln!(text, "  source      {}", preset.source);
    let _ = writeln!(text, "  confidence  {}", preset.confidence);
    if let Some(other) = &preset.based_on {
        let _ = writeln!(text, "  based on    {other}");
    }
    text.push('\n');
    if !preset.notes.trim().is_empty() {
        text.push_str(&wrap(&preset.notes, 2));
        text.push('\n');
    }
    text
}

/// Whom it can punch a hole to, by the rules of the matrix.
fn partners(name: &str, all: &[Entry]) -> String {
    let Some(own) = all.iter().find(|entry| entry.name == name) else { return String::new() };
    let meets = |entry: &&Entry| own.class.meets(entry.class).connects();
    let (there, not): (Vec<_>, Vec<_>) = all.iter().partition(|entry| meets(entry));
    let list = |entries: &[&Entry]| {
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        wrap(if names.is_empty() { "none".to_owned() } else { names.join(", ") }.as_str(), 4)
    };
    let mut text =
        format!("Whom a peer behind it meets without a relay\n  In short: {}.\n", own.class);
    let _ = write!(text, "  {} of {} presets:\n{}", there.len(), all.len(), list(&there));
    let _ = write!(text, "  not these:\n{}", list(&not));
    if let Prediction::Connected(first, second) = own.class.meets(own.class) {
        let _ = writeln!(text, "  With its like it connects as {first}–{second}.");
    } else {
        text.push_str("  With its like it does not connect.\n");
    }
    text.push_str("  `matrix` runs every pair.\n\n");
    text
}

/// The walk through behaviour discovery.
fn discovery(seen: &Walk) -> String {
    let mut text = "Behaviour discovery (RFC 5780 §4)\n".to_owned();
    let how = "A client behind the NAT asks a server with two addresses and two ports. It asks from two \
               sockets, then itself through the NAT (hairpinning); has the server answer from elsewhere \
               (filtering); and asks the server's other addresses (mapping).";
    text.push_str(&wrap(how, 2));
    text.push('\n');
    let Some(found) = &seen.found else {
        text.push_str("  It found out nothing: the server did not answer.\n");
        return text;
    };
    let or_unknown = |found: Option<String>| found.unwrap_or_else(|| "not seen".to_owned());
    let rows = [
        ("mapping", or_unknown(found.mapping.map(|it| it.to_string()))),
        ("filtering", or_unknown(found.filtering.map(|it| it.to_string()))),
        ("hairpinning", or_unknown(found.hairpin.map(|it| format!("{it:?}").to_lowercase()))),
        ("ports", or_unknown(found.port_assignment.map(|it| format!("{it:?}").to_lowercase()))),
    ];
    for (what, value) in rows {
        let _ = writeln!(text, "  {what:<12}{value}");
    }
    let _ = writeln!(text, "\n{}\n{}", seen.ladder.render(), seen.bindings.table());
    text
}

fn leave(folder: &Path, preset: &Preset, seen: &Walk, words: &str) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    let title = format!("{}: {}", preset.name, preset.title);
    let mut page = Page::new(&title);
    let before = words.split("\nBehaviour discovery").next().unwrap_or(words);
    page.text("What it does", before);
    page.ladder("Behaviour discovery through it", &seen.ladder);
    page.bindings("What it remembered", &seen.bindings);
    let files = [("walk.html", page.render()), ("walk.svg", seen.ladder.svg(&title))];
    for (name, content) in files {
        let path = folder.join(name);
        fs::write(&path, content).map_err(|error| Failure::unwritable(&path, &error))?;
    }
    Ok(())
}
