//! The subject's agent, and the suite's peer.

use std::{net::SocketAddr, time::Duration};

use base::{Datagram, Instant};
use simnet::{Host, Link, SocketId};
use wire::ice::{Role, Side};
use wire::stun::{Message, Parsed, TransactionId};

use super::{MILLISECOND, PEER_PRIORITY, SECOND, host_line, needed, on_wire, suite_side};
use crate::{
    Ctl, Outcome, Stop,
    subjects::ice::{IceAgent, IceConfig, IceEvent, IceParameters, IceRole, IceState},
    subjects::stun::Refusal,
    world::Seat,
};

/// How a stage is set up.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Setup {
    /// How the agent is set up.
    pub(in crate::cases) config: IceConfig,
    /// The round-trip time.
    pub(in crate::cases) rtt: Duration,
    /// How many addresses the agent has.
    pub(in crate::cases) locals: u8,
    /// How many addresses the suite's peer has.
    pub(in crate::cases) peers: u8,
    /// How many of them the agent is told as candidates.
    pub(in crate::cases) told: u8,
    /// Whether the agent is told the suite's parameters.
    pub(in crate::cases) introduced: bool,
    /// Whether the suite's peer says that it is lite.
    pub(in crate::cases) peer_is_lite: bool,
    /// Whether the addresses are IPv6.
    pub(in crate::cases) v6: bool,
}

/// An agent of the subject's, and what is needed to meet it.
pub(in crate::cases) struct IceStage {
    /// The agent's place.
    pub(in crate::cases) seat: Seat,
    /// Its addresses.
    pub(in crate::cases) locals: Vec<SocketAddr>,
    /// Its credentials.
    pub(in crate::cases) agent: Side,
    /// The suite's credentials.
    pub(in crate::cases) me: Side,
    /// The role that the suite's peer claims.
    pub(in crate::cases) role: Role,
    /// Its tie-breaker.
    pub(in crate::cases) tie_breaker: u64,
    /// Data that arrived: when, and in which socket.
    pub(in crate::cases) data: Vec<(Instant, usize, Vec<u8>)>,
    sockets: Vec<(SocketId, SocketAddr)>,
    delay: Duration,
    peer_is_lite: bool,
}

/// A STUN message of the agent's.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Heard {
    /// When it was sent.
    pub(in crate::cases) at: Instant,
    /// Where it came from.
    pub(in crate::cases) from: SocketAddr,
    /// In which socket it arrived.
    pub(in crate::cases) socket: usize,
    /// What it says.
    pub(in crate::cases) message: Parsed,
}

impl Heard {
    /// Its transaction.
    pub(in crate::cases) const fn id(&self) -> TransactionId {
        self.message.transaction
    }
}

impl IceStage {
    /// An agent in this role with one address, and a peer with one.
    pub(in crate::cases) fn open(t: &mut Ctl<'_>, role: IceRole) -> Result<Self, Stop> {
        Self::with(t, role, |_| {})
    }

    /// The same, set up as `change` says.
    pub(in crate::cases) fn with(
        t: &mut Ctl<'_>,
        role: IceRole,
        change: impl FnOnce(&mut Setup),
    ) -> Result<Self, Stop> {
        let mut setup = Setup {
            config: IceConfig::new(role),
            rtt: 20 * MILLISECOND,
            locals: 1,
            peers: 1,
            told: 1,
            introduced: true,
            peer_is_lite: false,
            v6: false,
        };
        change(&mut setup);
        let stage = Self::build(t, &setup)?;
        if setup.introduced {
            stage.introduce(t)?;
        }
        for n in 0..usize::from(setup.told) {
            stage.tell(t, n)?;
        }
        Ok(stage)
    }

    fn build(t: &mut Ctl<'_>, setup: &Setup) -> Result<Self, Stop> {
        let address = |last: u8, port: u16| match setup.v6 {
            false => SocketAddr::from(([192, 0, 2, last], port)),
            true => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)], port)),
        };
        let locals: Vec<SocketAddr> = (0..setup.locals).map(|n| address(20 + n, 40_000)).collect();
        let peers: Vec<SocketAddr> = (0..setup.peers).map(|n| address(100 + n, 5_000)).collect();
        let host = |addresses: &[SocketAddr]| {
            let on = Host::on("net");
            addresses.iter().fold(on, |host, address| host.address(&address.ip().to_string()))
        };
        let network = t
            .network()
            .wan("net", "192.0.2.0/24 2001:db8::/64")
            .host("agent", host(&locals))
            .host("peer", host(&peers))
            .link("agent", "net", Link::delayed(setup.rtt / 2));
        t.build(network)?;
        let mut sockets = Vec::new();
        for address in peers {
            sockets.push((t.bind("peer", address)?, address));
        }
        let given: Vec<(u8, SocketAddr)> = locals.iter().map(|&address| (1, address)).collect();
        let seat = t.start_ice("agent", &setup.config, &given)?;
        t.ice(seat, |agent, now| agent.finish_locals(now));
        let parameters = t.ice(seat, |agent, _| agent.parameters());
        Ok(Self {
            seat,
            locals,
            agent: Side::new(&parameters.ufrag, &parameters.pwd),
            me: suite_side(),
            role: on_wire(setup.config.role).other(),
            tie_breaker: 0x0123_4567_89ab_cdef,
            data: Vec::new(),
            sockets,
            delay: setup.rtt / 2,
            peer_is_lite: setup.peer_is_lite,
        })
    }

    /// Tells the agent the suite's parameters.
    pub(in crate::cases) fn introduce(&self, t: &mut Ctl<'_>) -> Outcome {
        let parameters = IceParameters {
            ufrag: self.me.ufrag.clone(),
            pwd: self.me.pwd.clone(),
            options: vec!["ice2".to_owned(), "trickle".to_owned()],
            lite: self.peer_is_lite,
        };
        needed(self.command(t, |agent, now| agent.set_remote(now, &parameters)))
    }

    /// Tells the agent the host candidate of the suite's socket number `n`.
    pub(in crate::cases) fn tell(&self, t: &mut Ctl<'_>, n: usize) -> Outcome {
        let line = host_line(n, self.peer(n));
        needed(self.tell_line(t, &line))
    }

    /// Tells the agent a candidate.
    pub(in crate::cases) fn tell_line(&self, t: &mut Ctl<'_>, line: &str) -> Result<(), Refusal> {
        self.command(t, |agent, now| agent.add_candidate(now, line))
    }

    /// Gives the agent a command.
    pub(in crate::cases) fn command<R>(
        &self,
        t: &mut Ctl<'_>,
        command: impl FnOnce(&mut dyn IceAgent, Instant) -> R,
    ) -> R {
        t.ice(self.seat, command)
    }

    /// The address of the suite's socket number `n`.
    ///
    /// # Panics
    ///
    /// If there is none: a mistake in the case, reported as `harness`.
    pub(in crate::cases) fn peer(&self, n: usize) -> SocketAddr {
        match self.sockets.get(n) {
            Some((_, address)) => *address,
            None => panic!("the suite's peer has no socket number {n}"),
        }
    }

    /// The agent's first address.
    pub(in crate::cases) fn base(&self) -> SocketAddr {
        match self.locals.first() {
            Some(address) => *address,
            None => panic!("the agent has no address"),
        }
    }

    /// The next STUN message of the agent's, if it comes within `limit`.
    pub(in crate::cases) fn hear(&mut self, t: &mut Ctl<'_>, limit: Duration) -> Option<Heard> {
        let until = t.now() + limit;
        let sockets: Vec<SocketId> = self.sockets.iter().map(|(socket, _)| *socket).collect();
        loop {
            let (socket, received) = t.receive_any_within(&sockets, until - t.now())?;
            let at = Instant::ZERO + (received.at - Instant::ZERO).saturating_sub(self.delay);
            if received.payload.first().is_some_and(|byte| *byte > 3) {
                self.data.push((at, socket, received.payload.to_vec()));
                continue;
            }
            match Parsed::read(&received.payload) {
                Ok(message) => return Some(Heard { at, from: received.source, socket, message }),
                Err(malformed) => t.note(format_args!("unreadable: {malformed}")),
            }
        }
    }

    /// The next request of the agent's; other messages are passed over.
    pub(in crate::cases) fn hear_request(
        &mut self,
        t: &mut Ctl<'_>,
        limit: Duration,
    ) -> Option<Heard> {
        let until = t.now() + limit;
        loop {
            let heard = self.hear(t, until - t.now())?;
            if heard.message.is_request() {
                return Some(heard);
            }
        }
    }

    /// The next request, without which the case cannot go on.
    pub(in crate::cases) fn expect_request(
        &mut self,
        t: &mut Ctl<'_>,
        limit: Duration,
    ) -> Result<Heard, Stop> {
        let heard = self.hear_request(t, limit);
        t.expect(heard, "a check of the agent's")
    }

    /// The next response to this transaction; other messages are passed over.
    pub(in crate::cases) fn hear_response(
        &mut self,
        t: &mut Ctl<'_>,
        id: TransactionId,
        limit: Duration,
    ) -> Option<Heard> {
        let until = t.now() + limit;
        loop {
            let heard = self.hear(t, until - t.now())?;
            if !heard.message.is_request() && heard.id() == id {
                return Some(heard);
            }
        }
    }

    /// A new transaction id.
    pub(in crate::cases) fn id(t: &mut Ctl<'_>) -> TransactionId {
        TransactionId(t.rng().public_array())
    }

    /// A check of the suite's peer without its protection, so that more can be added.
    pub(in crate::cases) fn bare_check(&self, t: &mut Ctl<'_>) -> Message {
        let role = self.role.attribute(self.tie_breaker);
        self.agent.bare_check(&self.me, Self::id(t), role, PEER_PRIORITY)
    }

    /// A check of the suite's peer.
    pub(in crate::cases) fn check(&self, t: &mut Ctl<'_>) -> Message {
        let bare = self.bare_check(t);
        self.agent.protect(bare)
    }

    /// A check that nominates.
    pub(in crate::cases) fn nomination(&self, t: &mut Ctl<'_>) -> Message {
        let bare = self.bare_check(t).with(wire::stun::Attribute::use_candidate());
        self.agent.protect(bare)
    }

    /// Sends a message from socket `n` to the agent's first address, and waits until it is there.
    pub(in crate::cases) fn send(&self, t: &mut Ctl<'_>, n: usize, message: &Message) {
        self.send_bytes(t, n, self.base(), &message.encode());
    }

    /// Sends bytes from socket `n` to an address of the agent's, and waits until they are there.
    pub(in crate::cases) fn send_bytes(
        &self,
        t: &mut Ctl<'_>,
        n: usize,
        to: SocketAddr,
        bytes: &[u8],
    ) {
        if let Some((socket, _)) = self.sockets.get(n) {
            let what = match Parsed::read(bytes) {
                Ok(message) => message.to_string(),
                Err(_) => format!("{} bytes", bytes.len()),
            };
            t.send_stimulus(*socket, to, bytes, what);
            t.run_for(self.delay);
        }
    }

    /// Sends bytes from socket `n`, and waits for nothing.
    pub(super) fn send_in_passing(&self, t: &mut Ctl<'_>, n: usize, to: SocketAddr, bytes: &[u8]) {
        if let Some((socket, _)) = self.sockets.get(n) {
            t.send(*socket, to, bytes);
        }
    }

    /// Sends a check from socket `n` and waits for its response.
    pub(in crate::cases) fn ask(
        &mut self,
        t: &mut Ctl<'_>,
        n: usize,
        message: &Message,
    ) -> Option<Heard> {
        self.send(t, n, message);
        self.hear_response(t, message.transaction, SECOND)
    }

    /// Answers a request from the socket where it arrived.
    pub(in crate::cases) fn reply(&self, t: &mut Ctl<'_>, heard: &Heard, message: &Message) {
        self.send_bytes(t, heard.socket, heard.from, &message.encode());
    }

    /// Answers a request as a good peer does.
    pub(in crate::cases) fn answer(&self, t: &mut Ctl<'_>, heard: &Heard) {
        let success = self.me.success(&heard.message, heard.from);
        self.reply(t, heard, &success);
    }

    /// The pair that the agent has selected.
    pub(in crate::cases) fn selected(&self, t: &mut Ctl<'_>) -> Option<(SocketAddr, SocketAddr)> {
        self.command(t, |agent, _| agent.selected(1))
    }

    /// Everything the agent has reported since it was last asked.
    pub(in crate::cases) fn events(&self, t: &mut Ctl<'_>) -> Vec<(Instant, IceEvent)> {
        t.ice_events(self.seat)
    }

    /// Whether the agent has reported this state since it was last asked.
    pub(in crate::cases) fn reported(&self, t: &mut Ctl<'_>, state: IceState) -> bool {
        self.events(t).iter().any(|(_, event)| *event == IceEvent::State(state))
    }

    /// Hands a datagram to nobody but the agent, as if it had arrived at this address.
    pub(in crate::cases) fn hand(
        &self,
        t: &mut Ctl<'_>,
        source: SocketAddr,
        destination: SocketAddr,
        payload: &[u8],
    ) {
        let datagram = Datagram { source, destination, ecn: base::Ecn::NotEct, payload };
        self.command(t, |agent, now| agent.handle_datagram(now, datagram));
    }
}
