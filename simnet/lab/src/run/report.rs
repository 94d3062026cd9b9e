//! What participants tell at the end.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Serialize, Serializer};
use simnet::units;

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// How many.
    Count(u64),
    /// How long.
    Time(Duration),
    /// Bits per second.
    Rate(u64),
    /// A share of the whole.
    Share(f64),
    /// Whether.
    Truth(bool),
    /// In words.
    Text(String),
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Time(time) => f.pad(&readable(*time)),
            Self::Rate(rate) => f.pad(&units::print_rate(*rate)),
            Self::Share(share) => f.pad(&format!("{:.2}%", share * 100.0)),
            Self::Truth(truth) => f.pad(if *truth { "yes" } else { "no" }),
            Self::Text(text) => f.pad(text),
        }
    }
}

/// A time as people read it: exact if that is short, else rounded to what matters.
fn readable(time: Duration) -> String {
    let exact = units::print_duration(time);
    let digits = if time >= Duration::from_secs(1) { 3 } else { 1 };
    if exact.len() <= "9999ms".len() { exact } else { format!("{time:.digits$?}") }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(number) | Self::Rate(number) => serializer.serialize_u64(*number),
            Self::Time(time) => serializer.serialize_f64(time.as_secs_f64()),
            Self::Share(share) => serializer.serialize_f64(*share),
            Self::Truth(truth) => serializer.serialize_bool(*truth),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// What one participant tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Its figures, by name.
    pub figures: BTreeMap<String, Figure>,
    /// What it believes, in sentences.
    pub beliefs: Vec<String>,
}

impl Report {
    pub(crate) fn with(mut self, name: &str, figure: Figure) -> Self {
        self.figures.insert(name.to_owned(), figure);
        self
    }

    pub(crate) fn believing(mut self, belief: String) -> Self {
        self.beliefs.push(belief);
        self
    }

    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        match self.figures.get(name)? {
            Figure::Count(number) | Figure::Rate(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn time(&self, name: &str) -> Option<Duration> {
        match self.figures.get(name)? {
            Figure::Time(time) => Some(*time),
            _ => None,
        }
    }

    pub(crate) fn truth(&self, name: &str) -> Option<bool> {
        match self.figures.get(name)? {
            Figure::Truth(truth) => Some(*truth),
            _ => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.figures.get(name)? {
            Figure::Text(text) => Some(text),
            _ => None,
        }
    }
}
