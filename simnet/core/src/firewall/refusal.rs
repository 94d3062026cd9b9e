//! Why a firewall lets a packet not through, and what its sender hears.

use std::fmt;

use super::config::{Action, Direction};
use crate::{
    event::DropReason,
    packet::{Body, Packet, TcpFlags},
};

/// What a firewall thinks of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Accept,
    /// It does not pass, for this reason; and this is what the sender hears.
    Refuse(Refusal, Answer),
}

/// Why a packet does not pass. It prints as a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The rule with this number, counted from one.
    Rule(usize),
    /// No rule speaks of it, and that is the policy for this direction.
    Policy(Direction),
    /// It answers or continues something that the firewall does not know of.
    NoState,
    /// The flow has to be TLS and is not.
    NotTls,
    /// The flow has to be TLS, and the segment comes before the one that would show it.
    Ahead,
    /// The inside host has not accepted the portal's terms.
    Captive,
    /// As many flows exist as may.
    FlowLimit(usize),
    /// The inside host has as many flows as it may.
    HostLimit(usize),
    /// An ICMP error about a packet of no living flow.
    Unrelated,
    /// No ICMP errors pass.
    NoIcmpErrors,
    /// No fragments pass.
    NoFragments,
    /// The first fragment, which has the ports, did not come before.
    NoFirstFragment,
    /// As many fragments wait as may.
    FragmentLimit(usize),
    /// A SYN went the other way while the refusal of this one was waiting.
    Crossed,
}

/// What the sender of a refused packet hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Answer {
    /// Nothing.
    Silence,
    /// ICMP port unreachable.
    PortUnreachable,
    /// ICMP "administratively prohibited".
    Prohibited,
    /// The same, six seconds later.
    ProhibitedLater,
    /// A TCP reset, as if from the destination.
    Reset,
    /// A TCP reset, and one to the destination as if from the sender.
    ResetBoth,
}

impl Refusal {
    /// The counter it belongs to.
    #[must_use]
    pub const fn reason(self) -> DropReason {
        match self {
            Self::Rule(_) | Self::Policy(_) | Self::Crossed => DropReason::Firewall,
            Self::NoState | Self::Ahead => DropReason::FirewallNoState,
            Self::NotTls => DropReason::FirewallNotTls,
            Self::Captive => DropReason::FirewallCaptive,
            Self::FlowLimit(_) | Self::HostLimit(_) => DropReason::FirewallLimit,
            Self::Unrelated | Self::NoIcmpErrors => DropReason::FirewallIcmp,
            Self::NoFragments | Self::NoFirstFragment | Self::FragmentLimit(_) => {
                DropReason::FirewallFragment
            }
        }
    }
}

impl Answer {
    /// What the sender of `packet` hears when `action` refuses it.
    pub(super) fn of(action: Action, packet: &Packet) -> Self {
        match (action, &packet.body) {
            (Action::Reject, Body::Tcp(_)) => Self::Reset,
            (Action::Reject, Body::Udp(_)) => Self::PortUnreachable,
            (Action::Reject | Action::Prohibit, _) => Self::Prohibited,
            (Action::ProhibitLater, Body::Tcp(tcp))
                if tcp.flags.contains(TcpFlags::SYN) && !tcp.flags.contains(TcpFlags::ACK) =>
            {
                Self::ProhibitedLater
            }
            (Action::ProhibitLater | Action::Drop | Action::Accept | Action::AcceptTls, _) => {
                Self::Silence
            }
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(number) => write!(f, "rule {number} of the firewall forbids it"),
            Self::Policy(direction) => {
                write!(f, "no rule allows it, and {direction} packets need one")
            }
            Self::NoState => f.write_str("it belongs to no flow that the firewall knows"),
            Self::NotTls => f.write_str("the flow does not begin with a TLS ClientHello"),
            Self::Ahead => f.write_str("the bytes that must look like TLS did not come yet"),
            Self::Captive => f.write_str("the captive portal has not let the host go"),
            Self::FlowLimit(limit) => write!(f, "{limit} flows exist already"),
            Self::HostLimit(limit) => write!(f, "the host has {limit} flows already"),
            Self::Unrelated => f.write_str("the ICMP error is about no flow that exists"),
            Self::NoIcmpErrors => f.write_str("ICMP errors do not pass"),
            Self::NoFragments => f.write_str("fragments do not pass"),
            Self::NoFirstFragment => f.write_str("a fragment without the first one before it"),
            Self::FragmentLimit(limit) => write!(f, "{limit} fragments wait already"),
            Self::Crossed => f.write_str(
                "a SYN went the other way meanwhile, so it is not refused: RFC 5382 §4.3",
            ),
        }
    }
}
