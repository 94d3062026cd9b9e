//! Where everything stands.

use std::net::SocketAddr;

use base::Instant;

use super::MAX_DRAWN;
use crate::{
    id::PacketId,
    observe::{
        ladder::{
            elide::Elision,
            mark::Mark,
            step::{Leg, Step, Why},
            tables::Table,
        },
        svg::{count, mono_width, width, wrap},
    },
};

/// Room for the time axis.
pub(super) const AXIS: i64 = 104;
/// Least and greatest distance of two columns.
const SPACING: (i64, i64) = (190, 250);
/// Height of a line of text.
pub(super) const LINE: i64 = 16;
/// Letters in a line of a reason.
const LETTERS: usize = 44;
/// Silence after which the drawing makes a pause, in nanoseconds.
const PAUSE: u64 = 1_000_000_000;

/// The whole drawing, in pixels.
pub(super) struct Layout {
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) spacing: i64,
    pub(super) boxes: Vec<bool>,
    pub(super) rows: Vec<Row>,
}

/// A row of the drawing.
pub(super) struct Row {
    pub(super) at: Instant,
    order: u64,
    pub(super) y: i64,
    /// Where its room begins.
    pub(super) top: i64,
    /// Whether time passed since the row before.
    pub(super) ticks: bool,
    /// How long, if it was long.
    pub(super) pause: Option<u64>,
    pub(super) shape: Shape,
}

/// What stands in a row.
pub(super) enum Shape {
    /// A packet leaves for another column.
    Arrow { leg: Leg, from: usize, to: usize, end: i64 },
    /// A packet leaves and does not arrive.
    Lost { leg: Leg, from: usize, right: bool },
    /// A packet ends where it arrived.
    Refused { packet: PacketId, column: usize, why: Why },
    /// A decision, or the table of a NAT.
    Note { column: usize, table: Table },
    /// Words across the drawing.
    Remark(String),
}

impl Layout {
    pub(super) fn new(steps: &[Step], elision: &Elision, boxes: Vec<bool>, omitted: usize) -> Self {
        let mut rows = rows(steps, elision);
        rows.sort_by_key(|row| (row.at, row.order));
        merge_notes(&mut rows);
        let missing = omitted + rows.len().saturating_sub(MAX_DRAWN);
        rows.truncate(MAX_DRAWN);
        if missing > 0
            && let Some(at) = rows.last().map(|row| row.at)
        {
            let text = format!("… and {missing} more steps, which the trace has");
            rows.push(Row::new(at, u64::MAX, Shape::Remark(text)));
        }
        let spacing = rows.iter().map(|row| row.shape.wanted()).max().unwrap_or(0);
        let spacing = spacing.clamp(SPACING.0, SPACING.1);
        let columns = count(boxes.len());
        let width = AXIS + columns * spacing + 60;
        let mut layout = Self { width, height: 0, spacing, boxes, rows };
        layout.stack();
        layout.land();
        layout
    }

    /// The middle of a column.
    pub(super) fn x(&self, column: usize) -> i64 {
        AXIS + count(column) * self.spacing + self.spacing / 2
    }

    /// Puts the rows below each other.
    fn stack(&mut self) {
        let mut y = 8;
        let mut before: Option<Instant> = None;
        for row in &mut self.rows {
            row.ticks = before != Some(row.at);
            let passed = row.at.as_nanos() - before.map_or(row.at.as_nanos(), Instant::as_nanos);
            row.pause = (passed >= PAUSE).then_some(passed);
            y += match passed {
                PAUSE.. => 34,
                1_000_000.. => 10,
                1.. => 4,
                0 => 0,
            };
            let (above, below) = row.shape.extent(self.spacing);
            row.top = y;
            y += above;
            row.y = y;
            y += below;
            before = Some(row.at);
        }
        self.height = y + 26;
    }

    /// Finds where each arrow arrives: at what it sets off, else between what came before and after.
    fn land(&mut self) {
        let bottom = self.height - 14;
        let ends: Vec<_> = (0..self.rows.len()).map(|index| self.landing(index, bottom)).collect();
        for (row, landing) in self.rows.iter_mut().zip(ends) {
            if let (Shape::Arrow { end, .. }, Some(y)) = (&mut row.shape, landing) {
                *end = y;
            }
        }
    }

    fn landing(&self, index: usize, bottom: i64) -> Option<i64> {
        let row = self.rows.get(index)?;
        let Shape::Arrow { leg, to, .. } = &row.shape else { return None };
        let later = self.rows.get(index + 1..).unwrap_or_default();
        if leg.why.is_some() {
            let refused = later.iter().find(|row| row.shape.refuses(leg.packet, *to))?;
            return Some(refused.y);
        }
        if leg.until == row.at {
            return Some(row.y);
        }
        let mut same = later.iter().filter(|row| row.at == leg.until);
        if let Some(reaction) = same.find(|row| row.shape.begins_at() == Some(*to)) {
            return Some(reaction.y);
        }
        let next = later.iter().find(|row| row.at >= leg.until);
        Some(next.map_or(bottom, |next| (next.top - 2).max(row.y)))
    }
}

impl Row {
    const fn new(at: Instant, order: u64, shape: Shape) -> Self {
        Self { at, order, y: 0, top: 0, ticks: false, pause: None, shape }
    }
}

impl Shape {
    /// The distance of columns it would like.
    fn wanted(&self) -> i64 {
        match self {
            Self::Arrow { leg, from, to, .. } => {
                let spans = count(from.abs_diff(*to)).max(1);
                (width(&leg.words, 13).max(mono_width(&leg.ends())) + 36) / spans
            }
            _ => 0,
        }
    }

    /// Room above and below its line.
    fn extent(&self, spacing: i64) -> (i64, i64) {
        match self {
            Self::Arrow { leg, from, to, .. } => {
                (20 + LINE * count(leg.lines(*from, *to, spacing)), 10)
            }
            Self::Lost { leg, from, right, .. } => {
                let to = if *right { from + 1 } else { from.saturating_sub(1) };
                let why = leg.why.as_ref().map_or(0, |why| count(reason(why).len()));
                (20 + LINE * count(leg.lines(*from, to, spacing)), 46 + LINE * why)
            }
            Self::Refused { why, .. } => (8, 38 + LINE * count(reason(why).len())),
            Self::Note { table, .. } => (10, 6 + LINE * count(note(table).len())),
            Self::Remark(_) => (24, 14),
        }
    }

    const fn refuses(&self, id: PacketId, at: usize) -> bool {
        match self {
            Self::Refused { packet, column, .. } => packet.get() == id.get() && *column == at,
            _ => false,
        }
    }

    /// The column in which it starts, if an arrow may lead to it.
    const fn begins_at(&self) -> Option<usize> {
        match self {
            Self::Arrow { from, .. } | Self::Lost { from, .. } => Some(*from),
            Self::Note { column, .. } => Some(*column),
            Self::Refused { .. } | Self::Remark(_) => None,
        }
    }
}

impl Leg {
    pub(super) fn ends(&self) -> String {
        format!("{} → {}", endpoint(self.source), endpoint(self.destination))
    }

    /// Lines of its addresses, which break where columns are narrow.
    pub(super) fn lines(&self, from: usize, to: usize, spacing: i64) -> usize {
        let room = count(from.abs_diff(to)).max(1) * spacing - 20;
        if mono_width(&self.ends()) > room { 2 } else { 1 }
    }
}

/// An address with its port, if it has one.
pub(super) fn endpoint(address: SocketAddr) -> String {
    if address.port() == 0 { address.ip().to_string() } else { address.to_string() }
}

/// The lines of a reason, without its name.
pub(super) fn reason(why: &Why) -> Vec<String> {
    wrap(&why.words, LETTERS)
}

/// A line of a note with its style.
pub(super) type NoteLine = (&'static str, String);

/// The lines of a note.
pub(super) fn note(table: &Table) -> Vec<NoteLine> {
    use crate::observe::ladder::tables::Change;
    let headline = table.headline.iter().flat_map(|text| wrap(text, LETTERS));
    let mut lines: Vec<NoteLine> = headline.map(|line| ("strong", line)).collect();
    for row in &table.rows {
        let mapping = format!("{} ⇄ {}", row.internal, row.external);
        lines.push(match row.change {
            Change::New => ("mono changed", format!("+ {mapping}")),
            Change::Gone => ("mono gone", format!("− {mapping}")),
            Change::None => ("mono", format!("  {mapping}")),
        });
        for (who, new) in &row.remotes {
            let class = if *new { "mono changed" } else { "mono quiet" };
            let sign = if *new { '+' } else { ' ' };
            lines.push((class, format!("  {sign} lets in {who}")));
        }
    }
    if table.more > 0 {
        lines.push(("mono quiet", format!("  … and {} more", table.more)));
    }
    if table.rows.is_empty() && table.headline.is_none() {
        lines.push(("quiet", "nothing is mapped".to_owned()));
    }
    lines
}

fn rows(steps: &[Step], elision: &Elision) -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        if let Some(words) = elision.stands_for(index) {
            rows.push(Row::new(step.at, step.order, Shape::Remark(words.to_owned())));
        }
        if elision.hides(index) {
            continue;
        }
        let new = |shape| Row::new(step.at, step.order, shape);
        match (step.mark, &step.leg) {
            (Mark::Arrow { from, to }, Some(leg)) => {
                rows.push(new(Shape::Arrow { leg: (**leg).clone(), from, to, end: 0 }));
            }
            (Mark::Refused { from, to }, Some(leg)) => {
                rows.push(new(Shape::Arrow { leg: (**leg).clone(), from, to, end: 0 }));
                if let Some(why) = leg.why.clone() {
                    let shape = Shape::Refused { packet: leg.packet, column: to, why };
                    rows.push(Row::new(leg.until, step.order, shape));
                }
            }
            (Mark::Lost { from, right }, Some(leg)) => {
                rows.push(new(Shape::Lost { leg: (**leg).clone(), from, right }));
            }
            (Mark::Note { column }, _) => {
                let table = step.table.as_deref().cloned();
                let table = table.unwrap_or_else(|| Table::headline(step.text.clone()));
                rows.push(new(Shape::Note { column, table }));
            }
            _ => rows.push(new(Shape::Remark(step.text.clone()))),
        }
    }
    rows
}

/// Makes notes of one column and moment into one.
fn merge_notes(rows: &mut Vec<Row>) {
    rows.dedup_by(|later, earlier| {
        let at = later.at == earlier.at;
        match (&mut later.shape, &mut earlier.shape) {
            (
                Shape::Note { column: one, table: new },
                Shape::Note { column: other, table: old },
            ) if at && one == other => {
                *old = std::mem::take(new).after(old);
                true
            }
            _ => false,
        }
    });
}
