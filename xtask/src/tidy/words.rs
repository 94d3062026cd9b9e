//! What does not belong in the tree: leftovers, paths of one machine, and files without a first line.

use super::{Finding, Source};

/// A phrase and what to do about it. The phrases are spelled in parts, so that this file passes.
const UNWANTED: &[(&str, &str)] = &[
    (concat!("dbg", "!("), "a leftover of debugging: remove it"),
    (concat!("todo", "!("), "finish it, or say in words that it is not done"),
    (concat!("unimplemented", "!("), "finish it, or say in words that it is not done"),
    (concat!("#[", "ignore"), "a test that does not run proves nothing: mend it or remove it"),
    (concat!("#[should_", "panic"), "assert the outcome instead"),
    (concat!("TO", "DO"), "open an issue, or do it"),
    (concat!("FIX", "ME"), "open an issue, or do it"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("crates", ".io"), "name the package, not the registry"),
    (concat!("<<<", "<<<<"), "a merge conflict"),
];

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    sources.iter().filter(|source| !source.is("lock")).flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in source.lines() {
        for (phrase, says) in UNWANTED.iter().filter(|(phrase, _)| line.contains(phrase)) {
            findings.push(Finding::new(&source.path, number, format!("`{phrase}`: {says}")));
        }
        if line.ends_with([' ', '\t']) && !source.is("snap") && !source.is("md") {
            findings.push(Finding::new(&source.path, number, "white space at the end of the line"));
        }
    }
    if source.is("rs") && !starts_with_docs(&source.text) {
        findings.push(Finding::new(&source.path, 1, "begin the file with `//!`: what is it for?"));
    }
    if source.path.ends_with("mod.rs") {
        findings.push(Finding::new(
            &source.path,
            1,
            "name the file after its module: foo.rs beside foo/",
        ));
    }
    findings
}

/// Whether the first line that is not an attribute is a module comment.
fn starts_with_docs(text: &str) -> bool {
    text.lines()
        .find(|line| !line.starts_with("#![") && !line.is_empty())
        .is_none_or(|line| line.starts_with("//!"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_found_with_their_line() {
        let text = format!("//! Doc.\nlet x = {}1);\n", concat!("dbg", "!("));
        let found = check_source(&Source { path: "a.rs".into(), text });
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_file_says_first_what_it_is_for() {
        assert!(starts_with_docs("#![no_main]\n//! A target.\n"));
        assert!(!starts_with_docs("use std::fmt;\n//! Late.\n"));
    }
}
