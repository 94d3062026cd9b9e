//! Reading and writing `run.json`, with errors that name the file, the line and the remedy.

use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use thiserror::Error;

use super::{Capture, Run, SCHEMA};

/// Why a run cannot be read. Each is one line that names the file and says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{}: cannot read the run: {source}; check the path", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a run.
    #[error("{}:{line}: not a run.json of this schema: {what}; write the run again", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// The file is of a version that this build does not read.
    #[error(
        "{}:{line}: schema {found}, but this build reads schema {SCHEMA}; {}",
        path.display(),
        version_remedy(*found)
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The line that names the version, counted from 1.
        line: usize,
        /// The version of the file.
        found: u32,
    },
}

fn version_remedy(found: u32) -> &'static str {
    if found > SCHEMA {
        "update Peerlab, or read it with the version that wrote it"
    } else {
        "write the run again with this version"
    }
}

/// Why a run cannot be written.
#[derive(Debug, Error)]
#[error("{}: cannot write the run: {source}; choose a folder that can be written", path.display())]
pub struct SaveError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

#[derive(Deserialize)]
struct Probe {
    schema: u32,
}

impl Run {
    /// Reads a run.
    ///
    /// # Errors
    /// [`LoadError`], if the file cannot be read, is of another version, or is not a sound run.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path)
            .map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads a run from its text; `path` is named in errors.
    ///
    /// # Errors
    /// [`LoadError`], if the text is of another version or is not a sound run.
    pub fn parse(text: &str, path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        let malformed = |line: usize, what: String| LoadError::Malformed {
            path: path.to_owned(),
            line: line.max(1),
            what,
        };
        let json = |error: &serde_json::Error| malformed(error.line(), describe(error));
        // The version comes first: an unknown field of a newer version is not the news.
        let Probe { schema } = serde_json::from_str(text).map_err(|error| json(&error))?;
        if schema != SCHEMA {
            let line = line_of(text, "\"schema\"");
            return Err(LoadError::Version { path: path.to_owned(), line, found: schema });
        }
        let run: Self = serde_json::from_str(text).map_err(|error| json(&error))?;
        run.check().map_err(|fault| malformed(line_of(text, &fault.near), fault.what))?;
        Ok(run)
    }

    /// The document as text: the same run always gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("the model has only string keys");
        text.push('\n');
        text
    }

    /// Writes the document, and the folders above it.
    ///
    /// # Errors
    /// [`SaveError`], if the system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), SaveError> {
        let path = path.as_ref();
        let refuse = |source| SaveError { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(refuse)?;
        }
        fs::write(path, self.to_json()).map_err(refuse)
    }

    /// Puts captures of at most `limit` bytes into the document, so that a page made from it can
    /// offer them without the files. `folder` is where `run.json` lies. Files that are absent or
    /// too large stay references.
    pub fn embed_captures(&mut self, folder: impl AsRef<Path>, limit: u64) {
        for capture in self.results.iter_mut().filter_map(|result| result.capture.as_mut()) {
            if let Some(embedded) = embed(folder.as_ref(), capture, limit) {
                *capture = embedded;
            }
        }
    }
}

fn embed(folder: &Path, capture: &Capture, limit: u64) -> Option<Capture> {
    let Capture::Path(path) = capture else { return None };
    let file = folder.join(path);
    if fs::metadata(&file).ok()?.len() > limit {
        return None;
    }
    let base64 = STANDARD.encode(fs::read(&file).ok()?);
    let name = file.file_name()?.to_str()?.to_owned();
    Some(Capture::Embedded { name, base64 })
}

/// The error without the position that `serde_json` appends: the position has its own place.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}

/// The line on which `near` first stands, counted from 1.
fn line_of(text: &str, near: &str) -> usize {
    let before = text.split(near).next().unwrap_or_default();
    if before.len() == text.len() { 1 } else { before.matches('\n').count() + 1 }
}
