//! How values that have no form of their own are written in files.

/// A range of ports: `"1024-65535"`, or one port as a number.
pub(super) mod range {
    use std::ops::RangeInclusive;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(u16),
        Range(String),
    }

    pub(in crate::nat::config) fn serialize<S: Serializer>(
        range: &RangeInclusive<u16>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}-{}", range.start(), range.end()))
    }

    pub(in crate::nat::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<RangeInclusive<u16>, D::Error> {
        let text = match Written::deserialize(deserializer)? {
            Written::One(port) => return Ok(port..=port),
            Written::Range(text) => text,
        };
        let ends = text
            .split_once('-')
            .and_then(|(low, high)| Some((low.trim().parse().ok()?, high.trim().parse().ok()?)));
        let (low, high): (u16, u16) = ends.ok_or_else(|| refuse(&text))?;
        if low > high { Err(refuse(&text)) } else { Ok(low..=high) }
    }

    fn refuse<E: Error>(text: &str) -> E {
        E::custom(format!(
            "`{text}` is not a range of ports: two numbers from 0 to 65535, the lower one first, \
             such as \"1024-65535\""
        ))
    }
}

/// A point in time, as what has passed since the beginning: `"90s"`.
pub(super) mod moment {
    use base::Instant;
    use serde::{Deserializer, Serializer};

    use crate::units;

    pub(in crate::nat::config) fn serialize<S: Serializer>(
        at: &Instant,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        units::duration::serialize(&at.elapsed(), serializer)
    }

    pub(in crate::nat::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Instant, D::Error> {
        units::duration::deserialize(deserializer).map(|elapsed| Instant::ZERO + elapsed)
    }
}

/// Durations by port, as a table: `{ 53 = "10s" }`.
pub(super) mod by_port {
    use std::{collections::BTreeMap, time::Duration};

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::units;

    #[derive(Serialize, Deserialize)]
    struct Time(#[serde(with = "units::duration")] Duration);

    pub(in crate::nat::config) fn serialize<S: Serializer>(
        times: &[(u16, Duration)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(times.iter().map(|(port, time)| (port.to_string(), Time(*time))))
    }

    pub(in crate::nat::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(u16, Duration)>, D::Error> {
        let written: BTreeMap<String, Time> = Deserialize::deserialize(deserializer)?;
        let mut times = Vec::with_capacity(written.len());
        for (port, Time(time)) in written {
            let number = port.parse();
            times.push((
                number.map_err(|_| D::Error::custom(format!("`{port}` is no port")))?,
                time,
            ));
        }
        times.sort_unstable();
        Ok(times)
    }
}

/// A value that is written as it prints.
pub(super) mod text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::nat::config) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in crate::nat::config) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Points in time: `["60s", "2min"]`.
pub(super) mod moments {
    use base::Instant;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Moment(#[serde(with = "super::moment")] Instant);

    pub(in crate::nat::config) fn serialize<S: Serializer>(
        moments: &[Instant],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(moments.iter().copied().map(Moment))
    }

    pub(in crate::nat::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Instant>, D::Error> {
        let mut moments: Vec<_> =
            Vec::<Moment>::deserialize(deserializer)?.into_iter().map(|Moment(at)| at).collect();
        moments.sort_unstable();
        Ok(moments)
    }
}
