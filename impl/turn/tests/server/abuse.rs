//! What those do who mean no good, and how little comes of it.

use rstest::rstest;
use stun::{
    Builder,
    wire::{Class, Method, TransactionId, XorMappedAddress},
};
use turn::{
    ServerEvent,
    server::{Accounts, ConfigError, DropReason, MAX_CHALLENGE},
};

use crate::rig::{PASSWORD, REALM, Rig, User, at, channel_data, config, peer, udp};

fn bare(method: Method) -> Vec<u8> {
    let mut bytes = Vec::new();
    let id = TransactionId::new([3; 12]);
    udp(&mut Builder::new(&mut bytes, method, Class::Request, id));
    bytes
}

fn limited() -> Rig {
    let mut limited = config();
    limited.challenge_limit = stun::RateLimit { per_second: 10, burst: 10 };
    Rig::new(limited)
}

#[test]
fn a_challenge_is_short() {
    // T11.
    let mut rig = limited();
    rig.hear(at("198.51.100.7:1"), at("192.0.2.1:3478"), &bare(Method::ALLOCATE));
    let (_, challenge) = rig.sent.pop_front().unwrap();
    assert!(challenge.len() <= MAX_CHALLENGE, "{}", challenge.len());
    assert_eq!(challenge.len(), 20 + 8 + 16 + 44 + 12);
}

#[test]
fn a_realm_that_makes_challenges_long_makes_no_server() {
    let mut long = config();
    long.accounts = Accounts::new(&"x".repeat(41)).unwrap();
    assert_eq!(long.check(), Err(ConfigError::LongChallenge { length: 132 }));
    long.accounts = Accounts::new(&"x".repeat(40)).unwrap();
    assert_eq!(long.check(), Ok(()));
}

#[rstest]
#[case::one_address(&["198.51.100.7:1", "198.51.100.7:2"], 10)]
#[case::one_network(&["[2a00::1]:1", "[2a00::ffff:0:0:1]:2"], 10)]
#[case::two_networks(&["[2a00::1]:1", "[2a00:0:0:1::1]:2"], 20)]
fn a_source_gets_ten_challenges_a_second(#[case] sources: &[&str], #[case] answers: usize) {
    // T11.
    let mut rig = limited();
    for second in 0..3 {
        for source in sources.iter().map(|source| at(source)) {
            let to = if source.is_ipv4() { "192.0.2.1:3478" } else { "[2001:db8::1]:3478" };
            for method in [Method::ALLOCATE, Method::REFRESH, Method::CREATE_PERMISSION] {
                (0..50).for_each(|_| rig.hear(source, at(to), &bare(method)));
            }
        }
        assert_eq!(rig.sent.drain(..).count(), answers, "{second}");
        rig.wait(1.0);
    }
    assert!(rig.events.len() == 3, "strangers cannot fill the log: {:?}", rig.events);
}

#[test]
fn a_flood_of_strangers_leaves_nothing_behind() {
    // T10: a hundred thousand requests from as many addresses.
    let mut rig = limited();
    let request = bare(Method::ALLOCATE);
    let counted = allocation_counter::measure(|| {
        for number in 0..100_000_u32 {
            let source = std::net::SocketAddr::new((0x0a00_0000 + number).to_be_bytes().into(), 9);
            rig.hear(source, at("192.0.2.1:3478"), &request);
            rig.sent.clear();
        }
    });
    assert!(counted.bytes_current < 1_000_000, "{} bytes", counted.bytes_current);
    let stats = rig.server.stats();
    assert_eq!((stats.challenges, stats.allocations, stats.relays), (100_000, 0, 0));
}

#[test]
fn a_user_has_ten_allocations_and_no_more() {
    // T12.
    let mut rig = Rig::new(config());
    let mut users: Vec<_> = (1..=11).map(|port| User::new("alice").on_port(port)).collect();
    let last = users.pop().unwrap();
    for user in &mut users {
        rig.allocate(user);
    }
    assert_eq!(rig.ask(&mut last.clone(), Method::ALLOCATE, &udp).code(), 486);
    assert_eq!(rig.refresh(&mut users[0], 0).code(), 0);
    assert_eq!(rig.ask(&mut last.clone(), Method::ALLOCATE, &udp).code(), 0);
    assert_eq!(rig.ask(&mut last.on_port(12), Method::ALLOCATE, &udp).code(), 486);
    assert_eq!(rig.ask(&mut User::new("bob").on_port(13), Method::ALLOCATE, &udp).code(), 0);
}

#[test]
fn a_port_in_reserve_counts_as_an_allocation() {
    let mut rig = Rig::new(config());
    let pair = |builder: &mut Builder<'_>| {
        udp(builder);
        builder.put(&stun::wire::EvenPort(true));
    };
    for port in 1..=5 {
        let mut user = User::new("alice").on_port(port);
        assert_eq!(rig.ask(&mut user, Method::ALLOCATE, &pair).code(), 0);
        assert_eq!(rig.refresh(&mut user, 0).code(), 0);
    }
    let mut user = User::new("alice").on_port(6);
    for _ in 0..4 {
        assert_eq!(rig.ask(&mut user, Method::ALLOCATE, &pair).code(), 0);
        assert_eq!(rig.refresh(&mut user, 0).code(), 0);
    }
    assert_eq!(rig.ask(&mut user, Method::ALLOCATE, &pair).code(), 486);
    rig.wait(30.0);
    assert_eq!((rig.server.stats().relays, rig.sockets.len()), (0, 2));
    assert_eq!(rig.ask(&mut user, Method::ALLOCATE, &pair).code(), 0);
}

#[test]
fn a_full_server_is_a_508() {
    let mut small = config();
    small.quotas.allocations = 1;
    let mut rig = Rig::new(small);
    rig.allocate(&mut User::new("alice"));
    assert_eq!(rig.ask(&mut User::new("bob").on_port(2), Method::ALLOCATE, &udp).code(), 508);
}

#[test]
fn permissions_and_channels_are_bounded() {
    // T22.
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.allocate(&mut alice);
    let peer = |number: u8| at(&format!("203.0.113.{number}:5000"));
    let many: Vec<_> = (1..=65).map(peer).collect();
    assert_eq!(rig.permit(&mut alice, &many), 508);
    assert_eq!(rig.permit(&mut alice, &many[..64]), 0);
    assert_eq!(rig.permit(&mut alice, &many[..64]), 0);
    assert_eq!(rig.permit(&mut alice, &many[64..]), 508);
    assert_eq!(rig.bind(&mut alice, 0x4000, many[64]), 508);
    assert!(!rig.channel(&alice, 0x4000, many[64]), "half a binding");
    for (number, peer) in (0x4000..).zip(&many[..64]) {
        assert_eq!(rig.bind(&mut alice, number, *peer), 0);
    }
    let other_port = at("203.0.113.1:6000");
    assert_eq!(rig.bind(&mut alice, 0x4100, other_port), 508);
    rig.wait(300.0);
    assert_eq!(rig.permit(&mut alice, &many[64..]), 0, "old ones make room");
}

#[rstest]
#[case::format("%s%n%d")]
#[case::lines("a\u{2028}b")]
#[case::escape("quote\"back\\slash")]
fn a_username_is_told_escaped(#[case] username: &str) {
    // T21.
    let mut odd = config();
    let provider = crypto::Provider::default();
    let accounts = Accounts::new(REALM).unwrap();
    let Ok(accounts) = accounts.with_user(provider, username, PASSWORD) else { return };
    odd.accounts = accounts;
    let mut rig = Rig::new(odd);
    rig.allocate(&mut User::new(username));
    let Some(ServerEvent::Allocated { client, .. }) = rig.events.last() else {
        panic!("{:?}", rig.events);
    };
    let printed = client.username.as_str();
    assert!(printed.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{printed}");
    assert!(!printed.contains(['%', '"']), "{printed}");
}

#[test]
fn usernames_that_no_account_can_have_are_strangers() {
    // T21: control characters, NUL, and more bytes than a username may have.
    let mut rig = Rig::new(config());
    for username in ["a\r\nb", "a\0b", "\u{1b}[2J"] {
        let mut user = User::new("alice");
        rig.refresh(&mut user, 600);
        let id = rig.next_id();
        let mut bytes = user.request(id, Method::ALLOCATE, &udp);
        let place = bytes.windows(5).position(|it| it == b"alice").unwrap();
        for (to, from) in bytes[place..].iter_mut().zip(username.bytes()) {
            *to = from;
        }
        rig.events.clear();
        rig.send(&user, &bytes);
        let answer = crate::rig::Answer { bytes: rig.next_to(&user).unwrap() };
        assert_eq!((answer.code(), rig.events.len()), (401, 0));
    }
}

#[test]
fn anybody_may_ask_for_their_address() {
    let mut rig = Rig::new(config());
    let stranger = User::new("nobody");
    let answer = rig.ask_once(&stranger, Method::BINDING, &|_| {}).unwrap();
    assert_eq!(answer.message().get(), Some(XorMappedAddress(stranger.from)));
    let answered =
        (0..1_000).filter(|_| rig.ask_once(&stranger, Method::BINDING, &|_| {}).is_some()).count();
    assert_eq!(answered, 99);
}

#[test]
fn what_is_no_message_is_dropped() {
    let mut rig = Rig::new(config());
    let alice = User::new("alice");
    rig.send(&alice, &[0; 20]);
    rig.send(&alice, b"GET / HTTP/1.1\r\n\r\n");
    rig.send(&alice, &[0x80, 0, 0, 0]);
    let mut response = Vec::new();
    let id = TransactionId::new([3; 12]);
    Builder::new(&mut response, Method::ALLOCATE, Class::Success, id);
    rig.send(&alice, &response);
    rig.hear(peer(), at("192.0.2.1:55555"), &channel_data(0x4000, b"x"));
    assert!(rig.sent.is_empty());
    let dropped = [DropReason::Malformed, DropReason::Unexpected, DropReason::NoRelay];
    assert_eq!(dropped.map(|reason| rig.dropped(reason)), [3, 1, 1]);
}
