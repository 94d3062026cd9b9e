//! A drawing for people.

mod columns;
mod elide;
mod mark;
mod mermaid;
mod picture;
mod segments;
mod step;
mod tables;
mod text;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use base::Instant;

use self::{
    columns::arrange,
    mark::Mark,
    segments::Segments,
    step::{Leg, Step, Why},
    tables::Tables,
};
use super::capture::nat_comment;
use crate::{
    event::{Event, NatEvent, Place},
    id::{NodeId, PacketId},
    observer::{HopInfo, NodeInfo, NodeKind, Observer, Topology},
    packet::{Body, Packet},
};

/// Turns a UDP payload into a few words, such as `STUN Binding request`; `None` if it cannot.
pub type Summary = fn(&[u8]) -> Option<String>;

/// Steps that are kept; a drawing that nobody can read to its end helps nobody.
const MAX_STEPS: usize = 2_000;

/// Draws a column for every host and box, and an arrow for every packet from one to the next, in the
/// order of sending. Times are virtual. Drops are marked with their reason; what a NAT does shows in the
/// addresses before and behind it. One recording, three drawings: [text](Ladder::render),
/// [SVG](Ladder::svg) and [Mermaid](Ladder::mermaid).
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
    steps: Vec<Step>,
    /// Where TCP connections began.
    segments: Segments,
    /// What NATs remember.
    tables: Tables,
    /// Steps that were not kept.
    omitted: usize,
    /// Events so far.
    order: u64,
    /// Packets between two columns.
    flying: BTreeMap<PacketId, Flight>,
    /// The last step of every packet that arrived in a column, while it may still be dropped there.
    landed: Option<(PacketId, NodeId, usize)>,
}

/// Where a packet left from.
#[derive(Clone, Copy, Debug)]
struct Flight {
    origin: usize,
    column: usize,
    at: Instant,
    order: u64,
    ends: (SocketAddr, SocketAddr),
    new: (bool, bool),
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

    /// Adds a note of the caller's own in the column of `node`, such as what it now believes. A node
    /// without a column gets a [remark](Ladder::remark).
    pub fn note(&mut self, at: Instant, node: NodeId, text: &str) {
        let mark = self.column(node).map_or(Mark::Remark, |column| Mark::Note { column });
        self.push(at, mark, text.to_owned());
    }

    /// The drawing so far, in letters.
    #[must_use]
    pub fn render(&self) -> String {
        text::render(self)
    }

    /// The drawing so far as a self-contained SVG under `title`: arrows slope with the time packets
    /// take, rewritten addresses stand out, NATs show their tables whenever these change, and packets
    /// that repeat earlier ones are left out.
    #[must_use]
    pub fn svg(&self, title: &str) -> String {
        picture::whole(self, title)
    }

    /// The drawing as two SVGs of the same width, for a page: the heads of the columns, and the rest.
    pub(super) fn svg_parts(&self, title: &str) -> (String, String) {
        picture::parts(self, title)
    }

    /// The drawing so far as a Mermaid sequence diagram, for pages that render those.
    #[must_use]
    pub fn mermaid(&self) -> String {
        mermaid::render(self)
    }

    fn column(&self, node: NodeId) -> Option<usize> {
        self.columns.get(usize::try_from(node.get()).ok()?).copied().flatten()
    }

    /// For each column, whether it is that of a NAT or firewall.
    fn columns_that_are_boxes(&self) -> Vec<bool> {
        let mut boxes = vec![false; self.names.len()];
        for node in &self.topology.nodes {
            let column = self.column(node.id).and_then(|column| boxes.get_mut(column));
            if let Some(is_box) = column {
                *is_box = node.kind == NodeKind::Middlebox;
            }
        }
        boxes
    }

    fn push(&mut self, at: Instant, mark: Mark, text: String) -> usize {
        self.add(Step::plain(at, self.order, mark, text))
    }

    const fn is_full(&self) -> bool {
        self.steps.len() >= MAX_STEPS
    }

    fn add(&mut self, step: Step) -> usize {
        if self.is_full() {
            // What the text would not show is not missed.
            self.omitted += usize::from(!step.text.is_empty());
            return usize::MAX;
        }
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// What a packet carries.
    fn words(&self, packet: &Packet) -> String {
        match &packet.body {
            Body::Udp(udp) => {
                let words = self.summary.and_then(|summary| summary(&udp.payload));
                let mut words = words.unwrap_or_else(|| format!("UDP {} bytes", udp.payload.len()));
                if packet.fragment.is_some() {
                    words.push_str(" (first fragment)");
                }
                words
            }
            Body::Tcp(tcp) => self.segments.describe(packet, tcp),
            Body::Icmp(icmp) => format!("ICMP {icmp}"),
            Body::Trailing(bytes) => format!("later fragment, {} bytes", bytes.len()),
        }
    }

    fn describe(&self, packet: &Packet, words: &str) -> String {
        match &packet.body {
            Body::Udp(_) | Body::Tcp(_) => {
                format!("{} > {}  {words}", packet.source(), packet.destination())
            }
            Body::Icmp(_) | Body::Trailing(_) => packet.to_string(),
        }
    }

    /// The step of an arrow that begins with `flight` and ends at `until`.
    fn arrow(&self, flight: Flight, mark: Mark, packet: &Packet, until: Instant) -> Step {
        let words = self.words(packet);
        let text = self.describe(packet, &words);
        let leg = Leg {
            packet: packet.id,
            origin: flight.origin,
            source: packet.source(),
            destination: packet.destination(),
            new_source: flight.new.0,
            new_destination: flight.new.1,
            words,
            size: packet.ip_length(),
            until,
            why: None,
        };
        Step { leg: Some(Box::new(leg)), ..Step::plain(flight.at, flight.order, mark, text) }
    }

    /// The column of the node that has `ip`, for the direction of packets that do not arrive.
    fn column_of(&self, ip: IpAddr) -> Option<usize> {
        let has = |hop: &&HopInfo| hop.addresses.iter().any(|address| address.ip == ip);
        self.column(self.topology.hops.iter().find(has)?.node)
    }

    fn sent(&mut self, at: Instant, node: NodeId, packet: &Packet) {
        let Some(column) = self.column(node) else { return };
        let ends = (packet.source(), packet.destination());
        let before = self.flying.get(&packet.id);
        let origin = before.map_or(column, |flight| flight.origin);
        let new = before
            .map_or((false, false), |flight| (flight.ends.0 != ends.0, flight.ends.1 != ends.1));
        if !self.is_full() {
            let flight = Flight { origin, column, at, order: self.order, ends, new };
            self.flying.insert(packet.id, flight);
        }
        // What it left behind is no longer of interest.
        self.landed = self.landed.filter(|(id, ..)| *id != packet.id);
    }

    /// A packet that nobody saw leave.
    fn here(&self, column: usize, at: Instant, packet: &Packet) -> Flight {
        let ends = (packet.source(), packet.destination());
        Flight { origin: column, column, at, order: self.order, ends, new: (false, false) }
    }

    fn received(&mut self, at: Instant, node: NodeId, packet: &Packet) {
        let Some(to) = self.column(node) else { return };
        if self.is_full() {
            self.omitted += 1;
            self.landed = Some((packet.id, node, usize::MAX));
            return;
        }
        let flight = self.flying.get(&packet.id).copied();
        let flight = flight.unwrap_or_else(|| self.here(to, at, packet));
        let mark = Mark::Arrow { from: flight.column, to };
        let index = self.add(self.arrow(flight, mark, packet, at));
        self.landed = Some((packet.id, node, index));
    }

    fn dropped(&mut self, at: Instant, place: Place, packet: &Packet, why: Why) {
        let said = format!("  DROP {}: {}", why.reason, why.words);
        if let (Some((id, there, index)), Place::Node(here)) = (self.landed, place)
            && id == packet.id
            && there == here
        {
            if let Some(step) = self.steps.get_mut(index)
                && let Mark::Arrow { from, to } = step.mark
            {
                step.mark = Mark::Refused { from, to };
                step.text.push_str(&said);
                if let Some(leg) = &mut step.leg {
                    leg.why = Some(why);
                }
            }
            self.flying.remove(&packet.id);
            return;
        }
        let node = match place {
            Place::Node(node) => Some(node),
            Place::Hop(hop) => self.topology.hop(hop).map(|info| info.node),
        };
        let known = node.and_then(|node| self.column(node));
        // Another copy of it may still be on its way.
        let flying = self.flying.get(&packet.id).copied();
        let Some(flight) = flying.or_else(|| known.map(|column| self.here(column, at, packet)))
        else {
            return;
        };
        let from = flight.column;
        let right = self
            .column_of(packet.destination_ip)
            .map_or_else(|| from + 1 < self.names.len(), |to| to > from);
        let mut step = self.arrow(flight, Mark::Lost { from, right }, packet, at);
        step.text.push_str(&said);
        if let Some(leg) = &mut step.leg {
            leg.why = Some(why);
        }
        self.add(step);
    }

    fn nat(&mut self, at: Instant, node: NodeId, event: &NatEvent) {
        let Some(column) = self.column(node) else { return };
        let text = nat_comment(event).unwrap_or_default();
        let mut table = self.tables.on(node, event);
        let told = matches!(event, NatEvent::Mapped { .. } | NatEvent::Expired { .. });
        if !told && !text.is_empty() {
            table.get_or_insert_default().headline = Some(text.clone());
        }
        if table.is_some() || !text.is_empty() {
            let step = Step::plain(at, self.order, Mark::Note { column }, text);
            self.add(Step { table: table.map(Box::new), ..step });
        }
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

    fn rewired(&mut self, topology: &Topology) {
        self.topology = topology.clone();
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        self.order += 1;
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
                self.dropped(at, place, packet, Why::new(reason, note));
            }
            Event::Nat { node, event } => self.nat(at, node, event),
            Event::Interface { hop, up } => {
                if let Some(column) = node_of(hop).and_then(|node| self.column(node)) {
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
            | Event::Marked { .. }
            | Event::Fragmented { .. } => {}
        }
    }
}
