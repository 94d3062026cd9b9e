//! Ranges of ports, as rules name them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Ports from one to another, both included. In files a number (`443`) or a text (`"5000-5100"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    first: u16,
    last: u16,
}

/// The text is not a port or a range of ports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a port from 0 to 65535, nor a range such as \"5000-5100\"")]
pub struct BadPorts {
    text: String,
}

impl PortRange {
    /// One port.
    #[must_use]
    pub const fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// The ports from `first` to `last`, both included; `None` if `last` comes first.
    #[must_use]
    pub const fn new(first: u16, last: u16) -> Option<Self> {
        if first <= last { Some(Self { first, last }) } else { None }
    }

    /// Whether `port` is one of them.
    #[must_use]
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

impl FromStr for PortRange {
    type Err = BadPorts;

    fn from_str(text: &str) -> Result<Self, BadPorts> {
        let bad = || BadPorts { text: text.to_owned() };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |part: &str| part.trim().parse().map_err(|_| bad());
        Self::new(port(first)?, port(last)?).ok_or_else(bad)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            self.first.fmt(f)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.first == self.last { to.serialize_u16(self.first) } else { to.collect_str(self) }
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl Reader {
    fn number<E: de::Error>(number: impl fmt::Display) -> Result<PortRange, E> {
        number.to_string().parse().map_err(E::custom)
    }
}

impl de::Visitor<'_> for Reader {
    type Value = PortRange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port, or a range of ports such as \"5000-5100\"")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<PortRange, E> {
        Self::number(number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<PortRange, E> {
        Self::number(number)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PortRange, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::one("443", 443, 443)]
    #[case::range("5000-5100", 5_000, 5_100)]
    #[case::spaces("1 - 2", 1, 2)]
    fn reads_ports(#[case] text: &str, #[case] first: u16, #[case] last: u16) {
        assert_eq!(text.parse(), Ok(PortRange { first, last }));
    }

    #[rstest]
    #[case::backwards("2-1")]
    #[case::too_large("65536")]
    #[case::negative("-5")]
    #[case::words("https")]
    fn refuses_what_is_no_port(#[case] text: &str) {
        assert!(text.parse::<PortRange>().unwrap_err().to_string().contains(text));
    }

    #[test]
    fn knows_its_ports() {
        let range: PortRange = "10-12".parse().unwrap();
        let held: Vec<u16> = (8..=14).filter(|port| range.contains(*port)).collect();
        assert_eq!(held, [10, 11, 12]);
    }
}
