//! Addresses that come and go, and NATs that map anew.

use std::cell::Cell;
use std::rc::Rc;

use rstest::rstest;

use super::support::*;
use crate::{Event, FailReason, State};

#[test]
fn a_vanished_address_kills_its_pairs_at_once_and_another_takes_over() {
    let mut world = World::new();
    world.add(0, A);
    world.add(0, "192.0.2.11:1000");
    world.add(1, B);
    world.exchange();
    world.run_for(ms(5_000));
    assert_eq!(world.agents[0].path(1).unwrap().local, addr(A));
    let gone = world.now;
    world.agents[0].remove_local(world.now, addr(A));
    assert!(!world.agents[0].stats().pairs.iter().any(|pair| pair.local == addr(A)));
    world.route = Box::new(|_, sent| {
        (sent.source != addr(A) && sent.destination != addr(A))
            .then_some((sent.source, sent.destination))
    });
    world.run_for(ms(1_000));
    assert_eq!(world.states(), [State::Completed; 2], "{:?}", world.events);
    assert_eq!(world.agents[0].path(1).unwrap().local, addr("192.0.2.11:1000"));
    assert_eq!(world.agents[1].path(1).unwrap().remote, addr("192.0.2.11:1000"));
    let moved = world.events[1].iter().rfind(|(_, event)| matches!(event, Event::Selected { .. }));
    assert!(moved.unwrap().0 - gone <= ms(600));
}

#[test]
fn a_new_address_is_told_and_takes_over_when_the_old_one_is_gone() {
    let mut world = World::completed();
    world.agents[0].remove_local(world.now, addr(A));
    world.drain();
    assert_eq!(world.agents[0].state(), State::Disconnected);
    world.run_for(ms(3_000));
    world.add(0, "198.51.100.7:7000");
    world.run_for(ms(1_500));
    assert_eq!(world.states(), [State::Completed; 2], "{:?}", world.events);
    assert!(world.send(0, b"from elsewhere") && world.send(1, b"to elsewhere"));
    world.run_for(ms(100));
    assert!(world.has_data(1, b"from elsewhere") && world.has_data(0, b"to elsewhere"));
}

#[test]
fn without_another_address_the_agent_gives_up_after_thirty_seconds() {
    let mut world = World::completed();
    world.run_for(ms(40_000));
    let gone = world.now;
    world.agents[0].remove_local(world.now, addr(A));
    world.run_for(ms(60_000));
    assert_eq!(world.reached(0, State::Failed), Some(gone + ms(30_000)));
    assert!(
        world.events[0].iter().any(|(_, event)| *event == Event::Failed(FailReason::AddressLost))
    );
}

/// A NAT before agent `behind`, which maps to `mapped` and drops what comes to former mappings.
fn with_nat(behind: usize) -> (World, Rc<Cell<u16>>) {
    let port = Rc::new(Cell::new(40_000));
    let mut world = World::new();
    world.add(0, A);
    world.add(1, B);
    let inside = addr([A, B][behind]);
    let mapping = port.clone();
    world.route = Box::new(move |_, sent| {
        let mapped = std::net::SocketAddr::new([203, 0, 113, 1].into(), mapping.get());
        if sent.by == behind {
            return Some((mapped, sent.destination));
        }
        (sent.destination == mapped).then_some((sent.source, inside))
    });
    world.exchange();
    (world, port)
}

#[test]
fn connects_through_a_nat_by_a_discovered_candidate() {
    for behind in [0, 1] {
        let (mut world, _) = with_nat(behind);
        world.run_for(ms(3_000));
        assert_eq!(world.states(), [State::Completed; 2]);
        let path = world.agents[1 - behind].path(1).unwrap();
        assert_eq!(
            (path.remote, path.remote_kind),
            (addr("203.0.113.1:40000"), crate::Kind::PeerReflexive)
        );
        assert_eq!(world.agents[behind].path(1).unwrap().local_kind, crate::Kind::PeerReflexive);
        // Outside the NAT: its check, an answer and the triggered check: one and a half round trips.
        let both = [0, 1].map(|who| world.connected_at(who).unwrap());
        assert!(both.iter().all(|&when| when <= at(150)), "{both:?}");
    }
}

#[test]
fn a_nat_that_maps_anew_is_followed_within_ten_seconds() {
    for behind in [0, 1] {
        for offset in 0..6 {
            let (mut world, port) = with_nat(behind);
            world.run_for(ms(10_000 + 900 * offset));
            port.set(41_000);
            let rebooted = world.now;
            world.run_for(ms(9_000));
            for who in [0, 1] {
                assert!(world.send(who, &[7, 7]), "{behind} {offset} {who}");
            }
            world.run_for(ms(1_000));
            assert!(world.has_data(0, &[7, 7]) && world.has_data(1, &[7, 7]), "{behind} {offset}");
            assert_eq!(world.agents[1 - behind].path(1).unwrap().remote.port(), 41_000);
            assert!(world.now - rebooted <= ms(10_000));
            world.run_for(ms(60_000));
            assert_eq!(world.states(), [State::Completed; 2], "{:?}", world.events);
        }
    }
}

/// Before anything is nominated, too: of the pairs that worked, those to an address that died are no
/// better than the one that was in use.
#[test]
fn a_doubtful_path_gives_way_to_a_pair_that_answers_now() {
    let mut world = World::new();
    for address in [A, "192.0.2.11:1000", "192.0.2.12:1000", "192.0.2.13:1000"] {
        world.add(0, address);
    }
    for address in [B, "192.0.2.22:2000"] {
        world.add(1, address);
    }
    world.route =
        Box::new(|_, sent| (!sent.nominates()).then_some((sent.source, sent.destination)));
    world.exchange();
    world.run_for(ms(5_000));
    let dead = world.agents[0].path(1).unwrap().remote;
    let died = world.now;
    world.route = Box::new(move |_, sent| {
        let passes = sent.source != dead && sent.destination != dead && !sent.nominates();
        passes.then_some((sent.source, sent.destination))
    });
    while world.agents[0].path(1).unwrap().remote == dead {
        world.run_for(ms(100));
        assert!(world.now <= died + ms(14_500), "{:?}", world.agents[0].path(1));
    }
}

/// What is taken for dead itself takes no other's place while something better is there: the path would
/// move twice, and a request for consent go out on each.
#[rstest]
#[case::expired(false)]
#[case::doubtful(true)]
fn a_doubtful_pair_takes_nobodys_place(#[case] is_alive: bool) {
    let mut world = World::new();
    for address in [A, "192.0.2.11:1000", "192.0.2.12:1000"] {
        world.add(0, address);
    }
    world.add(1, B);
    world.route =
        Box::new(|_, sent| (!sent.nominates()).then_some((sent.source, sent.destination)));
    world.exchange();
    world.run_for(ms(3_000));
    let (now, agent) = (world.now, &mut world.agents[1]);
    let valid = agent.checklist.pairs().iter().filter(|pair| pair.valid.is_some());
    let mut valid: Vec<_> = valid.map(|pair| (pair.effective_priority(), pair.id)).collect();
    valid.sort_unstable();
    let [(_, good), (_, doubtful), (_, lost)] = valid[..] else { panic!("{valid:?}") };
    agent.with_component(1, |one| (one.selected, one.path) = (Some(lost), Some(lost)));
    agent.checklist.get_mut(doubtful).unwrap().watch.is_doubtful = true;
    let pair = agent.checklist.get_mut(lost).unwrap();
    if is_alive {
        pair.watch.is_doubtful = true;
        pair.watch.silent_since = Some(at(0));
    } else {
        pair.valid = None;
    }
    agent.choose_paths(now);
    assert_eq!(agent.path(1).unwrap().pair, good);
}
