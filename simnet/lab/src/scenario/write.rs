//! Scenarios as TOML: a header, then one section a part, with what is nested on one line.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::{Scenario, read::KEYS};
use crate::roles::Role;

/// Keys that come first in their section.
const FIRST: &[&str] = &["name", "t", "between", "attach", "inside", "outside"];

pub(super) fn write(scenario: &Scenario) -> String {
    let mut table = Table::try_from(scenario).unwrap_or_default();
    if let Some(Value::Array(hosts)) = table.get_mut("host") {
        for (host, plan) in hosts.iter_mut().zip(&scenario.hosts) {
            if let Some(role) = host.get_mut("role") {
                *role = briefly(role.clone(), &plan.role);
            }
        }
    }
    let mut text = String::from("version = 1\n");
    for &key in KEYS {
        match table.get(key) {
            Some(Value::Array(parts)) => {
                for part in parts {
                    if let Value::Table(part) = part {
                        let _ = write!(text, "\n[[{key}]]\n");
                        lines(&mut text, part);
                    }
                }
            }
            Some(Value::Table(part)) => {
                let _ = write!(text, "\n[{key}]\n");
                lines(&mut text, part);
            }
            Some(value) => line(&mut text, key, value),
            None => {}
        }
    }
    text
}

/// A role without what goes without saying.
fn briefly(mut written: Value, role: &Role) -> Value {
    let same = |value: &Value| value.clone().try_into::<Role>().is_ok_and(|read| read == *role);
    let name = Value::String(role.name().to_owned());
    if same(&name) {
        return name;
    }
    let parameters = written.get(role.name()).and_then(Value::as_table).cloned();
    for key in parameters.unwrap_or_default().keys() {
        let mut less = written.clone();
        if let Some(Value::Table(parameters)) = less.get_mut(role.name()) {
            parameters.remove(key);
        }
        if same(&less) {
            written = less;
        }
    }
    written
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
