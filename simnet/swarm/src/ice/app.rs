//! An application that uses ICE as a good application does.
//!
//! It tells the other side what the agent finds, sends data whenever it can, and restarts ICE when the
//! agent says that the path is gone or that there is none, again and again until it gives up.

mod data_pump;
mod talk;

use std::{collections::VecDeque, time::Duration};

use base::{
    Datagram, Instant, Interface, Machine, Rng, SocketCommand, SocketError, SocketInput,
    StreamCommand, StreamInput, Transmit,
};
use ice::{Event, Outgoing, State};
use peer::{IceTransport, IceTransportConfig};

use self::{data_pump::Pump, talk::Talk};
use super::letter::Letter;
use crate::memory::Meter;

/// What an application is set up with.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    /// 0 for Alice, 1 for Bob.
    pub(crate) index: u8,
    /// From which the payloads grow.
    pub(crate) seed: u64,
    /// Tells candidates as they are found.
    pub(crate) trickle: bool,
    /// When the network heals: data sent from then on is counted apart.
    pub(crate) heal: Instant,
    /// When it stops to restart.
    pub(crate) gives_up: Instant,
}

/// The application of one side.
pub(crate) struct App {
    habits: Habits,
    transport: IceTransport,
    talk: Talk,
    pump: Pump,
    /// When it restarts ICE unless a path is found before.
    restart_at: Option<Instant>,
    /// What it has to send of its own.
    outgoing: VecDeque<(Outgoing, Vec<u8>)>,
    letters: VecDeque<Letter>,
    pub(crate) diary: Diary,
    meter: Meter,
}

/// What happened to an application, and when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diary {
    pub(crate) states: Vec<(Instant, State)>,
    pub(crate) selected: Vec<(Instant, ice::Path)>,
    /// Restarts, of its own and of the other side.
    pub(crate) rounds: Vec<Instant>,
    pub(crate) failures: Vec<(Instant, ice::FailReason)>,
    /// When data that the other sent after the healing came first.
    pub(crate) healed: Option<Instant>,
    /// When the agent last took data.
    pub(crate) last_sent: Option<Instant>,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Payloads that are not what the other sent.
    pub(crate) garbled: u64,
    /// Candidates and parameters that the agent did not take.
    pub(crate) refused: Vec<(Instant, String)>,
    /// Most wakes in a row that left the deadline where it was, with nothing done.
    pub(crate) idle: u32,
    /// Most wakes within one second that led to nothing.
    pub(crate) empty: u32,
}

/// What an application has to say for itself, at one time.
#[derive(Clone, Debug)]
pub(crate) struct Testimony {
    pub(crate) diary: Diary,
    pub(crate) state: State,
    pub(crate) path: Option<ice::Path>,
    /// Candidate pairs of its agent.
    pub(crate) pairs: u64,
    /// The most bytes that the transport ever held.
    pub(crate) most_bytes: u64,
}

impl Diary {
    /// What happened in words, each with its time.
    pub(crate) fn lines(&self) -> Vec<(Instant, String)> {
        let states = self.states.iter().map(|(at, state)| (*at, state.to_string()));
        let paths = self.selected.iter().map(|(at, path)| {
            let nominated = if path.nominated { "nominated" } else { "valid" };
            (*at, format!("path {} to {}, {nominated}", path.local, path.remote))
        });
        let rounds = self.rounds.iter().map(|at| (*at, "restarts ICE".to_owned()));
        let failures = self.failures.iter().map(|(at, why)| (*at, format!("failed: {why}")));
        let healed = self.healed.map(|at| (at, "hears data sent after the healing".to_owned()));
        let refused = self.refused.iter().map(|(at, what)| (*at, format!("refused {what}")));
        states.chain(paths).chain(rounds).chain(failures).chain(healed).chain(refused).collect()
    }
}

/// How long a path that answers no more is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long an agent that once had a path is given to find one.
const AGAIN: Duration = Duration::from_secs(4);
/// The same for one that never had any.
const AT_FIRST: Duration = Duration::from_secs(7);
/// What the second side waits longer, so that they seldom restart at once.
const AFTER_YOU: Duration = Duration::from_millis(400);

impl App {
    /// An application that begins to gather at once.
    pub(crate) fn new(habits: Habits, config: IceTransportConfig, rng: Rng, now: Instant) -> Self {
        let mut meter = Meter::default();
        let mut transport = meter.count(|| IceTransport::new(config, rng, now));
        meter.count(|| transport.gather(now));
        let mut app = Self {
            talk: Talk::new(habits.trickle, now),
            pump: Pump::new(&habits, now),
            habits,
            transport,
            restart_at: None,
            outgoing: VecDeque::new(),
            letters: VecDeque::new(),
            diary: Diary::default(),
            meter,
        };
        app.restart_at = Some(now + app.patience());
        app.react(now);
        app
    }

    /// The transport, to be asked.
    pub(crate) const fn transport(&self) -> &IceTransport {
        &self.transport
    }

    /// What it has to say for itself now.
    pub(crate) fn testimony(&self) -> Testimony {
        Testimony {
            diary: self.diary.clone(),
            state: self.transport.state(),
            path: self.transport.path(1),
            pairs: self.transport.agent().stats().pairs.len() as u64,
            most_bytes: self.meter.most(),
        }
    }

    /// What the other side says arrives.
    pub(crate) fn hear(&mut self, now: Instant, letter: Letter) {
        if letter.round > self.talk.round() {
            self.begin_round(now, letter.round);
        }
        self.talk.hear(letter);
        self.hand_over(now);
        self.react(now);
    }

    /// Restarts ICE, for whatever reason the application has.
    pub(crate) fn restart(&mut self, now: Instant) {
        self.begin_round(now, self.talk.round() + 1);
        self.react(now);
    }

    fn begin_round(&mut self, now: Instant, round: u32) {
        self.diary.rounds.push(now);
        self.talk.begin(now, round);
        self.meter.count(|| self.transport.restart(now));
        if !self.transport.state().is_connected() {
            self.restart_at = Some(now + self.patience());
        }
    }

    /// How long an agent is given to find a path.
    fn patience(&self) -> Duration {
        let known = self.diary.states.iter().any(|(_, state)| state.is_connected());
        self.courtesy() + if known { AGAIN } else { AT_FIRST }
    }

    fn courtesy(&self) -> Duration {
        if self.habits.index == 0 { Duration::ZERO } else { AFTER_YOU }
    }

    /// Gives the agent what was heard of the present round.
    fn hand_over(&mut self, now: Instant) {
        let patience = self.patience();
        let transport = &mut self.transport;
        if let Some(parameters) = self.talk.parameters() {
            // Now there is something to try.
            self.restart_at = self.restart_at.map(|at| at.max(now + patience));
            let taken = self.meter.count(|| transport.set_remote_parameters(now, parameters));
            if let Err(error) = taken {
                self.diary.refused.push((now, format!("parameters: {error}")));
            }
        }
        for candidate in self.talk.candidates() {
            let words = candidate.to_string();
            let taken = self.meter.count(|| transport.add_remote_candidate(now, candidate));
            if let Err(error) = taken {
                self.diary.refused.push((now, format!("{words}: {error}")));
            }
        }
        if self.talk.is_complete() {
            self.meter.count(|| transport.end_of_remote_candidates(now));
        }
    }

    /// Takes the agent's events, and says what is to be said.
    fn react(&mut self, now: Instant) {
        while let Some(event) = self.meter.count(|| self.transport.poll_event()) {
            self.meter.moved(true);
            self.take(now, event);
        }
        let parameters = self.transport.local_parameters();
        self.letters.extend(self.talk.say(now, parameters));
    }

    fn take(&mut self, now: Instant, event: Event) {
        match event {
            Event::LocalCandidate(candidate) => self.talk.found(candidate),
            Event::GatheringFinished => self.talk.finished(),
            Event::State(state) => self.moved(now, state),
            Event::Selected { path, .. } => self.diary.selected.push((now, path)),
            Event::Failed(reason) => self.diary.failures.push((now, reason)),
            Event::Data { payload, .. } => {
                self.pump.receive(now, &payload, &mut self.diary);
                // What the transport allocated is given back.
                self.meter.count(|| drop(payload));
            }
            // Names are not used in these worlds, and a round is begun before its parameters are set.
            _ => {}
        }
    }

    fn moved(&mut self, now: Instant, state: State) {
        self.diary.states.push((now, state));
        let wait = match state {
            State::Connected | State::Completed => {
                self.restart_at = None;
                return;
            }
            State::Disconnected => PATIENCE,
            State::Failed => PATIENCE / 2,
            _ => return,
        };
        let at = now + wait + self.courtesy();
        self.restart_at = Some(self.restart_at.map_or(at, |planned| planned.min(at)));
    }

    /// Sends data if it is time, and restarts if it is.
    fn act(&mut self, now: Instant) {
        if self.restart_at.is_some_and(|at| at <= now) {
            self.restart_at = None;
            if now < self.habits.gives_up {
                self.restart(now);
            }
        }
        if let Some(payload) = self.pump.due(now) {
            let mut buffer = Vec::new();
            let transport = &mut self.transport;
            let sent =
                self.meter.budgeted(&mut buffer, |buffer| transport.send(now, 1, &payload, buffer));
            if let Ok(outgoing) = sent {
                self.diary.sent += 1;
                self.diary.last_sent = Some(now);
                self.outgoing.push_back((outgoing, buffer));
            }
        }
        self.react(now);
    }

    fn told(&mut self, now: Instant, tell: impl FnOnce(&mut IceTransport)) {
        self.meter.count(|| tell(&mut self.transport));
        self.react(now);
    }
}

impl Machine for App {
    type Event = Letter;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.told(now, |transport| transport.handle_datagram(now, datagram));
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.told(now, |transport| transport.handle_socket_error(now, error));
    }

    fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        self.told(now, |transport| transport.handle_stream(now, input));
    }

    fn handle_socket(&mut self, now: Instant, input: SocketInput) {
        self.told(now, |transport| transport.handle_socket(now, input));
    }

    fn handle_interfaces(&mut self, now: Instant, interfaces: &[Interface]) {
        self.told(now, |transport| transport.handle_interfaces(now, interfaces));
    }

    fn handle_timeout(&mut self, now: Instant) {
        let due = self.transport.poll_timeout().is_some_and(|at| at <= now);
        if due {
            self.meter.due(now);
        }
        self.told(now, |transport| transport.handle_timeout(now));
        let still = self.transport.poll_timeout().is_some_and(|at| at <= now);
        self.meter.woken(due && still);
        self.act(now);
        self.diary.idle = self.meter.most_idle();
        self.diary.empty = self.meter.most_empty();
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        if let Some((Outgoing::Datagram(_), _)) = self.outgoing.front()
            && let Some((Outgoing::Datagram(transmit), bytes)) = self.outgoing.pop_front()
        {
            buffer.extend_from_slice(&bytes);
            return Some(transmit);
        }
        let polled =
            self.meter.budgeted(buffer, |buffer| self.transport.poll_transmit(now, buffer));
        self.meter.moved(polled.is_some());
        polled
    }

    fn poll_stream(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        if let Some((Outgoing::Stream { .. }, _)) = self.outgoing.front()
            && let Some((Outgoing::Stream { id, size }, bytes)) = self.outgoing.pop_front()
        {
            buffer.extend_from_slice(&bytes);
            return Some(StreamCommand::Send { id, size });
        }
        let polled = self.meter.budgeted(buffer, |buffer| self.transport.poll_stream(now, buffer));
        self.meter.moved(polled.is_some());
        polled
    }

    fn poll_socket(&mut self) -> Option<SocketCommand> {
        let polled = self.meter.count(|| self.transport.poll_socket());
        self.meter.moved(polled.is_some());
        polled
    }

    fn poll_event(&mut self) -> Option<Letter> {
        self.letters.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let own = [self.restart_at, Some(self.pump.next()), self.talk.deadline()];
        own.into_iter().flatten().chain(self.transport.poll_timeout()).min()
    }
}
