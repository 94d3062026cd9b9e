//! What waits before a link, in which order it leaves, and what is dropped or marked.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod codel;
mod discipline;
mod dualpi2;
mod fifo;
mod flows;
mod limit;
mod pie;
mod priority;
mod red;

pub(crate) use discipline::{Admission, Discipline, Refuse};
pub(crate) use fifo::Item;
pub use limit::QueueLimit;
pub(super) use limit::Room;

use super::{
    brief::{self, Brief},
    timeline::{SHORTEST_PERIOD, TOO_SHORT},
};
use crate::units;

/// The queue before a link.
///
/// In files: a limit such as `"300ms"` for a drop-tail queue, the name of a kind such as `"fq-codel"`, or a
/// table of its parameters such as `{ codel = { target = "15ms" } }`.
#[derive(Clone, Debug, PartialEq)]
pub enum Queue {
    /// First in, first out; what finds no room is dropped.
    DropTail(QueueLimit),
    /// First in, first out; what is oldest makes room for what comes.
    DropHead(QueueLimit),
    /// Controlled delay: RFC 8289.
    Codel(Box<Codel>),
    /// A queue for each flow with controlled delay: RFC 8290.
    FqCodel(Box<FqCodel>),
    /// A queue for each flow, without further control.
    Fq(Box<Fq>),
    /// A controller that drops at random: RFC 8033.
    Pie(Box<Pie>),
    /// Two coupled queues, one of low latency: RFC 9332.
    DualPi2(Box<DualPi2>),
    /// Random early detection of a long average queue.
    Red(Box<Red>),
    /// Classes by DSCP, the first served before all others.
    Priority(Box<Priority>),
}

/// The long forms.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Table {
    #[serde(rename = "droptail")]
    DropTail(QueueLimit),
    #[serde(rename = "drophead")]
    DropHead(QueueLimit),
    Codel(Box<Codel>),
    FqCodel(Box<FqCodel>),
    Fq(Box<Fq>),
    Pie(Box<Pie>),
    #[serde(rename = "dualpi2")]
    DualPi2(Box<DualPi2>),
    Red(Box<Red>),
    Priority(Box<Priority>),
}

impl Queue {
    /// CoDel as RFC 8289 §4 recommends it for the Internet.
    #[must_use]
    pub fn codel() -> Self {
        Self::Codel(Box::default())
    }

    /// FQ-CoDel with the defaults of RFC 8290 §5.2.
    #[must_use]
    pub fn fq_codel() -> Self {
        Self::FqCodel(Box::default())
    }

    /// PIE with the defaults of RFC 8033 §4.
    #[must_use]
    pub fn pie() -> Self {
        Self::Pie(Box::default())
    }

    /// DualPI2 with the defaults of RFC 9332 §A.1.
    #[must_use]
    pub fn dualpi2() -> Self {
        Self::DualPi2(Box::default())
    }

    pub(super) fn complaint(&self) -> Option<&'static str> {
        let times = |times: &[Duration]| {
            times
                .iter()
                .any(Duration::is_zero)
                .then_some("the times of a queue discipline are more than 0")
        };
        match self {
            Self::Pie(pie) if pie.update < SHORTEST_PERIOD => Some(TOO_SHORT),
            Self::DualPi2(dual) if dual.update < SHORTEST_PERIOD => Some(TOO_SHORT),
            Self::DropTail(_) | Self::DropHead(_) | Self::Priority(_) => None,
            Self::Codel(codel) => times(&[codel.target, codel.interval]),
            Self::FqCodel(fq) if !(1..=MAX_FLOWS).contains(&fq.flows) || fq.quantum == 0 => {
                Some(FLOWS)
            }
            Self::FqCodel(fq) => times(&[fq.target, fq.interval]),
            Self::Fq(fq) => {
                (!(1..=MAX_FLOWS).contains(&fq.flows) || fq.quantum == 0).then_some(FLOWS)
            }
            Self::Pie(pie) => times(&[pie.target, pie.update]),
            Self::DualPi2(dual) if !(dual.coupling.is_finite() && dual.coupling >= 0.0) => {
                Some("the coupling of DualPI2 is a number that is not negative")
            }
            Self::DualPi2(dual) => times(&[dual.target, dual.update, dual.rtt_max]),
            Self::Red(red) => red.complaint(),
        }
    }
}

const FLOWS: &str = "flow queueing needs 1 to 65536 flows and a quantum of at least one byte";
/// Queues that flows may be told apart by: each costs memory whether it is used or not.
const MAX_FLOWS: u32 = 65_536;

impl Default for Queue {
    fn default() -> Self {
        Self::DropTail(QueueLimit::Unlimited)
    }
}

impl From<QueueLimit> for Queue {
    fn from(limit: QueueLimit) -> Self {
        Self::DropTail(limit)
    }
}

macro_rules! boxed {
    ($($name:ident => $variant:ident),*) => {$(
        impl From<$name> for Queue {
            fn from(parameters: $name) -> Self {
                Self::$variant(Box::new(parameters))
            }
        }
    )*};
}

boxed!(Codel => Codel, FqCodel => FqCodel, Fq => Fq, Pie => Pie, DualPi2 => DualPi2, Red => Red,
       Priority => Priority);

impl Brief for Queue {
    type Long = Table;

    const ALLOWED: &'static str = "a queue is a limit such as \"300ms\", one of \"codel\", \"fq-codel\", \
                                   \"fq\", \"pie\", \"dualpi2\", \"red\", or a table of one of these or \
                                   of droptail, drophead, priority";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(match text {
            "codel" => Self::codel(),
            "fq-codel" => Self::fq_codel(),
            "fq" => Self::Fq(Box::default()),
            "pie" => Self::pie(),
            "dualpi2" => Self::dualpi2(),
            "red" => Self::Red(Box::default()),
            limit => Self::DropTail(
                QueueLimit::parse(limit).map_err(|error| format!("{error}; {}", Self::ALLOWED))?,
            ),
        })
    }

    fn from_long(long: Table) -> Self {
        match long {
            Table::DropTail(limit) => Self::DropTail(limit),
            Table::DropHead(limit) => Self::DropHead(limit),
            Table::Codel(codel) => Self::Codel(codel),
            Table::FqCodel(fq) => Self::FqCodel(fq),
            Table::Fq(fq) => Self::Fq(fq),
            Table::Pie(pie) => Self::Pie(pie),
            Table::DualPi2(dual) => Self::DualPi2(dual),
            Table::Red(red) => Self::Red(red),
            Table::Priority(priority) => Self::Priority(priority),
        }
    }
}

impl<'de> Deserialize<'de> for Queue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        brief::read(deserializer)
    }
}

impl Serialize for Queue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let table = match self.clone() {
            Self::DropTail(limit) => Table::DropTail(limit),
            Self::DropHead(limit) => Table::DropHead(limit),
            Self::Codel(codel) => Table::Codel(codel),
            Self::FqCodel(fq) => Table::FqCodel(fq),
            Self::Fq(fq) => Table::Fq(fq),
            Self::Pie(pie) => Table::Pie(pie),
            Self::DualPi2(dual) => Table::DualPi2(dual),
            Self::Red(red) => Table::Red(red),
            Self::Priority(priority) => Table::Priority(priority),
        };
        table.serialize(to)
    }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Parameters of CoDel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Codel {
    /// Waiting that is accepted: RFC 8289 §4.3, 5 ms.
    #[serde(with = "units::duration")]
    pub target: Duration,
    /// For how long it may be exceeded, about the longest usual round trip: RFC 8289 §4.2, 100 ms.
    #[serde(with = "units::duration")]
    pub interval: Duration,
    /// Nothing is dropped while no more than these bytes wait: the MTU of the link (RFC 8289 §5.3).
    #[serde(with = "units::bytes")]
    pub mtu: u64,
    /// Whether packets that know ECN are marked instead of dropped.
    pub ecn: bool,
    /// Waiting from which packets that know ECN are marked besides (RFC 8290 §5.2.7); never if absent.
    #[serde(with = "units::option_duration", skip_serializing_if = "Option::is_none")]
    pub ce_threshold: Option<Duration>,
    /// What may wait at all.
    pub limit: QueueLimit,
}

impl Default for Codel {
    fn default() -> Self {
        Self {
            target: ms(5),
            interval: ms(100),
            mtu: 1_500,
            ecn: false,
            ce_threshold: None,
            limit: QueueLimit::Packets(1_000),
        }
    }
}

/// Parameters of FQ-CoDel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct FqCodel {
    /// Waiting that is accepted in each queue: RFC 8290 §5.2.2, 5 ms.
    #[serde(with = "units::duration")]
    pub target: Duration,
    /// For how long it may be exceeded: RFC 8290 §5.2.1, 100 ms.
    #[serde(with = "units::duration")]
    pub interval: Duration,
    /// Packets that may wait in all queues together: RFC 8290 §5.2.3, 10,240.
    pub limit: u32,
    /// Bytes a queue may send in its turn: RFC 8290 §5.2.4, 1,514.
    #[serde(with = "units::bytes")]
    pub quantum: u64,
    /// Queues: RFC 8290 §5.2.5, 1,024.
    pub flows: u32,
    /// Nothing is dropped while no more than these bytes wait in a queue.
    #[serde(with = "units::bytes")]
    pub mtu: u64,
    /// Whether packets that know ECN are marked instead of dropped: RFC 8290 §5.2.6, yes.
    pub ecn: bool,
    /// Waiting from which packets that know ECN are marked besides (RFC 8290 §5.2.7); never if absent.
    #[serde(with = "units::option_duration", skip_serializing_if = "Option::is_none")]
    pub ce_threshold: Option<Duration>,
}

impl Default for FqCodel {
    fn default() -> Self {
        Self {
            target: ms(5),
            interval: ms(100),
            limit: 10_240,
            quantum: 1_514,
            flows: 1_024,
            mtu: 1_500,
            ecn: true,
            ce_threshold: None,
        }
    }
}

/// Parameters of flow queueing without control.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Fq {
    /// Packets that may wait in all queues together.
    pub limit: u32,
    /// Bytes a queue may send in its turn.
    #[serde(with = "units::bytes")]
    pub quantum: u64,
    /// Queues.
    pub flows: u32,
}

impl Default for Fq {
    fn default() -> Self {
        Self { limit: 10_240, quantum: 1_514, flows: 1_024 }
    }
}

/// Parameters of PIE.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Pie {
    /// Waiting that is aimed at: RFC 8033 §4.2, 15 ms.
    #[serde(with = "units::duration")]
    pub target: Duration,
    /// Time from one adjustment to the next: RFC 8033 §4.2, 15 ms.
    #[serde(with = "units::duration")]
    pub update: Duration,
    /// How long a burst is spared: RFC 8033 §4.4, 150 ms.
    #[serde(with = "units::duration")]
    pub burst: Duration,
    /// Whether packets that know ECN are marked instead of dropped (RFC 8033 §5.1).
    pub ecn: bool,
    /// Probability from which they are dropped all the same, in percent: RFC 8033 §5.1, 10.
    pub ecn_percent: u32,
    /// Whether a step up is limited to 2 % at high probabilities (RFC 8033 §5.5).
    pub cap: bool,
    /// What may wait at all.
    pub limit: QueueLimit,
}

impl Default for Pie {
    fn default() -> Self {
        Self {
            target: ms(15),
            update: ms(15),
            burst: ms(150),
            ecn: false,
            ecn_percent: 10,
            cap: true,
            limit: QueueLimit::Packets(1_000),
        }
    }
}

/// Parameters of DualPI2.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct DualPi2 {
    /// Waiting that is aimed at in the classic queue: RFC 9332 §A.1, 15 ms.
    #[serde(with = "units::duration")]
    pub target: Duration,
    /// Time from one adjustment to the next: 16 ms, the default that RFC 9332 §A.1 verifies.
    #[serde(with = "units::duration")]
    pub update: Duration,
    /// The longest usual round trip, from which the gains follow: RFC 9332 §A.1, 100 ms.
    #[serde(with = "units::duration")]
    pub rtt_max: Duration,
    /// How much more often L4S packets are marked: RFC 9332 §A.1, 2.
    pub coupling: f64,
    /// Waiting from which L4S packets are marked: RFC 9332 §A.1, 800 µs.
    #[serde(with = "units::duration")]
    pub threshold: Duration,
    /// From there to where all are marked: RFC 9332 §A.1, 400 µs; zero for a step.
    #[serde(with = "units::duration")]
    pub range: Duration,
    /// Who is served when packets wait in both queues.
    pub scheduler: DualScheduler,
    /// What may wait in both queues together.
    pub limit: QueueLimit,
}

impl Default for DualPi2 {
    fn default() -> Self {
        Self {
            target: ms(15),
            update: ms(16),
            rtt_max: ms(100),
            coupling: 2.0,
            threshold: Duration::from_micros(800),
            range: Duration::from_micros(400),
            scheduler: DualScheduler::default(),
            // RFC 9332 §A.1: the rate times 250 ms.
            limit: QueueLimit::Time(ms(250)),
        }
    }
}

/// Which of two coupled queues is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DualScheduler {
    /// Weighted round robin: of so many bytes, one is for the classic queue (RFC 9332 §A.2 recommends a
    /// weight such as 1/16).
    Weighted(u32),
    /// The packet that has waited longest, where L4S packets count as older by this time.
    TimeShifted(#[serde(with = "units::duration")] Duration),
}

impl Default for DualScheduler {
    fn default() -> Self {
        Self::Weighted(16)
    }
}

/// Parameters of RED: the average queue is compared with two thresholds.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Red {
    /// Bytes on average up to which nothing is dropped.
    #[serde(with = "units::bytes")]
    pub min: u64,
    /// Bytes on average at which the probability is `probability`; from there it climbs to 1 at twice as
    /// many.
    #[serde(with = "units::bytes")]
    pub max: u64,
    /// The probability there.
    #[serde(with = "units::fraction")]
    pub probability: f64,
    /// Weight of the present queue in the average.
    #[serde(with = "units::fraction")]
    pub weight: f64,
    /// Whether packets that know ECN are marked instead of dropped.
    pub ecn: bool,
    /// What may wait at all.
    pub limit: QueueLimit,
}

impl Default for Red {
    fn default() -> Self {
        Self {
            min: 30_000,
            max: 90_000,
            probability: 0.1,
            weight: 0.002,
            ecn: false,
            limit: QueueLimit::Bytes(400_000),
        }
    }
}

impl Red {
    fn complaint(&self) -> Option<&'static str> {
        if self.max <= self.min {
            return Some("the upper threshold of RED lies above the lower one");
        }
        let share = |value: f64| value > 0.0 && value <= 1.0;
        let fits = share(self.probability) && share(self.weight);
        (!fits).then_some("probability and weight of RED lie between 0 and 1")
    }
}

/// Classes by DSCP (RFC 8837 §5 says which WebRTC uses).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Priority {
    /// The code points of each class, the most important first; all others form a last one.
    pub bands: Vec<Vec<u8>>,
    /// What may wait in each class.
    pub limit: QueueLimit,
}
