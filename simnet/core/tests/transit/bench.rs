//! A box on the bench: packets in by hand, decisions out, books audited after every step.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, InterfaceAddress};
use simnet::{
    Action, Body, DropReason, Icmp, IcmpError, Middlebox, NatEvent, Outlet, Packet, PacketId,
    Quote, Side, SideInfo, Stream, Tcp, TcpFlags,
};

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Forwarded(Side, Packet),
    Dropped(DropReason, String),
    /// It waits in the box, or the box took it for itself.
    Held,
}

/// A box, its surroundings and what it said.
pub(crate) struct Bench<M> {
    pub(crate) middlebox: M,
    pub(crate) now: Instant,
    pub(crate) events: Vec<NatEvent>,
    /// Packets of the box's own making.
    pub(crate) sent: Vec<(Side, Packet)>,
    /// Packets forwarded besides the one that was put in.
    pub(crate) released: Vec<(Side, Packet)>,
    /// Packets dropped besides the one that was put in.
    pub(crate) ended: Vec<Packet>,
    /// Packets the box was given and has not parted with.
    pub(crate) inside: i64,
    number: u64,
    sides: Vec<SideInfo>,
    stream: Stream,
    audit: fn(&M) -> Result<(), String>,
}

pub(crate) fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// An interface with these addresses.
pub(crate) fn side(ips: &[&str]) -> SideInfo {
    let address = |ip: &&str| InterfaceAddress {
        ip: ip.parse().unwrap(),
        prefix: 24,
        deprecated_at: None,
        temporary: false,
    };
    SideInfo { mtu: 1_500, addresses: ips.iter().map(address).collect() }
}

impl<M: Middlebox> Bench<M> {
    pub(crate) fn new(
        middlebox: M,
        sides: [SideInfo; 2],
        audit: fn(&M) -> Result<(), String>,
    ) -> Self {
        let mut bench = Self {
            middlebox,
            now: Instant::ZERO,
            events: Vec::new(),
            sent: Vec::new(),
            released: Vec::new(),
            ended: Vec::new(),
            inside: 0,
            number: 0,
            sides: sides.to_vec(),
            stream: Stream::new(7, "box"),
            audit,
        };
        bench.with_outlet(|middlebox, out| middlebox.start(out));
        bench
    }

    pub(crate) fn set_mtu(&mut self, side: Side, mtu: u32) {
        self.sides[usize::from(side.0)].mtu = mtu;
    }

    fn with_outlet(&mut self, tell: impl FnOnce(&mut M, &mut Outlet<'_>)) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut out = Outlet::new(self.now, true, &self.sides, &mut self.stream, &mut actions);
        tell(&mut self.middlebox, &mut out);
        (self.audit)(&self.middlebox).unwrap();
        actions
    }

    /// Puts a packet in and says what became of it.
    pub(crate) fn put(&mut self, side: Side, mut packet: Packet) -> Fate {
        self.inside += 1;
        self.number += 1;
        packet.id = PacketId::new(self.number);
        let actions = self.with_outlet(|middlebox, out| middlebox.handle_packet(side, packet, out));
        self.digest(actions)
    }

    fn digest(&mut self, actions: Vec<Action>) -> Fate {
        let mut fate = Fate::Held;
        let asked = PacketId::new(self.number);
        for action in actions {
            if matches!(action, Action::Forward(..) | Action::Drop(..) | Action::Absorb(_)) {
                self.inside -= 1;
            }
            assert!(self.inside >= 0, "the box parts with more than it was given");
            match action {
                Action::Forward(side, packet) if packet.id == asked => {
                    fate = Fate::Forwarded(side, packet);
                }
                Action::Forward(side, packet) => self.released.push((side, packet)),
                Action::Send(side, packet) => self.sent.push((side, packet)),
                Action::Drop(packet, reason, note) if packet.id == asked => {
                    fate = Fate::Dropped(reason, note);
                }
                Action::Drop(packet, ..) => self.ended.push(packet),
                Action::Absorb(_) => {}
                Action::Event(event) => self.events.push(event),
            }
        }
        fate
    }

    /// Lets time pass, waking the box when it wants.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.middlebox.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(deadline);
            let actions = self.with_outlet(Middlebox::handle_timeout);
            self.digest(actions);
            let next = self.middlebox.poll_timeout();
            assert!(next.is_none_or(|next| next > deadline), "deadlines advance");
        }
        self.now = end;
    }

    /// Whether the packet passes.
    pub(crate) fn passes(&mut self, side: Side, packet: Packet) -> bool {
        matches!(self.put(side, packet), Fate::Forwarded(..))
    }

    /// Why the packet does not pass.
    pub(crate) fn refusal(&mut self, side: Side, packet: Packet) -> DropReason {
        match self.put(side, packet) {
            Fate::Dropped(reason, note) => {
                assert!(!note.is_empty() || !reason.name().starts_with("firewall"));
                reason
            }
            other => panic!("{other:?}"),
        }
    }

    /// Whether UDP goes out from here to there.
    pub(crate) fn udp_out(&mut self, inside: &str, outside: &str) -> bool {
        self.passes(Side::INSIDE, udp(inside, outside))
    }

    /// Whether UDP comes in from there to here.
    pub(crate) fn udp_in(&mut self, outside: &str, inside: &str) -> bool {
        self.passes(Side::OUTSIDE, udp(outside, inside))
    }

    /// What the box said last, taken.
    pub(crate) fn said(&mut self) -> Vec<(Side, Packet)> {
        std::mem::take(&mut self.sent)
    }
}

pub(crate) fn udp(source: &str, destination: &str) -> Packet {
    Packet::udp(at(source), at(destination), &b"payload"[..])
}

pub(crate) fn tcp(source: &str, destination: &str, flags: TcpFlags) -> Packet {
    let segment = Tcp::new(flags).sequence(1_000);
    let segment =
        if flags.contains(TcpFlags::ACK) { segment.acknowledging(5_000) } else { segment };
    Packet::tcp(at(source), at(destination), segment)
}

pub(crate) fn data(source: &str, destination: &str, sequence: u32, bytes: &[u8]) -> Packet {
    let segment = Tcp::new(TcpFlags::PSH).sequence(sequence).acknowledging(5_001);
    Packet::tcp(at(source), at(destination), segment.payload(bytes.to_vec()))
}

pub(crate) fn ping(source: &str, destination: &str) -> Packet {
    let request = Icmp::EchoRequest { identifier: 9, sequence: 1, payload: b"ping"[..].into() };
    Packet::icmp(source.parse().unwrap(), destination.parse().unwrap(), request)
}

pub(crate) fn pong(source: &str, destination: &str) -> Packet {
    let reply = Icmp::EchoReply { identifier: 9, sequence: 1, payload: b"ping"[..].into() };
    Packet::icmp(source.parse().unwrap(), destination.parse().unwrap(), reply)
}

/// An ICMP error from `reporter` about `packet`, sent to its source.
pub(crate) fn error(reporter: &str, kind: IcmpError, packet: &Packet) -> Packet {
    let quote = Box::new(Quote::of(packet));
    Packet::icmp(reporter.parse().unwrap(), packet.source_ip, Icmp::Error { kind, quote })
}

/// What an ICMP error reports.
pub(crate) fn kind(packet: &Packet) -> Option<IcmpError> {
    match &packet.body {
        Body::Icmp(Icmp::Error { kind, .. }) => Some(*kind),
        _ => None,
    }
}

/// The flags of a segment.
pub(crate) fn flags(packet: &Packet) -> Option<TcpFlags> {
    match &packet.body {
        Body::Tcp(tcp) => Some(tcp.flags),
        _ => None,
    }
}

/// Three fragments of one datagram.
pub(crate) fn fragments(source: &str, destination: &str, identification: u32) -> [Packet; 3] {
    let (source, destination) = (at(source), at(destination));
    let place = |offset, more| Some(simnet::Fragment { identification, offset, more });
    let mut first = Packet::udp(source, destination, vec![1; 1_432]);
    first.fragment = place(0, true);
    let trailing = |offset, more| {
        let body = Body::Trailing(vec![2; 1_440].into());
        let mut packet = Packet::new(source.ip(), destination.ip(), body);
        packet.fragment = place(offset, more);
        packet
    };
    [first, trailing(1_440, true), trailing(2_880, false)]
}
