//! The folder of a run: `run.json`, the views, and one folder per recorded case.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use reports::model::Run;

use crate::{
    assemble,
    execute::{Files, Job},
    exit::Refusal,
    replay::Recorded,
    runner::Done,
};

/// Bytes up to which a capture goes into the HTML page itself.
const EMBEDDED: u64 = 64 * 1024;

/// Where a run leaves its files.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// The files of a run that people open, in the order in which they are named to them.
pub const VIEWS: [(&str, &str); 4] = [
    ("run.json", "everything, for programs"),
    ("junit.xml", "for CI systems"),
    ("report.md", "for a pull request"),
    ("report.html", "for people"),
];

impl Folder {
    /// Prepares the folder at `path`: makes it, tries that it can be written, and removes what an
    /// earlier run left there.
    ///
    /// # Errors
    ///
    /// One line that names the folder, if the system refuses.
    pub fn prepare(path: &Path) -> Result<Self, Refusal> {
        let folder = Self::open(path)?;
        let (cases, run) = (folder.path.join("cases"), folder.path.join("run.json"));
        // Only an earlier run's case folders are ours to remove.
        if run.is_file() && cases.is_dir() {
            fs::remove_dir_all(&cases).map_err(|error| folder.refuse(&error))?;
        }
        Ok(folder)
    }

    /// The folder at `path`: made if it is not there, tried whether it can be written, and else left
    /// as it is.
    ///
    /// # Errors
    ///
    /// One line that names the folder, if the system refuses.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        let folder = Self { path: path.to_owned() };
        let probe = folder.path.join(".probe");
        fs::create_dir_all(path).map_err(|error| folder.refuse(&error))?;
        fs::write(&probe, "").map_err(|error| folder.refuse(&error))?;
        fs::remove_file(&probe).map_err(|error| folder.refuse(&error))?;
        Ok(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the recording of one job, if it has one.
    ///
    /// # Errors
    ///
    /// One line that names the file, if the system refuses.
    pub fn write_case(&self, job: &Job<'_>, done: &Done, seed: u64) -> Result<(), Refusal> {
        let Some(files) = &done.executed.files else { return Ok(()) };
        let folder = self.path.join(assemble::folder(job));
        self.write_files(&folder, files).map_err(|error| self.refuse(&error))?;
        let record = Recorded::of(&done.executed.result, seed).to_json();
        fs::write(folder.join("replay.json"), record).map_err(|error| self.refuse(&error))
    }

    fn write_files(&self, folder: &Path, files: &Files) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("ladder.txt"), &files.ladder)?;
        if !files.log.is_empty() {
            fs::write(folder.join("log.jsonl"), &files.log)?;
        }
        if !files.capture.is_empty() {
            fs::write(folder.join("trace.pcapng"), &files.capture)?;
        }
        Ok(())
    }

    /// Writes `run.json` and every view of it.
    ///
    /// # Errors
    ///
    /// One line that names the file, if the system refuses.
    pub fn write_run(&self, run: &Run) -> Result<(), Refusal> {
        let mut page = run.clone();
        page.embed_captures(&self.path, EMBEDDED);
        let texts = [
            ("report.html", reports::html::page(&page)),
            ("run.json", run.to_json()),
            ("junit.xml", reports::junit::xml(run)),
            ("report.md", reports::markdown::report(run)),
            ("badge.svg", reports::badge::svg(run, None)),
        ];
        for (name, text) in texts {
            fs::write(self.path.join(name), text).map_err(|error| self.refuse(&error))?;
        }
        Ok(())
    }

    fn refuse(&self, error: &io::Error) -> Refusal {
        Refusal::environment(format!(
            "{}: the report folder cannot be written ({error}); choose another with --out DIR",
            self.path.display()
        ))
    }
}
