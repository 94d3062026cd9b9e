//! Arbitrary packets through every box: books in order, nothing kept for ever, nothing invented.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use arbitrary::{Arbitrary, Unstructured};
use base::Instant;
use rstest::rstest;
use simnet::{
    Body, Fragment, Icmp, IcmpError, Middlebox, Packet, Quote, Side, Stream, Tcp, TcpFlags,
    firewall::{self, Firewall, Fragments},
    nat::{self, Nat},
    nat64::{Clat, ClatConfig, ClatSource, Config, Nat64},
    portcontrol,
};

use crate::bench::{Bench, Fate, at, side};

/// Sequences for each box.
const LIVES: u64 = 60;
/// Packets and waits of each.
const STEPS: usize = 80;

/// One thing that happens to a box.
#[derive(Arbitrary, Debug)]
enum Step {
    Packet(Plan),
    Wait(u32),
    Mtu(bool, u16),
}

/// A packet, in small numbers, so that packets have something to do with each other.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Plan {
    outside: bool,
    source: u8,
    destination: u8,
    ports: u8,
    body: Kind,
    length: u16,
    hop_limit: u8,
    flags: u8,
    fragment: Option<(u8, u8, bool)>,
    dont_fragment: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Kind {
    Udp,
    Tcp,
    Ping,
    Pong,
    Error(u8),
    Trailing,
}

/// Addresses of the two sides that packets come from and go to.
struct Places {
    inside: &'static [&'static str],
    outside: &'static [&'static str],
}

/// A place among those of a side, or of both if the number is large.
fn place(
    places: &'static [&'static str],
    other: &'static [&'static str],
    number: u8,
) -> SocketAddr {
    let number = usize::from(number);
    let text =
        if number < 224 { places[number % places.len()] } else { other[number % other.len()] };
    SocketAddr::new(text.parse().unwrap(), 0)
}

impl Plan {
    fn packet(self, places: &Places) -> Packet {
        let (from, to) = match self.outside {
            true => (places.outside, places.inside),
            false => (places.inside, places.outside),
        };
        let mut source = place(from, from, self.source);
        let mut destination = place(to, from, self.destination);
        if source.is_ipv4() != destination.is_ipv4() {
            destination = source;
        }
        let (inner, outer) =
            (4_000 + u16::from(self.ports & 1), [53, 443][usize::from(self.ports >> 7)]);
        let (from_port, to_port) = if self.outside { (outer, inner) } else { (inner, outer) };
        source.set_port(from_port);
        destination.set_port(to_port);
        let payload = vec![0; usize::from(self.length % 2_000)];
        let mut packet = match self.body {
            Kind::Udp => Packet::udp(source, destination, payload),
            Kind::Tcp => {
                let segment = Tcp::new(TcpFlags::from_bits(self.flags & 0x1f)).payload(payload);
                Packet::tcp(source, destination, segment)
            }
            Kind::Trailing => {
                Packet::new(source.ip(), destination.ip(), Body::Trailing(payload.into()))
            }
            Kind::Ping | Kind::Pong => {
                let (identifier, sequence, payload) = (source.port(), 1, payload.into());
                let message = match self.body {
                    Kind::Ping => Icmp::EchoRequest { identifier, sequence, payload },
                    _ => Icmp::EchoReply { identifier, sequence, payload },
                };
                Packet::icmp(source.ip(), destination.ip(), message)
            }
            Kind::Error(kind) => {
                let kind = match kind % 4 {
                    0 => IcmpError::PortUnreachable,
                    1 => IcmpError::HostUnreachable,
                    2 => IcmpError::TimeExceeded,
                    _ => IcmpError::TooBig { mtu: u32::from(self.length) },
                };
                let about = Packet::udp(destination, source, &b""[..]);
                let quote = Box::new(Quote::of(&about));
                Packet::icmp(source.ip(), destination.ip(), Icmp::Error { kind, quote })
            }
        };
        packet.hop_limit = self.hop_limit.max(1);
        packet.dont_fragment |= self.dont_fragment;
        if let (Body::Udp(_) | Body::Trailing(_), Some((identification, offset, more))) =
            (&packet.body, self.fragment.filter(|_| self.flags >= 160))
        {
            let first = matches!(packet.body, Body::Udp(_));
            let offset = if first { 0 } else { 8 * (1 + u16::from(offset)) };
            let identification = u32::from(identification % 4);
            packet.fragment = Some(Fragment { identification, offset, more });
        } else if matches!(packet.body, Body::Trailing(_)) {
            packet.fragment = Some(Fragment { identification: 1, offset: 8, more: false });
        }
        packet
    }
}

/// The steps of a life.
fn life(seed: u64) -> Vec<Step> {
    let mut stream = Stream::new(seed, "life");
    let bytes: Vec<u8> = (0..8_192).map(|_| u8::try_from(stream.below(256)).unwrap()).collect();
    let mut source = Unstructured::new(&bytes);
    (0..STEPS).map_while(|_| Step::arbitrary(&mut source).ok()).collect()
}

/// Lives through a script, and tells `see` what became of each packet.
fn live<M: Middlebox>(
    bench: &mut Bench<M>,
    places: &Places,
    steps: &[Step],
    mut see: impl FnMut(Instant, &Plan, &Packet, &Fate),
) {
    for step in steps {
        match step {
            Step::Wait(time) => bench.wait(Duration::from_millis((*time % 60_000).into())),
            Step::Mtu(outside, mtu) => {
                bench.set_mtu(Side(u8::from(*outside)), u32::from(*mtu % 1_500).max(1_280));
            }
            Step::Packet(plan) => {
                let packet = plan.packet(places);
                let fate = bench.put(Side(u8::from(plan.outside)), packet.clone());
                see(bench.now, plan, &packet, &fate);
            }
        }
        for (side, packet) in bench.said().iter().chain(&std::mem::take(&mut bench.released)) {
            assert_eq!(
                packet.source_ip.is_ipv6(),
                packet.destination_ip.is_ipv6(),
                "{packet} leaves by {side:?}"
            );
        }
    }
    // Nothing waits for ever: the longest wait of all is that for other fragments.
    bench.wait(Duration::from_secs(61));
    assert_eq!(bench.inside, 0, "packets stay in the box");
}

const IPV4: Places = Places {
    inside: &["10.0.0.7", "10.0.0.8", "10.0.0.1"],
    outside: &["11.0.0.3", "11.0.0.4", "11.0.0.1", "224.0.0.1"],
};

#[rstest]
#[case::stateful(firewall::Config::stateful())]
#[case::simple_security(firewall::Config::simple_security())]
#[case::tls_only(firewall::Config::tls_only())]
#[case::captive(firewall::Config::captive_portal())]
#[case::strict_about_fragments(firewall::Config { fragments: Fragments::InOrder, ..firewall::Config::default() })]
#[case::without_state(firewall::Config { stateful: false, ..firewall::Config::default() })]
fn a_firewall_changes_nothing_but_the_hop_limit(#[case] config: firewall::Config) {
    let mut passed = 0;
    for seed in 0..LIVES {
        let mut config = config.clone();
        config.limits.fragmented = 3;
        config.limits.waiting = 2;
        let sides = [side(&["10.0.0.1"]), side(&["11.0.0.1"])];
        let mut bench = Bench::new(Firewall::new(config), sides, Firewall::audit);
        live(&mut bench, &IPV4, &life(seed), |_, plan, packet, fate| {
            if let Fate::Forwarded(to, seen) = fate {
                let mut wanted = packet.clone();
                wanted.hop_limit -= 1;
                wanted.id = seen.id;
                assert_eq!((to.0, seen), (u8::from(!plan.outside), &wanted));
                passed += 1;
            }
        });
    }
    assert!(passed > 20, "{passed}");
}

/// What a firewall with the strictest filter and five minutes for UDP must let in, told naively.
#[test]
fn udp_comes_in_exactly_where_it_went_out() {
    let (mut admitted, mut refused) = (0, 0);
    for seed in 0..4 * LIVES {
        let sides = [side(&["10.0.0.1"]), side(&["11.0.0.1"])];
        let mut bench =
            Bench::new(Firewall::new(firewall::Config::stateful()), sides, Firewall::audit);
        let mut last: BTreeMap<(SocketAddr, SocketAddr), Instant> = BTreeMap::new();
        let mut steps = life(seed);
        for step in &mut steps {
            if let Step::Packet(plan) = step {
                let (source, destination) = (plan.source % 2, plan.destination % 2);
                let body = Kind::Udp;
                *plan = Plan { body, source, destination, fragment: None, hop_limit: 64, ..*plan };
            }
        }
        live(&mut bench, &IPV4, &steps, |now, plan, packet, fate| {
            let whole = packet.fragment.is_none() && packet.hop_limit > 1;
            let special = ["10.0.0.1", "11.0.0.1", "224.0.0.1"];
            let special = special.contains(&packet.destination_ip.to_string().as_str());
            if !matches!(packet.body, Body::Udp(_)) || special {
                return;
            }
            let flow = match plan.outside {
                true => (packet.destination(), packet.source()),
                false => (packet.source(), packet.destination()),
            };
            let alive = last.get(&flow).is_some_and(|at| now - *at < Duration::from_secs(300));
            if alive || !plan.outside {
                last.insert(flow, now);
            }
            if plan.outside && whole {
                let passed = matches!(fate, Fate::Forwarded(..));
                let too_big = packet.dont_fragment && packet.ip_length() > 1_280;
                assert!(passed == alive || too_big, "{packet}: {fate:?}");
                admitted += u32::from(passed);
                refused += u32::from(!passed);
            }
        });
    }
    assert!(admitted > 200 && refused > 200, "{admitted} {refused}");
}

const FAMILIES: Places = Places {
    inside: &["2001:db8:1::7", "2001:db8:1::8", "64:ff9b::b00:1", "2001:db8:1::1"],
    outside: &["11.0.0.3", "11.0.0.4", "11.0.0.1", "64:ff9b::b00:3", "64:ff9b::b00:1"],
};

/// Packets from inside are IPv6 towards embedded IPv4; those from outside are IPv4 to the box.
const NAT64_INSIDE: Places = Places {
    inside: FAMILIES.inside,
    outside: &["64:ff9b::b00:3", "64:ff9b::b00:4", "64:ff9b::b00:1", "64:ff9b::c0a8:101"],
};
const NAT64_OUTSIDE: Places =
    Places { inside: &["11.0.0.1"], outside: &["11.0.0.3", "11.0.0.4", "11.0.0.1"] };

#[rstest]
#[case::open(Config::default())]
#[case::strict(Config::address_dependent())]
fn a_nat64_speaks_each_family_on_its_own_side(#[case] mut config: Config) {
    config.nat.limits.fragmented = 4;
    config.nat.limits.mappings = 12;
    let (mut out, mut back) = (0, 0);
    for seed in 0..2 * LIVES {
        let sides = [side(&["2001:db8:1::1"]), side(&["11.0.0.1"])];
        let mut bench = Bench::new(Nat64::new(config.clone()), sides, Nat64::audit);
        let mut steps = life(seed);
        // Replies have to find the ports that were given.
        let mut externals: Vec<u16> = Vec::new();
        for step in &mut steps {
            let Step::Packet(plan) = step else {
                live(&mut bench, &FAMILIES, std::slice::from_ref(step), |_, _, _, _| {});
                continue;
            };
            let places = if plan.outside { &NAT64_OUTSIDE } else { &NAT64_INSIDE };
            let mut packet = plan.packet(places);
            if plan.outside && !externals.is_empty() {
                let port = externals[usize::from(plan.flags) % externals.len()];
                packet.set_destination(SocketAddr::new(packet.destination_ip, port));
            }
            let fate = bench.put(Side(u8::from(plan.outside)), packet.clone());
            let Fate::Forwarded(to, seen) = &fate else { continue };
            let hidden = packet.destination_ip.to_string().starts_with("64:ff9b:");
            if !plan.outside && !hidden {
                continue; // IPv6 to IPv6 is routed as it is.
            }
            assert_eq!(seen.source_ip.is_ipv6(), seen.destination_ip.is_ipv6(), "{seen}");
            assert_eq!(seen.is_ipv6(), *to == Side::INSIDE, "{seen}");
            assert_eq!(seen.hop_limit, packet.hop_limit - 1);
            assert_eq!((seen.ecn, seen.dscp), (packet.ecn, packet.dscp));
            if *to == Side::OUTSIDE {
                externals.push(seen.source().port());
                out += 1;
            } else {
                back += 1;
            }
        }
        bench.wait(Duration::from_secs(61));
        assert_eq!(bench.inside, 0);
    }
    assert!(out > 100 && back > 3, "{out} {back}");
}

#[test]
fn a_clat_there_and_back_is_the_same_packet() {
    let source = ClatSource::Prefix("2001:db8:c::/96".parse().unwrap());
    let mut crossed = 0;
    for seed in 0..LIVES {
        let config = ClatConfig { source, ..ClatConfig::default() };
        let sides = || [side(&["10.0.0.1"]), side(&["2001:db8:1::c"])];
        let mut there = Bench::new(Clat::new(config.clone()), sides(), |_| Ok(()));
        let mut back = Bench::new(Clat::new(config), sides(), |_| Ok(()));
        for step in life(seed) {
            let Step::Packet(plan) = step else { continue };
            let packet = Plan { outside: false, ..plan }.packet(&IPV4);
            let Fate::Forwarded(Side::OUTSIDE, crossing) = there.put(Side::INSIDE, packet.clone())
            else {
                continue;
            };
            assert!(crossing.is_ipv6() && crossing.source_ip.is_ipv6());
            // What the far end would send, were it to send the same to the same.
            let mut reply = crossing.clone();
            (reply.source_ip, reply.destination_ip) = (crossing.destination_ip, crossing.source_ip);
            // An embedded address of this side is none of the other.
            let Body::Udp(_) = &reply.body else { continue };
            reply.hop_limit = 64;
            if let Fate::Forwarded(Side::INSIDE, seen) = back.put(Side::OUTSIDE, reply) {
                assert_eq!(seen.source_ip, packet.destination_ip);
                assert_eq!(seen.destination_ip, packet.source_ip);
                assert_eq!((seen.ip_length(), &seen.body), (packet.ip_length(), &packet.body));
                crossed += 1;
            }
        }
        assert_eq!((there.inside, back.inside), (0, 0));
    }
    assert!(crossed > 100, "{crossed}");
}

#[test]
fn a_nat_with_port_control_keeps_its_books() {
    for seed in 0..LIVES {
        let control =
            portcontrol::Config { mappings_per_host: 3, ..portcontrol::Config::default() };
        let config = nat::Config { port_control: Some(control), ..nat::Config::default() };
        let sides = [side(&["10.0.0.1"]), side(&["11.0.0.1"])];
        let mut bench = Bench::new(Nat::new(config), sides, Nat::audit);
        let mut stream = Stream::new(seed, "control");
        for step in life(seed) {
            match step {
                Step::Wait(time) => bench.wait(Duration::from_millis((time % 60_000).into())),
                Step::Mtu(..) => bench.middlebox.reboot(),
                Step::Packet(plan) => {
                    bench.put(Side(u8::from(plan.outside)), plan.packet(&IPV4));
                }
            }
            bench.said();
            let client = format!("10.0.0.{}", 7 + stream.below(3));
            let request = portcontrol::natpmp::Request::Map(portcontrol::natpmp::Mapping {
                tcp: stream.below(2) == 0,
                internal: u16::try_from(stream.below(4)).unwrap(),
                external: u16::try_from(1_000 + stream.below(4)).unwrap(),
                lifetime: u32::try_from(stream.below(3) * 100).unwrap(),
            });
            let from = SocketAddr::new(client.parse().unwrap(), 9);
            let packet = Packet::udp(from, at("10.0.0.1:5351"), request.to_bytes());
            assert_eq!(bench.put(Side::INSIDE, packet), Fate::Held);
            let answers = bench.said();
            let answers = answers.iter().filter(|(_, packet)| packet.destination() == from);
            assert_eq!(answers.count(), 1);
        }
        bench.wait(Duration::from_secs(61));
        assert_eq!(bench.inside, 0);
    }
}
