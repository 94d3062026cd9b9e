//! Values that a file may hold in a short form, as text or a number, or in a long one, as a table.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, value::MapAccessDeserializer},
};

/// A value with a short and a long form.
pub(super) trait Brief: Sized {
    /// The long form.
    type Long: for<'de> Deserialize<'de>;
    /// What may be written, for people.
    const ALLOWED: &'static str;

    fn from_text(text: &str) -> Result<Self, String>;

    fn from_number(number: f64) -> Result<Self, String> {
        Err(format!("`{number}` is not enough: {}", Self::ALLOWED))
    }

    fn from_long(long: Self::Long) -> Self;
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Brief> de::Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::ALLOWED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).map_err(E::custom)
    }

    #[expect(clippy::cast_precision_loss, reason = "a number this large is refused anyway")]
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        T::from_number(number as f64).map_err(E::custom)
    }

    #[expect(clippy::cast_precision_loss, reason = "a number this large is refused anyway")]
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        T::from_number(number as f64).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        T::from_number(number).map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::Long::deserialize(MapAccessDeserializer::new(map)).map(T::from_long)
    }
}

/// Reads either form.
pub(super) fn read<'de, T: Brief, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Reader(PhantomData))
}
