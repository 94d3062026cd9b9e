//! Machines and the bytes between them.

use std::{fmt::Write as _, net::SocketAddr, time::Duration};

use base::{Datagram, Ecn, Instant, Machine, Rng, Transmit};
use stun::{
    Builder, Client, ClientConfig, ClientEvent, Message, Server, ServerConfig,
    wire::{Class, Method, TransactionId},
};

pub(crate) const ID: TransactionId = TransactionId::new(*b"transaction.");

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn local() -> SocketAddr {
    at("198.51.100.7:40000")
}

pub(crate) fn remote() -> SocketAddr {
    at("192.0.2.1:3478")
}

pub(crate) fn millis(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

pub(crate) fn provider() -> crypto::Provider {
    crypto::rust_crypto()
}

pub(crate) fn client(change: impl FnOnce(&mut ClientConfig)) -> Client {
    let mut config = ClientConfig::new(provider());
    change(&mut config);
    Client::new(config, Rng::from_seed([1; 32]), Instant::ZERO)
}

pub(crate) fn server(change: impl FnOnce(&mut ServerConfig)) -> Server {
    let mut config = ServerConfig::new(provider());
    change(&mut config);
    Server::new(config, Rng::from_seed([2; 32]), Instant::ZERO)
}

/// A message, put together by hand.
pub(crate) fn message(class: Class, fill: impl FnOnce(&mut Builder<'_>)) -> Vec<u8> {
    message_of(class, ID, fill)
}

pub(crate) fn message_of(
    class: Class,
    id: TransactionId,
    fill: impl FnOnce(&mut Builder<'_>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut builder = Builder::new(&mut bytes, Method::BINDING, class, id);
    fill(&mut builder);
    builder.finish().unwrap();
    bytes
}

pub(crate) fn tell<M: Machine>(
    machine: &mut M,
    now: Instant,
    (source, destination): (SocketAddr, SocketAddr),
    payload: &[u8],
) {
    machine.handle_datagram(now, Datagram { source, destination, ecn: Ecn::NotEct, payload });
}

/// Everything the machine has to send.
pub(crate) fn says<M: Machine>(machine: &mut M, now: Instant) -> Vec<(Transmit, Vec<u8>)> {
    std::iter::from_fn(|| {
        let mut buffer = Vec::new();
        let transmit = machine.poll_transmit(now, &mut buffer)?;
        assert_eq!(transmit.size, buffer.len());
        Some((transmit, buffer))
    })
    .collect()
}

/// The one thing the machine has to send.
pub(crate) fn says_one<M: Machine>(machine: &mut M, now: Instant) -> (Transmit, Vec<u8>) {
    let mut all = says(machine, now);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

pub(crate) fn says_nothing<M: Machine>(machine: &mut M, now: Instant) {
    assert_eq!(says(machine, now), []);
}

/// Asks the server one thing from the usual address.
pub(crate) fn ask(server: &mut Server, now: Instant, request: &[u8]) -> Vec<u8> {
    tell(server, now, (local(), remote()), request);
    let (transmit, bytes) = says_one(server, now);
    assert_eq!((transmit.source, transmit.destination), (Some(remote()), local()));
    bytes
}

pub(crate) fn event(client: &mut Client) -> ClientEvent {
    let event = client.poll_event().unwrap();
    assert_eq!(client.poll_event(), None);
    event
}

/// Carries everything to and fro until both have nothing more to say, and writes it down.
pub(crate) fn converse(client: &mut Client, server: &mut Server, now: Instant) -> String {
    let mut ladder = String::new();
    loop {
        let requests = says(client, now);
        if requests.is_empty() {
            return ladder;
        }
        for (transmit, request) in requests {
            let line = Message::parse(&request).unwrap();
            writeln!(ladder, "> {} {line}", transmit.destination).unwrap();
            tell(server, now, (local(), transmit.destination), &request);
            for (transmit, response) in says(server, now) {
                let line = Message::parse(&response).unwrap();
                writeln!(ladder, "< {} {line}", transmit.source.unwrap()).unwrap();
                tell(client, now, (transmit.source.unwrap(), transmit.destination), &response);
            }
        }
    }
}
