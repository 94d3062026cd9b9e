//! What each entry must be like, beyond what the reader of the files refuses.

use std::{cmp::Ordering, collections::BTreeSet};

use super::{
    registry::File,
    sections::Index,
    source::{self, Entry, SpecError, SpecFile},
};

/// Who can be bound by a requirement. A new registry file may add its own.
const ACTORS: &[&str] = &[
    "data-channel-endpoint",
    "discovery-client",
    "discovery-server",
    "document",
    "dtls-client",
    "dtls-endpoint",
    "dtls-server",
    "ice-agent",
    "ice-controlled",
    "ice-controlling",
    "ice-full",
    "ice-lite",
    "nat",
    "operator",
    "sctp-endpoint",
    "sdp-agent",
    "sdp-answerer",
    "sdp-offerer",
    "stun-agent",
    "stun-client",
    "stun-server",
    "turn-agent",
    "turn-client",
    "turn-server",
];

/// Reasons for having no test that explain themselves; the others need a sentence.
const PLAIN_REASONS: &[&str] = &["document", "iana", "operator"];

/// The faults of form in all files.
pub(super) fn check(files: &[File], index: &Index) -> Vec<SpecError> {
    let mut faults = Vec::new();
    for file in files {
        faults.extend(check_document(file, index));
        faults.extend(file.entries.iter().flat_map(|entry| check_entry(file, entry, index)));
        faults.extend(check_order(file));
    }
    let parsed: Vec<(String, SpecFile)> = files
        .iter()
        .map(|file| {
            let requirements = file.entries.clone();
            (file.path.clone(), SpecFile { spec: file.spec.clone(), requirements })
        })
        .collect();
    faults.extend(source::check_unique(&parsed).err());
    faults
}

fn check_document(file: &File, index: &Index) -> Vec<SpecError> {
    let mut faults = Vec::new();
    let doc = &file.spec.doc;
    if !file.path.ends_with(&format!("/{doc}.toml")) {
        let problem = format!("the file is about {doc} and has another name");
        faults.push(file.fault(0, problem, "rename the file or correct `doc`"));
    }
    if !index.knows(doc) {
        let problem = format!("{doc} is not in {}", super::sections::PATH);
        faults.push(file.fault(0, problem, "add it with `cargo xtask spec sections`"));
    }
    faults
}

fn check_entry(file: &File, entry: &Entry, index: &Index) -> Vec<SpecError> {
    let mut faults = Vec::new();
    let mut fault = |problem: String, remedy: &str| {
        faults.push(file.fault(entry.line, problem, remedy));
    };
    let id = &entry.id;
    let doc = entry.doc.as_ref().unwrap_or(&file.spec.doc);
    if index.lacks(doc, &entry.sec) {
        fault(
            format!("`{id}` is in section {} and {doc} has none of that number", entry.sec),
            "correct `sec`",
        );
    }
    if !ACTORS.contains(&entry.actor.as_str()) {
        fault(
            format!("`{}` is not an actor", entry.actor),
            &format!("use one of {}, or add it to the list in form.rs", ACTORS.join(", ")),
        );
    }
    match (entry.level == "IMPLICIT", entry.text.is_empty()) {
        (true, false) => fault(
            format!("`{id}` is IMPLICIT and yet has the hash of a sentence with a key word"),
            "take the level from the sentence, or remove `text`",
        ),
        (false, true) => fault(
            format!("`{id}` has level {} and no `text`", entry.level),
            "add the hash of its sentence, or set the level to IMPLICIT",
        ),
        (true, true) | (false, false) => {}
    }
    if entry.text.iter().collect::<BTreeSet<_>>().len() < entry.text.len() {
        fault(format!("`{id}` lists a hash twice"), "remove one");
    }
    let why = entry.why.as_deref();
    let unexplained = why.is_some_and(|why| !PLAIN_REASONS.contains(&why));
    if unexplained && entry.reason.as_ref().is_none_or(|reason| reason.trim().is_empty()) {
        fault(
            format!("`{id}` gives `{}` without saying more", why.unwrap_or_default()),
            "add `reason` with a sentence that says what stands in the way",
        );
    }
    faults
}

fn check_order(file: &File) -> Vec<SpecError> {
    let mut faults = Vec::new();
    for pair in file.entries.windows(2) {
        let [before, after] = pair else { continue };
        if order(&before.sec, &after.sec) == Ordering::Greater {
            faults.push(file.fault(
                after.line,
                format!("`{}` of §{} stands after §{}", after.id, after.sec, before.sec),
                "move it: entries follow the order of the sections",
            ));
        }
    }
    faults
}

/// Compares section numbers: by number in each place, appendices last.
pub(super) fn order(left: &str, right: &str) -> Ordering {
    let key = |section: &str| -> Vec<(Option<u32>, String)> {
        section
            .split('.')
            // A letter has no number; it sorts behind all numbers.
            .map(|part| (Some(part.parse().unwrap_or(u32::MAX)), part.to_owned()))
            .collect()
    };
    key(left).cmp(&key(right))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::spec::{fixture, registry};

    #[test]
    fn committed_registry_is_sound() {
        let root = crate::process::root();
        let mut faults = Vec::new();
        let files = registry::load(&root, &mut faults);
        let index = Index::load(&root).unwrap_or_default();
        faults.extend(check(&files, &index));
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, [""; 0]);
        assert!(files.iter().any(|file| file.spec.doc == "rfc8489"));
    }

    #[rstest]
    #[case::sound(&[""], "")]
    #[case::section(
        &["sec = \"2.9\""],
        "conformance/spec/rfc1.toml:8: `nothing-here` is in section 2.9 and rfc1 has none of that number; correct `sec`"
    )]
    #[case::actor(
        &["actor = \"somebody\""],
        &format!(
            "conformance/spec/rfc1.toml:8: `somebody` is not an actor; use one of {}, or add it to the list in form.rs",
            ACTORS.join(", ")
        )
    )]
    #[case::implicit_with_sentence(
        &["text = [\"b3:0123456789abcdef\"]"],
        "conformance/spec/rfc1.toml:8: `nothing-here` is IMPLICIT and yet has the hash of a sentence with a key word; take the level from the sentence, or remove `text`"
    )]
    #[case::level_without_sentence(
        &["level = \"MUST\""],
        "conformance/spec/rfc1.toml:8: `nothing-here` has level MUST and no `text`; add the hash of its sentence, or set the level to IMPLICIT"
    )]
    #[case::hash_twice(
        &["level = \"MUST\"\ntext = [\"b3:0123456789abcdef\", \"b3:0123456789abcdef\"]"],
        "conformance/spec/rfc1.toml:8: `nothing-here` lists a hash twice; remove one"
    )]
    #[case::reason_missing(
        &["test = \"none\"\nwhy = \"later\""],
        "conformance/spec/rfc1.toml:8: `nothing-here` gives `later` without saying more; add `reason` with a sentence that says what stands in the way"
    )]
    #[case::reason_not_needed(&["test = \"none\"\nwhy = \"document\""], "")]
    #[case::order(
        &["id = \"a\"\nsec = \"10\"", "id = \"b\"\nsec = \"2.1\""],
        "conformance/spec/rfc1.toml:21: `b` of §2.1 stands after §10; move it: entries follow the order of the sections"
    )]
    #[case::duplicate(
        &["", ""],
        "conformance/spec/rfc1.toml:17: requirement id `nothing-here` is already taken at conformance/spec/rfc1.toml:8; ids are global and permanent: give the new requirement an id of its own"
    )]
    fn each_fault_is_one_line_with_a_remedy(#[case] entries: &[&str], #[case] expected: &str) {
        let entries: Vec<String> = entries.iter().map(|lines| fixture::entry(lines)).collect();
        let faults = check(&[fixture::file(&entries)], &fixture::index());
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults.join("\n"), expected);
    }

    #[rstest]
    #[case::unknown_key(
        "colour = \"red\"",
        "conformance/spec/rfc1.toml:15: unknown key `colour`, expected one of `id`, `doc`, `sec`, `level`, `actor`, `side`, `says`, `text`, `test`, `why`, `reason`, `by`, `erratum`, `seen`; correct the spelling or remove the key"
    )]
    #[case::unknown_why(
        "test = \"none\"\nwhy = \"tired\"",
        "conformance/spec/rfc1.toml:15: `tired` is not a reason for having no test; use one of document, iana, operator, human, unobservable, out-of-scope, overridden, later"
    )]
    #[case::why_missing(
        "test = \"none\"",
        "conformance/spec/rfc1.toml:14: `nothing-here` has no test and does not say why; add `why = …` with one of document, iana, operator, human, unobservable, out-of-scope, overridden, later"
    )]
    #[case::level(
        "level = \"SHALL\"",
        "conformance/spec/rfc1.toml:14: `SHALL` is not a level; use one of MUST, SHOULD, MAY, IMPLICIT"
    )]
    #[case::hash(
        "text = [\"b3:xyz\"]",
        "conformance/spec/rfc1.toml:15: `b3:xyz` is not a sentence hash; write \"b3:\" and 16 hexadecimal digits; `cargo xtask spec` prints them"
    )]
    fn unreadable_file_is_one_line_with_a_remedy(#[case] lines: &str, #[case] expected: &str) {
        let fault = fixture::unreadable(&[fixture::entry(lines)]);
        assert_eq!(fault, expected);
    }

    #[test]
    fn file_is_named_for_its_document_and_in_the_index() {
        let mut file = fixture::file(&[]);
        file.spec.doc = "rfc2".to_owned();
        let faults: Vec<String> =
            check(&[file], &fixture::index()).iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "conformance/spec/rfc1.toml: the file is about rfc2 and has another name; rename the \
                 file or correct `doc`",
                "conformance/spec/rfc1.toml: rfc2 is not in conformance/spec/sections.toml; add it with \
                 `cargo xtask spec sections`",
            ]
        );
    }

    #[rstest]
    #[case::numbers("9.2", "9.10", Ordering::Less)]
    #[case::part_after_whole("9", "9.1", Ordering::Less)]
    #[case::appendix_last("16.3", "A", Ordering::Less)]
    #[case::same("B.1", "B.1", Ordering::Equal)]
    #[case::appendices("B", "A.2", Ordering::Greater)]
    fn orders_sections(#[case] left: &str, #[case] right: &str, #[case] expected: Ordering) {
        assert_eq!(order(left, right), expected);
    }
}
