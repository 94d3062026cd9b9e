//! Functions and files stay short.
//!
//! The exceptions are listed in `xtask/lengths.toml` with their exact length. The list may only shrink: an
//! entry that is longer or new against any version ever committed is a finding, so that a growth does not
//! pass by being committed first. So is an entry that has become shorter without the list saying so
//! (`cargo xtask tidy --fix` lowers it).

use std::{collections::BTreeMap, path::Path, process::Command};

use serde::{Deserialize, Serialize};
use syn::{spanned::Spanned as _, visit::Visit};

use super::{Finding, Source};
use crate::process;

/// Longest function, in lines from its signature to its closing brace.
const FUNCTION_LINES: usize = 70;
/// Longest file, in lines, tests included.
const FILE_LINES: usize = 600;
/// Where the exceptions are listed.
const LIST: &str = "xtask/lengths.toml";

/// The exceptions: `path` or `path::function` to its length in lines.
#[derive(Default, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Exceptions {
    files: BTreeMap<String, usize>,
    functions: BTreeMap<String, usize>,
}

/// A length, and where it was measured.
struct Measured {
    key: String,
    line: usize,
    lines: usize,
}

pub(super) fn check(root: &Path, sources: &[Source], fix: bool) -> Vec<Finding> {
    let text = std::fs::read_to_string(root.join(LIST)).unwrap_or_default();
    let mut list: Exceptions = match toml::from_str(&text) {
        Ok(list) => list,
        Err(error) => return vec![Finding::new(LIST, 0, error.message().to_owned())],
    };
    let rust = || sources.iter().filter(|source| source.is("rs"));
    let files: Vec<Measured> = rust()
        .map(|source| {
            let key = source.path.display().to_string();
            Measured { key, line: 0, lines: source.text.lines().count() }
        })
        .collect();
    let functions: Vec<Measured> = rust().flat_map(functions).collect();
    if fix {
        lower(&mut list.files, &files, FILE_LINES);
        lower(&mut list.functions, &functions, FUNCTION_LINES);
        if let Err(finding) = write(root, &list) {
            return vec![finding];
        }
    }
    let mut findings = hold("file", FILE_LINES, &files, &list.files);
    findings.extend(hold("function", FUNCTION_LINES, &functions, &list.functions));
    for before in committed(root) {
        findings.extend(grown(&before.files, &list.files));
        findings.extend(grown(&before.functions, &list.functions));
    }
    findings.sort();
    findings.dedup();
    findings
}

/// Measures against the limit and against the list.
fn hold(
    what: &str,
    limit: usize,
    measured: &[Measured],
    list: &BTreeMap<String, usize>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for it in measured {
        let path = it.key.split("::").next().unwrap_or_default();
        let (allowed, lines) = (list.get(&it.key).copied(), it.lines);
        let says = match allowed {
            None if lines > limit => {
                format!(
                    "the {what} has {lines} lines, {limit} are the limit: split it by responsibility"
                )
            }
            Some(allowed) if lines > allowed => {
                format!(
                    "the {what} has grown from {allowed} to {lines} lines: exceptions only shrink"
                )
            }
            Some(allowed) if lines < allowed => {
                format!("the {what} has shrunk to {lines} lines: run `cargo xtask tidy --fix`")
            }
            _ => continue,
        };
        findings.push(Finding::new(path, it.line, says));
    }
    for key in list.keys().filter(|key| measured.iter().all(|it| it.key != **key)) {
        findings.push(Finding::new(LIST, 0, format!("`{key}` is gone: remove its line")));
    }
    findings
}

/// Lowers the list to what was measured, and drops what needs no exception any more.
fn lower(list: &mut BTreeMap<String, usize>, measured: &[Measured], limit: usize) {
    list.retain(|key, allowed| {
        let lines = measured.iter().find(|it| it.key == *key).map_or(0, |it| it.lines);
        *allowed = lines.min(*allowed);
        lines > limit
    });
}

fn write(root: &Path, list: &Exceptions) -> Result<(), Finding> {
    let head = "# Exceptions of `cargo xtask tidy`: this list may only shrink.\n";
    let body = toml::to_string(list).map_err(|error| Finding::new(LIST, 0, error.to_string()))?;
    std::fs::write(root.join(LIST), format!("{head}{body}"))
        .map_err(|error| Finding::new(LIST, 0, error.to_string()))
}

/// Every version of the list in the history at hand; a shallow clone has but the last.
fn committed(root: &Path) -> Vec<Exceptions> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        process::output(command.current_dir(root).args(arguments))
    };
    let commits = git(&["log", "--format=%H", "--", LIST]).unwrap_or_default();
    let version = |commit: &str| toml::from_str(&git(&["show", &format!("{commit}:{LIST}")])?).ok();
    commits.lines().filter_map(version).collect()
}

fn grown(before: &BTreeMap<String, usize>, now: &BTreeMap<String, usize>) -> Vec<Finding> {
    let worse = now.iter().filter(|(key, lines)| before.get(*key).is_none_or(|old| *lines > old));
    let says = |key: &String| {
        format!("the exception for `{key}` is new or longer: exceptions only shrink")
    };
    worse.map(|(key, _)| Finding::new(LIST, 0, says(key))).collect()
}

/// The functions of a file. One that does not parse yields none: the compiler says so better.
fn functions(source: &Source) -> Vec<Measured> {
    let Ok(file) = syn::parse_file(&source.text) else { return Vec::new() };
    let mut walk = Walk { path: source.path.display().to_string(), found: Vec::new() };
    walk.visit_file(&file);
    walk.found
}

struct Walk {
    path: String,
    found: Vec<Measured>,
}

impl Walk {
    fn note(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (first, last) = (signature.span().start().line, block.span().end().line);
        let key = format!("{}::{}", self.path, signature.ident);
        self.found.push(Measured { key, line: first, lines: last + 1 - first });
    }
}

impl<'ast> Visit<'ast> for Walk {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.sig, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.note(&function.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(key: &str, lines: usize) -> Measured {
        Measured { key: key.into(), line: 1, lines }
    }

    #[test]
    fn measures_from_the_signature_to_the_brace() {
        let text =
            "/// Doc.\n#[inline]\nfn f(\n    a: u8,\n) -> u8 {\n    a\n}\nimpl X { fn g() {} }\n";
        let found = functions(&Source { path: "a.rs".into(), text: text.into() });
        let found: Vec<_> = found.iter().map(|it| (it.key.as_str(), it.line, it.lines)).collect();
        assert_eq!(found, [("a.rs::f", 3, 5), ("a.rs::g", 8, 1)]);
    }

    #[test]
    fn long_grown_shrunk_and_vanished_are_findings() {
        let list = BTreeMap::from([
            ("b".into(), 80),
            ("c".into(), 80),
            ("d".into(), 80),
            ("e".into(), 80),
        ]);
        let lengths = [measured("a", 71), measured("b", 81), measured("c", 79), measured("d", 80)];
        let says: Vec<String> = hold("function", 70, &lengths, &list)
            .into_iter()
            .map(|finding| finding.to_string())
            .collect();
        insta::assert_snapshot!(says.join("\n"), @r"
        a:1: the function has 71 lines, 70 are the limit: split it by responsibility
        b:1: the function has grown from 80 to 81 lines: exceptions only shrink
        c:1: the function has shrunk to 79 lines: run `cargo xtask tidy --fix`
        xtask/lengths.toml:0: `e` is gone: remove its line
        ");
    }

    #[test]
    fn the_list_may_not_grow() {
        let before = BTreeMap::from([("a".to_owned(), 80)]);
        assert_eq!(grown(&before, &BTreeMap::from([("a".to_owned(), 75)])), []);
        assert_eq!(grown(&before, &BTreeMap::from([("a".to_owned(), 81)])).len(), 1);
        assert_eq!(grown(&before, &BTreeMap::from([("b".to_owned(), 71)])).len(), 1);
    }

    #[test]
    fn lowering_drops_what_fits() {
        let mut list =
            BTreeMap::from([("a".to_owned(), 80), ("b".to_owned(), 90), ("c".to_owned(), 90)]);
        lower(&mut list, &[measured("a", 75), measured("b", 60)], 70);
        assert_eq!(list, BTreeMap::from([("a".to_owned(), 75)]));
    }

    #[test]
    fn a_growth_does_not_pass_by_being_committed() {
        let root = std::env::temp_dir().join(format!("peerlab-lengths-{}", std::process::id()));
        std::fs::create_dir_all(root.join("xtask")).unwrap();
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.args(["-c", "user.name=test", "-c", "user.email=test@example.org"]);
            assert!(process::succeeds(command.current_dir(&root).args(arguments)), "{arguments:?}");
        };
        git(&["init"]);
        for list in ["[files]\n", "[files]\n\"a.rs\" = 700\n"] {
            std::fs::write(root.join(LIST), list).unwrap();
            git(&["add", LIST]);
            git(&["commit", "-m", "a version"]);
        }
        let found = check(&root, &[Source { path: "a.rs".into(), text: "\n".repeat(700) }], false);
        std::fs::remove_dir_all(&root).unwrap();
        let says: Vec<String> = found.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(says.join("\n"), @"xtask/lengths.toml:0: the exception for `a.rs` is new or longer: exceptions only shrink");
    }
}
