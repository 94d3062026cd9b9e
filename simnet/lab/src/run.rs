//! Running a scenario, and what comes of it.

use std::{collections::VecDeque, time::Duration};

use base::Instant;
use simnet::{Network, NodeId, Observer, nat::Nat, nat64::Nat64};

use crate::{
    roles::{
        Role,
        ice::{Factory, IceHost},
        peer::Agent,
    },
    scenario::{Do, Host, Problem, Scenario, assemble},
};

mod deeds;
mod directory;
mod judge;
mod outcome;
mod post;
mod report;

pub(crate) use directory::Directory;
pub use judge::Bound;
pub use outcome::{Outcome, Verdict};
pub(crate) use post::{Letter, Post, Signal};
pub use report::{Figure, Report};

/// A scenario come to life: a network with its participants, what will happen to it, and time.
///
/// Changes of the network happen before everything else that is due at the same time; what is told by
/// signalling, what participants begin, and what happens inside a box, after it.
pub struct World<O = ()> {
    net: Network<O>,
    scenario: Scenario,
    hosts: Vec<Participant>,
    directory: Directory,
    post: Post,
    /// What the laboratory itself does, the next first.
    agenda: VecDeque<(Instant, Deed)>,
    end: Instant,
}

/// A host with its role.
#[derive(Debug)]
struct Participant {
    node: NodeId,
    role: Role,
    life: Life,
}

/// What a role has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// It has not begun.
    Waiting,
    /// It has begun.
    Begun,
    /// Its host crashed; it begins when that starts again.
    Crashed,
}

/// Something that the laboratory does.
#[derive(Clone, Debug)]
enum Deed {
    /// Lets the role of the host begin, unless it has begun.
    Begin(NodeId),
    /// Lets something happen.
    Do(Do),
}

impl Scenario {
    /// Makes a world of it, watched by `observer`.
    ///
    /// # Errors
    ///
    /// The first thing that does not fit. A scenario that was read from text fits.
    pub fn build<O: Observer>(&self, observer: O) -> Result<World<O>, Problem> {
        if let Err(problems) = self.check() {
            return Err(problems.into_first());
        }
        let net = assemble(self)
            .build_observed(observer)
            .map_err(|error| Problem::without_place(error.to_string()))?;
        Ok(World::new(self.clone(), net))
    }
}

impl<O: Observer> World<O> {
    fn new(scenario: Scenario, net: Network<O>) -> Self {
        let directory = Directory::of(net.topology());
        let hosts: Vec<_> = scenario
            .hosts
            .iter()
            .map(|host| Participant::new(net.node(&host.name), host))
            .collect();
        let begins = hosts
            .iter()
            .filter_map(|it| Some((Instant::ZERO + it.role.begins()?, Deed::Begin(it.node))));
        let events = scenario.events.iter();
        let events = events.map(|event| (Instant::ZERO + event.t, Deed::Do(event.action.clone())));
        let mut agenda: Vec<_> = begins.chain(events).collect();
        agenda.sort_by_key(|(at, _)| *at);
        let mut world = Self {
            end: Instant::ZERO + scenario.duration,
            post: Post::new(&scenario.signalling),
            net,
            scenario,
            hosts,
            directory,
            agenda: VecDeque::new(),
        };
        world.lay_routes();
        for (at, deed) in agenda {
            if let Deed::Do(action) = &deed {
                for change in
                    deeds::changes(&world.net, &world.directory, &world.scenario.events, action)
                {
                    world.net.schedule(at, change);
                }
            }
            if deed.is_ours() {
                world.agenda.push_back((at, deed));
            }
        }
        world
    }

    /// Lets it live to the end, and says what came of it.
    pub fn run(&mut self) -> Outcome {
        self.run_until(self.end);
        self.outcome()
    }

    /// Lets time pass up to `limit`.
    pub fn run_until(&mut self, limit: Instant) {
        loop {
            let ours = [self.agenda.front().map(|(at, _)| *at), self.post.due()];
            let ours = ours.into_iter().flatten().min().filter(|at| *at <= limit);
            let nets = self.net.next_event().filter(|at| *at <= limit);
            match (ours, nets) {
                (Some(ours), nets) if nets.is_none_or(|nets| ours < nets) => {
                    self.net.run_until(ours);
                    self.act(ours);
                }
                (_, Some(_)) => {
                    self.net.step();
                }
                _ => break,
            }
        }
        self.net.run_until(limit);
    }

    /// As [`run_until`](World::run_until), `time` from now.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(self.net.now() + time);
    }

    /// What came of it so far.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let reports = self.scenario.hosts.iter().zip(&self.hosts);
        let reports = reports
            .map(|(host, it)| (host.name.clone(), it.role.report(&self.net, it.node)))
            .collect();
        Outcome::of(&self.scenario, &self.net, reports)
    }

    /// Checks what must hold in every world at any time: that each packet is accounted for, and that the
    /// books of every NAT are in order.
    ///
    /// # Errors
    ///
    /// What is wrong, in words. It is a bug of the laboratory.
    pub fn audit(&self) -> Result<(), String> {
        let tally = self.net.tally();
        if !tally.is_conserved() {
            return Err(format!("packets are not conserved: {tally}"));
        }
        for (_, _, it) in self.scenario.boxes() {
            let Some(node) = self.net.find(&it.name) else { continue };
            let nat = self.net.middlebox::<Nat>(node).map_or(Ok(()), Nat::audit);
            let nat64 = self.net.middlebox::<Nat64>(node).map_or(Ok(()), Nat64::audit);
            nat.and(nat64).map_err(|fault| format!("{}: {fault}", it.name))?;
        }
        Ok(())
    }

    /// Has the endpoint of a host with the role `ice` made by somebody else, if it has not begun. False if
    /// there is no such host.
    pub fn seat(&mut self, host: &str, factory: Factory) -> bool {
        let node = self.net.find(host);
        let seated = node
            .and_then(|node| self.net.with_endpoint(node, |it: &mut IceHost, _| it.seat(factory)));
        seated.is_some()
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> &Network<O> {
        &self.net
    }

    /// The network.
    pub const fn network_mut(&mut self) -> &mut Network<O> {
        &mut self.net
    }

    /// The scenario.
    #[must_use]
    pub const fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Ends the world and hands over the observer.
    #[must_use]
    pub fn into_observer(self) -> O {
        self.net.into_observer()
    }

    /// Does what the laboratory has to do at `now`.
    fn act(&mut self, now: Instant) {
        while let Some(letter) = self.post.deliver(now) {
            self.hand_over(&letter);
        }
        while self.agenda.front().is_some_and(|(at, _)| *at <= now) {
            match self.agenda.pop_front() {
                Some((_, Deed::Begin(node))) => self.begin(node),
                Some((_, Deed::Do(action))) => self.perform(&action),
                None => {}
            }
        }
    }

    fn hand_over(&mut self, letter: &Letter) {
        if let Some(node) = self.net.find(&letter.to) {
            match &letter.signal {
                Signal::Peer { generation, candidate } => {
                    self.net.with_endpoint(node, |it: &mut Agent, cx| {
                        it.hear(cx, *generation, *candidate);
                    });
                }
                Signal::Ice(letter) => {
                    self.net.with_endpoint(node, |it: &mut IceHost, cx| it.hear(cx, letter));
                }
            }
        }
    }

    /// Lets the role of a host begin, once in its life.
    fn begin(&mut self, node: NodeId) {
        let waiting = |it: &&mut Participant| it.node == node && it.life == Life::Waiting;
        if let Some(it) = self.hosts.iter_mut().find(waiting) {
            it.life = Life::Begun;
            it.role.begin(&mut self.net, node, &self.directory, &self.post);
        }
    }

    fn participant(&mut self, name: &str) -> Option<&mut Participant> {
        let index = self.scenario.hosts.iter().position(|host| host.name == *name)?;
        self.hosts.get_mut(index)
    }
}

impl Participant {
    fn new(node: NodeId, host: &Host) -> Self {
        Self { node, role: host.role.clone(), life: Life::Waiting }
    }
}

impl<O> std::fmt::Debug for World<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("scenario", &self.scenario.name).finish_non_exhaustive()
    }
}
