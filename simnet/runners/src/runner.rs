//! What all runners of asynchronous code have in common.

use std::{
    cell::{Ref, RefCell},
    error::Error,
    future::Future,
    net::IpAddr,
    rc::Rc,
    time::Duration,
};

use base::{Instant, WallTime};
use simnet::{Change, Network, NodeId, Observer};

use crate::{
    border::Surroundings,
    home::{self, Home},
    software::{Failure, Software},
    world::{Clock, World},
};

/// Runs asynchronous software on the hosts of a network.
///
/// Software is a function that makes a future: it is called when the host starts, and again whenever it
/// starts anew after a crash. All methods that take names of hosts panic if the network has no such host,
/// which is a mistake of the program.
pub trait Runner: Sized {
    /// Who watches the network.
    type Observer: Observer + 'static;

    /// A runner for a network whose time has not begun.
    fn new(net: Network<Self::Observer>) -> Self;

    /// The network, its names and dates.
    fn stage(&self) -> &Stage<Self::Observer>;

    /// Gives a host its software, once; it starts when time next passes. What order hosts were given their
    /// software in is the order in which they act when they have reason to at the same instant.
    fn host<F, Fut, E>(&mut self, name: &str, software: F)
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Result<(), E>> + 'static,
        E: Into<Box<dyn Error>>;

    /// Lets time pass until `limit`, rounded up to a whole millisecond, or until the software of all of
    /// `hosts` has ended, if there are any; says whether it has.
    ///
    /// # Errors
    ///
    /// If the software of any host ended with an error, as soon as it did. Its panics go on here.
    fn run_until_ended(&mut self, hosts: &[&str], limit: Instant) -> Result<bool, Failure>;

    /// Takes a host down: its sockets are gone without a farewell, and its software with everything it
    /// spawned.
    fn crash(&mut self, name: &str);

    /// Starts a host that crashed. Its software starts when time next passes.
    fn restart(&mut self, name: &str);

    /// Whether the software of a host has started and neither ended nor been taken down.
    fn is_running(&self, name: &str) -> bool;

    /// Lets time pass until `limit`, rounded up to a whole millisecond.
    ///
    /// # Errors
    ///
    /// As [`run_until_ended`](Runner::run_until_ended).
    fn run_until(&mut self, limit: Instant) -> Result<(), Failure> {
        self.run_until_ended(&[], limit).map(|_| ())
    }

    /// Lets time pass.
    ///
    /// # Errors
    ///
    /// As [`run_until_ended`](Runner::run_until_ended).
    fn run_for(&mut self, duration: Duration) -> Result<(), Failure> {
        self.run_until(self.stage().now() + duration)
    }

    /// Cuts hosts off from each other, in both directions. The name of a segment stands for the hosts on
    /// it.
    fn partition(&mut self, one: &[&str], other: &[&str]) {
        let stage = self.stage();
        stage.change(Change::Partition(stage.nodes(one), stage.nodes(other)));
    }

    /// Takes back the partition between these two sides.
    fn heal(&mut self, one: &[&str], other: &[&str]) {
        let stage = self.stage();
        stage.change(Change::Heal(stage.nodes(one), stage.nodes(other)));
    }
}

/// The world of a run: the network, and what hosts know of names and dates.
pub struct Stage<O: Observer + 'static = ()> {
    number: u64,
    world: Rc<RefCell<World<Network<O>>>>,
}

impl<O: Observer + 'static> Stage<O> {
    pub(crate) fn new(net: Network<O>) -> Self {
        let world = Rc::new(RefCell::new(World::new(net)));
        let erased: Rc<RefCell<World>> = Rc::clone(&world) as _;
        Self { number: home::enter(erased), world }
    }

    /// The time in the network.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.world.borrow().net.now()
    }

    /// The hash over everything that happened so far; `None` if the network was built without.
    #[must_use]
    pub fn trace_hash(&self) -> Option<[u8; 32]> {
        self.network().trace_hash()
    }

    /// The network, to be looked at between runs.
    #[must_use]
    pub fn network(&self) -> Ref<'_, Network<O>> {
        Ref::map(self.world.borrow(), |world| &world.net)
    }

    /// Acts on the network between runs, and tells the software that waits for what came of it.
    pub fn with_network<R>(&self, act: impl FnOnce(&mut Network<O>) -> R) -> R {
        let mut world = self.world.borrow_mut();
        let result = act(&mut world.net);
        let woken = world.settle();
        drop(world);
        woken.into_iter().for_each(std::task::Waker::wake);
        result
    }

    /// Changes the network at once.
    pub fn change(&self, change: Change) {
        self.with_network(|net| net.change(change));
    }

    /// Gives a name to addresses, for [`lookup_host`](crate::lookup_host) and
    /// [`Resolver`](runtime::Resolver). Hosts have their own names from the beginning.
    pub fn set_name(&self, name: &str, addresses: Vec<IpAddr>) {
        self.world.borrow_mut().set_name(name, addresses);
    }

    /// Sets the date at the beginning of time; otherwise it is the first of January 2026.
    pub fn set_wall_time(&self, beginning: WallTime) {
        self.world.borrow_mut().epoch = beginning;
    }

    /// What a driver on the host runs on.
    ///
    /// # Panics
    ///
    /// If the network has no such host.
    #[must_use]
    pub fn surroundings(&self, host: &str) -> Surroundings {
        Surroundings { home: self.home(host) }
    }

    /// Takes the world from the software, which may then be dropped without a trace in the network.
    pub(crate) fn close(&self) {
        home::withdraw(self.number);
    }

    /// Hands over the network of a closed stage.
    pub(crate) fn into_network(self) -> Network<O> {
        let world = Rc::clone(&self.world);
        drop(self);
        let world = Rc::into_inner(world).expect("the stage was the last to hold the world");
        world.into_inner().net
    }

    pub(crate) fn home(&self, host: &str) -> Home {
        Home { world: self.number, host: self.network().node(host) }
    }

    fn nodes(&self, names: &[&str]) -> Vec<NodeId> {
        let net = self.network();
        names.iter().map(|name| net.node(name)).collect()
    }

    pub(crate) const fn world(&self) -> &Rc<RefCell<World<Network<O>>>> {
        &self.world
    }

    /// Puts the runner's ear on a host.
    pub(crate) fn listen(&self, home: Home) {
        self.world.borrow_mut().listen(home.host);
    }

    /// Lets the network live until `now` and wakes those who should look again.
    pub(crate) fn advance(&self, now: Instant) {
        let woken = self.world.borrow_mut().advance(now);
        woken.into_iter().for_each(std::task::Waker::wake);
    }

    pub(crate) fn set_clock(&self, clock: Clock) {
        self.world.borrow_mut().set_clock(clock);
    }

    /// Whether a host crashed since this was last asked.
    pub(crate) fn take_unrest(&self) -> bool {
        std::mem::take(&mut self.world.borrow_mut().unrest)
    }

    /// What is to be done about the software of a host, given whether it is there.
    pub(crate) fn verdict(&self, home: Home, alive: bool) -> Verdict {
        let mut world = self.world.borrow_mut();
        let fallen =
            world.hosts.get_mut(&home.host).is_some_and(|host| std::mem::take(&mut host.fallen));
        match (alive && !fallen, world.net.is_crashed(home.host)) {
            (true, _) => Verdict::Leave,
            (false, true) => Verdict::Stop,
            (false, false) => Verdict::Start,
        }
    }
}

impl<O: Observer + 'static> Drop for Stage<O> {
    fn drop(&mut self) {
        home::withdraw(self.number);
    }
}

impl<O: Observer + 'static> std::fmt::Debug for Stage<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// What is to be done about the software of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Leave,
    /// Take it away, if it is there.
    Stop,
    /// Take it away, if it is there, and start it.
    Start,
}

/// The software of a host that has none yet.
pub(crate) fn new_software<'a, O, F, Fut, E>(
    stage: &Stage<O>,
    mut all: impl Iterator<Item = &'a Software>,
    name: &str,
    make: F,
) -> Software
where
    O: Observer + 'static,
    F: Fn() -> Fut + 'static,
    Fut: Future<Output = Result<(), E>> + 'static,
    E: Into<Box<dyn Error>>,
{
    assert!(all.all(|other| other.name != name), "`{name}` was given software already");
    Software::new(name, stage.home(name), make)
}

/// Where the software of the host called `name` stands; panics if the host was given none.
pub(crate) fn place<'a>(mut all: impl Iterator<Item = &'a Software>, name: &str) -> usize {
    all.position(|software| software.name == name)
        .unwrap_or_else(|| panic!("`{name}` was given no software"))
}
