//! A hash over everything that happens: two runs are the same if it is.

use std::{
    fmt::{self, Write as _},
    net::IpAddr,
};

use base::Instant;

use crate::{
    event::{Event, Place},
    observer::Observer,
    packet::{Body, Packet},
};

/// BLAKE3 over the bytes of every event.
///
/// An event counts with its time, its kind, its place, and the header fields of its packet. Payload
/// bytes count where a packet first appears, where a link changes them, and where they are delivered.
#[derive(Clone, Debug, Default)]
pub struct TraceHash {
    hasher: blake3::Hasher,
    /// Events are gathered here and hashed in blocks, which BLAKE3 likes better than many small updates.
    buffer: Vec<u8>,
    /// The greatest number of a packet that has appeared.
    seen: u64,
}

/// Bytes gathered before they are hashed.
const BLOCK: usize = 16 * 1024;

impl TraceHash {
    /// The hash over all events so far.
    #[must_use]
    pub fn finish(&self) -> [u8; 32] {
        *self.hasher.clone().update(&self.buffer).finalize().as_bytes()
    }

    fn byte(&mut self, value: u8) {
        self.buffer.push(value);
    }

    fn number(&mut self, value: u64) {
        self.buffer.extend_from_slice(&value.to_be_bytes());
    }

    fn ip(&mut self, ip: IpAddr) {
        match ip {
            IpAddr::V4(v4) => self.buffer.extend_from_slice(&v4.octets()),
            IpAddr::V6(v6) => self.buffer.extend_from_slice(&v6.octets()),
        }
    }

    fn packet(&mut self, packet: &Packet, whole: bool) {
        let id = packet.id.get();
        let first = id > self.seen;
        self.seen = self.seen.max(id);
        self.number(id);
        self.byte(if packet.is_ipv6() { 6 } else { 4 });
        self.ip(packet.source_ip);
        self.ip(packet.destination_ip);
        self.byte(packet.hop_limit);
        self.byte((packet.dscp.bits() << 2) | packet.ecn.bits());
        self.byte(u8::from(packet.dont_fragment));
        self.number(packet.fragment.map_or(0, |part| {
            (u64::from(part.identification) << 32)
                | (u64::from(part.offset) << 8)
                | u64::from(part.more)
                | 2
        }));
        match &packet.body {
            Body::Udp(udp) => {
                self.byte(if udp.checksum_ok { 1 } else { 2 });
                self.number((u64::from(udp.source_port) << 16) | u64::from(udp.destination_port));
            }
            Body::Icmp(icmp) => {
                self.byte(3);
                let _ = write!(Text(self), "{icmp:?}");
            }
            Body::Trailing(_) => self.byte(4),
        }
        let payload = packet.payload();
        self.number(payload.len() as u64);
        if first || whole {
            self.buffer.extend_from_slice(payload);
        }
    }
}

impl Observer for TraceHash {
    fn on(&mut self, at: Instant, event: &Event<'_>) {
        self.number(at.as_nanos());
        let (kind, place, packet) = match *event {
            Event::Sent { hop, packet } => (1, hop.get(), Some(packet)),
            Event::Queued { hop, packet, .. } => (2, hop.get(), Some(packet)),
            Event::Received { hop, packet } => (3, hop.get(), Some(packet)),
            Event::Delivered { node, packet, .. } => (4, node.get(), Some(packet)),
            Event::Dropped { place, packet, reason, .. } => {
                let _ = write!(Text(self), "{reason}");
                let (kind, place) = match place {
                    Place::Hop(hop) => (5, hop.get()),
                    Place::Node(node) => (6, node.get()),
                };
                (kind, place, Some(packet))
            }
            Event::Duplicated { hop, packet } => (7, hop.get(), Some(packet)),
            Event::Corrupted { hop, packet } => (8, hop.get(), Some(packet)),
            Event::Fragmented { hop, packet, .. } => (9, hop.get(), Some(packet)),
            Event::Nat { node, event } => {
                let _ = write!(Text(self), "{event:?}");
                (10, node.get(), None)
            }
            Event::Interface { hop, up } => {
                self.byte(u8::from(up));
                (11, hop.get(), None)
            }
        };
        self.byte(kind);
        self.number(u64::from(place));
        if let Some(packet) = packet {
            let whole = matches!(event, Event::Delivered { .. } | Event::Corrupted { .. });
            self.packet(packet, whole);
        }
        if self.buffer.len() >= BLOCK {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
    }
}

/// Text that goes into the hash.
struct Text<'a>(&'a mut TraceHash);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.buffer.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
