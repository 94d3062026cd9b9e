//! What can be observed: every step of every packet, and what the boxes on its way decide.

use std::{fmt, net::SocketAddr};

use base::Instant;

use crate::{
    id::{HopId, NodeId, PacketId, SocketId},
    packet::{Packet, Protocol},
};

mod changed;

pub use changed::Changed;

/// One thing that happened, at the time and in the order told to the
/// [`Observer`](crate::observer::Observer).
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A node put a packet on its interface `hop`. Its first `Sent` is a packet's origin.
    Sent {
        /// The interface it leaves by.
        hop: HopId,
        /// The packet as it leaves.
        packet: &'a Packet,
    },
    /// The packet waits at `hop` for the link to be free.
    Queued {
        /// The interface it leaves by.
        hop: HopId,
        /// The packet.
        packet: &'a Packet,
        /// IP bytes waiting there, this packet included.
        waiting: u64,
    },
    /// The packet arrived on the interface `hop`.
    Received {
        /// The interface it came in by.
        hop: HopId,
        /// The packet as it arrived.
        packet: &'a Packet,
    },
    /// A host handed the packet to a socket, or consumed an ICMP message.
    Delivered {
        /// The host.
        node: NodeId,
        /// The socket; `None` for an ICMP message that concerned none.
        socket: Option<SocketId>,
        /// The packet (the reassembled one, if it came in fragments).
        packet: &'a Packet,
    },
    /// The packet ended here.
    Dropped {
        /// Where.
        place: Place,
        /// The packet as it was when it ended.
        packet: &'a Packet,
        /// Why.
        reason: DropReason,
        /// More about why, in plain words; may be empty.
        note: &'a str,
    },
    /// The link at `hop` made a copy of the packet, with the same number.
    Duplicated {
        /// The interface whose link did it.
        hop: HopId,
        /// The packet.
        packet: &'a Packet,
    },
    /// The link at `hop` changed bits of the packet.
    Corrupted {
        /// The interface whose link did it.
        hop: HopId,
        /// The packet with its new bytes.
        packet: &'a Packet,
    },
    /// The queue at `hop` marked the packet: it has met congestion (RFC 3168 §5).
    Marked {
        /// The interface whose queue did it.
        hop: HopId,
        /// The packet with its mark.
        packet: &'a Packet,
    },
    /// A node split the packet; the fragments carry its number.
    Fragmented {
        /// The interface it was too long for.
        hop: HopId,
        /// The whole packet.
        packet: &'a Packet,
        /// How many fragments it became.
        fragments: u32,
    },
    /// A middlebox decided something.
    Nat {
        /// The box.
        node: NodeId,
        /// What it decided.
        event: &'a NatEvent,
    },
    /// An interface went up or down.
    Interface {
        /// Which.
        hop: HopId,
        /// Whether it is up now.
        up: bool,
    },
    /// Something else of the world changed.
    Changed {
        /// The node it concerns.
        node: NodeId,
        /// What.
        changed: &'a Changed,
    },
}

impl<'a> Event<'a> {
    /// The packet it happened to, if it happened to one.
    #[must_use]
    pub const fn packet(&self) -> Option<&'a Packet> {
        match *self {
            Self::Sent { packet, .. }
            | Self::Queued { packet, .. }
            | Self::Received { packet, .. }
            | Self::Delivered { packet, .. }
            | Self::Dropped { packet, .. }
            | Self::Duplicated { packet, .. }
            | Self::Corrupted { packet, .. }
            | Self::Marked { packet, .. }
            | Self::Fragmented { packet, .. } => Some(packet),
            Self::Nat { .. } | Self::Interface { .. } | Self::Changed { .. } => None,
        }
    }
}

/// Where a packet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// On an interface or on the link that leaves it.
    Hop(HopId),
    /// Inside a node.
    Node(NodeId),
}

macro_rules! drop_reasons {
    ($($(#[doc = $words:literal])+ $name:ident = $text:literal,)*) => {
        /// Why a packet ended before it was delivered.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DropReason {
            $($(#[doc = $words])+ $name,)*
        }

        impl DropReason {
            /// Every reason, in the order of the counters.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name in traces: lowercase, the part that dropped it first.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The reason as a sentence for people, without its full stop.
            #[must_use]
            pub fn words(self) -> &'static str {
                let sentence = match self { $(Self::$name => concat!($($words),+),)* };
                sentence.trim().trim_end_matches('.')
            }
        }
    };
}

drop_reasons! {
    /// The link lost it at random.
    LinkLoss = "link.loss",
    /// The link was told to lose this one.
    LinkList = "link.list",
    /// The link's predicate chose it.
    LinkPredicate = "link.predicate",
    /// The queue before the link was full.
    QueueFull = "link.queue-full",
    /// The queue before the link dropped it although it was not full, to slow its sender down.
    QueueEarly = "link.queue-early",
    /// It came faster than the policer of the link allows, or is longer than its token bucket.
    LinkPoliced = "link.policed",
    /// The link carried nothing at that time.
    LinkGap = "link.gap",
    /// The link swallowed everything at that time.
    LinkBlackhole = "link.black-hole",
    /// It does not fit the MTU in the middle of the path and must not be fragmented.
    PathTooBig = "link.path-too-big",
    /// It does not fit the MTU and must not be fragmented.
    TooBig = "link.too-big",
    /// The interface it should leave by is down.
    InterfaceDown = "interface.down",
    /// The interface it arrived on is down.
    ReceiverDown = "interface.receiver-down",
    /// The wire it was on was taken away.
    Unplugged = "interface.unplugged",
    /// Nobody on the segment has the address.
    NoNeighbour = "segment.no-neighbour",
    /// The segment keeps its hosts from each other.
    Isolated = "segment.isolated",
    /// No route leads to the destination.
    NoRoute = "router.no-route",
    /// The hop limit ran out.
    HopLimit = "router.hop-limit",
    /// Routers do not forward packets for a group here, nor link-local ones.
    NotForwarded = "router.not-forwarded",
    /// The host does not have the destination address.
    NotMine = "host.not-mine",
    /// The host is not in the multicast group.
    NotJoined = "host.not-joined",
    /// The UDP or TCP checksum does not fit.
    Checksum = "host.checksum",
    /// No socket is bound to the port.
    NoSocket = "host.no-socket",
    /// The socket's receive queue is full.
    ReceiveQueueFull = "host.receive-queue-full",
    /// Other fragments did not come in time.
    ReassemblyTimeout = "host.reassembly-timeout",
    /// Fragments overlap, do not fit together, or make too long a packet.
    BadFragment = "host.bad-fragment",
    /// Too many packets are being reassembled already.
    ReassemblyFull = "host.reassembly-full",
    /// The host has crashed.
    HostDown = "host.down",
    /// The host does not have the address that the socket sends from.
    NoSourceAddress = "host.no-source-address",
    /// Sender and receiver are on two sides of a partition.
    Partitioned = "network.partitioned",
    /// No mapping exists for the destination.
    NatNoMapping = "nat.no-mapping",
    /// A mapping exists, but its filter does not let this source in.
    NatFiltered = "nat.filtered",
    /// No external port was free.
    NatNoPort = "nat.no-port",
    /// A limit on mappings or sessions was reached.
    NatLimit = "nat.limit",
    /// The box does not send packets back to its own inside.
    NatNoHairpin = "nat.no-hairpin",
    /// The box drops fragments, or cannot attribute this one.
    NatFragment = "nat.fragment",
    /// An ICMP message that belongs to no mapping.
    NatIcmp = "nat.icmp",
    /// A TCP segment that does not fit what the box knows of its connection.
    NatTcpState = "nat.tcp-state",
    /// The box lost its state while the packet waited in it.
    NatRebooted = "nat.rebooted",
    /// The box translates neither this protocol nor this address family.
    NatUntranslatable = "nat.untranslatable",
    /// A firewall rule forbids it.
    Firewall = "firewall.rule",
    /// Neither a connection nor a listener takes the segment (RFC 9293 §3.10.7.1).
    TcpNoSocket = "tcp.no-socket",
    /// It belongs to no flow that the firewall knows.
    FirewallNoState = "firewall.no-state",
    /// The flow has to be TLS and is not.
    FirewallNotTls = "firewall.not-tls",
    /// A captive portal has not let the host go.
    FirewallCaptive = "firewall.captive",
    /// A limit on flows was reached.
    FirewallLimit = "firewall.limit",
    /// An ICMP error that the firewall does not let through.
    FirewallIcmp = "firewall.icmp",
    /// The firewall drops fragments, or cannot attribute this one.
    FirewallFragment = "firewall.fragment",
    /// As many connections wait at the listener as may.
    TcpBacklogFull = "tcp.backlog-full",
    /// The host has as many TCP connections as it may.
    TcpTooMany = "tcp.too-many",
    /// It is no request that a port control server would answer.
    PortControlIgnored = "nat.port-control-ignored",
    /// The node it was addressed to takes no packets for itself.
    NotForUs = "box.not-for-us",
}

impl DropReason {
    /// Where the RFCs speak of it, if they do.
    #[must_use]
    pub const fn section(self) -> Option<&'static str> {
        Some(match self {
            Self::TooBig | Self::PathTooBig => "RFC 1191 §4",
            Self::HopLimit => "RFC 792",
            Self::NotForwarded => "RFC 4291 §2.5.6",
            Self::NotMine => "RFC 1122 §3.2.1.3",
            Self::Checksum => "RFC 1122 §4.1.3.4",
            Self::NoSocket => "RFC 1122 §4.1.3.1",
            Self::ReassemblyTimeout | Self::BadFragment => "RFC 1122 §3.3.2",
            Self::NatNoMapping | Self::NatFiltered => "RFC 4787 §5",
            Self::NatNoPort => "RFC 4787 §4.2.1",
            Self::NatLimit => "RFC 6888 §3",
            Self::NatNoHairpin => "RFC 4787 §6",
            Self::NatFragment => "RFC 4787 §11",
            Self::NatIcmp => "RFC 5508 §4",
            _ => return None,
        })
    }

    /// The whole of it for people: the name, then `note` or, without one, the words of the reason with
    /// the section of the RFC.
    #[must_use]
    pub fn explained(self, note: &str) -> String {
        match (note, self.section()) {
            ("", Some(section)) => format!("{self}: {}: {section}", self.words()),
            ("", None) => format!("{self}: {}", self.words()),
            (note, _) => format!("{self}: {note}"),
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a translating middlebox decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NatEvent {
    /// A new mapping.
    Mapped {
        /// Of which protocol.
        protocol: Protocol,
        /// Inside address and port.
        internal: SocketAddr,
        /// Outside address and port.
        external: SocketAddr,
        /// The destination that caused it.
        remote: SocketAddr,
    },
    /// The filter of a mapping now lets `remote` in.
    Permitted {
        /// Outside address and port of the mapping.
        external: SocketAddr,
        /// Who may send to it.
        remote: SocketAddr,
    },
    /// The timer of a mapping started again.
    Refreshed {
        /// Inside address and port.
        internal: SocketAddr,
        /// Outside address and port.
        external: SocketAddr,
        /// When it ends now.
        expires: Instant,
    },
    /// A mapping ended.
    Expired {
        /// Of which protocol.
        protocol: Protocol,
        /// Inside address and port.
        internal: SocketAddr,
        /// Outside address and port.
        external: SocketAddr,
    },
    /// The port that would have been used was taken.
    Clash {
        /// Inside address and port.
        internal: SocketAddr,
        /// The outside address and port it would have got.
        wanted: SocketAddr,
    },
    /// The box changed its behaviour on its own (against RFC 4787 §8).
    Deviated,
    /// The box lost all its state.
    Rebooted,
    /// A packet turned around inside the box.
    Hairpinned {
        /// The packet.
        packet: PacketId,
        /// The outside address and port it was sent to.
        external: SocketAddr,
        /// Where it went instead.
        internal: SocketAddr,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words_and_at_most_one_line() {
        for reason in DropReason::ALL {
            let words = reason.words();
            assert!(words.len() > 10 && !words.contains('\n') && !words.ends_with('.'), "{words}");
        }
    }

    #[test]
    fn an_explanation_names_the_section_unless_the_note_does() {
        let reason = DropReason::NatFiltered;
        assert_eq!(
            reason.explained(""),
            "nat.filtered: A mapping exists, but its filter does not let this source in: \
             RFC 4787 §5"
        );
        assert_eq!(reason.explained("never sent there"), "nat.filtered: never sent there");
    }
}
