//! The network at work.

use std::{collections::VecDeque, time::Duration};

use base::{Instant, SocketError};

use crate::{
    agenda::{Agenda, Work},
    builder::Builder,
    endpoint::Outgoing,
    event::{DropReason, Event, Place},
    id::{HopId, NodeId, PacketId, SocketId},
    link::Media,
    middlebox::Action,
    node::{Hop, Node, Role},
    observer::{Observer, Topology},
    packet::Packet,
    script::Change,
    slab::{Slab, Slot},
    socket::Socket,
    table::Table,
    tally::Tally,
    tcp::TcpStore,
    watch::Watch,
};

mod arrive;
mod caller;
mod carry;
mod change;
mod crash;
mod guard;
mod middle;
mod originate;
mod partition;
mod paths;
mod roam;
mod scope;
mod wake;

pub(crate) use partition::Partition;
pub(crate) use paths::{Ask, Paths};
pub(crate) use scope::Scope;

/// A world of hosts, segments, routers, boxes and links, and the time in it.
///
/// Nothing happens by itself: [`step`](Network::step), [`run_until`](Network::run_until) and
/// [`run_for`](Network::run_for) let time pass, as fast as the processor can. Between them the caller may
/// send and receive through sockets of hosts that have no endpoint, and look at everything.
///
/// The type parameter is the [`Observer`] that watches; the default watches nothing and costs nothing.
#[derive(Debug)]
pub struct Network<O = ()> {
    pub(crate) now: Instant,
    pub(crate) agenda: Agenda,
    pub(crate) packets: Slab,
    pub(crate) nodes: Table<NodeId, Node>,
    pub(crate) hops: Table<HopId, Hop>,
    pub(crate) sockets: Table<SocketId, Socket>,
    pub(crate) tcp: TcpStore,
    pub(crate) changes: Vec<Option<Change>>,
    pub(crate) watch: Watch<O>,
    /// Media that several links share.
    pub(crate) media: Media,
    pub(crate) tally: Tally,
    pub(crate) next_id: u64,
    pub(crate) next_router_identification: u32,
    pub(crate) topology: Topology,
    /// Kept between calls for its memory.
    pub(crate) outbox: Vec<Outgoing>,
    pub(crate) actions: Vec<Action>,
    /// Errors to be told to sockets when the present packet is dealt with.
    pub(crate) errors: VecDeque<(SocketId, SocketError)>,
    /// How often nodes were woken at the present time.
    pub(crate) wakes: u32,
    /// Hosts that do not hear each other.
    pub(crate) partitions: Vec<Partition>,
}

impl Network {
    /// Begins the description of a world whose chance grows from `seed`.
    #[must_use]
    pub fn builder(seed: u64) -> Builder {
        Builder::new(seed)
    }
}

impl<O: Observer> Network<O> {
    /// The time in the world.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// When something happens next; `None` if nothing ever will unless the caller acts.
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        self.agenda.next()
    }

    /// Lets the next thing happen and says when that was; `None` if nothing is left to happen.
    pub fn step(&mut self) -> Option<Instant> {
        let (at, work) = self.agenda.pop(Instant::MAX)?;
        self.perform(at, work);
        Some(at)
    }

    /// Lets everything happen that is due up to `limit`, and makes that the present time.
    pub fn run_until(&mut self, limit: Instant) {
        while let Some((at, work)) = self.agenda.pop(limit) {
            self.perform(at, work);
        }
        self.now = self.now.max(limit);
    }

    /// As [`run_until`](Network::run_until), `duration` from now.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    /// Lets things happen until `done` holds, asked after every one of them, or until `limit`; says
    /// whether it held. If not, the present time is `limit`.
    pub fn run_until_or(
        &mut self,
        limit: Instant,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        loop {
            if done(self) {
                return true;
            }
            match self.agenda.pop(limit) {
                Some((at, work)) => self.perform(at, work),
                None => {
                    self.now = self.now.max(limit);
                    return done(self);
                }
            }
        }
    }

    /// Names and addresses of all parts.
    #[must_use]
    pub const fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The observer.
    #[must_use]
    pub const fn observer(&self) -> &O {
        &self.watch.observer
    }

    /// The observer.
    pub const fn observer_mut(&mut self) -> &mut O {
        &mut self.watch.observer
    }

    /// Ends the run and hands over the observer.
    #[must_use]
    pub fn into_observer(self) -> O {
        self.watch.observer
    }

    /// The hash over everything that happened so far; `None` if the world was built without.
    #[must_use]
    pub fn trace_hash(&self) -> Option<[u8; 32]> {
        self.watch.hash()
    }

    /// Where all the packets went.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let held: u64 = self.nodes.iter().map(|(_, node)| node.held()).sum();
        let mut tally = self.tally.clone();
        tally.in_flight = self.packets.len() as u64 + held;
        tally
    }

    fn perform(&mut self, at: Instant, work: Work) {
        if at > self.now {
            self.now = at;
            self.wakes = 0;
        }
        match work {
            Work::Land(hop) => self.land(hop),
            Work::Arrive(hop, slot) => self.arrive(hop, slot),
            Work::Free(hop) => self.free(hop),
            Work::Release(hop) => self.release(hop),
            Work::Wake(node) => self.wake(node),
            Work::Change(index) => self.scripted(index),
        }
        if !self.errors.is_empty() || !self.tcp.is_idle() {
            self.report_errors();
        }
    }

    pub(crate) const fn paths(&self) -> Paths<'_> {
        Paths { nodes: &self.nodes, hops: &self.hops, now: self.now }
    }

    /// Gives a new packet of `node` its number and a place.
    pub(crate) fn admit(&mut self, node: NodeId, mut packet: Packet) -> Slot {
        packet.id = PacketId(self.next_id);
        packet.origin = node;
        self.next_id += 1;
        self.tally.originated += 1;
        self.packets.insert(packet)
    }

    pub(crate) fn drop_at(&mut self, place: Place, slot: Slot, reason: DropReason, note: &str) {
        self.tally.drop(reason);
        let packet = self.packets.take(slot);
        self.watch.on(self.now, &Event::Dropped { place, packet: &packet, reason, note });
    }

    pub(crate) fn drop_on(&mut self, hop: HopId, slot: Slot, reason: DropReason) {
        self.drop_at(Place::Hop(hop), slot, reason, "");
    }

    pub(crate) fn drop_in(&mut self, node: NodeId, slot: Slot, reason: DropReason) {
        self.drop_at(Place::Node(node), slot, reason, "");
    }
}

impl Node {
    fn held(&self) -> u64 {
        match &self.role {
            Role::Middlebox(middle) => middle.held,
            Role::Host(_) | Role::Switch(_) | Role::Router => 0,
        }
    }
}
