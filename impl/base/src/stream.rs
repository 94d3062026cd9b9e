//! What crosses the border besides datagrams: TCP connections, and UDP sockets a machine opens itself.
//!
//! A machine that wants more than the datagrams it is handed says so in commands, which its driver takes
//! with [`Machine::poll_stream`](crate::Machine::poll_stream) and
//! [`Machine::poll_socket`](crate::Machine::poll_socket), and is told what came of them. Connections have
//! numbers: the machine numbers those it opens and the listeners, the driver those it accepts
//! ([`StreamId::accepted`]), so that neither waits for the other.

use std::net::SocketAddr;

/// Names a TCP connection or a listener of one machine, for good: numbers are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(u64);

/// Numbers of accepted connections have this bit.
const ACCEPTED: u64 = 1 << 63;

impl StreamId {
    /// The machine's own number `n`, counted from 0.
    #[must_use]
    pub const fn own(n: u64) -> Self {
        Self(n & !ACCEPTED)
    }

    /// The driver's number `n` for a connection it accepted, counted from 0.
    #[must_use]
    pub const fn accepted(n: u64) -> Self {
        Self(n | ACCEPTED)
    }

    /// The number itself, as it was given to [`own`](StreamId::own) or [`accepted`](StreamId::accepted).
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0 & !ACCEPTED
    }

    /// Whether the driver gave the number, because the other side opened the connection.
    #[must_use]
    pub const fn is_accepted(self) -> bool {
        self.0 & ACCEPTED != 0
    }
}

/// How a connection is protected below the machine, by the driver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StreamSecurity {
    /// Not at all: TCP.
    Plain,
    /// By TLS over TCP. The driver reports the connection as open once the handshake is done and the
    /// certificate is good for `name`.
    Tls {
        /// The name the certificate must be for: a host name or an IP address.
        name: String,
    },
}

/// What a machine asks of its driver about streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamCommand {
    /// Accept connections at `local`. Answered by [`StreamInput::Listening`] or [`StreamInput::Closed`].
    Listen {
        /// The machine's number for the listener.
        id: StreamId,
        /// The address; port 0 lets the system choose.
        local: SocketAddr,
    },
    /// Open a connection. Answered by [`StreamInput::Connected`] or [`StreamInput::Closed`].
    Connect {
        /// The machine's number for the connection.
        id: StreamId,
        /// The address to connect from; `None` lets the system choose.
        local: Option<SocketAddr>,
        /// The address to connect to.
        remote: SocketAddr,
        /// What the driver puts between TCP and the machine.
        security: StreamSecurity,
    },
    /// Send the `size` bytes just appended to the buffer. The driver takes all of them, and reports with
    /// [`StreamInput::Unsent`] how many it still holds.
    Send {
        /// The connection.
        id: StreamId,
        /// Bytes of the buffer that belong to this command.
        size: usize,
    },
    /// Read nothing more from the connection until [`StreamCommand::Resume`].
    Pause {
        /// The connection.
        id: StreamId,
    },
    /// Read again.
    Resume {
        /// The connection.
        id: StreamId,
    },
    /// Close the connection after everything sent so far, or the listener. Nothing follows but
    /// [`StreamInput::Closed`].
    Close {
        /// The connection or listener.
        id: StreamId,
    },
    /// Reset the connection at once; what was not sent is lost. Nothing follows.
    Abort {
        /// The connection.
        id: StreamId,
    },
}

/// What a driver tells a machine about its streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamInput<'a> {
    /// A listener is ready.
    Listening {
        /// The listener.
        id: StreamId,
        /// The address it has.
        local: SocketAddr,
    },
    /// A connection the machine asked for is open.
    Connected {
        /// The connection.
        id: StreamId,
        /// Our address.
        local: SocketAddr,
        /// The other's address.
        remote: SocketAddr,
    },
    /// Somebody opened a connection to a listener.
    Accepted {
        /// The listener.
        listener: StreamId,
        /// The driver's number for the connection.
        id: StreamId,
        /// Our address, never a wildcard.
        local: SocketAddr,
        /// The other's address.
        remote: SocketAddr,
    },
    /// Bytes arrived, in order, cut anywhere.
    Received {
        /// The connection.
        id: StreamId,
        /// The bytes; never empty.
        bytes: &'a [u8],
    },
    /// How many bytes the driver still holds for the connection: told when there are more than there
    /// were after a `Send`, and again when there are fewer.
    Unsent {
        /// The connection.
        id: StreamId,
        /// Bytes taken from the machine and not yet taken by the system.
        bytes: usize,
    },
    /// The connection or listener is gone, or never came to be. The last word about it.
    Closed {
        /// The connection or listener.
        id: StreamId,
        /// Why.
        reason: StreamEnd,
    },
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamEnd {
    /// The other side closed it in good order, or we did.
    Finished,
    /// The other side reset it.
    Reset,
    /// Nobody accepts connections there.
    Refused,
    /// The other side did not answer.
    TimedOut,
    /// The network or this host could not: no route, no such local address, no free port.
    Unavailable,
    /// The TLS handshake failed, or the certificate was not good.
    Insecure,
}

/// What a machine asks of its driver about UDP sockets of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketCommand {
    /// Bind a socket to this address. Answered by [`SocketInput`], in the order of the commands.
    Open {
        /// Where; port 0 lets the system choose the port.
        local: SocketAddr,
    },
    /// Close the socket bound there.
    Close {
        /// Where.
        local: SocketAddr,
    },
}

/// What came of [`SocketCommand::Open`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketInput {
    /// The socket is there; datagrams may be sent from it and arrive at it.
    Opened {
        /// The address of the command.
        asked: SocketAddr,
        /// The address it has.
        local: SocketAddr,
    },
    /// It could not be bound.
    Refused {
        /// The address of the command.
        asked: SocketAddr,
        /// Whether the port is taken, so that another may do; or else the address is not ours.
        in_use: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_machine_and_driver_never_meet() {
        assert_ne!(StreamId::own(7), StreamId::accepted(7));
        assert!(StreamId::accepted(0).is_accepted());
        assert!(!StreamId::own(u64::MAX).is_accepted());
        assert_eq!(StreamId::accepted(7).number(), StreamId::own(7).number());
    }
}
