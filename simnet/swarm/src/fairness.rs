//! Fairness: how associations share a bottleneck with TCP and with each other.
//!
//! Flows that always have more to send meet at one bottleneck of [`RATE`], each between hosts of its own,
//! for a minute from when the last of them has begun. What counts is [Jain's index](Figure::jain) over what
//! arrived: 1 if all got the same, and one part in the number of flows if one got everything. Beside it
//! stand the queue that everybody waited in, and what TCP alone makes of the same path.
//!
//! | file | holds |
//! |---|---|
//! | `lane.rs` | the network, and one meeting in it |
//! | `bulk.rs` | an association that sends all it can |
//! | `sheet.rs`, `plot.rs` | the figures as a table, as CSV and as a drawing |

mod bulk;
mod lane;
mod plot;
mod sheet;

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use sctp::Algorithm;
use simnet::Congestion as TcpCongestion;

pub use sheet::Sheet;

/// Bits a second of the bottleneck.
pub const RATE: u64 = 50_000_000;

/// One that sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What it is.
    pub kind: Kind,
    /// When it begins.
    pub start: Duration,
}

/// What a flow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An association of ours.
    Sctp(Algorithm),
    /// A TCP connection of the simulator's hosts.
    Tcp(TcpCongestion),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sctp(Algorithm::ModelBased) => "ours",
            Self::Sctp(Algorithm::Cubic) => "ours-cubic",
            Self::Sctp(Algorithm::Rfc9260) => "ours-rfc9260",
            Self::Tcp(TcpCongestion::Cubic) => "TCP CUBIC",
            Self::Tcp(TcpCongestion::Reno) => "TCP Reno",
            Self::Tcp(TcpCongestion::None) => "TCP without control",
        })
    }
}

/// The queue of the bottleneck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// One bandwidth-delay product, dropping at its tail.
    DropTail,
    /// CoDel with the parameters of RFC 8289.
    Codel,
}

/// Flows that meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// Who.
    pub flows: Vec<Flow>,
    /// At which queue.
    pub queue: Discipline,
    /// The round trip of all of them.
    pub rtt: Duration,
}

/// What came of a meeting.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Who met where.
    pub meeting: Meeting,
    /// The share of the rate that each flow got, in percent.
    pub shares: Vec<f64>,
    /// Jain's index over them.
    pub jain: f64,
    /// How long the queue was in milliseconds: the median, and in 95 of 100 looks.
    pub queue: (f64, f64),
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Everything that is to meet.
    pub meetings: Vec<Meeting>,
    /// How long, from when the last flow has begun.
    pub span: Duration,
    /// On how many threads; the figures do not depend on it.
    pub threads: NonZeroUsize,
}

impl Plan {
    /// Ours with one and with four TCP flows, with itself and with a newcomer, and TCP alone, at both
    /// queues and at these distances in milliseconds.
    #[must_use]
    pub fn at(rtts: &[u64], threads: NonZeroUsize) -> Self {
        let mut meetings = Vec::new();
        for queue in [Discipline::DropTail, Discipline::Codel] {
            for &rtt in rtts {
                for flows in companies() {
                    meetings.push(Meeting { flows, queue, rtt: Duration::from_millis(rtt) });
                }
            }
        }
        Self { meetings, span: Duration::from_secs(60), threads }
    }
}

/// Who meets whom.
fn companies() -> Vec<Vec<Flow>> {
    let ours = Kind::Sctp(Algorithm::ModelBased);
    let (cubic, reno) = (Kind::Tcp(TcpCongestion::Cubic), Kind::Tcp(TcpCongestion::Reno));
    let late = |kind| Flow { kind, start: Duration::from_secs(10) };
    let now = |kind| Flow { kind, start: Duration::ZERO };
    let together = |first, other, others| {
        let mut flows = vec![now(first)];
        flows.extend(std::iter::repeat_n(now(other), others));
        flows
    };
    vec![
        together(ours, cubic, 1),
        together(ours, cubic, 4),
        together(ours, reno, 1),
        together(ours, reno, 4),
        together(ours, ours, 1),
        vec![late(ours), now(ours)],
        together(cubic, cubic, 1),
        together(cubic, cubic, 4),
        together(cubic, reno, 1),
        together(cubic, reno, 4),
        vec![late(cubic), now(cubic)],
    ]
}

/// Runs all meetings of a plan; `told` hears how many are done.
pub fn run(plan: &Plan, told: &(dyn Fn(usize) + Sync)) -> Sheet {
    let figures: Mutex<Vec<Option<Figure>>> = Mutex::new(vec![None; plan.meetings.len()]);
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..plan.threads.get() {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(meeting) = plan.meetings.get(index) else { break };
                    let figure = lane::run(meeting, plan.span);
                    if let Ok(mut figures) = figures.lock()
                        && let Some(slot) = figures.get_mut(index)
                    {
                        *slot = Some(figure);
                    }
                    told(done.fetch_add(1, Ordering::Relaxed) + 1);
                }
            });
        }
    });
    let figures = figures.into_inner().unwrap_or_default();
    Sheet { figures: figures.into_iter().flatten().collect(), span: plan.span }
}
