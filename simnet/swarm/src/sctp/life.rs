//! A world at work: the network, the two applications, and what is done to them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use base::Instant;
use simnet::{
    Driven, Gaps, Host, Jitter, Link, Loss as LinkLoss, Network, NodeId, Observer,
    Queue as LinkQueue, QueueLimit,
};

use super::{
    app::App,
    lane::Phase,
    message::Key,
    plan::{Deed, Longer, Loss, NAMES, Plan, Queue, Setup, Way},
    promises,
};

/// Time between two looks at the applications.
const LOOK: Duration = Duration::from_millis(50);
/// How long a world is watched after all is over.
const CALM: Duration = Duration::from_secs(2);
/// How long signalling takes.
const SIGNALLING: Duration = Duration::from_millis(30);
const PORT: u16 = 9_899;
const ADDRESSES: [&str; 2] = ["11.0.0.10", "11.0.0.20"];

/// A world at work.
pub(crate) struct Life<O: Observer> {
    plan: Arc<Plan>,
    pub(crate) network: Network<O>,
    /// When all that was to happen had happened.
    pub(crate) done: Option<Instant>,
    /// Until when it should have.
    pub(crate) limit: Instant,
    /// When both were connected.
    pub(crate) met: Option<Instant>,
    /// Whether the deed of the plan was done.
    pub(crate) deed: Option<Deed>,
}

impl<O: Observer> Life<O> {
    /// The world of a plan, at its beginning.
    pub(crate) fn new(plan: Plan, observer: O) -> Self {
        let plan = Arc::new(plan);
        let mut builder = Network::builder(plan.seed).wan("wan", "11.0.0.0/8");
        for ((name, address), way) in NAMES.into_iter().zip(ADDRESSES).zip(&plan.ways) {
            let host = Host::on("wan").address(address);
            let link = link(&plan, way, plan.mtu.bytes, true);
            builder = builder.host(name, host).link_from(name, "wan", link);
        }
        let network = builder.build_observed(observer);
        let network = network.unwrap_or_else(|error| panic!("the world does not fit: {error}"));
        let limit = Instant::ZERO + plan.storm;
        Self { plan, network, done: None, limit, met: None, deed: None }
    }

    /// Lets the world live to its end.
    pub(crate) fn run(&mut self) {
        let plan = Arc::clone(&self.plan);
        let mut steps = vec![(plan.storm, Step::Heal)];
        steps.extend((0..NAMES.len()).map(|side| (self.start(side), Step::Begin(side))));
        if plan.setup == Setup::Snap {
            let both = self.start(0).max(self.start(1)) + SIGNALLING;
            steps.push((both, Step::Signal));
        }
        steps.extend(plan.mtu.later.map(|(at, mtu)| (at, Step::Mtu(mtu))));
        if let Some((at, deed)) = plan.deed {
            steps.push((at, Step::Deed(deed)));
            if let Deed::ShutdownBoth(after) = deed {
                steps.push((at + after, Step::Shutdown(1)));
            }
        }
        steps.sort_by_key(|(at, _)| *at);
        let mut mtu = plan.mtu.bytes;
        let mut storm = true;
        for (at, step) in steps {
            self.network.run_until((Instant::ZERO + at).max(self.network.now()));
            self.meet();
            match step {
                Step::Begin(side) => self.begin(side),
                Step::Signal => self.signal(),
                Step::Mtu(bytes) => mtu = bytes,
                Step::Heal => storm = false,
                Step::Deed(deed) => self.act(deed),
                Step::Shutdown(side) if self.deed.is_some() => self.tell(side, App::shutdown),
                Step::Shutdown(_) => {}
            }
            if matches!(step, Step::Mtu(_) | Step::Heal) {
                self.change_links(mtu, storm);
            }
        }
        self.finish();
    }

    /// The application of a side, once it has begun.
    pub(crate) fn app(&self, side: usize) -> Option<&App> {
        self.network.machine::<App>(self.node(side))
    }

    pub(crate) fn node(&self, side: usize) -> NodeId {
        self.network.node(NAMES.get(side).copied().unwrap_or_default())
    }

    /// Runs until nothing is left to do, or the time for it is over.
    fn finish(&mut self) {
        let now = self.network.now();
        self.limit = now + promises::given(&self.plan);
        while self.network.now() < self.limit {
            let now = self.network.now();
            let next = self.network.next_event().unwrap_or(self.limit).max(now + LOOK);
            self.network.run_until(next.min(self.limit));
            self.meet();
            if self.is_over() {
                self.done = Some(self.network.now());
                break;
            }
        }
        self.network.run_for(CALM + self.plan.round_trip());
    }

    /// Whether all that should happen has happened.
    fn is_over(&self) -> bool {
        let [Some(one), Some(other)] = [self.app(0), self.app(1)] else { return false };
        if !(self.all_read(one, other) && self.all_read(other, one)) {
            return false;
        }
        if matches!(self.deed, Some(Deed::Shutdown(_) | Deed::ShutdownBoth(_) | Deed::Abort(_))) {
            return one.diary.closed.is_some() && other.diary.closed.is_some();
        }
        let quiet = |app: &App| {
            app.lanes().iter().all(|lane| lane.phase == Phase::Done)
                && app.end().association().is_idle()
        };
        quiet(one) && quiet(other)
    }

    /// Whether every message that must arrive has been read.
    fn all_read(&self, sender: &App, reader: &App) -> bool {
        sender.diary.sent.iter().all(|(key, sent)| {
            let read = reader.diary.received.get(key).map_or(0, Vec::len);
            !self.must_arrive(key) || read >= sent.len()
        })
    }

    /// Whether all messages of a lane must arrive: those of a reliable one, unless the association began
    /// anew meanwhile or was aborted.
    pub(crate) fn must_arrive(&self, key: &Key) -> bool {
        let epoch = (0..NAMES.len()).filter_map(|side| self.app(side)).map(|app| app.diary.epoch);
        let lost = matches!(self.deed, Some(Deed::Abort(_)));
        promises::is_reliable(&self.plan, key) && !lost && Some(key.epoch) == epoch.max()
    }

    fn start(&self, side: usize) -> Duration {
        self.plan.sides.get(side).map(|side| side.start).unwrap_or_default()
    }

    fn meet(&mut self) {
        let connected = |side| self.app(side).and_then(|app| app.diary.connected);
        if let (None, Some(one), Some(other)) = (self.met, connected(0), connected(1)) {
            self.met = Some(one.max(other));
        }
    }

    fn tell(&mut self, side: usize, act: impl FnOnce(&mut App, Instant)) {
        let node = self.node(side);
        self.network.command(node, act);
    }

    /// Puts an application on its host.
    fn begin(&mut self, side: usize) {
        let now = self.network.now();
        let name = NAMES.get(side).copied().unwrap_or_default();
        let stream = |what: &str| self.network.stream(&format!("{name} {what}"));
        let chance = (stream("rng").rng(), stream("cuts"));
        let app = App::new(&self.plan, side, [address(side), address(1 - side)], chance, now);
        let node = self.node(side);
        self.network.install(node, Driven::new(app).bind(address(side)));
        let connects = match self.plan.setup {
            Setup::One(first) => first == side,
            Setup::Both => true,
            Setup::Snap => false,
        };
        if connects {
            self.tell(side, App::connect);
        }
    }

    fn signal(&mut self) {
        let mut inits = [Vec::new(), Vec::new()];
        for (side, init) in inits.iter_mut().enumerate() {
            let node = self.node(side);
            self.network.command(node, |app: &mut App, _| *init = app.init_chunk());
        }
        let [first, second] = inits;
        self.tell(0, |app, now| app.connect_with(now, &second));
        self.tell(1, |app, now| app.connect_with(now, &first));
    }

    fn act(&mut self, deed: Deed) {
        // Before both are connected there is nothing to restart or end.
        if self.met.is_none() {
            return;
        }
        self.deed = Some(deed);
        match deed {
            Deed::Restart(side) => {
                let rng = self.network.stream("life after").rng();
                self.tell(side, |app, now| app.restart(now, rng));
            }
            Deed::Shutdown(side) => self.tell(side, App::shutdown),
            Deed::ShutdownBoth(_) => self.tell(0, App::shutdown),
            Deed::Abort(side) => self.tell(side, App::abort),
        }
    }

    fn change_links(&mut self, mtu: u32, storm: bool) {
        let plan = Arc::clone(&self.plan);
        for (name, way) in NAMES.into_iter().zip(&plan.ways) {
            let hop = self.network.hop(&format!("{name}.eth0"));
            let hop = hop.expect("each host has one interface");
            self.network.change_link(hop, link(&plan, way, mtu, storm));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Begin(usize),
    Signal,
    Mtu(u32),
    Deed(Deed),
    Shutdown(usize),
    Heal,
}

fn address(side: usize) -> SocketAddr {
    let ip = ADDRESSES.get(side).and_then(|ip| ip.parse().ok());
    SocketAddr::new(ip.expect("the addresses are addresses"), PORT)
}

fn link(plan: &Plan, way: &Way, mtu: u32, storm: bool) -> Link {
    let share = |percent: u32| f64::from(percent) / 100.0;
    let delay = Duration::from_millis(u64::from(way.delay));
    let carries = usize::try_from(mtu).unwrap_or(usize::MAX);
    let link = Link::delayed(delay).rate(u64::from(way.rate) * 1_000).queue(match way.queue {
        Queue::DropTail(millis) => {
            LinkQueue::DropTail(QueueLimit::time(Duration::from_millis(u64::from(millis))))
        }
        Queue::Codel => LinkQueue::codel(),
        Queue::FqCodel => LinkQueue::fq_codel(),
        Queue::Pie => LinkQueue::pie(),
        Queue::DualPi2 => LinkQueue::dualpi2(),
    });
    let link = match plan.mtu.longer {
        Longer::Fragmented => link.path_mtu(mtu, false),
        Longer::Told => link.mtu(mtu),
        Longer::Vanish => link.losing_if(move |_, packet| packet.ip_length() > carries),
    };
    if !storm {
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
        .duplicating(share(way.duplicate))
        .corrupting_unnoticed(share(way.corrupt));
    if plan.partitions.is_empty() {
        return link;
    }
    link.gaps(Gaps::listed(plan.partitions.iter().copied()).lossy())
}
