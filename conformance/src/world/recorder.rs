//! Watches the network for the case: which stimuli arrived, and the recording.

use std::fmt::Write as _;

use base::Instant;
use simnet::{Body, Event, Observer, Packet, Place, Topology};
use wire::stun::Parsed;

use crate::ctl::Record;

/// A stimulus on its way.
#[derive(Clone, Debug)]
struct Awaited {
    what: String,
    payload: Vec<u8>,
    arrived: Option<Instant>,
}

/// Watches a network.
#[derive(Debug, Default)]
pub struct Recorder {
    awaited: Vec<Awaited>,
    recording: Option<Recording>,
}

/// What a full recording holds.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    topology: Topology,
    /// The ladder, line by line with times.
    pub(crate) ladder: Vec<(Instant, String)>,
}

impl Recorder {
    pub(crate) fn new(record: Record) -> Self {
        let recording = (record == Record::Everything).then(Recording::default);
        Self { awaited: Vec::new(), recording }
    }

    /// Waits for a datagram with this payload to be delivered to anyone.
    pub(crate) fn await_stimulus(&mut self, what: String, payload: &[u8]) {
        self.awaited.push(Awaited { what, payload: payload.to_vec(), arrived: None });
    }

    /// The stimuli that arrived, with their times, and those that did not.
    pub(crate) fn stimuli(&self) -> (Vec<(Instant, String)>, Vec<String>) {
        let arrived = self.awaited.iter().filter_map(|a| Some((a.arrived?, a.what.clone())));
        let lost = self.awaited.iter().filter(|a| a.arrived.is_none()).map(|a| a.what.clone());
        (arrived.collect(), lost.collect())
    }

    /// The full recording, if one was asked for.
    pub(crate) fn into_recording(self) -> Option<Recording> {
        self.recording
    }
}

impl Observer for Recorder {
    fn start(&mut self, topology: &Topology) {
        if let Some(recording) = &mut self.recording {
            recording.topology = topology.clone();
        }
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        if let Event::Delivered { packet, .. } = event {
            self.arrived(at, packet);
        }
        if let Some(recording) = &mut self.recording {
            recording.on(at, event);
        }
    }
}

impl Recorder {
    fn arrived(&mut self, at: Instant, packet: &Packet) {
        let Body::Udp(udp) = &packet.body else { return };
        let waits = |awaited: &&mut Awaited| {
            awaited.arrived.is_none() && awaited.payload == udp.payload[..]
        };
        if let Some(awaited) = self.awaited.iter_mut().find(waits) {
            awaited.arrived = Some(at);
        }
    }
}

impl Recording {
    /// Origins, deliveries and ends of packets become lines; what happens on the way is for the capture.
    fn on(&mut self, at: Instant, event: &Event<'_>) {
        let line = match event {
            Event::Delivered { node, packet, .. } => {
                let name =
                    self.topology.nodes.get(usize::try_from(node.get()).unwrap_or(usize::MAX));
                let name = name.map_or("?", |node| node.name.as_str());
                format!("──▶ {name:<10} {}", describe(packet))
            }
            Event::Dropped { place, packet, reason, note } => {
                let place = self.place(*place);
                let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
                format!("──✗ {place:<10} {} dropped: {reason}{note}", describe(packet))
            }
            Event::Nat { event, .. } => format!("  ~ {event:?}"),
            _ => return,
        };
        self.ladder.push((at, line));
    }

    fn place(&self, place: Place) -> &str {
        let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let name = match place {
            Place::Hop(hop) => self.topology.hops.get(index(hop.get())).map(|hop| &hop.name),
            Place::Node(node) => self.topology.nodes.get(index(node.get())).map(|node| &node.name),
        };
        name.map_or("?", String::as_str)
    }
}

/// One line about a packet: its addresses, and its message if it holds one.
fn describe(packet: &Packet) -> String {
    let mut text = format!("{} > {}  ", packet.source(), packet.destination());
    match &packet.body {
        Body::Udp(udp) => match Parsed::read(&udp.payload) {
            Ok(message) => _ = write!(text, "{message}"),
            Err(_) => _ = write!(text, "{} bytes", udp.payload.len()),
        },
        other => _ = write!(text, "{other:?}"),
    }
    text
}
