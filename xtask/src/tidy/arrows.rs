//! Who may import whom.
//!
//! The table below is the architecture. A new arrow is a line in it, with its reason in the commit.

use std::path::Path;

use super::{Finding, Source};

/// A room of the house and the arrows that may leave it.
pub(super) struct Room {
    /// Folder of the crate.
    pub(super) path: &'static str,
    /// Name of its library as code imports it.
    pub(super) name: &'static str,
    /// Level in the picture: arrows point to lower levels only. `None` for rooms beside the stack.
    pub(super) level: Option<u8>,
    /// Rooms it may import.
    pub(super) may: &'static [&'static str],
}

/// Every crate of the workspace, from the bottom up.
pub(super) const ROOMS: &[Room] = &[
    Room { path: "impl/base", name: "base", level: Some(0), may: &[] },
    Room { path: "impl/crypto", name: "crypto", level: Some(1), may: &["base"] },
    Room { path: "impl/runtime", name: "runtime", level: Some(1), may: &["base"] },
    Room { path: "impl/stun", name: "stun", level: Some(2), may: &["base", "crypto"] },
    Room { path: "impl/sctp", name: "sctp", level: Some(2), may: &["base", "crypto"] },
    Room { path: "impl/dtls", name: "dtls", level: Some(3), may: &["base", "crypto"] },
    Room {
        path: "impl/datachannel",
        name: "datachannel",
        level: Some(3),
        may: &["base", "crypto", "sctp"],
    },
    Room { path: "impl/ice", name: "ice", level: Some(3), may: &["base", "crypto", "stun"] },
    Room { path: "impl/turn", name: "turn", level: Some(3), may: &["base", "crypto", "stun"] },
    Room {
        path: "impl/peer",
        name: "peer",
        level: Some(4),
        may: &["base", "crypto", "stun", "ice", "turn"],
    },
    Room {
        path: "impl/webrtc",
        name: "peerlab",
        level: Some(5),
        may: &[
            "base",
            "crypto",
            "runtime",
            "stun",
            "sctp",
            "dtls",
            "datachannel",
            "ice",
            "turn",
            "peer",
        ],
    },
    Room { path: "simnet/core", name: "simnet", level: None, may: &["base"] },
    // Roles of scenarios speak STUN, ICE and TURN, and so need a provider of hashes.
    Room {
        path: "simnet/lab",
        name: "lab",
        level: None,
        may: &["base", "crypto", "stun", "ice", "turn", "peer", "simnet"],
    },
    // Worlds of whole peers, with the presets of the laboratory.
    Room {
        path: "simnet/swarm",
        name: "swarm",
        level: None,
        may: &[
            "base",
            "crypto",
            "stun",
            "sctp",
            "dtls",
            "datachannel",
            "ice",
            "turn",
            "peer",
            "simnet",
            "lab",
        ],
    },
    // The kernel's NAT is held against the presets.
    Room { path: "simnet/oracle", name: "oracle", level: None, may: &["simnet", "lab"] },
    // What asynchronous code asks of its surroundings is defined where the driver can see it.
    Room {
        path: "simnet/runners",
        name: "runners",
        level: None,
        may: &["base", "runtime", "simnet"],
    },
    Room { path: "conformance/wire", name: "wire", level: None, may: &[] },
    Room { path: "reports", name: "reports", level: None, may: &[] },
    Room {
        path: "conformance",
        name: "conformance",
        level: None,
        may: &[
            "base",
            "crypto",
            "stun",
            "sctp",
            "dtls",
            "datachannel",
            "ice",
            "turn",
            "simnet",
            "lab",
            "wire",
            "reports",
        ],
    },
    // BoringSSL's runner is the suite; the shim only adapts.
    Room { path: "conformance/bogo", name: "bogo", level: None, may: &["base", "crypto", "dtls"] },
    Room {
        path: "conformance/fuzz",
        name: "fuzz",
        level: None,
        may: &[
            "base",
            "crypto",
            "stun",
            "sctp",
            "dtls",
            "datachannel",
            "ice",
            "turn",
            "simnet",
            "lab",
            "wire",
        ],
    },
    Room { path: "xtask", name: "xtask", level: None, may: &[] },
];

/// Rooms of the implementation that the suite may touch only where a subject is adapted, so that a case
/// cannot be blind where the implementation is.
const ADAPTED: &[&str] = &["crypto", "stun", "sctp", "dtls", "datachannel", "ice", "turn"];

/// The folders of the suite where they may be imported: subjects, and the race that puts whole stacks side by side
/// and judges nothing.
const ADAPTERS: &[&str] = &["conformance/src/subjects", "conformance/src/goodput"];

/// Other people's stacks: subjects and oracles of the suite, never part of the implementation.
const FOREIGN: &[&str] = &[
    "dcsctp",
    "dimpl",
    "is",
    "rtc-crypto",
    "rtc-ice",
    "rtc-stun",
    "sctp-proto",
    "stun-proto",
    "stun-types",
    "turn-client-proto",
    "turn-server-proto",
    "turn-types",
];

pub(super) fn check(root: &Path, sources: &[Source]) -> Vec<Finding> {
    let mut findings = packages(root);
    findings.extend(levels());
    findings.extend(sources.iter().flat_map(imports));
    findings
}

/// Holds the manifests against the table.
fn packages(root: &Path) -> Vec<Finding> {
    let manifest = root.join("Cargo.toml");
    let command = cargo_metadata::MetadataCommand::new().manifest_path(manifest).no_deps().exec();
    let metadata = match command {
        Ok(metadata) => metadata,
        Err(error) => {
            return vec![Finding::new("Cargo.toml", 0, format!("cargo metadata: {error}"))];
        }
    };
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        let path = package.manifest_path.as_std_path();
        let path = path.strip_prefix(root).unwrap_or(path);
        let folder = path.parent().unwrap_or(path);
        let Some(room) = ROOMS.iter().find(|room| Path::new(room.path) == folder) else {
            let says = "not in the arrow table: add it to xtask/src/tidy/arrows.rs";
            findings.push(Finding::new(path, 0, says));
            continue;
        };
        for dependency in &package.dependencies {
            findings.extend(arrow(path, room, dependency));
        }
    }
    findings
}

/// The rooms whose networks the tests of every other room may use: for machines, and for drivers.
const TEST_BENCHES: &[&str] = &["simnet", "runners"];

fn arrow(path: &Path, room: &Room, to: &cargo_metadata::Dependency) -> Option<Finding> {
    let (from, name) = (room.name, to.name.as_str());
    let target =
        ROOMS.iter().find(|other| to.path.as_ref().is_some_and(|path| path.ends_with(other.path)));
    let in_tests = to.kind == cargo_metadata::DependencyKind::Development;
    let says = match target {
        Some(target) if TEST_BENCHES.contains(&target.name) && in_tests => return None,
        Some(target) if !room.may.contains(&target.name) => format!(
            "the arrow {from} → {} is not in the table of xtask/src/tidy/arrows.rs",
            target.name
        ),
        None if room.level.is_some() && FOREIGN.contains(&name) => {
            format!(
                "{name} is another stack: it may be a subject in conformance/, not a part of {from}"
            )
        }
        _ => return None,
    };
    Some(Finding::new(path, 0, says))
}

/// Holds the table against its own picture: arrows point down.
fn levels() -> Vec<Finding> {
    let level =
        |name: &str| ROOMS.iter().find(|room| room.name == name).and_then(|room| room.level);
    let mut findings = Vec::new();
    for room in ROOMS {
        for name in room.may {
            let down = room.level.is_none_or(|from| level(name).is_some_and(|to| to < from));
            if !down {
                let says = format!("the arrow {} → {name} does not point down", room.name);
                findings.push(Finding::new("xtask/src/tidy/arrows.rs", 0, says));
            }
        }
    }
    findings
}

/// Keeps the implementation out of the cases.
fn imports(source: &Source) -> Vec<Finding> {
    let suite =
        source.path.starts_with("conformance/src") || source.path.starts_with("conformance/tests");
    let adapter = ADAPTERS.iter().any(|folder| source.path.starts_with(folder))
        || source.path == Path::new("conformance/src/subjects.rs");
    if !suite || adapter || !source.is("rs") {
        return Vec::new();
    }
    let names_it = |line: &str, name: &str| {
        let code = line.split("//").next().unwrap_or_default();
        // A branch of an import tree, as in `use wire::{…, stun::{…}}`, is another crate's module.
        let code = code.trim_start().strip_prefix(&format!("{name}::{{")).unwrap_or(code);
        code.match_indices(&format!("{name}::")).any(|(at, _)| {
            let before = code.get(..at).unwrap_or_default();
            !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
        })
    };
    let mut findings = Vec::new();
    for (number, line) in source.lines() {
        for name in ADAPTED.iter().filter(|name| names_it(line, name)) {
            let says = format!(
                "`{name}` may be imported only in {}: a case sees the wire and the subject's interface",
                ADAPTERS.join(", ")
            );
            findings.push(Finding::new(&source.path, number, says));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn the_table_points_down() {
        assert_eq!(levels(), []);
    }

    #[test]
    fn a_case_may_not_import_the_implementation() {
        let text = "use wire::{\n    stun::{Message},\n};\nuse stun::Message;\n// stun::Message\nlet x = my_stun::f();\n";
        let found = imports(&source("conformance/src/cases/stun.rs", text));
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [4]);
        assert_eq!(imports(&source("conformance/src/subjects/ours.rs", text)), []);
    }

    #[test]
    fn the_workspace_keeps_to_the_table() {
        assert_eq!(packages(&crate::process::root()), []);
    }
}
