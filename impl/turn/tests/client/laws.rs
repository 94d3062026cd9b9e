//! The laws of machines, through everything that may happen to a client.

use std::{net::IpAddr, time::Duration};

use base::{Instant, Machine, SocketError, SocketErrorKind};
use rstest::rstest;
use simnet::{
    Stream,
    laws::{Step, check, script},
};
use turn::{Allocate, Client, Families, PortWish, Relay as Relayed, Transport};

use crate::{
    relay::Relay,
    support::{client, config, local, secs, server},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Allocate(Allocate),
    Permit(u8),
    Forbid(u8),
    Bind(u8),
    Unbind(u8),
    Send(u8),
    Connect(u8),
    Release,
    Credential,
}

fn host(last: u8) -> IpAddr {
    [203, 0, 113, last].into()
}

fn obey(client: &mut Client, now: Instant, command: &Command) {
    match *command {
        Command::Allocate(wish) => drop(client.allocate(now, wish)),
        Command::Permit(last) => drop(client.permit(now, host(last))),
        Command::Forbid(last) => client.forbid(now, host(last)),
        Command::Bind(last) => drop(client.bind_channel(now, (host(last), 7).into())),
        Command::Unbind(last) => client.unbind_channel(now, (host(last), 7).into()),
        Command::Send(last) => {
            let _ = client.send(now, (host(last), 7).into(), b"data", &mut Vec::new());
        }
        Command::Connect(last) => drop(client.connect_peer(now, (host(last), 7).into())),
        Command::Release => client.release(now),
        Command::Credential => client.set_credential(now, crate::support::user()),
    }
}

fn draw(stream: &mut Stream) -> Command {
    let last = u8::try_from(stream.below(12)).unwrap();
    match stream.below(14) {
        0..=2 => Command::Allocate(Allocate {
            families: [Families::V4, Families::V6, Families::Dual]
                [usize::try_from(stream.below(3)).unwrap()],
            relay: if stream.chance(0.3) { Relayed::Tcp } else { Relayed::Udp },
            port: if stream.chance(0.2) { PortWish::Even } else { PortWish::Any },
            lifetime: stream.chance(0.3).then_some(secs(900)),
            dont_fragment: stream.chance(0.3),
        }),
        3 | 4 => Command::Permit(last),
        5 => Command::Forbid(last),
        6 | 7 => Command::Bind(last),
        8 => Command::Unbind(last),
        9 | 10 => Command::Send(last),
        11 => Command::Connect(last),
        12 => Command::Credential,
        _ => Command::Release,
    }
}

fn make(transport: &Transport) -> Client {
    client(config(transport.clone()).from_local(local()))
}

#[rstest]
#[case::udp(Transport::Udp)]
#[case::tcp(Transport::Tcp)]
#[case::tls(Transport::Tls { name: "relay.example".into() })]
fn keeps_the_laws_whatever_happens(#[case] transport: Transport) {
    for seed in 0..60 {
        let mut stream = Stream::new(seed, "laws");
        let noise = |stream: &mut Stream| {
            let mut bytes = vec![0; usize::try_from(stream.below(64)).unwrap()];
            stream.fill(&mut bytes);
            (server(), local(), bytes)
        };
        let steps = script(&mut stream, 120, noise, |stream| Some(draw(stream)));
        let checked = check(|| make(&transport), obey, &steps);
        assert_eq!(checked, Ok(()), "seed {seed}");
    }
}

/// A life over UDP with a server that answers, as a script: answers are replayed at their time.
fn life_with_a_server(seed: u64) -> Vec<Step<Command>> {
    let mut stream = Stream::new(seed, "life");
    let mut relay = Relay { lifetime: secs(60 + stream.below(600)), ..Relay::default() };
    relay.forbidden.push(host(3));
    let (mut client, mut now, mut steps) = (make(&Transport::Udp), Instant::ZERO, Vec::new());
    let mut answers: Vec<Vec<u8>> = Vec::new();
    for _ in 0..150 {
        if answers.is_empty() || stream.chance(0.2) {
            let step = match stream.below(10) {
                0 => {
                    let kind = SocketErrorKind::PortUnreachable;
                    Step::SocketError(SocketError { local: local(), remote: server(), kind })
                }
                1..=5 => Step::Wait(Duration::from_millis(1 << stream.below(20))),
                _ => Step::Command(draw(&mut stream)),
            };
            steps.push(step);
        } else {
            let (source, destination, payload) = (server(), local(), answers.remove(0));
            steps.push(Step::Datagram { source, destination, payload });
        }
        let Some(step) = steps.last() else {
            continue;
        };
        let mut sent = live(&mut client, &mut now, step);
        // Some requests, and some answers, are lost.
        sent.retain(|_| !stream.chance(0.2));
        answers.extend(sent.iter().filter_map(|request| relay.answer(now, request)));
    }
    steps
}

/// Does one step as `check` does it, and says what was sent.
fn live(client: &mut Client, now: &mut Instant, step: &Step<Command>) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    let mut drain = |client: &mut Client, now| {
        loop {
            let mut bytes = Vec::new();
            if client.poll_transmit(now, &mut bytes).is_none() {
                break;
            }
            sent.push(bytes);
        }
        while client.poll_event().is_some() {}
    };
    match step {
        Step::Wait(time) => {
            let until = *now + *time;
            while let Some(at) = client.poll_timeout().filter(|at| *at <= until) {
                *now = (*now).max(at);
                client.handle_timeout(*now);
                drain(client, *now);
            }
            *now = until;
            client.handle_timeout(until);
        }
        Step::Datagram { source, destination, payload } => {
            let (source, destination) = (*source, *destination);
            let ecn = base::Ecn::NotEct;
            client.handle_datagram(*now, base::Datagram { source, destination, ecn, payload });
        }
        Step::SocketError(error) => client.handle_socket_error(*now, *error),
        Step::Command(command) => obey(client, *now, command),
        _ => {}
    }
    drain(client, *now);
    sent
}

#[test]
fn keeps_the_laws_with_a_server_that_answers() {
    let mut allocations = 0;
    for seed in 0..60 {
        let steps = life_with_a_server(seed);
        assert_eq!(check(|| make(&Transport::Udp), obey, &steps), Ok(()), "seed {seed}");
        let (mut client, mut now) = (make(&Transport::Udp), Instant::ZERO);
        for step in &steps {
            live(&mut client, &mut now, step);
            allocations += u32::from(client.allocation().is_some());
        }
    }
    assert!(allocations > 1_000, "the lives must be lived: {allocations}");
}
