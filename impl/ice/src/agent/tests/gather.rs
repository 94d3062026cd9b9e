//! Server-reflexive candidates, as the agent tells them.

use std::net::SocketAddr;

use base::{Datagram, Ecn, Instant, Machine, Rng};
use rstest::rstest;
use stun::{
    Builder, Message,
    wire::{Class, Method, XorMappedAddress},
};

use super::support::*;
use crate::{Agent, Candidate, Event, GatherFailure, Kind, LocalSocket, Role, is_mdns_name};

const SERVER: &str = "198.51.100.1:3478";
const SEEN: &str = "203.0.113.1:40000";

/// An agent with one socket and one server, and what it sent so far.
fn agent(hides: bool) -> Agent {
    let mut config = config(Role::Controlling);
    config.hides_host_addresses = hides;
    config.stun_servers = vec![addr(SERVER)];
    let mut agent = Agent::new(config, Rng::from_seed([3; 32]), Instant::ZERO);
    agent.add_socket(Instant::ZERO, LocalSocket::udp(1, addr(A))).unwrap();
    agent.finish_gathering(Instant::ZERO);
    agent
}

/// Answers everything that waits to be sent to the server.
fn answer(agent: &mut Agent, now: Instant, seen: SocketAddr) -> usize {
    let mut bytes = Vec::new();
    let mut answered = 0;
    while let Some(sent) = agent.poll_transmit(now, &mut bytes) {
        if sent.destination == addr(SERVER) {
            let id = Message::parse(&bytes).unwrap().transaction_id();
            let mut payload = Vec::new();
            let mut builder = Builder::new(&mut payload, Method::BINDING, Class::Success, id);
            builder.put(&XorMappedAddress(seen)).finish().unwrap();
            let (source, destination) = (sent.destination, sent.source.unwrap());
            let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload: &payload };
            agent.handle_datagram(now, datagram);
            answered += 1;
        }
        bytes.clear();
    }
    answered
}

fn events(agent: &mut Agent) -> Vec<Event> {
    std::iter::from_fn(|| agent.poll_event()).collect()
}

fn candidates(events: &[Event]) -> Vec<&Candidate> {
    let mut found = Vec::new();
    for event in events {
        if let Event::LocalCandidate(candidate) = event {
            found.push(candidate);
        }
    }
    found
}

#[test]
fn what_a_server_sees_is_told_and_gathering_ends_with_it() {
    let mut agent = agent(false);
    assert_eq!(answer(&mut agent, at(20), addr(SEEN)), 1);
    let events = events(&mut agent);
    let told = candidates(&events).into_iter().map(|candidate| {
        assert_eq!(candidate.ufrag.as_ref(), Some(&agent.local_parameters().ufrag));
        Candidate { ufrag: None, ..candidate.clone() }.to_string()
    });
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [
            "candidate:1 1 udp 2130706431 192.0.2.1 1000 typ host",
            "candidate:2 1 udp 1694498815 203.0.113.1 40000 typ srflx raddr 192.0.2.1 rport 1000",
        ]
    );
    assert_eq!(events.last(), Some(&Event::GatheringFinished));
}

#[rstest]
#[case::mapped(SEEN)]
#[case::public(A)]
fn a_hidden_address_is_followed_by_what_the_server_sees_and_not_told_by_it(#[case] seen: &str) {
    // The draft on multicast DNS: not redundant, and without the address of the base.
    let mut agent = agent(true);
    answer(&mut agent, at(20), addr(seen));
    let events = events(&mut agent);
    let told = candidates(&events);
    let [host, reflexive] = told[..] else { panic!("{told:?}") };
    assert!(is_mdns_name(host.address.name().unwrap()), "{host}");
    assert_eq!((reflexive.kind, reflexive.address.ip()), (Kind::ServerReflexive, Some(addr(seen))));
    assert!(reflexive.to_string().contains("raddr 0.0.0.0 rport 9"), "{reflexive}");
}

#[test]
fn a_server_that_is_silent_is_told_and_gathering_ends_without_it() {
    let mut agent = agent(false);
    let mut now = Instant::ZERO;
    let mut told = events(&mut agent);
    while !told.contains(&Event::GatheringFinished) {
        while agent.poll_transmit(now, &mut Vec::new()).is_some() {}
        now = agent.poll_timeout().unwrap();
        agent.handle_timeout(now);
        told.extend(events(&mut agent));
    }
    assert_eq!(now, at(9_500));
    let unreachable = |event: &&Event| {
        matches!(event, Event::GatheringFailed(GatherFailure { code: 701, base: None, .. }))
    };
    assert_eq!(told.iter().filter(unreachable).count(), 1);
}

#[test]
fn a_new_generation_tells_all_candidates_again() {
    let mut agent = agent(false);
    answer(&mut agent, at(20), addr(SEEN));
    events(&mut agent);
    agent.restart(at(1_000));
    answer(&mut agent, at(1_000), addr(SEEN));
    let events = events(&mut agent);
    let kinds: Vec<_> = candidates(&events).iter().map(|candidate| candidate.kind).collect();
    assert_eq!(kinds, [Kind::Host, Kind::ServerReflexive]);
}

#[test]
fn bindings_are_kept_while_there_is_no_path() {
    let mut agent = agent(false);
    answer(&mut agent, at(20), addr(SEEN));
    let mut asked = 0;
    while let Some(next) = agent.poll_timeout().filter(|&next| next <= at(61_000)) {
        agent.handle_timeout(next);
        asked += answer(&mut agent, next, addr(SEEN));
    }
    assert_eq!(asked, 4);
}
