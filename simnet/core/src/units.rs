//! Durations, rates, sizes and fractions as people write them: `12ms`, `5Mbps`, `64KiB`, `1%`.
//!
//! Text is read exactly, in whole nanoseconds, bits per second and bytes, and printed so that reading it
//! again gives the same value. The modules serve `#[serde(with = "simnet::units::duration")]`.
//!
//! ```
//! use simnet::units;
//! use std::time::Duration;
//!
//! assert_eq!(units::parse_duration("1.5s"), Ok(Duration::from_millis(1_500)));
//! assert_eq!(units::parse_rate("2.5Mbps"), Ok(2_500_000));
//! assert_eq!(units::parse_bytes("64KiB"), Ok(65_536));
//! assert_eq!(units::parse_fraction("0.1%"), Ok(0.001));
//! let wrong = units::parse_rate("-5Mbps").unwrap_err();
//! assert_eq!(wrong.to_string(), "`-5Mbps` is negative: a rate is a number of bps, kbps, Mbps or Gbps \
//!     that is not negative, such as \"5Mbps\"");
//! ```

use std::time::Duration;

mod serial;

pub use serial::{
    bytes, duration, fraction, option_bytes, option_duration, option_fraction, option_rate, rate,
};

/// Units of time, in nanoseconds.
const TIMES: &[(&str, u64)] = &[
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
];

/// Units of rate, in bits per second.
const RATES: &[(&str, u64)] = &[
    ("Gbps", 1_000_000_000),
    ("Mbps", 1_000_000),
    ("kbps", 1_000),
    ("bps", 1),
    ("Gbit/s", 1_000_000_000),
    ("Mbit/s", 1_000_000),
    ("kbit/s", 1_000),
    ("bit/s", 1),
];

/// Units of size, in bytes.
const SIZES: &[(&str, u64)] = &[
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// What a text should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// A length of time.
    Duration,
    /// Bits per second.
    Rate,
    /// A number of bytes.
    Size,
    /// A share or a probability.
    Fraction,
}

impl Quantity {
    /// What may be written, for people.
    #[must_use]
    pub const fn allowed(self) -> &'static str {
        match self {
            Self::Duration => {
                "a duration is a number of ns, us, ms, s, min or h that is not negative, such as \
                 \"12ms\""
            }
            Self::Rate => {
                "a rate is a number of bps, kbps, Mbps or Gbps that is not negative, such as \
                 \"5Mbps\""
            }
            Self::Size => {
                "a size is a number of B, kB, MB, GB, KiB, MiB or GiB that is not negative, such as \
                 \"64KiB\""
            }
            Self::Fraction => "a fraction is a number from 0 to 1 or a percentage, such as \"1%\"",
        }
    }

    const fn units(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Duration => TIMES,
            Self::Rate => RATES,
            Self::Size => SIZES,
            Self::Fraction => &[],
        }
    }
}

/// Why a text is not the quantity it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` {fault}: {}", .wanted.allowed())]
pub struct UnitError {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub fault: UnitFault,
    /// What it should have been.
    pub wanted: Quantity,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitFault {
    /// It does not begin with a number.
    #[error("is not a number with a unit")]
    NotANumber,
    /// It is below zero.
    #[error("is negative")]
    Negative,
    /// A number stands alone.
    #[error("has no unit")]
    NoUnit,
    /// Nobody knows the unit.
    #[error("has an unknown unit")]
    UnknownUnit,
    /// It has more digits than whole nanoseconds, bits or bytes can hold.
    #[error("is finer than can be kept")]
    TooFine,
    /// It is larger than can be kept.
    #[error("is too large")]
    TooLarge,
}

/// Reads a duration such as `12ms`, `1.5s`, `0`.
///
/// # Errors
///
/// If the text is no number with a unit, negative, too large, or finer than a nanosecond.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    parse(text, Quantity::Duration).map(Duration::from_nanos)
}

/// Reads a rate such as `5Mbps`, in bits per second.
///
/// # Errors
///
/// If the text is no number with a unit, negative, too large, or finer than a bit per second.
pub fn parse_rate(text: &str) -> Result<u64, UnitError> {
    parse(text, Quantity::Rate)
}

/// Reads a size such as `64KiB`, `1500B` or `1500`, in bytes.
///
/// # Errors
///
/// If the text is no number with a unit, negative, too large, or finer than a byte.
pub fn parse_bytes(text: &str) -> Result<u64, UnitError> {
    parse(text, Quantity::Size)
}

/// Reads a fraction such as `1%` or `0.01`.
///
/// # Errors
///
/// If the text is no number, or not from 0 to 1.
pub fn parse_fraction(text: &str) -> Result<f64, UnitError> {
    let fail = |fault| UnitError { text: text.to_owned(), fault, wanted: Quantity::Fraction };
    let trimmed = text.trim();
    let (number, scale) = match trimmed.strip_suffix('%') {
        Some(number) => (number.trim_end(), 100.0),
        None => (trimmed, 1.0),
    };
    let value: f64 = number.parse().map_err(|_| fail(UnitFault::NotANumber))?;
    check_fraction(value / scale).map_err(fail)
}

/// The value, if it is a number from 0 to 1.
fn check_fraction(value: f64) -> Result<f64, UnitFault> {
    if !value.is_finite() {
        return Err(UnitFault::NotANumber);
    }
    if value < 0.0 {
        return Err(UnitFault::Negative);
    }
    if value > 1.0 {
        return Err(UnitFault::TooLarge);
    }
    Ok(value)
}

/// Prints a duration in the largest unit that needs no decimals.
#[must_use]
pub fn print_duration(duration: Duration) -> String {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    print(nanos, TIMES, "s")
}

/// Prints a rate, in bits per second, in the largest unit that needs no decimals.
#[must_use]
pub fn print_rate(bits_per_second: u64) -> String {
    print(bits_per_second, RATES, "bps")
}

/// Prints a size, in bytes, in the largest unit that needs no decimals.
#[must_use]
pub fn print_bytes(bytes: u64) -> String {
    print(bytes, SIZES, "B")
}

fn print(value: u64, units: &[(&str, u64)], zero: &str) -> String {
    if value == 0 {
        return format!("0{zero}");
    }
    let whole = units.iter().find(|(_, size)| value.is_multiple_of(*size));
    whole.map_or_else(|| value.to_string(), |(name, size)| format!("{}{name}", value / size))
}

fn parse(text: &str, wanted: Quantity) -> Result<u64, UnitError> {
    let fail = |fault| UnitError { text: text.to_owned(), fault, wanted };
    let trimmed = text.trim();
    if let Some(rest) = trimmed.strip_prefix('-') {
        let number = rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
        return Err(fail(if number { UnitFault::Negative } else { UnitFault::NotANumber }));
    }
    let end = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'));
    let (number, unit) = trimmed.split_at(end.unwrap_or(trimmed.len()));
    let number = number.replace('_', "");
    let size = unit_size(unit.trim(), &number, wanted).map_err(fail)?;
    scale(&number, size).map_err(fail)
}

/// How much one of the unit is. Zero needs no unit, and bytes are understood.
fn unit_size(unit: &str, number: &str, wanted: Quantity) -> Result<u64, UnitFault> {
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(UnitFault::NotANumber);
    }
    if unit.is_empty() {
        let bare = wanted == Quantity::Size || number.bytes().all(|c| matches!(c, b'0' | b'.'));
        return if bare { Ok(1) } else { Err(UnitFault::NoUnit) };
    }
    let known = wanted.units().iter().find(|(name, _)| *name == unit);
    known.map(|&(_, size)| size).ok_or(UnitFault::UnknownUnit)
}

/// The decimal `number` times `size`, exactly.
fn scale(number: &str, size: u64) -> Result<u64, UnitFault> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let part = part.trim_end_matches('0');
    let digits = format!("{whole}{part}");
    if !digits.bytes().all(|c| c.is_ascii_digit()) {
        return Err(UnitFault::NotANumber);
    }
    let digits: u64 = digits.parse().map_err(|_| UnitFault::TooLarge)?;
    let power = u32::try_from(part.len()).ok().and_then(|places| 10_u128.checked_pow(places));
    let power = power.ok_or(UnitFault::TooFine)?;
    let product = u128::from(digits) * u128::from(size);
    if !product.is_multiple_of(power) {
        return Err(UnitFault::TooFine);
    }
    u64::try_from(product / power).map_err(|_| UnitFault::TooLarge)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("12ms", 12_000_000)]
    #[case("1.5s", 1_500_000_000)]
    #[case(" 2 min ", 120_000_000_000)]
    #[case("1h", 3_600_000_000_000)]
    #[case("0.001us", 1)]
    #[case("7µs", 7_000)]
    #[case("1_000ns", 1_000)]
    #[case("0", 0)]
    #[case("18446744073709551615ns", u64::MAX)]
    fn reads_durations_exactly(#[case] text: &str, #[case] nanos: u64) {
        assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)));
    }

    #[rstest]
    #[case("12", UnitFault::NoUnit)]
    #[case("-12ms", UnitFault::Negative)]
    #[case("- 1s", UnitFault::Negative)]
    #[case("-ms", UnitFault::NotANumber)]
    #[case("ms", UnitFault::NotANumber)]
    #[case("", UnitFault::NotANumber)]
    #[case("NaNs", UnitFault::NotANumber)]
    #[case("infs", UnitFault::NotANumber)]
    #[case(".5s", UnitFault::NotANumber)]
    #[case("1.2.3s", UnitFault::NotANumber)]
    #[case("12 fortnights", UnitFault::UnknownUnit)]
    #[case("1e3ms", UnitFault::UnknownUnit)]
    #[case("0.5ns", UnitFault::TooFine)]
    #[case("18446744073709551616ns", UnitFault::TooLarge)]
    #[case("6000000h", UnitFault::TooLarge)]
    fn says_what_is_wrong_with_a_duration(#[case] text: &str, #[case] fault: UnitFault) {
        assert_eq!(parse_duration(text).unwrap_err().fault, fault);
    }

    #[rstest]
    #[case("5Mbps", 5_000_000)]
    #[case("2.5 Mbit/s", 2_500_000)]
    #[case("64kbps", 64_000)]
    #[case("1Gbps", 1_000_000_000)]
    #[case("7bps", 7)]
    fn reads_rates(#[case] text: &str, #[case] rate: u64) {
        assert_eq!(parse_rate(text), Ok(rate));
    }

    #[rstest]
    #[case("64KiB", 65_536)]
    #[case("1.5kB", 1_500)]
    #[case("1500", 1_500)]
    #[case("1500B", 1_500)]
    fn reads_sizes(#[case] text: &str, #[case] bytes: u64) {
        assert_eq!(parse_bytes(text), Ok(bytes));
    }

    #[rstest]
    #[case("1%", Ok(0.01))]
    #[case("0.01", Ok(0.01))]
    #[case("100 %", Ok(1.0))]
    #[case("101%", Err(UnitFault::TooLarge))]
    #[case("-1%", Err(UnitFault::Negative))]
    #[case("NaN", Err(UnitFault::NotANumber))]
    #[case("inf", Err(UnitFault::NotANumber))]
    #[case("half", Err(UnitFault::NotANumber))]
    fn reads_fractions(#[case] text: &str, #[case] value: Result<f64, UnitFault>) {
        assert_eq!(parse_fraction(text).map_err(|error| error.fault), value);
    }

    #[rstest]
    #[case(0, "0s")]
    #[case(12_000_000, "12ms")]
    #[case(1_500_000_000, "1500ms")]
    #[case(3_600_000_000_000, "1h")]
    #[case(1_234_567, "1234567ns")]
    fn prints_what_it_reads(#[case] nanos: u64, #[case] text: &str) {
        let duration = Duration::from_nanos(nanos);
        assert_eq!(print_duration(duration), text);
        assert_eq!(parse_duration(text), Ok(duration));
    }

    #[test]
    fn prints_rates_and_sizes_that_can_be_read() {
        for value in [0, 1, 7, 999, 1_000, 1_024, 1_500_000, 65_536, u64::MAX] {
            assert_eq!(parse_rate(&print_rate(value)), Ok(value));
            assert_eq!(parse_bytes(&print_bytes(value)), Ok(value));
        }
    }
}
