//! A NAT on the bench: packets in by hand, decisions out, books audited after every step.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, InterfaceAddress};
use simnet::{
    Action, Body, DropReason, Fragment, Icmp, IcmpError, Middlebox, NatEvent, Outlet, Packet,
    Quote, Side, SideInfo, Stream,
    nat::{Config, Nat},
};

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Forwarded(Side, Packet),
    Dropped(DropReason, String),
    /// It waits in the box.
    Held,
}

/// The NAT, its surroundings and what it said.
pub(crate) struct Bench {
    pub(crate) nat: Nat,
    pub(crate) now: Instant,
    pub(crate) events: Vec<NatEvent>,
    /// Packets of the box's own making.
    pub(crate) sent: Vec<(Side, Packet)>,
    /// Why packets ended while time passed.
    pub(crate) lost: Vec<DropReason>,
    /// Packets forwarded besides the one that was put in.
    pub(crate) released: Vec<(Side, Packet)>,
    sides: Vec<SideInfo>,
    stream: Stream,
}

pub(crate) const EXTERNAL: &str = "11.0.0.1";

pub(crate) fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

impl Bench {
    /// One external address, 11.0.0.1.
    pub(crate) fn new(config: Config) -> Self {
        Self::with_pool(config, &[EXTERNAL])
    }

    pub(crate) fn with_pool(config: Config, pool: &[&str]) -> Self {
        let side = |ips: &[&str], mtu| SideInfo {
            mtu,
            addresses: ips
                .iter()
                .map(|ip| InterfaceAddress::new(ip.parse().unwrap(), 24))
                .collect(),
        };
        let outside: Vec<_> = pool.iter().copied().chain(["2001:db8::1"]).collect();
        let sides = vec![side(&["10.0.0.1", "fd00::1"], 1_500), side(&outside, 1_500)];
        let mut bench = Self {
            nat: Nat::new(config),
            now: Instant::ZERO,
            events: Vec::new(),
            sent: Vec::new(),
            released: Vec::new(),
            lost: Vec::new(),
            sides,
            stream: Stream::new(7, "nat"),
        };
        bench.with_outlet(|nat, out| nat.start(out));
        bench
    }

    pub(crate) fn set_mtu(&mut self, side: Side, mtu: u32) {
        self.sides[usize::from(side.0)].mtu = mtu;
    }

    fn with_outlet(&mut self, tell: impl FnOnce(&mut Nat, &mut Outlet<'_>)) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut out = Outlet::new(self.now, true, &self.sides, &mut self.stream, &mut actions);
        tell(&mut self.nat, &mut out);
        self.nat.audit().unwrap();
        actions
    }

    /// Calls the NAT, whose decisions are noted.
    pub(crate) fn tell<T>(&mut self, tell: impl FnOnce(&mut Nat, &mut Outlet<'_>) -> T) -> T {
        let mut told = None;
        let actions = self.with_outlet(|nat, out| told = Some(tell(nat, out)));
        self.digest(actions);
        told.unwrap()
    }

    /// Puts a packet in and says what became of it.
    pub(crate) fn put(&mut self, side: Side, packet: Packet) -> Fate {
        let actions = self.with_outlet(|nat, out| nat.handle_packet(side, packet, out));
        self.digest(actions)
    }

    fn digest(&mut self, actions: Vec<Action>) -> Fate {
        let mut fate = Fate::Held;
        for action in actions {
            match action {
                Action::Forward(side, packet) if fate == Fate::Held => {
                    fate = Fate::Forwarded(side, packet);
                }
                Action::Forward(side, packet) => self.released.push((side, packet)),
                Action::Send(side, packet) => self.sent.push((side, packet)),
                Action::Drop(_, reason, note) => fate = Fate::Dropped(reason, note),
                Action::Absorb(_) => {}
                Action::Event(event) => self.events.push(event),
            }
        }
        fate
    }

    /// Lets time pass, waking the box when it wants.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.nat.poll_timeout().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            let actions = self.with_outlet(Nat::handle_timeout);
            self.lost.extend(actions.iter().filter_map(|action| match action {
                Action::Drop(_, reason, _) => Some(*reason),
                _ => None,
            }));
            self.digest(actions);
        }
        self.now = end;
    }

    /// Sends from inside; says by which external endpoint it was seen outside.
    pub(crate) fn send(&mut self, internal: &str, remote: &str) -> SocketAddr {
        match self.put(Side::INSIDE, Packet::udp(at(internal), at(remote), &b"out"[..])) {
            Fate::Forwarded(Side::OUTSIDE, packet) => {
                assert_eq!(packet.destination(), at(remote));
                packet.source()
            }
            other => panic!("{internal} > {remote}: {other:?}"),
        }
    }

    /// Sends from outside; says which internal endpoint got it, or why none did.
    pub(crate) fn arrive(
        &mut self,
        remote: &str,
        external: SocketAddr,
    ) -> Result<SocketAddr, DropReason> {
        match self.put(Side::OUTSIDE, Packet::udp(at(remote), external, &b"in"[..])) {
            Fate::Forwarded(Side::INSIDE, packet) => {
                assert_eq!(packet.source(), at(remote));
                Ok(packet.destination())
            }
            Fate::Dropped(reason, _) => Err(reason),
            other => panic!("{remote} > {external}: {other:?}"),
        }
    }

    /// Sends from inside to an external endpoint; says who it seemed to come from, and who got it.
    pub(crate) fn turn(
        &mut self,
        internal: &str,
        external: SocketAddr,
    ) -> Result<(SocketAddr, SocketAddr), DropReason> {
        match self.put(Side::INSIDE, Packet::udp(at(internal), external, &b"around"[..])) {
            Fate::Forwarded(Side::INSIDE, packet) => Ok((packet.source(), packet.destination())),
            Fate::Dropped(reason, _) => Err(reason),
            other => panic!("{internal} > {external}: {other:?}"),
        }
    }

    /// Whether the mapping at `external` still lets in whom it sent to.
    pub(crate) fn is_open(&mut self, remote: &str, external: SocketAddr) -> bool {
        self.arrive(remote, external).is_ok()
    }
}

/// An ICMP error from `reporter` about a packet from `source` to `destination`, sent to the source.
pub(crate) fn error(
    reporter: &str,
    kind: IcmpError,
    source: SocketAddr,
    destination: SocketAddr,
) -> Packet {
    let about = Packet::udp(source, destination, &b""[..]);
    let quote = Box::new(Quote::of(&about));
    Packet::icmp(reporter.parse().unwrap(), source.ip(), Icmp::Error { kind, quote })
}

/// Three fragments of one datagram.
pub(crate) fn fragments(source: SocketAddr, destination: SocketAddr) -> [Packet; 3] {
    let mut first = Packet::udp(source, destination, vec![1; 1_472]);
    let trailing = |offset, more| {
        let body = Body::Trailing(vec![2; 1_480].into());
        let mut packet = Packet::new(source.ip(), destination.ip(), body);
        packet.fragment = Some(Fragment { identification: 9, offset, more });
        packet
    };
    first.fragment = Some(Fragment { identification: 9, offset: 0, more: true });
    [first, trailing(1_480, true), trailing(2_960, false)]
}
