//! Connection ids of version 1.3: in every protected record, and changed under way.

use dtls::{Config, Side, Version};
use rstest::rstest;

use crate::support::{Packet, Pair, configs};

/// The configurations of a client and a server that ask for ids of these lengths in what they get.
fn with_ids(client: usize, server: usize) -> [Config; 2] {
    let mut lengths = [client, server].into_iter();
    configs(Version::Dtls13).map(|mut config| {
        config.connection_id = lengths.next();
        config
    })
}

/// The protected records of a packet have the bit that says that there is an id, and the id.
fn bears(packet: &Packet, id: &[u8]) -> bool {
    let unified = |byte: &u8| byte & 0xe0 == 0x20;
    let first = packet.bytes.first().filter(|first| unified(first));
    let has_id = first.is_some_and(|first| first & 0x10 != 0);
    if id.is_empty() { !has_id } else { has_id && packet.bytes.get(1..=id.len()) == Some(id) }
}

#[rstest]
#[case::both(5, 8)]
#[case::client_alone(5, 0)]
#[case::server_alone(0, 8)]
#[case::none(0, 0)]
fn protected_records_bear_the_id_that_their_receiver_named(
    #[case] client: usize,
    #[case] server: usize,
) {
    let mut pair = Pair::new(with_ids(client, server));
    pair.run_until_connected();
    pair.sent.clear();
    pair.assert_alive();
    let ids = [
        (Side::Client, pair.client.session().peer_connection_id().to_vec(), server),
        (Side::Server, pair.server.session().peer_connection_id().to_vec(), client),
    ];
    for (side, id, length) in ids {
        assert_eq!(id.len(), length);
        let mut own = pair.sent.iter().filter(|packet| packet.from == side);
        assert!(own.all(|packet| bears(packet, &id)), "{side:?}");
    }
}

#[test]
fn an_end_that_wants_new_ids_gets_them_and_uses_one_after_the_other() {
    let mut pair = Pair::new(with_ids(4, 4));
    pair.run_until_connected();
    let first = pair.client.session().peer_connection_id().to_vec();
    assert!(pair.client.request_connection_ids(pair.now, 2));
    pair.settle();
    assert_eq!(pair.server.session().own_connection_ids().count(), 3);
    let mut used = vec![first];
    for _ in 0..2 {
        assert!(pair.client.change_connection_id(pair.now));
        used.push(pair.client.session().peer_connection_id().to_vec());
        pair.assert_alive();
        let last = pair.sent.iter().rfind(|packet| packet.from == Side::Client);
        assert!(last.is_some_and(|packet| bears(packet, used.last().unwrap())));
    }
    assert!(!pair.client.change_connection_id(pair.now), "two were asked for");
    let given: Vec<&[u8]> = pair.server.session().own_connection_ids().collect();
    assert_eq!(used, given);
}

#[test]
fn ids_that_are_to_be_used_at_once_are_whatever_is_lost() {
    for lost in 0..4 {
        let mut pair = Pair::new(with_ids(4, 4));
        pair.run_until_connected();
        let before = pair.sent.len();
        let mut pair =
            pair.on(
                move |index, packet: &Packet| {
                    if index == before + lost { Vec::new() } else { vec![packet.clone()] }
                },
            );
        assert!(pair.server.give_connection_ids(pair.now, 1, true));
        pair.settle();
        let given = pair.server.session().own_connection_ids().nth(1).map(<[u8]>::to_vec);
        assert_eq!(Some(pair.client.session().peer_connection_id().to_vec()), given);
        pair.path = Box::new(|_, packet| vec![packet.clone()]);
        pair.assert_alive();
    }
}

#[test]
fn without_ids_in_the_hellos_there_are_none_afterwards() {
    let mut pair = Pair::connected(Version::Dtls13);
    assert!(!pair.client.request_connection_ids(pair.now, 1));
    assert!(!pair.client.give_connection_ids(pair.now, 1, false));
    assert!(!pair.client.change_connection_id(pair.now));
    pair.assert_alive();
}
