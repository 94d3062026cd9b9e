//! Two peers at home behind NATs, with servers outside, and somebody who carries letters between them.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Rng, WallTime};
use ice::{Candidate, Event, Kind, Outgoing, Role, State};
use peer::{IceTransport, IceTransportConfig};
use simnet::{Attach, Driven, Host, Link, Network, NodeId, nat::Config, nat::Nat};
use turn::server::{Accounts, Policy, RelayAddress};

use crate::support::{addr, config};

/// The TURN server, which is a STUN server as well.
pub(crate) const SERVER: &str = "11.0.0.3:3478";
/// Another one.
pub(crate) const OTHER_SERVER: &str = "11.0.0.4:3478";

pub(crate) struct World {
    pub(crate) net: Network,
    pub(crate) peers: [NodeId; 2],
    /// What each has reported, but for candidates and data.
    pub(crate) told: [Vec<String>; 2],
    /// What each has received.
    pub(crate) data: [Vec<Vec<u8>>; 2],
    /// Candidates that each has told.
    pub(crate) candidates: [Vec<Candidate>; 2],
    /// Whether letters are carried.
    pub(crate) carries: bool,
}

pub(crate) fn turn_server(
    address: &str,
    tune: impl FnOnce(&mut turn::ServerConfig),
) -> Driven<turn::Server> {
    let provider = crypto::Provider::default();
    let accounts = Accounts::new("test")
        .and_then(|accounts| accounts.with_user(provider, "user", "password"))
        .expect("plain words");
    let mut config = turn::ServerConfig::new(provider, accounts, WallTime::UNIX_EPOCH);
    let address = addr(address);
    config.udp.push(address);
    config.tcp.push(address);
    config.relay_v4 = Some(RelayAddress::new(address.ip()));
    config.policy = Policy::for_laboratories();
    tune(&mut config);
    let rng = Rng::from_seed([3; 32]);
    Driven::new(turn::Server::new(config, rng, Instant::ZERO).expect("it fits together"))
}

impl World {
    /// Alice and Bob behind such NATs, set up in such a way.
    pub(crate) fn new(nats: [Config; 2], tune: impl Fn(&mut IceTransportConfig)) -> Self {
        Self::with_server(nats, tune, |_| {})
    }

    /// The same, with a server set up in such a way.
    pub(crate) fn with_server(
        [one, other]: [Config; 2],
        tune: impl Fn(&mut IceTransportConfig),
        tune_server: impl FnOnce(&mut turn::ServerConfig),
    ) -> Self {
        let seat = |role, seed| {
            let mut config = config();
            config.ice.role = role;
            tune(&mut config);
            Driven::new(IceTransport::new(config, Rng::from_seed([seed; 32]), Instant::ZERO))
        };
        let delay = Link::delayed(Duration::from_millis(10));
        let net = Network::builder(1)
            .wan("wan", "11.0.0.0/8")
            .lan("lan-a", "192.168.1.0/24")
            .lan("lan-b", "192.168.2.0/24")
            .middlebox(
                "home-a",
                Attach::to("lan-a").and_to("wan").address("11.0.1.1"),
                Nat::new(one),
            )
            .middlebox(
                "home-b",
                Attach::to("lan-b").and_to("wan").address("11.0.2.1"),
                Nat::new(other),
            )
            .host(
                "alice",
                Host::on("lan-a").address("192.168.1.2").endpoint(seat(Role::Controlling, 1)),
            )
            .host(
                "bob",
                Host::on("lan-b").address("192.168.2.2").endpoint(seat(Role::Controlled, 2)),
            )
            .host(
                "server",
                Host::on("wan").address("11.0.0.3").endpoint(turn_server(SERVER, tune_server)),
            )
            .host(
                "other",
                Host::on("wan").address("11.0.0.4").endpoint(turn_server(OTHER_SERVER, |_| {})),
            )
            .link("home-a", "wan", delay.clone())
            .link("home-b", "wan", delay)
            .build()
            .expect("it fits together");
        let peers = [net.node("alice"), net.node("bob")];
        let mut world = Self {
            net,
            peers,
            told: Default::default(),
            data: Default::default(),
            candidates: Default::default(),
            carries: true,
        };
        world.introduce();
        for side in 0..2 {
            world.act(side, |it, now| it.gather(now));
        }
        world
    }

    pub(crate) fn act<R>(
        &mut self,
        side: usize,
        act: impl FnOnce(&mut IceTransport, Instant) -> R,
    ) -> R {
        self.net.command(self.peers[side], act).expect("a transport lives there")
    }

    pub(crate) fn peer(&self, side: usize) -> &IceTransport {
        self.net.machine(self.peers[side]).expect("a transport lives there")
    }

    /// Tells each the parameters of the other.
    pub(crate) fn introduce(&mut self) {
        for side in 0..2 {
            let parameters = self.peer(1 - side).local_parameters().clone();
            let _ = self.act(side, |it, now| it.set_remote_parameters(now, parameters));
        }
    }

    /// Lets time pass, and carries letters.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.net.now() + time;
        while self.net.now() < end {
            self.carry();
            let step = self.net.now() + Duration::from_millis(10);
            self.net.run_until(step.min(end));
        }
        self.carry();
    }

    fn carry(&mut self) {
        for side in 0..2 {
            while let Some((_, event)) = self.net.machine_event::<IceTransport>(self.peers[side]) {
                match event {
                    Event::LocalCandidate(candidate) => {
                        self.candidates[side].push(candidate.clone());
                        if self.carries {
                            self.act(1 - side, |it, now| {
                                let _ = it.add_remote_candidate(now, candidate);
                            });
                        }
                    }
                    Event::Data { payload, .. } => self.data[side].push(payload),
                    Event::Restarted => {
                        let parameters = self.peer(side).local_parameters().clone();
                        let _ =
                            self.act(1 - side, |it, now| it.set_remote_parameters(now, parameters));
                    }
                    other => self.told[side].push(format!("{other:?}")),
                }
            }
        }
    }

    /// Restarts ICE at one side, and tells the other.
    pub(crate) fn restart(&mut self, side: usize) {
        self.act(side, |it, now| it.restart(now));
        let parameters = self.peer(side).local_parameters().clone();
        self.act(1 - side, |it, now| it.set_remote_parameters(now, parameters))
            .expect("they are new");
        self.carry();
    }

    /// Types of the candidates in use at one side.
    pub(crate) fn kinds(&self, side: usize) -> Option<(Kind, Kind)> {
        let path = self.peer(side).path(1).filter(|path| path.nominated)?;
        Some((path.local_kind, path.remote_kind))
    }

    pub(crate) fn is_connected(&self) -> bool {
        [0, 1].iter().all(|&side| self.peer(side).state() == State::Completed)
    }

    /// Sends a datagram through the sockets of the host; whether it could.
    pub(crate) fn send(&mut self, side: usize, payload: &[u8]) -> bool {
        let mut buffer = Vec::new();
        let sent = self.act(side, |it, now| it.send(now, 1, payload, &mut buffer));
        match sent {
            Ok(Outgoing::Datagram(transmit)) => {
                // What the caller was given is the caller's to send: here, as a raw packet.
                let from: SocketAddr = transmit.source.expect("it says from where");
                let packet = simnet::Packet::udp(from, transmit.destination, buffer);
                self.net.inject(self.peers[side], packet);
                true
            }
            Ok(Outgoing::Stream { .. }) | Err(_) => false,
        }
    }

    pub(crate) fn relayed(&self, side: usize) -> Vec<SocketAddr> {
        self.peer(side).relays().flat_map(|relay| relay.relayed).collect()
    }
}
