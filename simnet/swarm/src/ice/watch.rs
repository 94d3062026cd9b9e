//! What is seen on the wire of the two hosts.

use std::{collections::BTreeSet, net::SocketAddr};

use base::Instant;
use simnet::{Event, HopId, Observer, Packet, Protocol, Topology};
use stun::{
    Message,
    wire::{Class, Data, Method, Username},
};

use super::{data::MAGIC, plan::NAMES};

/// What one host sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// First transmissions of checks: when, and to whom; `None` if they went to a relay, where those that
    /// waited for a permission come together.
    pub(crate) checks: Vec<(Instant, Option<SocketAddr>)>,
    /// Packets of UDP that are no data of the application.
    pub(crate) control: u64,
    /// Segments of TCP.
    pub(crate) segments: u64,
    /// Data of the application.
    pub(crate) data: u64,
    /// When the last data left, other than over TCP.
    pub(crate) last_data: Option<Instant>,
    /// Transactions whose request was seen.
    transactions: BTreeSet<[u8; 12]>,
}

/// Watches the two hosts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    /// The side of each interface, by its id.
    sides: Vec<Option<usize>>,
    pub(crate) seen: [Seen; 2],
}

impl Observer for Watch {
    fn start(&mut self, topology: &Topology) {
        self.rewired(topology);
    }

    fn rewired(&mut self, topology: &Topology) {
        let side = |hop: &simnet::HopInfo| {
            // What a host says to itself stays there.
            let own = hop.id == hop.peer;
            let name = topology.node_name(hop.node);
            NAMES.iter().position(|side| *side == name).filter(|_| !own)
        };
        self.sides = topology.hops.iter().map(side).collect();
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        if let Event::Sent { hop, packet } = event
            && let Some(side) = self.side(*hop)
            && let Some(seen) = self.seen.get_mut(side)
        {
            seen.note(at, packet);
        }
    }
}

impl Watch {
    fn side(&self, hop: HopId) -> Option<usize> {
        let index = usize::try_from(hop.get()).ok()?;
        self.sides.get(index).copied().flatten()
    }
}

impl Seen {
    fn note(&mut self, at: Instant, packet: &Packet) {
        match packet.protocol() {
            Protocol::Tcp => self.segments += 1,
            Protocol::Icmp => self.control += 1,
            Protocol::Udp => self.datagram(at, packet),
        }
    }

    fn datagram(&mut self, at: Instant, packet: &Packet) {
        let payload = packet.payload();
        if let Some(inner) = channel_data(payload) {
            return self.inner(at, inner, None);
        }
        match Message::parse(payload) {
            Ok(message) if message.method() == Method::SEND => {
                let inner = message.get::<Data<'_>>().map_or(&[][..], |data| data.0);
                self.inner(at, inner, None);
            }
            _ => self.inner(at, payload, Some(packet.destination())),
        }
    }

    /// What the agent or the application sent, to whom.
    fn inner(&mut self, at: Instant, payload: &[u8], to: Option<SocketAddr>) {
        if payload.starts_with(&MAGIC) {
            self.data += 1;
            self.last_data = Some(at);
            return;
        }
        self.control += 1;
        let Ok(message) = Message::parse(payload) else { return };
        let is_check = message.method() == Method::BINDING
            && message.class() == Class::Request
            && message.get::<Username<'_>>().is_some();
        if is_check && self.transactions.insert(transaction(payload)) {
            self.checks.push((at, to));
        }
    }
}

/// The transaction id of a message that was parsed.
fn transaction(payload: &[u8]) -> [u8; 12] {
    payload.get(8..20).and_then(|id| id.try_into().ok()).unwrap_or_default()
}

/// What is in a message of a channel: RFC 8656 §12.4.
fn channel_data(payload: &[u8]) -> Option<&[u8]> {
    let (head, rest) = payload.split_first_chunk::<4>()?;
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    (0x40..=0x4f).contains(&head[0]).then(|| rest.get(..length)).flatten()
}
