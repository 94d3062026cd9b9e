//! The requirement registry: what the specs demand, in our own words, with permanent ids.
//!
//! The files under `conformance/spec/` are embedded in the binary, and each requirement becomes a
//! constant of the module [`req`](crate::req), so that an unknown id does not compile.

use std::{collections::BTreeMap, fmt, path::Path};

pub mod source;

pub use source::SpecError;

use reports::model::{Level, Requirement, Section, Side, Spec, Test, Why};

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

/// All requirements of all specs.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    specs: Vec<Spec>,
    versions: BTreeMap<String, String>,
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
        let mut registry = Self::default();
        let mut files = Vec::new();
        for (name, text) in texts {
            let file = source::parse(name, text)?;
            let version = blake3::hash(text.as_bytes()).to_hex().chars().take(16).collect();
            registry.versions.insert(file.spec.doc.clone(), version);
            files.push((name.to_owned(), file));
        }
        source::check_unique(&files)?;
        for (_, file) in files {
            registry.add(file);
        }
        Ok(registry)
    }

    fn add(&mut self, file: source::SpecFile) {
        let mut sections: Vec<Section> = Vec::new();
        for entry in file.requirements {
            if entry.doc.is_none() && sections.iter().all(|section| section.number != entry.sec) {
                let title = file.spec.sections.get(&entry.sec).cloned().unwrap_or_default();
                sections.push(Section { number: entry.sec.clone(), title });
            }
            let requirement = requirement(&file.spec.doc, entry);
            self.by_id.insert(requirement.id.clone(), self.requirements.len());
            self.requirements.push(requirement);
        }
        sections.sort_by_cached_key(|section| section_order(&section.number));
        let source::Spec { doc, title, short, layer, obsoletes, updated_by, .. } = file.spec;
        self.specs.push(Spec { doc, title, short, layer, obsoletes, updated_by, sections });
    }

    /// Per document, a hash of its file.
    #[must_use]
    pub const fn versions(&self) -> &BTreeMap<String, String> {
        &self.versions
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

fn requirement(doc: &str, entry: source::Entry) -> Requirement {
    Requirement {
        id: entry.id,
        spec: entry.doc.unwrap_or_else(|| doc.to_owned()),
        section: entry.sec,
        level: word(Level::ALL, Level::as_str, &entry.level).unwrap_or(Level::Must),
        actor: entry.actor,
        side: word(Side::ALL, Side::as_str, &entry.side).unwrap_or(Side::State),
        says: entry.says,
        test: word(Test::ALL, Test::as_str, &entry.test).unwrap_or(Test::None),
        why: entry.why.and_then(|why| word(Why::ALL, Why::as_str, &why)),
        reason: entry.reason,
        by: entry.by,
        seen: entry.seen,
    }
}

/// The value whose word is `word`; [`source::parse`] has checked that there is one.
fn word<T: Copy>(all: &[T], as_str: fn(T) -> &'static str, word: &str) -> Option<T> {
    all.iter().copied().find(|&value| as_str(value) == word)
}

/// `6.10` comes after `6.9`, and appendix `B.1` after all numbers.
fn section_order(number: &str) -> Vec<(u8, u32, String)> {
    number
        .split('.')
        .map(|part| match part.parse() {
            Ok(number) => (0, number, String::new()),
            Err(_) => (1, 0, part.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_registry_is_sound() {
        let registry = Registry::embedded().unwrap();
        assert!(registry.find("stun-header-zero-bits").is_some());
        assert_eq!(registry.specs().len(), registry.versions().len());
    }

    #[test]
    fn sections_sort_as_a_table_of_contents() {
        let mut sections = ["B.1", "14.10", "6", "14.9", "6.2.1"];
        sections.sort_by_cached_key(|section| section_order(section));
        assert_eq!(sections, ["6", "6.2.1", "14.9", "14.10", "B.1"]);
    }
}
