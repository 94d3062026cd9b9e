//! A hash over everything that happens: two runs are the same if it is.

use std::{
    fmt::{self, Write as _},
    net::{IpAddr, SocketAddr},
};

use base::Instant;

use crate::{
    event::{Event, NatEvent, Place},
    observer::Observer,
    packet::{Body, Packet},
};

/// BLAKE3 over the bytes of every event.
///
/// An event counts with its time, its kind, its place and the number of its packet; header fields count
/// where a packet is sent, split or ends; payload bytes where it first appears and where a link changes
/// them.
#[derive(Clone, Debug, Default)]
pub struct TraceHash {
    hasher: blake3::Hasher,
    /// Events are gathered here and hashed in blocks, which BLAKE3 likes better than many small updates.
    buffer: Vec<u8>,
    /// The greatest number of a packet that has appeared.
    seen: u64,
}

/// Bytes gathered before they are hashed: a multiple of the eight chunks of 1 KiB that BLAKE3 takes at once.
const BLOCK: usize = 16 * 1024;

impl TraceHash {
    /// The hash over all events so far.
    #[must_use]
    pub fn finish(&self) -> [u8; 32] {
        *self.hasher.clone().update(&self.buffer).finalize().as_bytes()
    }

    /// Hashes what has been gathered in whole blocks: at such boundaries BLAKE3 hashes eight chunks at a
    /// time, elsewhere one by one.
    fn digest(&mut self) {
        let whole = self.buffer.len() / BLOCK * BLOCK;
        self.hasher.update(self.buffer.get(..whole).unwrap_or_default());
        self.buffer.drain(..whole);
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

    fn address(&mut self, address: SocketAddr) {
        self.byte(if address.is_ipv6() { 6 } else { 4 });
        self.ip(address.ip());
        self.number(address.port().into());
    }

    /// A decision of a box. Almost every packet refreshes something, so that this has no words.
    fn nat(&mut self, event: &NatEvent) {
        if let NatEvent::Refreshed { internal, external, expires } = event {
            self.byte(1);
            self.address(*internal);
            self.address(*external);
            return self.number(expires.as_nanos());
        }
        self.byte(0);
        let _ = write!(Text(self), "{event:?}");
    }

    /// What kind of event, where, and which packet.
    fn head(&mut self, kind: u8, place: u32, packet: &Packet) {
        self.byte(kind);
        self.buffer.extend_from_slice(&place.to_be_bytes());
        self.number(packet.id.get());
    }

    /// The header, and the payload if this is where the packet first appears.
    fn packet(&mut self, packet: &Packet, whole: bool) {
        let first = packet.id.get() > self.seen;
        self.seen = self.seen.max(packet.id.get());
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
            Body::Tcp(tcp) => {
                self.byte(if tcp.checksum_ok { 5 } else { 6 });
                self.number((u64::from(tcp.source_port) << 16) | u64::from(tcp.destination_port));
                self.number((u64::from(tcp.sequence) << 32) | u64::from(tcp.acknowledgment));
                self.number((u64::from(tcp.flags.bits()) << 16) | u64::from(tcp.window));
                self.number(tcp.options.len() as u64);
                self.buffer.extend_from_slice(&tcp.options);
            }
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
        match *event {
            Event::Sent { hop, packet } => {
                self.head(1, hop.get(), packet);
                self.packet(packet, false);
            }
            // The header is that of `Sent`, or `Corrupted` has told.
            Event::Queued { hop, packet, .. } => self.head(2, hop.get(), packet),
            Event::Received { hop, packet } => self.head(3, hop.get(), packet),
            Event::Delivered { node, socket, packet } => {
                self.head(4, node.get(), packet);
                self.number(socket.map_or(u64::MAX, |socket| u64::from(socket.get())));
            }
            Event::Dropped { place, packet, reason, .. } => {
                match place {
                    Place::Hop(hop) => self.head(5, hop.get(), packet),
                    Place::Node(node) => self.head(6, node.get(), packet),
                }
                self.packet(packet, false);
                self.buffer.extend_from_slice(reason.name().as_bytes());
            }
            Event::Duplicated { hop, packet } => self.head(7, hop.get(), packet),
            Event::Corrupted { hop, packet } => {
                self.head(8, hop.get(), packet);
                self.packet(packet, true);
            }
            Event::Marked { hop, packet } => self.head(13, hop.get(), packet),
            Event::Fragmented { hop, packet, fragments } => {
                self.head(9, hop.get(), packet);
                self.packet(packet, false);
                self.number(u64::from(fragments));
            }
            Event::Nat { node, event } => {
                self.byte(10);
                self.number(u64::from(node.get()));
                self.nat(event);
            }
            Event::Interface { hop, up } => {
                self.byte(11);
                self.number(u64::from(hop.get()));
                self.byte(u8::from(up));
            }
            Event::Changed { node, changed } => {
                self.byte(12);
                self.number(u64::from(node.get()));
                let _ = write!(Text(self), "{changed:?}");
            }
        }
        if self.buffer.len() >= BLOCK {
            self.digest();
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
