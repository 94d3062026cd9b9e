//! Data to and from peers.

use base::{Datagram, Ecn, Machine};
use rstest::rstest;
use stun::{
    Builder, Message,
    wire::{
        AttributeType, Class, Data, Icmp, Method, TransactionId, XorMappedAddress, XorPeerAddress,
    },
};
use turn::{
    Allocate, Channel, ChannelMessage, ClientDrop, ClientEvent, MAX_PERMISSIONS, PeerError,
    Received, SendError,
};

use crate::{
    relay::message,
    support::{World, at, local, peer, relayed, secs, server},
};

const ID: TransactionId = TransactionId::new(*b"indication..");

fn indication(fill: impl FnOnce(&mut Builder<'_>)) -> Vec<u8> {
    message(Method::DATA, Class::Indication, ID, fill)
}

fn data_from(peer: std::net::SocketAddr, payload: &[u8]) -> Vec<u8> {
    indication(|builder| {
        builder.put(&XorPeerAddress(peer)).put(&Data(payload));
    })
}

fn channel_data(channel: Channel, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    ChannelMessage { channel, data }.write(false, &mut bytes).unwrap();
    bytes
}

fn receive(world: &mut World, source: std::net::SocketAddr, payload: &[u8]) -> Received {
    let datagram = Datagram { source, destination: local(), ecn: Ecn::NotEct, payload };
    world.client.receive(world.now, datagram)
}

fn permitted() -> World {
    let mut world = World::allocated(|config, _| config.auto_channels = false);
    world.permit(peer().ip());
    world
}

#[test]
fn sends_in_indications_until_a_channel_is_bound() {
    let mut world = permitted();
    let bytes = world.send(peer(), b"hello").unwrap();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.method(), message.class()), (Method::SEND, Class::Indication));
    assert_eq!(message.get(), Some(XorPeerAddress(peer())));
    assert_eq!(message.get(), Some(Data(b"hello")));
    assert!(!message.has_integrity(), "indications cannot be authenticated");

    let channel = world.bind(peer());
    assert_eq!(channel, Channel::MIN);
    assert_eq!(world.send(peer(), b"hello").unwrap(), channel_data(channel, b"hello"));
    let stats = world.client.stats();
    assert_eq!((stats.sent_indications, stats.sent_channel_data, stats.sent_bytes), (1, 1, 10));
}

#[test]
fn asks_for_the_permission_before_it_sends() {
    let mut world = World::allocated(|config, _| config.auto_channels = false);
    assert_eq!(world.send(peer(), b"early"), Err(SendError::PermissionPending));
    world.run(secs(1));
    assert_eq!(world.take_events(), [ClientEvent::Permitted { peer: peer().ip() }]);
    assert!(world.send(peer(), b"now").is_ok());
    // Another port of the same address needs none.
    assert!(world.send(at("203.0.113.9:1"), b"now").is_ok());
}

#[test]
fn binds_channels_for_data_and_not_for_checks() {
    let mut world = World::allocated(|_, _| {});
    world.permit(peer().ip());
    let check = message(Method::BINDING, Class::Request, ID, |_| {});
    world.send(peer(), &check).unwrap();
    world.run(secs(1));
    assert_eq!(world.client.channel(world.now, peer()), None);
    world.send(peer(), b"\x80media").unwrap();
    world.run(secs(1));
    assert_eq!(world.client.channel(world.now, peer()), Some(Channel::MIN));
}

#[test]
fn takes_data_from_permitted_peers() {
    let mut world = permitted();
    for payload in [&b"hello"[..], b""] {
        let bytes = data_from(peer(), payload);
        let Received::Data { relayed: to, peer: from, range } =
            receive(&mut world, server(), &bytes)
        else {
            panic!()
        };
        assert_eq!((to, from, &bytes[range]), (relayed(), peer(), payload));
    }
    world.hear(&data_from(peer(), b"hello"));
    let payload = b"hello".to_vec();
    let data = ClientEvent::Data { relayed: relayed(), peer: peer(), payload };
    assert_eq!(world.take_events(), [data]);
}

#[test]
fn takes_channel_data_as_soon_as_it_asked_for_the_channel() {
    let mut world = World::allocated(|_, _| {});
    world.command(|client, now| client.bind_channel(now, peer())).unwrap();
    let bytes = channel_data(Channel::MIN, b"early");
    let received = receive(&mut world, server(), &bytes);
    assert_eq!(received, Received::Data { relayed: relayed(), peer: peer(), range: 4..9 });
    // RFC 8656 §12.5: padding may follow.
    let mut padded = bytes;
    padded.extend([0; 3]);
    let received = receive(&mut world, server(), &padded);
    assert_eq!(received, Received::Data { relayed: relayed(), peer: peer(), range: 4..9 });
}

#[rstest]
#[case::of_somebody_else(data_from(at("203.0.113.66:7000"), b"x"), ClientDrop::NoPermission)]
#[case::of_another_family(data_from(at("[2001:db8::9]:7000"), b"x"), ClientDrop::NoPermission)]
#[case::of_nobody(indication(|it| { it.put(&Data(b"x")); }), ClientDrop::IncompleteIndication)]
#[case::without_data(
    indication(|it| { it.put(&XorPeerAddress(peer())); }), ClientDrop::IncompleteIndication
)]
#[case::with_something_new(
    indication(|it| {
        it.put(&XorPeerAddress(peer())).put(&Data(b"x"));
        it.put_raw(AttributeType::new(0x7ffe), b"must know");
    }),
    ClientDrop::UnknownAttribute
)]
#[case::attempt_on_datagrams(
    message(Method::CONNECTION_ATTEMPT, Class::Indication, ID, |it| {
        it.put(&XorPeerAddress(peer()));
    }),
    ClientDrop::Unexpected
)]
fn drops_and_counts(#[case] bytes: Vec<u8>, #[case] reason: ClientDrop) {
    let mut world = permitted();
    assert_eq!(receive(&mut world, server(), &bytes), Received::Handled);
    assert_eq!(world.client.stats().dropped.get(reason), 1);
    world.run(secs(1));
    assert_eq!(world.take_events(), []);
}

#[test]
fn channel_data_that_is_cut_short_is_dropped() {
    let mut world = permitted();
    let channel = world.bind(peer());
    let bytes = channel_data(channel, b"hello");
    for length in 1..bytes.len() {
        assert_eq!(receive(&mut world, server(), &bytes[..length]), Received::Handled, "{length}");
    }
    assert_eq!(world.client.stats().dropped.get(ClientDrop::Malformed), 8);
}

#[test]
fn leaves_alone_what_is_not_its_own() {
    let mut world = permitted();
    let channel = world.bind(peer());
    let binding = message(Method::BINDING, Class::Success, ID, |builder| {
        builder.put(&XorMappedAddress(local()));
    });
    let not_mine = [
        ("the answer to somebody else's request", server(), binding),
        ("a request", server(), message(Method::BINDING, Class::Request, ID, |_| {})),
        ("an indication", server(), message(Method::BINDING, Class::Indication, ID, |_| {})),
        ("a channel that is not bound", server(), channel_data(channel.next(), b"x")),
        ("another server", at("192.0.2.1:3479"), channel_data(channel, b"x")),
        ("DTLS", server(), vec![22, 254, 253, 0]),
        ("RTP", server(), vec![0x80, 0, 0, 0]),
        ("the old range of channels", server(), vec![0x50, 0, 0, 0]),
        ("noise", server(), vec![0; 3]),
        ("nothing", server(), Vec::new()),
    ];
    for (what, source, bytes) in not_mine {
        assert_eq!(receive(&mut world, source, &bytes), Received::NotMine, "{what}");
    }
    let payload = channel_data(channel, b"x");
    let elsewhere = Datagram {
        source: server(),
        destination: at("198.51.100.8:40000"),
        ecn: Ecn::NotEct,
        payload: &payload,
    };
    assert_eq!(world.client.receive(world.now, elsewhere), Received::NotMine);
}

#[test]
fn tells_what_icmp_said_about_a_peer() {
    let mut world = permitted();
    let icmp = Icmp { kind: 3, code: 3, data: 0 };
    let bytes = |peer| {
        indication(|builder| {
            builder.put(&XorPeerAddress(peer)).put(&icmp);
        })
    };
    world.hear(&bytes(peer()));
    assert_eq!(world.take_events(), [ClientEvent::Icmp { peer: peer(), icmp }]);
    world.hear(&bytes(at("203.0.113.66:1")));
    assert_eq!(world.take_events(), []);
}

#[test]
fn asks_for_no_fragments_where_the_server_can() {
    let mut world = World::new(|config, _| config.auto_channels = false);
    let wish = Allocate { dont_fragment: true, ..Allocate::default() };
    world.client.allocate(world.now, wish).unwrap();
    world.run(secs(1));
    world.take_events();
    world.permit(peer().ip());
    let bytes = world.send(peer(), b"x").unwrap();
    assert!(Message::parse(&bytes).unwrap().has(AttributeType::DONT_FRAGMENT));
}

#[test]
fn sends_nothing_to_a_family_it_has_no_address_of() {
    let mut world = permitted();
    let v6 = at("[2001:db8::9]:7000");
    assert_eq!(world.send(v6, b"x"), Err(SendError::Family));
    assert_eq!(world.client.permit(world.now, v6.ip()), Err(PeerError::Family));
    assert_eq!(world.client.bind_channel(world.now, v6), Err(PeerError::Family));
}

#[test]
fn sends_nothing_without_an_allocation() {
    let mut world = World::new(|_, _| {});
    assert_eq!(world.send(peer(), b"x"), Err(SendError::NoAllocation));
    assert_eq!(world.client.permit(world.now, peer().ip()), Err(PeerError::NoAllocation));
}

#[rstest]
#[case::indication(false, 65_507 - 36)]
#[case::channel(true, 65_507 - 4)]
fn refuses_what_fits_no_datagram(#[case] with_channel: bool, #[case] most: usize) {
    let mut world = permitted();
    if with_channel {
        world.bind(peer());
    }
    let most = if with_channel { most } else { most / 4 * 4 };
    assert!(world.send(peer(), &vec![0; most]).is_ok());
    for length in [most + 4, 65_536, 100_000] {
        assert_eq!(world.send(peer(), &vec![0; length]), Err(SendError::TooLong), "{length}");
    }
}

#[test]
fn permissions_have_a_limit() {
    let mut world = World::allocated(|_, _| {});
    let mut refused = 0;
    for number in 0..10_000_u16 {
        let [high, low] = number.to_be_bytes();
        let permitted = world.client.permit(world.now, [203, 0, high, low].into());
        refused += usize::from(permitted == Err(PeerError::TooMany));
    }
    assert_eq!(refused, 10_000 - MAX_PERMISSIONS);
    world.run(secs(10));
    assert_eq!(world.relay.permissions.len(), MAX_PERMISSIONS);
    // In few requests: eight addresses each, but for those that went before there was a line.
    assert!(world.relay.asked.len() <= 1 + 6 + MAX_PERMISSIONS.div_ceil(8));
}

#[test]
fn channels_have_a_limit_and_numbers_of_their_range() {
    let mut world = World::allocated(|_, _| {});
    for port in 1..=1_000 {
        let _ = world.client.bind_channel(world.now, (peer().ip(), port).into());
    }
    world.run(secs(60));
    assert_eq!(world.relay.channels.len(), turn::MAX_CHANNELS);
    assert!(world.relay.channels.keys().all(|number| (0x4000..0x5000).contains(number)));
    assert_eq!(world.relay.misdeeds, Vec::<String>::new());
}

#[test]
fn events_that_nobody_takes_have_a_limit() {
    let mut world = permitted();
    let bytes = data_from(peer(), b"hello");
    for _ in 0..10_000 {
        let (source, destination, ecn) = (server(), local(), Ecn::NotEct);
        let datagram = Datagram { source, destination, ecn, payload: &bytes };
        world.client.handle_datagram(world.now, datagram);
    }
    let dropped = world.client.stats().dropped.get(ClientDrop::QueueFull);
    assert_eq!(dropped, 10_000 - u64::try_from(turn::MAX_EVENTS).unwrap());
}

#[test]
fn allocates_no_memory_for_a_datagram() {
    let mut world = permitted();
    let other = at("203.0.113.9:7001");
    let channel = world.bind(other);
    let (payload, mut buffer) = ([7; 1_200], Vec::with_capacity(2_000));
    let incoming = [data_from(peer(), &payload), channel_data(channel, &payload)];
    let used = allocation_counter::measure(|| {
        for _ in 0..100 {
            for peer in [peer(), other] {
                buffer.clear();
                world.client.send(world.now, peer, &payload, &mut buffer).unwrap();
            }
            for bytes in &incoming {
                let received = receive(&mut world, server(), bytes);
                assert!(matches!(received, Received::Data { .. }));
            }
        }
    });
    assert_eq!(used.count_total, 0);
    assert_eq!(world.client.stats().received, 200);
}
