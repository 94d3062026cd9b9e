//! Scenarios with one key less.

use toml::{Table, Value};

use crate::scenario::Scenario;

/// The scenario without the key with number `index`, counted through all tables in the order of a walk:
/// `None` after the last one, `Some(None)` if nothing sensible is left without it.
pub(super) fn without(scenario: &Scenario, index: usize) -> Option<Option<Scenario>> {
    let mut table: Table = scenario.to_toml().parse().ok()?;
    let mut left = index;
    if !remove(&mut table, &mut left) {
        return None;
    }
    let text = toml::to_string(&table).ok()?;
    Some(Scenario::parse(&text).ok())
}

/// Removes the key with number `left` from a table or what is in it; says whether there is one.
fn remove(table: &mut Table, left: &mut usize) -> bool {
    let keys: Vec<String> = table.keys().cloned().collect();
    for key in keys {
        if *left == 0 {
            table.remove(&key);
            return true;
        }
        *left -= 1;
        if table.get_mut(&key).is_some_and(|value| remove_below(value, left)) {
            return true;
        }
    }
    false
}

fn remove_below(value: &mut Value, left: &mut usize) -> bool {
    match value {
        Value::Table(table) => remove(table, left),
        Value::Array(all) => {
            for index in 0..all.len() {
                // Elements of lists go too; parts of the scenario went before, with what needs them.
                if *left == 0 {
                    all.remove(index);
                    return true;
                }
                *left -= 1;
                if all.get_mut(index).is_some_and(|value| remove_below(value, left)) {
                    return true;
                }
            }
            false
        }
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_) => false,
    }
}
