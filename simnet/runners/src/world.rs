//! A network, and the asynchronous code that waits for it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io,
    net::IpAddr,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use base::{Instant, WallTime};
use runtime::InterfaceIndex;
use simnet::{HopId, Network, NodeId, NodeKind, Observer, SocketId};

use crate::{
    agent::{Agent, Notice, Notices},
    fabric::Fabric,
    tcp::Connections,
    udp::Udp,
    wakers::Wakers,
};

/// Everything that runs and waits in one simulated world.
pub(crate) struct World<N: ?Sized = dyn Fabric> {
    pub(crate) sockets: BTreeMap<SocketId, Udp>,
    pub(crate) tcp: Connections,
    pub(crate) hosts: BTreeMap<NodeId, HostState>,
    /// Addresses by name.
    names: BTreeMap<String, Vec<IpAddr>>,
    /// The date at the beginning of time.
    pub(crate) epoch: WallTime,
    /// Whether a host crashed, and the runner has not asked since.
    pub(crate) unrest: bool,
    clock: Clock,
    /// The runner, which sleeps until the network has something to do.
    runner: Option<(Instant, Waker)>,
    notices: Notices,
    pub(crate) woken: Vec<Waker>,
    pub(crate) net: N,
}

/// What the runner must know of a host.
#[derive(Default)]
pub(crate) struct HostState {
    /// Counts changes of its interfaces.
    pub(crate) changes: u64,
    pub(crate) watchers: Wakers,
    /// Tasks to be spawned there.
    pub(crate) spawned: Vec<runtime::BoxFuture<'static, ()>>,
    pub(crate) spawner: Wakers,
    /// How many seeds were drawn.
    pub(crate) seeds: u64,
    /// Whether it crashed, and its software is still to be taken away.
    pub(crate) fallen: bool,
}

/// Who says what time it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// The runner moves the network before any code runs.
    Runner,
    /// Code runs on a paused clock of tokio, which began at this instant of the network.
    Paused(tokio::time::Instant),
}

/// Midnight before the first of January 2026: where wall clocks start unless told otherwise.
const DEFAULT_EPOCH: Duration = Duration::from_secs(1_767_225_600);

impl<O: Observer> World<Network<O>> {
    pub(crate) fn new(net: Network<O>) -> Self {
        let names = names(&net);
        Self {
            sockets: BTreeMap::new(),
            tcp: Connections::default(),
            hosts: BTreeMap::new(),
            names,
            epoch: WallTime::from_unix(DEFAULT_EPOCH),
            unrest: false,
            clock: Clock::Runner,
            runner: None,
            notices: Rc::new(RefCell::new(Vec::new())),
            woken: Vec::new(),
            net,
        }
    }
}

/// Every host by its own name, and the addresses it has at the beginning, IPv4 first.
fn names<O: Observer>(net: &Network<O>) -> BTreeMap<String, Vec<IpAddr>> {
    let topology = net.topology();
    let hosts = topology.nodes.iter().filter(|node| node.kind == NodeKind::Host);
    let of = |id| {
        let hops = topology.hops.iter().filter(move |hop| hop.node == id);
        let all = hops.flat_map(|hop| &hop.addresses).map(|address| address.ip);
        let mut all: Vec<IpAddr> = all.filter(|ip| !ip.is_loopback()).collect();
        all.sort_by_key(IpAddr::is_ipv6);
        all
    };
    hosts.map(|host| (host.name.clone(), of(host.id))).collect()
}

impl<N: Fabric + ?Sized> World<N> {
    /// Makes the network as old as the code that runs.
    pub(crate) fn catch_up(&mut self) {
        if let Clock::Paused(start) = self.clock {
            let now = Instant::ZERO + start.elapsed();
            if now > self.net.now() {
                self.net.run_until(now);
            }
        }
    }

    /// Lets the network live until `now`, and hands over those who should look again.
    pub(crate) fn advance(&mut self, now: Instant) -> Vec<Waker> {
        self.net.run_until(now);
        self.settle()
    }

    /// Takes in what the network told, and hands over those who should look again.
    pub(crate) fn settle(&mut self) -> Vec<Waker> {
        // Hearing of one thing may make another happen.
        loop {
            let notices = std::mem::take(&mut *self.notices.borrow_mut());
            if notices.is_empty() {
                break;
            }
            notices.into_iter().for_each(|notice| self.hear(notice));
        }
        if let Some((planned, _)) = &self.runner
            && self.net.next_event().is_some_and(|next| next < *planned)
            && let Some((_, runner)) = self.runner.take()
        {
            self.woken.push(runner);
        }
        std::mem::take(&mut self.woken)
    }

    fn hear(&mut self, notice: Notice) {
        let woken = &mut self.woken;
        match notice {
            Notice::Ready(socket) => {
                if let Some(udp) = self.sockets.get_mut(&socket) {
                    udp.readers.wake(woken);
                }
            }
            Notice::Tcp(host, event) => self.hear_tcp(host, event),
            Notice::Changed(host) => {
                if let Some(state) = self.hosts.get_mut(&host) {
                    state.changes += 1;
                    state.watchers.wake(woken);
                }
            }
            Notice::Crashed(host) => self.fall(host),
        }
    }

    /// Forgets what belonged to a host that crashed, and wakes those who wait for it: they are to hear
    /// that it is gone.
    fn fall(&mut self, host: NodeId) {
        for udp in self.sockets.values_mut().filter(|udp| udp.host == host) {
            udp.readers.wake(&mut self.woken);
        }
        self.sockets.retain(|_, udp| udp.host != host);
        self.tcp.fall(host, &mut self.woken);
        let state = self.hosts.entry(host).or_default();
        state.fallen = true;
        self.unrest = true;
        state.spawned.clear();
        state.watchers.wake(&mut self.woken);
        if let Some((_, runner)) = self.runner.take() {
            self.woken.push(runner);
        }
    }

    /// Puts the runner's ear on a host.
    pub(crate) fn listen(&mut self, host: NodeId) {
        self.hosts.entry(host).or_default();
        self.net.install(host, Agent::new(host, Rc::clone(&self.notices)));
    }

    /// Says who moves time from now on.
    pub(crate) const fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// The runner sleeps until `planned`; it is woken when something is due earlier.
    pub(crate) fn park(&mut self, planned: Instant, cx: &Context<'_>) {
        self.runner = Some((planned, cx.waker().clone()));
    }

    /// The runner is up, and looks for itself.
    pub(crate) fn unpark(&mut self) {
        self.runner = None;
    }

    pub(crate) fn set_name(&mut self, name: &str, addresses: Vec<IpAddr>) {
        self.names.insert(name.to_owned(), addresses);
    }

    /// The addresses of a name, or of the text of an address, the best for the host first.
    pub(crate) fn resolve(&self, host: NodeId, name: &str) -> io::Result<Vec<IpAddr>> {
        if let Ok(ip) = name.parse() {
            return Ok(vec![ip]);
        }
        let found = self.names.get(name).filter(|addresses| !addresses.is_empty());
        let found = found.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("nobody is called `{name}`"))
        })?;
        Ok(self.net.order_destinations(host, found))
    }

    /// The interface of a host that has this number.
    pub(crate) fn interface(&self, host: NodeId, index: InterfaceIndex) -> io::Result<HopId> {
        let hops = &self.net.topology().hops;
        let found = hops.iter().find(|hop| hop.node == host && number_of(hop.id) == index);
        found.map(|hop| hop.id).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("the host has no interface {index}"))
        })
    }

    /// The interfaces of a host with their numbers.
    pub(crate) fn interfaces(&self, host: NodeId) -> Vec<(InterfaceIndex, base::Interface)> {
        let topology = self.net.topology();
        let node = topology.node_name(host);
        let number = |interface: base::Interface| {
            let full = format!("{node}.{}", interface.name);
            let hop = topology.hops.iter().find(|hop| hop.node == host && hop.name == full)?;
            Some((number_of(hop.id), interface))
        };
        self.net.interfaces(host).into_iter().filter_map(number).collect()
    }

    /// How often the interfaces of a host changed.
    pub(crate) fn changes(&self, host: NodeId) -> u64 {
        self.hosts.get(&host).map_or(0, |state| state.changes)
    }

    /// Bytes for a machine to grow its chance from, new ones at each call.
    pub(crate) fn seed(&mut self, host: NodeId) -> [u8; 32] {
        let state = self.hosts.entry(host).or_default();
        state.seeds += 1;
        let path = format!("{}/seed/{}", self.net.topology().node_name(host), state.seeds);
        let mut seed = [0; 32];
        self.net.stream(&path).fill(&mut seed);
        seed
    }

    /// Leaves a task for the host to take up.
    pub(crate) fn spawn(&mut self, host: NodeId, task: runtime::BoxFuture<'static, ()>) {
        let state = self.hosts.entry(host).or_default();
        state.spawned.push(task);
        state.spawner.wake(&mut self.woken);
    }

    /// Tasks that were left for the host, and a promise to wake the asker when there are more.
    pub(crate) fn take_spawned(
        &mut self,
        host: NodeId,
        cx: &Context<'_>,
    ) -> Vec<runtime::BoxFuture<'static, ()>> {
        let state = self.hosts.entry(host).or_default();
        state.spawner.add(cx);
        std::mem::take(&mut state.spawned)
    }

    /// Ready, with the count, once the interfaces changed since they were counted as `seen`.
    pub(crate) fn poll_changed(
        &mut self,
        host: NodeId,
        seen: u64,
        cx: &Context<'_>,
    ) -> Poll<io::Result<u64>> {
        if self.net.is_crashed(host) {
            return Poll::Ready(Err(gone()));
        }
        let state = self.hosts.entry(host).or_default();
        if state.changes > seen {
            return Poll::Ready(Ok(state.changes));
        }
        state.watchers.add(cx);
        Poll::Pending
    }
}

/// The number by which the host's programs know the interface; system calls mean none in particular by 0.
pub(crate) const fn number_of(hop: HopId) -> InterfaceIndex {
    InterfaceIndex(hop.get() + 1)
}

/// What sockets say after the crash of their host.
pub(crate) fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the host of this socket went down")
}
