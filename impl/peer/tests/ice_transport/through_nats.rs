//! Peers meet through NATs, with relays where there is no other way.

use std::time::Duration;

use ice::Kind;
use peer::{IceServer, Policy, TurnServer};
use rstest::rstest;
use simnet::{
    Change,
    nat::{Config, Nat},
};
use stun::wire::Code;

use crate::{
    support::{addr, turn},
    world::{OTHER_SERVER, SERVER, World},
};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn symmetric() -> [Config; 2] {
    [Config::symmetric(), Config::symmetric()]
}

fn cones() -> [Config; 2] {
    [Config::port_restricted_cone(), Config::port_restricted_cone()]
}

fn over(transport: turn::Transport) -> impl Fn(&mut peer::IceTransportConfig) {
    move |config| config.servers = vec![turn(SERVER, transport.clone())]
}

fn exchange(world: &mut World) {
    for side in 0..2 {
        let before = world.data[1 - side].len();
        assert!(world.send(side, b"hello"), "{:?}", world.told);
        world.run(Duration::from_millis(100));
        assert_eq!(world.data[1 - side].len(), before + 1, "{:?}", world.told);
    }
}

#[test]
fn cones_meet_without_the_relay_that_is_there() {
    let mut world = World::new(cones(), over(turn::Transport::Udp));
    world.run(secs(5));
    assert!(world.is_connected());
    assert_eq!(world.kinds(0), Some((Kind::ServerReflexive, Kind::ServerReflexive)));
    exchange(&mut world);
}

#[test]
fn symmetric_nats_meet_by_a_relay_and_data_goes_through_a_channel() {
    let mut world = World::new(symmetric(), over(turn::Transport::Udp));
    world.run(secs(6));
    assert!(world.is_connected(), "{:?}", world.told);
    let (local, remote) = world.kinds(0).expect("a pair is nominated");
    assert!(local == Kind::Relayed || remote == Kind::Relayed);
    exchange(&mut world);
    let server = world.net.node("server");
    let stats = world.net.machine::<turn::Server>(server).expect("it lives there").stats();
    assert!(stats.to_peers.packets > 0);
}

#[rstest]
#[case::tcp(turn::Transport::Tcp)]
#[case::tls(turn::Transport::Tls { name: "11.0.0.3".into() })]
fn a_relay_over_a_stream_carries_checks(#[case] transport: turn::Transport) {
    let mut world = World::new(symmetric(), over(transport));
    world.run(secs(6));
    assert!(world.is_connected(), "{:?}", world.told);
    assert!(world.peer(0).relays().all(|relay| relay.relayed.len() == 1));
}

#[test]
fn with_relays_alone_every_packet_goes_to_the_server() {
    let mut world = World::new(cones(), |config| {
        config.servers = vec![turn(SERVER, turn::Transport::Udp)];
        config.policy = Policy::Relay;
    });
    world.run(secs(6));
    assert!(world.is_connected());
    assert_eq!(world.kinds(0), Some((Kind::Relayed, Kind::Relayed)));
    for side in 0..2 {
        let told = &world.candidates[side];
        assert!(told.iter().all(|candidate| candidate.kind == Kind::Relayed), "{told:?}");
        let named = |candidate: &ice::Candidate| {
            candidate.related.is_none_or(|related| related.ip().is_unspecified())
        };
        assert!(told.iter().all(named), "the related address would tell where the host is");
        exchange(&mut world);
    }
}

#[test]
fn an_allocation_that_the_nat_forgot_is_made_again_and_told() {
    let mut world = World::new(symmetric(), |config| {
        config.servers = vec![turn(SERVER, turn::Transport::Udp)];
        config.policy = Policy::Relay;
    });
    world.run(secs(6));
    let before = world.relayed(0);
    assert_eq!(before.len(), 1);
    let home = world.net.node("home-a");
    world.net.with_middlebox(home, |nat: &mut Nat, _| nat.reboot());
    // The server knows the host by another address now, and has no allocation for it. The peer falls
    // silent, and so the transport asks the server, long before the allocation is to be refreshed.
    world.run(secs(30));
    let after = world.relayed(0);
    assert_eq!(after.len(), 1, "{:?}", world.peer(0).relays().collect::<Vec<_>>());
    assert_ne!(before, after);
    let told = world.candidates[0].iter().any(|it| it.address.ip() == Some(after[0]));
    assert!(told, "the peer learns of the new address");
    assert!(world.peer(0).stats().allocations_lost > 0);
    world.restart(0);
    world.run(secs(10));
    assert!(world.is_connected(), "{:?}", world.told);
    exchange(&mut world);
}

#[test]
fn a_restart_keeps_the_allocation() {
    let mut world = World::new(symmetric(), over(turn::Transport::Udp));
    world.run(secs(6));
    let before = [world.relayed(0), world.relayed(1)];
    world.restart(0);
    world.run(secs(6));
    assert!(world.is_connected(), "{:?}", world.told);
    assert_eq!([world.relayed(0), world.relayed(1)], before);
    assert_eq!(world.peer(0).stats().allocations, 1);
    exchange(&mut world);
}

#[test]
fn a_new_address_gets_a_socket_and_an_allocation_and_the_old_ones_go() {
    let mut world = World::new(symmetric(), over(turn::Transport::Udp));
    world.run(secs(6));
    let before = world.relayed(0);
    let hop = world.net.hop("alice.eth0").expect("it exists");
    let new = base::InterfaceAddress::new("192.168.1.77".parse().expect("an address"), 24);
    world.net.change(Change::AddAddress(hop, new));
    world.net.change(Change::RemoveAddress(hop, "192.168.1.2".parse().expect("an address")));
    world.run(secs(2));
    let locals: Vec<_> = world.peer(0).local_addresses().map(|local| local.ip()).collect();
    assert_eq!(locals, [new.ip]);
    let after = world.relayed(0);
    assert_eq!(after.len(), 1);
    assert_ne!(after, before);
    world.restart(0);
    world.run(secs(6));
    assert!(world.is_connected(), "{:?}", world.told);
    exchange(&mut world);
}

#[test]
fn goes_where_the_server_points() {
    let redirect = stun::Redirect { ipv4: Some(addr(OTHER_SERVER)), ipv6: None, domain: None };
    let mut world = World::with_server(symmetric(), over(turn::Transport::Udp), |config| {
        config.redirect = Some(redirect);
    });
    world.run(secs(6));
    assert!(world.is_connected(), "{:?}", world.told);
    let relayed = world.relayed(0);
    assert_eq!(relayed.first().map(|it| it.ip()), Some(addr(OTHER_SERVER).ip()));
    exchange(&mut world);
}

#[test]
fn a_server_that_refuses_leaves_the_others() {
    let mut world = World::new(cones(), |config| {
        let wrong = IceServer::turn(addr(SERVER), turn::Transport::Udp, "user", "wrong");
        let gone = TurnServer::new(addr("11.0.0.99:3478"), turn::Transport::Udp);
        config.servers = vec![wrong.expect("plain words"), IceServer::Turn(gone)];
    });
    world.run(secs(30));
    assert!(world.is_connected(), "{:?}", world.told);
    let refused: Vec<_> = world.peer(0).relays().map(|relay| (relay.state, relay.code)).collect();
    assert!(
        refused.contains(&(peer::RelayState::Failed, Some(Code::UNAUTHENTICATED))),
        "{refused:?}"
    );
    assert!(world.told[0].iter().any(|told| told == "GatheringFinished"), "{:?}", world.told);
}

#[test]
fn a_closed_transport_gives_its_allocation_back_and_then_its_sockets() {
    let mut world = World::new(symmetric(), over(turn::Transport::Udp));
    world.run(secs(6));
    let server = world.net.node("server");
    let held = |world: &World| {
        world.net.machine::<turn::Server>(server).expect("it lives there").stats().allocations
    };
    assert_eq!(held(&world), 2);
    world.act(0, |it, now| it.close(now));
    assert!(world.peer(0).local_addresses().count() > 0, "the server must be told first");
    world.run(secs(2));
    assert_eq!(held(&world), 1);
    assert_eq!(world.peer(0).local_addresses().count(), 0);
    assert!(!world.send(0, b"no more"));
}

#[test]
fn a_server_that_was_away_is_noticed_within_ten_seconds() {
    let mut world = World::new(symmetric(), over(turn::Transport::Udp));
    let (one, other) = (vec![world.net.node("server")], world.peers.to_vec());
    world.net.change(Change::Partition(one.clone(), other.clone()));
    world.run(secs(60));
    assert!(world.relayed(0).is_empty());
    world.net.change(Change::Heal(one, other));
    world.run(secs(10));
    assert_eq!(world.relayed(0).len(), 1, "{:?}", world.peer(0).relays().collect::<Vec<_>>());
}
