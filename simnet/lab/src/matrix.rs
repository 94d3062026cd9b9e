//! Every NAT against every NAT, over every family, with every help.
//!
//! [`run()`] puts a peer that speaks ICE behind each NAT, lets them connect, and holds what came of it against
//! [`rules`](predict) that were written without looking at the simulator. A [`Sheet`] is the table for one
//! family and one kind of server, a [`Matrix`] all of them.
//!
//! Another implementation of ICE goes through the same matrix with [`run_with`] and a [`Contender`]:
//! whoever knows it implements [`IceEndpoint`](crate::roles::ice::IceEndpoint) for an adapter (a
//! [`base::Machine`] that opens its sockets as it likes), and hands over a factory that makes one of a
//! [`Setup`](crate::roles::ice::Setup):
//!
//! ```
//! use std::{num::NonZeroUsize, sync::Arc};
//! use lab::{matrix::{self, Contender, Family, Help, Plan}, roles::ice::Ours};
//!
//! let contender = Contender {
//!     name: "somebody's".to_owned(),
//!     factory: Some(Arc::new(|setup, now| Box::new(Ours::new(setup, now)))),
//! };
//! let plan = Plan {
//!     nats: matrix::entries(["classic-full-cone"]).unwrap(),
//!     families: vec![Family::Ipv4],
//!     helps: vec![Help::Stun],
//!     seed: 1,
//!     threads: NonZeroUsize::MIN,
//! };
//! let matrix = matrix::run_with(&plan, &contender, &|_| {});
//! assert_eq!(matrix.endpoint, "somebody's");
//! assert_eq!(matrix.disagreements().count(), 0);
//! ```

mod figures;
mod heat;
mod page;
mod plan;
mod print;
mod rules;
mod run;

use std::time::Duration;

use serde::Serialize;
use simnet::nat;

use crate::presets::{self, Unknown};

pub use figures::{Figures, Spread};
pub use heat::{Colours, heat_map};
pub use plan::{Contender, Family, Help, LINK, Plan, ROUND_TRIP, SIGNALLING};
pub use rules::{Class, Port, Prediction, predict};
pub use run::{Progress, run, run_with};

/// The outcome of every NAT with every NAT, for families and servers.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// A table for each family and help.
    pub sheets: Vec<Sheet>,
    /// Whose ICE it was.
    pub endpoint: String,
    /// From which all chance grew.
    pub seed: u64,
}

/// The outcome of every NAT with every NAT for one family and one help.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The NATs, in the order of rows and columns.
    pub nats: Vec<Entry>,
    /// The family.
    pub family: Family,
    /// The help.
    pub help: Help,
    /// The cells, row by row: the peer behind the NAT of the row decides.
    pub cells: Vec<Cell>,
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
    /// The pair that was selected, if any: both sides mean the same, and data crossed it both ways.
    pub connected: Option<Connected>,
    /// Checks that both peers sent, retransmissions not counted.
    pub checks: u64,
    /// Packets that everybody sent until both peers had selected a pair, or gave up.
    pub packets: u64,
    /// What the rules say.
    pub predicted: Prediction,
}

/// A pair of candidates by which peers are connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connected {
    /// Type of the candidate of the peer behind the NAT of the row.
    pub first: &'static str,
    /// Type of the candidate of the peer behind the NAT of the column.
    pub second: &'static str,
    /// Time from the beginning until both had selected a pair.
    pub after: Duration,
}

impl Connected {
    /// Whether it needs a relay.
    #[must_use]
    pub fn is_relayed(&self) -> bool {
        self.first == RELAYED || self.second == RELAYED
    }

    /// The time in round trips between the peers.
    #[must_use]
    pub fn round_trips(&self) -> f64 {
        self.after.as_secs_f64() / ROUND_TRIP.as_secs_f64()
    }
}

/// What a relayed candidate is called.
const RELAYED: &str = ice::Kind::Relayed.name();

impl Matrix {
    /// The cells in which run and rules do not say the same, with their sheets.
    pub fn disagreements(&self) -> impl Iterator<Item = (&Sheet, &Entry, &Entry, &Cell)> {
        self.sheets.iter().flat_map(|sheet| {
            sheet.disagreements().map(move |(row, column, cell)| (sheet, row, column, cell))
        })
    }

    /// The matrix as text: a grid of signs for each sheet, a legend, counts and disagreements.
    #[must_use]
    pub fn to_text(&self) -> String {
        print::text(self)
    }

    /// A line of figures for each sheet.
    #[must_use]
    pub fn summary(&self) -> String {
        print::summary(self)
    }

    /// The matrix as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        print::json(self)
    }

    /// The matrix as a table of values separated by commas, a line for each cell.
    #[must_use]
    pub fn to_csv(&self) -> String {
        print::csv(self)
    }

    /// The matrix as one HTML page, with heat maps of outcomes and times.
    #[must_use]
    pub fn to_html(&self) -> String {
        page::html(self)
    }
}

impl Sheet {
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

    /// Its figures.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures::of(self)
    }

    /// What it is about, in words.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} with {}", self.family, self.help)
    }
}

impl Cell {
    /// Whether the peers did not connect, or needed a relay, although the rules know a way without.
    #[must_use]
    pub fn falls_short(&self) -> bool {
        let direct = matches!(self.predicted, Prediction::Connected(..));
        let reached = |seen: &Connected| !(direct && seen.is_relayed());
        self.predicted.connects() && !self.connected.as_ref().is_some_and(reached)
    }

    /// Whether the rules say the same.
    #[must_use]
    pub fn agrees(&self) -> bool {
        match (&self.connected, self.predicted) {
            (Some(seen), Prediction::Connected(first, second)) => {
                (seen.first, seen.second) == (first, second)
            }
            (Some(seen), Prediction::Relayed) => seen.is_relayed(),
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
