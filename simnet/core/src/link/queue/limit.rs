//! How much may wait.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::units;

/// How much may wait in a queue. The packet being sent does not count.
///
/// In files: `"unlimited"`, `"100 packets"`, `"64KiB"` or `"300ms"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum QueueLimit {
    /// Anything.
    #[default]
    Unlimited,
    /// This many packets.
    Packets(u32),
    /// This many bytes of IP packets.
    Bytes(u64),
    /// As many bytes as the link sends in this time.
    Time(Duration),
}

impl QueueLimit {
    /// This many packets.
    #[must_use]
    pub const fn packets(count: u32) -> Self {
        Self::Packets(count)
    }

    /// This many bytes of IP packets.
    #[must_use]
    pub const fn bytes(count: u64) -> Self {
        Self::Bytes(count)
    }

    /// As many bytes as the link sends in this time.
    #[must_use]
    pub const fn time(time: Duration) -> Self {
        Self::Time(time)
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        if trimmed == "unlimited" {
            return Ok(Self::Unlimited);
        }
        let count = trimmed.strip_suffix("packets").or_else(|| trimmed.strip_suffix("packet"));
        if let Some(count) = count.and_then(|count| count.trim().parse().ok()) {
            return Ok(Self::Packets(count));
        }
        let time = units::parse_duration(trimmed).map(Self::Time);
        let bytes = units::parse_bytes(trimmed).map(Self::Bytes);
        let bare = trimmed.bytes().all(|c| c.is_ascii_digit());
        let limit = time.ok().or_else(|| bytes.ok().filter(|_| !bare));
        limit.ok_or_else(|| {
            format!(
                "`{text}` is no queue limit, which is \"unlimited\" or a number of packets, of bytes \
                 or of time that is not negative, such as \"100 packets\", \"64KiB\", \"300ms\""
            )
        })
    }
}

impl TryFrom<String> for QueueLimit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<QueueLimit> for String {
    fn from(limit: QueueLimit) -> Self {
        limit.to_string()
    }
}

impl fmt::Display for QueueLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::Packets(count) => write!(f, "{count} packets"),
            Self::Bytes(bytes) => f.write_str(&units::print_bytes(*bytes)),
            Self::Time(time) => f.write_str(&units::print_duration(*time)),
        }
    }
}

/// A limit at work.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    packets: Option<usize>,
    bytes: Option<u64>,
}

impl Room {
    /// The room that `limit` gives on a link of this rate.
    pub(in crate::link) fn new(limit: QueueLimit, rate: Option<u64>) -> Self {
        match limit {
            QueueLimit::Unlimited => Self::default(),
            QueueLimit::Packets(count) => Self { packets: Some(count as usize), bytes: None },
            QueueLimit::Bytes(bytes) => Self { packets: None, bytes: Some(bytes) },
            QueueLimit::Time(time) => Self { packets: None, bytes: bytes_in(time, rate) },
        }
    }

    /// Whether `packet` bytes fit beside what waits.
    pub(in crate::link) fn takes(self, packets: usize, bytes: u64, packet: u64) -> bool {
        self.packets.is_none_or(|limit| packets < limit)
            && self.bytes.is_none_or(|limit| bytes + packet <= limit)
    }

    /// Whether `packet` bytes would fit if nothing waited.
    pub(super) fn ever_takes(self, packet: u64) -> bool {
        self.takes(0, 0, packet)
    }
}

/// RFC 8868 §4.3: the bytes that a link of this rate sends in this time.
fn bytes_in(time: Duration, rate: Option<u64>) -> Option<u64> {
    let bits = u128::from(rate?) * time.as_nanos() / 1_000_000_000;
    u64::try_from(bits / 8).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("unlimited", QueueLimit::Unlimited)]
    #[case("100 packets", QueueLimit::Packets(100))]
    #[case("1packet", QueueLimit::Packets(1))]
    #[case("64KiB", QueueLimit::Bytes(65_536))]
    #[case("300ms", QueueLimit::Time(Duration::from_millis(300)))]
    fn reads_limits_and_what_it_prints(#[case] text: &str, #[case] limit: QueueLimit) {
        assert_eq!(QueueLimit::parse(text), Ok(limit));
        assert_eq!(QueueLimit::parse(&limit.to_string()), Ok(limit));
    }

    #[rstest]
    #[case("-5 packets")]
    #[case("-5ms")]
    #[case("1500")]
    #[case("many")]
    fn refuses_what_is_no_limit(#[case] text: &str) {
        let error = QueueLimit::parse(text).unwrap_err();
        assert!(error.starts_with(&format!("`{text}` is no queue limit")), "{error}");
    }
}
