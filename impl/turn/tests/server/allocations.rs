//! Allocate, Refresh and the ends of allocations: RFC 8656 §7.2, §8.2.

use std::collections::BTreeSet;

use base::{Machine as _, SocketInput};
use rstest::rstest;
use stun::{
    Builder, Redirect,
    wire::{
        AdditionalAddressFamily, AddressErrorCode, AlternateServer, AttributeType, Code, EvenPort,
        Family, Lifetime, Method, RequestedAddressFamily, RequestedTransport, ReservationToken,
        Software, XorMappedAddress, XorRelayedAddress,
    },
};
use turn::{
    ServerEvent,
    server::{DropReason, ReleaseReason, ServerStats},
};

use crate::rig::{Rig, User, at, client, code, config, peer, relay_at, udp};

fn stats(rig: &Rig) -> ServerStats {
    rig.server.stats()
}

#[test]
fn an_allocation_has_an_address_of_its_own_and_the_default_lifetime() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    let answer = rig.ask(&mut alice, Method::ALLOCATE, &udp);
    assert_eq!(answer.code(), 0);
    let message = answer.message();
    let relayed = answer.relayed();
    assert_eq!(relayed.ip(), alice.to.ip());
    assert!(relayed.port() >= 49_152 && rig.sockets.contains(&relayed));
    assert_eq!(answer.lifetime(), 600);
    assert_eq!(message.get(), Some(XorMappedAddress(client())));
    assert!(message.has_integrity_sha256());
    assert_eq!(message.get::<Software<'_>>(), None);
}

#[rstest]
#[case::less(Some(1), 600)]
#[case::none(None, 600)]
#[case::more(Some(1_800), 1_800)]
#[case::too_much(Some(100_000), 3_600)]
fn the_lifetime_is_between_the_default_and_the_longest(
    #[case] asked: Option<u32>,
    #[case] granted: u32,
) {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    let put = move |builder: &mut Builder<'_>| {
        udp(builder);
        builder.put_some(asked.map(Lifetime).as_ref());
    };
    assert_eq!(rig.ask(&mut alice, Method::ALLOCATE, &put).lifetime(), granted);
    let refreshed = rig.ask(&mut alice, Method::REFRESH, &|builder| {
        builder.put_some(asked.map(Lifetime).as_ref());
    });
    assert_eq!(refreshed.lifetime(), granted);
    rig.wait(f64::from(granted) - 0.001);
    assert_eq!(stats(&rig).allocations, 1);
    rig.wait(0.001);
    assert_eq!((stats(&rig).allocations, stats(&rig).relays), (0, 0));
    assert!(matches!(
        rig.events.last(),
        Some(ServerEvent::Released { reason: ReleaseReason::Expired, .. })
    ));
}

#[test]
fn a_repeated_request_gets_the_same_answer_and_another_one_a_437() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.ask(&mut alice, Method::BINDING, &|_| {});
    assert_eq!(rig.ask(&mut alice, Method::REFRESH, &|_| {}).code(), 437);
    let id = rig.next_id();
    let request = alice.request(id, Method::ALLOCATE, &udp);
    rig.send(&alice, &request);
    let first = rig.next_to(&alice).unwrap();
    rig.send(&alice, &request);
    assert_eq!(rig.next_to(&alice).unwrap(), first);
    assert_eq!(stats(&rig).allocated, 1);
    assert_eq!(rig.ask(&mut alice, Method::ALLOCATE, &udp).code(), 437);
}

#[test]
fn a_request_repeated_while_sockets_are_opened_is_answered_once() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    assert_eq!(rig.ask(&mut alice, Method::REFRESH, &|_| {}).code(), 437);
    rig.is_slow = true;
    let id = rig.next_id();
    let request = alice.request(id, Method::ALLOCATE, &udp);
    rig.send(&alice, &request);
    rig.send(&alice, &request);
    assert_eq!((rig.next_to(&alice), rig.dropped(DropReason::Repeated)), (None, 1));
    rig.is_slow = false;
    rig.settle();
    assert!(rig.next_to(&alice).is_some() && rig.next_to(&alice).is_none());
    assert_eq!(stats(&rig).relays, 1);
}

#[test]
fn a_system_that_never_answers_ends_in_a_508_with_nothing_left() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    assert_eq!(rig.ask(&mut alice, Method::REFRESH, &|_| {}).code(), 437);
    rig.is_slow = true;
    let id = rig.next_id();
    rig.send(&alice, &alice.request(id, Method::ALLOCATE, &udp));
    rig.wait(31.0);
    let answer = crate::rig::Answer { bytes: rig.next_to(&alice).unwrap() };
    assert_eq!(answer.code(), 508);
    // The socket comes after all, and goes at once.
    rig.is_slow = false;
    rig.settle();
    assert_eq!((stats(&rig).allocations, stats(&rig).relays), (0, 0));
    assert_eq!(rig.sockets.len(), 2);
}

/// What `put` puts into an Allocate request, and the error that comes of it.
#[rstest]
#[case::no_transport(&|_: &mut Builder<'_>| {}, Code::BAD_REQUEST)]
#[case::malformed_transport(
    &|builder: &mut Builder<'_>| { builder.put_raw(AttributeType::REQUESTED_TRANSPORT, &[17]); },
    Code::BAD_REQUEST)]
#[case::other_transport(
    &|builder: &mut Builder<'_>| { builder.put(&RequestedTransport(132)); }, Code::UNSUPPORTED_TRANSPORT_PROTOCOL)]
#[case::tcp_is_off(
    &|builder: &mut Builder<'_>| { builder.put(&RequestedTransport(6)); }, Code::UNSUPPORTED_TRANSPORT_PROTOCOL)]
#[case::dont_fragment(
    &|builder: &mut Builder<'_>| { udp(builder); builder.put(&stun::wire::DontFragment); }, Code::UNKNOWN_ATTRIBUTE)]
#[case::unknown_token(
    &|builder: &mut Builder<'_>| { udp(builder); builder.put(&ReservationToken(7)); }, Code::INSUFFICIENT_CAPACITY)]
#[case::token_and_even(
    &|builder: &mut Builder<'_>| { udp(builder); builder.put(&ReservationToken(7)).put(&EvenPort(false)); },
    Code::BAD_REQUEST)]
#[case::token_and_family(
    &|builder: &mut Builder<'_>| {
        udp(builder);
        builder.put(&ReservationToken(7)).put(&RequestedAddressFamily(Family::IPV4));
    },
    Code::BAD_REQUEST)]
#[case::token_and_additional(
    &|builder: &mut Builder<'_>| {
        udp(builder);
        builder.put(&ReservationToken(7)).put(&AdditionalAddressFamily(Family::IPV6));
    },
    Code::BAD_REQUEST)]
#[case::both_families(
    &|builder: &mut Builder<'_>| {
        udp(builder);
        builder.put(&RequestedAddressFamily(Family::IPV4));
        builder.put(&AdditionalAddressFamily(Family::IPV6));
    },
    Code::BAD_REQUEST)]
#[case::unknown_family(
    &|builder: &mut Builder<'_>| { udp(builder); builder.put(&RequestedAddressFamily(Family::new(3))); },
    Code::ADDRESS_FAMILY_NOT_SUPPORTED)]
#[case::additional_ipv4(
    &|builder: &mut Builder<'_>| { udp(builder); builder.put(&AdditionalAddressFamily(Family::IPV4)); },
    Code::BAD_REQUEST)]
#[case::pair_and_additional(
    &|builder: &mut Builder<'_>| {
        udp(builder);
        builder.put(&EvenPort(true)).put(&AdditionalAddressFamily(Family::IPV6));
    },
    Code::BAD_REQUEST)]
#[case::unknown_attribute(
    &|builder: &mut Builder<'_>| { udp(builder); builder.put_raw(AttributeType::new(0x7f00), &[]); },
    Code::UNKNOWN_ATTRIBUTE)]
fn a_request_that_cannot_be_met_is_refused(
    #[case] put: &dyn Fn(&mut Builder<'_>),
    #[case] expected: Code,
) {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    let answer = rig.ask(&mut alice, Method::ALLOCATE, put);
    assert_eq!(answer.code(), code(expected));
    assert!(answer.message().has_integrity_sha256());
    assert_eq!((stats(&rig).allocations, stats(&rig).relays), (0, 0));
}

#[test]
fn a_family_that_is_not_there_is_a_440() {
    let mut only_v6 = config();
    only_v6.relay_v4 = None;
    let mut rig = Rig::new(only_v6);
    let mut alice = User::new("alice");
    assert_eq!(rig.ask(&mut alice, Method::ALLOCATE, &udp).code(), 440);
    let v6 = |builder: &mut Builder<'_>| {
        udp(builder);
        builder.put(&RequestedAddressFamily(Family::IPV6));
    };
    assert!(rig.ask(&mut alice, Method::ALLOCATE, &v6).relayed().is_ipv6());
}

fn dual(builder: &mut Builder<'_>) {
    udp(builder);
    builder.put(&AdditionalAddressFamily(Family::IPV6));
}

#[test]
fn a_dual_allocation_has_one_address_of_each_family() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    let answer = rig.ask(&mut alice, Method::ALLOCATE, &dual);
    let message = answer.message();
    let relayed: Vec<_> = message.get_all::<XorRelayedAddress>().map(|it| it.0).collect();
    assert!(matches!(&relayed[..], [v4, v6] if v4.is_ipv4() && v6.is_ipv6()));
    assert_eq!(message.get::<AddressErrorCode<'_>>(), None);
    // One of them is deleted; the permissions of the other stay.
    let peer_v6 = at("[2001:db8::9]:5000");
    assert_eq!(rig.permit(&mut alice, &[peer(), peer_v6]), 0);
    let deleted = rig.ask(&mut alice, Method::REFRESH, &|builder| {
        builder.put(&Lifetime(0)).put(&RequestedAddressFamily(Family::IPV4));
    });
    assert_eq!((deleted.code(), deleted.lifetime()), (0, 0));
    assert!(rig.indicate(&alice, peer_v6, b"hi") && !rig.indicate(&alice, peer(), b"hi"));
    assert_eq!(rig.permit(&mut alice, &[peer()]), 443);
    let again = rig.ask(&mut alice, Method::REFRESH, &|builder| {
        builder.put(&RequestedAddressFamily(Family::IPV4));
    });
    assert_eq!(again.code(), 443);
    assert_eq!((stats(&rig).allocations, stats(&rig).relays), (1, 1));
    assert_eq!(rig.refresh(&mut alice, 0).code(), 0);
    assert_eq!((stats(&rig).allocations, stats(&rig).relays), (0, 0));
}

#[test]
fn half_of_a_dual_allocation_comes_with_the_reason_for_the_other_half() {
    let mut only_v4 = config();
    only_v4.relay_v6 = None;
    let mut rig = Rig::new(only_v4);
    let mut alice = User::new("alice");
    let answer = rig.ask(&mut alice, Method::ALLOCATE, &dual);
    let error: AddressErrorCode<'_> = answer.message().get().unwrap();
    assert_eq!((answer.code(), error.family, error.code.number()), (0, Family::IPV6, 440));
    // No port is left for the other family: 508 instead.
    let mut small = config();
    small.relay_ports = 50_000..=50_000;
    let mut rig = Rig::new(small);
    let v6 = |builder: &mut Builder<'_>| {
        udp(builder);
        builder.put(&RequestedAddressFamily(Family::IPV6));
    };
    assert_eq!(rig.ask(&mut User::new("bob").on_port(1), Method::ALLOCATE, &v6).code(), 0);
    let answer = rig.ask(&mut User::new("alice"), Method::ALLOCATE, &dual);
    let error: AddressErrorCode<'_> = answer.message().get().unwrap();
    assert_eq!((error.family, error.code.number()), (Family::IPV6, 508));
}

fn even(reserve: bool) -> impl Fn(&mut Builder<'_>) {
    move |builder| {
        udp(builder);
        builder.put(&EvenPort(reserve));
    }
}

#[test]
fn an_even_port_and_the_one_beside_it() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    let answer = rig.ask(&mut alice, Method::ALLOCATE, &even(true));
    let main = answer.relayed();
    assert_eq!(main.port() % 2, 0);
    let token: ReservationToken = answer.message().get().unwrap();
    let beside = rig.ask(&mut User::new("bob").on_port(2), Method::ALLOCATE, &|builder| {
        udp(builder);
        builder.put(&token);
    });
    assert_eq!(beside.relayed().port(), main.port() + 1);
    // A token is good once.
    let again = rig.ask(&mut User::new("bob").on_port(3), Method::ALLOCATE, &|builder| {
        udp(builder);
        builder.put(&token);
    });
    assert_eq!(again.code(), 508);
    assert_eq!(stats(&rig).relays, 2);
}

#[test]
fn a_port_in_reserve_is_held_for_thirty_seconds() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.ask(&mut alice, Method::ALLOCATE, &even(true));
    assert_eq!(rig.refresh(&mut alice, 0).code(), 0);
    assert_eq!(stats(&rig).relays, 1);
    rig.wait(29.9);
    assert_eq!((stats(&rig).relays, rig.sockets.len()), (1, 3));
    rig.wait(0.1);
    assert_eq!((stats(&rig).relays, rig.sockets.len()), (0, 2));
}

#[test]
fn even_ports_leave_nothing_behind() {
    // T15, T23: many allocations leave the ports and the sockets as they were.
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    for turn in 0..3_000 {
        let answer = rig.ask(&mut alice, Method::ALLOCATE, &even(false));
        assert_eq!((answer.code(), answer.relayed().port() % 2), (0, 0), "{turn}");
        assert!(!answer.message().has(AttributeType::RESERVATION_TOKEN));
        assert_eq!(rig.refresh(&mut alice, 0).code(), 0);
        rig.events.clear();
    }
    assert_eq!((stats(&rig).relays, rig.sockets.len()), (0, 2));
    assert_eq!(rig.opened, 3_002);
}

#[test]
fn no_even_port_left_is_a_508_at_once() {
    // T17.
    let mut few = config();
    few.relay_ports = 50_001..=50_001;
    let mut rig = Rig::new(few);
    let mut alice = User::new("alice");
    for reserve in [false, true] {
        assert_eq!(rig.ask(&mut alice, Method::ALLOCATE, &even(reserve)).code(), 508);
    }
    assert_eq!(rig.ask(&mut alice, Method::ALLOCATE, &udp).code(), 0);
}

#[test]
fn a_port_that_somebody_else_has_is_passed_over() {
    let mut few = config();
    few.relay_ports = 50_000..=50_003;
    let mut rig = Rig::new(few);
    rig.taken = BTreeSet::from([50_001, 50_002]);
    let mut alice = User::new("alice");
    // Of two pairs one half each is taken: no pair, whatever the order of trying.
    assert_eq!(rig.ask(&mut alice, Method::ALLOCATE, &even(true)).code(), 508);
    assert_eq!((stats(&rig).relays, rig.sockets.len()), (0, 2));
    rig.taken = BTreeSet::from([50_001]);
    let answer = rig.ask(&mut alice, Method::ALLOCATE, &even(true));
    assert!(answer.code() == 0 && answer.relayed().port() == 50_002 || answer.code() == 508);
}

#[test]
fn an_address_that_is_not_ours_fails_at_once() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    assert_eq!(rig.ask(&mut alice, Method::REFRESH, &|_| {}).code(), 437);
    rig.is_slow = true;
    let id = rig.next_id();
    rig.send(&alice, &alice.request(id, Method::ALLOCATE, &udp));
    let asked = rig.wishes.pop_front().unwrap();
    rig.server.handle_socket(rig.now, SocketInput::Refused { asked, in_use: false });
    rig.settle();
    let answer = crate::rig::Answer { bytes: rig.next_to(&alice).unwrap() };
    assert_eq!((answer.code(), rig.wishes.len(), stats(&rig).relays), (508, 0, 0));
}

#[test]
fn ports_are_random() {
    // T19.
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    let mut ports = BTreeSet::new();
    for _ in 0..100 {
        ports.insert(rig.allocate(&mut alice).port());
        rig.refresh(&mut alice, 0);
    }
    let spread = ports.last().unwrap() - ports.first().unwrap();
    assert!(ports.len() > 95 && spread > 12_000, "{ports:?}");
}

#[test]
fn a_server_that_redirects_says_where_to() {
    let mut elsewhere = config();
    let other = at("192.0.2.2:3478");
    elsewhere.redirect = Some(Redirect { ipv4: Some(other), ..Redirect::default() });
    let mut rig = Rig::new(elsewhere);
    let answer = rig.ask(&mut User::new("alice"), Method::ALLOCATE, &udp);
    assert_eq!((answer.code(), answer.message().get()), (300, Some(AlternateServer(other))));
}

#[test]
fn peers_see_the_address_outside_a_nat() {
    let mut inside = config();
    inside.relay_v4 = relay_at("192.0.2.1");
    inside.relay_v4.as_mut().unwrap().seen = at("198.51.100.100:0").ip();
    let mut rig = Rig::new(inside);
    let relayed = rig.allocate(&mut User::new("alice"));
    assert_eq!(relayed.ip(), at("198.51.100.100:0").ip());
    assert!(rig.sockets.contains(&at(&format!("192.0.2.1:{}", relayed.port()))));
}

#[test]
fn a_server_that_drains_makes_no_allocations_and_lets_old_ones_live() {
    let mut rig = Rig::new(config());
    let (mut alice, mut bob) = (User::new("alice"), User::new("bob").on_port(9));
    rig.allocate(&mut alice);
    rig.server.drain(rig.now, Some(rig.now + std::time::Duration::from_secs(900)));
    assert_eq!(rig.ask(&mut bob, Method::ALLOCATE, &udp).code(), 508);
    rig.wait(500.0);
    assert_eq!(rig.refresh(&mut alice, 600).code(), 0);
    assert!(!rig.events.contains(&ServerEvent::Drained));
    rig.wait(400.0);
    let ends: Vec<_> = rig.events.iter().rev().take(2).collect();
    assert!(matches!(
        ends[..],
        [ServerEvent::Drained, ServerEvent::Released { reason: ReleaseReason::Drained, .. }]
    ));
    assert!(rig.sockets.is_empty() && rig.listeners.is_empty());
    assert_eq!(rig.server.poll_timeout(), None);
}
