//! Hosts that crash, start again, and are cut off.

use simnet::{
    Attach, BindError, Builder, Change, DropReason, Host, Link, Network,
    nat::{Config, Nat},
};

use crate::support::{Beacon, addr, at, ms, reaches, socket};

/// A beacon behind a NAT, and the host that hears it, 10 ms apart.
fn beacon() -> Builder {
    Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .lan("home", "192.168.1.0/24")
        .nat("nat", "home", "wan", Nat::new(Config::port_restricted_cone()))
        .host("alice", Host::on("home").endpoint_from(|| Beacon::to("11.0.0.3:7")))
        .host("server", Host::on("wan").address("11.0.0.3").endpoint(Beacon::default()))
        .link("server", "wan", Link::delayed(ms(10)))
}

fn heard(net: &Network, host: &str) -> u64 {
    let beacon: &Beacon = net.endpoint(net.node(host)).expect("it lives there");
    beacon.heard
}

#[test]
fn a_crash_takes_sockets_endpoint_and_timers_and_a_restart_begins_anew() {
    let mut net = beacon().build().expect("the world fits together");
    let alice = net.node("alice");
    let socket = net.bind(alice, addr("0.0.0.0:9")).expect("the port is free");
    net.schedule(at(350), Change::Crash(alice));
    net.schedule(at(1_000), Change::Restart(alice));
    net.run_until(at(999));
    assert_eq!(heard(&net, "server"), 3, "at 100, 200 and 300 ms");
    assert!(net.is_crashed(alice) && net.endpoint::<Beacon>(alice).is_none());
    assert_eq!(net.bind(alice, addr("0.0.0.0:10")), Err(BindError::HostDown));
    net.send(socket, addr("11.0.0.3:7"), b"from beyond");
    net.run_until(at(1_350));
    assert_eq!(heard(&net, "server"), 6, "three more, from the new beacon");
    let reborn: &Beacon = net.endpoint(alice).expect("the factory made it");
    assert_eq!(reborn.fired, [at(1_100), at(1_200), at(1_300)]);
    assert!(net.bind(alice, addr("0.0.0.0:9")).is_ok(), "the port is free again");
}

#[test]
fn packets_for_a_crashed_host_end_there_and_nobody_answers() {
    let mut net = beacon().build().expect("the world fits together");
    let (server, alice) = (net.node("server"), net.node("alice"));
    net.change(Change::Crash(server));
    net.run_for(ms(250));
    assert_eq!(net.tally().dropped(DropReason::HostDown), 2);
    let beacon: &Beacon = net.endpoint(alice).expect("it lives there");
    assert_eq!(beacon.fired.len(), 2);
    net.change(Change::Restart(server));
    net.run_for(ms(100));
    assert!(net.endpoint::<Beacon>(server).is_none(), "nobody said how to make another");
    assert_eq!(net.tally().dropped(DropReason::NoSocket), 1);
    net.install(server, Beacon::default());
    net.run_for(ms(100));
    assert_eq!(heard(&net, "server"), 1);
    assert!(net.tally().is_conserved());
}

#[test]
fn what_waits_in_the_queue_of_a_crashed_host_is_lost_and_what_is_on_the_wire_arrives() {
    let slow = Link::delayed(ms(5)).rate(1_000_000);
    let mut net = Network::builder(1)
        .lan("lan", "10.0.0.0/24")
        .host("alice", Host::on("lan"))
        .host("bob", Host::on("lan").endpoint(Beacon::default()))
        .link_from("alice", "lan", slow)
        .build()
        .expect("the world fits together");
    let from = socket(&mut net, "alice", "0.0.0.0:5");
    for _ in 0..4 {
        net.send(from, addr("10.0.0.11:7"), &[0; 1_222]);
    }
    net.run_until(at(15));
    net.change(Change::Crash(net.node("alice")));
    net.run_until(at(100));
    assert_eq!(heard(&net, "bob"), 2, "one on the wire, one being sent");
    assert_eq!(net.tally().dropped(DropReason::HostDown), 2);
    assert!(net.tally().is_conserved());
}

#[test]
fn a_partition_holds_through_a_nat_and_heals() {
    let mut net = beacon().build().expect("the world fits together");
    let (alice, server) = (net.node("alice"), net.node("server"));
    net.schedule(at(150), Change::Partition(vec![alice], vec![server]));
    net.schedule(at(350), Change::Heal(vec![alice], vec![server]));
    net.run_until(at(520));
    assert_eq!(heard(&net, "server"), 3, "at 100, 400 and 500 ms");
    assert_eq!(net.tally().dropped(DropReason::Partitioned), 2);
}

#[test]
fn a_segment_stands_for_its_hosts_and_third_parties_hear_both() {
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .lan("one", "10.1.0.0/16")
        .lan("two", "10.2.0.0/16")
        .router("r1", Attach::to("one").and_to("wan"))
        .router("r2", Attach::to("two").and_to("wan"))
        .host("alice", Host::on("one"))
        .host("bob", Host::on("two"))
        .host("server", Host::on("wan").address("11.0.0.3"))
        .build()
        .expect("the world fits together");
    let alice = socket(&mut net, "alice", "0.0.0.0:5");
    let bob = socket(&mut net, "bob", "0.0.0.0:5");
    let server = socket(&mut net, "server", "0.0.0.0:5");
    net.change(Change::Partition(vec![net.node("one")], vec![net.node("two")]));
    assert!(!reaches(&mut net, alice, "10.2.0.10:5", bob));
    assert!(!reaches(&mut net, bob, "10.1.0.10:5", alice));
    assert!(reaches(&mut net, alice, "11.0.0.3:5", server));
    assert!(reaches(&mut net, server, "10.2.0.10:5", bob));
    net.change(Change::Heal(vec![net.node("two")], vec![net.node("one")]));
    assert!(reaches(&mut net, alice, "10.2.0.10:5", bob));
}
