//! Servers that have clients prove their address first, and machines with addresses.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use base::{Datagram, Ecn, Instant, Machine as _, Rng};
use crypto::NamedGroup;
use dtls::{Association, CloseReason, DropReason, Endpoint, Event, Side, Version};
use rstest::rstest;
use simnet::laws::{self, Step};

use crate::{
    support::{Pair, configs},
    world::{World, address, with_cookies},
};

/// The type of records of version 1.2 that bear a connection id (RFC 9146 §4).
const TLS12_CID: u8 = 25;

/// The first four bits of those of version 1.3 (RFC 9147 §4).
const TLS13_CID: u8 = 0x30;

#[rstest]
fn a_client_shows_its_cookie_and_connects(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(NamedGroup::X25519, NamedGroup::Secp384r1)] share: NamedGroup,
) {
    let [mut client, mut server] = with_cookies(version);
    // A share that the server does not want is asked for with the cookie.
    client.key_shares = vec![share];
    server.groups = vec![NamedGroup::X25519, NamedGroup::Secp256r1];
    let mut pair = Pair::new([client, server]);
    pair.run_until_connected();
    assert_eq!(pair.client.session().retried(), version == Version::Dtls13);
    pair.assert_alive();
}

#[rstest]
fn an_altered_second_hello_shows_no_cookie(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    // The random in the second ClientHello is another than the cookie was made for.
    let mut pair = Pair::new(with_cookies(version)).on(|_, packet| {
        let mut packet = packet.clone();
        let is_hello = packet.from == Side::Client && packet.bytes.get(13) == Some(&1);
        if is_hello && packet.bytes.get(18).is_some_and(|seq| *seq > 0) {
            // Another one each time.
            packet.bytes[13 + 12 + 2] ^= packet.bytes[18];
        }
        vec![packet]
    });
    for _ in 0..10 {
        pair.step();
    }
    assert!(!pair.server.is_connected() && !pair.client.is_connected());
    assert_eq!(pair.server.held(), 0);
}

#[rstest]
fn nothing_is_kept_of_clients_that_show_no_cookie(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let [client, server] = with_cookies(version);
    let mut world = World::new(server);
    let mut hello = Vec::new();
    let rng = Rng::from_seed([1; 32]);
    let mut stranger = Association::client(Arc::new(client.clone()), rng, world.now);
    stranger.poll_packet(world.now, &mut hello).unwrap();
    let mut first = None;
    for index in 0..10_000_u32 {
        let [a, b, c, d] = index.to_be_bytes();
        let source = SocketAddr::from(([198, 18 | a, c, d], 1_000 + u16::from(b)));
        let sent = world.to_clients;
        world.deliver(source, &hello);
        world.flush();
        let answer = world.to_clients - sent;
        assert!(answer > 0 && answer <= hello.len(), "{answer} bytes for {}", hello.len());
        assert_eq!(*first.get_or_insert(answer), answer);
    }
    assert!(world.listener.is_empty());
    assert_eq!(world.listener.poll_timeout(), None);
    assert_eq!(world.events, []);
    // And one who does show it is let in all the same.
    world.join(address("203.0.113.7:7"), &client, 2);
    world.flush();
    assert!(world.clients.values().all(Association::is_connected));
}

#[rstest]
fn no_answer_to_a_stranger_is_longer_than_three_times_what_came(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let [client, server] = with_cookies(version);
    let mut hello = Vec::new();
    let rng = Rng::from_seed([1; 32]);
    let mut stranger = Association::client(Arc::new(client), rng, Instant::ZERO);
    stranger.poll_packet(Instant::ZERO, &mut hello).unwrap();
    let mut world = World::new(server);
    let mut dice = Rng::from_seed([2; 32]);
    for _ in 0..5_000 {
        let mut junk = hello.clone();
        for _ in 0..1 + dice.public_below(6) {
            let at =
                usize::try_from(dice.public_below(u64::try_from(junk.len()).unwrap())).unwrap();
            let [byte] = dice.public_array();
            junk[at] = byte;
        }
        let length =
            usize::try_from(dice.public_below(u64::try_from(junk.len()).unwrap())).unwrap();
        if dice.public_below(2) == 0 {
            junk.truncate(length);
        }
        let sent = world.to_clients;
        world.deliver(address("198.51.100.9:9"), &junk);
        world.flush();
        assert!(world.to_clients - sent <= 3 * junk.len());
    }
    assert!(world.listener.is_empty());
}

#[rstest]
fn many_hellos_from_one_address_leave_other_peers_alone(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(false, true)] cookies: bool,
) {
    let [client, mut server] = configs(version);
    server.cookies = cookies;
    let mut world = World::new(server);
    let home = address("203.0.113.7:7");
    world.join(home, &client, 2);
    world.flush();
    assert!(world.clients.get(&home).unwrap().is_connected());
    let mut stranger = Vec::new();
    let mut other = Association::client(Arc::new(client), Rng::from_seed([3; 32]), world.now);
    other.poll_packet(world.now, &mut stranger).unwrap();
    for _ in 0..10_000 {
        world.deliver(address("198.51.100.9:9"), &stranger);
    }
    world.flush();
    assert!(world.listener.len() <= 2);
    let now = world.now;
    let mut packet = Vec::new();
    world.clients.get_mut(&home).unwrap().send(now, b"still here", &mut packet).unwrap();
    world.deliver(home, &packet);
    world.flush();
    assert_eq!(world.data(), [b"still here".to_vec()]);
}

#[rstest]
fn a_new_hello_at_an_old_address_takes_over_when_it_shows_its_cookie(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let [client, server] = with_cookies(version);
    let mut world = World::new(server);
    let home = address("203.0.113.7:7");
    world.join(home, &client, 2);
    world.flush();
    let old = world.clients.remove(&home).unwrap();
    let first = world.events.first().unwrap().0;
    // Somebody forges a ClientHello from there, and never sees the cookie.
    let mut forged = Vec::new();
    let mut forger =
        Association::client(Arc::new(client.clone()), Rng::from_seed([3; 32]), world.now);
    forger.poll_packet(world.now, &mut forged).unwrap();
    world.deliver(home, &forged);
    world.flush();
    let mut old = old;
    let mut packet = Vec::new();
    old.send(world.now, b"untouched", &mut packet).unwrap();
    world.deliver(home, &packet);
    world.flush();
    assert_eq!(world.data(), [b"untouched".to_vec()]);
    // The client itself begins anew.
    world.join(home, &client, 4);
    world.flush();
    assert!(world.clients.get(&home).unwrap().is_connected());
    assert!(world.events.contains(&(first, Event::Closed(CloseReason::Abandoned))));
    assert_eq!(world.listener.len(), 1);
}

#[rstest]
fn a_peer_with_a_connection_id_may_move(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(0, 8)] own_length: usize,
) {
    let [mut client, mut server] = with_cookies(version);
    client.connection_id = Some(own_length);
    server.connection_id = Some(6);
    let mut world = World::new(server);
    let (home, abroad) = (address("203.0.113.7:7"), address("203.0.113.8:8"));
    world.join(home, &client, 2);
    world.flush();
    let peer = world.events.first().unwrap().0;
    let mut client = world.clients.remove(&home).unwrap();
    assert!(client.is_connected());
    assert_eq!(client.session().peer_connection_id().len(), 6);
    let mut packet = Vec::new();
    client.send(world.now, b"from elsewhere", &mut packet).unwrap();
    // Not if it is altered on the way.
    let mut altered = packet.clone();
    *altered.last_mut().unwrap() ^= 1;
    world.deliver(abroad, &altered);
    assert_eq!(world.listener.remote(peer), Some(home));
    world.deliver(abroad, &packet);
    world.flush();
    assert_eq!(world.data(), [b"from elsewhere".to_vec()]);
    assert_eq!(world.listener.remote(peer), Some(abroad));
    let moved = |(_, event): &&(_, Event)| matches!(event, Event::PeerMoved { .. });
    let moves: Vec<_> = world.events.iter().filter(moved).cloned().collect();
    assert_eq!(moves, [(peer, Event::PeerMoved { from: home, to: abroad })]);
    // Nor back, by a repetition.
    world.deliver(home, &packet);
    assert_eq!(world.listener.remote(peer), Some(abroad));
    let mut reply = Vec::new();
    let transmit = world.listener.send(world.now, peer, b"there you are", &mut reply).unwrap();
    assert_eq!(transmit.destination, abroad);
    client.receive(world.now, &reply);
    assert_eq!(client.poll_data(), Some(&b"there you are"[..]));
}

#[rstest]
fn a_forged_hello_ends_nothing_where_no_cookies_are_asked_for(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let [client, server] = configs(version);
    let mut world = World::new(server);
    let home = address("203.0.113.7:7");
    world.join(home, &client, 2);
    world.flush();
    let mut old = world.clients.remove(&home).unwrap();
    assert!(old.is_connected());
    let mut forged = Vec::new();
    let mut forger =
        Association::client(Arc::new(client.clone()), Rng::from_seed([3; 32]), world.now);
    forger.poll_packet(world.now, &mut forged).unwrap();
    world.deliver(home, &forged);
    world.flush();
    let mut packet = Vec::new();
    old.send(world.now, b"untouched", &mut packet).unwrap();
    world.deliver(home, &packet);
    world.flush();
    assert_eq!(world.data(), [b"untouched".to_vec()]);
    // The client itself begins anew, and shows that it is there.
    world.join(home, &client, 4);
    world.flush();
    assert!(world.clients.get(&home).unwrap().is_connected());
    assert_eq!(world.listener.len(), 1);
}

#[test]
fn strangers_that_begin_no_handshake_take_no_place_for_good() {
    let [_, server] = configs(Version::Dtls13);
    let timeout = server.handshake_timeout;
    let mut world = World::new(server);
    world.deliver(address("203.0.113.1:1"), &[22]);
    assert!(world.listener.is_empty(), "no record, no association");
    // A piece of a ClientHello under a number that is far ahead: nothing of it is taken.
    let mut piece = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14];
    piece.extend([1, 0, 0, 100, 0xea, 0x60, 0, 0, 0, 0, 0, 2, 0xfe, 0xfd]);
    world.deliver(address("203.0.113.2:2"), &piece);
    assert_eq!(world.listener.len(), 1);
    let deadline = world.listener.poll_timeout().unwrap();
    assert_eq!(deadline, world.now + timeout);
    world.now = deadline;
    world.listener.handle_timeout(deadline);
    world.flush();
    assert!(world.listener.is_empty());
}

#[rstest]
fn a_peer_that_moves_to_the_address_of_another_does_not_take_its_packets(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let [plain, mut server] = configs(version);
    server.connection_id = Some(6);
    let mut mover = plain.clone();
    mover.connection_id = Some(0);
    let mut world = World::new(server);
    let (home, abroad) = (address("203.0.113.7:7"), address("203.0.113.8:8"));
    world.join(home, &plain, 2);
    world.join(abroad, &mover, 3);
    world.flush();
    let mut send = |at: &SocketAddr, data: &[u8]| {
        let mut packet = Vec::new();
        let client = world.clients.get_mut(at).unwrap();
        client.send(world.now, data, &mut packet).unwrap();
        world.deliver(home, &packet);
        world.flush();
    };
    send(&abroad, b"it is I");
    send(&home, b"still here");
    assert_eq!(world.data(), [b"it is I".to_vec(), b"still here".to_vec()]);
}

#[test]
fn peers_whose_short_connection_ids_are_alike_are_told_apart_by_their_addresses() {
    let [mut client, mut server] = configs(Version::Dtls13);
    server.connection_id = Some(1);
    client.connection_id = Some(0);
    let mut world = World::new(server);
    let homes: Vec<_> = (1..=30).map(|n| SocketAddr::from(([203, 0, 113, n], 1))).collect();
    for (home, seed) in homes.iter().zip(1..) {
        world.join(*home, &client, seed);
    }
    world.flush();
    let ids = world.clients.values().map(|client| client.session().peer_connection_id().to_vec());
    let ids: BTreeSet<_> = ids.collect();
    assert!(ids.len() < homes.len(), "two are alike, or nothing is shown");
    for home in &homes {
        let mut packet = Vec::new();
        let client = world.clients.get_mut(home).unwrap();
        client.send(world.now, home.to_string().as_bytes(), &mut packet).unwrap();
        world.deliver(*home, &packet);
    }
    world.flush();
    assert_eq!(world.data().len(), homes.len());
}

/// A server of an endpoint and its client, connected.
fn endpoint_and_client(here: SocketAddr, there: SocketAddr) -> (Endpoint, Association) {
    let pair = Pair::connected(Version::Dtls13);
    let mut endpoint = Endpoint::new(pair.server, there);
    let mut client = pair.client;
    deliver_data(&mut client, &mut endpoint, here, there);
    (endpoint, client)
}

fn deliver_data(
    client: &mut Association,
    endpoint: &mut Endpoint,
    destination: SocketAddr,
    source: SocketAddr,
) {
    let now = Instant::ZERO;
    let mut packet = Vec::new();
    client.send(now, b"data", &mut packet).unwrap();
    let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload: &packet };
    endpoint.handle_datagram(now, datagram);
}

/// Goes on until the client has sent its last flight, which has not arrived: what comes before the first
/// record with a connection id, and what begins with it.
fn last_flight(pair: &mut Pair) -> (Vec<u8>, Vec<u8>) {
    while pair.sent.iter().filter(|packet| packet.from == Side::Client).count() < 2 {
        assert!(pair.step());
    }
    let flight = pair.sent.last().unwrap().bytes.clone();
    let mut rest = &flight[..];
    while rest[0] != TLS12_CID && rest[0] & 0xf0 != TLS13_CID {
        rest = &rest[13 + usize::from(u16::from_be_bytes([rest[11], rest[12]]))..];
    }
    let (before, last) = flight.split_at(flight.len() - rest.len());
    (before.to_vec(), last.to_vec())
}

#[rstest]
fn a_peer_moves_once_it_is_connected_and_that_is_told(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let [mut client, mut server] = configs(version);
    client.connection_id = Some(0);
    server.connection_id = Some(6);
    let (here, there) = (address("192.0.2.1:1"), address("192.0.2.2:2"));
    let abroad = address("203.0.113.9:9");
    let mut pair = Pair::new([client, server]);
    let (before, last) = last_flight(&mut pair);
    let now = pair.now;
    let mut endpoint = Endpoint::new(pair.server, there);
    let deliver = |endpoint: &mut Endpoint, source, payload: &[u8]| {
        let datagram = Datagram { source, destination: here, ecn: Ecn::NotEct, payload };
        endpoint.handle_datagram(now, datagram);
        endpoint.remote()
    };
    deliver(&mut endpoint, there, &before);
    assert_eq!(deliver(&mut endpoint, abroad, &last), there, "it was not connected yet");
    assert!(endpoint.state().is_connected());
    let mut answer = Vec::new();
    let transmit = endpoint.poll_transmit(now, &mut answer).unwrap();
    assert_eq!(transmit.destination, there);
    pair.client.receive(now, &answer);
    let mut data = || {
        let mut sealed = Vec::new();
        pair.client.send(now, b"data", &mut sealed).unwrap();
        sealed
    };
    assert_eq!(deliver(&mut endpoint, abroad, &data()), abroad);
    let events: Vec<_> = std::iter::from_fn(|| endpoint.poll_event()).collect();
    let moved = Event::PeerMoved { from: there, to: abroad };
    assert_eq!(events, [Event::Connected, moved, Event::Data(b"data".to_vec())]);
    // There and back again, unseen.
    assert_eq!(deliver(&mut endpoint, there, &data()), there);
    assert_eq!(deliver(&mut endpoint, abroad, &data()), abroad);
    let events: Vec<_> = std::iter::from_fn(|| endpoint.poll_event()).collect();
    assert!(events.iter().all(|event| matches!(event, Event::Data(_))), "{events:?}");
}

#[test]
fn behind_a_connection_id_from_elsewhere_nothing_without_keys_is_looked_at() {
    let [mut client, mut server] = configs(Version::Dtls12);
    client.connection_id = Some(0);
    server.connection_id = Some(6);
    let (here, there) = (address("192.0.2.1:1"), address("192.0.2.2:2"));
    let mut pair = Pair::new([client, server]);
    let (before, last) = last_flight(&mut pair);
    let mut endpoint = Endpoint::new(pair.server, there);
    let mut deliver = |source, payload: &[u8]| {
        let datagram = Datagram { source, destination: here, ecn: Ecn::NotEct, payload };
        endpoint.handle_datagram(pair.now, datagram);
        (endpoint.is_closed(), endpoint.association().is_connected())
    };
    // The server gets its keys, but not the Finished.
    assert_eq!(deliver(there, &before), (false, false));
    let mut forged = last.clone();
    *forged.last_mut().unwrap() ^= 1;
    forged.extend([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 12]);
    forged.extend([20, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0]);
    assert_eq!(deliver(address("203.0.113.9:9"), &forged), (false, false));
    assert_eq!(deliver(there, &last), (false, true));
}

#[test]
fn only_what_the_peer_alone_can_send_changes_where_it_is_answered_from() {
    let (here, also_here) = (address("192.0.2.1:1"), address("192.0.2.9:9"));
    let there = address("192.0.2.2:2");
    let (mut endpoint, mut client) = endpoint_and_client(here, there);
    let answers_from = |endpoint: &mut Endpoint| {
        endpoint.send(Instant::ZERO, b"data", &mut Vec::new()).unwrap().source
    };
    assert_eq!(answers_from(&mut endpoint), Some(here));
    let junk = [0x2f; 60];
    let forged =
        Datagram { source: there, destination: also_here, ecn: Ecn::NotEct, payload: &junk };
    endpoint.handle_datagram(Instant::ZERO, forged);
    assert_eq!(answers_from(&mut endpoint), Some(here));
    deliver_data(&mut client, &mut endpoint, also_here, there);
    assert_eq!(answers_from(&mut endpoint), Some(also_here));
}

#[test]
fn data_that_came_before_the_end_is_told_before_it() {
    let (here, there) = (address("192.0.2.1:1"), address("192.0.2.2:2"));
    let (mut endpoint, mut client) = endpoint_and_client(here, there);
    client.close(Instant::ZERO);
    let mut packet = Vec::new();
    while client.poll_packet(Instant::ZERO, &mut packet).is_some() {}
    let datagram =
        Datagram { source: there, destination: here, ecn: Ecn::NotEct, payload: &packet };
    endpoint.handle_datagram(Instant::ZERO, datagram);
    let events: Vec<_> = std::iter::from_fn(|| endpoint.poll_event()).collect();
    let data = Event::Data(b"data".to_vec());
    assert_eq!(events, [data, Event::Closed(CloseReason::Peer)]);
}

#[test]
fn a_full_listener_takes_nobody_more_and_a_closed_peer_makes_room() {
    let [client, server] = with_cookies(Version::Dtls13);
    let mut world = World::new(server);
    world.listener.set_capacity(2);
    let places = ["203.0.113.1:1", "203.0.113.2:2", "203.0.113.3:3"].map(address);
    for (place, seed) in places.iter().zip(1..) {
        world.join(*place, &client, seed);
    }
    world.flush();
    let connected = world.clients.values().filter(|client| client.is_connected()).count();
    assert_eq!((connected, world.listener.len()), (2, 2));
    assert_eq!(world.listener.dropped().count(DropReason::TooManyAssociations), 1);
    let now = world.now;
    world.clients.values_mut().find(|client| client.is_connected()).unwrap().close(now);
    world.flush();
    assert_eq!(world.listener.len(), 1);
}

/// What the peer of an endpoint sends in a handshake and after it, as it does each time.
fn recorded(version: Version, side: Side) -> Vec<Vec<u8>> {
    let mut pair = Pair::connected(version);
    pair.assert_alive();
    let theirs = pair.sent.iter().filter(|packet| packet.from != side);
    theirs.map(|packet| packet.bytes.clone()).collect()
}

enum Command {
    Send,
    UpdateKeys,
    Close,
}

fn obey(endpoint: &mut Endpoint, now: Instant, command: &Command) {
    match command {
        Command::Send => {
            let _ = endpoint.send(now, b"data", &mut Vec::new());
        }
        Command::UpdateKeys => {
            let _ = endpoint.association().update_keys(now, true);
        }
        Command::Close => endpoint.association().close(now),
    }
}

#[rstest]
fn an_endpoint_keeps_the_laws_of_machines(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(Side::Client, Side::Server)] side: Side,
) {
    let (here, there) = (address("192.0.2.1:1"), address("192.0.2.2:2"));
    let make = || {
        let [client, server] = configs(version);
        let rng = Rng::from_seed([0; 32]);
        let association = match side {
            Side::Client => {
                Association::client(Arc::new(client), rng.fork("client"), Instant::ZERO)
            }
            Side::Server => {
                Association::server(Arc::new(server), rng.fork("server"), Instant::ZERO)
            }
        };
        Endpoint::new(association, there)
    };
    let packets = recorded(version, side);
    for seed in 0..30 {
        let mut dice = Rng::from_seed([seed; 32]).fork("script");
        let mut script = Vec::new();
        let mut packets = packets.iter();
        while script.len() < 60 {
            let datagram = |payload| Step::Datagram { source: there, destination: here, payload };
            script.push(match dice.public_below(12) {
                0..=2 => Step::Wait(Duration::from_micros(1 << dice.public_below(26))),
                3 => Step::Reflect,
                4 => Step::Command(Command::Send),
                5 => Step::Command(Command::UpdateKeys),
                6 if script.len() > 50 => Step::Command(Command::Close),
                7 => {
                    let mut junk = packets.as_slice().first().cloned().unwrap_or_default();
                    let length = u64::try_from(junk.len()).unwrap();
                    if let Some(byte) =
                        junk.get_mut(usize::try_from(dice.public_below(length)).unwrap())
                    {
                        *byte ^= 0x55;
                    }
                    datagram(junk)
                }
                _ => datagram(packets.next().cloned().unwrap_or_default()),
            });
        }
        laws::check(make, obey, &script).unwrap_or_else(|broken| panic!("{seed}: {broken}"));
    }
}
