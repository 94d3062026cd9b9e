//! The NAT as a box: arbitrary packets, and arbitrary lives beside a naive model.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use arbitrary::{Arbitrary, Unstructured};
use base::{Instant, InterfaceAddress};
use simnet::{
    Action, Body, Fragment, Icmp, IcmpError, Middlebox, Outlet, Packet, Protocol, Quote, Side,
    SideInfo, Stream, Udp,
    nat::{
        Collision, Config, Filtering, Fragments, Hairpin, Limits, Mapping, Nat, Pooling,
        PortAssignment, Ports, Refresh, Timers, Unsolicited,
    },
};

/// Most packets or commands of one input.
const MAX_STEPS: usize = 300;

/// A NAT on a bench, whose books are audited after every step.
struct Bench {
    nat: Nat,
    now: Instant,
    sides: [SideInfo; 2],
    stream: Stream,
    /// Packets the NAT was given and has neither passed on nor ended.
    held: u64,
}

impl Bench {
    fn new(config: Config) -> Self {
        let side = |ips: &[[u8; 4]], ipv6: u16| SideInfo {
            mtu: 1_500,
            addresses: ips
                .iter()
                .map(|ip| (*ip).into())
                .chain([[0x2001, 0xdb8, ipv6, 0, 0, 0, 0, 1].into()])
                .map(|ip| InterfaceAddress::new(ip, 24))
                .collect(),
        };
        let sides = [side(&[[10, 0, 0, 1]], 1), side(&[[11, 0, 0, 1], [11, 0, 0, 2]], 2)];
        let mut bench = Self {
            nat: Nat::new(config),
            now: Instant::ZERO,
            sides,
            stream: Stream::new(1, "fuzz"),
            held: 0,
        };
        bench.tell(|nat, out| nat.start(out));
        bench
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Nat, &mut Outlet<'_>)) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut out = Outlet::new(self.now, true, &self.sides, &mut self.stream, &mut actions);
        tell(&mut self.nat, &mut out);
        if let Err(fault) = self.nat.audit() {
            panic!("the books are out of order: {fault}");
        }
        for action in &actions {
            if let Action::Forward(..) | Action::Drop(..) | Action::Absorb(_) = action {
                self.held = self.held.checked_sub(1).expect("it ends no packet that it never got");
            }
        }
        actions
    }

    fn put(&mut self, side: Side, packet: Packet) -> Vec<Action> {
        self.held += 1;
        self.tell(|nat, out| nat.handle_packet(side, packet, out))
    }

    /// Lets time pass; deadlines must advance.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        let mut rounds = 0;
        while let Some(deadline) = self.nat.poll_timeout().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.tell(Nat::handle_timeout);
            rounds += 1;
            assert!(rounds < 1_000_000, "the deadline {deadline} never goes away");
        }
        self.now = end;
    }
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Setting {
    mapping: u8,
    filtering: u8,
    assignment: u8,
    hairpin: u8,
    keeps: [bool; 4],
    refresh: [bool; 2],
    filter_hairpin: bool,
    arbitrary_pooling: bool,
    unsolicited: u8,
    fragments: u8,
    tight: bool,
}

impl Setting {
    fn config(self) -> Config {
        let pick = |choice: u8, count: u8| choice % count;
        let [keep_class, keep_parity, keep_contiguity, overlap_by_destination] = self.keeps;
        let [outbound, inbound] = self.refresh;
        Config {
            mapping: match pick(self.mapping, 4) {
                0 => Mapping::EndpointIndependent,
                1 => Mapping::AddressDependent,
                2 => Mapping::AddressAndPortDependent,
                _ => Mapping::EndpointIndependentIfPossible,
            },
            filtering: match pick(self.filtering, 3) {
                0 => Filtering::EndpointIndependent,
                1 => Filtering::AddressDependent,
                _ => Filtering::AddressAndPortDependent,
            },
            ports: Ports {
                keep_class,
                keep_parity,
                keep_contiguity,
                overlap_by_destination,
                on_collision: match pick(self.assignment, 7) {
                    0 => Collision::Next,
                    1 => Collision::Override,
                    2 => Collision::Overload,
                    _ => Collision::Random,
                },
                ..Ports::new(match pick(self.assignment, 7) {
                    0..=3 => PortAssignment::Preserve,
                    4 => PortAssignment::PreserveInClass,
                    5 => PortAssignment::sequential(self.assignment.into()),
                    _ => PortAssignment::Random,
                })
            },
            pooling: if self.arbitrary_pooling { Pooling::Arbitrary } else { Pooling::Paired },
            hairpin: match pick(self.hairpin, 3) {
                0 => Hairpin::None,
                1 => Hairpin::InternalSource,
                _ => Hairpin::ExternalSource,
            },
            filter_hairpin: self.filter_hairpin,
            refresh: Refresh { outbound, inbound },
            unsolicited: match pick(self.unsolicited, 3) {
                0 => Unsolicited::Drop,
                1 => Unsolicited::Reject,
                _ => Unsolicited::RejectAndRemember,
            },
            fragments: match pick(self.fragments, 3) {
                0 => Fragments::OutOfOrder,
                1 => Fragments::InOrder,
                _ => Fragments::Drop,
            },
            limits: if self.tight {
                Limits {
                    mappings: 8,
                    mappings_per_host: 4,
                    sessions: 12,
                    remembered: 2,
                    fragmented: 2,
                    held_fragments: 3,
                    ..Limits::default()
                }
            } else {
                Limits::default()
            },
            ..Config::rfc4787_ideal()
        }
    }
}

/// A packet of few addresses, so that they meet, and of anything else.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct AnyPacket {
    outside: bool,
    source: (u8, u8),
    destination: (u8, u8),
    hops: u8,
    dont_fragment: bool,
    size: u16,
    fragment: Option<(u8, u16, bool)>,
    body: u8,
    wait: u16,
}

/// One of a few addresses of both families, on both sides and on the box itself.
fn endpoint((ip, port): (u8, u8)) -> SocketAddr {
    let port = u16::from(port % 6) * 311;
    match ip % 12 {
        number @ 0..=3 => ([10, 0, 0, 1 + number], port).into(),
        number @ 4..=5 => ([11, 0, 0, number - 3], port).into(),
        number @ 6..=8 => ([12, 0, 0, number], port).into(),
        9 => ([224, 0, 0, 251], port).into(),
        number => ([0x2001, 0xdb8, u16::from(number) - 9, 0, 0, 0, 0, 7], port).into(),
    }
}

impl AnyPacket {
    fn packet(self) -> Packet {
        let (source, destination) = (endpoint(self.source), endpoint(self.destination));
        let bytes = vec![0; usize::from(self.size % 2_000)];
        let identifier = u16::from(self.body);
        let quote = Box::new(Quote {
            id: Packet::udp(source, destination, &b""[..]).id,
            protocol: if self.dont_fragment { Protocol::Udp } else { Protocol::Icmp },
            source: destination,
            destination: source,
            hop_limit: self.hops,
            sequence: 0,
        });
        let body = match self.body % 8 {
            0..=3 => Body::Udp(Udp {
                source_port: source.port(),
                destination_port: destination.port(),
                checksum_ok: true,
                payload: bytes.into(),
            }),
            4 => Body::Trailing(bytes.into()),
            5 => Body::Icmp(Icmp::EchoRequest { identifier, sequence: 0, payload: bytes.into() }),
            6 => Body::Icmp(Icmp::EchoReply { identifier, sequence: 0, payload: bytes.into() }),
            _ => Body::Icmp(Icmp::Error { kind: IcmpError::TooBig { mtu: 576 }, quote }),
        };
        let mut packet = Packet::new(source.ip(), destination.ip(), body);
        packet.hop_limit = self.hops;
        packet.dont_fragment = self.dont_fragment;
        packet.fragment = self.fragment.map(|(identification, offset, more)| Fragment {
            identification: u32::from(identification % 4),
            offset: offset & !7,
            more,
        });
        packet
    }
}

/// Takes a setting and packets of all kinds. Nothing panics, the books stay in order, no packet is lost
/// or made up, and in the end all state is gone.
pub fn nat_packets(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setting) = Setting::arbitrary(&mut input) else { return };
    let mut bench = Bench::new(setting.config());
    for _ in 0..MAX_STEPS {
        let Ok(any) = AnyPacket::arbitrary(&mut input) else { break };
        bench.wait(Duration::from_millis(any.wait.into()));
        let side = if any.outside { Side::OUTSIDE } else { Side::INSIDE };
        bench.put(side, any.packet());
    }
    bench.wait(Duration::from_secs(10_000));
    assert_eq!(bench.held, 0, "packets stay in the box for ever");
    assert!(bench.nat.mappings().is_empty(), "mappings stay for ever");
    assert_eq!(bench.nat.poll_timeout(), None);
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Command {
    /// An internal endpoint sends to a remote one.
    Out { internal: u8, remote: u8 },
    /// A remote endpoint sends to the external endpoint of some mapping, or to none.
    In { remote: u8, mapping: u8, stray: bool },
    /// An ICMP error comes for some mapping.
    Error { mapping: u8 },
    /// Time passes.
    Wait { seconds: u8 },
    /// The box loses its state.
    Reboot,
}

/// What a NAT remembers, as plainly as it can be written down: everything ever sent.
#[derive(Default)]
struct Model {
    /// By internal endpoint and the part of the remote one that matters: the external endpoint, and
    /// the end.
    mappings: BTreeMap<(SocketAddr, Option<SocketAddr>), (SocketAddr, Instant)>,
    /// By external and remote endpoint: the end of the permission.
    permissions: BTreeMap<(SocketAddr, SocketAddr), Instant>,
}

impl Model {
    fn forget(&mut self, now: Instant) {
        self.mappings.retain(|_, (_, end)| *end > now);
        self.permissions.retain(|_, end| *end > now);
    }
}

const LIFE: Duration = Duration::from_secs(120);

/// The remote endpoint as far as the mapping depends on it.
fn scope(mapping: Mapping, remote: SocketAddr) -> Option<SocketAddr> {
    match mapping {
        Mapping::EndpointIndependent | Mapping::EndpointIndependentIfPossible => None,
        Mapping::AddressDependent => Some(SocketAddr::new(remote.ip(), 0)),
        Mapping::AddressAndPortDependent => Some(remote),
    }
}

fn internal(number: u8) -> SocketAddr {
    ([10, 0, 0, 2 + number % 3], 5_000 + u16::from(number / 3 % 3)).into()
}

fn remote(number: u8) -> SocketAddr {
    ([12, 0, 0, 1 + number % 3], 7_000 + u16::from(number / 3 % 3)).into()
}

/// Takes a setting and a life of packets and time. What passes, and as what, is what a model says that
/// does nothing but remember what was sent.
pub fn nat_commands(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setting) = Setting::arbitrary(&mut input) else { return };
    // The model knows no conflicts between mappings that share ports, and no shortage.
    let assignment = if setting.assignment % 7 == 3 || setting.assignment % 7 == 4 {
        PortAssignment::Random
    } else {
        setting.config().ports.assignment
    };
    let mapping = match setting.mapping % 3 {
        0 => Mapping::EndpointIndependent,
        1 => Mapping::AddressDependent,
        _ => Mapping::AddressAndPortDependent,
    };
    let config = Config {
        mapping,
        ports: Ports::new(assignment),
        timers: Timers::udp(LIFE),
        limits: Limits::default(),
        refresh: Refresh { outbound: true, inbound: setting.refresh[1] },
        unsolicited: Unsolicited::Drop,
        ..setting.config()
    };
    let mut bench = Bench::new(config.clone());
    let mut model = Model::default();
    for _ in 0..MAX_STEPS {
        let Ok(command) = Command::arbitrary(&mut input) else { break };
        model.forget(bench.now);
        match command {
            Command::Out { internal: from, remote: to } => {
                send(&mut bench, &mut model, mapping, (internal(from), remote(to)));
            }
            Command::In { remote: from, mapping, stray } => {
                let target = nth(&model, mapping);
                let target = target.filter(|_| !stray);
                receive(&mut bench, &mut model, &config, remote(from), target);
            }
            Command::Error { mapping } => {
                let Some((external, _)) = nth(&model, mapping) else { continue };
                let about = Packet::udp(external, remote(0), &b""[..]);
                let quote = Box::new(Quote::of(&about));
                let message = Icmp::Error { kind: IcmpError::HostUnreachable, quote };
                bench
                    .put(Side::OUTSIDE, Packet::icmp([13, 0, 0, 1].into(), external.ip(), message));
            }
            Command::Wait { seconds } => bench.wait(Duration::from_secs(seconds.into())),
            Command::Reboot => {
                bench.nat.reboot();
                model = Model::default();
            }
        }
        model.forget(bench.now);
        let mut expected: Vec<_> = model.mappings.iter().map(|(key, to)| (key.0, to.0)).collect();
        let mut real: Vec<_> =
            bench.nat.mappings().iter().map(|one| (one.internal, one.external)).collect();
        expected.sort_unstable();
        real.sort_unstable();
        assert_eq!(real, expected, "mappings after {command:?}");
    }
}

/// Some mapping of the model: external and internal endpoint.
fn nth(model: &Model, number: u8) -> Option<(SocketAddr, SocketAddr)> {
    let count = model.mappings.len();
    let index = usize::from(number).checked_rem(count)?;
    model.mappings.iter().nth(index).map(|((internal, _), (external, _))| (*external, *internal))
}

fn send(
    bench: &mut Bench,
    model: &mut Model,
    mapping: Mapping,
    (from, to): (SocketAddr, SocketAddr),
) {
    let actions = bench.put(Side::INSIDE, Packet::udp(from, to, &b"x"[..]));
    let packet = actions.iter().find_map(|action| match action {
        Action::Forward(Side::OUTSIDE, packet) => Some(packet),
        _ => None,
    });
    let packet = packet.expect("what is sent from inside goes out");
    assert_eq!(packet.destination(), to);
    let external = packet.source();
    let key = (from, scope(mapping, to));
    match model.mappings.get(&key) {
        Some((known, _)) => assert_eq!(*known, external, "the mapping is reused"),
        None => {
            let taken = model.mappings.values().any(|(other, _)| *other == external);
            assert!(!taken, "a new mapping has an external endpoint of its own");
        }
    }
    let end = bench.now + LIFE;
    model.mappings.insert(key, (external, end));
    model.permissions.insert((external, to), end);
}

fn receive(
    bench: &mut Bench,
    model: &mut Model,
    config: &Config,
    from: SocketAddr,
    target: Option<(SocketAddr, SocketAddr)>,
) {
    let nowhere = SocketAddr::from(([11, 0, 0, 2], 1));
    let external = target.map_or(nowhere, |(external, _)| external);
    let actions = bench.put(Side::OUTSIDE, Packet::udp(from, external, &b"x"[..]));
    let arrived = actions.iter().find_map(|action| match action {
        Action::Forward(Side::INSIDE, packet) => Some(packet.destination()),
        _ => None,
    });
    let exact = model.permissions.contains_key(&(external, from));
    let admitted = match config.filtering {
        Filtering::EndpointIndependent => true,
        Filtering::AddressDependent => {
            let known =
                |(to, who): &(SocketAddr, SocketAddr)| *to == external && who.ip() == from.ip();
            model.permissions.keys().any(known)
        }
        Filtering::AddressAndPortDependent => exact,
    };
    let expected = target.map(|(_, internal)| internal).filter(|_| admitted);
    assert_eq!(arrived, expected, "{from} > {external}");
    if expected.is_some() && config.refresh.inbound {
        let end = bench.now + LIFE;
        for (known, until) in model.mappings.values_mut() {
            if *known == external {
                *until = end;
            }
        }
        if exact {
            model.permissions.insert((external, from), end);
        }
    }
}
