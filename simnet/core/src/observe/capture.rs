//! A capture for Wireshark.

use std::{borrow::Cow, io, net::IpAddr};

use base::{Instant, InterfaceAddress, Writer};
use pcap_file::{
    DataLink, Endianness, PcapError,
    pcapng::{
        PcapNgBlock, PcapNgWriter, RawBlock,
        blocks::{
            interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption},
            section_header::{SectionHeaderBlock, SectionHeaderOption},
        },
    },
};

use super::bytes::write_packet;
use crate::{
    event::{Event, NatEvent, Place},
    id::{HopId, NodeId, PacketId},
    observer::{HopInfo, Observer, Topology},
};

/// Time stamps count nanoseconds: 10 to the power of minus nine.
const NANOSECONDS: u8 = 9;
/// Type of an enhanced packet block.
const ENHANCED_PACKET: u32 = 6;
/// Type of a block with secrets that a reader decrypts with, and the kind that holds lines as TLS
/// libraries log them.
const SECRETS: u32 = 0x0a;
/// As [`SECRETS`].
const KEY_LOG: u32 = 0x544c_534b;
/// Options of a packet: its comments, direction and number, and the end of the list.
const COMMENT: u16 = 1;
/// As [`COMMENT`].
const FLAGS: u16 = 2;
/// As [`COMMENT`].
const PACKET_ID: u16 = 5;
/// As [`COMMENT`].
const END: u16 = 0;
/// Bytes of a block around its body: its type, and its length at both ends.
const BLOCK_FRAME: usize = 12;
/// Direction of a packet in `epb_flags`.
const INBOUND: u32 = 0b01;
/// As [`INBOUND`].
const OUTBOUND: u32 = 0b10;

/// Writes a pcapng file: one interface per hop with its name and addresses, time stamps in virtual
/// nanoseconds, the number of the packet in `epb_packetid`, and as comments why a packet was dropped and
/// what a NAT did with it.
///
/// A packet that crosses a wire is there twice, as it left one interface and as it reached the other.
/// One that a link lost is there a second time on the interface it left by, with the reason.
pub struct Capture<W: io::Write = Vec<u8>> {
    /// The writer; until the interfaces are known, the sink alone.
    state: State<W>,
    topology: Topology,
    /// The last packet, which may yet get a comment.
    pending: Option<Pending>,
    error: Option<io::Error>,
}

enum State<W: io::Write> {
    Waiting(W),
    Writing(Box<PcapNgWriter<W>>),
    Lost,
}

/// A packet on an interface, with what is to be said of it.
struct Pending {
    at: Instant,
    hop: HopId,
    direction: u32,
    id: PacketId,
    /// Source and destination, with ports.
    ends: String,
    bytes: Vec<u8>,
    comments: Vec<String>,
}

impl Capture {
    /// A capture in memory.
    #[must_use]
    pub const fn new() -> Self {
        Self::to(Vec::new())
    }
}

impl Default for Capture {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: io::Write> Capture<W> {
    /// A capture written to `sink`, which should be buffered.
    pub const fn to(sink: W) -> Self {
        let topology = Topology { seed: 0, nodes: Vec::new(), hops: Vec::new() };
        Self { state: State::Waiting(sink), topology, pending: None, error: None }
    }

    /// Ends the capture and gives the sink back. A network that never ran leaves an empty file.
    ///
    /// # Errors
    ///
    /// The first error of the sink, after which nothing more was written.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush();
        if let Some(error) = self.error {
            return Err(error);
        }
        match self.state {
            State::Waiting(sink) => Ok(sink),
            State::Writing(writer) => Ok(writer.into_inner()),
            State::Lost => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Adds lines of a key log, as TLS libraries write them, so that a reader can decrypt the packets
    /// that follow. They stand in the file itself; before the network has begun, they are lost.
    pub fn key_log(&mut self, lines: &[u8]) {
        let mut body = Vec::with_capacity(lines.len() + 12);
        let mut out = Writer::new(&mut body);
        out.u32(KEY_LOG);
        out.u32(u32::try_from(lines.len()).unwrap_or(u32::MAX));
        out.bytes(lines);
        out.pad_to(4);
        self.block(SECRETS, body);
    }

    /// Writes a block that `pcap-file` has no name for.
    fn block(&mut self, type_: u32, body: Vec<u8>) {
        let State::Writing(writer) = &mut self.state else { return };
        let length = u32::try_from(body.len() + BLOCK_FRAME).unwrap_or(u32::MAX);
        let body = Cow::Owned(body);
        let block = RawBlock { type_, initial_len: length, body, trailer_len: length };
        if let Err(error) = writer.write_raw_block(&block) {
            self.fail(error);
        }
    }

    /// Writes the last packet, now that its comments are complete.
    fn flush(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let mut body = Vec::with_capacity(pending.bytes.len() + 64);
        pending.write(&mut Writer::new(&mut body));
        self.block(ENHANCED_PACKET, body);
    }

    /// Writes a block for each interface; packets refer to them by number.
    fn announce(&mut self, hops: &[HopInfo]) {
        for hop in hops {
            let mut options = vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed(hop.name.as_str())),
                InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
            ];
            options.extend(hop.addresses.iter().map(address_option));
            let linktype = DataLink::RAW;
            let block = InterfaceDescriptionBlock { linktype, snaplen: 0, options };
            let State::Writing(writer) = &mut self.state else { return };
            if let Err(error) = writer.write_block(&block.into_block()) {
                self.fail(error);
            }
        }
    }

    fn fail(&mut self, error: PcapError) {
        let error = match error {
            PcapError::IoError(error) => error,
            other => io::Error::other(other.to_string()),
        };
        self.error.get_or_insert(error);
        self.state = State::Lost;
    }

    fn node_of(&self, hop: HopId) -> Option<NodeId> {
        self.topology.hop(hop).map(|info| info.node)
    }

    /// Adds to what is said of the last packet, if that is on `place`.
    fn comment(&mut self, place: Place, id: Option<PacketId>, text: String) -> bool {
        let Some(pending) = &mut self.pending else { return false };
        let here = match place {
            Place::Hop(hop) => pending.hop == hop && pending.direction == OUTBOUND,
            Place::Node(node) => {
                self.topology.hop(pending.hop).is_some_and(|info| info.node == node)
                    && pending.direction == INBOUND
            }
        };
        let matches = here && id.is_none_or(|id| id == pending.id);
        if matches {
            pending.comments.push(text);
        }
        matches
    }

    /// Takes a packet on an interface in.
    fn packet(&mut self, at: Instant, hop: HopId, direction: u32, event: &Event<'_>) {
        let Some(packet) = event.packet() else { return };
        let ends = format!("{} > {}", packet.source(), packet.destination());
        let mut comments = Vec::new();
        if direction == OUTBOUND
            && let Some(last) = &self.pending
            && last.id == packet.id
            && last.direction == INBOUND
            && last.ends != ends
            && self.node_of(last.hop) == self.node_of(hop)
        {
            comments.push(format!("NAT {} becomes {ends}", last.ends));
        }
        self.flush();
        let mut bytes = Vec::with_capacity(packet.ip_length());
        write_packet(packet, &mut bytes);
        let id = packet.id;
        self.pending = Some(Pending { at, hop, direction, id, ends, bytes, comments });
    }
}

impl Pending {
    /// Writes the body of an enhanced packet block, in network order like the rest of the file. By hand,
    /// because the number of a packet is not among the options that `pcap-file` has names for.
    fn write(&self, out: &mut Writer<'_>) {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        out.u32(self.hop.get());
        out.u64(self.at.as_nanos());
        out.u32(length);
        out.u32(length);
        out.bytes(&self.bytes);
        out.pad_to(4);
        option(out, FLAGS, &self.direction.to_be_bytes());
        option(out, PACKET_ID, &self.id.get().to_be_bytes());
        for comment in &self.comments {
            option(out, COMMENT, comment.as_bytes());
        }
        option(out, END, &[]);
    }
}

fn option(out: &mut Writer<'_>, code: u16, value: &[u8]) {
    // Nothing longer fits an option; no comment is.
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    out.u16(code);
    out.u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
    out.bytes(value);
    out.pad_to(4);
}

impl<W: io::Write> Observer for Capture<W> {
    fn start(&mut self, topology: &Topology) {
        let State::Waiting(sink) = std::mem::replace(&mut self.state, State::Lost) else { return };
        self.topology = topology.clone();
        let seed = format!("simulated, seed {}, virtual time", topology.seed);
        let section = SectionHeaderBlock {
            endianness: Endianness::Big,
            options: vec![
                SectionHeaderOption::Comment(Cow::Owned(seed)),
                SectionHeaderOption::UserApplication(Cow::Borrowed("Peerlab simnet")),
            ],
            ..SectionHeaderBlock::default()
        };
        match PcapNgWriter::with_section_header(sink, section) {
            Ok(writer) => self.state = State::Writing(Box::new(writer)),
            Err(error) => self.fail(error),
        }
        self.announce(&topology.hops);
    }

    fn rewired(&mut self, topology: &Topology) {
        let known = self.topology.hops.len();
        self.announce(topology.hops.get(known..).unwrap_or_default());
        self.topology = topology.clone();
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        match *event {
            Event::Sent { hop, .. } => self.packet(at, hop, OUTBOUND, event),
            Event::Received { hop, .. } => self.packet(at, hop, INBOUND, event),
            Event::Dropped { place, packet, reason, note } => {
                let text = format!("DROP {}", reason.explained(note));
                if self.comment(place, Some(packet.id), text.clone()) {
                    return;
                }
                // Other packets came between: this one is shown again, where it ended.
                let hop = match place {
                    Place::Hop(hop) => Some(hop),
                    Place::Node(node) => {
                        let own = |info: &&HopInfo| info.node == node;
                        self.topology.hops.iter().find(own).map(|info| info.id)
                    }
                };
                if let Some(hop) = hop {
                    let inside = matches!(place, Place::Node(_));
                    self.packet(at, hop, if inside { INBOUND } else { OUTBOUND }, event);
                    self.comment(place, Some(packet.id), text);
                }
            }
            Event::Duplicated { hop, packet } => {
                self.comment(Place::Hop(hop), Some(packet.id), "the link duplicates it".to_owned());
            }
            Event::Corrupted { hop, packet } => {
                self.comment(Place::Hop(hop), Some(packet.id), "the link corrupts it".to_owned());
            }
            Event::Marked { hop, packet } => {
                let text = "the queue marks it: congestion experienced".to_owned();
                self.comment(Place::Hop(hop), Some(packet.id), text);
            }
            Event::Fragmented { hop, packet, fragments } => {
                let text = format!("becomes {fragments} fragments");
                self.comment(Place::Hop(hop), Some(packet.id), text);
            }
            Event::Nat { node, event } => {
                // What ends on its own has no packet to do with it.
                let now = self.pending.as_ref().is_some_and(|pending| pending.at == at);
                if now && let Some(text) = nat_comment(event) {
                    self.comment(Place::Node(node), None, text);
                }
            }
            Event::Queued { .. }
            | Event::Delivered { .. }
            | Event::Interface { .. }
            | Event::Changed { .. } => {}
        }
    }
}

/// What a NAT decided, in words; nothing about what happens with every packet.
pub(super) fn nat_comment(event: &NatEvent) -> Option<String> {
    Some(match event {
        NatEvent::Mapped { internal, external, .. } => format!("NAT maps {internal} to {external}"),
        NatEvent::Expired { internal, external, .. } => {
            format!("NAT forgets {internal} at {external}")
        }
        NatEvent::Clash { internal, wanted } => format!("NAT has {wanted} taken for {internal}"),
        NatEvent::Hairpinned { external, internal, .. } => {
            format!("NAT turns {external} around to {internal}")
        }
        NatEvent::Deviated => "NAT changes its behaviour".to_owned(),
        NatEvent::Rebooted => "NAT lost its state".to_owned(),
        NatEvent::Permitted { .. } | NatEvent::Refreshed { .. } => return None,
    })
}

fn address_option<'a>(address: &InterfaceAddress) -> InterfaceDescriptionOption<'a> {
    match address.ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(address.prefix.min(32))).unwrap_or(0);
            let value = [ip.octets(), mask.to_be_bytes()].concat();
            InterfaceDescriptionOption::IfIpv4Addr(Cow::Owned(value))
        }
        IpAddr::V6(ip) => {
            let mut value = ip.octets().to_vec();
            value.push(address.prefix);
            InterfaceDescriptionOption::IfIpv6Addr(Cow::Owned(value))
        }
    }
}
