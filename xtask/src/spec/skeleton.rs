//! Entries for a contributor to fill in: everything that a program can know of a sentence.

use std::fmt::Write as _;

use super::{registry::File, sentences::Statement};

/// One entry per statement; with `known`, only for those that it has no hash of.
///
/// The sentence stands above its entry as a comment, to be read and then removed.
pub(super) fn render(document: &str, statements: &[Statement], known: Option<&File>) -> String {
    let mut out = String::new();
    for statement in statements {
        let hash = statement.hash();
        let has = |file: &File| file.entries.iter().any(|entry| entry.text.contains(&hash));
        if known.is_some_and(has) {
            continue;
        }
        let Statement { section, place, text, .. } = statement;
        let level = statement.level();
        let _ = write!(
            out,
            "# {document} §{section} statement {place}, not to be committed: {text}\n[[req]]\nid = \
             \"\"\nsec = \"{section}\"\nlevel = \"{level}\"\nactor = \"\"\nside = \"\"\nsays = \
             \"\"\ntext = [\"{hash}\"]\ntest = \"\"\n\n"
        );
    }
    out
}
