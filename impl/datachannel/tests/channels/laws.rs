//! Channels keep the laws of every machine.

use std::{net::SocketAddr, time::Duration};

use base::{Datagram, Instant, Machine, Rng, Transmit};
use datachannel::{ChannelConfig, ChannelId, Channels, Data, Event, Reliability, Role, ppid};
use simnet::{
    Stream,
    laws::{self, Step},
};

use crate::cable::config;

/// Channels with the address of a peer.
struct Addressed(Channels);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Command {
    Connect,
    Open(u64),
    Send(u16, u64),
    Close(u16),
    Shutdown,
}

fn peer() -> SocketAddr {
    SocketAddr::from(([11, 0, 0, 2], 9_899))
}

impl Machine for Addressed {
    type Event = Event;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.0.handle_packet(now, datagram.payload, datagram.ecn);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.0.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let packet = self.0.poll_packet(now, buffer)?;
        Some(Transmit::new(peer(), packet.size))
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.0.poll_event()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.poll_timeout()
    }
}

fn command(machine: &mut Addressed, now: Instant, command: &Command) {
    let channels = &mut machine.0;
    match command {
        Command::Connect => drop(channels.connect(now)),
        Command::Open(kind) => {
            let mut config = ChannelConfig::new("law");
            config.ordered = kind % 2 == 0;
            if kind % 3 == 0 {
                config.reliability = Reliability::Lifetime(50);
            }
            let _ = channels.open(now, &config);
        }
        Command::Send(number, length) => {
            if let Some(id) = ChannelId::new(*number) {
                let data = vec![7; usize::try_from(*length).unwrap()];
                let _ = channels.send(now, id, Data::Binary(data.into()));
            }
        }
        Command::Close(number) => {
            if let Some(id) = ChannelId::new(*number) {
                let _ = channels.close(now, id);
            }
        }
        Command::Shutdown => channels.shutdown(now),
    }
}

/// Every packet of a conversation, as the peer would have sent them.
fn conversation() -> Vec<Vec<u8>> {
    let now = Instant::ZERO;
    let mut ends = [(Role::Odd, 2), (Role::Even, 1)]
        .map(|(role, seed)| Channels::new(config(role), Rng::from_seed([seed; 32]), now));
    ends[0].connect(now).unwrap();
    let id = ends[0].open(now, &ChannelConfig::new("x")).unwrap();
    let mut said = Vec::new();
    for round in 0..6 {
        if round == 3 {
            let _ = ends[0].send(now, id, Data::text("a message"));
            let _ = ends[0].close(now, id);
        }
        for from in [0, 1] {
            let mut packet = Vec::new();
            while ends[from].poll_packet(now, &mut packet).is_some() {
                ends[1 - from].handle_packet(now, &packet, base::Ecn::NotEct);
                if from == 0 {
                    said.push(packet.clone());
                }
                packet.clear();
            }
        }
    }
    said
}

#[test]
fn channels_keep_the_laws_of_machines() {
    assert_eq!(ppid::DCEP.get(), 50);
    let said = conversation();
    let here = SocketAddr::from(([11, 0, 0, 1], 9_899));
    for seed in 0..40 {
        let mut stream = Stream::new(seed, "laws of channels");
        let mut next = 0;
        let datagram = |stream: &mut Stream| {
            let mut payload = said[next % said.len()].clone();
            next += 1;
            if stream.below(4) == 0 {
                let at = usize::try_from(stream.below(payload.len() as u64)).unwrap();
                payload[at] ^= 1 << stream.below(8);
            }
            (peer(), here, payload)
        };
        let commands = |stream: &mut Stream| {
            let number = u16::try_from(stream.below(4)).unwrap();
            Some(match stream.below(12) {
                0 | 1 => Command::Connect,
                2..=4 => Command::Open(stream.below(6)),
                5..=8 => Command::Send(number, stream.below(3_000)),
                9 | 10 => Command::Close(number),
                _ => Command::Shutdown,
            })
        };
        let mut script = laws::script(&mut stream, 120, datagram, commands);
        script.insert(0, Step::Wait(Duration::from_millis(1)));
        let make =
            || Addressed(Channels::new(config(Role::Even), Rng::from_seed([1; 32]), Instant::ZERO));
        if let Err(broken) = laws::check(make, command, &script) {
            panic!("seed {seed}: {broken}");
        }
    }
}
