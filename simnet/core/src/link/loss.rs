//! Loss that has nothing to do with queues.

use std::{fmt, sync::Arc, time::Duration};

use base::Instant;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::brief::{self, Brief};
use crate::{event::DropReason, random::Stream, units};

/// Loss on the wire.
///
/// In files: `"1%"` or `0.01` for independent loss, `"none"`, or a table such as
/// `{ gilbert-elliott = { p = 0.02, r = 0.1, h = 0.4, k = 0.99 } }`, `{ bursts = { rate = "1%", length = 3 } }`,
/// `{ markov = { p13 = 0.01, p31 = 0.3 } }`, `{ periodic = { every = 10 } }`,
/// `{ blackhole = { from = "5s", to = "8s" } }`, `{ trace = "1111011101" }`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Loss {
    /// Nothing is lost.
    #[default]
    None,
    /// Each packet is lost with the same probability, whatever happened to others: RFC 8868 §4.4.
    Bernoulli(f64),
    /// Packets are lost in bursts: the model of Gilbert and Elliott, a Markov chain of a good and a bad
    /// state that takes one step per packet.
    GilbertElliott {
        /// Probability to go from good to bad (`p`).
        to_bad: f64,
        /// Probability to go from bad to good (`r`).
        to_good: f64,
        /// Probability that a packet is lost in the bad state (1 − `h`).
        lost_in_bad: f64,
        /// Probability that a packet is lost in the good state (1 − `k`).
        lost_in_good: f64,
    },
    /// A Markov chain of four states that takes one step per packet: 1 receives, 2 receives within a
    /// burst, 3 loses within a burst, 4 loses one alone.
    Markov(Markov),
    /// Every so many packets one is lost.
    Periodic {
        /// From one lost packet to the next; at least 1.
        every: u64,
        /// The number of the first one that is lost, counted from 1; 0 for `every`.
        first: u64,
    },
    /// All packets in a span of time are lost.
    Blackhole {
        /// When it begins, since the beginning of the run.
        from: Duration,
        /// When it ends; that moment is not part of it.
        to: Duration,
    },
    /// Packets are lost as they were in a recording.
    Trace(LossTrace),
}

/// Probabilities of the chain of four states.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Markov {
    /// From 1 to 3: a burst begins.
    #[serde(with = "units::fraction")]
    pub p13: f64,
    /// From 3 to 1: it ends.
    #[serde(with = "units::fraction")]
    pub p31: f64,
    /// From 3 to 2: some are received within it.
    #[serde(default, with = "units::fraction")]
    pub p32: f64,
    /// From 2 to 3: they are lost again.
    #[serde(default = "one", with = "units::fraction")]
    pub p23: f64,
    /// From 1 to 4: a packet is lost alone.
    #[serde(default, with = "units::fraction")]
    pub p14: f64,
}

const fn one() -> f64 {
    1.0
}

/// A recorded pattern of loss that repeats: text of `1` for a packet that arrived and `0` for one that was
/// lost; spaces and line ends count for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct LossTrace(Arc<[bool]>);

impl LossTrace {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// If it is empty, or holds something else than `0` and `1`.
    pub fn parse(text: &str) -> Result<Self, BadLossTrace> {
        let lost = |c: char| match c {
            '0' => Ok(true),
            '1' => Ok(false),
            other => Err(BadLossTrace::Unknown(other)),
        };
        let marks = text.chars().filter(|c| !c.is_whitespace());
        let pattern: Vec<bool> = marks.map(lost).collect::<Result<_, _>>()?;
        if pattern.is_empty() { Err(BadLossTrace::Empty) } else { Ok(Self(pattern.into())) }
    }

    /// Whether the packet with this number, counted from 1, is lost.
    fn loses(&self, number: u64) -> bool {
        let at = number.saturating_sub(1) % (self.0.len() as u64).max(1);
        usize::try_from(at).ok().and_then(|at| self.0.get(at)).is_some_and(|&lost| lost)
    }
}

/// Why a text is no pattern of loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLossTrace {
    /// There is nothing in it.
    #[error("a loss trace holds at least one packet")]
    Empty,
    /// It holds something else.
    #[error(
        "a loss trace holds `1` for a packet that arrives and `0` for one that is lost, not `{0}`"
    )]
    Unknown(char),
}

impl TryFrom<String> for LossTrace {
    type Error = BadLossTrace;

    fn try_from(text: String) -> Result<Self, BadLossTrace> {
        Self::parse(&text)
    }
}

impl From<LossTrace> for String {
    fn from(trace: LossTrace) -> Self {
        trace.to_string()
    }
}

impl fmt::Display for LossTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&lost| f.write_str(if lost { "0" } else { "1" }))
    }
}

impl Loss {
    /// Loses the fraction `rate` of all packets, each on its own.
    #[must_use]
    pub const fn random(rate: f64) -> Self {
        Self::Bernoulli(rate)
    }

    /// Loses the fraction `rate` of all packets, in bursts that are `burst` packets long on average
    /// (at least 1): the Gilbert–Elliott model that loses everything while bad and nothing while good.
    #[must_use]
    pub fn bursts(rate: f64, burst: f64) -> Self {
        let to_good = 1.0 / burst;
        let to_bad = to_good * rate / (1.0 - rate);
        Self::GilbertElliott { to_bad, to_good, lost_in_bad: 1.0, lost_in_good: 0.0 }
    }

    /// Loses every packet whose number is a multiple of `every`, counted from 1.
    #[must_use]
    pub const fn every(every: u64) -> Self {
        Self::Periodic { every, first: 0 }
    }

    pub(super) fn complaint(&self) -> Option<&'static str> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let fits = match self {
            Self::None | Self::Trace(_) => true,
            Self::Bernoulli(rate) => share(*rate),
            Self::GilbertElliott { to_bad, to_good, lost_in_bad, lost_in_good } => {
                [to_bad, to_good, lost_in_bad, lost_in_good].into_iter().all(|&value| share(value))
            }
            Self::Markov(chain) => {
                let Markov { p13, p31, p32, p23, p14 } = *chain;
                [p13, p31, p32, p23, p14, p13 + p14, p31 + p32].into_iter().all(share)
            }
            Self::Periodic { every, .. } => {
                return (*every == 0).then_some("periodic loss needs a period of at least 1");
            }
            Self::Blackhole { from, to } => {
                return (to <= from).then_some("a black hole ends after it begins");
            }
        };
        (!fits).then_some("a probability lies between 0 and 1")
    }
}

/// The long forms.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Table {
    #[serde(with = "units::fraction")]
    Bernoulli(f64),
    GilbertElliott(GilbertElliott),
    Bursts {
        #[serde(with = "units::fraction")]
        rate: f64,
        length: f64,
    },
    Markov(Markov),
    Periodic {
        every: u64,
        #[serde(default)]
        first: u64,
    },
    Blackhole {
        #[serde(with = "units::duration")]
        from: Duration,
        #[serde(with = "units::duration")]
        to: Duration,
    },
    Trace(LossTrace),
}

/// The chain as the literature writes it, with `h` and `k`, or with their complements.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GilbertElliott {
    #[serde(with = "units::fraction")]
    p: f64,
    #[serde(with = "units::fraction")]
    r: f64,
    #[serde(default, with = "units::option_fraction", skip_serializing_if = "Option::is_none")]
    h: Option<f64>,
    #[serde(default, with = "units::option_fraction", skip_serializing_if = "Option::is_none")]
    k: Option<f64>,
    #[serde(default, with = "units::option_fraction", skip_serializing_if = "Option::is_none")]
    lost_in_bad: Option<f64>,
    #[serde(default, with = "units::option_fraction", skip_serializing_if = "Option::is_none")]
    lost_in_good: Option<f64>,
}

impl Brief for Loss {
    type Long = Table;

    const ALLOWED: &'static str = "loss is a fraction such as \"1%\", \"none\", or a table of one of \
                                   bernoulli, gilbert-elliott, bursts, markov, periodic, blackhole, \
                                   trace";

    fn from_text(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        units::parse_fraction(text).map(Self::Bernoulli).map_err(|error| error.to_string())
    }

    fn from_number(number: f64) -> Result<Self, String> {
        Self::from_text(&number.to_string())
    }

    fn from_long(long: Table) -> Self {
        match long {
            Table::Bernoulli(rate) => Self::Bernoulli(rate),
            Table::GilbertElliott(chain) => Self::GilbertElliott {
                to_bad: chain.p,
                to_good: chain.r,
                lost_in_bad: chain.lost_in_bad.or_else(|| chain.h.map(|h| 1.0 - h)).unwrap_or(1.0),
                lost_in_good: chain
                    .lost_in_good
                    .or_else(|| chain.k.map(|k| 1.0 - k))
                    .unwrap_or(0.0),
            },
            Table::Bursts { rate, length } => Self::bursts(rate, length),
            Table::Markov(chain) => Self::Markov(chain),
            Table::Periodic { every, first } => Self::Periodic { every, first },
            Table::Blackhole { from, to } => Self::Blackhole { from, to },
            Table::Trace(trace) => Self::Trace(trace),
        }
    }
}

impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        brief::read(deserializer)
    }
}

impl Serialize for Loss {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let table = match self.clone() {
            Self::None => return to.serialize_str("none"),
            Self::Bernoulli(rate) => return to.serialize_f64(rate),
            Self::GilbertElliott { to_bad, to_good, lost_in_bad, lost_in_good } => {
                Table::GilbertElliott(GilbertElliott {
                    p: to_bad,
                    r: to_good,
                    h: None,
                    k: None,
                    lost_in_bad: Some(lost_in_bad),
                    lost_in_good: Some(lost_in_good),
                })
            }
            Self::Markov(chain) => Table::Markov(chain),
            Self::Periodic { every, first } => Table::Periodic { every, first },
            Self::Blackhole { from, to } => Table::Blackhole { from, to },
            Self::Trace(trace) => Table::Trace(trace),
        };
        table.serialize(to)
    }
}

/// Where the chains are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chain {
    /// Whether that of two states is in the bad one.
    bad: bool,
    /// Where that of four states is.
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Receiving,
    ReceivingInBurst,
    LosingInBurst,
    LosingAlone,
}

impl Chain {
    /// Why the packet with this number is lost, if it is.
    pub(super) fn step(
        &mut self,
        loss: &Loss,
        number: u64,
        now: Instant,
        dice: &mut Stream,
    ) -> Option<DropReason> {
        let lost = match loss {
            Loss::None => false,
            Loss::Bernoulli(probability) => dice.chance(*probability),
            Loss::GilbertElliott { to_bad, to_good, lost_in_bad, lost_in_good } => {
                let turn = dice.chance(if self.bad { *to_good } else { *to_bad });
                self.bad ^= turn;
                dice.chance(if self.bad { *lost_in_bad } else { *lost_in_good })
            }
            Loss::Markov(chain) => {
                self.state = self.state.step(chain, dice.unit());
                matches!(self.state, State::LosingInBurst | State::LosingAlone)
            }
            Loss::Periodic { every, first } => {
                let first = if *first == 0 { *every } else { *first };
                number.checked_sub(first).is_some_and(|since| since.is_multiple_of(*every))
            }
            Loss::Blackhole { from, to } => {
                let inside = (*from..*to).contains(&now.elapsed());
                return inside.then_some(DropReason::LinkBlackhole);
            }
            Loss::Trace(trace) => trace.loses(number),
        };
        lost.then_some(DropReason::LinkLoss)
    }
}

impl State {
    fn step(self, chain: &Markov, dice: f64) -> Self {
        match self {
            Self::Receiving if dice < chain.p14 => Self::LosingAlone,
            Self::Receiving if dice < chain.p14 + chain.p13 => Self::LosingInBurst,
            Self::ReceivingInBurst if dice < chain.p23 => Self::LosingInBurst,
            Self::LosingInBurst if dice < chain.p32 => Self::ReceivingInBurst,
            Self::LosingInBurst if dice < chain.p32 + chain.p31 => Self::Receiving,
            Self::LosingAlone => Self::Receiving,
            same => same,
        }
    }
}
