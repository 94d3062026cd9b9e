//! The driver on a simulated network: our TURN client behind a NAT, our TURN server, and peers.
//!
//! The code is that which runs on the sockets of a system; only the runtime under it is another.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

use std::{cell::Cell, error::Error, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use base::{Instant, Interface, Machine, Rng, StreamCommand, StreamEnd, StreamId, StreamInput};
use peerlab::Driver;
use rstest::rstest;
use runners::{Paused, Runner, Surroundings, TcpListener, TcpStream, UdpSocket};
use runtime::Runtime as _;
use simnet::{
    Host, Link, Loss, Network,
    nat::{Config, Nat},
};
use stun::Credential;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use turn::{
    Allocate, Client, ClientConfig, ClientEvent, LostReason, Relay, Server, ServerConfig,
    Transport, server::Accounts,
};

type Done = Result<(), Box<dyn Error>>;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn server() -> SocketAddr {
    at("11.0.0.3:3478")
}

fn peer() -> SocketAddr {
    at("11.0.0.9:7")
}

/// Alice behind a NAT that maps for each destination, 15 ms from the server.
fn network(seed: u64, loss: f64) -> Network {
    let link = Link::delayed(Duration::from_millis(15)).loss(Loss::random(loss));
    Network::builder(seed)
        .wan("wan", "11.0.0.0/8")
        .lan("home", "192.168.1.0/24")
        .nat("box", "home", "wan", Nat::new(Config::symmetric()))
        .host("alice", Host::on("home"))
        .host("turn", Host::on("wan").address("11.0.0.3"))
        .host("bob", Host::on("wan").address("11.0.0.9"))
        .link("box", "wan", link)
        .build()
        .unwrap()
}

async fn serve() -> Done {
    let here = Surroundings::here()?;
    let provider = crypto::rust_crypto();
    let accounts = Accounts::new("example.org")?.with_user(provider, "alice", "password")?;
    let mut config = ServerConfig::new(provider, accounts, here.wall_time()).at(server());
    config.tcp = vec![server()];
    config.tcp_relay = true;
    let machine = Server::new(config, Rng::from_seed(here.seed()?), here.now())?;
    let mut driver = Driver::new(Arc::new(here), machine);
    loop {
        driver.next_event().await?;
    }
}

/// Sends back what comes, over UDP and TCP.
async fn echo() -> Done {
    let socket = UdpSocket::bind(peer()).await?;
    let listener = TcpListener::bind(peer()).await?;
    runners::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            echo_bytes(stream).await?;
        }
        std::io::Result::Ok(())
    });
    let mut buffer = vec![0; 2_048];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..length], from).await?;
    }
}

async fn echo_bytes(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; 4_096];
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length]).await?;
    }
}

async fn allocated(transport: Transport, wish: Allocate) -> Result<Driver<Client>, Box<dyn Error>> {
    let config = ClientConfig::new(crypto::rust_crypto(), server(), transport)
        .with_credential(Credential::long_term("alice", "password")?);
    let mut driver = Driver::turn_client(Arc::new(Surroundings::here()?), config)?;
    driver.command(|client, now| client.allocate(now, wish))?;
    match driver.next_event().await? {
        ClientEvent::Allocated(_) => Ok(driver),
        other => Err(format!("no allocation: {other:?}").into()),
    }
}

/// A hundred datagrams there and back, in indications at first and then through a channel.
async fn exchange(transport: Transport) -> Done {
    let mut driver = allocated(transport, Allocate::default()).await?;
    driver.command(|client, now| client.permit(now, peer().ip()))?;
    let mut answers = 0;
    let mut beats = tokio::time::interval(Duration::from_millis(20));
    for number in 0..100_u8 {
        beats.tick().await;
        let _ = driver.relay(peer(), &[0x80, number]);
        while let Ok(event) =
            tokio::time::timeout(Duration::from_millis(5), driver.next_event()).await
        {
            answers += u32::from(matches!(event?, ClientEvent::Data { .. }));
        }
    }
    let now = driver.now();
    assert!(driver.machine().channel(now, peer()).is_some(), "bound by itself");
    assert!(answers > 80, "{answers} answers");
    driver.command(Client::release);
    while driver.next_event().await? != ClientEvent::Released {}
    Ok(())
}

/// Runs `alice` beside server and peer, and wants it to end in time.
fn run<F>(network: Network, alice: fn() -> F)
where
    F: Future<Output = Done> + 'static,
{
    let mut run = Paused::new(network);
    run.host("turn", serve);
    run.host("bob", echo);
    run.host("alice", alice);
    let limit = Instant::ZERO + Duration::from_secs(60);
    assert!(run.run_until_ended(&["alice"], limit).unwrap(), "it takes too long");
}

#[rstest]
#[case::udp(|| exchange(Transport::Udp), 0.0)]
#[case::udp_with_loss(|| exchange(Transport::Udp), 0.03)]
#[case::tcp(|| exchange(Transport::Tcp), 0.0)]
#[case::tcp_with_loss(|| exchange(Transport::Tcp), 0.01)]
fn relays_datagrams_from_behind_a_nat<F>(#[case] alice: fn() -> F, #[case] loss: f64)
where
    F: Future<Output = Done> + 'static,
{
    run(network(1, loss), alice);
}

#[test]
fn relays_a_connection_in_both_directions() {
    run(network(2, 0.01), || async {
        let wish = Allocate { relay: Relay::Tcp, ..Allocate::default() };
        let mut driver = allocated(Transport::Tcp, wish).await?;
        let connection = driver.command(|client, now| client.connect_peer(now, peer()))?;
        while !matches!(driver.next_event().await?, ClientEvent::Connected { .. }) {}
        let sent: Vec<u8> = (0..200_000_u32).map(|at| (at ^ at >> 7).to_le_bytes()[0]).collect();
        driver.relay_bytes(connection, &sent)?;
        let mut back = Vec::new();
        while back.len() < sent.len() {
            if let ClientEvent::Received { bytes, .. } = driver.next_event().await? {
                back.extend_from_slice(&bytes);
            }
        }
        assert_eq!(back, sent);
        Ok(())
    });
}

#[test]
fn hears_of_a_server_that_crashed_over_tcp() {
    let mut run = Paused::new(network(3, 0.0));
    run.host("turn", serve);
    let lost = Rc::new(Cell::new(None));
    let told = lost.clone();
    run.host("alice", move || {
        let told = told.clone();
        async move {
            let mut driver = allocated(Transport::Tcp, Allocate::default()).await?;
            loop {
                if let ClientEvent::Lost(reason) = driver.next_event().await? {
                    told.set(Some(reason));
                    return Done::Ok(());
                }
            }
        }
    });
    run.run_for(Duration::from_secs(2)).unwrap();
    run.crash("turn");
    run.restart("turn");
    let limit = Instant::ZERO + Duration::from_secs(60);
    assert!(run.run_until_ended(&["alice"], limit).unwrap());
    assert_eq!(lost.get(), Some(LostReason::Connection(StreamEnd::Reset)));
}

/// A machine that does what a test tells it, and tells what it is told.
#[derive(Debug, Default)]
struct Probe {
    commands: Vec<(StreamCommand, Vec<u8>)>,
    told: Vec<String>,
}

impl Machine for Probe {
    type Event = String;

    fn handle_datagram(&mut self, _: Instant, _: base::Datagram<'_>) {}

    fn handle_stream(&mut self, _: Instant, input: StreamInput<'_>) {
        self.told.push(match input {
            StreamInput::Received { bytes, .. } => format!("{} bytes", bytes.len()),
            StreamInput::Unsent { bytes, .. } => format!("{} unsent", bytes.min(1)),
            StreamInput::Closed { reason, .. } => format!("closed: {reason:?}"),
            other => format!("{other:?}").split(' ').next().unwrap_or_default().to_owned(),
        });
    }

    fn handle_interfaces(&mut self, _: Instant, interfaces: &[Interface]) {
        self.told.push(format!("{} interfaces", interfaces.len()));
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_transmit(&mut self, _: Instant, _: &mut Vec<u8>) -> Option<base::Transmit> {
        None
    }

    fn poll_stream(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        if self.commands.is_empty() {
            return None;
        }
        let (command, bytes) = self.commands.remove(0);
        buffer.extend_from_slice(&bytes);
        Some(command)
    }

    fn poll_event(&mut self) -> Option<String> {
        if self.told.is_empty() { None } else { Some(self.told.remove(0)) }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

const ID: StreamId = StreamId::own(0);

fn connect(remote: SocketAddr) -> (StreamCommand, Vec<u8>) {
    let security = base::StreamSecurity::Plain;
    (StreamCommand::Connect { id: ID, local: None, remote, security }, Vec::new())
}

async fn probe(first: (StreamCommand, Vec<u8>)) -> Result<Driver<Probe>, Box<dyn Error>> {
    let mut driver = Driver::new(Arc::new(Surroundings::here()?), Probe::default());
    driver.command(|probe, _| probe.commands.push(first));
    Ok(driver)
}

async fn wants(driver: &mut Driver<Probe>, expected: &str) -> Done {
    let event = driver.next_event().await?;
    if event == expected { Ok(()) } else { Err(format!("{event}, not {expected}").into()) }
}

#[test]
fn what_was_sent_before_a_close_arrives() {
    run(network(4, 0.0), || async {
        let mut driver = probe(connect(peer())).await?;
        wants(&mut driver, "Connected").await?;
        driver.command(|probe, _| {
            let send = StreamCommand::Send { id: ID, size: 100_000 };
            probe.commands.push((send, vec![7; 100_000]));
            probe.commands.push((StreamCommand::Close { id: ID }, Vec::new()));
        });
        loop {
            let event = driver.next_event().await?;
            if event == "closed: Finished" {
                return Ok(());
            }
            assert!(event.ends_with("unsent"), "{event}");
        }
    });
}

#[test]
fn a_refused_connection_says_so() {
    run(network(5, 0.0), || async {
        let mut driver = probe(connect(at("11.0.0.9:8"))).await?;
        wants(&mut driver, "closed: Refused").await
    });
}

#[test]
fn a_paused_connection_is_not_read() {
    run(network(6, 0.0), || async {
        let mut driver = probe(connect(peer())).await?;
        wants(&mut driver, "Connected").await?;
        driver.command(|probe, _| {
            probe.commands.push((StreamCommand::Send { id: ID, size: 5 }, b"hello".to_vec()));
            probe.commands.push((StreamCommand::Pause { id: ID }, Vec::new()));
        });
        let silence = tokio::time::timeout(Duration::from_secs(5), driver.next_event()).await;
        assert!(silence.is_err(), "{silence:?}");
        driver.command(|probe, _| {
            probe.commands.push((StreamCommand::Resume { id: ID }, Vec::new()))
        });
        wants(&mut driver, "5 bytes").await
    });
}

#[test]
fn a_machine_that_sends_without_end_loses_the_connection() {
    run(network(7, 0.0), || async {
        let mut driver = probe(connect(peer())).await?;
        wants(&mut driver, "Connected").await?;
        driver.command(|probe, _| {
            for _ in 0..20 {
                let send = StreamCommand::Send { id: ID, size: 1_000_000 };
                probe.commands.push((send, vec![7; 1_000_000]));
            }
        });
        wants(&mut driver, "closed: Reset").await?;
        assert_eq!(driver.stats().overrun_streams, 1);
        Ok(())
    });
}

#[test]
fn accepts_connections_and_tells_interfaces() {
    run(network(8, 0.0), || async {
        let listen = StreamCommand::Listen { id: ID, local: at("0.0.0.0:9000") };
        let mut driver = probe((listen, Vec::new())).await?;
        wants(&mut driver, "Listening").await?;
        driver.set_interfaces(&[]);
        wants(&mut driver, "0 interfaces").await?;
        runners::spawn(async {
            let mut stream = TcpStream::connect("127.0.0.1:9000").await?;
            stream.write_all(b"hello").await
        });
        wants(&mut driver, "Accepted").await?;
        wants(&mut driver, "5 bytes").await?;
        wants(&mut driver, "closed: Finished").await
    });
}

#[test]
fn without_roots_there_is_no_tls() {
    run(network(9, 0.0), || async {
        let security = base::StreamSecurity::Tls { name: "relay.example".into() };
        let connect = StreamCommand::Connect { id: ID, local: None, remote: peer(), security };
        let mut driver = probe((connect, Vec::new())).await?;
        wants(&mut driver, "closed: Insecure").await
    });
}
