//! Presets: NATs, firewalls and links as they are found, each with its source.
//!
//! A preset is a file `presets/KIND/NAME.toml` with a `title`, a `source`, a `confidence`, `notes`, the
//! name of the preset it is `based-on` if any, and a table with what differs from that or from the
//! default. The files are part of the program.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use simnet::{
    Link, Middlebox,
    firewall::Firewall,
    nat::{self, Nat},
    nat64::{Clat, Nat64},
};
use toml::Table;

use crate::scenario::{
    Boxed, Link as LinkPlan, hint,
    merge::{Culprit, merge, read_over},
};

/// Every preset file: kind, name, text.
const FILES: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/presets.rs"));

/// A preset.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// What it is: `nat`, `firewall` or `link`.
    pub kind: &'static str,
    /// Its name, that of the file.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: String,
    /// Where the figures come from.
    pub source: String,
    /// How well they are known.
    pub confidence: Confidence,
    /// What else there is to know; may be empty.
    pub notes: String,
    /// The preset it starts from.
    pub based_on: Option<String>,
    /// What differs, as it is written: tables called after the kind, or `up` and `down`.
    pub fields: Table,
}

/// How well the figures of a preset are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Measured by this project.
    Measured,
    /// Read in the source code of the thing.
    Source,
    /// Asked for by an RFC.
    Rfc,
    /// Said by its vendor.
    Vendor,
    /// Said by others.
    ThirdParty,
    /// Heard of; not to be relied on.
    Unverified,
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Measured => "measured",
            Self::Source => "source",
            Self::Rfc => "rfc",
            Self::Vendor => "vendor",
            Self::ThirdParty => "third-party",
            Self::Unverified => "unverified",
        })
    }
}

/// No preset has the name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no {kind} preset is called `{name}`")]
pub struct Unknown {
    /// The kind that was asked for.
    pub kind: String,
    /// The name that was asked for.
    pub name: String,
    /// The most similar names, the best first.
    pub suggestions: Vec<String>,
}

impl Unknown {
    /// What to try instead, in words.
    #[must_use]
    pub fn suggestion(&self) -> String {
        match self.suggestions.split_first() {
            None => format!("`cargo xtask lab presets` lists all {} presets", self.kind),
            Some((only, [])) => hint::did_you_mean(only),
            Some((best, rest)) => {
                format!("did you mean `{best}`? Also similar: {}", rest.join(", "))
            }
        }
    }
}

/// A preset as its file has it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    title: String,
    source: String,
    confidence: Confidence,
    #[serde(default)]
    notes: String,
    #[serde(default)]
    based_on: Option<String>,
    #[serde(default)]
    nat: Option<Table>,
    #[serde(default)]
    firewall: Option<Table>,
    #[serde(default)]
    nat64: Option<Table>,
    #[serde(default)]
    clat: Option<Table>,
    #[serde(default)]
    link: Option<Table>,
    #[serde(default)]
    up: Option<Table>,
    #[serde(default)]
    down: Option<Table>,
}

/// The kinds of presets there are, in order.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    let all = FILES.iter().map(|(kind, _, _)| *kind);
    all.filter(move |kind| std::mem::replace(&mut last, kind) != *kind)
}

/// The names of all presets of a kind, in order.
pub fn names(kind: &str) -> impl Iterator<Item = &'static str> {
    FILES.iter().filter(move |(of, _, _)| *of == kind).map(|(_, name, _)| *name)
}

/// All presets of a kind, by name.
#[must_use]
pub fn all(kind: &str) -> Vec<Preset> {
    let of_kind = FILES.iter().filter(|(of, _, _)| *of == kind);
    of_kind.filter_map(|&(kind, name, text)| read(kind, name, text).ok()).collect()
}

/// The preset of a kind with a name.
///
/// # Errors
///
/// `Unknown` with the names that are most similar.
pub fn get(kind: &str, name: &str) -> Result<Preset, Unknown> {
    let file = FILES.iter().find(|(of, called, _)| *of == kind && *called == name);
    let preset = file.and_then(|&(kind, name, text)| read(kind, name, text).ok());
    preset.ok_or_else(|| {
        let mut rated: Vec<_> = FILES
            .iter()
            .filter(|(of, _, _)| *of == kind)
            .map(|(_, known, _)| (strsim::jaro_winkler(name, known), *known))
            .collect();
        rated.retain(|(likeness, _)| *likeness >= hint::LIKELY);
        rated.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
        let suggestions = rated.into_iter().take(3).map(|(_, known)| known.to_owned()).collect();
        Unknown { kind: kind.to_owned(), name: name.to_owned(), suggestions }
    })
}

fn read(kind: &'static str, name: &'static str, text: &str) -> Result<Preset, String> {
    let written: Written = toml::from_str(text).map_err(|error| error.to_string())?;
    let tables = [
        ("nat", written.nat),
        ("firewall", written.firewall),
        ("nat64", written.nat64),
        ("clat", written.clat),
        ("link", written.link),
        ("up", written.up),
        ("down", written.down),
    ];
    let fields =
        tables.into_iter().filter_map(|(key, table)| Some((key.to_owned(), table?.into())));
    Ok(Preset {
        kind,
        name,
        title: written.title,
        source: written.source,
        confidence: written.confidence,
        notes: written.notes,
        based_on: written.based_on,
        fields: fields.collect(),
    })
}

impl Preset {
    /// The NAT it describes.
    ///
    /// # Errors
    ///
    /// If it is not one, or its fields do not fit the schema: what is wrong with them.
    pub fn nat(&self) -> Result<nat::Config, String> {
        if self.kind != "nat" {
            return Err(format!("`{}` is a {} preset", self.name, self.kind));
        }
        nat(Some(self.name), &Table::new()).map_err(|fault| match fault {
            Fault::Unknown(unknown) => format!("{unknown}; {}", unknown.suggestion()),
            Fault::Wrong(culprits) => {
                let told = |it: Culprit| format!("{}: {}", it.path.join("."), it.message);
                culprits.into_iter().map(told).collect::<Vec<_>>().join("; ")
            }
        })
    }
}

/// Why a configuration could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is no such preset.
    Unknown(Unknown),
    /// Values are wrong.
    Wrong(Vec<Culprit>),
}

/// How deep presets may be based on each other.
const MAX_DEPTH: usize = 8;

/// The tables of a preset and of all it is based on, the last word first, laid on `base`.
fn lay(base: &mut Table, kind: &str, preset: Option<&str>, keys: &[&str]) -> Result<(), Fault> {
    let mut stack = Vec::new();
    let mut next = preset.map(str::to_owned);
    while let Some(name) = next {
        let preset = get(kind, &name).map_err(Fault::Unknown)?;
        next = preset.based_on.clone().filter(|_| stack.len() < MAX_DEPTH);
        stack.push(preset);
    }
    for preset in stack.iter().rev() {
        for &key in keys {
            if let Some(toml::Value::Table(table)) = preset.fields.get(key) {
                merge(base, table);
            }
        }
    }
    Ok(())
}

/// What something does: the default of its kind, a preset on it, and what a scenario changes.
fn config<T: Default + Serialize + DeserializeOwned>(
    kind: &str,
    preset: Option<&str>,
    overlay: &Table,
) -> Result<T, Fault> {
    let mut base = Table::try_from(T::default()).unwrap_or_default();
    lay(&mut base, kind, preset, &[kind])?;
    read_over(&base, overlay).map_err(Fault::Wrong)
}

/// What a NAT does.
pub(crate) fn nat(preset: Option<&str>, overlay: &Table) -> Result<nat::Config, Fault> {
    config("nat", preset, overlay)
}

/// The box that a scenario describes.
pub(crate) fn middlebox(kind: &str, plan: &Boxed) -> Result<Box<dyn Middlebox>, Fault> {
    let (preset, overlay) = (plan.preset.as_deref(), &plan.overlay);
    Ok(match kind {
        "firewall" => Box::new(Firewall::new(config(kind, preset, overlay)?)),
        "nat64" => Box::new(Nat64::new(config(kind, preset, overlay)?)),
        "clat" => Box::new(Clat::new(config(kind, preset, overlay)?)),
        _ => Box::new(Nat::new(nat(preset, overlay)?)),
    })
}

/// What happens in one direction of a link, `up` or `down`: a perfect link, a preset on it, and what a
/// scenario changes.
pub(crate) fn link(plan: &LinkPlan, direction: &str) -> Result<Link, Fault> {
    let mut base = Table::new();
    lay(&mut base, "link", plan.preset.as_deref(), &["link", direction])?;
    let mut over = plan.overlay.clone();
    merge(&mut over, if direction == "up" { &plan.up } else { &plan.down });
    let link: Link = read_over(&base, &over).map_err(Fault::Wrong)?;
    let senseless =
        |what: &str| Fault::Wrong(vec![Culprit { path: Vec::new(), message: what.to_owned() }]);
    link.check().map_err(senseless)?;
    Ok(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_can_be_read_and_names_its_source() {
        for &(kind, name, text) in FILES {
            let preset = read(kind, name, text).unwrap_or_else(|e| panic!("{kind}/{name}: {e}"));
            assert!(!preset.title.trim().is_empty(), "{kind}/{name} has no title");
            assert!(!preset.source.trim().is_empty(), "{kind}/{name} has no source");
            let wrong = match kind {
                "nat" | "firewall" => {
                    middlebox(kind, &Boxed::new("it", "inside", "outside").preset(name)).err()
                }
                _ => ["up", "down"].into_iter().find_map(|direction| {
                    link(&LinkPlan::between("one", "other").preset(name), direction).err()
                }),
            };
            assert_eq!(wrong, None, "{kind}/{name}");
        }
    }

    #[test]
    fn presets_without_source_or_confidence_are_refused() {
        let whole = "title = 't'\nsource = 's'\nconfidence = 'rfc'\n[nat]\n";
        assert!(read("nat", "whole", whole).is_ok());
        for missing in ["title", "source", "confidence"] {
            let lines = whole.lines().filter(|line| !line.starts_with(missing));
            let text = lines.collect::<Vec<_>>().join("\n");
            let error = read("nat", "partial", &text).unwrap_err();
            assert!(error.contains(&format!("missing field `{missing}`")), "{error}");
        }
    }
}
