//! Hole punching: two peers behind NATs, and a server that tells each where the other is seen from.
//!
//! The parent module says what `UdpSocket` is. Addresses are found as with STUN (RFC 8489 §2), and the
//! hole is made as RFC 5128 §3.3 describes: both send until both have heard something.

use std::{io, net::SocketAddr, time::Duration};

use tokio::time::{Instant, sleep_until, timeout_at};

use super::UdpSocket;

/// Tells the two peers that write to it about each other. A peer writes as long as it has no answer.
pub(crate) async fn rendezvous(address: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(address).await?;
    let mut peers: Vec<SocketAddr> = Vec::new();
    loop {
        let (_, peer) = socket.recv_from(&mut [0; 64]).await?;
        if !peers.contains(&peer) {
            peers.push(peer);
        }
        if let Some(other) = peers.iter().find(|&&other| other != peer) {
            socket.send_to(other.to_string().as_bytes(), peer).await?;
        }
    }
}

/// From one attempt to the next.
const PACE: Duration = Duration::from_millis(50);

/// Finds the other peer and exchanges greetings with it; says where it answered from and when, or `None`
/// if it did not within `patience`.
pub(crate) async fn peer(
    server: &str,
    patience: Duration,
) -> io::Result<Option<(SocketAddr, Duration)>> {
    let start = Instant::now();
    let limit = start + patience;
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    let Some(other) = ask(&socket, server, limit).await? else { return Ok(None) };
    let mut heard = None;
    // "hello" says: I have not heard you. "heard" says: I have.
    let mut next = Instant::now();
    while Instant::now() < limit {
        let greeting = if heard.is_some() { "heard" } else { "hello" };
        socket.send_to(greeting.as_bytes(), other).await?;
        next += PACE;
        let mut buffer = [0; 64];
        while let Ok(received) = timeout_at(next, socket.recv_from(&mut buffer)).await {
            let (len, from) = received?;
            match buffer.get(..len) {
                Some(b"hello") => heard = Some(from),
                Some(b"heard") => {
                    // One more for the other side, which may still wait.
                    socket.send_to(b"heard", from).await?;
                    return Ok(Some((from, start.elapsed())));
                }
                _ => {} // The server repeats itself.
            }
        }
    }
    Ok(None)
}

/// Asks the server until it knows the other peer.
async fn ask(socket: &UdpSocket, server: &str, limit: Instant) -> io::Result<Option<SocketAddr>> {
    while Instant::now() < limit {
        socket.send_to(b"where is the other?", server).await?;
        let next = Instant::now() + PACE;
        let mut buffer = [0; 64];
        if let Ok(received) = timeout_at(next, socket.recv_from(&mut buffer)).await {
            let (len, _) = received?;
            let text = str::from_utf8(buffer.get(..len).unwrap_or_default());
            if let Some(other) = text.ok().and_then(|text| text.parse().ok()) {
                return Ok(Some(other));
            }
        }
        sleep_until(next).await;
    }
    Ok(None)
}
