//! One life of a machine, and everything it said.

use std::{fmt, net::SocketAddr};

use base::{Datagram, Ecn, Instant, Machine, SocketCommand, StreamCommand, Transmit};

use super::{Broken, Law, Step, wishes::Wishes};

/// Outputs after one input that are taken for a machine that never stops.
const MAX_OUTPUTS: usize = 100_000;
/// Deadlines within one wait that are taken for a machine that never sleeps.
const MAX_WAKES: usize = 1_000_000;

/// How a life is lived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    pub(super) order: Order,
    pub(super) wakes_early: bool,
    pub(super) goes_back: bool,
}

impl Habits {
    pub(super) const PLAIN: Self =
        Self { order: Order::TransmitsFirst, wakes_early: false, goes_back: false };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    TransmitsFirst,
    EventsFirst,
    Alternating,
}

/// Everything a machine said after one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) step: usize,
    at: Instant,
    transmits: Vec<(Transmit, Vec<u8>)>,
    streams: Vec<(StreamCommand, Vec<u8>)>,
    sockets: Vec<SocketCommand>,
    events: Vec<String>,
    deadline: Option<Instant>,
}

impl Said {
    const fn count(&self) -> usize {
        self.transmits.len() + self.streams.len() + self.sockets.len() + self.events.len()
    }
}

/// One life of a machine.
pub(super) struct Life<M> {
    machine: M,
    habits: Habits,
    now: Instant,
    step: usize,
    last: Option<(Transmit, Vec<u8>)>,
    wishes: Wishes,
    said: Vec<Said>,
}

impl<M> Life<M>
where
    M: Machine,
    M::Event: fmt::Debug,
{
    pub(super) const fn new(machine: M, habits: Habits) -> Self {
        let wishes = Wishes::new();
        Self { machine, habits, now: Instant::ZERO, step: 0, last: None, wishes, said: Vec::new() }
    }

    pub(super) fn live<C>(
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
                Step::Interfaces(all) => self.machine.handle_interfaces(told, all),
                Step::Serve(good) => self.wishes.serve(&mut self.machine, told, *good),
                Step::Accept(remote) => self.wishes.accept(&mut self.machine, told, *remote),
                Step::Bytes(bytes) => self.wishes.bring(&mut self.machine, told, bytes),
                Step::Unsent(bytes) => self.wishes.hold(&mut self.machine, told, *bytes),
                Step::End(reason) => self.wishes.end(&mut self.machine, told, *reason),
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
        let spoke = self.machine.poll_socket().is_some()
            || self.machine.poll_transmit(self.now, &mut Vec::new()).is_some()
            || self.machine.poll_stream(self.now, &mut Vec::new()).is_some()
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
            streams: Vec::new(),
            sockets: Vec::new(),
            events: Vec::new(),
            deadline: None,
        };
        loop {
            let before = said.count();
            match self.habits.order {
                Order::TransmitsFirst => {
                    while self.socket(&mut said)? {}
                    while self.transmit(&mut said)? {}
                    while self.stream(&mut said)? {}
                    while self.event(&mut said)? {}
                }
                Order::EventsFirst => {
                    while self.event(&mut said)? {}
                    while self.stream(&mut said)? {}
                    while self.transmit(&mut said)? {}
                    while self.socket(&mut said)? {}
                }
                Order::Alternating => {
                    self.event(&mut said)?;
                    self.transmit(&mut said)?;
                    self.stream(&mut said)?;
                    self.socket(&mut said)?;
                }
            }
            if said.count() == before {
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
        if let Some(command) = self.machine.poll_stream(self.now, &mut Vec::new()) {
            return Err(self.broken(law, format!("a drained machine still asks for {command:?}")));
        }
        if let Some(command) = self.machine.poll_socket() {
            return Err(self.broken(law, format!("a drained machine still asks for {command:?}")));
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

    fn stream(&mut self, said: &mut Said) -> Result<bool, Broken> {
        let mut buffer = Vec::new();
        let Some(command) = self.machine.poll_stream(self.now, &mut buffer) else {
            return Ok(false);
        };
        self.wishes.note_stream(&command);
        said.streams.push((command, buffer));
        self.bounded(said.streams.len(), "stream commands")
    }

    fn socket(&mut self, said: &mut Said) -> Result<bool, Broken> {
        let Some(command) = self.machine.poll_socket() else { return Ok(false) };
        self.wishes.note_socket(command);
        said.sockets.push(command);
        self.bounded(said.sockets.len(), "socket commands")
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
