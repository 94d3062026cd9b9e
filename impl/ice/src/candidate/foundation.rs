//! Foundations: which candidates are likely to work or fail together (RFC 8445 §5.1.1.3).

use std::{fmt, net::IpAddr, str::FromStr};

use super::{CandidateError, Kind};

/// The foundation of a candidate: 1 to 32 letters, digits, `+` and `/`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Foundation {
    bytes: [u8; MAX_FOUNDATION],
    length: u8,
}

/// The longest foundation in characters: RFC 8839 §5.1.
const MAX_FOUNDATION: usize = 32;

/// What decides the foundation of a local candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// How the candidate came to be.
    pub kind: Kind,
    /// The address of its base.
    pub base: IpAddr,
    /// The address of the STUN or TURN server it is from, if it is from one.
    pub server: Option<IpAddr>,
    /// Whether it is a TCP candidate.
    pub tcp: bool,
}

/// Gives local candidates their foundations: one number for each [`Origin`], in the order in which
/// they are first seen, so that a foundation says nothing about the addresses behind it.
#[derive(Debug, Default)]
pub struct Foundations {
    seen: Vec<Origin>,
}

/// Origins remembered: four kinds for each of 16 addresses and a few servers. Beyond it, candidates
/// share the last foundation, which makes their checks wait for one another and nothing worse.
const MAX_ORIGINS: usize = 512;

impl Foundation {
    /// The foundation that is the number `n`.
    #[must_use]
    pub fn numbered(n: u32) -> Self {
        let mut bytes = [0; MAX_FOUNDATION];
        let mut length = 0;
        let digits = n.checked_ilog10().unwrap_or(0);
        for (place, power) in (0..=digits).rev().enumerate() {
            let digit = n / 10_u32.pow(power) % 10;
            if let (Some(byte), Ok(digit)) = (bytes.get_mut(place), u8::try_from(digit)) {
                *byte = b'0' + digit;
                length += 1;
            }
        }
        Self { bytes, length }
    }

    /// Its characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl FromStr for Foundation {
    type Err = CandidateError;

    fn from_str(text: &str) -> Result<Self, CandidateError> {
        let malformed = CandidateError::Malformed { what: "bad foundation", at: 0 };
        let length = u8::try_from(text.len()).map_err(|_| malformed)?;
        let mut bytes = [0; MAX_FOUNDATION];
        let room = bytes.get_mut(..text.len()).ok_or(malformed)?;
        if text.is_empty() || !text.bytes().all(super::text::is_ice_char) {
            return Err(malformed);
        }
        room.copy_from_slice(text.as_bytes());
        Ok(Self { bytes, length })
    }
}

impl fmt::Display for Foundation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Foundation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Foundation({})", self.as_str())
    }
}

impl Foundations {
    /// The foundation for a candidate of this origin.
    pub fn of(&mut self, origin: Origin) -> Foundation {
        let known = self.seen.iter().position(|&seen| seen == origin);
        let index = known.unwrap_or_else(|| {
            if self.seen.len() < MAX_ORIGINS {
                self.seen.push(origin);
            }
            self.seen.len() - 1
        });
        Foundation::numbered(u32::try_from(index + 1).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_full() {
        for n in [0, 7, 10, 907, u32::MAX] {
            assert_eq!(Foundation::numbered(n).as_str(), n.to_string());
            assert_eq!(n.to_string().parse(), Ok(Foundation::numbered(n)));
        }
    }

    #[test]
    fn has_one_to_thirty_two_characters() {
        assert!("".parse::<Foundation>().is_err());
        assert!("+".repeat(32).parse::<Foundation>().is_ok());
        assert!("a".repeat(33).parse::<Foundation>().is_err());
        assert!("a".repeat(300).parse::<Foundation>().is_err());
        assert!("a-b".parse::<Foundation>().is_err());
    }

    #[test]
    fn each_difference_of_origin_makes_another_foundation() {
        let mut foundations = Foundations::default();
        let origin = Origin {
            kind: Kind::ServerReflexive,
            base: "192.0.2.1".parse().unwrap(),
            server: Some("198.51.100.1".parse().unwrap()),
            tcp: false,
        };
        let first = foundations.of(origin);
        let others = [
            Origin { kind: Kind::Relayed, ..origin },
            Origin { base: "192.0.2.2".parse().unwrap(), ..origin },
            Origin { server: Some("198.51.100.2".parse().unwrap()), ..origin },
            Origin { tcp: true, ..origin },
        ];
        let mut seen = vec![first];
        for other in others {
            let foundation = foundations.of(other);
            assert!(!seen.contains(&foundation), "{other:?}");
            seen.push(foundation);
        }
        assert_eq!(foundations.of(origin), first);
    }

    #[test]
    fn origins_are_bounded() {
        let mut foundations = Foundations::default();
        for n in 0..2_000_u32 {
            let base = IpAddr::V4(n.into());
            foundations.of(Origin { kind: Kind::Host, base, server: None, tcp: false });
        }
        assert_eq!(foundations.seen.len(), MAX_ORIGINS);
    }
}
