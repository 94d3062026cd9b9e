//! IPv4 addresses inside IPv6 ones: RFC 6052 §2.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Lengths that a prefix may have, in bits: RFC 6052 §2.2.
const LENGTHS: [u8; 6] = [32, 40, 48, 56, 64, 96];
/// The octet that is zero whatever the length (RFC 6052 §2.2).
const RESERVED: usize = 8;

/// An IPv6 prefix under which IPv4 addresses appear: `64:ff9b::/96` is the well-known one.
///
/// ```
/// use simnet::nat64::Pref64;
///
/// let prefix: Pref64 = "2001:db8:122:344::/64".parse()?;
/// let embedded = prefix.embed("192.0.2.33".parse().unwrap());
/// assert_eq!(embedded.to_string(), "2001:db8:122:344:c0:2:2100:0");
/// # Ok::<(), simnet::nat64::BadPref64>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pref64 {
    octets: [u8; 16],
    length: u8,
}

/// The text is no prefix for IPv4 addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits such as 64:ff9b::/96")]
pub struct BadPref64 {
    text: String,
}

impl Pref64 {
    /// `64:ff9b::/96` (RFC 6052 §2.1).
    pub const WELL_KNOWN: Self =
        Self { octets: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], length: 96 };

    /// The prefix of `length` bits around `ip`; `None` for other lengths than RFC 6052 §2.2 allows, and
    /// if the reserved octet of a long prefix is not zero.
    #[must_use]
    pub fn new(ip: Ipv6Addr, length: u8) -> Option<Self> {
        if !LENGTHS.contains(&length) {
            return None;
        }
        let mask = u128::MAX << (128 - u32::from(length));
        let octets = (ip.to_bits() & mask).to_be_bytes();
        let reserved = octets.get(RESERVED).copied().unwrap_or_default();
        (reserved == 0).then_some(Self { octets, length })
    }

    /// The prefix itself, with nothing embedded.
    #[must_use]
    pub const fn ip(self) -> Ipv6Addr {
        Ipv6Addr::from_octets(self.octets)
    }

    /// Its length in bits.
    #[must_use]
    pub const fn length(self) -> u8 {
        self.length
    }

    /// Whether it is the well-known one, which must not carry private addresses (RFC 6052 §3.1).
    #[must_use]
    pub fn is_well_known(self) -> bool {
        self == Self::WELL_KNOWN
    }

    /// Whether `ip` begins with it.
    #[must_use]
    pub const fn contains(self, ip: Ipv6Addr) -> bool {
        let mask = u128::MAX << (128 - self.length as u32);
        (ip.to_bits() ^ self.ip().to_bits()) & mask == 0
    }

    /// The IPv6 address that stands for `ip`.
    #[must_use]
    pub fn embed(self, ip: Ipv4Addr) -> Ipv6Addr {
        let mut octets = self.octets;
        for (place, octet) in places(&mut octets, self.length).zip(ip.octets()) {
            *place = octet;
        }
        Ipv6Addr::from_octets(octets)
    }

    /// The IPv4 address that `ip` stands for; `None` if it does not begin with the prefix. What comes
    /// behind the embedded address does not count (RFC 6052 §2.2).
    #[must_use]
    pub fn extract(self, ip: Ipv6Addr) -> Option<Ipv4Addr> {
        if !self.contains(ip) {
            return None;
        }
        let mut octets = ip.octets();
        let mut embedded = [0; 4];
        for (octet, place) in embedded.iter_mut().zip(places(&mut octets, self.length)) {
            *octet = *place;
        }
        Some(Ipv4Addr::from(embedded))
    }
}

/// Where the octets of the IPv4 address are: behind the prefix, around the reserved octet.
fn places(octets: &mut [u8; 16], length: u8) -> impl Iterator<Item = &mut u8> {
    let all = octets.iter_mut().enumerate().skip(usize::from(length / 8));
    all.filter(|(index, _)| *index != RESERVED).map(|(_, octet)| octet)
}

/// Whether `ip` means the same everywhere, so that the well-known prefix may carry it.
pub(super) const fn is_global(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    // 100.64.0.0/10 is shared by the customers of one provider, 192.0.0.0/24 by a host and its CLAT.
    let shared = a == 100 && b & 0xc0 == 64;
    let special = a == 0 || matches!(ip.octets(), [192, 0, 0, _]);
    !(shared
        || special
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast())
}

impl FromStr for Pref64 {
    type Err = BadPref64;

    fn from_str(text: &str) -> Result<Self, BadPref64> {
        let parse = || {
            let (ip, length) = text.split_once('/')?;
            Self::new(ip.parse().ok()?, length.parse().ok()?)
        };
        parse().ok_or_else(|| BadPref64 { text: text.to_owned() })
    }
}

impl fmt::Display for Pref64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip(), self.length)
    }
}

impl Serialize for Pref64 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pref64 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::bits_32("2001:db8::/32", "2001:db8:c000:221::")]
    #[case::bits_40("2001:db8:100::/40", "2001:db8:1c0:2:21::")]
    #[case::bits_48("2001:db8:122::/48", "2001:db8:122:c000:2:2100::")]
    #[case::bits_56("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::")]
    #[case::bits_64("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::")]
    #[case::bits_96("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33")]
    #[case::well_known("64:ff9b::/96", "64:ff9b::192.0.2.33")]
    fn embeds_as_in_the_examples_of_its_specification(
        #[case] prefix: Pref64,
        #[case] embedded: Ipv6Addr,
    ) {
        // RFC 6052 §2.4 has these.
        let ip = Ipv4Addr::new(192, 0, 2, 33);
        assert_eq!(prefix.embed(ip), embedded);
        assert_eq!(prefix.extract(embedded), Some(ip));
        let suffixed = Ipv6Addr::from_bits(embedded.to_bits() | u128::from(prefix.length != 96));
        assert_eq!(prefix.extract(suffixed), Some(ip), "the suffix does not count");
        assert_eq!(prefix.to_string().parse(), Ok(prefix));
    }

    #[rstest]
    #[case::length("64:ff9b::/95")]
    #[case::no_length("64:ff9b::")]
    #[case::ipv4("10.0.0.0/32")]
    #[case::reserved_octet("2001:db8:1:2:ff00::/96")]
    fn refuses_other_prefixes(#[case] text: &str) {
        assert!(text.parse::<Pref64>().unwrap_err().to_string().contains(text));
    }

    #[test]
    fn an_address_outside_stands_for_nothing() {
        assert_eq!(Pref64::WELL_KNOWN.extract("2001:db8::1".parse().unwrap()), None);
    }

    #[rstest]
    #[case("11.0.0.1", true)]
    #[case("8.8.8.8", true)]
    #[case("192.168.1.1", false)]
    #[case("100.64.0.1", false)]
    #[case("192.0.0.2", false)]
    #[case("127.0.0.1", false)]
    fn knows_what_is_global(#[case] ip: Ipv4Addr, #[case] global: bool) {
        assert_eq!(is_global(ip), global);
    }
}
