//! The laws of [`Machine`], checked for any machine, whatever protocol it speaks.
//!
//! [`check`] lives through one script several times: plainly, twice over, with the polls in other orders,
//! with useless wake-ups in between, and with clocks that go back. All lives must be the same life.

use std::{fmt, net::SocketAddr, time::Duration};

use base::{Datagram, Ecn, Instant, Machine, SocketError, Transmit};

use crate::random::Stream;

/// Outputs after one input that are taken for a machine that never stops.
const MAX_OUTPUTS: usize = 100_000;
/// Deadlines within one wait that are taken for a machine that never sleeps.
const MAX_WAKES: usize = 1_000_000;

/// One thing that happens to the machine, with `C` for its own commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<C> {
    /// Time passes; deadlines on the way are kept.
    Wait(Duration),
    /// A datagram arrives.
    Datagram {
        /// Its source.
        source: SocketAddr,
        /// The local address it was sent to.
        destination: SocketAddr,
        /// Its bytes.
        payload: Vec<u8>,
    },
    /// The last datagram that the machine sent comes back, as if from where it went.
    Reflect,
    /// The network reports an error.
    SocketError(SocketError),
    /// The machine gets a command.
    Command(C),
}

/// A broken law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which of the laws of [`Machine`].
    pub law: Law,
    /// The number of the step after which it showed.
    pub step: usize,
    /// What was seen.
    pub what: String,
}

/// The laws of [`Machine`] that can be seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// 1: polls may come in any order.
    PollsInAnyOrder,
    /// 2: a drained machine has nothing more to say.
    DrainedIsDrained,
    /// 3: an early wake-up changes nothing, and a timely one moves the deadline.
    DeadlinesAdvance,
    /// 4: the same life twice is the same.
    SameAgain,
    /// 5: no input makes it speak without end.
    Bounded,
    /// 6: an earlier time counts as the latest one seen.
    NeverBackwards,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { law, step, what } = self;
        write!(f, "law {law:?} broken after step {step}: {what}")
    }
}

impl std::error::Error for Broken {}

/// Checks that the machines which `make` makes keep the laws through `script`.
///
/// `make` must make the same machine each time, seed included; `command` gives it one of its commands.
/// Panics of the machine are not caught: they are broken law 5.
///
/// # Errors
///
/// The first broken law that is found.
pub fn check<M, C>(
    make: impl Fn() -> M,
    command: impl Fn(&mut M, Instant, &C),
    script: &[Step<C>],
) -> Result<(), Broken>
where
    M: Machine,
    M::Event: fmt::Debug,
{
    let live = |habits| Life::new(make(), habits).live(script, &command);
    let plain = live(Habits::PLAIN)?;
    let others = [
        (Law::SameAgain, Habits::PLAIN),
        (Law::PollsInAnyOrder, Habits { order: Order::EventsFirst, ..Habits::PLAIN }),
        (Law::PollsInAnyOrder, Habits { order: Order::Alternating, ..Habits::PLAIN }),
        (Law::DeadlinesAdvance, Habits { wakes_early: true, ..Habits::PLAIN }),
        (Law::NeverBackwards, Habits { goes_back: true, ..Habits::PLAIN }),
    ];
    for (law, habits) in others {
        compare(law, &plain, &live(habits)?)?;
    }
    Ok(())
}

/// A script of `length` steps drawn from `stream`: waits of all sizes, reflections, errors, datagrams
/// from `datagram` and commands from `command`.
pub fn script<C>(
    stream: &mut Stream,
    length: usize,
    mut datagram: impl FnMut(&mut Stream) -> (SocketAddr, SocketAddr, Vec<u8>),
    mut command: impl FnMut(&mut Stream) -> Option<C>,
) -> Vec<Step<C>> {
    let mut step = || match stream.below(8) {
        // From a microsecond to more than an hour, each magnitude as likely.
        0..=2 => Step::Wait(Duration::from_nanos(1_000 << stream.below(33))),
        3 => Step::Reflect,
        4 | 5 => command(stream).map_or(Step::Reflect, Step::Command),
        _ => {
            let (source, destination, payload) = datagram(stream);
            Step::Datagram { source, destination, payload }
        }
    };
    (0..length).map(|_| step()).collect()
}

fn compare(law: Law, plain: &[Said], other: &[Said]) -> Result<(), Broken> {
    for index in 0..plain.len().max(other.len()) {
        let (one, two) = (plain.get(index), other.get(index));
        if one == two {
            continue;
        }
        let step = one.or(two).map_or(0, |said| said.step);
        return Err(Broken { law, step, what: format!("one life has {one:?}, another {two:?}") });
    }
    Ok(())
}

/// How a life is lived.
#[derive(Clone, Copy, Debug)]
struct Habits {
    order: Order,
    wakes_early: bool,
    goes_back: bool,
}

impl Habits {
    const PLAIN: Self = Self { order: Order::TransmitsFirst, wakes_early: false, goes_back: false };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    TransmitsFirst,
    EventsFirst,
    Alternating,
}

/// Everything a machine said after one input.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    step: usize,
    at: Instant,
    transmits: Vec<(Transmit, Vec<u8>)>,
    events: Vec<String>,
    deadline: Option<Instant>,
}

/// One life of a machine.
struct Life<M> {
    machine: M,
    habits: Habits,
    now: Instant,
    step: usize,
    last: Option<(Transmit, Vec<u8>)>,
    said: Vec<Said>,
}

impl<M> Life<M>
where
    M: Machine,
    M::Event: fmt::Debug,
{
    const fn new(machine: M, habits: Habits) -> Self {
        Self { machine, habits, now: Instant::ZERO, step: 0, last: None, said: Vec::new() }
    }

    fn live<C>(
        mut self,
        script: &[Step<C>],
        command: &impl Fn(&mut M, Instant, &C),
    ) -> Result<Vec<Said>, Broken> {
        self.machine.handle_timeout(self.now);
        self.drain()?;
        for (number, step) in (1..).zip(script) {
            self.step = number;
            let told = self.clock();
            match step {
                Step::Wait(time) => self.wait(self.now + *time)?,
                Step::Datagram { source, destination, payload } => {
                    self.hear(told, *source, *destination, payload);
                }
                Step::Reflect => {
                    if let Some((transmit, payload)) = self.last.clone() {
                        let local = transmit.source.unwrap_or(transmit.destination);
                        self.hear(told, transmit.destination, local, &payload);
                    }
                }
                Step::SocketError(error) => self.machine.handle_socket_error(told, *error),
                Step::Command(wanted) => command(&mut self.machine, told, wanted),
            }
            self.drain()?;
            if self.habits.wakes_early {
                self.wake_early()?;
            }
        }
        Ok(self.said)
    }

    /// The time that the machine is told. It has seen `now` already, so that an earlier time is the same.
    fn clock(&self) -> Instant {
        if self.habits.goes_back { Instant::from_nanos(self.now.as_nanos() / 2) } else { self.now }
    }

    fn hear(&mut self, now: Instant, source: SocketAddr, destination: SocketAddr, payload: &[u8]) {
        let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload };
        self.machine.handle_datagram(now, datagram);
    }

    fn wait(&mut self, until: Instant) -> Result<(), Broken> {
        for _ in 0..MAX_WAKES {
            let Some(deadline) = self.machine.poll_timeout().filter(|&at| at <= until) else {
                self.now = until;
                return self.wake_early(); // So that it has seen the time.
            };
            self.now = self.now.max(deadline);
            self.machine.handle_timeout(self.now);
            self.drain()?;
            if self.machine.poll_timeout().is_some_and(|next| next <= deadline) {
                let what = format!("the deadline {deadline} stays after it was kept");
                return Err(self.broken(Law::DeadlinesAdvance, what));
            }
        }
        let what = format!("{MAX_WAKES} deadlines before {until}");
        Err(self.broken(Law::DeadlinesAdvance, what))
    }

    /// Wakes the machine although it is not time, which must not show.
    fn wake_early(&mut self) -> Result<(), Broken> {
        let deadline = self.machine.poll_timeout();
        if deadline.is_some_and(|deadline| deadline <= self.now) {
            return Ok(());
        }
        self.machine.handle_timeout(self.now);
        let spoke = self.machine.poll_transmit(self.now, &mut Vec::new()).is_some()
            || self.machine.poll_event().is_some();
        if spoke || self.machine.poll_timeout() != deadline {
            let what = format!("an early wake-up at {} shows", self.now);
            return Err(self.broken(Law::DeadlinesAdvance, what));
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<(), Broken> {
        let mut said = Said {
            step: self.step,
            at: self.now,
            transmits: Vec::new(),
            events: Vec::new(),
            deadline: None,
        };
        loop {
            let before = (said.transmits.len(), said.events.len());
            match self.habits.order {
                Order::TransmitsFirst => {
                    while self.transmit(&mut said)? {}
                    while self.event(&mut said)? {}
                }
                Order::EventsFirst => {
                    while self.event(&mut said)? {}
                    while self.transmit(&mut said)? {}
                }
                Order::Alternating => {
                    self.event(&mut said)?;
                    self.transmit(&mut said)?;
                }
            }
            if (said.transmits.len(), said.events.len()) == before {
                break;
            }
            if self.habits.order != Order::Alternating {
                self.expect_silence()?;
            }
        }
        said.deadline = self.machine.poll_timeout();
        if let Some(last) = said.transmits.last() {
            self.last = Some(last.clone());
        }
        self.said.push(said);
        Ok(())
    }

    fn expect_silence(&mut self) -> Result<(), Broken> {
        // In the plain order nothing may be left; in another order, what is left was decided in a poll.
        let law = match self.habits.order {
            Order::TransmitsFirst => Law::DrainedIsDrained,
            Order::EventsFirst | Order::Alternating => Law::PollsInAnyOrder,
        };
        let more = self.machine.poll_transmit(self.now, &mut Vec::new());
        if let Some(transmit) = more {
            return Err(self.broken(law, format!("a drained machine still sends {transmit:?}")));
        }
        if let Some(event) = self.machine.poll_event() {
            return Err(self.broken(law, format!("a drained machine still reports {event:?}")));
        }
        Ok(())
    }

    fn transmit(&mut self, said: &mut Said) -> Result<bool, Broken> {
        let mut buffer = Vec::new();
        let Some(transmit) = self.machine.poll_transmit(self.now, &mut buffer) else {
            return Ok(false);
        };
        said.transmits.push((transmit, buffer));
        self.bounded(said.transmits.len(), "datagrams")
    }

    fn event(&mut self, said: &mut Said) -> Result<bool, Broken> {
        let Some(event) = self.machine.poll_event() else { return Ok(false) };
        said.events.push(format!("{event:?}"));
        self.bounded(said.events.len(), "events")
    }

    fn bounded(&self, count: usize, of: &str) -> Result<bool, Broken> {
        if count < MAX_OUTPUTS {
            return Ok(true);
        }
        Err(self.broken(Law::Bounded, format!("{count} {of} after one input")))
    }

    const fn broken(&self, law: Law, what: String) -> Broken {
        Broken { law, step: self.step, what }
    }
}
