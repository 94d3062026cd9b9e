//! What our client does with coturn's server.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use base::{StreamEnd, WallTime};
use libtest_mimic::Failed;
use peerlab::{Driver, System, rustls};
use runtime::Runtime as _;
use stun::{Credential, FailReason, wire::Code};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
};
use turn::{
    Allocate, AllocateFailure, Allocation, Client, ClientConfig, ClientEvent, Families, LostReason,
    Relay, SendError, Transport,
};

use super::installation::Coturn;

type Told = Result<String, Failed>;
type Turn = Driver<Client>;

/// Datagrams each way and in each form.
const DATAGRAMS: usize = 1_000;
/// Datagrams under way at a time: as many as no socket buffer drops.
const WINDOW: usize = 10;

pub(crate) async fn udp() -> Told {
    let server = Coturn::start(&[]).await?;
    let driver = client(server.address, Transport::Udp, user())?;
    relay_datagrams(driver).await
}

pub(crate) async fn tcp() -> Told {
    let server = Coturn::start(&[]).await?;
    let driver = client(server.address, Transport::Tcp, user())?;
    relay_datagrams(driver).await
}

pub(crate) async fn tls() -> Told {
    let (server, certificate) = Coturn::with_certificate().await?;
    let transport = Transport::Tls { name: "localhost".into() };
    let driver = client(server.tls_address, transport, user())?.with_tls(trusting(certificate)?);
    relay_datagrams(driver).await
}

pub(crate) async fn tls_of_nobody() -> Told {
    let (server, _) = Coturn::with_certificate().await?;
    let (_, other) = Coturn::with_certificate().await?;
    let transport = Transport::Tls { name: "localhost".into() };
    let mut driver = client(server.tls_address, transport, user())?.with_tls(trusting(other)?);
    driver.command(|client, now| client.allocate(now, Allocate::default()))?;
    let event = driver.next_event().await?;
    let insecure = AllocateFailure::Connection(StreamEnd::Insecure);
    same(&event, &ClientEvent::Failed(insecure))?;
    Ok("refused".into())
}

/// Two clients of one server, each the other's peer.
pub(crate) async fn two_allocations() -> Told {
    let server = Coturn::start(&[]).await?;
    let mut alice = client(server.address, Transport::Udp, user())?;
    let mut bob = client(server.address, Transport::Tcp, user())?;
    let to_alice = relayed(&allocate(&mut alice, Allocate::default()).await?)?;
    let to_bob = relayed(&allocate(&mut bob, Allocate::default()).await?)?;
    for (driver, peer) in [(&mut alice, to_bob), (&mut bob, to_alice)] {
        driver.command(|client, now| client.bind_channel(now, peer))?;
        until(driver, |event| matches!(event, ClientEvent::ChannelBound { .. })).await?;
    }
    for number in 0..DATAGRAMS {
        let payload = payload(number);
        alice.relay(to_bob, &payload)?;
        // Over UDP it leaves at once; the stream of the other one is served while somebody waits.
        let data = until(&mut bob, |event| matches!(event, ClientEvent::Data { .. })).await?;
        let expected =
            ClientEvent::Data { relayed: to_bob, peer: to_alice, payload: payload.clone() };
        same(&data, &expected)?;
        bob.relay(to_alice, &payload)?;
        let back = tokio::select! {
            back = until(&mut alice, |event| matches!(event, ClientEvent::Data { .. })) => back?,
            other = bob.next_event() => return Err(format!("unexpected {other:?}").into()),
        };
        same(&back, &ClientEvent::Data { relayed: to_alice, peer: to_bob, payload })?;
    }
    Ok(format!("{DATAGRAMS} datagrams each way between two allocations"))
}

pub(crate) async fn tcp_relay() -> Told {
    let server = Coturn::start(&[]).await?;
    let mut driver = client(server.address, Transport::Tcp, user())?;
    let wish = Allocate { relay: Relay::Tcp, ..Allocate::default() };
    let allocation = allocate(&mut driver, wish).await?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let peer = listener.local_addr()?;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        echo_bytes(stream).await
    });
    let connection = driver.command(|client, now| client.connect_peer(now, peer))?;
    let event = until(&mut driver, |event| !matches!(event, ClientEvent::Permitted { .. })).await?;
    same(&event, &ClientEvent::Connected { connection, peer })?;
    let there = exchange_bytes(&mut driver, connection).await?;
    driver.command(|client, now| client.disconnect(now, connection));

    driver.command(|client, now| client.permit(now, peer.ip()))?;
    until(&mut driver, |event| matches!(event, ClientEvent::Permitted { .. })).await?;
    let relayed = relayed(&allocation)?;
    tokio::spawn(async move { echo_bytes(TcpStream::connect(relayed).await?).await });
    let attempt =
        until(&mut driver, |event| matches!(event, ClientEvent::ConnectionAttempt { .. }));
    let ClientEvent::ConnectionAttempt { connection, .. } = attempt.await? else {
        return Err("no attempt".into());
    };
    driver.command(|client, now| client.accept(now, connection))?;
    until(&mut driver, |event| matches!(event, ClientEvent::Connected { .. })).await?;
    let back = exchange_bytes(&mut driver, connection).await?;
    Ok(format!("{there} bytes echoed over a connection made, {back} over one accepted"))
}

/// A client on IPv4 with a relayed address of IPv6.
pub(crate) async fn ipv6() -> Told {
    let server = Coturn::start(&["--listening-ip", "::1", "--relay-ip", "::1"]).await?;
    let mut driver = client(server.address, Transport::Udp, user())?;
    let wish = Allocate { families: Families::V6, ..Allocate::default() };
    let allocation = allocate(&mut driver, wish).await?;
    same(&relayed(&allocation)?.is_ipv6(), &true)?;
    let peer = echo_datagrams(UdpSocket::bind("[::1]:0").await?)?;
    driver.command(|client, now| client.bind_channel(now, peer))?;
    until(&mut driver, |event| matches!(event, ClientEvent::ChannelBound { .. })).await?;
    exchange(&mut driver, peer).await?;
    refresh(&mut driver).await;
    driver.command(Client::release);
    same(&driver.next_event().await?, &ClientEvent::Released)?;
    let stats = driver.machine().stats();
    Ok(format!("{} datagrams between IPv4 and IPv6", stats.received))
}

/// This server asks for the two families under numbers of its own. It takes our wish for both as it takes
/// any attribute it does not know, and gives one.
pub(crate) async fn dual() -> Told {
    let server = Coturn::start(&["--listening-ip", "::1", "--relay-ip", "::1"]).await?;
    let mut driver = client(server.address, Transport::Udp, user())?;
    let wish = Allocate { families: Families::Dual, ..Allocate::default() };
    let allocation = allocate(&mut driver, wish).await?;
    let peer = echo_datagrams(UdpSocket::bind("127.0.0.1:0").await?)?;
    driver.command(|client, now| client.bind_channel(now, peer))?;
    until(&mut driver, |event| matches!(event, ClientEvent::ChannelBound { .. })).await?;
    exchange(&mut driver, peer).await?;
    let relayed: Vec<SocketAddr> = allocation.relayed().collect();
    Ok(format!("asked for both families, got {relayed:?}"))
}

pub(crate) async fn time_limited() -> Told {
    let server = Coturn::with_secret("the secret of two servers").await?;
    let hour = Duration::from_secs(3_600);
    let expires = WallTime::from_unix(System::new(Vec::new()).wall_time().as_unix() + hour);
    let username = turn::time_limited_username(expires, "alice");
    let provider = crypto::Provider::default();
    let password = turn::time_limited_password(provider, b"the secret of two servers", &username);
    let credential = Credential::long_term(&username, &password)?;
    let mut driver = client(server.address, Transport::Udp, credential)?;
    allocate(&mut driver, Allocate::default()).await?;
    Ok(format!("{username} was let in"))
}

pub(crate) async fn wrong_password() -> Told {
    let server = Coturn::start(&[]).await?;
    let credential = Credential::long_term("user", "guess")?;
    let mut driver = client(server.address, Transport::Udp, credential)?;
    driver.command(|client, now| client.allocate(now, Allocate::default()))?;
    let event = driver.next_event().await?;
    let refused = FailReason::Rejected(Code::UNAUTHENTICATED);
    same(&event, &ClientEvent::Failed(AllocateFailure::Request(refused)))?;
    Ok("refused with 401".into())
}

/// A server whose nonces live for a second: what is asked later is asked twice.
pub(crate) async fn stale_nonce() -> Told {
    let server = Coturn::start(&["--stale-nonce=1"]).await?;
    let mut driver = client(server.address, Transport::Udp, user())?;
    allocate(&mut driver, Allocate::default()).await?;
    let peer: SocketAddr = "127.0.0.1:9".parse()?;
    let pause = Duration::from_millis(2_100);
    let serve = async |driver: &mut Turn| {
        let _ = tokio::time::timeout(pause, driver.next_event()).await;
    };
    serve(&mut driver).await;
    driver.command(|client, now| client.permit(now, peer.ip()))?;
    until(&mut driver, |event| matches!(event, ClientEvent::Permitted { .. })).await?;
    serve(&mut driver).await;
    driver.command(|client, now| client.bind_channel(now, peer))?;
    until(&mut driver, |event| matches!(event, ClientEvent::ChannelBound { .. })).await?;
    serve(&mut driver).await;
    driver.command(Client::release);
    let event = driver.next_event().await?;
    same(&event, &ClientEvent::Released)?;
    let transactions = driver.machine().stats().stun.transactions;
    if transactions < 8 {
        return Err(format!("{transactions} transactions: no nonce was stale").into());
    }
    Ok(format!("{transactions} transactions for 4 requests"))
}

pub(crate) async fn restart() -> Told {
    let mut server = Coturn::start(&[]).await?;
    let mut driver = client(server.address, Transport::Udp, user())?;
    allocate(&mut driver, Allocate::default()).await?;
    server.restart().await?;
    driver.command(|client, now| client.permit(now, [127, 0, 0, 1].into()))?;
    let lost = async {
        loop {
            let event = driver.next_event().await?;
            if matches!(event, ClientEvent::Lost(_)) {
                return Ok::<_, Failed>(event);
            }
        }
    };
    same(&lost.await?, &ClientEvent::Lost(LostReason::Unknown))?;
    allocate(&mut driver, Allocate::default()).await?;
    Ok("lost, and allocated anew on the same path".into())
}

fn user() -> Credential {
    Credential::long_term("user", "password").unwrap()
}

fn client(
    server: SocketAddr,
    transport: Transport,
    credential: Credential,
) -> Result<Turn, Failed> {
    let provider = crypto::Provider::default();
    let mut config = ClientConfig::new(provider, server, transport).with_credential(credential);
    config.auto_channels = false;
    Ok(Driver::turn_client(Arc::new(System::new(Vec::new())), config)?)
}

fn trusting(certificate: Vec<u8>) -> Result<Arc<rustls::ClientConfig>, Failed> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.into())?;
    let config = rustls::ClientConfig::builder().with_root_certificates(roots);
    Ok(Arc::new(config.with_no_client_auth()))
}

async fn allocate(driver: &mut Turn, wish: Allocate) -> Result<Allocation, Failed> {
    driver.command(|client, now| client.allocate(now, wish))?;
    match driver.next_event().await? {
        ClientEvent::Allocated(allocation) => Ok(allocation),
        other => Err(format!("no allocation: {other:?}").into()),
    }
}

fn relayed(allocation: &Allocation) -> Result<SocketAddr, Failed> {
    allocation.relayed().next().ok_or_else(|| "no relayed address".into())
}

/// Waits for an event; fails if something ends instead.
async fn until(
    driver: &mut Turn,
    is_wanted: impl Fn(&ClientEvent) -> bool,
) -> Result<ClientEvent, Failed> {
    loop {
        let event = driver.next_event().await?;
        if is_wanted(&event) {
            return Ok(event);
        }
        if matches!(event, ClientEvent::Lost(_) | ClientEvent::Failed(_)) {
            return Err(format!("ended: {event:?}").into());
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), Failed> {
    if found == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}, found {found:?}").into())
}

/// Payloads of all sizes up to 1,200 bytes, each different.
fn payload(number: usize) -> Vec<u8> {
    let mut payload = number.to_be_bytes().to_vec();
    payload.extend((8..number * 7 % 1_193 + 8).map(|at| (at * number).to_le_bytes()[0]));
    payload
}

/// Allocates, permits, sends in indications and through a channel, refreshes, releases. The peer sends
/// back what it gets.
async fn relay_datagrams(mut driver: Turn) -> Told {
    allocate(&mut driver, Allocate::default()).await?;
    let peer = echo_datagrams(UdpSocket::bind("127.0.0.1:0").await?)?;
    same(&driver.relay(peer, b"too early"), &Err(SendError::PermissionPending))?;
    until(&mut driver, |event| matches!(event, ClientEvent::Permitted { .. })).await?;
    exchange(&mut driver, peer).await?;
    let stats = driver.machine().stats();
    same(&(stats.sent_indications, stats.sent_channel_data), &(1_000, 0))?;

    driver.command(|client, now| client.bind_channel(now, peer))?;
    until(&mut driver, |event| matches!(event, ClientEvent::ChannelBound { .. })).await?;
    exchange(&mut driver, peer).await?;
    let stats = driver.machine().stats();
    same(&(stats.sent_indications, stats.sent_channel_data), &(1_000, 1_000))?;

    refresh(&mut driver).await;
    driver.command(Client::release);
    let event = driver.next_event().await?;
    same(&event, &ClientEvent::Released)?;
    let (bytes, dropped) = (stats.received_bytes, stats.dropped.total());
    same(&dropped, &0)?;
    Ok(format!("2 x {DATAGRAMS} datagrams and {bytes} bytes each way, refreshed, released"))
}

/// A peer that sends back what it gets.
fn echo_datagrams(socket: UdpSocket) -> std::io::Result<SocketAddr> {
    let address = socket.local_addr()?;
    tokio::spawn(async move {
        let mut buffer = vec![0; 2_048];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await?;
            socket.send_to(&buffer[..length], from).await?;
        }
        #[expect(unreachable_code, reason = "says what the task fails with")]
        std::io::Result::Ok(())
    });
    Ok(address)
}

/// Has the client refresh the allocation, which it would do much later by itself.
async fn refresh(driver: &mut Turn) {
    driver.command(|client, now| client.set_credential(now, user()));
    while driver.machine().stats().refreshes == 0 {
        // The answer to a refresh is no event.
        let _ = tokio::time::timeout(Duration::from_millis(20), driver.next_event()).await;
    }
}

async fn exchange(driver: &mut Turn, peer: SocketAddr) -> Result<(), Failed> {
    for first in (0..DATAGRAMS).step_by(WINDOW) {
        let numbers = first..first + WINDOW;
        for number in numbers.clone() {
            driver.relay(peer, &payload(number))?;
        }
        for number in numbers {
            let event = until(driver, |event| matches!(event, ClientEvent::Data { .. })).await?;
            let ClientEvent::Data { peer: from, payload: found, .. } = event else {
                return Err("no data".into());
            };
            same(&(from, found), &(peer, payload(number)))?;
        }
    }
    Ok(())
}

/// Sends back what comes.
async fn echo_bytes(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; 16_384];
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length]).await?;
    }
}

/// Sends a million bytes through a connection and wants them back.
async fn exchange_bytes(
    driver: &mut Turn,
    connection: turn::ConnectionId,
) -> Result<usize, Failed> {
    let sent: Vec<u8> = (0..1_000_000_u32).map(|at| (at ^ at >> 7).to_le_bytes()[0]).collect();
    let mut back = Vec::new();
    for piece in sent.chunks(50_000) {
        driver.relay_bytes(connection, piece)?;
        let wanted = back.len() + piece.len();
        while back.len() < wanted {
            let event = driver.next_event().await?;
            let ClientEvent::Received { bytes, .. } = event else {
                return Err(format!("instead of bytes: {event:?}").into());
            };
            back.extend_from_slice(&bytes);
        }
    }
    same(&(back == sent), &true)?;
    Ok(back.len())
}
