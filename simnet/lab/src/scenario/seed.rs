//! Seeds: whole numbers, of which TOML can write half; the others are written as text.

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

pub(super) fn serialize<S: Serializer>(seed: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    match i64::try_from(*seed) {
        Ok(number) => serializer.serialize_i64(number),
        Err(_) => serializer.serialize_str(&seed.to_string()),
    }
}

/// A seed as it is read.
pub(super) struct Seed(pub(super) u64);

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(i64),
            Text(String),
        }
        let wrong = || D::Error::custom("a seed is a whole number from 0 to 2^64-1");
        let written = Written::deserialize(deserializer).map_err(|_| wrong())?;
        let seed = match written {
            Written::Number(number) => u64::try_from(number).ok(),
            Written::Text(text) => text.parse().ok(),
        };
        seed.map(Self).ok_or_else(wrong)
    }
}
