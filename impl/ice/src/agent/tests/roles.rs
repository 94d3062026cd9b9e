//! Roles, and lite agents.

use rstest::rstest;

use super::support::*;
use crate::{Event, Mode, Role, State};

#[rstest]
#[case::first_wins(Role::Controlling, 2, 1, [Role::Controlling, Role::Controlled])]
#[case::second_wins(Role::Controlling, 1, 2, [Role::Controlled, Role::Controlling])]
#[case::both_controlled_first_wins(Role::Controlled, 2, 1, [Role::Controlling, Role::Controlled])]
#[case::both_controlled_second_wins(Role::Controlled, 1, 2, [Role::Controlled, Role::Controlling])]
#[case::extremes(Role::Controlling, 0, u64::MAX, [Role::Controlled, Role::Controlling])]
fn a_role_conflict_is_settled_by_the_tie_breaker(
    #[case] role: Role,
    #[case] first: u64,
    #[case] second: u64,
    #[case] expected: [Role; 2],
) {
    let (mut a, mut b) = (config(role), config(role));
    (a.tie_breaker, b.tie_breaker) = (Some(first), Some(second));
    let mut world = World::with(a, b);
    world.add(0, A);
    world.add(1, B);
    world.exchange();
    world.run_for(ms(2_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    assert_eq!([world.agents[0].role(), world.agents[1].role()], expected);
    let changes: usize = world
        .events
        .iter()
        .flatten()
        .filter(|(_, event)| matches!(event, Event::RoleChanged(_)))
        .count();
    assert_eq!(changes, 1);
}

#[rstest]
fn equal_tie_breakers_come_to_an_end(
    #[values(Role::Controlling, Role::Controlled)] role: Role,
    #[values(0, 1, 2, 3)] lost: usize,
) {
    let (mut a, mut b) = (config(role), config(role));
    (a.tie_breaker, b.tie_breaker) = (Some(7), Some(7));
    let mut world = World::with(a, b);
    world.add(0, A);
    world.add(1, B);
    let mut count = 0;
    world.route = Box::new(move |_, sent| {
        count += 1;
        (count != lost).then_some((sent.source, sent.destination))
    });
    world.exchange();
    world.run_for(ms(20_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    assert_ne!(world.agents[0].role(), world.agents[1].role());
}

#[test]
fn a_full_agent_controls_a_lite_one() {
    let (mut a, mut b) = (config(Role::Controlled), config(Role::Controlling));
    b.mode = Mode::Lite;
    a.consent.interval = ms(5_000);
    let mut world = World::with(a, b);
    world.add(0, A);
    world.add(1, B);
    world.exchange();
    world.run_for(ms(2_000));
    assert_eq!(
        [world.agents[0].role(), world.agents[1].role()],
        [Role::Controlling, Role::Controlled]
    );
    assert_eq!(world.states(), [State::Completed; 2]);
    let checks =
        world.log.iter().filter(|sent| sent.by == 1 && sent.is(stun::wire::Class::Request));
    assert_eq!(checks.count(), 0);
    assert!(world.send(0, b"hello") && world.send(1, b"world"));
    world.run_for(ms(100));
    assert!(world.has_data(1, b"hello") && world.has_data(0, b"world"));
    // It keeps the binding alive, and the full one its consent.
    world.run_for(ms(60_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    let kept =
        world.log.iter().filter(|sent| sent.by == 1 && sent.is(stun::wire::Class::Indication));
    assert!((3..=5).contains(&kept.count()));
}

#[test]
fn two_lite_agents_use_the_best_pair_without_checks() {
    let (mut a, mut b) = (config(Role::Controlling), config(Role::Controlled));
    (a.mode, b.mode) = (Mode::Lite, Mode::Lite);
    let mut world = World::with(a, b);
    world.add(0, A);
    world.add(1, B);
    world.exchange();
    world.run_for(ms(100));
    assert_eq!(world.states(), [State::Completed; 2]);
    assert!(world.log.is_empty());
    assert!(world.send(0, b"hello"));
    world.run_for(ms(100));
    assert!(world.has_data(1, b"hello"));
}
