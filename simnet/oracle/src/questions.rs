//! The questions, and the form of an answer.
//!
//! Answers are words about behaviour ("same port", "refused"), never port numbers: those differ from run
//! to run. Every question uses ports of its own, so that none finds the state that another left.

use std::{net::SocketAddr, time::Duration};

use crate::world::{Fault, Host, Reply, SERVER, SERVER_TOO, Socket, World, box_address};

/// A question and what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The question, in a few words.
    pub question: &'static str,
    /// The behaviour that was seen.
    pub seen: String,
}

/// Silence after which a box forgets a datagram that was not answered, while questions are asked: short,
/// so that they do not take minutes.
pub const UNREPLIED: Duration = Duration::from_secs(3);
/// Silence after which a box forgets a conversation, while questions are asked.
pub const STREAM: Duration = Duration::from_secs(8);

/// Asks everything.
///
/// # Errors
///
/// If the world is broken.
pub fn ask(world: &mut dyn World) -> Result<Vec<Answer>, Fault> {
    let servers = Servers::open(world)?;
    let mut answers = Vec::new();
    let mut tell = |question, seen| answers.push(Answer { question, seen });
    tell("the port that four destinations see", mapping(world, &servers)?);
    tell("who may answer", filtering(world, &servers)?);
    tell("a stranger knocks at an unused port", stranger(world)?);
    tell("the peer sends first, then the host", inbound_first(world, &servers)?);
    tell("the host sends first, then the peer", outbound_first(world, &servers)?);
    tell("a second host with the same port", second_host(world, &servers)?);
    tell("a neighbour sends to the outside address", hairpin(world, &servers)?);
    tell("a closed port outside", closed_port(world)?);
    tell("TCP: the port that four destinations see", tcp_mapping(world)?);
    tell("TCP: a stranger connects", tcp_stranger(world)?);
    for (question, seen) in lifetimes(world, &servers)? {
        tell(question, seen);
    }
    Ok(answers)
}

/// The four sockets of the server: two addresses, two ports.
struct Servers {
    sockets: [(SocketAddr, Socket); 4],
}

const PORTS: [u16; 2] = [4_000, 4_001];
const TCP_PORTS: [u16; 2] = [4_100, 4_101];

impl Servers {
    fn open(world: &mut dyn World) -> Result<Self, Fault> {
        let mut open = |address, port| {
            let socket = world.bind(Host::Server, Some(address), port)?;
            Ok::<_, Fault>((SocketAddr::new(address, port), socket))
        };
        let [port, other] = PORTS;
        let sockets = [
            open(SERVER, port)?,
            open(SERVER, other)?,
            open(SERVER_TOO, port)?,
            open(SERVER_TOO, other)?,
        ];
        for port in TCP_PORTS {
            world.listen(port)?;
        }
        Ok(Self { sockets })
    }

    /// The first address and port: whom the hosts talk to.
    const fn first(&self) -> (SocketAddr, Socket) {
        self.sockets[0]
    }
}

fn mapping(world: &mut dyn World, servers: &Servers) -> Result<String, Fault> {
    let port = 5_000;
    let alice = world.bind(Host::Alice, None, port)?;
    let mut seen = Vec::new();
    for &(address, server) in &servers.sockets {
        world.send(alice, address)?;
        seen.push(world.receive(server)?.map(|source| source.port()));
    }
    Ok(pattern(&seen, port))
}

/// Describes the ports that four destinations saw.
fn pattern(seen: &[Option<u16>], port: u16) -> String {
    let Some(ports) = seen.iter().copied().collect::<Option<Vec<u16>>>() else {
        return "some saw nothing".into();
    };
    let same = ports.iter().all(|it| ports.first() == Some(it));
    let spread = if same { "the same for all" } else { "not the same for all" };
    let kept = ports.iter().filter(|&&it| it == port).count();
    let kept = match kept {
        0 => "not the host's own",
        count if count == ports.len() => "the host's own",
        _ => "sometimes the host's own",
    };
    format!("{spread}, {kept}")
}

fn filtering(world: &mut dyn World, servers: &Servers) -> Result<String, Fault> {
    let alice = world.bind(Host::Alice, None, 5_010)?;
    let (contacted, server) = servers.first();
    world.send(alice, contacted)?;
    let Some(outside) = world.receive(server)? else { return Ok("nothing passes".into()) };
    let mut words = Vec::new();
    let [_, (_, port), (_, address), _] = servers.sockets;
    for (who, from) in [("other port", port), ("other address", address)] {
        world.send(from, outside)?;
        words.push(format!("{who} {}", delivered(world.receive(alice)?)));
    }
    world.send(server, outside)?;
    words.push(format!("the one contacted {}", delivered(world.receive(alice)?)));
    Ok(words.join(", "))
}

const fn delivered(source: Option<SocketAddr>) -> &'static str {
    if source.is_some() { "passes" } else { "is stopped" }
}

fn stranger(world: &mut dyn World) -> Result<String, Fault> {
    Ok(world.knock(Host::Server, 4_010, box_address(5_020))?.to_string())
}

/// The race of hole punching that depends on the delay of signalling.
fn inbound_first(world: &mut dyn World, servers: &Servers) -> Result<String, Fault> {
    let (contacted, server) = servers.first();
    world.send(server, box_address(5_030))?;
    let alice = world.bind(Host::Alice, None, 5_030)?;
    punch(world, alice, 5_030, contacted, server)
}

fn outbound_first(world: &mut dyn World, servers: &Servers) -> Result<String, Fault> {
    let (contacted, server) = servers.first();
    let alice = world.bind(Host::Alice, None, 5_031)?;
    punch(world, alice, 5_031, contacted, server)
}

/// The host sends; then its peer sends to the port that a STUN server would have told: the host's own,
/// where the box preserves ports.
fn punch(
    world: &mut dyn World,
    alice: Socket,
    port: u16,
    contacted: SocketAddr,
    server: Socket,
) -> Result<String, Fault> {
    world.send(alice, contacted)?;
    let seen = world.receive(server)?.map(|source| source.port());
    world.send(server, box_address(port))?;
    let through = delivered(world.receive(alice)?);
    let kept =
        if seen == Some(port) { "the host's own port is used" } else { "another port is used" };
    Ok(format!("{kept}, the peer {through}"))
}

fn second_host(world: &mut dyn World, servers: &Servers) -> Result<String, Fault> {
    let port = 5_040;
    let (contacted, server) = servers.first();
    let alice = world.bind(Host::Alice, None, port)?;
    world.send(alice, contacted)?;
    let first = world.receive(server)?.map(|source| source.port());
    let bob = world.bind(Host::Bob, None, port)?;
    world.send(bob, contacted)?;
    let second = world.receive(server)?.map(|source| source.port());
    let (elsewhere, server_too) = servers.sockets[2];
    world.send(bob, elsewhere)?;
    let third = world.receive(server_too)?.map(|source| source.port());
    let apart = if first == second { "the same port for both" } else { "another port" };
    let stable = if second == third { "kept" } else { "changed" };
    Ok(format!("{apart}, {stable} towards another server"))
}

fn hairpin(world: &mut dyn World, servers: &Servers) -> Result<String, Fault> {
    let (contacted, server) = servers.first();
    let alice = world.bind(Host::Alice, None, 5_050)?;
    world.send(alice, contacted)?;
    let Some(outside) = world.receive(server)? else { return Ok("nothing passes".into()) };
    let bob = world.bind(Host::Bob, None, 5_051)?;
    world.send(bob, outside)?;
    Ok(delivered(world.receive(alice)?).into())
}

fn closed_port(world: &mut dyn World) -> Result<String, Fault> {
    let closed = SocketAddr::new(SERVER, 4_999);
    Ok(world.knock(Host::Alice, 5_060, closed)?.to_string())
}

fn tcp_mapping(world: &mut dyn World) -> Result<String, Fault> {
    let port = 5_070;
    let mut seen = Vec::new();
    let places = [SERVER, SERVER_TOO].into_iter().flat_map(|ip| TCP_PORTS.map(|port| (ip, port)));
    for (address, server) in places {
        let reply = world.connect(Host::Alice, port, SocketAddr::new(address, server))?;
        seen.push(match reply {
            Reply::From(source) => Some(source.port()),
            Reply::Refused | Reply::Silence => None,
        });
    }
    Ok(pattern(&seen, port))
}

fn tcp_stranger(world: &mut dyn World) -> Result<String, Fault> {
    Ok(world.connect(Host::Server, 4_110, box_address(5_080))?.to_string())
}

/// One conversation per claim about time, all of them at once.
fn lifetimes(
    world: &mut dyn World,
    servers: &Servers,
) -> Result<Vec<(&'static str, String)>, Fault> {
    let (contacted, server) = servers.first();
    let mut outside = Vec::new();
    for port in 5_090..5_094 {
        let alice = world.bind(Host::Alice, None, port)?;
        world.send(alice, contacted)?;
        let Some(seen) = world.receive(server)? else { return Ok(Vec::new()) };
        outside.push((alice, seen));
    }
    let [early, late, inbound, stream] = outside[..] else { return Ok(Vec::new()) };
    let begin = world.now();
    let reach = |world: &mut dyn World, (alice, outside): (Socket, SocketAddr), after| {
        world.wait_until(begin + Duration::from_millis(after))?;
        world.send(server, outside)?;
        world.receive(alice)
    };
    // A conversation: answered at once, and again when it is older than the two seconds after which
    // Linux takes it for a stream.
    reach(world, stream, 200)?;
    let in_time = reach(world, early, 1_600)?;
    reach(world, inbound, 1_800)?;
    world.wait_until(begin + Duration::from_millis(2_500))?;
    world.send(stream.0, contacted)?;
    world.receive(server)?;
    let refreshed = reach(world, inbound, 4_000)?;
    let too_late = reach(world, late, 5_000)?;
    let streaming = reach(world, stream, 7_500)?;
    world.wait_until(begin + Duration::from_millis(7_600))?;
    let over = reach(world, stream, 17_500)?;
    Ok(vec![
        ("an answer before the short timer ends", delivered(in_time).into()),
        ("an answer after the short timer", delivered(too_late).into()),
        ("an answer that only answers kept alive", delivered(refreshed).into()),
        ("a conversation after the short timer", delivered(streaming).into()),
        ("a conversation after the long timer", delivered(over).into()),
    ])
}
