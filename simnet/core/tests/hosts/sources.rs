//! Which address a host sends from, by which interface.

use base::SocketErrorKind;
use rstest::rstest;
use simnet::{Attach, Builder, Change, DropReason, Host, HostModel, Link, Network, SocketOption};

use crate::support::{addr, address, arrived, hop, ip, ms, reaches, socket};

/// Alice has a cable and a mobile network, each with a way out.
fn two_ways(change: impl FnOnce(Host) -> Host) -> Builder {
    let alice = Host::on("home").and_on("cell");
    Network::builder(1)
        .wan("wan", "11.0.0.0/8 2001:db8::/32")
        .lan("home", "10.1.0.0/16 2001:db8:1::/64")
        .lan("cell", "10.2.0.0/16 2001:db8:2::/64")
        .router("home-router", Attach::to("home").and_to("wan"))
        .router("cell-router", Attach::to("cell").and_to("wan"))
        .host("alice", change(alice))
        .host("server", Host::on("wan").address("11.0.0.3").address("2001:db8::3"))
        .link("cell-router", "wan", Link::delayed(ms(40)))
}

/// Where Alice's packet from a socket bound to `local` seems to come from, and when it arrives.
fn seen_from(net: &mut Network, local: &str) -> Option<(String, u64)> {
    let (alice, server) = (socket(net, "alice", local), socket(net, "server", "0.0.0.0:9"));
    let start = net.now();
    net.send(alice, addr("11.0.0.3:9"), b"hello");
    net.run_for(ms(100));
    let got = arrived(net, server);
    net.close(server);
    let first = got.first()?;
    let millis = (first.at.as_nanos() - start.as_nanos()) / 1_000_000;
    Some((first.source.ip().to_string(), millis))
}

#[rstest]
#[case::first_interface("0.0.0.0:1", |host: Host| host, Some(("10.1.0.10", 0)))]
#[case::lower_metric("0.0.0.0:1", |host: Host| host.metric(0), Some(("10.2.0.10", 40)))]
#[case::bound("10.2.0.10:1", |host: Host| host, Some(("10.2.0.10", 40)))]
#[case::without_policy_routing("10.2.0.10:1", Host::ignoring_source, Some(("10.2.0.10", 0)))]
#[case::strong("10.2.0.10:1", |host: Host| host.model(HostModel::Strong), Some(("10.2.0.10", 40)))]
fn packets_leave_by(
    #[case] local: &str,
    #[case] change: fn(Host) -> Host,
    #[case] seen: Option<(&str, u64)>,
) {
    let mut net = two_ways(change).build().expect("the world fits together");
    let seen = seen.map(|(ip, millis)| (ip.to_owned(), millis));
    assert_eq!(seen_from(&mut net, local), seen);
}

#[rstest]
#[case::weak(HostModel::Weak, true)]
#[case::strong(HostModel::Strong, false)]
fn an_address_of_the_other_interface_answers_only_in_the_weak_model(
    #[case] model: HostModel,
    #[case] answers: bool,
) {
    let world = |alice: Host| {
        Network::builder(1)
            .lan("one", "10.1.0.0/16")
            .lan("two", "10.2.0.0/16")
            .host("alice", alice.model(model))
            .host("bob", Host::on("one").gateway("10.1.0.10"))
            .build()
            .expect("the world fits together")
    };
    let mut net = world(Host::on("one").and_on("two"));
    let (alice, bob) =
        (socket(&mut net, "alice", "0.0.0.0:1"), socket(&mut net, "bob", "0.0.0.0:2"));
    // Bob hands everything to Alice, as to a gateway.
    assert_eq!(reaches(&mut net, bob, "10.2.0.10:1", alice), answers);
    assert_eq!(net.tally().dropped(DropReason::NotMine), u64::from(!answers));
}

#[test]
fn a_socket_tied_to_an_interface_uses_no_other() {
    let mut net = two_ways(|host| host).build().expect("the world fits together");
    let (alice, server) =
        (socket(&mut net, "alice", "0.0.0.0:1"), socket(&mut net, "server", "0.0.0.0:9"));
    let cell = hop(&net, "alice.eth1");
    net.set_option(alice, SocketOption::Device(Some(cell)));
    net.send(alice, addr("11.0.0.3:9"), b"hello");
    net.run_for(ms(100));
    assert_eq!(arrived(&mut net, server)[0].source, addr("10.2.0.10:1"));
    assert!(!reaches(&mut net, server, "10.1.0.10:1", alice), "it came in by the other one");
    assert!(reaches(&mut net, server, "10.2.0.10:1", alice));
    net.set_interface(cell, false);
    net.send(alice, addr("11.0.0.3:9"), b"lost");
    let error = net.socket_error(alice).expect("the socket hears");
    assert_eq!(error.kind, SocketErrorKind::NetworkUnreachable);
}

#[test]
fn when_wifi_goes_down_the_cellular_network_takes_over() {
    let mut net = two_ways(|host| host).build().expect("the world fits together");
    assert_eq!(seen_from(&mut net, "0.0.0.0:1").expect("it arrives").0, "10.1.0.10");
    net.set_interface(hop(&net, "alice.eth0"), false);
    assert_eq!(seen_from(&mut net, "0.0.0.0:2").expect("it arrives").0, "10.2.0.10");
    net.set_interface(hop(&net, "alice.eth0"), true);
    assert_eq!(seen_from(&mut net, "0.0.0.0:3").expect("it arrives").0, "10.1.0.10");
}

#[test]
fn temporary_addresses_are_preferred_until_they_are_deprecated() {
    let mut net = two_ways(|host| host).build().expect("the world fits together");
    let (alice, eth0) = (net.node("alice"), hop(&net, "alice.eth0"));
    let (server, temporary) = (ip("2001:db8::3"), ip("2001:db8:1::d5e3"));
    assert_eq!(net.source_for(alice, server), Some(ip("2001:db8:1::10")));
    let mut added = address("2001:db8:1::d5e3/64");
    added.temporary = true;
    net.change(Change::AddAddress(eth0, added));
    assert_eq!(net.source_for(alice, server), Some(temporary));
    net.change(Change::Deprecate(eth0, temporary));
    assert_eq!(net.source_for(alice, server), Some(ip("2001:db8:1::10")));
    assert_eq!(net.source_for(alice, temporary), Some(temporary), "to itself");
}

#[test]
fn a_resolver_puts_ipv6_first_where_there_is_a_way() {
    let mut net = two_ways(|host| host).build().expect("the world fits together");
    let alice = net.node("alice");
    let both = [ip("11.0.0.3"), ip("2001:db8::3")];
    assert_eq!(net.order_destinations(alice, &both), [both[1], both[0]]);
    for name in ["alice.eth0", "alice.eth1"] {
        let hop = hop(&net, name);
        let ipv6: Vec<_> = net.interfaces(alice).into_iter().flat_map(|it| it.addresses).collect();
        for address in ipv6.iter().filter(|address| address.ip.is_ipv6()) {
            net.change(Change::RemoveAddress(hop, address.ip));
        }
    }
    assert_eq!(net.order_destinations(alice, &both), both);
}

#[test]
fn link_local_addresses_need_their_interface() {
    let mut net = Network::builder(1)
        .lan("one", "fd00:1::/64")
        .lan("two", "fd00:2::/64")
        .host("alice", Host::on("one").and_on("two"))
        .host("bob", Host::on("one"))
        .host("carol", Host::on("two"))
        .build()
        .expect("the world fits together");
    for (name, text) in [
        ("alice.eth0", "fe80::a/64"),
        ("alice.eth1", "fe80::a/64"),
        ("bob.eth0", "fe80::b/64"),
        ("carol.eth0", "fe80::b/64"),
    ] {
        net.change(Change::AddAddress(hop(&net, name), address(text)));
    }
    let index = net.interfaces(net.node("alice"))[1].index;
    assert_eq!(index, 3, "behind the loopback and the first");
    let alice = socket(&mut net, "alice", "[::]:1");
    let (bob, carol) = (socket(&mut net, "bob", "[::]:2"), socket(&mut net, "carol", "[::]:2"));
    assert!(reaches(&mut net, alice, "[fe80::b%3]:2", carol));
    assert!(reaches(&mut net, alice, "[fe80::b%2]:2", bob));
    net.send(carol, addr("[fe80::a%2]:1"), b"hello");
    net.run_for(ms(1));
    let got = arrived(&mut net, alice);
    assert_eq!(got[0].source, addr("[fe80::b%3]:2"), "it says on which interface");
    net.send(alice, addr("[fe80::b%9]:2"), b"lost");
    let error = net.socket_error(alice).expect("the socket hears");
    assert_eq!(error.kind, SocketErrorKind::NetworkUnreachable, "no interface has that number");
}
