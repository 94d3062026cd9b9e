//! Addresses and routes that come and go.

use base::SocketErrorKind;
use simnet::{
    Attach, Builder, Change, DropReason, Host, Middlebox, Network, NetworkChange, Outlet, Packet,
    Side, StaticRoute,
    nat::{Config, Nat},
    observe::{JsonLines, Ladder},
};

use crate::support::{Beacon, addr, address, arrived, at, hop, ip, ms, reaches, socket};

/// Alice and a server, with a router between.
fn routed() -> Builder {
    Network::builder(1)
        .wan("wan", "11.0.0.0/8 2001:db8::/32")
        .lan("lan", "10.1.0.0/16 fd00:a::/64")
        .router("edge", Attach::to("lan").and_to("wan"))
        .host("alice", Host::on("lan").endpoint(Beacon::default()))
        .host("bob", Host::on("lan"))
        .host("server", Host::on("wan").address("11.0.0.3").address("2001:db8::3"))
}

#[test]
fn a_new_address_is_known_to_neighbours_and_routers_at_once() {
    let mut net = routed().build().expect("the world fits together");
    let bob = socket(&mut net, "bob", "0.0.0.0:9");
    let server = socket(&mut net, "server", "0.0.0.0:9");
    let eth0 = hop(&net, "alice.eth0");
    net.change(Change::AddAddress(eth0, address("10.1.0.77/16")));
    let alice = socket(&mut net, "alice", "10.1.0.77:5");
    assert!(reaches(&mut net, bob, "10.1.0.77:5", alice), "a neighbour knows");
    assert!(reaches(&mut net, server, "10.1.0.77:5", alice), "and the way from outside");
    assert!(reaches(&mut net, alice, "11.0.0.3:9", server), "and out");
    let beacon: &Beacon = net.endpoint(net.node("alice")).expect("it lives there");
    assert_eq!(beacon.news, [NetworkChange::AddressAdded { hop: eth0, ip: ip("10.1.0.77") }]);
}

#[test]
fn a_wide_area_network_follows_its_hosts_addresses() {
    let mut net = routed().build().expect("the world fits together");
    let bob = socket(&mut net, "bob", "0.0.0.0:9");
    let server = socket(&mut net, "server", "0.0.0.0:9");
    let eth0 = hop(&net, "server.eth0");
    assert!(reaches(&mut net, bob, "11.0.0.3:9", server));
    net.change(Change::AddAddress(eth0, address("11.0.0.99/8")));
    assert!(reaches(&mut net, bob, "11.0.0.99:9", server));
    net.change(Change::RemoveAddress(eth0, ip("11.0.0.3")));
    assert!(!reaches(&mut net, bob, "11.0.0.3:9", server));
    assert!(reaches(&mut net, bob, "11.0.0.99:9", server));
    assert_eq!(net.tally().dropped(DropReason::NoRoute), 1);
}

#[test]
fn a_socket_of_a_removed_address_stays_and_sends_nothing() {
    let mut net = routed().build().expect("the world fits together");
    let (eth0, alice) = (hop(&net, "alice.eth0"), net.node("alice"));
    let bound = net.bind(alice, addr("10.1.0.10:5")).expect("it is hers");
    let wild = net.bind(alice, addr("0.0.0.0:6")).expect("the port is free");
    let bob = socket(&mut net, "bob", "0.0.0.0:9");
    net.change(Change::AddAddress(eth0, address("10.1.0.77/16")));
    net.change(Change::RemoveAddress(eth0, ip("10.1.0.10")));
    net.send(bound, addr("10.1.0.11:9"), b"lost");
    let error = net.socket_error(bound).expect("the socket hears");
    assert_eq!(error.kind, SocketErrorKind::AddressNotAvailable);
    assert_eq!((error.local, error.remote), (addr("10.1.0.10:5"), addr("10.1.0.11:9")));
    assert_eq!(net.tally().dropped(DropReason::NoSourceAddress), 1);
    assert!(reaches(&mut net, wild, "10.1.0.11:9", bob), "the other address serves");
    net.change(Change::AddAddress(eth0, address("10.1.0.10/16")));
    assert!(reaches(&mut net, bound, "10.1.0.11:9", bob), "back again");
}

#[test]
fn a_host_that_loses_its_last_address_loses_its_routes() {
    let mut net = routed().build().expect("the world fits together");
    let eth0 = hop(&net, "alice.eth0");
    let alice = socket(&mut net, "alice", "0.0.0.0:5");
    net.change(Change::RemoveAddress(eth0, ip("10.1.0.10")));
    net.send(alice, addr("11.0.0.3:9"), b"lost");
    let error = net.socket_error(alice).expect("the socket hears");
    assert_eq!(error.kind, SocketErrorKind::NetworkUnreachable);
    let left: Vec<_> = net.interfaces(net.node("alice"))[0].addresses.clone();
    assert_eq!(left.len(), 1, "the IPv6 address is there still");
}

#[test]
fn hosts_follow_a_router_whose_address_changes() {
    let mut net = routed().build().expect("the world fits together");
    let (bob, server) =
        (socket(&mut net, "bob", "0.0.0.0:9"), socket(&mut net, "server", "0.0.0.0:9"));
    let inside = hop(&net, "edge.eth0");
    net.change(Change::AddAddress(inside, address("10.1.0.200/16")));
    net.change(Change::RemoveAddress(inside, ip("10.1.0.1")));
    assert!(reaches(&mut net, bob, "11.0.0.3:9", server));
}

#[test]
fn fixed_routes_lead_elsewhere_until_they_are_removed() {
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .lan("lan", "10.1.0.0/16")
        .router("one", Attach::to("lan").and_to("wan"))
        .router("two", Attach::to("lan").and_to("wan"))
        .host("alice", Host::on("lan").endpoint(Beacon::default()))
        .host("server", Host::on("wan").address("11.0.0.3"))
        .build()
        .expect("the world fits together");
    let (alice, server) =
        (socket(&mut net, "alice", "0.0.0.0:5"), socket(&mut net, "server", "0.0.0.0:9"));
    let (node, eth0) = (net.node("alice"), hop(&net, "alice.eth0"));
    let everything = "0.0.0.0/0".parse().expect("a prefix");
    net.set_interface(hop(&net, "one.eth1"), false);
    assert!(!reaches(&mut net, alice, "11.0.0.3:9", server), "the first router leads nowhere");
    let route = StaticRoute::new(everything, eth0, Some(ip("10.1.0.2")));
    net.change(Change::AddRoute(node, route));
    assert!(reaches(&mut net, alice, "11.0.0.3:9", server), "the second does");
    net.change(Change::RemoveRoute(node, everything, eth0));
    net.send(alice, addr("11.0.0.3:9"), b"lost");
    let error = net.socket_error(alice).expect("the socket hears");
    assert_eq!(error.kind, SocketErrorKind::NetworkUnreachable);
    let beacon: &Beacon = net.endpoint(node).expect("it lives there");
    assert_eq!(beacon.news, [NetworkChange::Routes, NetworkChange::Routes]);
}

#[test]
fn the_last_route_given_counts_whatever_else_changes() {
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .lan("lan", "10.1.0.0/16")
        .router("one", Attach::to("lan").and_to("wan"))
        .router("two", Attach::to("lan").and_to("wan"))
        .host("alice", Host::on("lan"))
        .host("server", Host::on("wan").address("11.0.0.3"))
        .build()
        .expect("the world fits together");
    let (alice, server) =
        (socket(&mut net, "alice", "0.0.0.0:5"), socket(&mut net, "server", "0.0.0.0:9"));
    let (node, eth0) = (net.node("alice"), hop(&net, "alice.eth0"));
    let everything = "0.0.0.0/0".parse().expect("a prefix");
    net.set_interface(hop(&net, "one.eth1"), false);
    for gateway in ["10.1.0.1", "10.1.0.2"] {
        let route = StaticRoute::new(everything, eth0, Some(ip(gateway)));
        net.change(Change::AddRoute(node, route));
    }
    assert!(reaches(&mut net, alice, "11.0.0.3:9", server), "the second router leads there");
    net.change(Change::AddAddress(eth0, address("10.1.0.77/16")));
    assert!(reaches(&mut net, alice, "11.0.0.3:9", server), "and does after another change");
}

#[test]
fn a_deprecated_address_is_used_only_by_those_bound_to_it() {
    let mut net = routed().build().expect("the world fits together");
    let eth0 = hop(&net, "alice.eth0");
    net.change(Change::AddAddress(eth0, address("10.1.0.77/16")));
    net.schedule(at(10), Change::Deprecate(eth0, ip("10.1.0.10")));
    net.run_for(ms(20));
    let (wild, bound) =
        (socket(&mut net, "alice", "0.0.0.0:5"), socket(&mut net, "alice", "10.1.0.10:6"));
    let bob = socket(&mut net, "bob", "0.0.0.0:9");
    net.send(wild, addr("10.1.0.11:9"), b"new");
    net.send(bound, addr("10.1.0.11:9"), b"old");
    net.run_for(ms(1));
    let sources: Vec<_> = arrived(&mut net, bob).iter().map(|got| got.source).collect();
    assert_eq!(sources, [addr("10.1.0.77:5"), addr("10.1.0.10:6")]);
}

/// Passes everything, and notes the sides whose addresses changed.
#[derive(Default)]
struct Witness(Vec<(Side, usize)>);

impl Middlebox for Witness {
    fn handle_packet(&mut self, side: Side, packet: Packet, out: &mut Outlet<'_>) {
        let other = if side == Side::INSIDE { Side::OUTSIDE } else { Side::INSIDE };
        out.forward(other, packet);
    }

    fn handle_addresses(&mut self, side: Side, out: &mut Outlet<'_>) {
        self.0.push((side, out.addresses(side).len()));
    }
}

#[test]
fn boxes_hear_which_side_changed_even_through_a_box_of_boxes() {
    let witness: Box<dyn Middlebox> = Box::new(Witness::default());
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .lan("lan", "10.1.0.0/16")
        .middlebox("box", Attach::to("lan").and_to("wan"), Box::new(witness) as Box<dyn Middlebox>)
        .build()
        .expect("the world fits together");
    net.change(Change::AddAddress(hop(&net, "box.outside"), address("11.0.0.99/8")));
    let node = net.node("box");
    let witness: &Witness = net.middlebox(node).expect("it is seen through");
    assert_eq!(witness.0, [(Side::OUTSIDE, 2)]);
    let cleared = net.with_middlebox(node, |witness: &mut Witness, _| witness.0.clear());
    assert_eq!(cleared, Some(()));
    assert!(net.middlebox::<Nat>(node).is_none());
}

#[test]
fn changes_are_told_to_those_who_watch() {
    let mut net = routed()
        .build_observed((JsonLines::new(), Ladder::new()))
        .expect("the world fits together");
    let (eth0, alice, server) = (hop(&net, "alice.eth0"), net.node("alice"), net.node("server"));
    net.schedule(at(1), Change::AddAddress(eth0, address("10.1.0.77/16")));
    net.schedule(at(2), Change::RemoveAddress(eth0, ip("10.1.0.10")));
    net.schedule(at(3), Change::Partition(vec![alice], vec![server]));
    net.schedule(at(4), Change::Heal(vec![server], vec![alice]));
    net.schedule(at(5), Change::Crash(alice));
    net.schedule(at(6), Change::Restart(alice));
    net.run_for(ms(10));
    let (lines, ladder) = net.into_observer();
    let text = String::from_utf8(lines.into_bytes()).expect("JSON is text");
    let changes: Vec<_> = text.lines().skip(1).collect();
    insta::assert_snapshot!(format!("{}\n\n{}", changes.join("\n"), ladder.render()));
}

#[test]
fn a_telephone_moves_to_another_network_and_back() {
    let slow = || simnet::Link::delayed(ms(10));
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .lan("home", "192.168.1.0/24")
        .lan("cafe", "192.168.1.0/24")
        .nat("home-nat", "home", "wan", Nat::new(Config::port_restricted_cone()))
        .nat("cafe-nat", "cafe", "wan", Nat::new(Config::port_restricted_cone()))
        .host("phone", Host::on("home").named("wlan0").endpoint(Beacon::default()))
        .host("laptop", Host::on("cafe"))
        .host("server", Host::on("wan").address("11.0.0.3"))
        .link("phone", "home", slow())
        .build_observed(JsonLines::new())
        .expect("the world fits together");
    let (wlan0, cafe, home) = (hop(&net, "phone.wlan0"), net.node("cafe"), net.node("home"));
    let phone = socket(&mut net, "phone", "0.0.0.0:5");
    let server = socket(&mut net, "server", "0.0.0.0:9");
    let source = |net: &mut Network<JsonLines>| {
        net.send(phone, addr("11.0.0.3:9"), b"here I am");
        net.run_for(ms(20));
        arrived(net, server).first().map(|got| got.source.ip())
    };
    assert_eq!(source(&mut net), Some(ip("11.0.0.10")));
    net.send(phone, addr("11.0.0.3:9"), b"on the wire when the wire goes");
    net.change(Change::Move(wlan0, cafe, Vec::new()));
    assert_eq!(net.tally().dropped(DropReason::Unplugged), 1);
    let addresses = net.interfaces(net.node("phone"))[0].addresses.clone();
    assert_eq!(addresses, [address("192.168.1.11/24")], "the laptop has the first");
    assert_eq!(source(&mut net), Some(ip("11.0.0.11")), "through the other NAT");
    net.change(Change::Move(wlan0, home, vec![address("192.168.1.77/24")]));
    assert_eq!(source(&mut net), Some(ip("11.0.0.10")));
    net.change(Change::Move(wlan0, cafe, Vec::new()));
    assert_eq!(source(&mut net), Some(ip("11.0.0.11")), "by the wire it had before");
    assert!(net.tally().is_conserved());
    let hops = net.topology().hops.len();
    assert_eq!(net.topology().hops[hops - 1].name, "home.phone(phone.wlan0)");
    let beacon: &Beacon = net.endpoint(net.node("phone")).expect("it lives there");
    assert_eq!(
        beacon.news[..2],
        [
            NetworkChange::AddressRemoved { hop: wlan0, ip: ip("192.168.1.10") },
            NetworkChange::AddressAdded { hop: wlan0, ip: ip("192.168.1.11") },
        ]
    );
    let trace = String::from_utf8(net.into_observer().into_bytes()).expect("JSON is text");
    assert!(
        trace.contains(
            r#""event":"interface:move","at":"phone","note":"phone.wlan0 moves to cafe""#
        )
    );
    assert!(trace.contains(r#""at":"cafe.phone(phone.wlan0)""#), "the new wire has a name");
}

#[test]
fn a_port_that_its_neighbour_has_left_stays_down() {
    let mut net = Network::builder(1)
        .lan("home", "192.168.1.0/24")
        .lan("cafe", "192.168.1.0/24")
        .host("phone", Host::on("home"))
        .host("bob", Host::on("home"))
        .link_from("bob", "home", simnet::Link::delayed(ms(10)))
        .build()
        .expect("the world fits together");
    let bob = socket(&mut net, "bob", "0.0.0.0:5");
    let port = hop(&net, "home.phone");
    net.send(bob, addr("192.168.1.10:7"), b"on its way to a port that will be empty");
    net.change(Change::Move(hop(&net, "phone.eth0"), net.node("cafe"), Vec::new()));
    net.change(Change::Up(port));
    net.run_for(ms(20));
    assert_eq!(net.tally().dropped(DropReason::InterfaceDown), 1);
    assert!(net.tally().is_conserved());
}
