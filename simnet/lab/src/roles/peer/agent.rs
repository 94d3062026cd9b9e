//! The agent: its state, and what it does when it is told something.

use std::{collections::BTreeMap, net::SocketAddr};

use base::{Datagram, Instant, Machine};
use simnet::{Cx, Endpoint, NetworkChange, RecvMeta, SocketId};
use stun::{Client, ClientConfig, ClientEvent, Message, RequestId};

use super::{Acquaintances, Candidate, Peer, checks::Pair};
use crate::{
    roles::{Inhabitant, flow::Stamp},
    run::{Directory, Post, Report, Signal},
};

/// A peer at work.
pub(crate) struct Agent {
    pub(super) name: String,
    pub(super) role: Peer,
    pub(super) known: Acquaintances,
    pub(super) post: Option<Post>,
    pub(super) stun_server: Option<SocketAddr>,
    pub(super) client: Option<Client>,
    pub(super) requests: BTreeMap<RequestId, Purpose>,
    pub(super) bases: Vec<Base>,
    pub(super) locals: Vec<Candidate>,
    pub(super) remotes: Vec<Candidate>,
    pub(super) pairs: Vec<Pair>,
    /// Pairs to check before all others, the first first.
    pub(super) triggered: Vec<usize>,
    pub(super) next_check: Option<Instant>,
    /// When the deciding peer takes the best pair it has.
    pub(super) nominate_at: Option<Instant>,
    pub(super) selected: Option<Selected>,
    /// Counts starts; the peers agree on the larger one.
    pub(super) generation: u32,
    pub(super) history: History,
}

/// A socket, and the interface it is on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    pub(super) socket: SocketId,
    pub(super) local: SocketAddr,
}

/// What a request was made for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// How the base with this number looks from outside.
    Gather(usize),
    /// Whether the pair with this number works; to use it from then on if `nominates`.
    Check { pair: usize, nominates: bool },
    /// Whether the other is still there.
    Consent,
}

/// The pair in use.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    pub(super) base: usize,
    pub(super) remote: Candidate,
    pub(super) heard: Instant,
    pub(super) next_consent: Instant,
    pub(super) next_data: Option<Instant>,
}

/// What is told at the end.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    pub(super) began: Instant,
    pub(super) checks: u64,
    pub(super) answered: u64,
    /// When pairs were selected, and what they were.
    pub(super) connections: Vec<(Instant, Candidate, Candidate)>,
    /// When the other was gone.
    pub(super) losses: Vec<Instant>,
    pub(super) sent: u64,
    pub(super) received: u64,
}

impl Agent {
    pub(crate) fn new(name: &str, role: &Peer, known: Acquaintances) -> Self {
        Self {
            name: name.to_owned(),
            role: role.clone(),
            known,
            post: None,
            stun_server: None,
            client: None,
            requests: BTreeMap::new(),
            bases: Vec::new(),
            locals: Vec::new(),
            remotes: Vec::new(),
            pairs: Vec::new(),
            triggered: Vec::new(),
            next_check: None,
            nominate_at: None,
            selected: None,
            generation: 0,
            history: History::default(),
        }
    }

    /// The other peer told something through the signalling.
    pub(crate) fn hear(&mut self, cx: &mut Cx<'_>, generation: u32, candidate: Option<Candidate>) {
        if self.client.is_none() || generation < self.generation {
            return;
        }
        if generation > self.generation {
            self.start_again(cx, generation);
        }
        if let Some(candidate) = candidate {
            self.learn(cx.now(), candidate);
        }
        self.drain(cx);
    }

    /// Forgets every candidate and begins anew.
    pub(super) fn start_again(&mut self, cx: &mut Cx<'_>, generation: u32) {
        self.generation = generation;
        if let Some(client) = &mut self.client {
            for (request, _) in std::mem::take(&mut self.requests) {
                client.cancel(cx.now(), request);
            }
        }
        self.locals.clear();
        self.remotes.clear();
        self.pairs.clear();
        self.triggered.clear();
        self.next_check = None;
        self.nominate_at = None;
        self.selected = None;
        self.gather(cx);
    }

    /// Sends what the STUN client wants sent, and hears what it found out.
    pub(super) fn drain(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let Some(client) = &mut self.client else { return };
            if let Some(transmit) = client.poll_transmit(now, &mut buffer) {
                let base = self.bases.iter().find(|base| Some(base.local) == transmit.source);
                if let Some(base) = base {
                    cx.transmit(base.socket, &transmit, &buffer);
                }
                continue;
            }
            let Some(event) = client.poll_event() else { return };
            self.handle_event(cx, event);
        }
    }

    fn handle_event(&mut self, cx: &Cx<'_>, event: ClientEvent) {
        match event {
            ClientEvent::Succeeded { request, response } => {
                let Some(mapped) = response.mapped_address() else { return };
                match self.requests.remove(&request) {
                    Some(Purpose::Gather(base)) => self.found_reflexive(cx, base, mapped),
                    Some(Purpose::Check { pair, nominates }) => {
                        self.check_succeeded(cx.now(), pair, mapped, nominates);
                    }
                    Some(Purpose::Consent) => self.heard(cx.now()),
                    None => {}
                }
            }
            ClientEvent::Failed { request, .. } => {
                if let Some(Purpose::Check { pair, nominates }) = self.requests.remove(&request) {
                    self.check_failed(cx.now(), pair, nominates);
                }
            }
            _ => {}
        }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        if let Some(selected) = &mut self.selected {
            selected.heard = now;
        }
    }

    pub(super) fn tell(&self, now: Instant, candidate: Option<Candidate>) {
        if let (Some(post), Some(other)) = (&self.post, &self.known.other) {
            let signal = Signal::Peer { generation: self.generation, candidate };
            post.send(now, &self.name, other, signal);
        }
    }

    /// Asks whether the other is there, sends data, or notices that it is gone.
    fn tend(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let Some(selected) = &mut self.selected else { return };
        if now >= selected.heard + self.role.consent {
            self.history.losses.push(now);
            self.selected = None;
            if self.role.restarts {
                self.start_again(cx, self.generation + 1);
            }
            return;
        }
        let (base, to) = (selected.base, selected.remote.address);
        if selected.next_data.is_some_and(|due| due <= now) {
            selected.next_data = Some(now + self.role.data);
            let stamp = Stamp { number: self.history.sent, sent: now };
            if let Some(base) = self.bases.get(base) {
                cx.send(base.socket, to, &stamp.write(64));
                self.history.sent += 1;
            }
        }
        if selected.next_consent <= now {
            selected.next_consent = now + self.role.keepalive;
            self.ask_consent(now, base, to);
        }
    }

    fn deadlines(&self) -> impl Iterator<Item = Instant> + '_ {
        let selected = self.selected.iter().flat_map(|selected| {
            let gone = selected.heard + self.role.consent;
            [Some(gone), Some(selected.next_consent), selected.next_data]
        });
        let client = self.client.as_ref().and_then(Machine::poll_timeout);
        let own = [client, self.next_check, self.nominate_at];
        selected.chain(own).flatten()
    }
}

impl Inhabitant for Agent {
    fn begin(&mut self, cx: &mut Cx<'_>, directory: &Directory, post: &Post) {
        self.post = Some(post.clone());
        self.history.began = cx.now();
        let server = self.known.stun.as_deref();
        self.stun_server =
            server.and_then(|name| directory.resolve(name, crate::roles::stun::PORT));
        let config = ClientConfig::new(crypto::Provider::default());
        self.client = Some(Client::new(config, cx.stream().rng(), cx.now()));
        self.gather(cx);
        self.drain(cx);
    }

    fn report(&self) -> Report {
        self.summary()
    }
}

impl Endpoint for Agent {
    fn handle_datagram(
        &mut self,
        cx: &mut Cx<'_>,
        socket: SocketId,
        meta: &RecvMeta,
        payload: &[u8],
    ) {
        let now = cx.now();
        let Some(base) = self.bases.iter().position(|base| base.socket == socket) else { return };
        if !Message::is_likely(payload) {
            self.history.received += u64::from(Stamp::read(payload).is_some());
            self.heard(now);
            return;
        }
        if !self.answer(cx, base, meta, payload)
            && let Some(client) = &mut self.client
        {
            let RecvMeta { source, destination, ecn, .. } = *meta;
            client.handle_datagram(now, Datagram { source, destination, ecn, payload });
        }
        self.drain(cx);
    }

    fn handle_network_change(&mut self, cx: &mut Cx<'_>, _: NetworkChange) {
        if self.client.is_some() && self.role.restarts {
            self.start_again(cx, self.generation + 1);
            self.drain(cx);
        }
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        if let Some(client) = &mut self.client {
            client.handle_timeout(now);
        }
        if self.next_check.is_some_and(|due| due <= now) {
            self.check_next(now);
        }
        if self.nominate_at.is_some_and(|due| due <= now) {
            self.nominate(now);
        }
        self.tend(cx);
        self.drain(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines().min()
    }
}
