//! What the tests of this module share: a small registry file and its index.

use super::{registry::File, sections::Index};

/// An imaginary RFC.
pub(super) const TEXT: &str = include_str!("testdata/rfc0001.txt");

/// The head of a registry file about it.
const HEAD: &str = r#"
[spec]
doc = "rfc1"
title = "A Protocol of No Importance: Written to Be Read by a Test"
short = "Nothing"
layer = "None"
"#;

/// An entry with these lines; keys that are not among them have harmless values.
pub(super) fn entry(lines: &str) -> String {
    let defaults = [
        ("id", "nothing-here"),
        ("sec", "2"),
        ("level", "IMPLICIT"),
        ("actor", "nat"),
        ("side", "send"),
        ("says", "Nothing."),
        ("test", "wire"),
    ];
    let mut entry = String::from("[[req]]\n");
    for (key, value) in defaults {
        if !lines.lines().any(|line| line.starts_with(&format!("{key} = "))) {
            entry.push_str(&format!("{key} = \"{value}\"\n"));
        }
    }
    entry + lines + "\n"
}

/// A registry file with these entries, as `conformance/spec/rfc1.toml`.
pub(super) fn file(entries: &[String]) -> File {
    File::parse("conformance/spec/rfc1.toml", &format!("{HEAD}{}", entries.concat()))
        .unwrap_or_else(|fault| panic!("{fault}"))
}

/// An index that knows the imaginary RFC.
pub(super) fn index() -> Index {
    Index::parse("rfc1 = { title = \"\", sections = [\"1\", \"2\", \"2.1\", \"10\", \"A.1\"] }\n")
        .unwrap_or_else(|fault| panic!("{fault}"))
}

/// The fault of a registry file with these entries that cannot be read.
pub(super) fn unreadable(entries: &[String]) -> String {
    File::parse("conformance/spec/rfc1.toml", &format!("{HEAD}{}", entries.concat()))
        .err()
        .map_or_else(|| "it can be read".to_owned(), |fault| fault.to_string())
}
