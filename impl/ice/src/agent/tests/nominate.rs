//! Nomination.

use rstest::rstest;
use stun::wire::Class;

use super::{checks::candidate, support::*};
use crate::{
    Config, Event, Kind, LocalSocket, Nomination, Options, RelayTransport, Relayed, Role, State,
};

/// Agent 1 has a better address, from which answers come after `late` only.
fn with_late_pair(a: Config, b: Config, late: u64) -> World {
    let mut world = World::with(a, b);
    world.trickles = false;
    world.add(0, A);
    world.add(1, B);
    // A second address, whose candidate is better than any of the agent's own.
    world.agents[1].add_socket(at(0), LocalSocket::udp(1, addr("192.0.2.3:3000"))).unwrap();
    world.route = Box::new(move |now, sent| {
        let better = addr("192.0.2.3:3000");
        let is_late = sent.source == better || sent.destination == better;
        (!is_late || now >= at(late)).then_some((sent.source, sent.destination))
    });
    world.drain();
    world.untold[1].clear();
    world.exchange();
    let now = at(0);
    let told = world.untold[0].pop_front().unwrap();
    world.agents[1].add_remote_candidate(now, told).unwrap();
    world.agents[0].add_remote_candidate(now, candidate(1, addr(B))).unwrap();
    world.agents[0]
        .add_remote_candidate(now, candidate(2_000_000_000, addr("192.0.2.3:3000")))
        .unwrap();
    world
}

fn nominated_at(world: &World) -> Vec<(u64, std::net::SocketAddr)> {
    let nominations = world.log.iter().filter(|sent| sent.nominates());
    nominations.map(|sent| (sent.at.as_nanos() / 1_000_000, sent.destination)).collect()
}

#[test]
fn data_goes_on_a_valid_pair_before_any_is_nominated() {
    let mut world = with_late_pair(config(Role::Controlling), config(Role::Controlled), u64::MAX);
    world.run_until(at(200));
    assert_eq!(world.agents[0].state(), State::Connected);
    assert!(nominated_at(&world).is_empty());
    assert!(world.send(0, b"now"));
    world.run_until(at(260));
    assert!(world.has_data(1, b"now"));
}

#[test]
fn a_better_pair_that_does_not_answer_is_waited_for_four_round_trips() {
    let mut world = with_late_pair(config(Role::Controlling), config(Role::Controlled), u64::MAX);
    world.run_until(at(3_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    let valid = world.reached(0, State::Connected).unwrap();
    let (first, destination) = nominated_at(&world)[0];
    assert_eq!((at(first) - valid, destination), (ms(400), addr(B)));
}

#[test]
fn a_better_pair_that_answers_in_time_is_nominated_alone() {
    let mut world = with_late_pair(config(Role::Controlling), config(Role::Controlled), 40);
    world.run_until(at(10_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    let nominations = nominated_at(&world);
    assert!(nominations.iter().all(|(_, to)| *to == addr("192.0.2.3:3000")), "{nominations:?}");
    for who in [0, 1] {
        let path = world.agents[who].path(1).unwrap();
        assert!([path.local, path.remote].contains(&addr("192.0.2.3:3000")));
    }
}

#[test]
fn regular_nomination_chooses_one_pair_for_good() {
    let mut world = with_late_pair(config(Role::Controlling), config(Role::Controlled), 2_000);
    world.run_until(at(60_000));
    let pairs: std::collections::BTreeSet<_> =
        nominated_at(&world).into_iter().map(|(_, to)| to).collect();
    assert_eq!(pairs.into_iter().collect::<Vec<_>>(), [addr(B)]);
    assert_eq!(world.agents[0].path(1).unwrap().remote, addr(B));
}

#[test]
fn renomination_moves_to_a_better_pair_later() {
    let mut both = [config(Role::Controlling), config(Role::Controlled)];
    both.iter_mut().for_each(|config| config.renomination = true);
    let [a, b] = both;
    let mut world = with_late_pair(a, b, 2_000);
    world.run_until(at(30_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    for who in [0, 1] {
        let path = world.agents[who].path(1).unwrap();
        assert!([path.local, path.remote].contains(&addr("192.0.2.3:3000")), "{path:?}");
        assert_eq!(world.agents[who].stats().path_changes, 2);
        assert!(!world.history(who).contains(&State::Disconnected));
    }
    let mut values: Vec<_> = world
        .log
        .iter()
        .filter(|sent| sent.nominates())
        .filter_map(|sent| {
            let all = sent.message()?.all_attributes().find(|one| one.kind.number() == 0x0030)?;
            <[u8; 4]>::try_from(all.value).ok().map(u32::from_be_bytes)
        })
        .collect();
    values.dedup();
    assert_eq!(values, [1, 2]);
}

#[rstest]
#[case::towards_an_old_peer(false)]
#[case::ruled_out_by_ice2(true)]
fn aggressive_nomination_is_for_old_peers(#[case] ice2: bool) {
    let mut a = config(Role::Controlling);
    a.nomination = Nomination::Aggressive;
    let mut world = World::with(a, config(Role::Controlled));
    world.add(0, A);
    world.add(1, B);
    let mut b = world.agents[1].local_parameters().clone();
    if !ice2 {
        b.options.remove(Options::ICE2);
    }
    let a = world.agents[0].local_parameters().clone();
    world.agents[0].set_remote_parameters(at(0), b).unwrap();
    world.agents[1].set_remote_parameters(at(0), a).unwrap();
    world.run_until(at(2_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    let first = world.log.iter().find(|sent| sent.by == 0 && sent.is(Class::Request)).unwrap();
    assert_eq!(first.nominates(), !ice2);
}

#[test]
fn of_several_nominations_both_sides_take_the_pair_of_the_highest_priority() {
    let mut a = config(Role::Controlling);
    a.nomination = Nomination::Aggressive;
    let mut world = World::with(a, config(Role::Controlled));
    for (who, addresses) in [(0, [A, "192.0.2.11:1"]), (1, [B, "192.0.2.12:2"])] {
        addresses.iter().for_each(|address| world.add(who, address));
    }
    let mut b = world.agents[1].local_parameters().clone();
    b.options.remove(Options::ICE2);
    let a = world.agents[0].local_parameters().clone();
    world.agents[0].set_remote_parameters(at(0), b).unwrap();
    world.agents[1].set_remote_parameters(at(0), a).unwrap();
    world.run_until(at(10_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    let [here, there] = [0, 1].map(|who| world.agents[who].path(1).unwrap());
    assert_eq!((here.local, here.remote), (there.remote, there.local));
    assert_eq!((here.local, here.remote), (addr(A), addr(B)));
}

#[test]
fn a_pair_through_a_relay_waits_for_better_ones_until_none_can_come() {
    for ended in [false, true] {
        let mut world = World::new();
        let relayed = Relayed {
            component: 1,
            address: addr("198.51.100.1:50000"),
            mapped: None,
            server: addr("198.51.100.1:3478"),
            reached_over: RelayTransport::Udp,
        };
        world.agents[0].add_relayed(at(0), relayed).unwrap();
        world.add(1, B);
        world.exchange();
        if ended {
            world.agents[0].finish_gathering(at(0));
            world.agents[0].end_of_remote_candidates(at(0));
        }
        world.run_until(at(5_000));
        assert_eq!(world.states(), [State::Completed; 2]);
        assert_eq!(world.agents[0].path(1).unwrap().local_kind, Kind::Relayed);
        let waited = at(nominated_at(&world)[0].0) - world.reached(0, State::Connected).unwrap();
        assert_eq!(waited, if ended { ms(0) } else { ms(2_000) });
    }
}

#[test]
fn a_nomination_that_is_lost_is_repeated() {
    let mut world = World::new();
    world.add(0, A);
    world.add(1, B);
    let mut lost = 0;
    world.route = Box::new(move |_, sent| {
        if sent.nominates() && lost < 2 {
            lost += 1;
            return None;
        }
        Some((sent.source, sent.destination))
    });
    world.exchange();
    world.run_until(at(4_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    let selected =
        world.events[1].iter().filter(|(_, event)| matches!(event, Event::Selected { .. }));
    assert_eq!(selected.count(), 2, "valid, then nominated: {:?}", world.events[1]);
}
