//! `stun:` and `turn:` URIs: RFC 7064 §3.1, RFC 7065 §3.1, with host and port of RFC 3986 §3.2.

mod host;

use std::{fmt, net::IpAddr, str::FromStr};

pub use host::Host;

/// Where a server is and how to talk to it.
///
/// ```
/// use stun::{Scheme, Uri};
///
/// let uri: Uri = "turns:[2001:db8::1]?transport=tcp".parse().unwrap();
/// assert_eq!((uri.scheme(), uri.port()), (Scheme::Turns, 5349));
/// assert_eq!(uri.to_string(), "turns:[2001:db8::1]?transport=tcp");
/// assert_eq!("stun:a b".parse::<Uri>().unwrap_err().to_string(), "bad host at character 6");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uri {
    scheme: Scheme,
    host: Host,
    port: Option<u16>,
    transport: Option<UriTransport>,
}

/// The scheme of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// STUN over UDP or TCP.
    Stun,
    /// STUN over TLS or DTLS.
    Stuns,
    /// TURN over UDP or TCP.
    Turn,
    /// TURN over TLS or DTLS.
    Turns,
}

/// The transport a TURN URI asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UriTransport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// One that is yet to be defined, as it stands in the URI.
    Other(String),
}

/// Why a text is no URI of these schemes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at character {at}")]
pub struct UriError {
    /// What is wrong.
    pub what: &'static str,
    /// Offset in bytes.
    pub at: usize,
}

impl Scheme {
    const ALL: [Self; 4] = [Self::Stun, Self::Stuns, Self::Turn, Self::Turns];

    const fn name(self) -> &'static str {
        match self {
            Self::Stun => "stun",
            Self::Stuns => "stuns",
            Self::Turn => "turn",
            Self::Turns => "turns",
        }
    }

    /// Whether it runs over TLS or DTLS.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Stuns | Self::Turns)
    }

    /// Whether it is for a relay.
    #[must_use]
    pub const fn is_turn(self) -> bool {
        matches!(self, Self::Turn | Self::Turns)
    }

    /// The port when the URI has none: RFC 7064 §3.2, RFC 7065 §3.2.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        if self.is_secure() { 5349 } else { 3478 }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Uri {
    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port, or the default of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.scheme.default_port())
    }

    /// The port, if the URI has one; without it a name is looked up as a service first (RFC 8489
    /// §8.1, RFC 5928 §3).
    #[must_use]
    pub const fn explicit_port(&self) -> Option<u16> {
        self.port
    }

    /// The transport, if the URI has one.
    #[must_use]
    pub const fn transport(&self) -> Option<&UriTransport> {
        self.transport.as_ref()
    }

    /// Whether the server can be shown to be the right one. RFC 8489 §8.1: a `stuns` URI with an IP
    /// address has no name to check a certificate against and is rejected by the client.
    #[must_use]
    pub fn is_verifiable(&self) -> bool {
        self.scheme != Scheme::Stuns || self.host.ip().is_none()
    }

    /// The IP address, if the host is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.ip()
    }
}

impl FromStr for Uri {
    type Err = UriError;

    /// Follows the grammar to the letter: no `//`, no user, no path, no other parameter.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, rest) =
            text.split_once(':').ok_or(UriError { what: "no scheme", at: text.len() })?;
        // RFC 3986 §3.1: schemes have no case.
        let scheme = Scheme::ALL.into_iter().find(|it| it.name().eq_ignore_ascii_case(name));
        let scheme = scheme.ok_or(UriError { what: "unknown scheme", at: 0 })?;
        let start = text.len() - rest.len();
        let (authority, query) = match rest.split_once('?') {
            Some((authority, query)) => (authority, Some(query)),
            None => (rest, None),
        };
        let (name, port) = split_port(authority, start)?;
        let host = Host::parse(name, start)?;
        let port = match port {
            Some(port) => parse_port(port, start + name.len() + 1)?,
            None => None,
        };
        let at = start + authority.len() + 1;
        let transport = query.map(|query| parse_query(scheme, query, at)).transpose()?;
        Ok(Self { scheme, host, port, transport })
    }
}

/// Splits host and port at the colon, which an IPv6 address has in brackets.
fn split_port(authority: &str, start: usize) -> Result<(&str, Option<&str>), UriError> {
    if !authority.starts_with('[') {
        return Ok(match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        });
    }
    let at = start + authority.len();
    let end = authority.find(']').ok_or(UriError { what: "bracket not closed", at })?;
    let (host, rest) = authority.split_at(end + 1);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(UriError { what: "text behind the bracket", at: start + end + 1 }),
    }
}

/// RFC 3986 §3.2.3: digits, or nothing at all, which means the default.
fn parse_port(port: &str, at: usize) -> Result<Option<u16>, UriError> {
    if port.is_empty() {
        return Ok(None);
    }
    if let Some(bad) = port.find(|character: char| !character.is_ascii_digit()) {
        return Err(UriError { what: "bad port", at: at + bad });
    }
    port.parse().map(Some).map_err(|_| UriError { what: "port above 65535", at })
}

/// RFC 7065 §3.1.
fn parse_query(scheme: Scheme, query: &str, at: usize) -> Result<UriTransport, UriError> {
    if !scheme.is_turn() {
        return Err(UriError { what: "parameter on a stun URI", at });
    }
    let value = query.strip_prefix("transport=");
    let value = value.ok_or(UriError { what: "unknown parameter", at })?;
    let at = at + query.len() - value.len();
    let is_unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if value.is_empty() {
        return Err(UriError { what: "empty transport", at });
    }
    if let Some(bad) = value.bytes().position(|byte| !is_unreserved(byte)) {
        return Err(UriError { what: "bad transport", at: at + bad });
    }
    // RFC 5234 §2.3: literals of a grammar have no case.
    Ok(match value.to_ascii_lowercase().as_str() {
        "udp" => UriTransport::Udp,
        "tcp" => UriTransport::Tcp,
        _ => UriTransport::Other(value.to_owned()),
    })
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scheme, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match &self.transport {
            None => Ok(()),
            Some(UriTransport::Udp) => f.write_str("?transport=udp"),
            Some(UriTransport::Tcp) => f.write_str("?transport=tcp"),
            Some(UriTransport::Other(other)) => write!(f, "?transport={other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::name("stun:example.org", "example.org", 3478)]
    #[case::secure("stuns:example.org", "example.org", 5349)]
    #[case::port("stun:example.org:8000", "example.org", 8000)]
    #[case::empty_port("stun:example.org:", "example.org", 3478)]
    #[case::turn("turn:example.org", "example.org", 3478)]
    #[case::turns("turns:example.org:443?transport=tcp", "example.org", 443)]
    #[case::ipv4("turn:192.0.2.1?transport=udp", "192.0.2.1", 3478)]
    #[case::ipv6("stun:[2001:db8::1]:19302", "[2001:db8::1]", 19302)]
    #[case::scheme_without_case("StUn:example.org", "example.org", 3478)]
    #[case::escaped("stun:b%C3%BCcher.example", "b%C3%BCcher.example", 3478)]
    #[case::later_ip("stun:[v7.a:b]", "[v7.a:b]", 3478)]
    #[case::port_zero("stun:example.org:0", "example.org", 0)]
    #[case::port_last("stun:example.org:65535", "example.org", 65535)]
    #[case::sctp("turn:example.org?transport=sctp", "example.org", 3478)]
    fn reads(#[case] text: &str, #[case] host: &str, #[case] port: u16) {
        let uri: Uri = text.parse().unwrap();
        assert_eq!((uri.host().to_string().as_str(), uri.port()), (host, port));
        assert_eq!(uri.to_string().parse(), Ok(uri));
    }

    #[rstest]
    #[case::nothing("", "no scheme at character 0")]
    #[case::no_scheme("example.org", "no scheme at character 11")]
    #[case::other_scheme("http://example.org", "unknown scheme at character 0")]
    #[case::slashes("stun://example.org", "bad host at character 5")]
    #[case::no_host("stun:", "no host at character 5")]
    #[case::no_host_but_port("stun::3478", "no host at character 5")]
    #[case::space("stun:exa mple.org", "bad host at character 8")]
    #[case::user("stun:me@example.org", "bad host at character 7")]
    #[case::bad_escape("stun:a%2", "bad escape at character 6")]
    #[case::letters_in_port("stun:example.org:34a8", "bad port at character 19")]
    #[case::big_port("stun:example.org:65536", "port above 65535 at character 17")]
    #[case::bare_ipv6("stun:2001:db8::1", "bad port at character 10")]
    #[case::open_bracket("stun:[2001:db8::1", "bracket not closed at character 17")]
    #[case::behind_bracket("stun:[2001:db8::1]3478", "text behind the bracket at character 18")]
    #[case::not_ipv6("stun:[2001:db8]", "bad IPv6 address at character 6")]
    #[case::zone("stun:[fe80::1%25eth0]", "bad IPv6 address at character 6")]
    #[case::stun_transport("stun:a?transport=udp", "parameter on a stun URI at character 7")]
    #[case::parameter("turn:a?proto=udp", "unknown parameter at character 7")]
    #[case::no_transport("turn:a?transport=", "empty transport at character 17")]
    #[case::two_parameters("turn:a?transport=udp&x=1", "bad transport at character 20")]
    #[case::path("turn:a/b", "bad host at character 6")]
    #[case::fragment("stun:a#b", "bad host at character 6")]
    #[case::not_ascii("stun:b\u{fc}cher", "bad host at character 6")]
    fn rejects(#[case] text: &str, #[case] error: &str) {
        assert_eq!(text.parse::<Uri>().unwrap_err().to_string(), error);
    }

    #[test]
    fn a_secure_address_cannot_be_verified() {
        let verifiable = |text: &str| text.parse::<Uri>().unwrap().is_verifiable();
        assert!(!verifiable("stuns:192.0.2.1") && !verifiable("stuns:[::1]"));
        assert!(verifiable("stuns:example.org") && verifiable("stun:192.0.2.1"));
    }
}
