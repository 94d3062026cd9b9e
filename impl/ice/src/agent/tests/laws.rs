//! The laws of every machine, through arbitrary lives of an agent whose peer is an echo.

use std::{net::SocketAddr, time::Duration};

use base::{
    Datagram, Instant, Machine, Rng, SocketError, SocketErrorKind, StreamCommand, StreamEnd,
    StreamId, StreamInput, Transmit,
};
use simnet::{
    Stream,
    laws::{self, Step},
};
use stun::{
    Builder, Key, Message,
    wire::{
        Class, Code, ErrorCode, IceControlled, IceControlling, Method, Priority, TransactionId,
        UseCandidate, Username, XorMappedAddress,
    },
};

use super::{checks::candidate, support::*};
use crate::{
    Agent, Event, LocalSocket, Mode, Nomination, Options, Parameters, RelayTransport, Relayed,
    Role, TcpType, Transport, candidate::priority::NetworkCost,
};

/// What may be asked of an agent, with small numbers for addresses.
#[derive(Clone, Copy, Debug)]
enum Command {
    AddSocket(u8),
    AddTcp(u8),
    AddRelayed(u8),
    Remove(u8),
    AddServer(u8),
    FinishGathering,
    SetRemote(u8),
    AddRemote(u8),
    AddNamed(u8),
    Resolved(u8, bool),
    EndOfCandidates,
    Restart,
    Send,
    Connected(u8),
    Accepted(u8),
    Bytes(u8),
    Ended(u8),
    Close,
}

fn parameters(which: u8) -> Parameters {
    let mut rng = Rng::from_seed([which; 32]);
    let mut parameters = Parameters::generate(&mut rng);
    match which % 4 {
        1 => parameters.options.insert(Options::RENOMINATION),
        2 => parameters.options.remove(Options::ICE2),
        3 => parameters.lite = true,
        _ => {}
    }
    parameters
}

fn local(n: u8) -> SocketAddr {
    addr(
        ["192.0.2.1:1000", "192.0.2.1:1001", "[2001:db8::1]:1000", "198.51.100.7:7"]
            [usize::from(n % 4)],
    )
}

fn remote(n: u8) -> SocketAddr {
    match n % 8 {
        0 => addr("[2001:db8::2]:2000"),
        n => SocketAddr::new([192, 0, 2, 100 + n].into(), 2_000),
    }
}

/// An agent whose peer signs what is reflected: its requests come back as answers.
struct Echoed {
    agent: Agent,
    count: u64,
}

/// Our parameters, so that the script can make requests that pass.
fn own() -> Parameters {
    Parameters::generate(&mut Rng::from_seed([200; 32]))
}

fn agent(kind: u64) -> Echoed {
    let mut config =
        config(if kind.is_multiple_of(2) { Role::Controlling } else { Role::Controlled });
    config.parameters = Some(own());
    config.components = if kind.is_multiple_of(3) { 2 } else { 1 };
    config.renomination = kind % 5 == 1;
    config.max_pairs = if kind.is_multiple_of(7) { 3 } else { 100 };
    if kind % 5 == 2 {
        config.nomination = Nomination::Aggressive;
    }
    if kind % 11 == 5 {
        config.mode = Mode::Lite;
    }
    config.hides_host_addresses = kind % 4 == 3;
    config.consent.enabled = kind % 13 != 4;
    Echoed { agent: Agent::new(config, Rng::from_seed([1; 32]), Instant::ZERO), count: 0 }
}

impl Echoed {
    /// The answer to one of the agent's own requests, now and then another than success.
    fn answer(&mut self, datagram: &Datagram<'_>) -> Option<Vec<u8>> {
        let message = Message::parse(datagram.payload).ok()?;
        let username = message.get::<Username<'_>>()?;
        let (theirs, _) = username.as_str().split_once(':')?;
        let peer = (0..8).map(parameters).find(|one| one.ufrag.as_str() == theirs)?;
        let key = Key::short_term(crypto::Provider::default(), peer.pwd.as_str()).ok()?;
        self.count += 1;
        let class = if self.count.is_multiple_of(7) { Class::Error } else { Class::Success };
        let mut bytes = Vec::new();
        let mut builder =
            Builder::new(&mut bytes, Method::BINDING, class, message.transaction_id());
        let codes = [Code::ROLE_CONFLICT, Code::FORBIDDEN, Code::BAD_REQUEST, Code::SERVER_ERROR];
        match class {
            Class::Error => {
                let code = codes[usize::try_from(self.count / 7 % 4).unwrap()];
                builder.put(&ErrorCode::new(code));
            }
            _ => {
                let mut mapped = datagram.destination;
                if self.count.is_multiple_of(3) {
                    mapped.set_port(mapped.port() + 5);
                }
                builder.put(&XorMappedAddress(mapped));
            }
        }
        builder.integrity(&key).fingerprint();
        Some(bytes)
    }

    fn stream(&mut self, now: Instant, input: StreamInput<'_>) {
        self.agent.handle_stream(now, input);
    }
}

fn obey(machine: &mut Echoed, now: Instant, command: &Command) {
    let agent = &mut machine.agent;
    match *command {
        Command::AddSocket(n) => {
            let _ = agent.add_socket(now, LocalSocket::udp(1 + n / 16 % 2, local(n)));
        }
        Command::AddTcp(n) => {
            let transport = Transport::Tcp(TcpType::ALL[usize::from(n % 3)]);
            let cost = NetworkCost(n.into());
            let socket = LocalSocket { component: 1, address: local(n), transport, cost };
            let _ = agent.add_socket(now, socket);
        }
        Command::AddRelayed(n) => {
            let (address, server) = (local(n.wrapping_add(3)), addr("198.51.100.1:3478"));
            let reached_over = RelayTransport::Tls;
            let relayed = Relayed { component: 1, address, mapped: None, server, reached_over };
            let _ = agent.add_relayed(now, relayed);
        }
        Command::Remove(n) => agent.remove_local(now, local(n)),
        Command::AddServer(n) => agent.add_stun_server(now, remote(n)),
        Command::FinishGathering => agent.finish_gathering(now),
        Command::SetRemote(n) => {
            let _ = agent.set_remote_parameters(now, parameters(n % 8));
        }
        Command::AddRemote(n) => {
            let mut candidate = candidate(u32::from(n) + 1, remote(n));
            if n % 5 == 4 {
                candidate.transport = Transport::Tcp(TcpType::ALL[usize::from(n % 3)]);
            }
            candidate.component = 1 + u16::from(n / 32 % 2);
            let _ = agent.add_remote_candidate(now, candidate);
        }
        Command::AddNamed(n) => {
            let name = format!("name{}.local", n % 3);
            let mut candidate = candidate(u32::from(n) + 1, remote(n));
            candidate.address = crate::Address::Name { name, port: 2_000 };
            let _ = agent.add_remote_candidate(now, candidate);
        }
        Command::Resolved(n, found) => {
            let ip = found.then(|| remote(n).ip());
            agent.handle_resolved(now, &format!("name{}.local", n % 3), ip);
        }
        Command::EndOfCandidates => agent.end_of_remote_candidates(now),
        Command::Restart => agent.restart(now),
        Command::Send => {
            let _ = agent.send(now, 1, b"data", &mut Vec::new());
        }
        Command::Close => agent.close(now),
        other => obey_stream(machine, now, other),
    }
}

/// What happens on connections.
fn obey_stream(machine: &mut Echoed, now: Instant, command: Command) {
    match command {
        Command::Connected(n) => {
            let id = StreamId::own(u64::from(n % 4));
            machine.stream(now, StreamInput::Connected { id, local: local(n), remote: remote(n) });
        }
        Command::Accepted(n) => {
            let listener = StreamId::own(u64::from(n % 4));
            let id = StreamId::accepted(u64::from(n % 8));
            let (local, remote) = (local(n), remote(n));
            machine.stream(now, StreamInput::Listening { id: listener, local });
            machine.stream(now, StreamInput::Accepted { listener, id, local, remote });
        }
        Command::Bytes(n) => {
            let id =
                if n % 2 == 0 { StreamId::own(0) } else { StreamId::accepted(u64::from(n % 8)) };
            let mut bytes = check(n);
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            bytes.splice(..0, length);
            machine.stream(now, StreamInput::Received { id, bytes: &bytes });
        }
        Command::Ended(n) => {
            let id =
                if n % 2 == 0 { StreamId::own(0) } else { StreamId::accepted(u64::from(n % 8)) };
            machine.stream(now, StreamInput::Closed { id, reason: StreamEnd::Reset });
        }
        _ => {}
    }
}

/// A check of the peer for the first generation, which passes.
fn check(n: u8) -> Vec<u8> {
    let peer = parameters(n % 8);
    let key = Key::short_term(crypto::Provider::default(), own().pwd.as_str()).unwrap();
    let name = format!("{}:{}", own().ufrag, peer.ufrag);
    let mut bytes = Vec::new();
    let id = TransactionId::new([n; 12]);
    let mut builder = Builder::new(&mut bytes, Method::BINDING, Class::Request, id);
    builder.put(&Username::new(&name).unwrap()).put(&Priority(1 + u32::from(n) * 1_000));
    let tie = u64::from(n) << 56;
    if n.is_multiple_of(3) {
        builder.put(&IceControlled(tie))
    } else {
        builder.put(&IceControlling(tie))
    };
    if n % 3 == 1 {
        builder.put(&UseCandidate);
    }
    builder.integrity(&key).fingerprint();
    bytes
}

impl Machine for Echoed {
    type Event = Event;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        match self.answer(&datagram) {
            Some(answer) => {
                self.agent.handle_datagram(now, Datagram { payload: &answer, ..datagram });
            }
            None => self.agent.handle_datagram(now, datagram),
        }
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.agent.handle_socket_error(now, error);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        // What streams are asked to do is part of the life too.
        while let Some(command) = self.agent.poll_stream(now, &mut Vec::new()) {
            if let StreamCommand::Connect { id, remote, local, .. } = command {
                self.count += u64::from(remote.port()) + u64::from(local.is_some());
                let _ = id;
            }
        }
        self.agent.poll_transmit(now, buffer)
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.agent.poll_event()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.agent.poll_timeout()
    }
}

fn byte(stream: &mut Stream) -> u8 {
    u8::try_from(stream.below(256)).unwrap()
}

fn command(stream: &mut Stream) -> Option<Command> {
    let n = byte(stream);
    Some(match stream.below(40) {
        0..=5 => Command::AddSocket(n),
        6 => Command::AddTcp(n),
        7 => Command::AddRelayed(n),
        8 => Command::Remove(n),
        9 => Command::AddServer(n),
        10 => Command::FinishGathering,
        11..=15 => Command::SetRemote(n % 2),
        16 => Command::SetRemote(n),
        17..=24 => Command::AddRemote(n),
        25 => Command::AddNamed(n),
        26 => Command::Resolved(n, !n.is_multiple_of(3)),
        27 => Command::EndOfCandidates,
        28 => Command::Restart,
        29..=31 => Command::Send,
        32 => Command::Connected(n),
        33 => Command::Accepted(n),
        34 => Command::Bytes(n),
        35 => Command::Ended(n),
        36 if n < 20 => Command::Close,
        _ => return None,
    })
}

fn datagram(stream: &mut Stream) -> (SocketAddr, SocketAddr, Vec<u8>) {
    let n = byte(stream);
    let mut payload = match stream.below(6) {
        0 => b"application data".to_vec(),
        1 => (0..stream.below(60)).map(|_| byte(stream)).collect(),
        _ => check(n),
    };
    if stream.below(8) == 0 {
        let place = usize::try_from(stream.below(payload.len().max(1) as u64)).unwrap();
        if let Some(byte) = payload.get_mut(place) {
            *byte ^= 0x10;
        }
    }
    (remote(byte(stream)), local(byte(stream)), payload)
}

#[test]
fn the_agent_keeps_the_laws_through_arbitrary_lives() {
    for seed in 0..66 {
        let mut stream = Stream::new(seed, "agent");
        let mut script = vec![
            Step::Command(Command::AddSocket(0)),
            Step::Command(Command::SetRemote(0)),
            Step::Command(Command::AddRemote(1)),
            Step::Reflect,
        ];
        script.extend(laws::script(&mut stream, 80, datagram, command));
        let kind = SocketErrorKind::PortUnreachable;
        script.push(Step::SocketError(SocketError { local: local(0), remote: remote(1), kind }));
        script.push(Step::Wait(Duration::from_secs(200)));
        laws::check(|| agent(seed), obey, &script)
            .unwrap_or_else(|broken| panic!("{seed}: {broken}"));
    }
}

#[test]
fn no_table_outgrows_its_limit_in_an_arbitrary_life() {
    for seed in 0..40 {
        let mut stream = Stream::new(seed, "limits");
        let mut machine = agent(seed);
        let mut now = Instant::ZERO;
        for _ in 0..400 {
            now += Duration::from_millis(stream.below(300));
            if let Some(command) = command(&mut stream) {
                obey(&mut machine, now, &command);
            }
            let (source, destination, payload) = datagram(&mut stream);
            let ecn = base::Ecn::NotEct;
            let datagram = Datagram { source, destination, ecn, payload: &payload };
            machine.handle_datagram(now, datagram);
            machine.handle_timeout(now);
            let stats = machine.agent.stats();
            assert!(stats.pairs.len() <= 102, "{seed}: {}", stats.pairs.len());
            assert!(stats.remote_candidates.len() <= 64 + 32);
            assert!(machine.agent.transactions.len() <= 256);
            if seed % 2 == 0 {
                let mut bytes = Vec::new();
                while machine.poll_transmit(now, &mut bytes).is_some() {}
                while machine.poll_event().is_some() {}
            }
        }
    }
}
