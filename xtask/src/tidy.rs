//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! | file | rule |
//! |---|---|
//! | `tidy/arrows.rs` | who may import whom; the table is the architecture |
//! | `tidy/citations.rs` | RFC citations have one grammar and lead somewhere |
//! | `tidy/lengths.rs` | functions and files stay short; exceptions only shrink |
//! | `tidy/generated.rs` | parts of documents that are written by machine are up to date |
//! | `tidy/words.rs` | what does not belong in the tree |

mod arrows;
mod citations;
mod generated;
mod lengths;
mod words;

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use crate::process;

/// Check the rules of the house that no compiler checks.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rewrite what can be mended by machine: generated parts, and lengths that have shrunk.
    #[arg(long)]
    fix: bool,
}

/// A rule that a line breaks.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: PathBuf,
    /// Counted from 1; 0 if the finding is about the whole file.
    line: usize,
    /// What is wrong, and what to do.
    says: String,
}

impl Finding {
    fn new(path: impl Into<PathBuf>, line: usize, says: impl Into<String>) -> Self {
        Self { path: path.into(), line, says: says.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.says)
    }
}

/// A file of the tree, read once.
struct Source {
    /// Relative to the root.
    path: PathBuf,
    text: String,
}

impl Source {
    fn is(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|it| it == extension)
    }

    /// The lines with their numbers, counted from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let root = process::root();
    let sources = match sources(&root) {
        Ok(sources) => sources,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            return process::exit(process::ENVIRONMENT);
        }
    };
    let mut findings = arrows::check(&root, &sources);
    findings.extend(citations::check(&root, &sources));
    findings.extend(lengths::check(&root, &sources, arguments.fix));
    findings.extend(generated::check(&root, &sources, arguments.fix));
    findings.extend(words::check(&sources));
    findings.sort();
    findings.iter().for_each(|finding| anstream::eprintln!("{finding}"));
    anstream::println!("tidy: {} files, {} findings", sources.len(), findings.len());
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The text files git knows or would add, in the order of their paths.
fn sources(root: &Path) -> Result<Vec<Source>, String> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listed = process::output(&mut git).ok_or(
        "`git ls-files` failed: run `cargo xtask tidy` in a git checkout, with git installed",
    )?;
    let mut paths: Vec<PathBuf> = listed.lines().map(PathBuf::from).collect();
    paths.sort();
    paths.dedup();
    let read = |path: PathBuf| {
        // Corpora and captures are not text, and a file may be deleted but not yet committed.
        let text = std::fs::read_to_string(root.join(&path)).ok()?;
        Some(Source { path, text })
    };
    Ok(paths.into_iter().filter_map(read).collect())
}
