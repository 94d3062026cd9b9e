//! Blocks of addresses.

use std::{fmt, net::IpAddr, str::FromStr};

/// An address and the length of the network prefix it belongs to, such as `192.168.1.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    ip: IpAddr,
    length: u8,
}

/// The text is not an address with a prefix length that fits it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address prefix such as 192.168.1.0/24 or fd00::/64")]
pub struct BadPrefix {
    text: String,
}

impl Prefix {
    /// The prefix of `length` bits around `ip`; `None` if the length is more than the address has.
    #[must_use]
    pub const fn new(ip: IpAddr, length: u8) -> Option<Self> {
        let bits = if ip.is_ipv4() { 32 } else { 128 };
        if length > bits { None } else { Some(Self { ip, length }) }
    }

    /// The prefix that holds `ip` alone.
    #[must_use]
    pub const fn host(ip: IpAddr) -> Self {
        Self { ip, length: if ip.is_ipv4() { 32 } else { 128 } }
    }

    /// The address it was made of.
    #[must_use]
    pub const fn ip(self) -> IpAddr {
        self.ip
    }

    /// The same prefix, with zeros behind it.
    #[must_use]
    pub fn network(self) -> Self {
        Self { ip: self.nth(0).unwrap_or(self.ip), length: self.length }
    }

    /// Its length in bits.
    #[must_use]
    pub const fn length(self) -> u8 {
        self.length
    }

    /// Whether `ip` lies in it.
    #[must_use]
    #[inline]
    pub fn contains(self, ip: IpAddr) -> bool {
        self.ip.is_ipv4() == ip.is_ipv4()
            && (number(self.ip) ^ number(ip)).checked_shr(self.host_bits()).unwrap_or(0) == 0
    }

    /// The address that stands for every host of an IPv4 prefix (RFC 919); `None` for IPv6 and for
    /// prefixes too small to have one.
    #[must_use]
    pub fn broadcast(self) -> Option<IpAddr> {
        let wide = self.ip.is_ipv4() && self.length < 31;
        wide.then(|| address(number(self.ip) | low_bits(self.host_bits()), true))
    }

    /// The address with number `index` in it, if there is one.
    #[must_use]
    pub fn nth(self, index: u64) -> Option<IpAddr> {
        let bits = self.host_bits();
        let mask = low_bits(bits);
        let inside = u128::from(index) <= mask;
        inside.then(|| address((number(self.ip) & !mask) | u128::from(index), self.ip.is_ipv4()))
    }

    const fn host_bits(self) -> u32 {
        let bits: u8 = if self.ip.is_ipv4() { 32 } else { 128 };
        (bits - self.length) as u32
    }
}

impl FromStr for Prefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Self, BadPrefix> {
        let bad = || BadPrefix { text: text.to_owned() };
        let (ip, length) = text.split_once('/').ok_or_else(bad)?;
        let ip = ip.parse().map_err(|_| bad())?;
        let length = length.parse().map_err(|_| bad())?;
        Self::new(ip, length).ok_or_else(bad)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.length)
    }
}

/// The address as a number; families do not meet, so they may overlap.
#[inline]
pub(crate) fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn address(number: u128, ipv4: bool) -> IpAddr {
    if ipv4 {
        let [.., a, b, c, d] = number.to_be_bytes();
        IpAddr::from([a, b, c, d])
    } else {
        IpAddr::from(number.to_be_bytes())
    }
}

const fn low_bits(count: u32) -> u128 {
    match u128::MAX.checked_shr(128 - count) {
        Some(mask) => mask,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::inside("192.168.1.0/24", "192.168.1.77", true)]
    #[case::outside("192.168.1.0/24", "192.168.2.77", false)]
    #[case::host_bits_do_not_count("192.168.1.9/24", "192.168.1.77", true)]
    #[case::everything("0.0.0.0/0", "8.8.8.8", true)]
    #[case::one("10.0.0.1/32", "10.0.0.2", false)]
    #[case::ipv6("fd00:a::/64", "fd00:a::1", true)]
    #[case::all_of_ipv6("::/0", "2001:db8::1", true)]
    #[case::other_family("::/0", "1.2.3.4", false)]
    fn knows_what_lies_in_it(#[case] prefix: Prefix, #[case] ip: IpAddr, #[case] inside: bool) {
        assert_eq!(prefix.contains(ip), inside);
    }

    #[rstest]
    #[case::ipv4("10.1.2.0/24", 7, Some("10.1.2.7"))]
    #[case::too_many("10.1.2.0/24", 256, None)]
    #[case::ipv6("fd00:a::/64", 0x10, Some("fd00:a::10"))]
    #[case::single("10.1.2.3/32", 0, Some("10.1.2.3"))]
    fn counts_its_addresses(#[case] prefix: Prefix, #[case] index: u64, #[case] ip: Option<&str>) {
        assert_eq!(prefix.nth(index), ip.map(|text| text.parse().unwrap()));
    }

    #[rstest]
    #[case("10.0.0.0")]
    #[case("10.0.0.0/33")]
    #[case("fd00::/129")]
    #[case("lan/8")]
    fn refuses_other_text(#[case] text: &str) {
        assert!(text.parse::<Prefix>().is_err());
    }

    #[test]
    fn has_a_broadcast_address() {
        let prefix: Prefix = "192.168.1.4/24".parse().unwrap();
        assert_eq!(prefix.broadcast(), Some("192.168.1.255".parse().unwrap()));
        assert_eq!("fd00::/64".parse::<Prefix>().unwrap().broadcast(), None);
    }
}
