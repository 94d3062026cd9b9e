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

    /// One text, for tests.
    #[cfg(test)]
    pub(super) fn of(document: &str, text: &str) -> Self {
        Self(BTreeMap::from([(document.to_owned(), text.to_owned())]))
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::spec::{
        fixture::{self, TEXT},
        skeleton, table,
    };

    /// The imaginary RFC, as far as these tests go.
    const SHORT: &str = "1.  Rules\n\n   A peer MUST answer.  It MAY be late, but MUST NOT lie.\n";
    const ANSWER: &str = "b3:1b0488bd561cb9cb";
    const LATE: &str = "b3:32daf738116ca7e3";

    fn texts(text: &str) -> Texts {
        Texts::of("rfc1", text)
    }

    fn entry(id: &str, level: &str, hash: &str) -> String {
        fixture::entry(&format!("id = \"{id}\"\nlevel = \"{level}\"\ntext = [\"{hash}\"]"))
    }

    #[rstest]
    #[case::sound(&[("a", "MUST", ANSWER), ("b", "MAY", LATE), ("c", "MUST", LATE)], &[])]
    #[case::sentence_left_out(
        &[("b", "MUST", LATE)],
        &["conformance/spec/rfc1.toml: §1 statement 1 (MUST, b3:1b0488bd561cb9cb, “A peer MUST answer. …”) has no entry; add one; `cargo xtask spec extract --missing` prints its skeleton"]
    )]
    #[case::stale_hash(
        &[("a", "MUST", ANSWER), ("b", "MUST", LATE), ("c", "MUST", "b3:0123456789abcdef")],
        &["conformance/spec/rfc1.toml:31: b3:0123456789abcdef of `c` belongs to no sentence of the text; take the hash anew with `cargo xtask spec extract`"]
    )]
    #[case::level_not_in_text(
        &[("a", "MUST", ANSWER), ("b", "MUST", LATE), ("c", "SHOULD", LATE)],
        &["conformance/spec/rfc1.toml:31: `c` has level SHOULD, its text MAY, MUST; take the level from the text"]
    )]
    #[case::strongest_word_lost(
        &[("a", "MUST", ANSWER), ("b", "MAY", LATE)],
        &["conformance/spec/rfc1.toml: §1 statement 2 (b3:32daf738116ca7e3) says MUST, and none of its entries does; set the level of the entry that states the rule"]
    )]
    fn registry_and_text_agree(#[case] entries: &[(&str, &str, &str)], #[case] expected: &[&str]) {
        let entries: Vec<String> =
            entries.iter().map(|(id, level, hash)| entry(id, level, hash)).collect();
        let faults = check(&[fixture::file(&entries)], &texts(SHORT));
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, expected);
    }

    #[test]
    fn file_without_text_is_not_held_against_one() {
        let texts = Texts(BTreeMap::new());
        assert!(check(&[fixture::file(&[entry("a", "MUST", LATE)])], &texts).is_empty());
    }

    #[test]
    fn skeletons_make_a_sound_registry_once_filled_in() {
        let statements = sentences::statements(TEXT);
        let skeletons = skeleton::render("rfc1", &statements, None);
        let mut number = 0;
        let filled: String = skeletons
            .split("id = \"\"")
            .collect::<Vec<_>>()
            .join("id = \"x\"")
            .replace("actor = \"\"", "actor = \"nat\"")
            .replace("side = \"\"", "side = \"send\"")
            .replace("says = \"\"", "says = \"Something.\"")
            .replace("test = \"\"", "test = \"wire\"")
            .lines()
            .map(|line| {
                number += usize::from(line == "id = \"x\"");
                line.replace("id = \"x\"", &format!("id = \"x{number}\"")) + "\n"
            })
            .collect();
        let file = fixture::file(&[filled]);
        let faults = check(&[file], &texts(TEXT));
        assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
        assert_eq!(number, statements.len());
    }

    #[test]
    fn skeletons_of_missing_sentences_only() {
        let file = fixture::file(&[entry("a", "MUST", ANSWER)]);
        let statements = sentences::statements(SHORT);
        insta::assert_snapshot!(skeleton::render("rfc1", &statements, Some(&file)));
    }

    #[test]
    fn table_counts_statements_entries_and_reasons() {
        let later =
            fixture::entry("id = \"z\"\ntest = \"none\"\nwhy = \"later\"\nreason = \"No TCP.\"");
        let files = [fixture::file(&[entry("a", "MUST", ANSWER), later])];
        let with_texts = table::render(&files, Some(&texts(SHORT)));
        let without = table::render(&files, None);
        let other_texts = table::render(&files, Some(&Texts(BTreeMap::new())));
        insta::assert_snapshot!(format!("{with_texts}\n\n{without}\n\n{other_texts}"));
    }
}
