//! Scenarios as TOML: a header, then one section a part, with what is nested on one line.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::Scenario;

/// Sections in the order in which a reader needs them.
const SECTIONS: &[&str] = &[
    "wan",
    "lan",
    "router",
    "nat",
    "firewall",
    "nat64",
    "clat",
    "host",
    "link",
    "signalling",
    "at",
    "expect",
];
/// Keys that come first in their section.
const FIRST: &[&str] = &["name", "t", "between", "attach", "inside", "outside"];

pub(super) fn write(scenario: &Scenario) -> String {
    let table = Table::try_from(scenario).unwrap_or_default();
    let mut text = String::from("version = 1\n");
    for key in ["name", "about", "seed", "duration"] {
        if let Some(value) = table.get(key) {
            line(&mut text, key, value);
        }
    }
    for &section in SECTIONS {
        match table.get(section) {
            Some(Value::Array(parts)) => {
                for part in parts {
                    if let Value::Table(part) = part {
                        let _ = write!(text, "\n[[{section}]]\n");
                        lines(&mut text, part);
                    }
                }
            }
            Some(Value::Table(part)) => {
                let _ = write!(text, "\n[{section}]\n");
                lines(&mut text, part);
            }
            _ => {}
        }
    }
    text
}

fn lines(text: &mut String, part: &Table) {
    let part = unfolded(part);
    for &key in FIRST {
        if let Some(value) = part.get(key) {
            line(text, key, value);
        }
    }
    for (key, value) in part.iter().filter(|(key, _)| !FIRST.contains(&key.as_str())) {
        line(text, key, value);
    }
}

fn line(text: &mut String, key: &str, value: &Value) {
    let value = match value {
        Value::Table(table) => Value::Table(unfolded(table)),
        other => other.clone(),
    };
    let mut one = Table::new();
    one.insert(key.to_owned(), Value::Boolean(true));
    let key = toml::to_string(&one).unwrap_or_default();
    let key = key.trim_end().trim_end_matches("true");
    let _ = writeln!(text, "{key}{value}");
}

/// A part with its overlay among its own keys, as it is read.
fn unfolded(part: &Table) -> Table {
    let mut flat = Table::new();
    for (key, value) in part {
        match value {
            Value::Table(overlay) if key == "overlay" => flat.extend(overlay.clone()),
            Value::Table(below) => {
                flat.insert(key.clone(), Value::Table(unfolded(below)));
            }
            other => {
                flat.insert(key.clone(), other.clone());
            }
        }
    }
    flat
}
