//! A drawing for people.

mod columns;
mod mark;
mod segments;

use std::{collections::BTreeMap, fmt::Write as _, net::IpAddr};

use base::Instant;

use self::{columns::arrange, mark::Mark, segments::Segments};
use super::capture::nat_comment;
use crate::{
    event::{Event, Place},
    id::{NodeId, PacketId},
    observer::{HopInfo, NodeInfo, Observer, Topology},
    packet::{Body, Packet},
};

/// Turns a UDP payload into a few words, such as `STUN Binding request`; `None` if it cannot.
pub type Summary = fn(&[u8]) -> Option<String>;

/// Lines that are kept; a drawing that nobody can read to its end helps nobody.
const MAX_LINES: usize = 2_000;
/// Columns between two lifelines, at least.
const MIN_WIDTH: usize = 14;
/// Room for the time, in milliseconds with three decimals.
const TIME_WIDTH: usize = 11;

/// Draws a column for every host and box, and an arrow for every packet from one to the next, in the
/// order of sending. Times are virtual milliseconds. Drops are marked with their reason; what a NAT
/// does shows in the addresses before and behind it.
///
/// ```text
///                 alice         home-a          stun
///       0.000       |------------>|              |   10.0.0.2:5000 > 12.0.0.9:3478  Binding request
///       1.000       |             *              |   maps 10.0.0.2:5000 to 11.0.0.1:5000
///       1.000       |             |------------->|   11.0.0.1:5000 > 12.0.0.9:3478  Binding request
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    summary: Option<Summary>,
    topology: Topology,
    /// The column of each node, by its number; switches and routers have none.
    columns: Vec<Option<usize>>,
    names: Vec<String>,
    lines: Vec<Line>,
    /// Where TCP connections began.
    segments: Segments,
    /// Lines that were not kept.
    omitted: usize,
    /// Packets between two columns: where they left from, and when.
    flying: BTreeMap<PacketId, (usize, Instant)>,
    /// The last line of every packet that arrived in a column, while it may still be dropped there.
    landed: Option<(PacketId, NodeId, usize)>,
}

#[derive(Clone, Debug)]
struct Line {
    at: Instant,
    mark: Mark,
    text: String,
}

impl Ladder {
    /// An empty drawing that shows payloads by their length.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty drawing whose payloads are shown by `summary`.
    #[must_use]
    pub fn with_summary(summary: Summary) -> Self {
        Self { summary: Some(summary), ..Self::default() }
    }

    /// Adds a line of the caller's own, after everything that has happened up to `at`.
    pub fn remark(&mut self, at: Instant, text: &str) {
        self.push(at, Mark::Remark, text.to_owned());
    }

    /// The drawing so far.
    #[must_use]
    pub fn render(&self) -> String {
        let width = self.names.iter().map(|name| name.chars().count() + 2).max().unwrap_or(0);
        let width = width.max(MIN_WIDTH);
        let mut out = String::new();
        let _ = write!(out, "{:TIME_WIDTH$}", "");
        for name in &self.names {
            let _ = write!(out, "{name:^width$}");
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        let mut order: Vec<_> = self.lines.iter().collect();
        order.sort_by_key(|line| line.at);
        for line in order {
            let nanos = line.at.as_nanos();
            let time = format!("{}.{:03}", nanos / 1_000_000, nanos / 1_000 % 1_000);
            let row = line.mark.draw(self.names.len(), width);
            let _ = writeln!(out, "{time:>TIME_WIDTH$}{row}  {}", line.text);
        }
        if self.omitted > 0 {
            let _ = writeln!(out, "{:TIME_WIDTH$}… and {} more", "", self.omitted);
        }
        out
    }

    fn column(&self, node: NodeId) -> Option<usize> {
        self.columns.get(usize::try_from(node.get()).ok()?).copied().flatten()
    }

    fn push(&mut self, at: Instant, mark: Mark, text: String) -> usize {
        if self.lines.len() >= MAX_LINES {
            self.omitted += 1;
            return usize::MAX;
        }
        self.lines.push(Line { at, mark, text });
        self.lines.len() - 1
    }

    fn describe(&self, packet: &Packet) -> String {
        let payload = match &packet.body {
            Body::Udp(udp) => &udp.payload,
            Body::Tcp(tcp) => {
                let words = self.segments.describe(packet, tcp);
                return format!("{} > {}  {words}", packet.source(), packet.destination());
            }
            Body::Icmp(_) | Body::Trailing(_) => return packet.to_string(),
        };
        let words = self.summary.and_then(|summary| summary(payload));
        let words = words.unwrap_or_else(|| format!("UDP {} bytes", payload.len()));
        let mut text = format!("{} > {}  {words}", packet.source(), packet.destination());
        if packet.fragment.is_some() {
            text.push_str(" (first fragment)");
        }
        text
    }

    /// The column of the node that has `ip`, for the direction of packets that do not arrive.
    fn column_of(&self, ip: IpAddr) -> Option<usize> {
        let has = |hop: &&HopInfo| hop.addresses.iter().any(|address| address.ip == ip);
        self.column(self.topology.hops.iter().find(has)?.node)
    }

    fn sent(&mut self, at: Instant, node: NodeId, packet: &Packet) {
        if let Some(column) = self.column(node) {
            self.flying.insert(packet.id, (column, at));
            // What it left behind is no longer of interest.
            self.landed = self.landed.filter(|(id, ..)| *id != packet.id);
        }
    }

    fn received(&mut self, at: Instant, node: NodeId, packet: &Packet) {
        let Some(to) = self.column(node) else { return };
        let (from, since) = self.flying.get(&packet.id).copied().unwrap_or((to, at));
        let text = self.describe(packet);
        let line = self.push(since, Mark::Arrow { from, to }, text);
        self.landed = Some((packet.id, node, line));
    }

    fn dropped(&mut self, at: Instant, place: Place, packet: &Packet, why: &str) {
        let node = match place {
            Place::Node(node) => Some(node),
            Place::Hop(hop) => self.topology.hop(hop).map(|info| info.node),
        };
        if let (Some((id, there, line)), Place::Node(here)) = (self.landed, place)
            && id == packet.id
            && there == here
        {
            if let Some(line) = self.lines.get_mut(line)
                && let Mark::Arrow { from, to } = line.mark
            {
                line.mark = Mark::Refused { from, to };
                let _ = write!(line.text, "  {why}");
            }
            self.flying.remove(&packet.id);
            return;
        }
        let known = node.and_then(|node| self.column(node));
        let flying = self.flying.get(&packet.id).copied();
        let Some((from, since)) = flying.or_else(|| known.map(|column| (column, at))) else {
            return;
        };
        let right = self
            .column_of(packet.destination_ip)
            .map_or_else(|| from + 1 < self.names.len(), |to| to > from);
        let text = format!("{}  {why}", self.describe(packet));
        self.push(since, Mark::Lost { from, right }, text);
    }
}

impl Observer for Ladder {
    fn start(&mut self, topology: &Topology) {
        self.topology = topology.clone();
        let order = arrange(topology);
        self.names = order.iter().map(|node| topology.node_name(*node).to_owned()).collect();
        let place = |node: &NodeInfo| order.iter().position(|shown| *shown == node.id);
        self.columns = topology.nodes.iter().map(place).collect();
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        if let Event::Sent { packet, .. } | Event::Received { packet, .. } = *event
            && let Body::Tcp(tcp) = &packet.body
        {
            self.segments.note(packet, tcp);
        }
        let node_of = |hop| self.topology.hop(hop).map(|info| info.node);
        match *event {
            Event::Sent { hop, packet } => {
                if let Some(node) = node_of(hop) {
                    self.sent(at, node, packet);
                }
            }
            Event::Received { hop, packet } => {
                if let Some(node) = node_of(hop) {
                    self.received(at, node, packet);
                }
            }
            Event::Dropped { place, packet, reason, note } => {
                let why = format!("DROP {}", reason.explained(note));
                self.dropped(at, place, packet, &why);
            }
            Event::Nat { node, event } => {
                if let (Some(column), Some(text)) = (self.column(node), nat_comment(event)) {
                    self.push(at, Mark::Note { column }, text);
                }
            }
            Event::Interface { hop, up } => {
                let column = node_of(hop).and_then(|node| self.column(node));
                if let Some(column) = column {
                    let state = if up { "up" } else { "down" };
                    let text = format!("{} goes {state}", self.topology.hop_name(hop));
                    self.push(at, Mark::Note { column }, text);
                }
            }
            Event::Changed { node, changed } => {
                if let Some(column) = self.column(node) {
                    self.push(at, Mark::Note { column }, changed.text(&self.topology));
                }
            }
            Event::Delivered { packet, .. } => {
                self.flying.remove(&packet.id);
            }
            Event::Queued { .. }
            | Event::Duplicated { .. }
            | Event::Corrupted { .. }
            | Event::Fragmented { .. } => {}
        }
    }
}
