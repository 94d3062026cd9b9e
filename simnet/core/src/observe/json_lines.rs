//! A trace for programs.

use std::net::IpAddr;

use base::Instant;
use serde::Serialize;

use crate::{
    event::{Event, NatEvent, Place},
    observer::{NodeInfo, NodeKind, Observer, Topology},
    packet::{Body, Packet, Tcp, TcpFlags},
};

/// Writes one JSON object a line, the first about the run, each later one about an event.
///
/// The first line holds `trace` (the format and its version), `simnet` (the version of this crate),
/// `scenario` if the caller [names](JsonLines::of) one, `seed`, and the `nodes` and `hops` by
/// name. In every other line `t` is the virtual time in nanoseconds and `event` one of `net:tx`,
/// `net:rx`, `net:deliver`, `net:drop`, `net:duplicate`, `net:corrupt`, `net:fragment`, `link:enqueue`,
/// `nat:map`, `nat:permit`, `nat:refresh`, `nat:expire`, `nat:clash`, `nat:hairpin`, `nat:deviate`,
/// `nat:reboot`, `interface:up`, `interface:down`, or the [name](crate::Changed::name) of another change.
#[derive(Clone, Debug, Default)]
pub struct JsonLines {
    text: Vec<u8>,
    scenario: Option<String>,
    topology: Topology,
}

#[derive(Serialize)]
struct Header<'a> {
    trace: &'static str,
    simnet: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scenario: Option<&'a str>,
    seed: u64,
    nodes: Vec<Node<'a>>,
    hops: Vec<&'a str>,
}

#[derive(Serialize)]
struct Node<'a> {
    name: &'a str,
    kind: &'static str,
}

impl<'a> Node<'a> {
    fn of(node: &'a NodeInfo) -> Self {
        let kind = match node.kind {
            NodeKind::Host => "host",
            NodeKind::Switch => "switch",
            NodeKind::Router => "router",
            NodeKind::Middlebox => "middlebox",
        };
        Self { name: &node.name, kind }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    t: u64,
    event: &'static str,
    at: &'a str,
    #[serde(flatten)]
    packet: Option<About>,
    #[serde(flatten)]
    nat: Option<Translation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

#[derive(Serialize)]
struct About {
    packet: u64,
    protocol: &'static str,
    source: String,
    destination: String,
    /// IP bytes.
    size: usize,
    hops: u8,
    #[serde(skip_serializing_if = "is_zero")]
    ecn: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    fragment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<Segment>,
}

#[derive(Serialize)]
struct Segment {
    flags: String,
    seq: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<u32>,
    window: u16,
    length: usize,
}

impl Segment {
    fn of(tcp: &Tcp) -> Self {
        Self {
            flags: tcp.flags.to_string(),
            seq: tcp.sequence,
            ack: tcp.flags.contains(TcpFlags::ACK).then_some(tcp.acknowledgment),
            window: tcp.window,
            length: tcp.payload.len(),
        }
    }
}

#[derive(Default, Serialize)]
struct Translation {
    #[serde(skip_serializing_if = "Option::is_none")]
    internal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<u64>,
}

impl JsonLines {
    /// An empty trace.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty trace of the scenario with this name.
    #[must_use]
    pub fn of(scenario: &str) -> Self {
        Self { scenario: Some(scenario.to_owned()), ..Self::default() }
    }

    /// The trace so far: UTF-8, every line ended.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// The trace.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.text
    }
}

impl Observer for JsonLines {
    fn start(&mut self, topology: &Topology) {
        let header = Header {
            trace: "peerlab-simnet 1",
            simnet: env!("CARGO_PKG_VERSION"),
            scenario: self.scenario.as_deref(),
            seed: topology.seed,
            nodes: topology.nodes.iter().map(Node::of).collect(),
            hops: topology.hops.iter().map(|hop| hop.name.as_str()).collect(),
        };
        write_line(&mut self.text, &header);
        self.topology = topology.clone();
    }

    fn rewired(&mut self, topology: &Topology) {
        self.topology = topology.clone();
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        let Self { text, topology, .. } = self;
        let words: String;
        let mut line = Line {
            t: at.as_nanos(),
            event: "",
            at: "",
            packet: None,
            nat: None,
            reason: None,
            note: "",
            count: None,
        };
        (line.event, line.at) = match *event {
            Event::Sent { hop, .. } => ("net:tx", topology.hop_name(hop)),
            Event::Queued { hop, .. } => ("link:enqueue", topology.hop_name(hop)),
            Event::Received { hop, .. } => ("net:rx", topology.hop_name(hop)),
            Event::Delivered { node, .. } => ("net:deliver", topology.node_name(node)),
            Event::Dropped { place, .. } => ("net:drop", place_name(topology, place)),
            Event::Duplicated { hop, .. } => ("net:duplicate", topology.hop_name(hop)),
            Event::Corrupted { hop, .. } => ("net:corrupt", topology.hop_name(hop)),
            Event::Marked { hop, .. } => ("link:mark", topology.hop_name(hop)),
            Event::Fragmented { hop, .. } => ("net:fragment", topology.hop_name(hop)),
            Event::Nat { node, event } => (nat_event(event), topology.node_name(node)),
            Event::Changed { node, changed } => (changed.name(), topology.node_name(node)),
            Event::Interface { hop, up: true } => ("interface:up", topology.hop_name(hop)),
            Event::Interface { hop, up: false } => ("interface:down", topology.hop_name(hop)),
        };
        line.packet = event.packet().map(about);
        match *event {
            Event::Dropped { reason, note, .. } => {
                line.reason = Some(reason.name());
                line.note = note;
            }
            Event::Changed { changed, .. } => {
                words = changed.text(topology);
                line.note = &words;
            }
            Event::Queued { waiting, .. } => line.count = Some(waiting),
            Event::Fragmented { fragments, .. } => line.count = Some(fragments.into()),
            Event::Nat { event, .. } => {
                line.nat = Some(translation(event));
            }
            _ => {}
        }
        write_line(text, &line);
    }
}

fn write_line(text: &mut Vec<u8>, line: &impl Serialize) {
    // Writing plain structures to memory cannot fail.
    if serde_json::to_writer(&mut *text, line).is_ok() {
        text.push(b'\n');
    }
}

fn place_name(topology: &Topology, place: Place) -> &str {
    match place {
        Place::Hop(hop) => topology.hop_name(hop),
        Place::Node(node) => topology.node_name(node),
    }
}

fn about(packet: &Packet) -> About {
    let with_port = |ip: IpAddr, address: std::net::SocketAddr| {
        if address.port() == 0 { ip.to_string() } else { address.to_string() }
    };
    About {
        packet: packet.id.get(),
        protocol: packet.protocol().name(),
        source: with_port(packet.source_ip, packet.source()),
        destination: with_port(packet.destination_ip, packet.destination()),
        size: packet.ip_length(),
        hops: packet.hop_limit,
        ecn: packet.ecn.bits(),
        fragment: packet.fragment.map(|part| {
            let more = if part.more { "+" } else { "" };
            format!("{}:{}{more}", part.identification, part.offset)
        }),
        icmp: match &packet.body {
            Body::Icmp(icmp) => Some(icmp.to_string()),
            Body::Udp(_) | Body::Tcp(_) | Body::Trailing(_) => None,
        },
        tcp: match &packet.body {
            Body::Tcp(tcp) => Some(Segment::of(tcp)),
            Body::Udp(_) | Body::Icmp(_) | Body::Trailing(_) => None,
        },
    }
}

const fn nat_event(event: &NatEvent) -> &'static str {
    match event {
        NatEvent::Mapped { .. } => "nat:map",
        NatEvent::Permitted { .. } => "nat:permit",
        NatEvent::Refreshed { .. } => "nat:refresh",
        NatEvent::Expired { .. } => "nat:expire",
        NatEvent::Clash { .. } => "nat:clash",
        NatEvent::Hairpinned { .. } => "nat:hairpin",
        NatEvent::Deviated => "nat:deviate",
        NatEvent::Rebooted => "nat:reboot",
    }
}

fn translation(event: &NatEvent) -> Translation {
    let mut out = Translation::default();
    match event {
        NatEvent::Mapped { internal, external, remote, .. } => {
            out.internal = Some(internal.to_string());
            out.external = Some(external.to_string());
            out.remote = Some(remote.to_string());
        }
        NatEvent::Permitted { external, remote } => {
            out.external = Some(external.to_string());
            out.remote = Some(remote.to_string());
        }
        NatEvent::Refreshed { internal, external, expires } => {
            out.internal = Some(internal.to_string());
            out.external = Some(external.to_string());
            out.expires = Some(expires.as_nanos());
        }
        NatEvent::Hairpinned { packet, internal, external } => {
            out.internal = Some(internal.to_string());
            out.external = Some(external.to_string());
            out.packet = Some(packet.get());
        }
        NatEvent::Expired { internal, external, .. }
        | NatEvent::Clash { internal, wanted: external } => {
            out.internal = Some(internal.to_string());
            out.external = Some(external.to_string());
        }
        NatEvent::Deviated | NatEvent::Rebooted => {}
    }
    out
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
const fn is_zero(value: &u8) -> bool {
    *value == 0
}
