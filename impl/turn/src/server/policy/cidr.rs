//! Networks: an address and how many of its bits count.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A network, written `192.0.2.0/24` or `2001:db8::/32`; an address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

/// Why a text is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CidrError {
    /// What stands before the slash is not an address.
    #[error("not an IP address, with or without /PREFIX")]
    NoAddress,
    /// The prefix is not a number, or greater than the bits of the address.
    #[error("prefix length not from 0 to 32 (IPv4) or 128 (IPv6)")]
    BadPrefix,
    /// There are bits behind the prefix, so that one of the two is a mistake.
    #[error("address has bits behind the prefix")]
    BitsBehindPrefix,
}

impl Cidr {
    /// Every IPv4 address.
    pub const ALL_IPV4: Self = Self::v4([0; 4], 0);
    /// Every IPv6 address.
    pub const ALL_IPV6: Self = Self::v6([0; 8], 0);

    /// The network of `ip`'s first `prefix` bits.
    ///
    /// # Errors
    ///
    /// `CidrError` if the prefix is too long, or does not cover all bits of `ip`.
    pub fn new(ip: IpAddr, prefix: u8) -> Result<Self, CidrError> {
        let width = width(ip);
        if u32::from(prefix) > width {
            return Err(CidrError::BadPrefix);
        }
        if mask(bits(ip), width, prefix) != bits(ip) {
            return Err(CidrError::BitsBehindPrefix);
        }
        Ok(Self { network: ip, prefix })
    }

    pub(super) const fn v4(octets: [u8; 4], prefix: u8) -> Self {
        let [a, b, c, d] = octets;
        Self { network: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    pub(super) const fn v6(segments: [u16; 8], prefix: u8) -> Self {
        let [a, b, c, d, e, f, g, h] = segments;
        Self { network: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), prefix }
    }

    /// Whether `ip` is in the network. An address of the other family never is.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.network.is_ipv4() == ip.is_ipv4()
            && mask(bits(ip), width(ip), self.prefix) == bits(self.network)
    }
}

const fn width(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

/// The first `prefix` of the `width` low bits of `bits`, the rest zero.
fn mask(bits: u128, width: u32, prefix: u8) -> u128 {
    let behind = width.saturating_sub(u32::from(prefix));
    bits.checked_shr(behind).and_then(|bits| bits.checked_shl(behind)).unwrap_or(0)
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let ip: IpAddr = address.parse().map_err(|_| CidrError::NoAddress)?;
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| CidrError::BadPrefix)?,
            None => u8::try_from(width(ip)).unwrap_or(u8::MAX),
        };
        Self::new(ip, prefix)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}
