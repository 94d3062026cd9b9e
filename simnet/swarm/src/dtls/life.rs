//! A world at work: the network, the two applications, and what is done to them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use base::Instant;
use dtls::{Config, PeerCheck};
use simnet::{Driven, Host, Jitter, Link, Loss as LinkLoss, Network, NodeId, Observer};

use super::{
    app::{App, Habits},
    identities::{credential, fingerprint},
    plan::{AROUND, Loss, NAMES, Plan, Side, Way},
};

/// How long the world is watched after the network has healed.
pub(crate) const CALM: Duration = Duration::from_secs(8);
/// Time between two looks at the applications.
const LOOK: Duration = Duration::from_millis(20);
/// How late a side learns of a fingerprint after its beginning.
const LATE: Duration = Duration::from_millis(700);
/// The ports of each side; the client moves from one to the other.
const PORTS: [u16; 2] = [5_000, 5_001];
const ADDRESSES: [&str; 2] = ["11.0.0.10", "11.0.0.20"];

/// A world at work.
pub(crate) struct Life<'p, O: Observer> {
    plan: &'p Plan,
    pub(crate) network: Network<O>,
    /// When both were connected, and what the handshake had cost each of them.
    pub(crate) met: Option<(Instant, [Cost; 2])>,
    /// When the network healed.
    pub(crate) healed: Option<Instant>,
}

/// What a side has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
    pub(crate) timeouts: u64,
    pub(crate) acknowledgements: u64,
}

impl<'p, O: Observer> Life<'p, O> {
    /// The world of a plan, at its beginning.
    pub(crate) fn new(plan: &'p Plan, observer: O) -> Self {
        let mut builder = Network::builder(plan.seed).wan("wan", "11.0.0.0/8");
        for ((name, address), way) in NAMES.into_iter().zip(ADDRESSES).zip(&plan.ways) {
            builder = builder.host(name, Host::on("wan").address(address)).link_from(
                name,
                "wan",
                link(way, plan.mtu, Stage::Handshake),
            );
        }
        let network = builder.build_observed(observer);
        let network = network.unwrap_or_else(|error| panic!("the world does not fit: {error}"));
        Self { plan, network, met: None, healed: None }
    }

    /// Lets the two meet, and no more.
    pub(crate) fn meet(&mut self) {
        let begin = self.plan.sides.iter().map(|side| side.start).max().unwrap_or_default();
        let end = Instant::ZERO + begin + self.plan.given() + LATE;
        let mut starts: Vec<_> =
            self.plan.sides.iter().enumerate().map(|(index, side)| (side.start, index)).collect();
        starts.sort_unstable();
        for (start, index) in starts {
            self.network.run_until(Instant::ZERO + start);
            self.begin(index);
        }
        while self.network.now() < end && !self.has_ended() {
            let next = self.network.next_event().unwrap_or(end).max(self.network.now() + LOOK);
            self.network.run_until(next.min(end));
            let connected = |side| self.app(side).and_then(|app| app.diary.connected);
            if let (Some(one), Some(other)) = (connected(0), connected(1)) {
                self.met = Some((one.max(other), [self.cost(0), self.cost(1)]));
                return;
            }
        }
    }

    /// Lets the world live to its end.
    pub(crate) fn run(&mut self) {
        self.meet();
        let Some((met, _)) = self.met else { return };
        self.become_of(Stage::Storm);
        let storm = met + self.plan.storm;
        let updates =
            self.plan.updates.iter().map(|update| (met + update.after, Deed::Update(*update)));
        let moves = self.plan.rebinding.map(|after| (met + after, Deed::Rebind));
        let mut deeds: Vec<_> = updates.chain(moves).chain([(storm, Deed::Heal)]).collect();
        deeds.sort_by_key(|(at, _)| *at);
        for (at, deed) in deeds {
            self.network.run_until(at.max(self.network.now()));
            match deed {
                Deed::Update(update) => {
                    self.tell(update.side, |app, now| app.update_keys(now, update.asks));
                }
                Deed::Rebind => self.tell(0, App::rebind),
                Deed::Heal => {
                    self.healed = Some(self.network.now());
                    self.become_of(Stage::Healed);
                }
            }
        }
        self.network.run_until(storm.max(self.network.now()) + CALM);
        for side in 0..NAMES.len() {
            self.tell(side, |app, _| app.quiet());
        }
        self.network.run_for(self.plan.round_trip() + Duration::from_secs(2));
    }

    /// The application of a side, once it has begun.
    pub(crate) fn app(&self, side: usize) -> Option<&App> {
        self.network.machine::<App>(self.node(side))
    }

    pub(crate) fn node(&self, side: usize) -> NodeId {
        self.network.node(NAMES.get(side).copied().unwrap_or_default())
    }

    fn has_ended(&self) -> bool {
        let closed = |side| self.app(side).is_some_and(|app| app.diary.closed.is_some());
        closed(0) || closed(1)
    }

    fn cost(&self, side: usize) -> Cost {
        let Some(app) = self.app(side) else { return Cost::default() };
        let stats = app.end().association().map(dtls::Association::stats);
        Cost {
            datagrams: app.diary.datagrams,
            bytes: app.diary.bytes,
            timeouts: stats.map_or(0, |stats| stats.timeouts),
            acknowledgements: stats.map_or(0, |stats| stats.acknowledgements_sent),
        }
    }

    fn tell(&mut self, side: usize, act: impl FnOnce(&mut App, Instant)) {
        let node = self.node(side);
        self.network.command(node, act);
    }

    fn become_of(&mut self, stage: Stage) {
        for (name, way) in NAMES.into_iter().zip(&self.plan.ways) {
            let hop = self.network.hop(&format!("{name}.eth0"));
            let hop = hop.expect("each host has one interface");
            self.network.change_link(hop, link(way, self.plan.mtu, stage));
        }
    }

    fn begin(&mut self, index: usize) {
        let (Some(side), Some(other)) =
            (self.plan.sides.get(index), self.plan.sides.get(1 - index))
        else {
            return;
        };
        let now = self.network.now();
        let habits = habits(self.plan, index, side, other, now);
        let ports = habits.ports;
        let name = NAMES.get(index).copied().unwrap_or_default();
        let rng = self.network.stream(name).rng();
        let app = App::new(habits, Arc::new(config(self.plan, index, side, other)), rng, now);
        let driven = ports.into_iter().fold(Driven::new(app), Driven::bind);
        let node = self.node(index);
        self.network.install(node, driven);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Update(super::plan::Update),
    Rebind,
    Heal,
}

/// How bad the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// As the plan says; what is corrupted is found out by checksums.
    Handshake,
    /// As the plan says; what is corrupted arrives.
    Storm,
    /// Nothing is lost but what is too long.
    Healed,
}

fn link(way: &Way, mtu: u32, stage: Stage) -> Link {
    let share = |percent: u32| f64::from(percent) / 100.0;
    let delay = Duration::from_millis(u64::from(way.delay));
    let carries = usize::try_from(mtu).unwrap_or(usize::MAX);
    let link = Link::delayed(delay).losing_if(move |_, packet| packet.ip_length() > carries);
    if stage == Stage::Healed {
        return link;
    }
    let (rate, burst) = way.loss.rate();
    let link = match way.loss {
        Loss::None => link,
        Loss::Single(_) => link.loss(LinkLoss::random(rate)),
        Loss::Bursts(..) => link.loss(LinkLoss::bursts(rate, burst)),
    };
    let jitter = Duration::from_millis(u64::from(way.jitter));
    let link = link
        .jitter(Jitter::reordering(jitter))
        .reordering(share(way.reorder), Duration::from_millis(80))
        .duplicating(share(way.duplicate));
    match stage {
        Stage::Handshake => link.corrupting(share(way.corrupt)),
        Stage::Storm | Stage::Healed => link.corrupting_unnoticed(share(way.corrupt)),
    }
}

fn habits(plan: &Plan, index: usize, side: &Side, other: &Side, now: Instant) -> Habits {
    let at = |index: usize, port: usize| -> SocketAddr {
        let ip = ADDRESSES.get(index).and_then(|ip| ip.parse().ok());
        let ip = ip.expect("the addresses are addresses");
        SocketAddr::new(ip, PORTS.get(port).copied().unwrap_or_default())
    };
    let carries = usize::try_from(plan.mtu - AROUND).unwrap_or(usize::MAX);
    let limit = other.record_limit.map_or(u64::MAX, |limit| u64::from(limit) - 17);
    let learns = learns_late(plan, index, side);
    Habits {
        side: index,
        seed: plan.seed,
        ports: [at(index, 0), at(index, 1)],
        peer: at(1 - index, 0),
        pace: side.pace,
        longest: side.longest.min(limit),
        mtu: side.knows_mtu.then_some(carries),
        round_trip: side.knows_rtt.then(|| plan.round_trip()),
        late: learns.then(|| (now + LATE, fingerprint(other.key))),
    }
}

/// Whether the side has a certificate to check, and learns late what it has to match.
const fn learns_late(plan: &Plan, index: usize, side: &Side) -> bool {
    side.learns_late && (index == 0 || plan.mutual)
}

fn config(plan: &Plan, index: usize, side: &Side, other: &Side) -> Config {
    let mut config = Config::new(crypto::rust_crypto(), credential(side.key).clone());
    [config.min_version, config.max_version] = side.versions;
    config.suites.clone_from(&side.suites);
    config.groups.clone_from(&side.groups);
    config.key_shares = side.groups.iter().copied().take(side.shares).collect();
    config.srtp_profiles.clone_from(&side.profiles);
    config.alpn = vec![b"webrtc".to_vec(), b"c-webrtc".to_vec()];
    config.connection_id = side.connection_id;
    config.record_size_limit = side.record_limit;
    config.cookies = plan.cookies;
    config.requires_client_certificate = plan.mutual;
    config.peer_check = match (index, plan.mutual) {
        (1, false) => PeerCheck::NoCertificate,
        _ if learns_late(plan, index, side) => PeerCheck::Later,
        _ => PeerCheck::Fingerprints(vec![fingerprint(other.key)]),
    };
    config.handshake_timeout = plan.given();
    config.max_timeouts = u32::MAX;
    config
}
