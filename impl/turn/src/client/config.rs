//! How a client is set up, and what it is asked to allocate.

use std::{net::SocketAddr, time::Duration};

use base::StreamSecurity;
use crypto::Provider;
use stun::{Credential, Scheme, Timing, Uri, UriTransport, wire::Family};

/// Least interval between keep-alives.
const MIN_KEEPALIVE: Duration = Duration::from_secs(1);

/// How the client talks to its server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// In datagrams.
    Udp,
    /// Over a TCP connection.
    Tcp,
    /// Over TLS over TCP, which the driver provides.
    Tls {
        /// The name the server's certificate must be for.
        name: String,
    },
    /// In datagrams that the layer above puts into DTLS and takes out of it (RFC 7350). To the client
    /// this is UDP.
    Dtls,
}

impl Transport {
    /// What a `turn:` or `turns:` URI asks for: RFC 7065 §3.1, §3.2, RFC 8656 §4.1. `None` for a URI of
    /// another scheme or an unknown transport. Without a transport, `turn` means UDP and `turns` TLS
    /// over TCP.
    ///
    /// ```
    /// use turn::Transport;
    ///
    /// let uri = "turns:relay.example".parse().unwrap();
    /// assert_eq!(Transport::of_uri(&uri), Some(Transport::Tls { name: "relay.example".into() }));
    /// let uri = "turn:192.0.2.1?transport=tcp".parse().unwrap();
    /// assert_eq!(Transport::of_uri(&uri), Some(Transport::Tcp));
    /// let uri = "stun:192.0.2.1".parse().unwrap();
    /// assert_eq!(Transport::of_uri(&uri), None);
    /// ```
    #[must_use]
    pub fn of_uri(uri: &Uri) -> Option<Self> {
        // An address stands in a certificate without the brackets it has in a URI.
        let name = || uri.ip().map_or_else(|| uri.host().to_string(), |ip| ip.to_string());
        Some(match (uri.scheme(), uri.transport()) {
            (Scheme::Turn, None | Some(UriTransport::Udp)) => Self::Udp,
            (Scheme::Turn, Some(UriTransport::Tcp)) => Self::Tcp,
            (Scheme::Turns, Some(UriTransport::Udp)) => Self::Dtls,
            (Scheme::Turns, None | Some(UriTransport::Tcp)) => Self::Tls { name: name() },
            (Scheme::Turn | Scheme::Turns, Some(UriTransport::Other(_)))
            | (Scheme::Stun | Scheme::Stuns, _) => return None,
        })
    }

    /// Whether it is a stream of bytes.
    #[must_use]
    pub const fn is_stream(&self) -> bool {
        matches!(self, Self::Tcp | Self::Tls { .. })
    }

    /// What the driver puts around a stream.
    pub(crate) fn security(&self) -> StreamSecurity {
        match self {
            Self::Tls { name } => StreamSecurity::Tls { name: name.clone() },
            Self::Udp | Self::Tcp | Self::Dtls => StreamSecurity::Plain,
        }
    }
}

/// How a client is set up.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The cryptography.
    pub provider: Provider,
    /// The server.
    pub server: SocketAddr,
    /// How to talk to it.
    pub transport: Transport,
    /// The local address to talk from. Over UDP, datagrams to other addresses are not the client's;
    /// `None` lets the driver choose, and takes what comes to any. Over TCP and TLS, the address to
    /// connect from; let its port be 0, because the client may need several connections.
    pub local: Option<SocketAddr>,
    /// Who the client is: a long-term credential or an access token. Without one, a server that asks
    /// refuses.
    pub credential: Option<Credential>,
    /// The timers of requests.
    pub timing: Timing,
    /// What the client says of itself in its requests. Nothing by default: RFC 8656 §5 would have it
    /// said, RFC 8489 §16.1.2 would have it be a choice.
    pub software: Option<String>,
    /// Whether to go where a 300 points: RFC 8656 §7.4. Only an authenticated one is believed.
    pub follows_redirects: bool,
    /// Whether [`Client::send`](super::Client::send) binds channels on its own, because they cost 4
    /// bytes a datagram instead of 36 or more.
    pub auto_channels: bool,
    /// The longest silence towards the server while there is an allocation, so that NATs on the way do
    /// not forget the path: a Binding indication ends it. At least a second; `None` for none.
    pub keepalive: Option<Duration>,
    /// For how long to wait for a connection to open.
    pub connect_patience: Duration,
}

impl ClientConfig {
    /// A client of `server`, which it talks to over `transport`, with the defaults of the texts and
    /// without a credential.
    #[must_use]
    pub fn new(provider: Provider, server: SocketAddr, transport: Transport) -> Self {
        Self {
            provider,
            server,
            transport,
            local: None,
            credential: None,
            timing: Timing::default(),
            software: None,
            follows_redirects: true,
            auto_channels: true,
            keepalive: Some(Duration::from_secs(15)),
            connect_patience: Duration::from_secs(15),
        }
    }

    /// The same with a credential.
    #[must_use]
    pub fn with_credential(self, credential: Credential) -> Self {
        Self { credential: Some(credential), ..self }
    }

    /// The same from a local address.
    #[must_use]
    pub fn from_local(self, local: SocketAddr) -> Self {
        Self { local: Some(local), ..self }
    }

    pub(crate) fn keepalive(&self) -> Option<Duration> {
        self.keepalive.map(|interval| interval.max(MIN_KEEPALIVE))
    }
}

/// What to allocate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocate {
    /// Of which families the relayed addresses are to be.
    pub families: Families,
    /// What is relayed.
    pub relay: Relay,
    /// Which port is wanted.
    pub port: PortWish,
    /// For how long, until it is refreshed, as a hint; the server's default is 600 s, and less is not
    /// granted (RFC 8656 §7.2).
    pub lifetime: Option<Duration>,
    /// Whether to ask for the DF bit on what is relayed. A server that cannot set it is asked again
    /// without (RFC 8656 §7.4), and says so in [`Allocation`](super::Allocation).
    pub dont_fragment: bool,
}

/// Of which families relayed addresses are: RFC 8656 §7.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Families {
    /// One of IPv4.
    #[default]
    V4,
    /// One of IPv6.
    V6,
    /// One of each, or only one if the server has but one.
    Dual,
}

impl Families {
    pub(crate) const fn has(self, family: Family) -> bool {
        match self {
            Self::V4 => family.number() == Family::IPV4.number(),
            Self::V6 => family.number() == Family::IPV6.number(),
            Self::Dual => true,
        }
    }
}

/// What is relayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Relay {
    /// Datagrams.
    #[default]
    Udp,
    /// TCP connections: RFC 6062. Only over TCP or TLS.
    Tcp,
}

/// Which port a relayed address is to have: RFC 8656 §7.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PortWish {
    /// Any.
    #[default]
    Any,
    /// An even one.
    Even,
    /// An even one, and the next one is held in reserve.
    EvenAndReserve,
    /// The one that was held in reserve under this token.
    Reserved(u64),
}

/// What is wrong with a wish to allocate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllocateError {
    /// There is an allocation, or one is being made or released.
    #[error("there is an allocation already")]
    Busy,
    /// Wishes that cannot be told together: RFC 8656 §7.1, RFC 6062 §4.1.
    #[error("wishes that exclude each other")]
    Contradiction,
    /// Too many requests are under way, or the texts of the configuration do not fit a message.
    #[error("the request could not be made")]
    NotMade,
}

impl Allocate {
    /// RFC 8656 §7.1: which attributes may stand beside which. RFC 6062 §4.1: of a TCP allocation, none
    /// that concern datagrams, and never over UDP.
    pub(crate) fn is_possible(&self, transport: &Transport) -> bool {
        let is_dual = self.families == Families::Dual;
        let of_ports = match self.port {
            PortWish::Any | PortWish::Even => true,
            PortWish::EvenAndReserve => !is_dual,
            PortWish::Reserved(_) => self.families == Families::V4,
        };
        let of_relay = match self.relay {
            Relay::Udp => true,
            Relay::Tcp => {
                transport.is_stream() && !self.dont_fragment && self.port == PortWish::Any
            }
        };
        of_ports && of_relay
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn wish(families: Families, port: PortWish, relay: Relay, dont_fragment: bool) -> Allocate {
        Allocate { families, relay, port, dont_fragment, ..Allocate::default() }
    }

    #[rstest]
    #[case::plain(wish(Families::V4, PortWish::Any, Relay::Udp, true), true)]
    #[case::dual(wish(Families::Dual, PortWish::Any, Relay::Udp, false), true)]
    #[case::dual_even(wish(Families::Dual, PortWish::Even, Relay::Udp, false), true)]
    #[case::dual_reserve(wish(Families::Dual, PortWish::EvenAndReserve, Relay::Udp, false), false)]
    #[case::dual_reserved(wish(Families::Dual, PortWish::Reserved(1), Relay::Udp, false), false)]
    #[case::v6_reserved(wish(Families::V6, PortWish::Reserved(1), Relay::Udp, false), false)]
    #[case::reserved(wish(Families::V4, PortWish::Reserved(1), Relay::Udp, false), true)]
    #[case::tcp(wish(Families::V4, PortWish::Any, Relay::Tcp, false), true)]
    #[case::tcp_fragment(wish(Families::V4, PortWish::Any, Relay::Tcp, true), false)]
    #[case::tcp_even(wish(Families::V4, PortWish::Even, Relay::Tcp, false), false)]
    fn knows_which_wishes_go_together(#[case] wish: Allocate, #[case] possible: bool) {
        assert_eq!(wish.is_possible(&Transport::Tcp), possible);
        let is_tcp = wish.relay == Relay::Tcp;
        assert_eq!(wish.is_possible(&Transport::Udp), possible && !is_tcp);
    }
}
