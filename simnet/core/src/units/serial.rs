//! Quantities in files: a module for each, to be named in `#[serde(with = ..)]`.

use std::{fmt, marker::PhantomData};

use serde::{Deserializer, de};

use super::{Quantity, UnitError, UnitFault, check_fraction};

/// A value that can be read from text, and perhaps from a plain number.
trait Readable: Sized {
    const WANTED: Quantity;

    fn from_text(text: &str) -> Result<Self, UnitError>;

    fn from_whole(number: u64) -> Result<Self, UnitFault>;

    fn from_real(_: f64) -> Result<Self, UnitFault> {
        Err(UnitFault::NoUnit)
    }
}

struct Reader<T>(PhantomData<T>);

impl<T: Readable> Reader<T> {
    fn refuse<E: de::Error>(text: impl ToString, fault: UnitFault) -> E {
        E::custom(UnitError { text: text.to_string(), fault, wanted: T::WANTED })
    }
}

impl<T: Readable> de::Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a quantity: {}", T::WANTED.allowed())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        T::from_whole(number).map_err(|fault| Self::refuse(number, fault))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        let whole = u64::try_from(number).map_err(|_| UnitFault::Negative);
        whole.and_then(T::from_whole).map_err(|fault| Self::refuse(number, fault))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        T::from_real(number).map_err(|fault| Self::refuse(number, fault))
    }
}

fn read<'de, D: Deserializer<'de>, T: Readable>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Reader(PhantomData))
}

/// Zero needs no unit.
const fn zero_only(number: u64) -> Result<u64, UnitFault> {
    if number == 0 { Ok(0) } else { Err(UnitFault::NoUnit) }
}

#[expect(clippy::cast_precision_loss, reason = "only 0 and 1 are let through")]
fn whole_fraction(number: u64) -> Result<f64, UnitFault> {
    check_fraction(number as f64)
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $(#[$option_doc:meta])* $option:ident, $wrapper:ident($value:ty),
     $wanted:ident, $parse:ident, |$whole:ident| $from_whole:expr, |$real:ident| $from_real:expr,
     |$out:ident, $serializer:ident| $write:expr) => {
        #[derive(Clone, Copy)]
        struct $wrapper($value);

        impl Readable for $wrapper {
            const WANTED: Quantity = Quantity::$wanted;

            fn from_text(text: &str) -> Result<Self, UnitError> {
                super::$parse(text).map(Self)
            }

            fn from_whole($whole: u64) -> Result<Self, UnitFault> {
                $from_whole.map(Self)
            }

            fn from_real($real: f64) -> Result<Self, UnitFault> {
                $from_real.map(Self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $wrapper {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read(deserializer)
            }
        }

        impl serde::Serialize for $wrapper {
            fn serialize<S: serde::Serializer>(&self, $serializer: S) -> Result<S::Ok, S::Error> {
                let $out = self.0;
                $write
            }
        }

        $(#[$doc])*
        pub mod $name {
            use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

            use super::*;

            /// Writes it.
            ///
            /// # Errors
            ///
            /// Those of the serializer.
            pub fn serialize<S: Serializer>(value: &$value, to: S) -> Result<S::Ok, S::Error> {
                $wrapper(*value).serialize(to)
            }

            /// Reads it.
            ///
            /// # Errors
            ///
            /// With what is allowed, if it is something else.
            pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$value, D::Error> {
                $wrapper::deserialize(from).map(|read| read.0)
            }
        }

        $(#[$option_doc])*
        pub mod $option {
            use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

            use super::*;

            /// Writes it, or nothing.
            ///
            /// # Errors
            ///
            /// Those of the serializer.
            pub fn serialize<S: Serializer>(value: &Option<$value>, to: S) -> Result<S::Ok, S::Error> {
                value.map($wrapper).serialize(to)
            }

            /// Reads it, if it is there.
            ///
            /// # Errors
            ///
            /// With what is allowed, if it is something else.
            pub fn deserialize<'de, D: Deserializer<'de>>(
                from: D,
            ) -> Result<Option<$value>, D::Error> {
                Option::<$wrapper>::deserialize(from).map(|read| read.map(|read| read.0))
            }
        }
    };
}

quantity!(
    /// A [`Duration`](std::time::Duration) as `"12ms"`.
    duration,
    /// A duration that may be absent; name `default` beside it.
    option_duration,
    Time(std::time::Duration),
    Duration,
    parse_duration,
    |number| zero_only(number).map(std::time::Duration::from_nanos),
    |_number| Err(UnitFault::NoUnit),
    |value, to| to.serialize_str(&super::print_duration(value))
);

quantity!(
    /// Bits per second as `"5Mbps"`.
    rate,
    /// A rate that may be absent; name `default` beside it.
    option_rate,
    Rate(u64),
    Rate,
    parse_rate,
    |number| zero_only(number),
    |_number| Err(UnitFault::NoUnit),
    |value, to| to.serialize_str(&super::print_rate(value))
);

quantity!(
    /// Bytes as `"64KiB"` or `1500`.
    bytes,
    /// A size that may be absent; name `default` beside it.
    option_bytes,
    Size(u64),
    Size,
    parse_bytes,
    |number| Ok::<u64, UnitFault>(number),
    |_number| Err(UnitFault::TooFine),
    |value, to| to.serialize_str(&super::print_bytes(value))
);

quantity!(
    /// A share or probability as `"1%"` or `0.01`.
    fraction,
    /// A fraction that may be absent; name `default` beside it.
    option_fraction,
    Fraction(f64),
    Fraction,
    parse_fraction,
    |number| whole_fraction(number),
    |number| check_fraction(number),
    |value, to| to.serialize_f64(value)
);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Sample {
        #[serde(with = "super::duration")]
        delay: Duration,
        #[serde(default, with = "super::option_rate")]
        rate: Option<u64>,
        #[serde(with = "super::bytes")]
        size: u64,
        #[serde(with = "super::fraction")]
        loss: f64,
        #[serde(default, with = "super::option_duration")]
        wait: Option<Duration>,
    }

    const SAMPLE: &str = r#"{"delay":"12ms","rate":"5Mbps","size":1500,"loss":"1%"}"#;

    #[test]
    fn reads_and_writes_the_same() {
        let sample: Sample = serde_json::from_str(SAMPLE).unwrap();
        let expected = Sample {
            delay: Duration::from_millis(12),
            rate: Some(5_000_000),
            size: 1_500,
            loss: 0.01,
            wait: None,
        };
        assert_eq!(sample, expected);
        let text = serde_json::to_string(&sample).unwrap();
        assert_eq!(
            text,
            r#"{"delay":"12ms","rate":"5Mbps","size":"1500B","loss":0.01,"wait":null}"#
        );
        assert_eq!(serde_json::from_str::<Sample>(&text).unwrap(), expected);
    }

    #[rstest]
    #[case(
        r#""12ms""#,
        "12",
        "`12` has no unit: a duration is a number of ns, us, ms, s, min or h"
    )]
    #[case(r#""12ms""#, "-3", "`-3` is negative: a duration is")]
    #[case(r#""12ms""#, "0.5", "`0.5` has no unit: a duration is")]
    #[case(r#""5Mbps""#, r#""-5Mbps""#, "`-5Mbps` is negative: a rate is")]
    #[case("1500", "-1", "`-1` is negative: a size is")]
    #[case(r#""1%""#, "1.5", "`1.5` is too large: a fraction is a number from 0 to 1")]
    #[case(r#""1%""#, "-0.1", "`-0.1` is negative: a fraction is")]
    #[case(r#""1%""#, "[]", "expected a quantity: a fraction is a number from 0 to 1")]
    fn refuses_with_what_is_allowed(#[case] good: &str, #[case] bad: &str, #[case] words: &str) {
        let text = SAMPLE.replace(good, bad);
        let error = serde_json::from_str::<Sample>(&text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
