//! The requirement registry: what the specs demand, in our own words, with permanent ids.
//!
//! The files under `conformance/spec/` are embedded in the binary, and each requirement becomes a
//! constant of the module [`req`](crate::req), so that an unknown id does not compile.

use std::{collections::BTreeMap, fmt, path::Path};

pub mod source;

pub use source::{Spec, SpecError};

/// The id of a requirement, as the constants of [`req`](crate::req) carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Req(&'static str);

impl Req {
    /// The requirement called `id`. Cases take the generated constants; tests of the engine make their own.
    #[must_use]
    pub const fn new(id: &'static str) -> Self {
        Self(id)
    }

    /// The id, such as `stun-fingerprint-crc`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Req {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// How binding a statement is: RFC 2119 §1, §3, §5, and what no keyword says but everything needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// An absolute requirement or prohibition.
    Must,
    /// A recommendation with room for good reasons.
    Should,
    /// Truly optional.
    May,
    /// No keyword, but nothing works without it: counts as a MUST.
    Implicit,
}

impl Level {
    /// Whether breaking it fails a case.
    #[must_use]
    pub const fn is_binding(self) -> bool {
        matches!(self, Self::Must | Self::Implicit)
    }

    /// The word the registry uses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
            Self::Implicit => "IMPLICIT",
        }
    }

    fn from_word(word: &str) -> Self {
        match word {
            "SHOULD" => Self::Should,
            "MAY" => Self::May,
            "IMPLICIT" => Self::Implicit,
            _ => Self::Must,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One normative statement.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// Permanent id.
    pub id: String,
    /// Document name, for example `rfc8489`.
    pub doc: String,
    /// Section number, for example `6.2.1`.
    pub section: String,
    /// How binding it is.
    pub level: Level,
    /// Who has to keep it.
    pub actor: String,
    /// `send`, `receive`, `state` or `doc`.
    pub side: String,
    /// The statement in our own words.
    pub says: String,
    /// Why no case tests it, when none is meant to.
    pub untestable: Option<Untestable>,
}

/// Why a requirement has no case.
#[derive(Clone, Debug)]
pub struct Untestable {
    /// The word from the closed list.
    pub why: String,
    /// The same in a sentence.
    pub reason: Option<String>,
    /// The overriding document.
    pub by: Option<String>,
}

impl Requirement {
    /// `RFC 8489 §6.2.1`.
    #[must_use]
    pub fn citation(&self) -> String {
        let doc = match self.doc.strip_prefix("rfc") {
            Some(number) => format!("RFC {number}"),
            None => self.doc.clone(),
        };
        format!("{doc} §{}", self.section)
    }
}

/// All requirements of all specs.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    specs: Vec<Spec>,
    requirements: Vec<Requirement>,
    by_id: BTreeMap<String, usize>,
}

impl Registry {
    /// The registry this binary was built with.
    pub fn embedded() -> Result<Self, SpecError> {
        Self::from_texts(crate::SPEC_FILES.iter().map(|&(name, text)| (name, text)))
    }

    /// The registry in a directory of spec files.
    pub fn read_dir(dir: &Path) -> Result<Self, SpecError> {
        let texts = source::read_dir(dir)?;
        Self::from_texts(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// The registry written in `texts`, each with the name its errors carry.
    pub fn from_texts<'a>(
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, SpecError> {
        let mut files = Vec::new();
        for (name, text) in texts {
            files.push((name.to_owned(), source::parse(name, text)?));
        }
        source::check_unique(&files)?;
        let mut registry = Self::default();
        for (_, file) in files {
            for entry in file.requirements {
                registry.add(&file.spec, entry);
            }
            registry.specs.push(file.spec);
        }
        Ok(registry)
    }

    fn add(&mut self, spec: &Spec, entry: source::Entry) {
        let untestable =
            entry.why.map(|why| Untestable { why, reason: entry.reason, by: entry.by });
        self.by_id.insert(entry.id.clone(), self.requirements.len());
        self.requirements.push(Requirement {
            id: entry.id,
            doc: entry.doc.unwrap_or_else(|| spec.doc.clone()),
            section: entry.sec,
            level: Level::from_word(&entry.level),
            actor: entry.actor,
            side: entry.side,
            says: entry.says,
            untestable,
        });
    }

    /// The specs in file order.
    #[must_use]
    pub fn specs(&self) -> &[Spec] {
        &self.specs
    }

    /// Every requirement in file order.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// The requirement called `id`.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Requirement> {
        self.by_id.get(id).and_then(|&index| self.requirements.get(index))
    }
}
