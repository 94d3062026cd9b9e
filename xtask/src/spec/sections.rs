//! The index of documents and sections, which citations and the registry are checked against.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    sync::LazyLock,
};

use regex::Regex;
use serde::Deserialize;

use super::{
    form,
    known::{self, Known},
    sentences,
    source::{self, SpecError},
    texts::{self, Texts},
};

/// Where the index is, from the root of the workspace.
pub(super) const PATH: &str = "conformance/spec/sections.toml";

/// What the index says of one document.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    title: String,
    #[serde(default)]
    obsoletes: Vec<String>,
    #[serde(default)]
    obsoleted_by: Vec<String>,
    /// Empty when they are not known; then any section passes.
    #[serde(default)]
    sections: Vec<String>,
}

/// Documents by name, such as `rfc8489`.
#[derive(Debug, Default)]
pub(super) struct Index(BTreeMap<String, Document>);

impl Index {
    /// Reads the committed index.
    pub(super) fn load(root: &Path) -> Result<Self, SpecError> {
        let text = std::fs::read_to_string(root.join(PATH)).map_err(|error| SpecError {
            file: PATH.to_owned(),
            line: 0,
            problem: format!("cannot be read ({error})"),
            remedy: "write it with `cargo xtask spec sections`".to_owned(),
        })?;
        Self::parse(&text)
    }

    pub(super) fn parse(text: &str) -> Result<Self, SpecError> {
        toml::from_str(text).map(Self).map_err(|error| source::toml_error(PATH, text, &error))
    }

    /// Whether the document is in the index.
    pub(super) fn knows(&self, document: &str) -> bool {
        self.0.contains_key(document)
    }

    /// Whether the document's sections are known and this one is not among them.
    pub(super) fn lacks(&self, document: &str, section: &str) -> bool {
        self.0.get(document).is_some_and(|document| {
            !document.sections.is_empty() && !document.sections.iter().any(|it| it == section)
        })
    }

    /// How many documents there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Builds the index from the texts and from the tables in `known.rs`.
    pub(super) fn from_texts(texts: &Texts) -> Self {
        let mut index: BTreeMap<u32, Document> = BTreeMap::new();
        for (number, text) in texts.rfcs() {
            let document = Document {
                title: title(text),
                obsoletes: obsoletes(text).into_iter().map(name).collect(),
                obsoleted_by: Vec::new(),
                sections: section_numbers(text),
            };
            index.insert(number, document);
        }
        for Known { number, title } in known::DOCUMENTS {
            let document = Document { title: (*title).to_owned(), ..Document::default() };
            index.entry(*number).or_insert(document);
        }
        let mut replaced: Vec<(u32, u32)> = known::REPLACED.to_vec();
        for (newer, document) in &index {
            let older = document.obsoletes.iter().filter_map(|it| texts::number(it));
            replaced.extend(older.map(|older| (older, *newer)));
        }
        replaced.sort_unstable();
        replaced.dedup();
        for (older, newer) in replaced {
            index.entry(older).or_default().obsoleted_by.push(name(newer));
        }
        Self(index.into_iter().map(|(number, document)| (name(number), document)).collect())
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "# Documents and their sections, for checking citations. Written by `cargo xtask spec \
             sections`.\n# A document without sections is known by name alone: any section of it \
             passes.\n",
        )?;
        let mut documents: Vec<(&String, &Document)> = self.0.iter().collect();
        documents.sort_by_key(|(name, _)| texts::number(name));
        for (name, document) in documents {
            let mut parts = Vec::new();
            if !document.title.is_empty() {
                let title = toml::Value::String(document.title.clone());
                parts.push(format!("title = {title}"));
            }
            let lists = [
                ("obsoletes", &document.obsoletes),
                ("obsoleted_by", &document.obsoleted_by),
                ("sections", &document.sections),
            ];
            for (key, list) in lists {
                if !list.is_empty() || key == "sections" {
                    let quoted: Vec<String> = list.iter().map(|it| format!("\"{it}\"")).collect();
                    parts.push(format!("{key} = [{}]", quoted.join(", ")));
                }
            }
            writeln!(f, "{name} = {{ {} }}", parts.join(", "))?;
        }
        Ok(())
    }
}

fn name(number: u32) -> String {
    format!("rfc{number}")
}

/// The title: the paragraph before the abstract or the status of the memo, whichever comes first.
fn title(text: &str) -> String {
    let text = text.replace(['\r', '\u{feff}'], "");
    let paragraphs = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|paragraph| !paragraph.is_empty());
    let after_title = |paragraph: &String| {
        let start = paragraph.to_lowercase();
        start.starts_with("abstract") || start.starts_with("status of")
    };
    paragraphs.take_while(|paragraph| !after_title(paragraph)).last().unwrap_or_default()
}

/// The numbers in the header line `Obsoletes:`.
fn obsoletes(text: &str) -> Vec<u32> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?m)^Obsoletes:\s*(\d+(?:,\s*\d+)*)").expect("the pattern is valid")
    });
    let numbers =
        LINE.captures(text).map_or("", |captures| captures.get(1).map_or("", |it| it.as_str()));
    numbers.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

/// The numbers of all sections, from the headings and from the table of contents, in order.
fn section_numbers(text: &str) -> Vec<String> {
    static CONTENTS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?m)^ *(?:Appendix )?((?:[A-Z]|\d{1,2})(?:\.\d{1,3})*)\.? +\S.*(?: ?\.){3,} *\d+\r?$",
        )
        .expect("the pattern is valid")
    });
    let listed: BTreeSet<String> = CONTENTS
        .captures_iter(text)
        .filter_map(|captures| captures.get(1).map(|it| it.as_str().to_owned()))
        .collect();
    let headings = sentences::sections(text).into_iter().skip(1).map(|section| section.number);
    let mut numbers: Vec<String> = headings.chain(listed).flat_map(with_parents).collect();
    numbers.sort_by(|left, right| form::order(left, right));
    numbers.dedup();
    numbers
}

/// A section number and those of the sections around it: a heading of an appendix may be set apart.
fn with_parents(number: String) -> Vec<String> {
    let dots = number.match_indices('.').filter_map(|(at, _)| number.get(..at));
    let mut numbers: Vec<String> = dots.map(str::to_owned).collect();
    numbers.push(number);
    numbers
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::spec::fixture::{self, TEXT};

    #[test]
    fn reads_the_facts_of_a_text() {
        let texts = Texts::of("rfc1", TEXT);
        let index = Index::from_texts(&texts);
        let lines = index.to_string();
        let about: Vec<&str> = lines
            .lines()
            .filter(|line| {
                ["rfc1 ", "rfc7 ", "rfc8 ", "rfc5245 "].iter().any(|it| line.starts_with(it))
            })
            .collect();
        assert_eq!(
            about,
            [
                "rfc1 = { title = \"A Protocol of No Importance: Written to Be Read by a Test\", \
                 obsoletes = [\"rfc7\", \"rfc8\"], sections = [\"1\", \"1.1\", \"2\", \"2.1\", \"3\", \
                 \"4\", \"A\", \"A.1\"] }",
                "rfc7 = { obsoleted_by = [\"rfc1\"], sections = [] }",
                "rfc8 = { obsoleted_by = [\"rfc1\"], sections = [] }",
                "rfc5245 = { obsoleted_by = [\"rfc8445\"], sections = [] }",
            ]
        );
        assert_eq!(Index::parse(&lines).expect("what is written can be read").0, index.0);
    }

    #[rstest]
    #[case::known("rfc1", "2.1", false)]
    #[case::unknown_section("rfc1", "2.2", true)]
    #[case::unknown_document("rfc2", "2.2", false)]
    fn lacks_sections_of_known_documents_only(
        #[case] document: &str,
        #[case] section: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(fixture::index().lacks(document, section), expected);
    }

    #[test]
    fn tables_are_in_order_and_without_repetition() {
        assert!(known::DOCUMENTS.is_sorted_by(|a, b| a.number < b.number));
        assert!(known::REPLACED.is_sorted_by(|a, b| a < b));
    }
}
