//! What crosses the socket border besides datagrams: errors, and news of the interfaces.

use std::net::{IpAddr, SocketAddr};

use crate::Instant;

/// An error the network reported about a datagram we sent, mostly through ICMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketError {
    /// The local address the datagram was sent from.
    pub local: SocketAddr,
    /// Where it was going.
    pub remote: SocketAddr,
    /// What the network said.
    pub kind: SocketErrorKind,
}

/// What the network said about a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketErrorKind {
    /// Nobody listens on the port (ICMP port unreachable).
    PortUnreachable,
    /// The host cannot be reached.
    HostUnreachable,
    /// No route leads to the network.
    NetworkUnreachable,
    /// A firewall forbids it (ICMP administratively prohibited).
    Prohibited,
    /// The datagram is longer than the path takes; `mtu` is the IP packet size that fits.
    TooBig {
        /// Path MTU in bytes, IP header included; 0 if the router did not say.
        mtu: u32,
    },
    /// The hop limit ran out.
    TimeExceeded,
    /// The host does not have the local address any more.
    AddressNotAvailable,
}

impl SocketErrorKind {
    /// Whether no later datagram to the same address can be expected to arrive (RFC 1122 §4.2.3.9
    /// calls these hard errors). A datagram that was too big, or looped, says nothing of the kind.
    #[must_use]
    pub const fn is_hard(self) -> bool {
        matches!(self, Self::PortUnreachable | Self::Prohibited | Self::AddressNotAvailable)
    }
}

/// A network interface of the host, as the driver enumerates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The system's name for it, such as `eth0`.
    pub name: String,
    /// The system's number for it: the scope id of link-local IPv6 addresses on it.
    pub index: u32,
    /// What it is made of, as far as is known.
    pub kind: InterfaceKind,
    /// Largest IP packet in bytes that it carries.
    pub mtu: u32,
    /// Its addresses; empty while it is down.
    pub addresses: Vec<InterfaceAddress>,
}

/// One address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InterfaceAddress {
    /// The address.
    pub ip: IpAddr,
    /// Length of the network prefix in bits.
    pub prefix: u8,
    /// When it stops being preferred, if it does: other addresses are then better for new conversations.
    pub deprecated_at: Option<Instant>,
    /// Whether it is a temporary address (RFC 8981), made to be changed often.
    pub temporary: bool,
}

impl InterfaceAddress {
    /// An address that is preferred for good.
    #[must_use]
    pub const fn new(ip: IpAddr, prefix: u8) -> Self {
        Self { ip, prefix, deprecated_at: None, temporary: false }
    }
}

/// What an interface is made of. ICE prefers some kinds over others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InterfaceKind {
    /// Not known.
    #[default]
    Unknown,
    /// A cable.
    Ethernet,
    /// Wireless LAN.
    Wifi,
    /// A mobile network.
    Cellular,
    /// A tunnel over another interface.
    Vpn,
    /// The host itself.
    Loopback,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_are_hard() {
        assert!(SocketErrorKind::PortUnreachable.is_hard());
        assert!(!SocketErrorKind::TooBig { mtu: 1_280 }.is_hard());
        assert!(!SocketErrorKind::HostUnreachable.is_hard());
    }
}
