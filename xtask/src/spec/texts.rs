//! Holds the registry against the RFC texts: nothing left out, nothing made up, levels as printed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    registry::File,
    sentences::{self, Statement},
    source::{Entry, SpecError},
};

/// The plain texts of a directory by document name.
pub(super) struct Texts(BTreeMap<String, String>);

impl Texts {
    /// Reads every `rfc….txt` of a directory.
    pub(super) fn read(directory: &Path) -> Result<Self, String> {
        let fault = |error: std::io::Error| {
            format!(
                "{}: {error}; name a directory with texts such as rfc8489.txt",
                directory.display()
            )
        };
        let mut texts = BTreeMap::new();
        for entry in std::fs::read_dir(directory).map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(document) = name.strip_suffix(".txt").filter(|name| number(name).is_some())
            else {
                continue;
            };
            let bytes = std::fs::read(&path).map_err(fault)?;
            texts.insert(document.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
        }
        if texts.is_empty() {
            return Err(format!(
                "{} holds no RFC text; name a directory with texts such as rfc8489.txt",
                directory.display()
            ));
        }
        Ok(Self(texts))
    }

    /// The text of a document.
    pub(super) fn get(&self, document: &str) -> Option<&str> {
        self.0.get(document).map(String::as_str)
    }

    /// The RFCs with their numbers, in order of the numbers.
    pub(super) fn rfcs(&self) -> BTreeMap<u32, &str> {
        self.0.iter().filter_map(|(name, text)| Some((number(name)?, text.as_str()))).collect()
    }
}

/// The number in a document name such as `rfc8489`.
pub(super) fn number(document: &str) -> Option<u32> {
    document.strip_prefix("rfc")?.parse().ok()
}

/// The faults of all files whose texts are there.
pub(super) fn check(files: &[File], texts: &Texts) -> Vec<SpecError> {
    let mut faults = Vec::new();
    for file in files {
        if let Some(text) = texts.get(&file.spec.doc) {
            faults.extend(check_file(file, &sentences::statements(text)));
        }
    }
    faults
}

fn check_file(file: &File, statements: &[Statement]) -> Vec<SpecError> {
    let mut by_hash: BTreeMap<String, &Statement> = BTreeMap::new();
    for statement in statements {
        by_hash.entry(statement.hash()).or_insert(statement);
    }
    let mut faults: Vec<SpecError> =
        file.entries.iter().flat_map(|entry| check_entry(file, entry, &by_hash)).collect();
    let mut reported = BTreeSet::new();
    for statement in statements {
        let hash = statement.hash();
        let mut entries = file.entries.iter().filter(|entry| entry.text.contains(&hash)).peekable();
        if !reported.insert(hash.clone()) {
            continue;
        }
        if entries.peek().is_none() {
            faults.push(missing(file, statement, &hash));
        } else if !entries.any(|entry| entry.level == statement.level().to_string()) {
            let problem = format!(
                "§{} statement {} ({hash}) says {}, and none of its entries does",
                statement.section,
                statement.place,
                statement.level()
            );
            faults.push(file.fault(0, problem, "set the level of the entry that states the rule"));
        }
    }
    faults
}

fn check_entry(
    file: &File,
    entry: &Entry,
    by_hash: &BTreeMap<String, &Statement>,
) -> Vec<SpecError> {
    let mut faults = Vec::new();
    let mut levels = BTreeSet::new();
    for hash in &entry.text {
        match by_hash.get(hash) {
            Some(statement) => levels.extend(statement.levels.iter().map(ToString::to_string)),
            None => faults.push(file.fault(
                entry.line,
                format!("{hash} of `{}` belongs to no sentence of the text", entry.id),
                "take the hash anew with `cargo xtask spec extract`",
            )),
        }
    }
    if !levels.is_empty() && !levels.contains(&entry.level) {
        let printed: Vec<String> = levels.into_iter().collect();
        let problem =
            format!("`{}` has level {}, its text {}", entry.id, entry.level, printed.join(", "));
        faults.push(file.fault(entry.line, problem, "take the level from the text"));
    }
    faults
}

fn missing(file: &File, statement: &Statement, hash: &str) -> SpecError {
    let problem = format!(
        "§{} statement {} ({}, {hash}, “{} …”) has no entry",
        statement.section,
        statement.place,
        statement.level(),
        statement.start()
    );
    file.fault(0, problem, "add one; `cargo xtask spec extract --missing` prints its skeleton")
}

/// How many statements a document has, and how many of them the file has entries for.
pub(super) fn classified(file: &File, text: &str) -> (usize, usize) {
    let known: BTreeSet<&String> = file.entries.iter().flat_map(|entry| &entry.text).collect();
    let statements = sentences::statements(text);
    let classified =
        statements.iter().filter(|statement| known.contains(&statement.hash())).count();
    (statements.len(), classified)
}
