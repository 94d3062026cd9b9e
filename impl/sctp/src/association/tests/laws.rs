//! The laws of machines, kept by [`Endpoint`].

use std::net::SocketAddr;

use simnet::laws::{self, Step};

use super::*;
use crate::Endpoint;

#[derive(Clone, Copy, Debug)]
enum Command {
    Connect,
    Send(usize),
    Shutdown,
    Abort,
}

fn obey(endpoint: &mut Endpoint, now: Instant, command: &Command) {
    let association = endpoint.association();
    match command {
        Command::Connect => drop(association.connect(now)),
        Command::Send(size) => {
            let payload = Bytes::from(vec![5; *size]);
            let (stream, ppid) = (StreamId::new(1), Ppid::new(53));
            let _ = association.send(now, stream, ppid, payload, &SendOptions::default());
        }
        Command::Shutdown => association.shutdown(now),
        Command::Abort => association.abort(now, b"law"),
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// What an end says in a conversation with the other, in which both begin.
fn recorded(seed: u8) -> Vec<Vec<u8>> {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    if seed.is_multiple_of(2) {
        pair.ends[B].connect(pair.now).unwrap();
    }
    for _ in 0..5 {
        pair.send(A, 0, &[1; 2_500]);
    }
    pair.run_for(Duration::from_secs(1));
    for _ in 0..5 {
        pair.send(B, 0, &[1; 2_500]);
    }
    pair.run_for(Duration::from_secs(1));
    let packets = pair.packets.into_iter().filter(|(from, _)| *from == B);
    packets.map(|(_, packet)| packet).collect()
}

#[test]
fn an_endpoint_keeps_the_laws_of_machines() {
    let (here, there) = (address("192.0.2.1:9899"), address("192.0.2.2:9899"));
    for seed in 0..60 {
        let heartbeat_interval = (seed % 3 == 0).then_some(Duration::from_secs(1));
        let max_probe = if seed % 5 == 0 { 1_400 } else { 0 };
        let config = Config { heartbeat_interval, max_probe, ..quiet() };
        // The same dice as end A of the recorded conversation, so that its packets carry the right tag.
        let make = || Endpoint::new(config.clone(), there, Rng::from_seed([1; 32]), Instant::ZERO);
        let packets = recorded(seed);
        let mut dice = Rng::from_seed([seed; 32]).fork("script");
        let mut script = vec![Step::Command(Command::Connect)];
        let mut packets = packets.iter();
        while script.len() < 80 {
            let datagram = |payload| Step::Datagram { source: there, destination: here, payload };
            script.push(match dice.public_below(14) {
                0..=2 => Step::Wait(Duration::from_micros(1 << dice.public_below(24))),
                3 => Step::Reflect,
                4 | 5 => Step::Command(Command::Send(1 << dice.public_below(14))),
                6 if script.len() > 60 => Step::Command(Command::Shutdown),
                7 if script.len() > 75 => Step::Command(Command::Abort),
                8 => {
                    let mut junk = packets.as_slice().first().cloned().unwrap_or_default();
                    let length = u64::try_from(junk.len()).unwrap();
                    let at = usize::try_from(dice.public_below(length)).unwrap();
                    if let Some(byte) = junk.get_mut(at) {
                        *byte ^= 0x55;
                        wire::seal(&mut junk);
                    }
                    datagram(junk)
                }
                _ => datagram(packets.next().cloned().unwrap_or_default()),
            });
        }
        laws::check(make, obey, &script).unwrap_or_else(|broken| panic!("{seed}: {broken}"));
    }
}

#[test]
fn two_endpoints_talk_over_udp_and_others_are_not_heard() {
    use base::{Datagram, Machine as _};
    let addresses = [address("192.0.2.1:9899"), address("192.0.2.2:9899")];
    let mut ends = [A, B].map(|end| {
        let rng = Rng::from_seed([7; 32]).fork_numbered("end", end as u64);
        Endpoint::new(Config::default(), addresses[1 - end], rng, Instant::ZERO)
    });
    ends[A].association().connect(Instant::ZERO).unwrap();
    obey(&mut ends[A], Instant::ZERO, &Command::Send(10));
    let mut events = Vec::new();
    for _ in 0..6 {
        for from in [A, B] {
            let mut buffer = Vec::new();
            while let Some(transmit) = ends[from].poll_transmit(Instant::ZERO, &mut buffer) {
                assert_eq!(transmit.destination, addresses[1 - from]);
                assert!(Packet::parse(&buffer).unwrap().has_right_checksum());
                let payload = &buffer[..transmit.size];
                for source in [address("203.0.113.9:9899"), addresses[from]] {
                    let destination = addresses[1 - from];
                    let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload };
                    ends[1 - from].handle_datagram(Instant::ZERO, datagram);
                }
                buffer.clear();
            }
            events
                .extend(std::iter::from_fn(|| ends[from].poll_event()).map(|event| (from, event)));
        }
    }
    let got = events.iter().any(|(end, event)| *end == B && matches!(event, Event::Message(_)));
    assert!(got, "{events:?}");
    let strangers = ends[B].state().stats().dropped.count(crate::DropReason::UnknownPeer);
    assert!(strangers >= 3);
}
