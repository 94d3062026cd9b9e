//! What each entry must be like, beyond what the reader of the files refuses.

use std::{cmp::Ordering, collections::BTreeSet};

use super::{
    registry::File,
    sections::Index,
    source::{self, Entry, SpecError, SpecFile},
};

/// Who can be bound by a requirement. A new registry file may add its own.
const ACTORS: &[&str] = &[
    "discovery-client",
    "discovery-server",
    "document",
    "nat",
    "operator",
    "stun-agent",
    "stun-client",
    "stun-server",
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
