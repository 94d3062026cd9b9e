//! The laws of machines, through random lives.

use std::net::SocketAddr;

use base::Instant;
use peer::{IceServer, IceTransport, Policy, TcpCandidates};
use simnet::{
    Stream,
    laws::{self, Step},
};

use crate::support::{addr, config, interface, transport, turn};

#[derive(Clone, Debug)]
enum Command {
    Gather,
    Parameters,
    Candidate(u8),
    End,
    Restart,
    Send,
    Close,
}

fn obey(it: &mut IceTransport, now: Instant, command: &Command) {
    match command {
        Command::Gather => it.gather(now),
        Command::Parameters => {
            let peer = transport(config());
            let _ = it.set_remote_parameters(now, peer.local_parameters().clone());
        }
        Command::Candidate(n) => {
            let line = format!("1 1 udp 2130706431 198.51.100.{n} 5000 typ host");
            let _ = it.add_remote_candidate(now, line.parse().expect("a candidate"));
        }
        Command::End => it.end_of_remote_candidates(now),
        Command::Restart => it.restart(now),
        Command::Send => {
            let _ = it.send(now, 1, b"data", &mut Vec::new());
        }
        Command::Close => it.close(now),
    }
}

fn draw(dice: &mut Stream) -> Option<Command> {
    Some(match dice.below(16) {
        0..=2 => Command::Gather,
        3..=5 => Command::Parameters,
        6..=9 => Command::Candidate(u8::try_from(dice.below(8)).unwrap_or(0)),
        10 => Command::End,
        11 => Command::Restart,
        12 => Command::Close,
        _ => Command::Send,
    })
}

fn datagram(dice: &mut Stream) -> (SocketAddr, SocketAddr, Vec<u8>) {
    let sources = ["203.0.113.1:3478", "203.0.113.2:3478", "198.51.100.3:5000"];
    let drawn = usize::try_from(dice.below(3)).unwrap_or(0);
    let source = sources.get(drawn).expect("one of three");
    let bytes = (0..dice.below(60)).map(|_| dice.u32().to_le_bytes()[0]).collect();
    (addr(source), addr("192.0.2.1:50000"), bytes)
}

fn make(seed: u64) -> IceTransport {
    let mut config = config();
    config.policy = if seed.is_multiple_of(3) { Policy::Relay } else { Policy::All };
    config.tcp = if seed.is_multiple_of(2) { TcpCandidates::BOTH } else { TcpCandidates::NONE };
    config.servers = vec![
        IceServer::Stun(addr("203.0.113.1:3478")),
        turn("203.0.113.1:3478", turn::Transport::Udp),
        turn("203.0.113.2:3478", turn::Transport::Tcp),
    ];
    transport(config)
}

#[test]
fn keeps_the_laws_through_random_lives() {
    for seed in 0..120 {
        let mut dice = Stream::new(seed, "life");
        let mut script = laws::script(&mut dice, 60, datagram, draw);
        for place in [0, 20, 40] {
            let ips: &[&str] = match dice.below(3) {
                0 => &[],
                1 => &["192.0.2.1"],
                _ => &["192.0.2.1", "2001:db8::1"],
            };
            script.insert(place, Step::Interfaces(vec![interface("eth0", ips)]));
            script.insert(place, Step::Command(Command::Gather));
        }
        laws::check(|| make(seed), obey, &script)
            .unwrap_or_else(|broken| panic!("{seed}: {broken}"));
    }
}
