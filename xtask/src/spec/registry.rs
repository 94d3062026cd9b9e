//! The committed registry, read by the same code as in the conformance suite.

use std::path::Path;

use super::source::{self, SpecError, SpecFile};

/// Where the spec files are, from the root of the workspace.
pub(super) const DIRECTORY: &str = "conformance/spec";

/// A spec file and the path that errors name it by.
pub(super) struct File {
    pub(super) path: String,
    pub(super) spec: source::Spec,
    pub(super) entries: Vec<source::Entry>,
}

impl File {
    /// Parses the text of one spec file.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, SpecError> {
        let SpecFile { spec, requirements } = source::parse(path, text)?;
        Ok(Self { path: path.to_owned(), spec, entries: requirements })
    }

    /// A fault of this file at a line, 0 for the file as a whole.
    pub(super) fn fault(&self, line: usize, problem: String, remedy: &str) -> SpecError {
        SpecError { file: self.path.clone(), line, problem, remedy: remedy.to_owned() }
    }
}

/// All spec files under `root` that can be read; what cannot be becomes a fault.
pub(super) fn load(root: &Path, faults: &mut Vec<SpecError>) -> Vec<File> {
    let texts = match source::read_dir(&root.join(DIRECTORY)) {
        Ok(texts) => texts,
        Err(fault) => {
            faults.push(fault);
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for (path, text) in texts {
        let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        match File::parse(&format!("{DIRECTORY}/{name}"), &text) {
            Ok(file) => files.push(file),
            Err(fault) => faults.push(fault),
        }
    }
    files
}
