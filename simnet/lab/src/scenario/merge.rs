//! Tables over tables: what a scenario changes of a preset.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Lays `over` on `base`: tables are merged key by key, everything else is replaced. A value that has one
/// key, as the variants of a choice have, replaces a value with another one.
pub(crate) fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(below)), Value::Table(above)) if !other_choice(below, above) => {
                merge(below, above);
            }
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Whether both are one variant of a choice, and not the same.
fn other_choice(below: &Table, above: &Table) -> bool {
    below.len() == 1 && above.len() == 1 && below.keys().next() != above.keys().next()
}

/// Sets the value at a path such as `timers.udp`.
pub(crate) fn set(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let below = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            if !below.is_table() {
                *below = Value::Table(Table::new());
            }
            if let Value::Table(below) = below {
                set(below, rest, value);
            }
        }
    }
}

/// What is wrong with one value of an overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Culprit {
    /// Path of the value in the overlay; empty if it is about all of it.
    pub(crate) path: Vec<String>,
    /// What is wrong.
    pub(crate) message: String,
}

/// Reads `base` with `over` laid on it; on failure says which values of `over` are to blame.
pub(crate) fn read_over<T: DeserializeOwned>(
    base: &Table,
    over: &Table,
) -> Result<T, Vec<Culprit>> {
    let attempt = |over: &Table| {
        let mut merged = base.clone();
        merge(&mut merged, over);
        Value::Table(merged).try_into::<T>()
    };
    let error = match attempt(over) {
        Ok(value) => return Ok(value),
        Err(error) => error.message().to_owned(),
    };
    let mut culprits = Vec::new();
    let mut path = Vec::new();
    blame(over, &mut path, &mut |path, leaf| {
        let alone = wrap(path, leaf.clone());
        if let Err(error) = attempt(&alone) {
            culprits.push(Culprit { path: path.to_vec(), message: error.message().to_owned() });
        }
    });
    if culprits.is_empty() {
        culprits.push(Culprit { path: Vec::new(), message: error });
    }
    Err(culprits)
}

/// Calls `ask` for every value that is not a table.
fn blame(table: &Table, path: &mut Vec<String>, ask: &mut dyn FnMut(&[String], &Value)) {
    for (key, value) in table {
        path.push(key.clone());
        match value {
            Value::Table(below) if below.len() > 1 => blame(below, path, ask),
            leaf => ask(path, leaf),
        }
        path.pop();
    }
}

/// A table that holds one value at a path.
fn wrap(path: &[String], value: Value) -> Table {
    let mut table = Table::new();
    if let Some((first, rest)) = path.split_first() {
        let below = if rest.is_empty() { value } else { Value::Table(wrap(rest, value)) };
        table.insert(first.clone(), below);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    #[test]
    fn tables_are_merged_and_values_replaced() {
        let mut base = table("a = 1\n[t]\nx = 1\ny = 2");
        merge(&mut base, &table("a = 2\n[t]\ny = 3\nz = 4"));
        assert_eq!(base, table("a = 2\n[t]\nx = 1\ny = 3\nz = 4"));
    }

    #[test]
    fn another_variant_replaces_the_first() {
        let mut base = table("queue = { drop-tail = { packets = 5 } }");
        merge(&mut base, &table("queue = { codel = {} }"));
        assert_eq!(base, table("queue = { codel = {} }"));
    }

    #[test]
    fn the_same_variant_is_merged() {
        let mut base = table("queue = { codel = { target = 5, interval = 100 } }");
        merge(&mut base, &table("queue = { codel = { target = 9 } }"));
        assert_eq!(base, table("queue = { codel = { target = 9, interval = 100 } }"));
    }

    #[test]
    fn every_culprit_is_named() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wanted {
            #[serde(rename = "a")]
            _a: u8,
            #[serde(rename = "b")]
            _b: u8,
        }
        let over = table("a = -1\nb = 2\nc = 3");
        let culprits = read_over::<Wanted>(&table("a = 1\nb = 1"), &over).unwrap_err();
        let paths: Vec<_> = culprits.iter().map(|culprit| culprit.path.join(".")).collect();
        assert_eq!(paths, ["a", "c"]);
    }
}
