//! What a server tells whoever runs it. For logs and accounting: nothing has to be answered.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use base::StreamEnd;
use stun::wire::{Code, Method};

use super::stats::Traffic;

/// What a server tells whoever runs it.
///
/// All of it comes of requests with good credentials, or of the server's own sockets: whoever has no
/// credential cannot fill a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// Clients are served at this address.
    Listening {
        /// The address.
        address: SocketAddr,
        /// What is spoken there.
        transport: ClientTransport,
    },
    /// Clients cannot be served at this address.
    NotListening {
        /// The address.
        address: SocketAddr,
        /// What would be spoken there.
        transport: ClientTransport,
        /// Whether somebody else has the port; or else the address is not ours.
        in_use: bool,
    },
    /// A client got an allocation.
    Allocated {
        /// The client.
        client: Client,
        /// The relayed addresses, as clients and peers see them: one, or one of each family.
        relayed: Vec<SocketAddr>,
        /// For how long.
        lifetime: Duration,
    },
    /// A request with a good credential was refused.
    Refused {
        /// The client.
        client: Client,
        /// What it asked for.
        method: Method,
        /// Why not.
        code: Code,
    },
    /// A client may exchange data with a peer that it might not before.
    Permitted {
        /// The client.
        client: Client,
        /// The peer.
        peer: IpAddr,
    },
    /// A connection to a peer is open: RFC 6062.
    PeerConnected {
        /// The client.
        client: Client,
        /// The peer.
        peer: SocketAddr,
    },
    /// A connection to a peer could not be opened, or has ended: RFC 6062.
    PeerDisconnected {
        /// The client.
        client: Client,
        /// The peer.
        peer: SocketAddr,
        /// Why.
        reason: StreamEnd,
    },
    /// An allocation is gone.
    Released {
        /// The client.
        client: Client,
        /// The relayed addresses it had at the end.
        relayed: Vec<SocketAddr>,
        /// Why.
        reason: ReleaseReason,
        /// What was relayed to peers.
        to_peers: Traffic,
        /// What was relayed to the client.
        to_clients: Traffic,
    },
    /// The last allocation has ended after [`drain`](super::Server::drain). Nothing more will happen.
    Drained,
}

/// Who an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address as the server sees it.
    pub address: SocketAddr,
    /// How it speaks with the server.
    pub transport: ClientTransport,
    /// Its username.
    pub username: PrintableName,
}

/// How a client speaks with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientTransport {
    /// UDP.
    Udp,
    /// TCP, or TLS which the driver ends.
    Tcp,
}

impl fmt::Display for ClientTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        })
    }
}

/// Why an allocation is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReleaseReason {
    /// It was not refreshed in time.
    Expired,
    /// The client said so.
    Deleted,
    /// The connection of the client ended.
    Disconnected,
    /// Its user is served no more.
    Revoked,
    /// The server ended its work.
    Drained,
    /// The server's system took its sockets away.
    SocketLost,
}

/// Most bytes of a username that are kept for logs: what RFC 8489 §14.3 lets a username be.
const MAX_PRINTED: usize = 509;

/// A username that may be printed anywhere: control characters, quotes, backslashes and everything
/// that moves a cursor or turns text around are escaped, and it is cut to 509 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrintableName(Arc<str>);

impl PrintableName {
    /// `username`, escaped and cut.
    #[must_use]
    pub fn new(username: &str) -> Self {
        let mut printed = String::new();
        for character in username.chars().flat_map(escaped) {
            if printed.len() + character.len_utf8() > MAX_PRINTED {
                break;
            }
            printed.push(character);
        }
        Self(printed.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The character, or how Rust would write it where it is not plain to see.
fn escaped(character: char) -> impl Iterator<Item = char> {
    let is_plain = character.is_alphanumeric() || (character.is_ascii() && !character.is_control());
    let is_plain = is_plain && !matches!(character, '\\' | '"' | '\'' | '%');
    let plain = is_plain.then_some(character);
    let unicode = (!is_plain).then(|| character.escape_unicode());
    plain.into_iter().chain(unicode.into_iter().flatten())
}

impl fmt::Display for PrintableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PrintableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("alice@example.org", "alice@example.org")]
    #[case::letters("\u{30de}\u{e9}", "\u{30de}\u{e9}")]
    #[case::format("%s%n", "\\u{25}s\\u{25}n")]
    #[case::lines("a\r\nb\0", "a\\u{d}\\u{a}b\\u{0}")]
    #[case::quotes("\"'\\", "\\u{22}\\u{27}\\u{5c}")]
    #[case::direction("\u{202e}x\u{1b}[2J", "\\u{202e}x\\u{1b}[2J")]
    fn usernames_are_printed_escaped(#[case] username: &str, #[case] printed: &str) {
        assert_eq!(PrintableName::new(username).to_string(), printed);
    }

    #[test]
    fn usernames_are_cut() {
        assert_eq!(PrintableName::new(&"x".repeat(513)).as_str().len(), MAX_PRINTED);
        let escapes = PrintableName::new(&"\n".repeat(513));
        assert!(escapes.as_str().len() <= MAX_PRINTED);
    }
}
