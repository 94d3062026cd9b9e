//! What a question may do, wherever it is asked.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

/// A place to send from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// Behind the box.
    Alice,
    /// Behind the same box.
    Bob,
    /// Outside, with the addresses [`SERVER`] and [`SERVER_TOO`].
    Server,
}

/// First address of the server. All addresses outside are of the block for benchmarks (RFC 2544), which
/// is routed nowhere.
pub const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 18, 0, 3));
/// Second address of the server.
pub const SERVER_TOO: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 18, 1, 3));

/// The outside of the box, with a port.
#[must_use]
pub const fn box_address(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 18, 0, 9)), port)
}

/// A socket of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where it lives.
    pub host: Host,
    /// Its number there.
    pub number: u32,
}

/// What came of a question to somebody who may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An answer, or a connection; as the other side sees the one who asked.
    From(SocketAddr),
    /// A refusal: ICMP port unreachable, or a reset.
    Refused,
    /// Nothing.
    Silence,
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::From(_) => "answered",
            Self::Refused => "refused",
            Self::Silence => "silence",
        })
    }
}

/// Why a world could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Something of the world broke.
    #[error("{0}")]
    Broken(String),
}

/// Two hosts behind a box and a server outside.
pub trait World {
    /// Opens a UDP socket on `host`, at `address` where the host has several.
    ///
    /// # Errors
    ///
    /// If the world is broken.
    fn bind(&mut self, host: Host, address: Option<IpAddr>, port: u16) -> Result<Socket, Fault>;

    /// Sends a datagram that holds one letter, enough to be seen.
    ///
    /// # Errors
    ///
    /// If the world is broken.
    fn send(&mut self, from: Socket, to: SocketAddr) -> Result<(), Fault>;

    /// Waits for a datagram, and says who sent it.
    ///
    /// # Errors
    ///
    /// If the world is broken.
    fn receive(&mut self, at: Socket) -> Result<Option<SocketAddr>, Fault>;

    /// Sends a datagram from a new socket that is connected to `to`, and waits for an answer or an error.
    ///
    /// # Errors
    ///
    /// If the world is broken.
    fn knock(&mut self, host: Host, port: u16, to: SocketAddr) -> Result<Reply, Fault>;

    /// Lets the server accept TCP connections at `port` of both its addresses.
    ///
    /// # Errors
    ///
    /// If the world is broken.
    fn listen(&mut self, port: u16) -> Result<(), Fault>;

    /// Opens a TCP connection from `port`; a server that [listens](World::listen) tells whom it sees.
    ///
    /// # Errors
    ///
    /// If the world is broken.
    fn connect(&mut self, host: Host, port: u16, to: SocketAddr) -> Result<Reply, Fault>;

    /// Lets time pass until this long after the world began.
    ///
    /// # Errors
    ///
    /// If the world is broken.
    fn wait_until(&mut self, time: Duration) -> Result<(), Fault>;

    /// Time since the world began.
    fn now(&self) -> Duration;
}
