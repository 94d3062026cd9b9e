//! Two agents, whoever is between them, and messages made by hand.

use std::{net::SocketAddr, time::Duration};

use base::{Datagram, Ecn, Instant, Machine, Rng};
use ice::{Agent, Config, DropReason, Event, LocalSocket, Parameters, Received, Role};
use stun::{
    Builder, Key,
    wire::{Class, IceControlling, Method, Priority, TransactionId, Username},
};

/// A packet that was sent, and when.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// An agent, its peer, and everything that was sent.
pub(crate) struct World {
    pub(crate) ours: Agent,
    pub(crate) theirs: Agent,
    pub(crate) now: Instant,
    pub(crate) log: Vec<Sent>,
    /// Whether packets between the two arrive.
    pub(crate) is_cut: bool,
}

pub(crate) fn provider() -> crypto::Provider {
    crypto::rust_crypto()
}

pub(crate) fn our_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 1_000))
}

pub(crate) fn their_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 2], 2_000))
}

/// An address of the attacker, or of whom the attacker wants shot at.
pub(crate) fn elsewhere(n: u32) -> SocketAddr {
    let [_, high, middle, low] = n.to_be_bytes();
    SocketAddr::from(([203, high, middle, low], 6_666))
}

/// An agent with one socket.
pub(crate) fn agent(role: Role, address: SocketAddr) -> Agent {
    let mut config = Config::new(provider());
    config.role = role;
    let rng = Rng::from_seed([role as u8; 32]);
    let mut agent = Agent::new(config, rng, Instant::ZERO);
    agent.add_socket(Instant::ZERO, LocalSocket::udp(1, address)).unwrap();
    agent.finish_gathering(Instant::ZERO);
    agent
}

impl World {
    /// The two have told each other everything and nothing was sent.
    pub(crate) fn new() -> Self {
        let ours = agent(Role::Controlled, our_address());
        let theirs = agent(Role::Controlling, their_address());
        let (now, log) = (Instant::ZERO, Vec::new());
        let mut world = Self { ours, theirs, now, log, is_cut: false };
        let (ours, theirs) = (&mut world.ours, &mut world.theirs);
        ours.set_remote_parameters(now, theirs.local_parameters().clone()).unwrap();
        theirs.set_remote_parameters(now, ours.local_parameters().clone()).unwrap();
        introduce(ours, theirs);
        introduce(theirs, ours);
        world
    }

    /// They are connected, and have been for some seconds.
    pub(crate) fn connected() -> Self {
        let mut world = Self::new();
        world.run(Duration::from_secs(7));
        assert_eq!(world.ours.state(), ice::State::Completed);
        world.log.clear();
        world
    }

    /// Time passes.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.carry();
            let deadlines = [self.ours.poll_timeout(), self.theirs.poll_timeout()];
            let next = deadlines.into_iter().flatten().min();
            let Some(next) = next.filter(|&next| next <= end) else { break };
            self.now = next;
            self.ours.handle_timeout(next);
            self.theirs.handle_timeout(next);
        }
        self.now = end;
    }

    /// Carries what is sent, and what that leads to. Packets to others go to the log alone.
    pub(crate) fn carry(&mut self) {
        loop {
            let mut sent = outgoing(&mut self.ours, self.now);
            sent.extend(outgoing(&mut self.theirs, self.now));
            if sent.is_empty() {
                return;
            }
            for one in sent.iter().filter(|_| !self.is_cut) {
                let to = match one.destination {
                    to if to == our_address() => &mut self.ours,
                    to if to == their_address() => &mut self.theirs,
                    _ => continue,
                };
                tell(to, self.now, (one.source, one.destination), &one.bytes);
            }
            self.log.extend(sent);
        }
    }

    /// The attacker tells us something.
    pub(crate) fn inject(&mut self, source: SocketAddr, bytes: &[u8]) -> Received {
        tell(&mut self.ours, self.now, (source, our_address()), bytes)
    }

    /// What the attacker gets for it.
    pub(crate) fn answers(&mut self) -> Vec<Sent> {
        outgoing(&mut self.ours, self.now)
    }

    /// A check as the peer would make it, with what `fill` adds.
    pub(crate) fn peers_check(&self, fill: impl FnOnce(&mut Builder<'_>)) -> Vec<u8> {
        let ours = self.ours.local_parameters();
        let theirs = self.theirs.local_parameters();
        check(&username(ours, theirs), Some(&key(ours)), fill)
    }

    /// How often something was dropped by us for this reason.
    pub(crate) fn dropped(&self, reason: DropReason) -> u64 {
        self.ours.stats().dropped.get(reason)
    }
}

/// Hands the candidates of one to the other.
fn introduce(from: &mut Agent, to: &mut Agent) {
    while let Some(event) = from.poll_event() {
        if let Event::LocalCandidate(candidate) = event {
            to.add_remote_candidate(Instant::ZERO, candidate).unwrap();
        }
    }
}

pub(crate) fn tell(
    agent: &mut Agent,
    now: Instant,
    (source, destination): (SocketAddr, SocketAddr),
    payload: &[u8],
) -> Received {
    agent.receive(now, Datagram { source, destination, ecn: Ecn::NotEct, payload })
}

/// Everything an agent has to send.
pub(crate) fn outgoing(agent: &mut Agent, now: Instant) -> Vec<Sent> {
    std::iter::from_fn(|| {
        let mut bytes = Vec::new();
        let sent = agent.poll_transmit(now, &mut bytes)?;
        let (source, destination) = (sent.source.unwrap(), sent.destination);
        Some(Sent { at: now, source, destination, bytes })
    })
    .collect()
}

pub(crate) fn key(parameters: &Parameters) -> Key {
    Key::short_term(provider(), parameters.pwd.as_str()).unwrap()
}

/// What a check to `to` from `from` names itself.
pub(crate) fn username(to: &Parameters, from: &Parameters) -> String {
    format!("{}:{}", to.ufrag, from.ufrag)
}

/// A check of a controlling agent, signed if there is a key.
pub(crate) fn check(
    username: &str,
    key: Option<&Key>,
    fill: impl FnOnce(&mut Builder<'_>),
) -> Vec<u8> {
    message(Class::Request, TransactionId::new([0x5a; 12]), |builder| {
        builder.put(&Username::new(username).unwrap());
        builder.put(&Priority(1_862_270_975)).put(&IceControlling(u64::MAX));
        fill(builder);
        if let Some(key) = key {
            builder.integrity(key);
        }
        builder.fingerprint();
    })
}

pub(crate) fn message(
    class: Class,
    id: TransactionId,
    fill: impl FnOnce(&mut Builder<'_>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut builder = Builder::new(&mut bytes, Method::BINDING, class, id);
    fill(&mut builder);
    builder.finish().unwrap();
    bytes
}
