//! One flow through a firewall: what has been seen of it, and how long it lives.

use std::time::Duration;

use base::Instant;

use super::{
    config::{Direction, Timers},
    refusal::Refusal,
    tls::{Hello, Look},
};
use crate::packet::{Body, Icmp, Packet, Protocol, Tcp, TcpFlags};

/// What has been seen of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    /// The direction of its first packet.
    origin: Direction,
    /// Whether a packet came back.
    answered: bool,
    connection: Connection,
    tls: Tls,
    pub(super) deadline: Instant,
}

/// How far a TCP connection is. Sequence numbers are not followed: a firewall that does refuses more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Connection {
    /// Whether a SYN went out, and in.
    opened: [bool; 2],
    /// Whether a FIN went out, and in.
    closed: [bool; 2],
    reset: bool,
}

/// Whether the flow has to be TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tls {
    /// No, or it has shown to be.
    Free,
    /// It has not shown yet.
    Wanted(Box<Hello>),
    /// It has shown not to be.
    Broken,
}

impl Flow {
    /// A flow that begins with a packet in this direction; `tls` if it has to be that.
    pub(super) fn new(origin: Direction, tls: bool) -> Self {
        Self {
            origin,
            answered: false,
            connection: Connection::default(),
            tls: if tls { Tls::Wanted(Box::default()) } else { Tls::Free },
            deadline: Instant::ZERO,
        }
    }

    /// Follows a packet of the flow.
    ///
    /// # Errors
    ///
    /// If it does not pass.
    pub(super) fn follow(&mut self, direction: Direction, packet: &Packet) -> Result<(), Refusal> {
        if let Body::Tcp(tcp) = &packet.body {
            self.inspect(direction, tcp)?;
            self.connection.follow(direction, tcp);
        }
        self.answered |= direction != self.origin;
        Ok(())
    }

    fn inspect(&mut self, direction: Direction, tcp: &Tcp) -> Result<(), Refusal> {
        let look = match &mut self.tls {
            Tls::Free => return Ok(()),
            Tls::Broken => return Err(Refusal::NotTls),
            Tls::Wanted(hello) => hello.look(direction == self.origin, tcp),
        };
        match look {
            Look::Undecided => Ok(()),
            Look::Ahead => Err(Refusal::Ahead),
            Look::Tls => {
                self.tls = Tls::Free;
                Ok(())
            }
            Look::Other => {
                self.tls = Tls::Broken;
                Err(Refusal::NotTls)
            }
        }
    }

    /// Whether it was refused for what it carries.
    pub(super) const fn is_broken(&self) -> bool {
        matches!(self.tls, Tls::Broken)
    }

    /// Whether it is a TCP connection that has ended, so that its ports may open another.
    pub(super) const fn is_over(&self) -> bool {
        self.connection.reset || matches!(self.connection.closed, [true, true])
    }

    /// How long it lives from now on, if nothing happens.
    pub(super) fn lifetime(&self, protocol: Protocol, timers: &Timers) -> Duration {
        match protocol {
            Protocol::Udp if self.answered => timers.udp,
            Protocol::Udp => timers.udp_unanswered.unwrap_or(timers.udp),
            // RFC 6092 §3.3.1: the long life is for connections that are open on both sides.
            Protocol::Tcp if self.connection.is_established() && !self.is_broken() => {
                timers.tcp_established
            }
            Protocol::Tcp => timers.tcp_transitory,
            Protocol::Icmp => timers.icmp,
        }
    }
}

impl Connection {
    fn follow(&mut self, direction: Direction, tcp: &Tcp) {
        let [outbound, inbound] = &mut self.opened;
        let opened = if direction == Direction::Outbound { outbound } else { inbound };
        // Without its SYN a flow was taken up in the middle, where both have one behind them.
        *opened |= !tcp.flags.contains(TcpFlags::RST);
        let [outbound, inbound] = &mut self.closed;
        let closed = if direction == Direction::Outbound { outbound } else { inbound };
        *closed |= tcp.flags.contains(TcpFlags::FIN);
        self.reset |= tcp.flags.contains(TcpFlags::RST);
    }

    const fn is_established(&self) -> bool {
        matches!(self.opened, [true, true]) && !matches!(self.closed, [true, true]) && !self.reset
    }
}

/// Whether `packet` may begin a flow; `midway` if a TCP flow may be taken up in its middle.
pub(super) fn begins(packet: &Packet, midway: bool) -> bool {
    match &packet.body {
        Body::Udp(_) => true,
        Body::Icmp(icmp) => matches!(icmp, Icmp::EchoRequest { .. }),
        Body::Trailing(_) => false,
        Body::Tcp(tcp) => is_syn(tcp) || (midway && !tcp.flags.contains(TcpFlags::RST)),
    }
}

/// Whether a segment asks for a connection.
pub(super) fn is_syn(tcp: &Tcp) -> bool {
    tcp.flags.contains(TcpFlags::SYN)
        && !tcp.flags.contains(TcpFlags::ACK)
        && !tcp.flags.contains(TcpFlags::RST)
}
