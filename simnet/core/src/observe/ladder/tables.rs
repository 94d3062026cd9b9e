//! What each NAT remembers, as it stands beside the ladder.

use std::net::SocketAddr;

use crate::{event::NatEvent, id::NodeId};

/// Mappings of one box that are followed; a longer table would not fit beside a ladder.
const MAX_ROWS: usize = 64;
/// Rows of a table that are shown.
const SHOWN: usize = 6;
/// Remote endpoints that are followed for one mapping.
const MAX_REMOTES: usize = 16;

/// The tables of all boxes.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    rows: Vec<(NodeId, Row)>,
}

/// The table of one box after something changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// What happened, unless the rows say it.
    pub(super) headline: Option<String>,
    pub(super) rows: Vec<Row>,
    /// Rows that are not shown.
    pub(super) more: usize,
}

/// One mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) internal: SocketAddr,
    pub(super) external: SocketAddr,
    pub(super) change: Change,
    /// Mappings with these endpoints: NATs that follow sessions have one for each.
    uses: u32,
    /// Who is let in, and whether that is new.
    pub(super) remotes: Vec<(SocketAddr, bool)>,
}

/// What happened to a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    New,
    Gone,
}

impl Tables {
    /// Takes a decision in; returns the table to show, if it changed.
    pub(super) fn on(&mut self, node: NodeId, event: &NatEvent) -> Option<Table> {
        self.settle(node);
        match *event {
            NatEvent::Mapped { internal, external, .. } => {
                if let Some(row) = self.row(node, internal, external) {
                    row.uses += 1;
                    return None;
                }
                let own = self.rows.iter().filter(|(owner, _)| *owner == node).count();
                if own < MAX_ROWS {
                    let change = Change::New;
                    let row = Row { internal, external, change, uses: 1, remotes: Vec::new() };
                    self.rows.push((node, row));
                }
            }
            NatEvent::Permitted { external, remote, .. } => {
                let row = self.rows.iter_mut().rev().map(|(owner, row)| (*owner, row));
                let mut row = row.filter(|(owner, row)| (*owner, row.external) == (node, external));
                let (_, row) = row.next()?;
                if row.remotes.len() < MAX_REMOTES {
                    row.remotes.push((remote, true));
                }
            }
            NatEvent::Expired { internal, external, .. } => {
                let row = self.row(node, internal, external)?;
                row.uses -= 1;
                if row.uses > 0 {
                    return None;
                }
                row.change = Change::Gone;
            }
            NatEvent::Rebooted => {
                self.rows.retain(|(owner, _)| *owner != node);
            }
            _ => return None,
        }
        Some(self.table(node))
    }

    fn row(
        &mut self,
        node: NodeId,
        internal: SocketAddr,
        external: SocketAddr,
    ) -> Option<&mut Row> {
        let wanted = (node, internal, external);
        let rows = self.rows.iter_mut().map(|(owner, row)| (*owner, row));
        let mut rows = rows.filter(|(owner, row)| (*owner, row.internal, row.external) == wanted);
        rows.next().map(|(_, row)| row)
    }

    /// Forgets what was new in the last table of `node`.
    fn settle(&mut self, node: NodeId) {
        self.rows.retain(|(owner, row)| *owner != node || row.change != Change::Gone);
        for (_, row) in self.rows.iter_mut().filter(|(owner, _)| *owner == node) {
            row.change = Change::None;
            for (_, new) in &mut row.remotes {
                *new = false;
            }
        }
    }

    /// The last rows of `node`, and all that changed.
    fn table(&self, node: NodeId) -> Table {
        let own: Vec<_> = self.rows.iter().filter(|(owner, _)| *owner == node).collect();
        let quiet = own.len().saturating_sub(SHOWN);
        let shown = own.iter().enumerate().filter(|(index, (_, row))| {
            *index >= quiet || row.change != Change::None || row.remotes.iter().any(|(_, new)| *new)
        });
        let rows: Vec<_> = shown.map(|(_, (_, row))| row.clone()).collect();
        Table { headline: None, more: own.len() - rows.len(), rows }
    }
}

impl Table {
    /// A note without a table.
    pub(super) const fn headline(text: String) -> Self {
        Self { headline: Some(text), rows: Vec::new(), more: 0 }
    }

    /// This table with what was new in `earlier`, which is of the same box and moment.
    pub(super) fn after(mut self, earlier: &Self) -> Self {
        self.headline = match (earlier.headline.clone(), self.headline) {
            (Some(first), Some(second)) => Some(format!("{first}; {second}")),
            (first, second) => first.or(second),
        };
        if self.rows.is_empty() && self.more == 0 {
            self.rows.clone_from(&earlier.rows);
            self.more = earlier.more;
        }
        for old in &earlier.rows {
            let same =
                |row: &&mut Row| (row.internal, row.external) == (old.internal, old.external);
            match self.rows.iter_mut().find(same) {
                Some(row) if row.change == Change::None => {
                    row.change = old.change;
                    for (who, new) in &mut row.remotes {
                        *new |= old.remotes.contains(&(*who, true));
                    }
                }
                Some(_) => {}
                None if old.change == Change::Gone => self.rows.push(old.clone()),
                None => {}
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use base::Instant;

    use super::*;
    use crate::packet::Protocol;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn mapped(port: u16) -> NatEvent {
        NatEvent::Mapped {
            protocol: Protocol::Udp,
            internal: SocketAddr::from(([10, 0, 0, 2], port)),
            external: SocketAddr::from(([11, 0, 0, 1], port)),
            remote: at("11.0.0.9:1"),
        }
    }

    #[test]
    fn a_moment_shows_everything_that_is_new_in_it() {
        let mut tables = Tables::default();
        let node = NodeId(3);
        let first = tables.on(node, &mapped(5)).unwrap();
        let permit = NatEvent::Permitted { external: at("11.0.0.1:5"), remote: at("11.0.0.9:1") };
        let second = tables.on(node, &permit).unwrap();
        assert_eq!(second.rows[0].change, Change::None);
        let both = second.after(&first);
        assert_eq!(both.rows[0].change, Change::New);
        assert_eq!(both.rows[0].remotes, [(at("11.0.0.9:1"), true)]);
        assert!(tables.on(NodeId(4), &NatEvent::Deviated).is_none());
    }

    #[test]
    fn sessions_that_share_their_endpoints_are_one_row_until_the_last_ends() {
        let mut tables = Tables::default();
        let node = NodeId(3);
        assert!(tables.on(node, &mapped(5)).is_some());
        assert!(tables.on(node, &mapped(5)).is_none());
        let (internal, external) = (at("10.0.0.2:5"), at("11.0.0.1:5"));
        let ended = NatEvent::Expired { protocol: Protocol::Udp, internal, external };
        assert!(tables.on(node, &ended).is_none());
        assert_eq!(tables.on(node, &ended).unwrap().rows[0].change, Change::Gone);
    }

    #[test]
    fn what_ended_is_shown_once_more_and_long_tables_are_cut() {
        let mut tables = Tables::default();
        let node = NodeId(3);
        for port in 1..=10 {
            tables.on(node, &mapped(port));
        }
        let (internal, external) = (at("10.0.0.2:1"), at("11.0.0.1:1"));
        let ended = NatEvent::Expired { protocol: Protocol::Udp, internal, external };
        let table = tables.on(node, &ended).unwrap();
        assert_eq!((table.rows.len(), table.more), (7, 3));
        assert_eq!(table.rows[0].change, Change::Gone);
        let refreshed = NatEvent::Refreshed { internal, external, expires: Instant::ZERO };
        assert!(tables.on(node, &refreshed).is_none());
        assert_eq!(tables.on(node, &mapped(11)).unwrap().more, 4);
        assert!(tables.on(node, &NatEvent::Rebooted).unwrap().rows.is_empty());
    }
}
