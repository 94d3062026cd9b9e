//! `cargo xtask spec`: the requirement registry and the RFC texts it was read from.
//!
//! | file | what |
//! |---|---|
//! | `spec/registry.rs` | the committed registry, read by the suite's own reader |
//! | `spec/form.rs` | what each entry must be like, with or without the texts |
//! | `spec/sentences.rs` | finds the sections and normative statements of an RFC text |
//! | `spec/texts.rs` | holds the registry against the texts |
//! | `spec/skeleton.rs` | entries for a contributor to fill in |
//! | `spec/sections.rs` | the index of documents and sections, `conformance/spec/sections.toml` |
//! | `spec/known.rs` | facts for the index that the texts on hand do not tell |
//! | `spec/table.rs` | the table of counts |
//!
//! The texts are no part of the repository: the registry holds our own words and a hash of each sentence.

#[cfg(test)]
mod fixture;
mod form;
mod known;
mod registry;
mod sections;
mod sentences;
mod skeleton;
#[path = "../../conformance/src/registry/source.rs"]
#[expect(dead_code, unreachable_pub, reason = "the file is written for the conformance suite")]
mod source;
mod table;
mod texts;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::process;

/// What `--help` says of exit codes.
const EXIT_CODES: &str = "Exit codes:
  0  the registry is sound, or the output was written
  1  faults were found; each is a line with file, line, fault and remedy
  2  the command line is wrong
  4  a directory or text that was named cannot be read";

/// Check the requirement registry, and help to write it.
#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    /// Check conformance/spec, also against the RFC texts if a directory of them is given.
    ///
    /// Without texts: keys, ids, levels, actors, sections, order and reasons. With texts: every sentence
    /// with a key word has an entry, every hash still belongs to a sentence, and levels agree.
    #[command(after_help = EXIT_CODES)]
    Check {
        /// Directory with the plain texts, named as rfc8489.txt.
        #[arg(long, value_name = "DIR")]
        rfc_dir: Option<PathBuf>,
    },
    /// Print an entry to fill in for each normative sentence of the documents named.
    Extract {
        /// Directory with the plain texts, named as rfc8489.txt.
        #[arg(long, value_name = "DIR")]
        rfc_dir: PathBuf,
        /// Leave out sentences that the registry already has.
        #[arg(long)]
        missing: bool,
        /// Documents, such as rfc8489.
        #[arg(required = true)]
        documents: Vec<String>,
    },
    /// Write conformance/spec/sections.toml from the texts and from what is known besides.
    Sections {
        /// Directory with the plain texts, named as rfc8489.txt.
        #[arg(long, value_name = "DIR")]
        rfc_dir: PathBuf,
    },
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let done = match &arguments.task {
        Task::Check { rfc_dir } => check(rfc_dir.as_deref()),
        Task::Extract { rfc_dir, missing, documents } => extract(rfc_dir, *missing, documents),
        Task::Sections { rfc_dir } => write_sections(rfc_dir),
    };
    done.unwrap_or_else(|error| {
        anstream::eprintln!("error: {error}");
        process::exit(process::ENVIRONMENT)
    })
}

fn check(rfc_dir: Option<&Path>) -> Result<ExitCode, String> {
    let texts = rfc_dir.map(texts::Texts::read).transpose()?;
    let mut faults = Vec::new();
    let index = sections::Index::load(&process::root()).unwrap_or_else(|fault| {
        faults.push(fault);
        sections::Index::default()
    });
    let files = registry::load(&process::root(), &mut faults);
    faults.extend(form::check(&files, &index));
    if let Some(texts) = &texts {
        faults.extend(texts::check(&files, texts));
    }
    faults.iter().for_each(|fault| anstream::eprintln!("{fault}"));
    anstream::println!("{}", table::render(&files, texts.as_ref()));
    for file in &files {
        if texts.as_ref().is_some_and(|texts| texts.get(&file.spec.doc).is_none()) {
            anstream::println!("no text of {} in the directory: form checked only", file.spec.doc);
        }
    }
    anstream::println!("spec: {} documents, {} faults", files.len(), faults.len());
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn extract(rfc_dir: &Path, missing: bool, documents: &[String]) -> Result<ExitCode, String> {
    let texts = texts::Texts::read(rfc_dir)?;
    let mut faults = Vec::new();
    let files = registry::load(&process::root(), &mut faults);
    for document in documents {
        let text = texts.get(document).ok_or_else(|| {
            format!("{} holds no {document}.txt: fetch the plain text", rfc_dir.display())
        })?;
        let file = files.iter().find(|file| missing && file.spec.doc == *document);
        anstream::print!("{}", skeleton::render(document, &sentences::statements(text), file));
    }
    Ok(ExitCode::SUCCESS)
}

fn write_sections(rfc_dir: &Path) -> Result<ExitCode, String> {
    let texts = texts::Texts::read(rfc_dir)?;
    let index = sections::Index::from_texts(&texts);
    let path = process::root().join(sections::PATH);
    std::fs::write(&path, index.to_string())
        .map_err(|error| format!("{}: {error}; run this in a writable checkout", path.display()))?;
    anstream::println!("{}: {} documents", sections::PATH, index.len());
    Ok(ExitCode::SUCCESS)
}
