//! Traffic by chance: few addresses and ports, so that they meet.

use std::{net::SocketAddr, time::Duration};

use crate::{
    middlebox::Side,
    nat::{Config, ExplicitRequest},
    packet::{Body, Fragment, Icmp, IcmpError, Packet, Protocol, Quote, Tcp, TcpFlags},
    random::Stream,
};

/// What happens next.
pub(super) enum Step {
    /// These packets arrive.
    Put(Side, Vec<Packet>),
    /// Time passes.
    Wait(Duration),
    /// Somebody asks for a mapping.
    Ask(ExplicitRequest),
    /// The box loses its state.
    Reboot,
}

/// What traffic may aim at.
pub(super) struct Targets {
    /// External endpoints that were seen.
    pub(super) known: Vec<(Protocol, SocketAddr)>,
    /// Of the last few conversations the external endpoint and the remote one.
    pub(super) recent: Vec<(Protocol, SocketAddr, SocketAddr)>,
}

/// The next step of a life.
pub(super) fn step(dice: &mut Stream, config: &Config, targets: &Targets) -> Step {
    match dice.below(100) {
        0..40 => Step::Put(Side::INSIDE, outward(dice, &targets.known)),
        40..76 => Step::Put(Side::OUTSIDE, inward(dice, config, targets)),
        76..96 => Step::Wait(*pick(dice, &WAITS)),
        96..99 => Step::Ask(request(dice)),
        _ => Step::Reboot,
    }
}

const WAITS: [Duration; 9] = [
    Duration::ZERO,
    Duration::from_millis(1),
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(7),
    Duration::from_secs(20),
    Duration::from_secs(70),
    Duration::from_secs(300),
];

const PORTS: [u16; 6] = [53, 700, 5_000, 5_001, 40_000, 65_535];

const FLAGS: [TcpFlags; 6] = [
    TcpFlags::SYN,
    TcpFlags::SYN,
    TcpFlags::ACK,
    TcpFlags::FIN,
    TcpFlags::RST,
    TcpFlags::from_bits(0x12),
];

fn pick<'a, T>(dice: &mut Stream, from: &'a [T]) -> &'a T {
    let index = usize::try_from(dice.below(from.len() as u64)).unwrap_or(0);
    from.get(index)
        .or_else(|| from.first())
        .unwrap_or_else(|| unreachable!("lists here are not empty"))
}

fn small(dice: &mut Stream, bound: u8) -> u8 {
    u8::try_from(dice.below(bound.into())).unwrap_or(0)
}

fn internal(dice: &mut Stream, ipv6: bool) -> SocketAddr {
    let (host, port) = (2 + small(dice, 4), *pick(dice, &PORTS));
    if ipv6 {
        ([0xfd00, 0, 0, 0, 0, 0, 0, host.into()], port).into()
    } else {
        ([10, 0, 0, host], port).into()
    }
}

fn remote(dice: &mut Stream, ipv6: bool) -> SocketAddr {
    let (host, port) = (1 + small(dice, 3), *pick(dice, &PORTS));
    if ipv6 {
        ([0x2001, 0xdb8, 9, 0, 0, 0, 0, host.into()], port).into()
    } else {
        ([12, 0, 0, host], port).into()
    }
}

fn protocol(dice: &mut Stream) -> Protocol {
    match dice.below(10) {
        0..6 => Protocol::Udp,
        6..9 => Protocol::Tcp,
        _ => Protocol::Icmp,
    }
}

/// Packets from inside: to somebody outside, or to an external endpoint.
fn outward(dice: &mut Stream, known: &[(Protocol, SocketAddr)]) -> Vec<Packet> {
    let ipv6 = dice.chance(0.1);
    let (from, to) = (internal(dice, ipv6), remote(dice, ipv6));
    if dice.chance(0.05) {
        return vec![error(dice, to, from, from)];
    }
    if !known.is_empty() && dice.chance(0.2) {
        let (protocol, external) = *pick(dice, known);
        if external.is_ipv6() == ipv6 {
            return packets(dice, protocol, from, external, true);
        }
    }
    let protocol = protocol(dice);
    packets(dice, protocol, from, to, true)
}

/// Packets from outside, mostly answers, and others to external endpoints that were seen.
fn inward(dice: &mut Stream, config: &Config, targets: &Targets) -> Vec<Packet> {
    let Targets { known, recent } = targets;
    if !recent.is_empty() && dice.chance(0.6) {
        let (protocol, external, remote) = *pick(dice, recent);
        if dice.chance(0.1) {
            return vec![error(dice, external, remote, remote)];
        }
        return packets(dice, protocol, remote, external, false);
    }
    let chosen = if known.is_empty() || dice.chance(0.3) { None } else { Some(*pick(dice, known)) };
    let (protocol, external) = chosen.unwrap_or_else(|| {
        let ip = config.fixed.pool.first().copied().unwrap_or_else(|| [11, 0, 0, 1].into());
        (protocol(dice), SocketAddr::new(ip, *pick(dice, &PORTS)))
    });
    let from = remote(dice, external.is_ipv6());
    packets(dice, protocol, from, external, false)
}

/// An ICMP error about a packet from `source` to `destination`, which came as far as `reporter`.
fn error(
    dice: &mut Stream,
    source: SocketAddr,
    destination: SocketAddr,
    reporter: SocketAddr,
) -> Packet {
    let kinds =
        [IcmpError::PortUnreachable, IcmpError::TimeExceeded, IcmpError::TooBig { mtu: 1_280 }];
    let about = packets(dice, Protocol::Udp, source, destination, true);
    let quote = about.first().map(Quote::of);
    let quote = quote.unwrap_or_else(|| unreachable!("there is at least one packet"));
    let message = Icmp::Error { kind: *pick(dice, &kinds), quote: Box::new(quote) };
    Packet::icmp(reporter.ip(), source.ip(), message)
}

fn packets(
    dice: &mut Stream,
    protocol: Protocol,
    from: SocketAddr,
    to: SocketAddr,
    asks: bool,
) -> Vec<Packet> {
    match protocol {
        Protocol::Udp if dice.chance(0.1) => fragments(dice, from, to),
        Protocol::Udp => vec![Packet::udp(from, to, vec![7; 20])],
        Protocol::Tcp => vec![Packet::tcp(from, to, Tcp::new(*pick(dice, &FLAGS)))],
        Protocol::Icmp => {
            let (sequence, payload) = (1, Default::default());
            let message = if asks {
                Icmp::EchoRequest { identifier: from.port(), sequence, payload }
            } else {
                Icmp::EchoReply { identifier: to.port(), sequence, payload }
            };
            vec![Packet::icmp(from.ip(), to.ip(), message)]
        }
    }
}

/// Three fragments of a datagram, in any order, of which some may be missing.
fn fragments(dice: &mut Stream, from: SocketAddr, to: SocketAddr) -> Vec<Packet> {
    let identification = dice.u32();
    let mut parts: Vec<Packet> = [0_u16, 808, 1_608]
        .into_iter()
        .map(|offset| {
            let mut part = if offset == 0 {
                Packet::udp(from, to, vec![1; 800])
            } else {
                Packet::new(from.ip(), to.ip(), Body::Trailing(vec![2; 800].into()))
            };
            part.fragment = Some(Fragment { identification, offset, more: offset < 1_608 });
            part
        })
        .collect();
    let (one, other) = (usize::from(small(dice, 3)), usize::from(small(dice, 3)));
    parts.swap(one, other);
    if dice.chance(0.2) {
        parts.remove(one);
    }
    parts
}

fn request(dice: &mut Stream) -> ExplicitRequest {
    let wanted: SocketAddr = ([0, 0, 0, 0], *pick(dice, &PORTS)).into();
    ExplicitRequest {
        protocol: *pick(dice, &[Protocol::Udp, Protocol::Tcp]),
        internal: internal(dice, false),
        external: dice.chance(0.5).then_some(wanted),
        exact: dice.chance(0.3),
        lifetime: *pick(dice, &WAITS),
    }
}
