//! The text form of the registry: one TOML file per spec.
//!
//! This file is compiled twice, into the library and into `build.rs`, so that a mistake in a spec file
//! reads the same at build time and under `--spec-dir`. It therefore uses nothing else of the crate.

use std::{collections::BTreeMap, fmt, ops::Range, path::Path};

use serde::Deserialize;
use toml::Spanned;

/// One spec file, checked.
#[derive(Clone, Debug)]
pub struct SpecFile {
    /// The `[spec]` table.
    pub spec: Spec,
    /// The `[[req]]` tables in file order.
    pub requirements: Vec<Entry>,
}

/// What the requirements of a file come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Document name, for example `rfc8489`.
    pub doc: String,
    /// The document's title.
    pub title: String,
    /// The title in a word or two, for tables.
    pub short: String,
    /// Layer of the summary table.
    pub layer: String,
    /// Documents this one replaces.
    #[serde(default)]
    pub obsoletes: Vec<String>,
    /// Documents that amend this one.
    #[serde(default)]
    pub updated_by: Vec<String>,
    /// The older document whose ids this file carries on.
    #[serde(default)]
    pub renumbered_from: Option<String>,
    /// The titles of the sections that state something, by number.
    #[serde(default)]
    pub sections: BTreeMap<String, String>,
}

/// One normative statement.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Permanent id.
    pub id: String,
    /// Document, when it differs from the file's.
    pub doc: Option<String>,
    /// Section number without the sign.
    pub sec: String,
    /// `MUST`, `SHOULD`, `MAY` or `IMPLICIT`.
    pub level: String,
    /// Who has to keep it.
    pub actor: String,
    /// `send`, `receive`, `state` or `doc`.
    pub side: String,
    /// The statement in our own words.
    pub says: String,
    /// Hashes of the source sentences.
    pub text: Vec<String>,
    /// `wire`, `api`, `sim`, `vector` or `none`.
    pub test: String,
    /// Why nothing tests it, from the closed list.
    pub why: Option<String>,
    /// The same in a sentence.
    pub reason: Option<String>,
    /// The document that overrides the statement.
    pub by: Option<String>,
    /// Number of the erratum that introduces the statement.
    pub erratum: Option<u32>,
    /// Where the rule was seen broken.
    pub seen: Vec<String>,
    /// Line of the id in its file, counted from 1.
    pub line: usize,
}

/// What is wrong with a spec file: where, what, and what to do about it, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// The file, relative to the workspace when it is inside.
    pub file: String,
    /// The line, counted from 1; 0 when no line is to blame.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}; {}", self.file, self.problem, self.remedy),
            line => write!(f, "{}:{line}: {}; {}", self.file, self.problem, self.remedy),
        }
    }
}

impl std::error::Error for SpecError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    spec: Spec,
    #[serde(default)]
    req: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    id: Spanned<String>,
    #[serde(default)]
    doc: Option<String>,
    sec: String,
    level: Spanned<String>,
    actor: String,
    side: Spanned<String>,
    says: Spanned<String>,
    #[serde(default)]
    text: Option<Spanned<Vec<String>>>,
    test: Spanned<String>,
    #[serde(default)]
    why: Option<Spanned<String>>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    erratum: Option<u32>,
    #[serde(default)]
    seen: Vec<String>,
}

const LEVELS: &[&str] = &["MUST", "SHOULD", "MAY", "IMPLICIT"];
const SIDES: &[&str] = &["send", "receive", "state", "doc"];
const TESTS: &[&str] = &["wire", "api", "sim", "vector", "none"];
const WHYS: &[&str] = &[
    "document",
    "iana",
    "operator",
    "human",
    "unobservable",
    "out-of-scope",
    "overridden",
    "later",
];

/// Reads one spec file. `file` names it in errors.
pub fn parse(file: &str, text: &str) -> Result<SpecFile, SpecError> {
    let raw: RawFile = toml::from_str(text).map_err(|error| toml_error(file, text, &error))?;
    let newlines = text.match_indices('\n').map(|(at, _)| at).collect();
    let check = Check { file, newlines };
    let requirements =
        raw.req.into_iter().map(|entry| check.entry(entry)).collect::<Result<Vec<_>, _>>()?;
    Ok(SpecFile { spec: raw.spec, requirements })
}

/// The first id that occurs twice among `files`, named with both places.
pub fn check_unique(files: &[(String, SpecFile)]) -> Result<(), SpecError> {
    let mut seen: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for (file, spec) in files {
        for entry in &spec.requirements {
            // Ids that differ only in `.` or `-` would become one constant.
            let key = constant_name(&entry.id);
            if let Some((first, line)) = seen.insert(key, (file.clone(), entry.line)) {
                return Err(SpecError {
                    file: file.clone(),
                    line: entry.line,
                    problem: format!(
                        "requirement id `{}` is already taken at {first}:{line}",
                        entry.id
                    ),
                    remedy:
                        "ids are global and permanent: give the new requirement an id of its own"
                            .to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Reads every spec file of a directory in name order; `sections.toml` is not one.
pub fn read_dir(dir: &Path) -> Result<Vec<(String, String)>, SpecError> {
    let unreadable = |path: &Path, error: &std::io::Error| SpecError {
        file: path.display().to_string(),
        line: 0,
        problem: format!("cannot be read ({error})"),
        remedy: "name a directory that holds the spec files, such as conformance/spec".to_owned(),
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| unreadable(dir, &error))? {
        let path = entry.map_err(|error| unreadable(dir, &error))?.path();
        let is_spec = path.extension().is_some_and(|extension| extension == "toml")
            && path.file_name().is_none_or(|name| name != "sections.toml");
        if is_spec {
            paths.push(path);
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            Ok((path.display().to_string(), text))
        })
        .collect()
}

/// The Rust constant for a requirement id: `stun-fingerprint-crc` → `STUN_FINGERPRINT_CRC`.
#[must_use]
pub fn constant_name(id: &str) -> String {
    id.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect()
}

struct Check<'a> {
    file: &'a str,
    /// Where the lines end.
    newlines: Vec<usize>,
}

impl Check<'_> {
    fn entry(&self, raw: RawEntry) -> Result<Entry, SpecError> {
        self.id(&raw.id)?;
        self.one_of("level", &raw.level, LEVELS)?;
        self.one_of("side", &raw.side, SIDES)?;
        self.one_of("test", &raw.test, TESTS)?;
        self.why(&raw)?;
        if raw.says.as_ref().trim().is_empty() {
            return Err(self.error(
                &raw.says.span(),
                "`says` is empty",
                "state the rule in our own words",
            ));
        }
        let (text, text_span) = raw.text.map_or_else(Default::default, |text| {
            let span = text.span();
            (text.into_inner(), span)
        });
        if let Some(bad) = text.iter().find(|hash| !is_text_hash(hash)) {
            return Err(self.error(
                &text_span,
                &format!("`{bad}` is not a sentence hash"),
                "write \"b3:\" and 16 hexadecimal digits; `cargo xtask spec` prints them",
            ));
        }
        let line = self.line(&raw.id.span());
        Ok(Entry {
            id: raw.id.into_inner(),
            doc: raw.doc,
            sec: raw.sec,
            level: raw.level.into_inner(),
            actor: raw.actor,
            side: raw.side.into_inner(),
            says: raw.says.into_inner(),
            text,
            test: raw.test.into_inner(),
            why: raw.why.map(Spanned::into_inner),
            reason: raw.reason,
            by: raw.by,
            erratum: raw.erratum,
            seen: raw.seen,
            line,
        })
    }

    fn id(&self, id: &Spanned<String>) -> Result<(), SpecError> {
        let name = id.as_ref();
        let good = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.ends_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if good {
            return Ok(());
        }
        Err(self.error(
            &id.span(),
            &format!("`{name}` is not a requirement id"),
            "use lower-case words joined by hyphens, such as `stun-fingerprint-crc`",
        ))
    }

    fn one_of(&self, key: &str, value: &Spanned<String>, list: &[&str]) -> Result<(), SpecError> {
        if list.contains(&value.as_ref().as_str()) {
            return Ok(());
        }
        Err(self.error(
            &value.span(),
            &format!("`{}` is not a {key}", value.as_ref()),
            &format!("use one of {}", list.join(", ")),
        ))
    }

    fn why(&self, raw: &RawEntry) -> Result<(), SpecError> {
        match (&raw.why, raw.test.as_ref() == "none") {
            (None, true) => Err(self.error(
                &raw.test.span(),
                &format!("`{}` has no test and does not say why", raw.id.as_ref()),
                &format!("add `why = …` with one of {}", WHYS.join(", ")),
            )),
            (Some(why), false) => Err(self.error(
                &why.span(),
                &format!("`{}` is tested and yet says why it is not", raw.id.as_ref()),
                "remove `why`, or set `test = \"none\"`",
            )),
            (Some(why), true) => {
                self.one_of("reason for having no test", why, WHYS)?;
                if (why.as_ref() == "overridden") == raw.by.is_some() {
                    return Ok(());
                }
                Err(self.error(
                    &why.span(),
                    "`by` belongs to `why = \"overridden\"` and to nothing else",
                    "name the overriding document in `by`, or remove `by`",
                ))
            }
            (None, false) => Ok(()),
        }
    }

    fn error(&self, span: &Range<usize>, problem: &str, remedy: &str) -> SpecError {
        SpecError {
            file: self.file.to_owned(),
            line: self.line(span),
            problem: problem.to_owned(),
            remedy: remedy.to_owned(),
        }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        1 + self.newlines.partition_point(|&newline| newline < span.start)
    }
}

fn is_text_hash(hash: &str) -> bool {
    hash.strip_prefix("b3:")
        .is_some_and(|digits| digits.len() == 16 && digits.chars().all(|c| c.is_ascii_hexdigit()))
}

/// The line of a byte offset, counted from 1.
#[must_use]
pub fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// Turns an error of the TOML reader into one line with a remedy.
#[must_use]
pub fn toml_error(file: &str, text: &str, error: &toml::de::Error) -> SpecError {
    let message = error.message().lines().next().unwrap_or_default().to_owned();
    let remedy = if message.starts_with("unknown field") {
        "correct the spelling or remove the key"
    } else if message.starts_with("missing field") {
        "add the key"
    } else {
        "correct the TOML"
    };
    SpecError {
        file: file.to_owned(),
        line: error.span().map_or(0, |span| line_at(text, span.start)),
        problem: message
            .replace("unknown field", "unknown key")
            .replace("missing field", "missing key"),
        remedy: remedy.to_owned(),
    }
}
