//! Which checks are sent, and when.

use std::net::SocketAddr;

use base::{Machine, SocketError, SocketErrorKind};
use rstest::rstest;
use stun::wire::{Class, IceControlling, Priority, Username};

use super::support::*;
use crate::{
    AddCandidateError, Address, Candidate, Event, FailReason, Foundation, Kind, Role, State,
    Transport, stats::PairState,
};

pub(super) fn candidate(n: u32, address: SocketAddr) -> Candidate {
    let address = Address::Ip(address);
    Candidate::new(Foundation::numbered(n), 1, Transport::Udp, 1_000_000 + n, address, Kind::Host)
}

/// Agent 0 with a peer that never answers.
fn alone() -> World {
    let mut world = World::new();
    world.add(0, A);
    world.route = Box::new(|_, _| None);
    world.exchange();
    world
}

#[test]
fn a_check_says_what_the_text_asks_for() {
    let world = World::simple();
    let check = world.log.iter().find(|sent| sent.by == 0).unwrap();
    let message = check.message().unwrap();
    let [ours, theirs] = [0, 1].map(|who| world.agents[who].local_parameters());
    let username = format!("{}:{}", theirs.ufrag, ours.ufrag);
    assert_eq!(message.get::<Username<'_>>().unwrap().as_str(), username);
    // RFC 8445 §7.1.1: 110 for peer-reflexive, 65,535, component 1.
    assert_eq!(message.get(), Some(Priority((110 << 24) + (65_535 << 8) + 255)));
    assert!(message.get::<IceControlling>().is_some() && message.has_fingerprint());
    assert_eq!((check.source, check.destination), (addr(A), addr(B)));
    assert!(!check.nominates());
}

#[test]
fn a_check_is_repeated_seven_times_and_fails_after_39_5_seconds() {
    let mut world = alone();
    world.agents[0].add_remote_candidate(at(0), candidate(1, addr(B))).unwrap();
    world.run_until(at(60_000));
    let first = world.log[0].message().unwrap().transaction_id();
    let times: Vec<_> = world
        .log
        .iter()
        .filter(|sent| sent.message().unwrap().transaction_id() == first)
        .map(|sent| sent.at.elapsed().as_millis())
        .collect();
    assert_eq!(times, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    assert_eq!(world.history(0), [State::Checking, State::Failed]);
    assert_eq!(world.reached(0, State::Failed), Some(at(39_500)));
    let last = world.events[0].last().unwrap();
    assert_eq!(last.1, Event::Failed(FailReason::ChecksFailed));
}

#[test]
fn a_silent_pair_is_tried_again_within_eight_seconds() {
    let mut world = alone();
    world.agents[0].add_remote_candidate(at(0), candidate(1, addr(B))).unwrap();
    world.run_until(at(39_000));
    let times: Vec<_> = world.log.iter().map(|sent| sent.at.elapsed().as_millis()).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 8_000), "{times:?}");
}

#[test]
fn new_checks_are_paced() {
    let mut world = World::new();
    world.add(0, A);
    world.route = Box::new(|_, _| None);
    for n in 1..=20 {
        let address = SocketAddr::new([203, 0, 113, 5].into(), 5_000 + n);
        world.agents[0].add_remote_candidate(at(0), candidate(n.into(), address)).unwrap();
    }
    world.exchange();
    world.run_until(at(2_000));
    let mut begun = std::collections::BTreeMap::new();
    for sent in &world.log {
        begun.entry(sent.message().unwrap().transaction_id()).or_insert(sent.at);
    }
    let mut times: Vec<_> = begun.into_values().collect();
    times.sort();
    assert_eq!(times.len(), 20);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= ms(50)), "{times:?}");
    // RFC 8445 §14.3: every check goes out once before any is repeated.
    let repeated = world
        .log
        .iter()
        .position(|sent| sent.destination == world.log[0].destination && sent.at > at(0));
    assert!(world.log[repeated.unwrap()].at >= at(1_000));
}

#[test]
fn pairs_and_candidates_are_bounded() {
    let mut world = alone();
    for n in 2..=4 {
        world.add(0, &format!("192.0.2.1{n}:1"));
    }
    let mut refused = 0;
    for n in 1..=1_000 {
        let address = SocketAddr::new([203, 0, 113, 5].into(), 5_000 + n);
        let added = world.agents[0].add_remote_candidate(at(0), candidate(n.into(), address));
        refused += usize::from(added == Err(AddCandidateError::TooMany));
    }
    assert_eq!(refused, 1_000 - 64);
    let stats = world.agents[0].stats();
    assert_eq!((stats.pairs.len(), stats.remote_candidates.len()), (100, 64));
    world.run_until(at(120_000));
    assert_eq!(world.agents[0].state(), State::Failed);
    let last = world.log.last().unwrap().at;
    assert!(last < at(46_000), "{last}");
    let ids: std::collections::BTreeSet<_> =
        world.log.iter().map(|sent| sent.message().unwrap().transaction_id()).collect();
    assert_eq!(ids.len(), 100, "checks in all");
}

#[test]
fn patience_lasts_without_candidates() {
    let mut world = alone();
    world.agents[0].end_of_remote_candidates(at(0));
    world.run_until(at(60_000));
    assert_eq!(world.reached(0, State::Failed), Some(at(39_500)));
    assert_eq!(world.events[0].last().unwrap().1, Event::Failed(FailReason::NothingToCheck));
}

#[test]
fn a_peer_that_tells_no_candidates_is_discovered() {
    let mut world = World::new();
    world.trickles = false;
    world.add(0, A);
    world.add(1, B);
    world.exchange();
    world.run_for(ms(20_000));
    let told = world.untold[1].pop_front().unwrap();
    world.agents[0].add_remote_candidate(world.now, told).unwrap();
    world.run_for(ms(2_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    assert_eq!(world.agents[1].path(1).unwrap().remote_kind, Kind::PeerReflexive);
}

#[test]
fn checks_that_come_before_the_parameters_are_answered_at_once_and_used_later() {
    let mut world = World::new();
    world.add(0, A);
    world.add(1, B);
    let parameters = world.agents[1].local_parameters().clone();
    world.agents[0].set_remote_parameters(at(0), parameters).unwrap();
    world.run_until(at(300));
    let answer = world.log.iter().find(|sent| sent.by == 1).unwrap();
    assert!(answer.is(Class::Success) && answer.at == at(50));
    assert_eq!(world.states(), [State::Completed, State::New]);
    // Data that comes now is from a peer that proved itself.
    assert!(world.send(0, b"early"));
    world.run_until(at(400));
    assert!(world.has_data(1, b"early"));
    let parameters = world.agents[0].local_parameters().clone();
    world.agents[1].set_remote_parameters(at(400), parameters).unwrap();
    world.run_until(at(600));
    assert_eq!(world.states(), [State::Completed; 2]);
    assert_eq!(world.reached(1, State::Completed), Some(at(500)));
}

#[test]
fn a_discovered_candidate_becomes_the_one_that_is_told_and_keeps_its_path() {
    let mut world = World::new();
    world.trickles = false;
    world.add(0, A);
    world.add(1, B);
    world.exchange();
    let told = world.untold[1].pop_front().unwrap();
    world.agents[0].add_remote_candidate(world.now, told).unwrap();
    world.run_for(ms(1_000));
    let before = world.agents[1].path(1).unwrap();
    assert_eq!(before.remote_kind, Kind::PeerReflexive);
    let events = world.events[1].len();
    let told = world.untold[0].pop_front().unwrap();
    world.agents[1].add_remote_candidate(world.now, told).unwrap();
    world.run_for(ms(1_000));
    let after = world.agents[1].path(1).unwrap();
    assert_eq!((after.pair, after.remote_kind), (before.pair, Kind::Host));
    assert_eq!(world.events[1].len(), events, "{:?}", world.events[1]);
    assert_eq!(world.agents[1].stats().pairs.len(), 1);
}

#[test]
fn an_answer_from_elsewhere_fails_the_check() {
    let mut world = World::new();
    world.add(0, A);
    world.add(1, B);
    world.route = Box::new(|_, sent| {
        let is_answer = sent.by == 1 && sent.is(Class::Success);
        let source = if is_answer { addr("192.0.2.9:9") } else { sent.source };
        (sent.by == 0 || is_answer).then_some((source, sent.destination))
    });
    world.exchange();
    world.run_for(ms(200));
    assert_eq!(world.agents[0].stats().pairs[0].state, PairState::Failed);
    assert_eq!(world.agents[0].path(1), None);
}

#[test]
fn a_lost_check_does_not_change_the_selected_pair() {
    for lost in 0..6 {
        let mut world = World::new();
        world.add(0, A);
        world.add(1, B);
        let mut count = 0;
        world.route = Box::new(move |_, sent| {
            count += 1;
            (count - 1 != lost).then_some((sent.source, sent.destination))
        });
        world.exchange();
        world.run_for(ms(60_000));
        assert_eq!(world.states(), [State::Completed; 2], "{lost}");
        for who in [0, 1] {
            assert_eq!(world.agents[who].stats().path_changes, 1, "{lost}");
            let history = world.history(who);
            assert!(!history.contains(&State::Disconnected), "{lost} {history:?}");
        }
    }
}

#[test]
fn a_port_that_nobody_listens_on_fails_at_once_and_is_tried_again() {
    let mut world = alone();
    world.agents[0].add_remote_candidate(at(0), candidate(1, addr(B))).unwrap();
    world.run_until(at(10));
    let error =
        SocketError { local: addr(A), remote: addr(B), kind: SocketErrorKind::PortUnreachable };
    world.agents[0].handle_socket_error(world.now, error);
    assert_eq!(world.agents[0].stats().pairs[0].state, PairState::Failed);
    assert_eq!(world.agents[0].state(), State::Checking);
    let sent = world.log.len();
    world.run_until(at(7_999));
    assert_eq!(world.log.len(), sent);
    world.run_until(at(8_000));
    assert_eq!(world.log.len(), sent + 1);
}

#[rstest]
#[case::group("224.0.0.1:5000", AddCandidateError::NotUnicast)]
#[case::no_port("192.0.2.5:0", AddCandidateError::NotUnicast)]
fn useless_candidates_are_refused(#[case] address: &str, #[case] error: AddCandidateError) {
    let mut world = alone();
    let refused = world.agents[0].add_remote_candidate(at(0), candidate(1, addr(address)));
    assert_eq!(refused, Err(error));
}

#[test]
fn candidates_after_the_end_or_of_another_generation_are_refused() {
    let mut world = alone();
    let mut other = candidate(1, addr(B));
    other.ufrag = Some("other".parse().unwrap());
    world.agents[0].add_remote_candidate(at(0), other).unwrap();
    assert!(world.agents[0].stats().pairs.is_empty(), "it waits for its parameters");
    world.agents[0].end_of_remote_candidates(at(0));
    let refused = world.agents[0].add_remote_candidate(at(0), candidate(1, addr(B)));
    assert_eq!(refused, Err(AddCandidateError::AfterTheEnd));
    let named = Address::Name { name: "host.example.com".to_owned(), port: 7 };
    let mut world = alone();
    let domain = Candidate { address: named, ..candidate(1, addr(B)) };
    let refused = world.agents[0].add_remote_candidate(at(0), domain);
    assert_eq!(refused, Err(AddCandidateError::DomainName));
}

#[test]
fn an_address_that_is_our_own_is_not_checked() {
    let mut world = alone();
    world.agents[0].add_remote_candidate(at(0), candidate(1, addr(A))).unwrap();
    world.agents[0].add_remote_candidate(at(0), candidate(2, addr(B))).unwrap();
    world.drain();
    let stats = world.agents[0].stats();
    assert_eq!(stats.pairs.len(), 1);
    assert_eq!((world.log.len(), world.log[0].destination), (1, addr(B)));
}

#[test]
fn families_and_link_local_addresses_are_not_mixed() {
    let mut world = World::new();
    for local in ["192.0.2.1:1", "[2001:db8::1]:1", "[fe80::1]:1"] {
        world.add(0, local);
    }
    world.exchange();
    for (n, remote) in ["192.0.2.2:2", "[2001:db8::2]:2", "[fe80::2]:2"].into_iter().enumerate() {
        let n = u32::try_from(n).unwrap();
        world.agents[0].add_remote_candidate(at(0), candidate(n + 1, addr(remote))).unwrap();
    }
    let stats = world.agents[0].stats();
    let pairs: Vec<_> =
        stats.pairs.iter().map(|pair| (pair.local.to_string(), pair.remote.to_string())).collect();
    let expected = [
        ("192.0.2.1:1", "192.0.2.2:2"),
        ("[2001:db8::1]:1", "[2001:db8::2]:2"),
        ("[fe80::1]:1", "[fe80::2]:2"),
    ];
    assert_eq!(pairs.len(), 3);
    assert!(
        pairs.iter().zip(expected).all(|(pair, (a, b))| pair.0 == a && pair.1 == b),
        "{pairs:?}"
    );
}

#[test]
fn a_name_is_looked_up_once_and_its_candidates_are_checked_then() {
    let mut world = alone();
    let name = "0f1c7ad2-5a51-4b92-9d25-4e0a3a0f7f5e.local".to_owned();
    for port in [7, 8] {
        let address = Address::Name { name: name.clone(), port };
        let named = Candidate { address, ..candidate(port.into(), addr(B)) };
        world.agents[0].add_remote_candidate(at(0), named).unwrap();
    }
    world.drain();
    let asked = world.events[0].iter().filter(|(_, event)| matches!(event, Event::Resolve { .. }));
    assert_eq!(asked.count(), 1);
    assert!(world.log.is_empty());
    world.agents[0].handle_resolved(at(0), &name, Some([192, 0, 2, 2].into()));
    world.run_until(at(100));
    let destinations: Vec<_> = world.log.iter().map(|sent| sent.destination).collect();
    assert_eq!(destinations, [addr("192.0.2.2:8"), addr("192.0.2.2:7")]);
}

#[test]
fn two_components_share_a_foundation_and_unfreeze_one_another() {
    let (mut a, mut b) = (config(Role::Controlling), config(Role::Controlled));
    (a.components, b.components) = (2, 2);
    let mut world = World::with(a, b);
    for (who, first, second) in [(0, A, "192.0.2.1:1001"), (1, B, "192.0.2.2:2001")] {
        world.add(who, first);
        let socket =
            crate::LocalSocket { component: 2, ..crate::LocalSocket::udp(2, addr(second)) };
        world.agents[who].add_socket(at(0), socket).unwrap();
    }
    world.exchange();
    let states: Vec<_> = world.agents[0].stats().pairs.iter().map(|pair| pair.state).collect();
    assert_eq!(states, [PairState::InProgress, PairState::Frozen]);
    world.run_for(ms(2_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    assert_eq!(world.agents[0].path(2).unwrap().remote, addr("192.0.2.2:2001"));
    assert_eq!(world.reached(0, State::Connected), Some(at(250)));
}

#[test]
fn a_peer_with_one_component_does_without_the_other() {
    let (mut a, b) = (config(Role::Controlling), config(Role::Controlled));
    a.components = 2;
    let mut world = World::with(a, b);
    world.add(0, A);
    let socket =
        crate::LocalSocket { component: 2, ..crate::LocalSocket::udp(2, addr("192.0.2.1:1001")) };
    world.agents[0].add_socket(at(0), socket).unwrap();
    world.add(1, B);
    world.exchange();
    world.run_for(ms(1_000));
    assert_eq!(world.agents[0].state(), State::Checking);
    world.agents[0].end_of_remote_candidates(world.now);
    assert_eq!(world.agents[0].state(), State::Completed);
}

#[test]
fn checks_and_questions_to_servers_share_the_pace_and_take_turns() {
    let mut config = config(Role::Controlling);
    config.stun_servers = (1..=3).map(|n| addr(&format!("198.51.100.{n}:3478"))).collect();
    let mut world = World::with(config, super::support::config(Role::Controlled));
    world.route = Box::new(|_, _| None);
    world.exchange();
    for n in 1..=4 {
        let address = SocketAddr::new([203, 0, 113, 5].into(), 5_000 + n);
        world.agents[0].add_remote_candidate(at(0), candidate(n.into(), address)).unwrap();
    }
    world.add(0, A);
    world.run_until(at(400));
    let shown: Vec<_> = world
        .log
        .iter()
        .map(|sent| (sent.at.as_nanos() / 1_000_000, sent.destination.port() != 3478))
        .collect();
    let expected =
        [(0, true), (50, false), (100, true), (150, false), (200, true), (250, false), (300, true)];
    assert_eq!(shown, expected, "the first is a check");
}

/// A new socket has the check list and the gatherer want to begin something at the same time.
#[test]
fn a_new_socket_does_not_let_a_check_and_a_question_out_at_once() {
    let mut config = config(Role::Controlling);
    config.stun_servers = vec![addr("198.51.100.1:3478")];
    let mut world = World::with(config, super::support::config(Role::Controlled));
    world.route = Box::new(|_, _| None);
    world.exchange();
    for n in 1..=4 {
        let address = SocketAddr::new([203, 0, 113, 5].into(), 5_000 + n);
        world.agents[0].add_remote_candidate(at(0), candidate(n.into(), address)).unwrap();
    }
    world.add(0, A);
    world.run_until(at(400));
    world.add(0, "192.0.2.11:1000");
    world.run_until(at(1_000));
    let mut begun = std::collections::BTreeMap::new();
    for sent in &world.log {
        begun.entry(sent.message().unwrap().transaction_id()).or_insert(sent.at);
    }
    let mut times: Vec<_> = begun.into_values().collect();
    times.sort_unstable();
    assert_eq!(times.len(), 10, "eight checks and two questions");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= ms(50)), "{times:?}");
}
