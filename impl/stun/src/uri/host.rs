//! The host of a URI: RFC 3986 §3.2.2.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::UriError;

/// A host: an address, or a name to be resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
    /// An address of a kind yet to come, as it stands between the brackets.
    Future(String),
    /// A name, as it stands in the URI.
    Name(String),
}

impl Host {
    /// The IP address, if it is one.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::V4(ip) => Some(IpAddr::V4(*ip)),
            Self::V6(ip) => Some(IpAddr::V6(*ip)),
            Self::Future(_) | Self::Name(_) => None,
        }
    }

    /// Reads a host that stands at `at` in the URI.
    pub(super) fn parse(host: &str, at: usize) -> Result<Self, UriError> {
        if let Some(literal) = host.strip_prefix('[') {
            return Self::parse_literal(literal.strip_suffix(']').unwrap_or(literal), at + 1);
        }
        if host.is_empty() {
            return Err(UriError { what: "no host", at });
        }
        if let Ok(ip) = host.parse() {
            return Ok(Self::V4(ip));
        }
        let mut bytes = host.bytes().enumerate();
        while let Some((offset, byte)) = bytes.next() {
            let at = at + offset;
            if byte == b'%' {
                let mut hex = || bytes.next().is_some_and(|(_, byte)| byte.is_ascii_hexdigit());
                if !(hex() && hex()) {
                    return Err(UriError { what: "bad escape", at });
                }
            } else if !is_name_byte(byte) {
                return Err(UriError { what: "bad host", at });
            }
        }
        Ok(Self::Name(host.to_owned()))
    }

    fn parse_literal(literal: &str, at: usize) -> Result<Self, UriError> {
        let bad = UriError { what: "bad IPv6 address", at };
        let Some(future) = literal.strip_prefix(['v', 'V']) else {
            return literal.parse().map(Self::V6).map_err(|_| bad);
        };
        let (version, address) = future.split_once('.').ok_or(bad)?;
        let is_version = !version.is_empty() && version.bytes().all(|it| it.is_ascii_hexdigit());
        let is_address = |byte| is_name_byte(byte) || byte == b':';
        if is_version && !address.is_empty() && address.bytes().all(is_address) {
            Ok(Self::Future(literal.to_owned()))
        } else {
            Err(bad)
        }
    }
}

/// RFC 3986 §2.2, §2.3: unreserved characters and sub-delimiters.
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~')
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        )
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(ip) => fmt::Display::fmt(ip, f),
            Self::V6(ip) => write!(f, "[{ip}]"),
            Self::Future(literal) => write!(f, "[{literal}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}
