//! Parts of documents that are written by machine.
//!
//! Such a part stands between `<!-- generated: NAME -->` and `<!-- end -->`. `cargo xtask tidy` compares it
//! with what the code says today; `--fix` writes it.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use super::{Finding, Source, arrows};

/// Writes a part from what the tree says today.
type Write = fn(&[Source]) -> String;

/// The parts, and who writes them.
const PARTS: &[(&str, Write)] =
    &[("arrows", |_| arrows_table()), ("coverage", coverage_table), ("mutants", mutants_count)];

pub(super) fn check(root: &Path, sources: &[Source], fix: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is("md")) {
        let (fresh, unknown) = renew(&source.text, sources);
        findings
            .extend(unknown.into_iter().map(|(line, says)| Finding::new(&source.path, line, says)));
        if fresh == source.text {
            continue;
        }
        let stale = || {
            Finding::new(&source.path, 0, "a generated part is stale: run `cargo xtask tidy --fix`")
        };
        if !fix {
            findings.push(stale());
        } else if let Err(error) = std::fs::write(root.join(&source.path), fresh) {
            findings.push(Finding::new(&source.path, 0, error.to_string()));
        }
    }
    findings
}

/// The text with every generated part written anew, and complaints about markers.
fn renew(text: &str, sources: &[Source]) -> (String, Vec<(usize, String)>) {
    let (mut fresh, mut complaints, mut inside) = (String::new(), Vec::new(), false);
    for (index, line) in text.lines().enumerate() {
        let name = line.strip_prefix("<!-- generated: ").and_then(|rest| rest.strip_suffix(" -->"));
        if line == "<!-- end -->" {
            inside = false;
        }
        if !inside {
            fresh += line;
            fresh.push('\n');
        }
        let Some(name) = name else { continue };
        match PARTS.iter().find(|(part, _)| *part == name) {
            Some((_, write)) => {
                inside = true;
                fresh += &format!("\n{}\n", write(sources));
            }
            None => complaints.push((index + 1, format!("no generated part is called `{name}`"))),
        }
    }
    (fresh, complaints)
}

/// The arrow table as text: highest level first, then the rooms beside the stack.
fn arrows_table() -> String {
    let mut rooms: Vec<_> = arrows::ROOMS.iter().collect();
    rooms.sort_by_key(|room| std::cmp::Reverse(room.level));
    let mut table = String::from("| level | crate | folder | may import |\n|---|---|---|---|\n");
    for room in rooms {
        let level = room.level.map_or_else(|| "beside".to_owned(), |level| level.to_string());
        let may =
            if room.may.is_empty() { "nothing of ours".to_owned() } else { room.may.join(", ") };
        table += &format!("| {level} | `{}` | `{}/` | {may} |\n", room.name, room.path);
    }
    table
}

#[derive(Deserialize)]
struct Registry {
    spec: Spec,
    #[serde(default)]
    req: Vec<Requirement>,
}

#[derive(Deserialize)]
struct Spec {
    doc: String,
    title: String,
}

#[derive(Deserialize)]
struct Requirement {
    level: String,
    test: String,
}

/// How much of each specification is in the registry, and how much of that can be tested.
fn coverage_table(sources: &[Source]) -> String {
    let mut rows = BTreeMap::new();
    for source in sources.iter().filter(|source| source.path.starts_with("conformance/spec")) {
        // Only registries have a `[spec]`; what is wrong with one, `cargo xtask spec check` says.
        let Ok(registry) = toml::from_str::<Registry>(&source.text) else { continue };
        let testable = registry.req.iter().filter(|req| req.test != "none");
        let musts = testable.clone().filter(|req| req.level == "MUST").count();
        let number = registry.spec.doc.trim_start_matches("rfc").to_owned();
        let row = format!(
            "| RFC {number} | {} | {} | {} | {musts} |\n",
            registry.spec.title,
            registry.req.len(),
            testable.count(),
        );
        rows.insert(number, row);
    }
    let head =
        "| document | title | requirements | testable | of these MUST |\n|---|---|---|---|---|\n";
    head.to_owned() + &rows.into_values().collect::<String>()
}

/// How many bugs are planted.
fn mutants_count(sources: &[Source]) -> String {
    let listed = sources.iter().find(|source| source.path == Path::new("conformance/mutants.toml"));
    let count =
        listed.map_or(0, |list| list.lines().filter(|(_, line)| *line == "[[mutant]]").count());
    format!("{count} bugs are planted in our own code; the suite must kill each of them.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_written_between_its_markers() {
        let text = "a\n<!-- generated: mutants -->\nold\n<!-- end -->\nb\n";
        let list = "[[mutant]]\nname = \"x\"\n";
        let sources = [Source { path: "conformance/mutants.toml".into(), text: list.into() }];
        let (fresh, complaints) = renew(text, &sources);
        insta::assert_snapshot!(fresh, @r"
        a
        <!-- generated: mutants -->

        1 bugs are planted in our own code; the suite must kill each of them.

        <!-- end -->
        b
        ");
        assert_eq!(complaints, []);
        assert_eq!(renew(&fresh, &sources).0, fresh);
    }

    #[test]
    fn an_unknown_part_is_a_complaint() {
        let (_, complaints) = renew("<!-- generated: moon -->\n<!-- end -->\n", &[]);
        assert_eq!(complaints, [(1, "no generated part is called `moon`".to_owned())]);
    }
}
