//! Boxes in the path: NATs and firewalls.

use std::any::Any;

use base::{Instant, InterfaceAddress};

use crate::{
    event::{DropReason, NatEvent},
    packet::Packet,
    prefix::Prefix,
    random::Stream,
};

/// A box with an inside and an outside that forwards, changes, answers or drops packets.
///
/// The network calls it; it answers through the [`Outlet`]. Every packet it is given must leave through
/// [`Outlet::forward`], [`Outlet::drop`] or [`Outlet::absorb`], at once or later.
///
/// A box acts as a router: it takes one hop off the hop limit of what it forwards
/// ([`Packet::decrement_hop_limit`]) and tells the sender of packets that live no longer or fit no longer
/// ([`Packet::icmp_error`], [`Outlet::mtu`]), because only the box knows the addresses that its other
/// side can understand.
pub trait Middlebox: Any {
    /// The prefixes that everybody on the outside should send to this box, when those on its inside are
    /// `inside`. Its own addresses are known anyway, and what is not told stays its secret.
    fn announces(&self, inside: &[Prefix]) -> Vec<Prefix> {
        let _ = inside;
        Vec::new()
    }

    /// Called once, when time begins.
    fn start(&mut self, out: &mut Outlet<'_>) {
        let _ = out;
    }

    /// A packet arrived on `side`, whoever it is addressed to.
    fn handle_packet(&mut self, side: Side, packet: Packet, out: &mut Outlet<'_>);

    /// The addresses of the interface on `side` changed; [`Outlet::addresses`] has the new ones.
    fn handle_addresses(&mut self, side: Side, out: &mut Outlet<'_>) {
        let _ = (side, out);
    }

    /// The deadline has come; an early call does nothing.
    fn handle_timeout(&mut self, out: &mut Outlet<'_>) {
        let _ = out;
    }

    /// When to call [`handle_timeout`](Middlebox::handle_timeout) at the latest.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

impl Middlebox for Box<dyn Middlebox> {
    fn announces(&self, inside: &[Prefix]) -> Vec<Prefix> {
        (**self).announces(inside)
    }

    fn start(&mut self, out: &mut Outlet<'_>) {
        (**self).start(out);
    }

    fn handle_packet(&mut self, side: Side, packet: Packet, out: &mut Outlet<'_>) {
        (**self).handle_packet(side, packet, out);
    }

    fn handle_addresses(&mut self, side: Side, out: &mut Outlet<'_>) {
        (**self).handle_addresses(side, out);
    }

    fn handle_timeout(&mut self, out: &mut Outlet<'_>) {
        (**self).handle_timeout(out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (**self).poll_timeout()
    }
}

/// One side of a box: its interface with that number, in the order of attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Side(pub u8);

impl Side {
    /// The private side.
    pub const INSIDE: Self = Self(0);
    /// The public side. A box with several uplinks has further sides after this one.
    pub const OUTSIDE: Self = Self(1);
}

/// What a box sees of the network, and how it answers.
#[derive(Debug)]
pub struct Outlet<'a> {
    now: Instant,
    observed: bool,
    sides: &'a [SideInfo],
    stream: &'a mut Stream,
    actions: &'a mut Vec<Action>,
}

/// An interface of a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideInfo {
    /// Largest IP packet in bytes that it carries.
    pub mtu: u32,
    /// Its addresses.
    pub addresses: Vec<InterfaceAddress>,
}

/// What a box decided, in the words of the [`Outlet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Pass on a packet it was given.
    Forward(Side, Packet),
    /// Send a packet of its own.
    Send(Side, Packet),
    /// End a packet, with a note for people.
    Drop(Packet, DropReason, String),
    /// End a packet that lives on in another.
    Absorb(Packet),
    /// Tell the observers.
    Event(NatEvent),
}

impl<'a> Outlet<'a> {
    /// An outlet that collects what the box decides in `actions`. The network makes one for every call;
    /// tests of a box make their own. With `observed`, notes and events are built.
    pub const fn new(
        now: Instant,
        observed: bool,
        sides: &'a [SideInfo],
        stream: &'a mut Stream,
        actions: &'a mut Vec<Action>,
    ) -> Self {
        Self { now, observed, sides, stream, actions }
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The box's own source of chance.
    pub const fn stream(&mut self) -> &mut Stream {
        self.stream
    }

    /// The addresses of the interface on `side`.
    #[must_use]
    pub fn addresses(&self, side: Side) -> &'a [InterfaceAddress] {
        self.sides.get(usize::from(side.0)).map_or(&[], |info| &info.addresses)
    }

    /// Largest IP packet in bytes that `side` carries.
    #[must_use]
    pub fn mtu(&self, side: Side) -> u32 {
        self.sides.get(usize::from(side.0)).map_or(u32::MAX, |info| info.mtu)
    }

    /// Passes on a packet that the box was given. Where the interface's MTU asks for it and the packet
    /// allows it, the network fragments.
    pub fn forward(&mut self, side: Side, packet: Packet) {
        self.actions.push(Action::Forward(side, packet));
    }

    /// Sends a packet of the box's own making; the network gives it its number.
    pub fn send(&mut self, side: Side, packet: Packet) {
        self.actions.push(Action::Send(side, packet));
    }

    /// Ends a packet.
    pub fn drop(&mut self, packet: Packet, reason: DropReason) {
        self.actions.push(Action::Drop(packet, reason, String::new()));
    }

    /// Ends a packet and says more about why; `note` is called only if somebody watches.
    pub fn drop_because(
        &mut self,
        packet: Packet,
        reason: DropReason,
        note: impl FnOnce() -> String,
    ) {
        let note = if self.observed { note() } else { String::new() };
        self.actions.push(Action::Drop(packet, reason, note));
    }

    /// Ends a packet that lives on in another: a fragment that was put together with others, or a packet
    /// that the box itself consumed.
    pub fn absorb(&mut self, packet: Packet) {
        self.actions.push(Action::Absorb(packet));
    }

    /// An outlet for a box within this one, whose decisions are collected in `actions` for this one to
    /// look at.
    pub(crate) const fn nested<'b>(&'b mut self, actions: &'b mut Vec<Action>) -> Outlet<'b> {
        Outlet {
            now: self.now,
            observed: self.observed,
            sides: self.sides,
            stream: self.stream,
            actions,
        }
    }

    /// Takes over what a box within this one decided.
    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Tells the observers; `event` is called only if somebody watches.
    pub fn event(&mut self, event: impl FnOnce() -> NatEvent) {
        if self.observed {
            let event = event();
            self.actions.push(Action::Event(event));
        }
    }
}
