//! Permissions, channels and what is relayed: RFC 8656 §9 to §15.

use std::time::Duration;

use base::{Datagram, Ecn, Machine as _, SocketError, SocketErrorKind};
use rstest::rstest;
use stun::{
    Builder, Message,
    wire::{
        AttributeType, ChannelNumber, Class, Data, Icmp, Method, TransactionId, XorPeerAddress,
    },
};
use turn::server::{Bandwidth, DropReason};

use crate::rig::{Rig, User, at, channel_data, config, peer};

fn allocated() -> (Rig, User, std::net::SocketAddr) {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    let relayed = rig.allocate(&mut alice);
    (rig, alice, relayed)
}

#[test]
fn data_goes_both_ways_by_indication() {
    let (mut rig, mut alice, relayed) = allocated();
    assert_eq!(rig.permit(&mut alice, &[peer()]), 0);
    assert!(rig.indicate(&alice, peer(), b"ping"));
    assert!(rig.indicate(&alice, peer(), b""), "no data is data too");
    rig.hear(peer(), relayed, b"pong");
    let bytes = rig.next_to(&alice).unwrap();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Indication, Method::DATA));
    assert_eq!(message.get(), Some(XorPeerAddress(peer())));
    assert_eq!(message.get(), Some(Data(b"pong")));
}

#[test]
fn data_goes_both_ways_by_channel() {
    let (mut rig, mut alice, relayed) = allocated();
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 0);
    assert!(rig.channel(&alice, 0x4000, peer()));
    rig.hear(peer(), relayed, b"pong");
    assert_eq!(rig.next_to(&alice).unwrap(), channel_data(0x4000, b"pong"));
    // Padding is let pass over UDP, and no data is data too.
    rig.send(&alice, &[&channel_data(0x4000, b"abc")[..], &[0]].concat());
    rig.send(&alice, &channel_data(0x4000, b""));
    let sent: Vec<_> = rig.sent.drain(..).map(|(_, bytes)| bytes).collect();
    assert_eq!(sent, [b"abc".to_vec(), Vec::new()]);
    // Another port of the same host has a permission and no channel.
    rig.hear(at("203.0.113.9:6000"), relayed, b"other");
    let bytes = rig.next_to(&alice).unwrap();
    assert_eq!(Message::parse(&bytes).unwrap().method(), Method::DATA);
}

#[test]
fn the_congestion_mark_goes_along() {
    let (mut rig, mut alice, relayed) = allocated();
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 0);
    let to_peer = channel_data(0x4000, b"x");
    let there = (alice.from, alice.to, &to_peer[..]);
    let back = (peer(), relayed, &b"y"[..]);
    for (source, destination, payload) in [there, back] {
        let datagram = Datagram { source, destination, ecn: Ecn::Ce, payload };
        rig.server.handle_datagram(rig.now, datagram);
        rig.settle();
        assert_eq!(rig.sent.pop_front().unwrap().0.ecn, Ecn::Ce);
    }
}

#[test]
fn a_permission_holds_for_exactly_three_hundred_seconds() {
    let (mut rig, mut alice, relayed) = allocated();
    assert_eq!(rig.permit(&mut alice, &[peer()]), 0);
    rig.wait(200.0);
    // Data does not refresh it, neither way.
    assert!(rig.indicate(&alice, peer(), b"ping"));
    rig.hear(peer(), relayed, b"pong");
    rig.wait(99.999);
    assert!(rig.indicate(&alice, peer(), b"ping"));
    rig.hear(peer(), relayed, b"pong");
    assert_eq!(rig.dropped(DropReason::NoPermission), 0);
    rig.wait(0.001);
    assert!(!rig.indicate(&alice, peer(), b"ping"));
    rig.sent.clear();
    rig.hear(peer(), relayed, b"pong");
    assert_eq!((rig.dropped(DropReason::NoPermission), rig.next_to(&alice)), (2, None));
}

#[test]
fn a_channel_holds_for_six_hundred_seconds_and_rests_for_three_hundred() {
    let (mut rig, mut alice, relayed) = allocated();
    let other = at("203.0.113.10:5000");
    assert_eq!(rig.bind(&mut alice, 0x4001, peer()), 0);
    rig.wait(500.0);
    assert_eq!(rig.refresh(&mut alice, 3_600).code(), 0);
    assert_eq!(rig.permit(&mut alice, &[peer()]), 0);
    rig.wait(99.999);
    assert!(rig.channel(&alice, 0x4001, peer()));
    rig.hear(peer(), relayed, b"pong");
    assert_eq!(rig.next_to(&alice).unwrap(), channel_data(0x4001, b"pong"));
    rig.wait(0.001);
    assert!(!rig.channel(&alice, 0x4001, peer()));
    assert_eq!(rig.dropped(DropReason::NoChannel), 1);
    // Number and peer rest, but may be bound to one another again.
    assert_eq!(rig.bind(&mut alice, 0x4001, other), 400);
    assert_eq!(rig.bind(&mut alice, 0x4002, peer()), 400);
    rig.wait(299.999);
    assert_eq!(rig.bind(&mut alice, 0x4001, other), 400);
    rig.wait(0.001);
    assert_eq!(rig.bind(&mut alice, 0x4001, other), 0);
    assert_eq!(rig.bind(&mut alice, 0x4002, peer()), 0);
    rig.wait(700.0);
    assert_eq!(rig.bind(&mut alice, 0x4002, peer()), 0, "the same pair need not rest");
}

#[test]
fn a_channel_refreshed_in_time_holds_on_with_its_permission() {
    let (mut rig, mut alice, relayed) = allocated();
    assert_eq!(rig.refresh(&mut alice, 3_600).code(), 0);
    for _ in 0..10 {
        assert_eq!(rig.bind(&mut alice, 0x4fff, peer()), 0);
        rig.wait(299.0);
        rig.hear(peer(), relayed, b"pong");
        assert_eq!(rig.next_to(&alice).unwrap(), channel_data(0x4fff, b"pong"));
    }
}

#[rstest]
#[case::below(0x3fff)]
#[case::above(0x5000)]
#[case::reserved(0x7fff)]
fn a_number_outside_the_range_is_a_400(#[case] number: u16) {
    let (mut rig, mut alice, _) = allocated();
    assert_eq!(rig.bind(&mut alice, number, peer()), 400);
}

#[test]
fn channels_of_old_are_for_servers_that_are_told_so() {
    let mut old = config();
    old.channels_of_old = true;
    let mut rig = Rig::new(old);
    let mut alice = User::new("alice");
    rig.connect(&mut alice, 1);
    rig.allocate(&mut alice);
    assert_eq!(rig.bind(&mut alice, 0x8000, peer()), 400);
    assert_eq!(rig.bind(&mut alice, 0x7fff, peer()), 0);
    assert!(rig.channel(&alice, 0x7fff, peer()));
    let mut bob = User::new("bob").on_port(2);
    rig.allocate(&mut bob);
    assert_eq!(rig.bind(&mut bob, 0x5000, peer()), 0);
    assert!(rig.channel(&bob, 0x5000, peer()));
}

#[test]
fn numbers_and_peers_belong_to_one_another() {
    let (mut rig, mut alice, _) = allocated();
    let other = at("203.0.113.10:5000");
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 0);
    assert_eq!(rig.bind(&mut alice, 0x4000, other), 400);
    assert_eq!(rig.bind(&mut alice, 0x4001, peer()), 400);
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 0);
    let nothing = rig.ask(&mut alice, Method::CHANNEL_BIND, &|_| {});
    let no_peer = rig.ask(&mut alice, Method::CHANNEL_BIND, &|builder| {
        builder.put(&ChannelNumber(0x4005));
    });
    assert_eq!((nothing.code(), no_peer.code()), (400, 400));
}

#[test]
fn of_two_peers_in_one_message_the_first_counts() {
    // T08.
    let (mut rig, mut alice, _) = allocated();
    let other = at("203.0.113.10:5000");
    let both = |builder: &mut Builder<'_>| {
        builder.put(&ChannelNumber(0x4000));
        builder.put(&XorPeerAddress(peer())).put(&XorPeerAddress(other));
    };
    assert_eq!(rig.ask(&mut alice, Method::CHANNEL_BIND, &both).code(), 0);
    assert!(rig.channel(&alice, 0x4000, peer()));
    let mut bytes = Vec::new();
    let id = TransactionId::new([9; 12]);
    let mut builder = Builder::new(&mut bytes, Method::SEND, Class::Indication, id);
    builder.put(&XorPeerAddress(peer())).put(&XorPeerAddress(other)).put(&Data(b"x"));
    rig.send(&alice, &bytes);
    assert_eq!(rig.sent.pop_front().unwrap().0.destination, peer());
    assert!(rig.sent.is_empty());
}

#[test]
fn permissions_are_given_all_or_none() {
    let (mut rig, mut alice, _) = allocated();
    let v6 = at("[2001:db8::9]:5000");
    assert_eq!(rig.permit(&mut alice, &[]), 400);
    assert_eq!(rig.permit(&mut alice, &[peer(), v6]), 443);
    assert!(!rig.indicate(&alice, peer(), b"x"));
    let malformed = rig.ask(&mut alice, Method::CREATE_PERMISSION, &|builder| {
        builder.put(&XorPeerAddress(peer()));
        builder.put_raw(AttributeType::XOR_PEER_ADDRESS, &[0, 1, 0, 0]);
    });
    assert_eq!(malformed.code(), 400);
    assert!(!rig.indicate(&alice, peer(), b"x"));
}

#[rstest]
#[case::no_peer(false, true, None)]
#[case::no_data(true, false, None)]
#[case::dont_fragment(true, true, Some(AttributeType::DONT_FRAGMENT))]
#[case::unknown(true, true, Some(AttributeType::new(0x7f01)))]
fn an_indication_that_lacks_something_is_dropped_in_silence(
    #[case] has_peer: bool,
    #[case] has_data: bool,
    #[case] extra: Option<AttributeType>,
) {
    let (mut rig, mut alice, _) = allocated();
    assert_eq!(rig.permit(&mut alice, &[peer()]), 0);
    let mut bytes = Vec::new();
    let id = TransactionId::new([9; 12]);
    let mut builder = Builder::new(&mut bytes, Method::SEND, Class::Indication, id);
    builder.put_some(has_peer.then_some(XorPeerAddress(peer())).as_ref());
    builder.put_some(has_data.then_some(Data(b"x")).as_ref());
    if let Some(extra) = extra {
        builder.put_raw(extra, &[]);
    }
    rig.send(&alice, &bytes);
    assert_eq!((rig.sent.len(), rig.dropped(DropReason::BadIndication)), (0, 1));
}

#[test]
fn data_without_an_allocation_is_dropped_in_silence() {
    let mut rig = Rig::new(config());
    let alice = User::new("alice");
    assert!(!rig.indicate(&alice, peer(), b"x"));
    rig.send(&alice, &channel_data(0x4000, b"x"));
    assert_eq!((rig.sent.len(), rig.dropped(DropReason::NoAllocation)), (0, 2));
}

#[test]
fn channel_data_that_lies_about_its_length_is_dropped() {
    // T18.
    let (mut rig, mut alice, relayed) = allocated();
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 0);
    for lie in [&[0x40, 0, 0, 5, 1, 2, 3, 4][..], &[0x40, 0, 0xff, 0xff], &[0x40, 0, 0], &[0x40]] {
        rig.send(&alice, lie);
    }
    rig.send(&alice, &[0x50, 0, 0, 1, 1]);
    rig.send(&alice, &[]);
    assert_eq!((rig.sent.len(), rig.dropped(DropReason::Malformed)), (0, 6));
    // The longest datagrams there are, both ways, neither of which fits.
    rig.hear(peer(), relayed, &[7; 65_507]);
    rig.hear(at("203.0.113.9:1"), relayed, &[7; 65_507]);
    assert_eq!((rig.sent.len(), rig.dropped(DropReason::TooLong)), (0, 2));
    rig.send(&alice, &[&[0x40, 0, 0xff, 0xdf][..], &[7; 65_503]].concat());
    rig.hear(peer(), relayed, &[7; 65_503]);
    assert_eq!(rig.sent.drain(..).map(|(_, it)| it.len()).collect::<Vec<_>>(), [65_503, 65_507]);
}

#[rstest]
#[case::port(SocketErrorKind::PortUnreachable, Some((3, 3, 0)))]
#[case::host(SocketErrorKind::HostUnreachable, Some((3, 1, 0)))]
#[case::network(SocketErrorKind::NetworkUnreachable, Some((3, 0, 0)))]
#[case::firewall(SocketErrorKind::Prohibited, Some((3, 13, 0)))]
#[case::too_big(SocketErrorKind::TooBig { mtu: 1_280 }, Some((3, 4, 1_280)))]
#[case::hops(SocketErrorKind::TimeExceeded, Some((11, 0, 0)))]
#[case::ours(SocketErrorKind::AddressNotAvailable, None)]
fn what_the_network_says_about_a_peer_goes_to_the_client(
    #[case] kind: SocketErrorKind,
    #[case] expected: Option<(u8, u8, u32)>,
) {
    let (mut rig, mut alice, relayed) = allocated();
    // A bound channel makes no difference: RFC 8656 §12.5.
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 0);
    let stranger = at("203.0.113.77:5000");
    for remote in [stranger, peer()] {
        rig.server.handle_socket_error(rig.now, SocketError { local: relayed, remote, kind });
    }
    rig.settle();
    let told = rig.next_to(&alice).map(|bytes| {
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.get(), Some(XorPeerAddress(peer())));
        let Icmp { kind, code, data } = message.get().unwrap();
        (kind, code, data)
    });
    assert_eq!(told, expected);
    assert!(rig.next_to(&alice).is_none());
}

#[test]
fn what_goes_beyond_the_bandwidth_is_dropped() {
    let mut narrow = config();
    let bandwidth = Bandwidth { bytes_per_second: 10_000, burst: 5_000 };
    narrow.quotas.user_bandwidth = Some(bandwidth);
    let mut rig = Rig::new(narrow);
    let (mut alice, mut bob) = (User::new("alice"), User::new("bob").on_port(8));
    let relayed = rig.allocate(&mut alice);
    rig.allocate(&mut bob);
    assert_eq!((rig.permit(&mut alice, &[peer()]), rig.permit(&mut bob, &[peer()])), (0, 0));
    let data = [7; 1_000];
    let went = (0..10).filter(|_| rig.indicate(&alice, peer(), &data)).count();
    assert_eq!((went, rig.dropped(DropReason::Bandwidth)), (5, 5));
    rig.hear(peer(), relayed, &data);
    assert_eq!(rig.dropped(DropReason::Bandwidth), 6, "both directions share it");
    assert!(rig.indicate(&bob, peer(), &data), "users do not");
    rig.wait(0.2);
    assert_eq!((0..10).filter(|_| rig.indicate(&alice, peer(), &data)).count(), 2);
}

#[test]
fn equal_datagrams_to_one_peer_leave_as_one_batch() {
    let mut batching = config();
    batching.max_segments = 64;
    let mut rig = Rig::new(batching);
    let mut alice = User::new("alice");
    rig.allocate(&mut alice);
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 0);
    let payload = channel_data(0x4000, &[7; 1_200]);
    let (source, destination) = (alice.from, alice.to);
    for _ in 0..20 {
        let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload: &payload };
        rig.server.handle_datagram(rig.now, datagram);
    }
    let (transmit, bytes) = rig.server.take_transmit().unwrap();
    assert_eq!((transmit.size, transmit.segment_size), (24_000, Some(1_200)));
    assert_eq!((bytes.len(), transmit.destination), (24_000, peer()));
    assert!(rig.server.take_transmit().is_none());
}

#[test]
fn a_relayed_packet_costs_no_allocation_of_memory() {
    let mut wide = config();
    let bandwidth = Bandwidth::new(1_000_000_000);
    wide.quotas.user_bandwidth = Some(bandwidth);
    wide.quotas.total_bandwidth = Some(bandwidth);
    let mut rig = Rig::new(wide);
    let mut alice = User::new("alice");
    let relayed = rig.allocate(&mut alice);
    let other = at("203.0.113.10:5000");
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 0);
    assert_eq!(rig.permit(&mut alice, &[other]), 0);
    let there = channel_data(0x4000, &[7; 1_200]);
    let mut indication = Vec::new();
    let id = TransactionId::new([9; 12]);
    let mut builder = Builder::new(&mut indication, Method::SEND, Class::Indication, id);
    builder.put(&XorPeerAddress(other)).put(&Data(&[7; 1_200]));
    let mut buffer = Vec::with_capacity(4_096);
    let mut relay = |times: usize| {
        for _ in 0..times {
            for (source, destination, payload) in [
                (alice.from, alice.to, &there[..]),
                (peer(), relayed, &[7; 1_200]),
                (alice.from, alice.to, &indication),
                (other, relayed, &[7; 1_200]),
            ] {
                rig.now += Duration::from_micros(10);
                let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload };
                rig.server.handle_datagram(rig.now, datagram);
                buffer.clear();
                assert!(rig.server.poll_transmit(rig.now, &mut buffer).is_some());
            }
        }
    };
    relay(10);
    let counted = allocation_counter::measure(|| relay(1_000));
    assert_eq!(counted.count_total, 0);
    assert_eq!(rig.server.stats().to_peers.packets, 2_020);
    assert_eq!(rig.server.stats().dropped.total(), 0);
}
