//! How an allocation comes to be, and goes.

use rstest::rstest;
use stun::{
    Message,
    wire::{
        AddressErrorCode, AttributeType, Class, Code, EvenPort, Family, Lifetime, Method,
        RequestedAddressFamily, ReservationToken, XorRelayedAddress,
    },
};
use turn::{
    Allocate, AllocateError, AllocateFailure, Allocation, ClientEvent, Families, PortWish, Relay,
};

use crate::{
    relay::{Demand, response},
    support::{World, at, local, relayed, secs},
};

/// The first request of a client for `wish`, answered by a server that asks for no credential.
fn granted(wish: Allocate, fill: impl FnOnce(&mut stun::Builder<'_>)) -> (World, Vec<u8>) {
    let mut world = World::new(|_, relay| relay.demand = Demand::Nothing);
    world.client.allocate(world.now, wish).unwrap();
    let mut request = Vec::new();
    base::Machine::poll_transmit(&mut world.client, world.now, &mut request).unwrap();
    let answer = response(&Message::parse(&request).unwrap(), Class::Success, fill);
    world.hear(&answer);
    (world, request)
}

#[test]
fn allocates_after_the_challenge() {
    let mut world = World::new(|_, _| {});
    world.client.allocate(world.now, Allocate::default()).unwrap();
    world.run(secs(1));
    insta::assert_snapshot!(world.ladder, @r"
       0.000 > Allocate request REQUESTED-TRANSPORT[4]
       0.050 < Allocate error error=401 Unauthenticated realm=relay.example nonce=nonce 0
       0.050 > Allocate request REQUESTED-TRANSPORT[4] username=user realm=relay.example nonce=nonce 0 MESSAGE-INTEGRITY[20]
       0.100 < Allocate success relayed=192.0.2.2:50000 lifetime=600 mapped=198.51.100.7:40000 MESSAGE-INTEGRITY[20]
    ");
    let [ClientEvent::Allocated(allocation)] = world.take_events()[..] else { panic!() };
    assert_eq!(allocation.relayed().collect::<Vec<_>>(), [relayed()]);
    assert_eq!((allocation.mapped, allocation.lifetime), (Some(local()), secs(600)));
    assert_eq!(world.client.allocation(), Some(&allocation));
}

#[test]
fn has_one_allocation_at_a_time() {
    let mut world = World::allocated(|_, _| {});
    let again = world.client.allocate(world.now, Allocate::default());
    assert_eq!(again, Err(AllocateError::Busy));
}

#[test]
fn asks_for_one_address_of_each_family_and_takes_both() {
    let v6 = at("[2001:db8::2]:50001");
    let wish = Allocate { families: Families::Dual, ..Allocate::default() };
    let (mut world, request) = granted(wish, |builder| {
        builder.put(&XorRelayedAddress(relayed())).put(&XorRelayedAddress(v6));
        builder.put(&Lifetime(600));
    });
    let request = Message::parse(&request).unwrap();
    assert!(request.has(AttributeType::ADDITIONAL_ADDRESS_FAMILY));
    assert!(!request.has(AttributeType::REQUESTED_ADDRESS_FAMILY));
    let [ClientEvent::Allocated(allocation)] = world.take_events()[..] else { panic!() };
    assert_eq!(allocation.relayed().collect::<Vec<_>>(), [relayed(), v6]);
    assert_eq!(allocation.relayed_for(at("[2001:db8::9]:1").ip()), Some(v6));
}

#[rstest]
#[case::no_ipv6(440)]
#[case::no_room(508)]
fn makes_do_with_one_family_and_says_why(#[case] code: u16) {
    let wish = Allocate { families: Families::Dual, ..Allocate::default() };
    let code = Code::new(code).unwrap();
    let (mut world, _) = granted(wish, |builder| {
        builder.put(&XorRelayedAddress(relayed())).put(&Lifetime(600));
        builder.put(&AddressErrorCode { family: Family::IPV6, code, reason: "" });
    });
    let [ClientEvent::Allocated(allocation)] = world.take_events()[..] else { panic!() };
    assert_eq!(allocation.refused, Some((Family::IPV6, code)));
    assert_eq!((allocation.relayed().count(), allocation.relayed_v6), (1, None));
}

#[test]
fn asks_for_ipv6_alone() {
    let wish = Allocate { families: Families::V6, ..Allocate::default() };
    let (mut world, request) = granted(wish, |builder| {
        builder.put(&XorRelayedAddress(at("[2001:db8::2]:50001"))).put(&Lifetime(600));
    });
    let request = Message::parse(&request).unwrap();
    let family = request.get_all::<RequestedAddressFamily>().collect::<Vec<_>>();
    assert_eq!(family, [RequestedAddressFamily(Family::IPV6)]);
    assert!(matches!(world.take_events()[..], [ClientEvent::Allocated(_)]));
}

#[rstest]
#[case::of_another_family(Families::V6, Some(relayed()))]
#[case::nowhere(Families::V4, Some(at("0.0.0.0:50000")))]
#[case::without_port(Families::V4, Some(at("192.0.2.2:0")))]
#[case::none(Families::V4, None)]
fn deletes_what_it_cannot_use(
    #[case] families: Families,
    #[case] relayed: Option<std::net::SocketAddr>,
) {
    let wish = Allocate { families, ..Allocate::default() };
    let (mut world, _) = granted(wish, |builder| {
        builder.put_some(relayed.map(XorRelayedAddress).as_ref()).put(&Lifetime(600));
    });
    assert_eq!(world.take_events(), []);
    assert!(world.ladder.ends_with("Refresh request lifetime=0\n"), "{}", world.ladder);
    world.run(secs(1));
    assert_eq!(world.take_events(), [ClientEvent::Failed(AllocateFailure::BadAnswer)]);
}

#[test]
fn asks_for_an_even_port_and_the_next_one() {
    let wish = Allocate { port: PortWish::EvenAndReserve, ..Allocate::default() };
    let (mut world, request) = granted(wish, |builder| {
        builder.put(&XorRelayedAddress(relayed())).put(&Lifetime(600));
        builder.put(&ReservationToken(77));
    });
    assert_eq!(Message::parse(&request).unwrap().get(), Some(EvenPort(true)));
    let [ClientEvent::Allocated(Allocation { reservation, .. })] = world.take_events()[..] else {
        panic!()
    };
    assert_eq!(reservation, Some(77));

    let wish = Allocate { port: PortWish::Reserved(77), ..Allocate::default() };
    let (_, request) = granted(wish, |_| {});
    let request = Message::parse(&request).unwrap();
    assert_eq!(request.get(), Some(ReservationToken(77)));
    for excluded in [
        AttributeType::EVEN_PORT,
        AttributeType::REQUESTED_ADDRESS_FAMILY,
        AttributeType::ADDITIONAL_ADDRESS_FAMILY,
    ] {
        assert!(!request.has(excluded));
    }
}

#[test]
fn relays_connections_only_over_streams() {
    let mut world = World::new(|_, _| {});
    let wish = Allocate { relay: Relay::Tcp, ..Allocate::default() };
    assert_eq!(world.client.allocate(world.now, wish), Err(AllocateError::Contradiction));
}

#[test]
fn asks_again_without_the_flag_that_the_server_does_not_know() {
    let mut world = World::new(|_, relay| relay.knows_dont_fragment = false);
    let wish = Allocate { dont_fragment: true, ..Allocate::default() };
    world.client.allocate(world.now, wish).unwrap();
    world.run(secs(1));
    let [ClientEvent::Allocated(allocation)] = world.take_events()[..] else { panic!() };
    assert!(!allocation.dont_fragment);
    assert_eq!(world.relay.asked.len(), 2);
}

#[test]
fn releases_with_a_lifetime_of_zero() {
    let mut world = World::allocated(|_, _| {});
    world.command(turn::Client::release);
    world.run(secs(1));
    insta::assert_snapshot!(world.ladder, @r"
       1.000 > Refresh request lifetime=0 username=user realm=relay.example nonce=nonce 0 MESSAGE-INTEGRITY[20]
       1.050 < Refresh success lifetime=600 mapped=198.51.100.7:40000 MESSAGE-INTEGRITY[20]
    ");
    assert_eq!(world.take_events(), [ClientEvent::Released]);
    assert_eq!(world.relay.expires_at, None);
    assert_eq!(base::Machine::poll_timeout(&world.client), None);
}

#[test]
fn an_allocation_that_is_gone_is_released() {
    let mut world = World::allocated(|_, _| {});
    world.relay.expires_at = None;
    world.command(turn::Client::release);
    world.run(secs(1));
    assert_eq!(world.take_events(), [ClientEvent::Released]);
}

#[test]
fn gives_back_what_it_does_not_want_any_more_when_it_comes() {
    let mut world = World::new(|_, _| {});
    world.client.allocate(world.now, Allocate::default()).unwrap();
    world.command(turn::Client::release);
    world.run(secs(1));
    assert_eq!(world.take_events(), [ClientEvent::Released]);
    let asked: Vec<_> = world.relay.asked.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(asked, ["Allocate", "Refresh LIFETIME"]);
    assert_eq!(world.relay.expires_at, None);
}

#[test]
fn a_release_that_nobody_answers_ends_too() {
    let mut world = World::allocated(|_, _| {});
    world.deaf_to = Some(Method::REFRESH);
    world.command(turn::Client::release);
    world.run(secs(60));
    assert_eq!(world.take_events(), [ClientEvent::Released]);
}

#[test]
fn may_be_told_to_allocate_again() {
    let mut world = World::allocated(|_, _| {});
    world.command(turn::Client::release);
    world.run(secs(1));
    world.take_events();
    world.command(|client, now| client.allocate(now, Allocate::default())).unwrap();
    world.run(secs(1));
    assert!(matches!(world.take_events()[..], [ClientEvent::Allocated(_)]));
}
