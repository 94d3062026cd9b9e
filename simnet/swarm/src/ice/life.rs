//! A world at work: the network, the servers, the applications, and what is told between them.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use base::{Instant, Rng, WallTime};
use ice::{Nomination, Role};
use lab::World;
use peer::{IceServer, IceTransportConfig, Policy, TcpCandidates};
use simnet::{Driven, NodeId, Observer};
use turn::server::{Accounts, RelayAddress};

use super::{
    app::{App, Habits, Testimony},
    letter::Letter,
    plan::{NAMES, Plan, What},
    promises::TRIES,
    scenario::{STUN, TURN, addresses_of, scenario, turn_restarts},
};

/// The name and the password of both at the TURN server.
const ACCOUNT: (&str, &str) = ("peer", "a password for worlds that are not real");
/// The port of STUN: RFC 8489 §18.6.
const STUN_PORT: u16 = 3_478;

/// A world at work.
pub(crate) struct Life<'p, O: Observer> {
    plan: &'p Plan,
    pub(crate) world: World<O>,
    /// Letters on their way: when they arrive, their number, the side that gets them.
    post: BTreeMap<(Instant, u64), (usize, Letter)>,
    posted: u64,
    /// What is done besides what the scenario says, the next first.
    deeds: Vec<(Instant, Deed)>,
    dice: simnet::Stream,
    pub(crate) letters: u64,
    /// What Bob had to say just before his host crashed.
    last_words: Option<Testimony>,
}

/// What is done besides what the scenario says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Begin(usize),
    Serve,
    Restart(usize),
    /// Listens to Bob a last time.
    Listen,
}

impl<'p, O: Observer> Life<'p, O> {
    /// The world of a plan, at its beginning.
    pub(crate) fn new(plan: &'p Plan, observer: O) -> Self {
        let scenario = scenario(plan);
        let world = scenario.build(observer);
        let world = world.unwrap_or_else(|problem| panic!("the world does not fit: {problem}"));
        let dice = world.network().stream("signalling");
        let mut life = Self {
            plan,
            world,
            post: BTreeMap::new(),
            posted: 0,
            deeds: deeds(plan),
            dice,
            letters: 0,
            last_words: None,
        };
        life.serve_stun();
        life.serve_turn();
        life
    }

    /// Lets it live to its end.
    pub(crate) fn run(&mut self) {
        let end = Instant::ZERO + self.plan.end;
        let mut now = Instant::ZERO;
        while now < end {
            // No letter that is written from now on arrives before the end of the slice.
            let slice = now + self.plan.signalling.delay;
            let letter = self.post.first_key_value().map(|((at, _), _)| *at);
            let deed = self.deeds.first().map(|(at, _)| *at);
            let next = [letter, deed].into_iter().flatten().chain([slice, end]).min();
            now = next.unwrap_or(end).max(now);
            self.world.run_until(now);
            self.act(now);
            for side in 0..NAMES.len() {
                self.collect(side);
            }
        }
    }

    fn act(&mut self, now: Instant) {
        while let Some((at, deed)) = self.deeds.first().copied().filter(|(at, _)| *at <= now) {
            debug_assert!(at <= now, "deeds are done in time");
            self.deeds.remove(0);
            match deed {
                Deed::Begin(side) => self.begin(side, now),
                Deed::Serve => self.serve_turn(),
                Deed::Listen => self.last_words = self.app(1).map(App::testimony),
                Deed::Restart(side) => {
                    self.tell(side, |app, now| app.restart(now));
                }
            }
        }
        while let Some(entry) = self.post.first_entry().filter(|entry| entry.key().0 <= now) {
            let (side, letter) = entry.remove();
            self.tell(side, |app, now| app.hear(now, letter));
        }
    }

    /// Takes the letters that a side has written.
    fn collect(&mut self, side: usize) {
        let node = self.node(side);
        while let Some((at, letter)) = self.world.network_mut().machine_event::<App>(node) {
            let spread = u64::try_from(self.plan.signalling.spread.as_millis()).unwrap_or(0);
            let late = Duration::from_millis(self.dice.below(spread + 1));
            let due = at + self.plan.signalling.delay + late;
            self.posted += 1;
            self.letters += 1;
            self.post.insert((due, self.posted), (1 - side, letter));
        }
    }

    fn tell(&mut self, side: usize, act: impl FnOnce(&mut App, Instant)) {
        let node = self.node(side);
        self.world.network_mut().command(node, act);
    }

    fn node(&self, side: usize) -> NodeId {
        self.world.network().node(name(side))
    }

    /// The application of a side, if its host is up.
    pub(crate) fn app(&self, side: usize) -> Option<&App> {
        self.world.network().machine::<App>(self.node(side))
    }

    /// What the application of a side has to say in the end, or had to say before its host crashed.
    pub(crate) fn testimony(&self, side: usize) -> Option<Testimony> {
        let crashed = (side == 1).then(|| self.last_words.clone()).flatten();
        crashed.or_else(|| self.app(side).map(App::testimony))
    }

    fn begin(&mut self, side: usize, now: Instant) {
        let Some(planned) = self.plan.sides.get(side) else { return };
        let rng = self.rng(name(side));
        let mut ice = ice::Config::new(crypto::Provider::default());
        ice.role = if planned.controlling { Role::Controlling } else { Role::Controlled };
        if planned.aggressive {
            ice.nomination = Nomination::Aggressive;
        }
        let mut config = IceTransportConfig::new(ice);
        config.servers = servers(self.plan);
        if planned.relay_only {
            config.policy = Policy::Relay;
        }
        if planned.tcp {
            config.tcp = TcpCandidates::BOTH;
        }
        let heal = Instant::ZERO + self.plan.heal;
        let habits = Habits {
            index: u8::try_from(side).unwrap_or(0),
            seed: self.plan.seed,
            trickle: planned.trickle,
            heal,
            gives_up: heal + TRIES,
        };
        let node = self.node(side);
        let app = App::new(habits, config, rng, now);
        self.world.network_mut().install(node, Driven::new(app));
    }

    fn serve_stun(&mut self) {
        if !self.plan.stun {
            return;
        }
        let config = stun::ServerConfig::new(crypto::Provider::default());
        let server = stun::Server::new(config, self.rng("stun"), Instant::ZERO);
        let mut driven = Driven::new(server);
        for ip in addresses_of(self.plan.family, STUN) {
            driven = driven.bind(at(ip, STUN_PORT));
        }
        let node = self.world.network().node("stun");
        self.world.network_mut().install(node, driven);
    }

    /// Starts the TURN server, which remembers nothing.
    fn serve_turn(&mut self) {
        let Some(planned) = self.plan.turn else { return };
        let (name, password) = ACCOUNT;
        let now = self.world.network().now();
        let provider = crypto::Provider::default();
        let accounts = Accounts::new("swarm")
            .and_then(|accounts| accounts.with_user(provider, name, password))
            .expect("names are made of letters");
        let wall = WallTime::UNIX_EPOCH;
        let mut config = turn::ServerConfig::new(provider, accounts, wall);
        for ip in addresses_of(self.plan.family, TURN) {
            if let Some(port) = planned.udp {
                config = config.at(at(ip, port));
            }
            if let Some(port) = planned.tcp {
                config.tcp.push(at(ip, port));
                relay_from(&mut config, at(ip, port));
            }
        }
        // Applications that restart again and again leave allocations behind that they cannot give back.
        config.quotas.allocations_per_user = 256;
        let rng = self.rng(&format!("turn at {now}"));
        let server = turn::Server::new(config, rng, now);
        let driven = Driven::new(server.expect("the configuration fits together"));
        let node = self.world.network().node("turn");
        self.world.network_mut().install(node, driven);
    }

    fn rng(&self, label: &str) -> Rng {
        self.world.network().stream(&format!("machine/{label}")).rng()
    }
}

fn relay_from(config: &mut turn::ServerConfig, address: SocketAddr) {
    let relay = Some(RelayAddress::new(address.ip()));
    if address.is_ipv4() {
        config.relay_v4 = relay;
    } else {
        config.relay_v6 = relay;
    }
}

/// What is done besides what the scenario says, in the order of time.
fn deeds(plan: &Plan) -> Vec<(Instant, Deed)> {
    let at = |time: Duration| Instant::ZERO + time;
    let sides = plan.sides.iter().enumerate();
    let mut deeds: Vec<_> =
        sides.map(|(index, side)| (at(side.start), Deed::Begin(index))).collect();
    deeds.extend(turn_restarts(plan).into_iter().map(|time| (at(time), Deed::Serve)));
    // The last instant before the crash.
    let listen = plan.gone.map(|gone| gone.saturating_sub(Duration::from_nanos(1)));
    deeds.extend(listen.map(|time| (at(time), Deed::Listen)));
    for fault in &plan.faults {
        let restarts: &[usize] = match &fault.what {
            What::Restart(index) => std::slice::from_ref(index),
            What::Glare => &[0, 1],
            _ => &[],
        };
        deeds.extend(restarts.iter().map(|index| (at(fault.at), Deed::Restart(*index))));
    }
    deeds.sort_by_key(|(at, _)| *at);
    deeds
}

/// The servers that both are told of.
fn servers(plan: &Plan) -> Vec<IceServer> {
    let mut servers = Vec::new();
    if plan.stun {
        let stun = addresses_of(plan.family, STUN).into_iter().map(|ip| at(ip, STUN_PORT));
        servers.extend(stun.map(IceServer::Stun));
    }
    let Some(planned) = plan.turn else { return servers };
    let (name, password) = ACCOUNT;
    let ports = [(planned.udp, turn::Transport::Udp), (planned.tcp, turn::Transport::Tcp)];
    for ip in addresses_of(plan.family, TURN) {
        for (port, transport) in &ports {
            let Some(port) = *port else { continue };
            let server = IceServer::turn(at(ip, port), transport.clone(), name, password);
            servers.push(server.expect("the name is made of letters"));
        }
    }
    servers
}

fn at(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().expect("an address of the plan"), port)
}

fn name(side: usize) -> &'static str {
    NAMES.get(side).copied().unwrap_or("nobody")
}
