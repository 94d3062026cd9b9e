//! The host of an ICE endpoint: its letters, its data, its history.

use std::{sync::Arc, time::Duration};

use base::{Instant, SocketError};
use ice::Kind;
use simnet::{Cx, Driven, Endpoint, NetworkChange, RecvMeta, SocketId, TcpEvent};

use super::{Company, Factory, Ice, IceEndpoint, Letter, News, Ours, Server, Setup};
use crate::{
    roles::{Inhabitant, flow::Stamp},
    run::{Directory, Figure, Post, Report, Signal},
};

/// Data begins with a byte above those of STUN, so that no stack takes it for a message: RFC 7983 §7.
const DATA: u64 = 1 << 63;
/// Bytes of a datagram of application data.
const DATA_BYTES: usize = 64;
/// Least time between two restarts that nobody but the host itself asked for, so that the last one has
/// time to come to something.
const RESTART_PAUSE: Duration = Duration::from_secs(5);

/// An endpoint on a host.
pub(crate) struct IceHost {
    name: String,
    role: Ice,
    company: Company,
    factory: Factory,
    driven: Option<Driven<Box<dyn IceEndpoint>>>,
    post: Option<Post>,
    /// Letters that wait for the end of gathering, if candidates are not trickled.
    held: Option<Vec<Letter>>,
    next_data: Option<Instant>,
    restart_at: Option<Instant>,
    history: History,
}

/// What is told at the end.
#[derive(Clone, Debug, Default)]
struct History {
    began: Instant,
    /// When pairs were selected, and what they were.
    selections: Vec<(Instant, Kind, Kind)>,
    /// When the path was lost.
    losses: Vec<Instant>,
    connected: bool,
    failed: Option<Instant>,
    connections: u64,
    sent: u64,
    received: u64,
    restarted: Option<Instant>,
}

/// The pair in use, for those who look from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// Type of the local candidate.
    pub(crate) local: Kind,
    /// Type of the remote candidate.
    pub(crate) remote: Kind,
    /// When a pair was first in use.
    pub(crate) first: Instant,
}

impl IceHost {
    /// The pair in use.
    pub(crate) fn choice(&self) -> Option<Choice> {
        let all = &self.history.selections;
        let (&(first, ..), &(_, local, remote)) = (all.first()?, all.last()?);
        self.history.connected.then_some(Choice { local, remote, first })
    }

    /// Checks it sent, retransmissions not counted.
    pub(crate) fn checks(&self) -> u64 {
        self.driven.as_ref().map_or(0, |driven| driven.machine().figures().checks)
    }

    /// Payloads that came whole.
    pub(crate) const fn received(&self) -> u64 {
        self.history.received
    }

    /// Sends one payload now, if it can.
    pub(crate) fn say(&mut self, cx: &mut Cx<'_>) {
        let Some(driven) = &mut self.driven else { return };
        let stamp = Stamp { number: DATA | self.history.sent, sent: cx.now() }.write(DATA_BYTES);
        let sent = driven.command(cx, |it, now| it.send(now, &stamp));
        self.history.sent += u64::from(sent);
        self.digest(cx);
    }

    pub(super) fn new(name: &str, role: &Ice, company: Company) -> Self {
        Self {
            name: name.to_owned(),
            role: role.clone(),
            company,
            factory: Arc::new(|setup, now| Box::new(Ours::new(setup, now))),
            driven: None,
            post: None,
            held: (!role.trickle).then(Vec::new),
            next_data: None,
            restart_at: None,
            history: History::default(),
        }
    }

    /// Has its endpoints made by somebody else from now on.
    pub(crate) fn seat(&mut self, factory: Factory) {
        self.factory = factory;
    }

    /// The other side told something through the signalling.
    pub(crate) fn hear(&mut self, cx: &mut Cx<'_>, letter: &Letter) {
        if let Some(driven) = &mut self.driven {
            driven.command(cx, |it, now| it.hear(now, letter));
        }
        self.digest(cx);
    }

    fn setup(&self, cx: &mut Cx<'_>, directory: &Directory) -> Setup {
        let mut servers = Vec::new();
        for name in &self.company.stun {
            let all = directory.resolve_all(name, crate::roles::stun::PORT);
            servers.extend(all.into_iter().map(Server::Stun));
        }
        for (name, turn) in &self.company.turn {
            for address in directory.resolve_all(name, turn.port) {
                for &transport in &self.role.turn_over {
                    let (username, password) = (turn.username.clone(), turn.password.clone());
                    servers.push(Server::Turn { address, transport, username, password });
                }
            }
        }
        let Ice { relay_only, lite, aggressive, renomination, tcp, port, pace, .. } = self.role;
        let (controlling, rng) = (self.company.controlling, cx.stream().rng());
        Setup {
            controlling,
            servers,
            relay_only,
            lite,
            aggressive,
            renomination,
            tcp,
            port,
            pace,
            rng,
        }
    }

    /// Acts on what the endpoint reports.
    fn digest(&mut self, cx: &mut Cx<'_>) {
        while let Some((at, news)) = self.driven.as_mut().and_then(Driven::take_event) {
            match news {
                News::Tell(letter) => self.tell(at, letter),
                News::Selected { local, remote } => self.selected(at, local, remote),
                News::Lost => {
                    self.history.connected = false;
                    self.history.losses.push(at);
                    // One side is enough; the other one helps if it has to.
                    self.plan_restart(at, !self.company.controlling);
                }
                News::Failed => {
                    self.history.connected = false;
                    self.history.failed = Some(at);
                    self.plan_restart(at, !self.company.controlling);
                }
                News::Data(payload) => {
                    self.history.received += u64::from(Stamp::read(&payload).is_some());
                }
            }
        }
        self.act(cx);
    }

    fn selected(&mut self, at: Instant, local: Kind, remote: Kind) {
        let history = &mut self.history;
        history.connections += u64::from(!history.connected);
        history.connected = true;
        history.failed = None;
        self.restart_at = None;
        if history.selections.last().is_none_or(|(_, l, r)| (*l, *r) != (local, remote))
            || history
                .losses
                .last()
                .is_some_and(|lost| history.selections.last().is_some_and(|(then, ..)| then < lost))
        {
            history.selections.push((at, local, remote));
        }
        if !self.role.data.is_zero() {
            self.next_data.get_or_insert(at + self.role.data);
        }
    }

    fn tell(&mut self, now: Instant, letter: Letter) {
        let Some(held) = &mut self.held else { return self.post_letter(now, letter) };
        if matches!(letter, Letter::Parameters(_)) {
            held.clear(); // What was held is of a generation that nobody heard of.
        }
        let is_last = matches!(letter, Letter::End { .. });
        held.push(letter);
        if is_last {
            for letter in std::mem::take(held) {
                self.post_letter(now, letter);
            }
        }
    }

    fn post_letter(&self, now: Instant, letter: Letter) {
        if let (Some(post), Some(other)) = (&self.post, &self.company.other) {
            post.send(now, &self.name, other, Signal::Ice(letter));
        }
    }

    /// Restarts soon, or after giving the other side a chance to do it.
    fn plan_restart(&mut self, now: Instant, waits: bool) {
        if !self.role.restarts {
            return;
        }
        let wait = if waits { RESTART_PAUSE / 2 } else { Duration::ZERO };
        let last = self.history.restarted.map(|at| at + RESTART_PAUSE);
        self.restart_at = Some((now + wait).max(last.unwrap_or(now)));
    }

    /// Does what is due: restarts, sends data.
    fn act(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let Some(driven) = &mut self.driven else { return };
        if self.restart_at.is_some_and(|at| at <= now) {
            self.restart_at = None;
            // Without an address there is nothing to offer; the next one that comes is a new occasion.
            if cx.interfaces().iter().any(|interface| !interface.addresses.is_empty()) {
                self.history.restarted = Some(now);
                driven.command(cx, |it, now| it.restart(now));
                return self.digest(cx);
            }
        }
        let Some(due) = self.next_data.filter(|due| *due <= now) else { return };
        self.next_data = Some(due + self.role.data);
        self.say(cx);
    }

    fn summary(&self) -> Report {
        let history = &self.history;
        let mut report = Report::default()
            .with("connections", Figure::Count(history.connections))
            .with("losses", Figure::Count(history.losses.len() as u64))
            .with("sent", Figure::Count(history.sent))
            .with("received", Figure::Count(history.received))
            .with("connected", Figure::Truth(history.connected));
        if let Some(driven) = &self.driven {
            let figures = driven.machine().figures();
            report = report
                .with("checks", Figure::Count(figures.checks))
                .with("answered", Figure::Count(figures.answered))
                .with("checks-again", Figure::Count(figures.retransmissions))
                .with("restarts", Figure::Count(figures.restarts))
                .with("bytes-sent", Figure::Count(figures.bytes_sent))
                .with("bytes-received", Figure::Count(figures.bytes_received));
            for belief in driven.machine().beliefs() {
                report = report.believing(belief);
            }
        }
        if let Some((first, ..)) = history.selections.first() {
            report = report.with("connected-after", Figure::Time(*first - history.began));
        }
        if let Some((at, local, remote)) = history.selections.last() {
            report = report
                .with("settled-after", Figure::Time(*at - history.began))
                .with("selected-local", Figure::Text(local.to_string()))
                .with("selected-remote", Figure::Text(remote.to_string()));
        }
        for (at, local, remote) in &history.selections {
            report = report.believing(format!("{at} connected: {local} – {remote}"));
        }
        for at in &history.losses {
            report = report.believing(format!("{at} the path is lost"));
        }
        if let Some(at) = history.failed {
            report = report.believing(format!("{at} gave up"));
        }
        report
    }
}

impl Inhabitant for IceHost {
    fn begin(&mut self, cx: &mut Cx<'_>, directory: &Directory, post: &Post) {
        self.post = Some(post.clone());
        self.history.began = cx.now();
        let setup = self.setup(cx, directory);
        let mut driven = Driven::new((self.factory)(setup, cx.now()));
        driven.start(cx);
        driven.command(cx, |it, now| it.begin(now));
        self.driven = Some(driven);
        self.digest(cx);
    }

    fn report(&self) -> Report {
        self.summary()
    }
}

impl Endpoint for IceHost {
    fn handle_datagram(
        &mut self,
        cx: &mut Cx<'_>,
        socket: SocketId,
        meta: &RecvMeta,
        payload: &[u8],
    ) {
        if let Some(driven) = &mut self.driven {
            driven.handle_datagram(cx, socket, meta, payload);
        }
        self.digest(cx);
    }

    fn handle_socket_error(&mut self, cx: &mut Cx<'_>, socket: SocketId, error: SocketError) {
        if let Some(driven) = &mut self.driven {
            driven.handle_socket_error(cx, socket, error);
        }
        self.digest(cx);
    }

    fn handle_tcp(&mut self, cx: &mut Cx<'_>, event: TcpEvent) {
        if let Some(driven) = &mut self.driven {
            driven.handle_tcp(cx, event);
        }
        self.digest(cx);
    }

    fn handle_network_change(&mut self, cx: &mut Cx<'_>, change: NetworkChange) {
        let Some(driven) = &mut self.driven else { return };
        driven.handle_network_change(cx, change);
        // Nothing can be told to the peer of addresses that are no more without new ones.
        let gained =
            matches!(change, NetworkChange::Up { .. } | NetworkChange::AddressAdded { .. });
        if gained {
            self.plan_restart(cx.now(), false);
        }
        self.digest(cx);
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        if let Some(driven) = &mut self.driven {
            driven.handle_timeout(cx);
        }
        self.digest(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let driven = self.driven.as_ref()?;
        [driven.poll_timeout(), self.next_data, self.restart_at].into_iter().flatten().min()
    }
}
