//! The network in the hands of a case.

use std::{fmt::Display, net::SocketAddr, time::Duration};

use base::Instant;
use simnet::{Builder, Middlebox, Network, Received, SocketId};

use super::{Ctl, Outcome, Stop};
use crate::{
    subjects::nat::NatConfig,
    subjects::stun::{
        ClientEvent, Discovery, DiscoveryConfig, StunClient, StunClientConfig, StunServerConfig,
    },
    world::{ClientReport, DiscoveryReport, Net, Player, Recorder, Seat, World, later},
};

/// Building the network and putting subjects into it.
impl Ctl<'_> {
    /// Begins the description of this case's network. All its chance comes from the case's seed.
    #[must_use]
    pub fn network(&self) -> Builder {
        Network::<()>::builder(self.seed)
    }

    /// Builds the network. Time begins.
    ///
    /// # Errors
    ///
    /// [`Stop::Harness`] if the description does not fit together, or there is a network already.
    pub fn build(&mut self, builder: Builder) -> Outcome {
        if self.world.is_some() {
            return Err(Stop::Harness("the case builds a second network".to_owned()));
        }
        let net = builder.build_observed(Recorder::new(self.record)).map_err(|error| {
            Stop::Harness(format!("the network does not fit together: {error}"))
        })?;
        self.world = Some(World::new(net));
        Ok(())
    }

    /// The network, for everything that is not offered here. Subjects do not notice what happens in it
    /// while it is run directly: let time pass with [`run_for`](Ctl::run_for) and its kin.
    ///
    /// # Panics
    ///
    /// If there is none yet: a mistake in the case, reported as `harness`.
    pub fn net(&mut self) -> &mut Net {
        &mut self.world().net
    }

    /// Starts the subject's STUN server on `host`, bound to the addresses of `config`.
    ///
    /// # Errors
    ///
    /// [`Stop::Unsupported`] if the subject has none, [`Stop::Harness`] if it cannot be bound.
    pub fn start_server(&mut self, host: &str, config: &StunServerConfig) -> Result<Seat, Stop> {
        let server = self.subject.stun_server(config, self.fork("subject"));
        let server = server.ok_or_else(|| unsupported("STUN server"))?;
        self.seat(host, &config.addresses, Player::Server(server))
    }

    /// Starts the subject's STUN client on `host`, bound to its local address.
    ///
    /// # Errors
    ///
    /// [`Stop::Unsupported`] if the subject has none, [`Stop::Harness`] if it cannot be bound.
    pub fn start_client(&mut self, host: &str, config: &StunClientConfig) -> Result<Seat, Stop> {
        let client = self.subject.stun_client(config, self.fork("subject"));
        let client = client.ok_or_else(|| unsupported("STUN client"))?;
        self.seat(host, &[config.local], Player::Client(client, Default::default()))
    }

    /// Starts the subject's discovery client on `host`, bound to its local addresses.
    ///
    /// # Errors
    ///
    /// [`Stop::Unsupported`] if the subject has none, [`Stop::Harness`] if it cannot be bound.
    pub fn start_discovery(&mut self, host: &str, config: &DiscoveryConfig) -> Result<Seat, Stop> {
        let discovery = self.subject.discovery(config, self.fork("subject"));
        let discovery = discovery.ok_or_else(|| unsupported("discovery client"))?;
        let mut locals = vec![config.local];
        locals.extend(&config.others);
        self.seat(host, &locals, Player::Discovery(discovery, Default::default()))
    }

    /// The subject's NAT, for [`Builder::middlebox`].
    ///
    /// # Errors
    ///
    /// [`Stop::Unsupported`] if the subject has none that behaves so.
    pub fn nat(&self, config: &NatConfig) -> Result<Box<dyn Middlebox>, Stop> {
        self.subject.nat(config).ok_or_else(|| unsupported("NAT"))
    }

    pub(super) fn seat(
        &mut self,
        host: &str,
        at: &[SocketAddr],
        player: Player,
    ) -> Result<Seat, Stop> {
        let world = self.world.as_mut().ok_or_else(no_network)?;
        let seat = world.seat(host, at, player).map_err(Stop::Harness)?;
        world.settle();
        Ok(seat)
    }

    pub(super) fn world(&mut self) -> &mut World {
        match &mut self.world {
            Some(world) => world,
            None => panic!("the case uses the network before it builds one"),
        }
    }
}

/// Sockets of the case itself.
impl Ctl<'_> {
    /// Binds a socket of the case on `host`. Port 0 asks for an ephemeral port.
    ///
    /// # Errors
    ///
    /// [`Stop::Harness`] if there is no such host or the address is not free.
    pub fn bind(&mut self, host: &str, local: SocketAddr) -> Result<SocketId, Stop> {
        let world = self.world.as_mut().ok_or_else(no_network)?;
        let node = world.net.find(host);
        let node = node.ok_or_else(|| Stop::Harness(format!("no host is called {host}")))?;
        world.net.bind(node, local).map_err(|error| Stop::Harness(error.to_string()))
    }

    /// Sends a datagram. What becomes of it shows when time passes.
    pub fn send(&mut self, socket: SocketId, to: SocketAddr, payload: &[u8]) {
        self.net().send(socket, to, payload);
    }

    /// Sends a datagram that the assertions are about. If nobody ever receives it, the case cannot pass.
    ///
    /// Do not use it for what a NAT is expected to stop: there, mark with
    /// [`stimulus`](Ctl::stimulus) what shows that the NAT saw it.
    pub fn send_stimulus(
        &mut self,
        socket: SocketId,
        to: SocketAddr,
        payload: &[u8],
        what: impl Display,
    ) {
        let net = self.net();
        net.observer_mut().await_stimulus(what.to_string(), payload);
        net.send(socket, to, payload);
    }

    /// The oldest datagram that waits in a socket of the case.
    pub fn receive(&mut self, socket: SocketId) -> Option<Received> {
        self.net().receive(socket)
    }

    /// Lets time pass until a datagram waits in the socket, and takes it; gives up after `limit`.
    pub fn receive_within(&mut self, socket: SocketId, limit: Duration) -> Option<Received> {
        let world = self.world();
        let limit = later(&world.net, limit);
        world.receive_until(socket, limit)
    }

    /// Lets time pass and takes everything that arrives in the socket until then.
    pub fn receive_all(&mut self, socket: SocketId, duration: Duration) -> Vec<Received> {
        self.run_for(duration);
        std::iter::from_fn(|| self.receive(socket)).collect()
    }
}

/// Time.
impl Ctl<'_> {
    /// Lets time pass; the subjects do what they have to do.
    pub fn run_for(&mut self, duration: Duration) {
        let world = self.world();
        let limit = later(&world.net, duration);
        world.run_until(limit);
    }

    /// Lets time pass up to `limit`.
    pub fn run_until(&mut self, limit: Instant) {
        self.world().run_until(limit);
    }
}

/// Subjects in the network.
impl Ctl<'_> {
    /// Gives a client a command; what it sends in consequence is on its way afterwards.
    ///
    /// # Panics
    ///
    /// If `seat` is not a client's: a mistake in the case, reported as `harness`.
    pub fn client<R>(
        &mut self,
        seat: Seat,
        command: impl FnOnce(&mut dyn StunClient, Instant) -> R,
    ) -> R {
        let world = self.world();
        let now = world.net.now();
        let Some(Player::Client(client, _)) = world.player(seat) else {
            panic!("{seat:?} is not a STUN client");
        };
        let outcome = command(client.as_mut(), now);
        world.settle();
        outcome
    }

    /// The next thing a client reports, with its time, if it has reported it already.
    pub fn client_event(&mut self, seat: Seat) -> Option<ClientReport> {
        match self.world().player(seat) {
            Some(Player::Client(_, reports)) => reports.pop_front(),
            _ => None,
        }
    }

    /// Lets time pass until a client reports something; gives up after `limit`.
    pub fn client_event_within(&mut self, seat: Seat, limit: Duration) -> Option<ClientReport> {
        let world = self.world();
        let limit = later(&world.net, limit);
        world.run_until_event(limit, |world| match world.player(seat) {
            Some(Player::Client(_, reports)) => !reports.is_empty(),
            _ => false,
        });
        self.client_event(seat)
    }

    /// Everything a client has reported so far and nobody has taken.
    pub fn client_events(&mut self, seat: Seat) -> Vec<ClientEvent> {
        std::iter::from_fn(|| self.client_event(seat)).map(|(_, event)| event).collect()
    }

    /// Gives a discovery client a command; what it sends in consequence is on its way afterwards.
    ///
    /// # Panics
    ///
    /// If `seat` is not a discovery client's: a mistake in the case, reported as `harness`.
    pub fn discovery<R>(
        &mut self,
        seat: Seat,
        command: impl FnOnce(&mut dyn Discovery, Instant) -> R,
    ) -> R {
        let world = self.world();
        let now = world.net.now();
        let Some(Player::Discovery(discovery, _)) = world.player(seat) else {
            panic!("{seat:?} is not a discovery client");
        };
        let outcome = command(discovery.as_mut(), now);
        world.settle();
        outcome
    }

    /// The next thing a discovery client reports, with its time, if it has reported it already.
    pub fn discovery_event(&mut self, seat: Seat) -> Option<DiscoveryReport> {
        match self.world().player(seat) {
            Some(Player::Discovery(_, reports)) => reports.pop_front(),
            _ => None,
        }
    }

    /// Lets time pass until a discovery client reports something; gives up after `limit`.
    pub fn discovery_event_within(
        &mut self,
        seat: Seat,
        limit: Duration,
    ) -> Option<DiscoveryReport> {
        let world = self.world();
        let limit = later(&world.net, limit);
        world.run_until_event(limit, |world| match world.player(seat) {
            Some(Player::Discovery(_, reports)) => !reports.is_empty(),
            _ => false,
        });
        self.discovery_event(seat)
    }
}

pub(super) fn unsupported(what: &str) -> Stop {
    Stop::Unsupported(format!("the subject has no {what} of this configuration"))
}

fn no_network() -> Stop {
    Stop::Harness("the case uses the network before it builds one".to_owned())
}
