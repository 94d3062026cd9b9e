//! Finding a path.

use stun::wire::Class;

use super::support::*;
use crate::{Kind, State};

#[test]
fn two_hosts_connect_in_one_round_trip() {
    let mut world = World::simple();
    world.run_for(ms(3_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    assert_eq!(world.history(0), [State::Checking, State::Connected, State::Completed]);
    assert_eq!(world.reached(0, State::Connected), Some(at(100)));
    assert_eq!(world.reached(1, State::Connected), Some(at(100)));
    let path = world.agents[0].path(1).unwrap();
    assert_eq!((path.local, path.remote, path.nominated), (addr(A), addr(B), true));
    assert_eq!((path.local_kind, path.remote_kind), (Kind::Host, Kind::Host));
    assert_eq!(path.rtt, Some(ms(100)));
    let requests = world.log.iter().filter(|sent| sent.is(Class::Request));
    assert!(requests.count() <= 5, "{:#?}", world.log);
}

#[test]
fn data_flows_both_ways() {
    let mut world = World::completed();
    assert!(world.send(0, b"to b") && world.send(1, b"to a"));
    world.run_for(ms(100));
    assert!(world.has_data(1, b"to b") && world.has_data(0, b"to a"));
}

#[test]
fn nothing_better_to_come_means_nomination_at_once() {
    let mut world = World::simple();
    world.run_for(ms(3_000));
    let first = world.log.iter().find(|sent| sent.nominates()).unwrap();
    assert_eq!((first.by, first.at), (0, at(100)));
}
