//! RFC citations have one grammar and lead somewhere.
//!
//! The grammar is `RFC 8489 §6.2.1`, for several sections `RFC 8489 §6.2.1, §7`, for an appendix
//! `RFC 8489 §B.1`, and `RFC 8489` alone for the whole document. The section must exist, by the index in
//! `conformance/spec/sections.toml`, and the RFC must not be obsolete.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use super::{Finding, Source};

/// The index of documents and sections.
const INDEX: &str = "conformance/spec/sections.toml";

/// Obsolete RFCs that are cited on purpose, and why.
const CITED_ALL_THE_SAME: &[(u32, &str)] = &[
    (3489, "classic STUN is still met on the wire; RFC 8489 §11 asks for compatibility"),
    (5389, "its messages are still met on the wire; RFC 8489 differs in what they may carry"),
    (4346, "TLS 1.1 is met in version fields, and refused"),
    (4347, "DTLS 1.0 is met in version fields, and refused"),
    (7053, "RFC 9260 took it over, and its requirements keep a registry of their own"),
    (4960, "its appendix on ECN was left out of RFC 9260, and chunk types stay reserved for it"),
    (5077, "its tickets are met in the handshakes of TLS 1.2, and passed over"),
    (5245, "its agents are still met on the wire"),
    (5246, "defines TLS 1.2, on which DTLS 1.2 is built; we speak it"),
    (6347, "defines DTLS 1.2, which we speak; RFC 9147 defines 1.3 alone"),
    (6156, "its statements are registered, each beside the one that took its place"),
];

/// A number that tests give to a document that does not exist.
const FICTION: u32 = 9999;

/// What the index says of one RFC.
#[derive(Debug, Default, Deserialize)]
struct Document {
    #[serde(default)]
    obsoleted_by: Vec<String>,
    #[serde(default)]
    sections: Vec<String>,
}

type Index = BTreeMap<u32, Document>;

pub(super) fn check(root: &Path, sources: &[Source]) -> Vec<Finding> {
    let index = match index(root) {
        Ok(index) => index,
        Err(finding) => return vec![finding],
    };
    let cites = |source: &&Source| {
        let text = source.is("rs") || source.is("md") || source.is("toml");
        // This file's own tests hold broken citations.
        text && source.path != Path::new(INDEX) && !source.path.ends_with("tidy/citations.rs")
    };
    let mut findings = Vec::new();
    for source in sources.iter().filter(cites) {
        for (number, line) in source.lines() {
            let complaints = complaints(line, &index);
            findings.extend(
                complaints.into_iter().map(|says| Finding::new(&source.path, number, says)),
            );
        }
    }
    findings
}

fn index(root: &Path) -> Result<Index, Finding> {
    let fault = |error: String| Finding::new(INDEX, 0, error);
    let text =
        std::fs::read_to_string(root.join(INDEX)).map_err(|error| fault(error.to_string()))?;
    let table: BTreeMap<String, toml::Value> =
        toml::from_str(&text).map_err(|error| fault(error.message().to_owned()))?;
    let mut index = Index::new();
    for (key, value) in table {
        let Some(number) = key.strip_prefix("rfc").and_then(|digits| digits.parse().ok()) else {
            continue;
        };
        let document = value.try_into().map_err(|error| fault(format!("{key}: {error}")))?;
        index.insert(number, document);
    }
    Ok(index)
}

/// What is wrong with the citations of one line.
fn complaints(line: &str, index: &Index) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("RFC") {
        let rest = line.get(at + 3..).unwrap_or_default();
        let inside_a_word = line
            .get(..at)
            .is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
        if !inside_a_word {
            found.extend(complaint(rest, index));
        }
    }
    found
}

/// What is wrong with the citation whose text after `RFC` is `rest`.
fn complaint(rest: &str, index: &Index) -> Option<String> {
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(format!("write `RFC {}` with a space", digits(rest)));
    }
    let rest = rest.strip_prefix(' ')?;
    let number: u32 = digits(rest).parse().ok()?;
    if number == FICTION {
        return None;
    }
    let rest = rest.get(digits(rest).len()..).unwrap_or_default();
    let Some(document) = index.get(&number) else {
        return Some(format!(
            "RFC {number} is not in {INDEX}: add it with `cargo xtask spec sections`"
        ));
    };
    let kept = CITED_ALL_THE_SAME.iter().any(|(kept, _)| *kept == number);
    if let (Some(newer), false) = (document.obsoleted_by.first(), kept) {
        return Some(format!("RFC {number} is obsoleted by {newer}: cite that"));
    }
    let lower = rest.to_ascii_lowercase();
    if [" section ", ", section ", " sec. ", " s. "].iter().any(|word| lower.starts_with(word)) {
        return Some(format!("write `RFC {number} §…`, not “section”"));
    }
    if rest.starts_with('§') {
        return Some(format!("write `RFC {number} §…` with a space"));
    }
    let unknown = sections(rest).into_iter().find(|section| {
        !document.sections.is_empty() && !document.sections.iter().any(|known| known == section)
    })?;
    Some(format!("RFC {number} has no section {unknown}"))
}

fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The sections of ` §6.2.1, §7 …`, up to whatever is not a section.
fn sections(mut rest: &str) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(tail) = rest.strip_prefix(" §").or_else(|| rest.strip_prefix(", §")) {
        let end = tail.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(tail.len());
        let (section, after) = tail.split_at(end);
        if !section.is_empty() {
            found.push(section.trim_end_matches('.').to_owned());
        }
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn small_index() -> Index {
        let document = |obsoleted_by: &[&str], sections: &[&str]| Document {
            obsoleted_by: obsoleted_by.iter().map(|&it| it.to_owned()).collect(),
            sections: sections.iter().map(|&it| it.to_owned()).collect(),
        };
        Index::from([
            (8489, document(&[], &["6.2.1", "7", "B.1"])),
            (5766, document(&["rfc8656"], &["2"])),
            (1982, document(&[], &[])),
        ])
    }

    #[rstest]
    #[case::one("RFC 8489 §6.2.1 says", "")]
    #[case::several("(RFC 8489 §6.2.1, §7)", "")]
    #[case::appendix("RFC 8489 §B.1.", "")]
    #[case::whole("RFC 8489 and", "")]
    #[case::unchecked("RFC 1982 §3.2", "")]
    #[case::in_a_word("MYRFC 9999", "")]
    #[case::no_space("see RFC8489", "write `RFC 8489` with a space")]
    #[case::glued("RFC 8489§7", "write `RFC 8489 §…` with a space")]
    #[case::words("RFC 8489 Section 7", "write `RFC 8489 §…`, not “section”")]
    #[case::no_such_section("RFC 8489 §6.2.1, §77", "RFC 8489 has no section 77")]
    #[case::obsolete("RFC 5766 §2", "RFC 5766 is obsoleted by rfc8656: cite that")]
    fn the_grammar_is_kept(#[case] line: &str, #[case] says: &str) {
        assert_eq!(complaints(line, &small_index()).join("; "), says);
    }

    #[test]
    fn an_rfc_outside_the_index_is_a_complaint() {
        assert_eq!(complaints("RFC 9998 §1", &small_index()).len(), 1);
    }
}
