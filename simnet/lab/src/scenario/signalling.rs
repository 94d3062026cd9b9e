//! How long what peers tell each other takes: the part of connecting that no packet shows.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Delays of the way by which peers exchange candidates. It loses nothing and keeps the order.
///
/// In TOML each direction is a key: `alice-to-bob = "20ms"`; `delay` is for all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signalling {
    /// For directions that are not named.
    pub delay: Duration,
    /// By direction, written `alice-to-bob`.
    pub directions: BTreeMap<String, Duration>,
}

/// A way through one server in the same part of the world and back.
const DEFAULT_DELAY: Duration = Duration::from_millis(50);

impl Default for Signalling {
    fn default() -> Self {
        Self { delay: DEFAULT_DELAY, directions: BTreeMap::new() }
    }
}

impl Signalling {
    /// The same delay for all.
    #[must_use]
    pub const fn delayed(delay: Duration) -> Self {
        Self { delay, directions: BTreeMap::new() }
    }

    /// With another delay in one direction.
    #[must_use]
    pub fn with(mut self, from: &str, to: &str, delay: Duration) -> Self {
        self.directions.insert(direction(from, to), delay);
        self
    }

    /// The delay from one host to another.
    #[must_use]
    pub fn between(&self, from: &str, to: &str) -> Duration {
        self.directions.get(&direction(from, to)).copied().unwrap_or(self.delay)
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How a direction is written.
pub(crate) fn direction(from: &str, to: &str) -> String {
    format!("{from}-to-{to}")
}

/// A duration that reads itself.
#[derive(Serialize, Deserialize)]
struct Delay(#[serde(with = "simnet::units::duration")] Duration);

impl Serialize for Signalling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = [("delay".to_owned(), Delay(self.delay))];
        let named = self.directions.iter().map(|(name, delay)| (name.clone(), Delay(*delay)));
        serializer.collect_map(own.into_iter().chain(named))
    }
}

impl<'de> Deserialize<'de> for Signalling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = BTreeMap::<String, Delay>::deserialize(deserializer)?;
        let mut directions: BTreeMap<_, _> =
            all.into_iter().map(|(name, delay)| (name, delay.0)).collect();
        let delay = directions.remove("delay").unwrap_or(DEFAULT_DELAY);
        Ok(Self { delay, directions })
    }
}
