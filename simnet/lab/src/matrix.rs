//! Every NAT against every NAT.

mod heat;
mod print;
mod rules;
mod run;

use std::time::Duration;

use serde::Serialize;
use simnet::nat;

use crate::presets::{self, Unknown};

pub use heat::heat_map;
pub use rules::{Class, Port, Prediction};
pub use run::{Progress, run};

/// The outcome of every NAT with every NAT: a peer behind each, a STUN server, no relay.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The NATs, in the order of rows and columns.
    pub nats: Vec<Entry>,
    /// The cells, row by row: the peer behind the NAT of the row decides.
    pub cells: Vec<Cell>,
    /// From which all chance grew.
    pub seed: u64,
}

/// A row or column.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The preset.
    pub name: String,
    /// What it does.
    pub config: nat::Config,
    /// What matters of that here.
    pub class: Class,
}

/// What came of one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The pair that was selected, if any.
    pub connected: Option<Connected>,
    /// Checks that both peers sent.
    pub checks: u64,
    /// What the rules say.
    pub predicted: Prediction,
}

/// A pair of candidates by which peers are connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connected {
    /// Type of the candidate of the peer behind the NAT of the row.
    pub first: String,
    /// Type of the candidate of the peer behind the NAT of the column.
    pub second: String,
    /// Time from the beginning until both had selected it.
    pub after: Duration,
}

impl Matrix {
    /// The cell of a row and a column.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> Option<&Cell> {
        let columns = self.nats.len();
        (column < columns).then(|| self.cells.get(row * columns + column)).flatten()
    }

    /// The cells with their rows and columns.
    pub fn iter(&self) -> impl Iterator<Item = (&Entry, &Entry, &Cell)> {
        let pairs =
            self.nats.iter().flat_map(|row| self.nats.iter().map(move |column| (row, column)));
        pairs.zip(&self.cells).map(|((row, column), cell)| (row, column, cell))
    }

    /// The cells in which run and rules do not say the same.
    pub fn disagreements(&self) -> impl Iterator<Item = (&Entry, &Entry, &Cell)> {
        self.iter().filter(|(.., cell)| !cell.agrees())
    }

    /// The matrix as text: a grid of signs, a legend, counts and disagreements.
    #[must_use]
    pub fn to_text(&self) -> String {
        print::text(self)
    }

    /// The matrix as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        print::json(self)
    }
}

impl Cell {
    /// Whether the rules say the same.
    #[must_use]
    pub fn agrees(&self) -> bool {
        match (&self.connected, self.predicted) {
            (Some(seen), Prediction::Connected(first, second)) => {
                (seen.first.as_str(), seen.second.as_str()) == (first, second)
            }
            (None, Prediction::NotConnected) => true,
            _ => false,
        }
    }
}

/// The NATs of these presets, ordered so that those which behave alike stand together.
///
/// # Errors
///
/// `Unknown` for the first name that no preset has.
pub fn entries<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<Entry>, Unknown> {
    let entry = |name: &'a str| {
        let preset = presets::get("nat", name)?;
        let config = preset.nat().expect("the presets that are part of the program are right");
        Ok(Entry { name: name.to_owned(), class: Class::of(&config), config })
    };
    let mut entries: Vec<Entry> = names.into_iter().map(entry).collect::<Result<_, _>>()?;
    entries.sort_by(|one, other| (one.class, &one.name).cmp(&(other.class, &other.name)));
    entries.dedup_by(|one, other| one.name == other.name);
    Ok(entries)
}
