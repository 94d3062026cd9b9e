//! What there is to choose from.

use std::fmt::Write as _;

use lab::presets::{self, Preset};
use serde_json::json;

use super::{Done, arguments::Presets, failure::Failure};

/// Lists presets.
pub(crate) fn presets(arguments: &Presets) -> Result<Done, Failure> {
    let kinds: Vec<&str> = presets::kinds().collect();
    let wanted: Vec<&str> = match &arguments.kind {
        None => kinds,
        Some(kind) if kinds.contains(&kind.as_str()) => vec![kind.as_str()],
        Some(kind) => {
            let says = format!("there are no presets of kind `{kind}`, but {}", kinds.join(", "));
            return Err(Failure::usage(says));
        }
    };
    let all: Vec<Preset> = wanted.iter().flat_map(|kind| presets::all(kind)).collect();
    let text = if arguments.json { json(&all) } else { table(&wanted, &all) };
    Ok(Done::well(text))
}

fn table(kinds: &[&str], all: &[Preset]) -> String {
    let mut out = String::new();
    let width = all.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    for kind in kinds {
        let own: Vec<_> = all.iter().filter(|preset| preset.kind == *kind).collect();
        let _ = writeln!(out, "{kind} ({})", own.len());
        for preset in own {
            let (name, confidence) = (preset.name, preset.confidence);
            let _ = writeln!(out, "  {name:width$}  {confidence:<11}  {}", preset.title);
        }
        out.push('\n');
    }
    out.push_str("`explain PRESET` says what a NAT does. In a scenario: preset = \"NAME\".\n");
    out
}

fn json(all: &[Preset]) -> String {
    let list: Vec<_> = all
        .iter()
        .map(|preset| {
            json!({
                "kind": preset.kind,
                "name": preset.name,
                "title": preset.title,
                "source": preset.source,
                "confidence": preset.confidence,
                "notes": preset.notes.trim(),
                "based-on": preset.based_on,
                "fields": preset.fields,
            })
        })
        .collect();
    format!("{:#}\n", json!(list))
}
