//! Restarts.

use rstest::rstest;
use stun::wire::Class;

use super::support::*;
use crate::{Event, Parameters, Role, SetParametersError, State};

fn all_parameters(world: &World) -> [Parameters; 2] {
    [0, 1].map(|who| world.agents[who].local_parameters().clone())
}

#[rstest]
fn a_restart_of_either_side_replaces_the_path_without_a_gap(#[values(0, 1)] who: usize) {
    let mut world = World::completed();
    let before = all_parameters(&world);
    let roles = [world.agents[0].role(), world.agents[1].role()];
    let pair = world.agents[0].path(1).unwrap().pair;
    world.agents[who].restart(world.now);
    assert_eq!(world.agents[who].path(1).unwrap().pair.number(), pair.number(), "data goes on");
    assert!(world.send(who, b"while alone"));
    world.run_for(ms(300));
    world.signal_restart(who);
    assert!(world.send(0, b"during") && world.send(1, b"during too"));
    world.run_for(ms(2_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    assert!(world.has_data(1 - who, b"while alone"));
    assert!(world.has_data(1, b"during") && world.has_data(0, b"during too"));
    assert_ne!(world.agents[0].path(1).unwrap().pair, pair);
    assert_eq!([world.agents[0].role(), world.agents[1].role()], roles);
    for (old, new) in before.iter().zip(all_parameters(&world)) {
        assert!(old.ufrag != new.ufrag && old.pwd != new.pwd);
    }
    for who in [0, 1] {
        assert!(!world.history(who).contains(&State::Disconnected), "{:?}", world.history(who));
        assert!(!world.history(who).contains(&State::Failed));
        assert_eq!(world.agents[who].stats().restarts, 1);
    }
    let told: Vec<_> = world.events[1 - who].iter().map(|(_, event)| event).collect();
    let restarted = told.iter().position(|event| **event == Event::Restarted).unwrap();
    let is_candidate = |event: &&&Event| matches!(event, Event::LocalCandidate(_));
    let again = told[restarted..].iter().filter(is_candidate).count();
    assert!(again > 0, "its candidates are told again once it is known to have restarted");
}

#[test]
fn both_may_restart_at_once() {
    let mut world = World::completed();
    world.agents[0].restart(world.now);
    world.agents[1].restart(world.now);
    world.drain();
    world.exchange();
    world.run_for(ms(2_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    assert_eq!([0, 1].map(|who| world.agents[who].stats().restarts), [1, 1]);
}

#[rstest]
fn restarts_in_every_state_ten_times_in_a_row(#[values(0, 20, 60, 110, 160, 450)] gap: u64) {
    let mut world = World::simple();
    for round in 0..10 {
        world.run_for(ms(gap));
        let who = round % 2;
        world.agents[who].restart(world.now);
        world.signal_restart(who);
    }
    world.run_for(ms(3_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    assert!(world.send(0, b"after all"));
    world.run_for(ms(100));
    assert!(world.has_data(1, b"after all"));
    for who in [0, 1] {
        let pairs = world.agents[who].stats().pairs;
        assert!(pairs.len() <= 2, "{pairs:?}");
    }
}

#[test]
fn consent_is_kept_on_the_old_path_until_it_is_replaced() {
    let mut world = World::completed();
    world.agents[0].restart(world.now);
    world.drain();
    // The other side does not hear of it for two minutes.
    world.run_for(ms(120_000));
    assert!(world.send(0, b"still") && world.send(1, b"there"));
    world.run_for(ms(100));
    assert!(world.has_data(1, b"still") && world.has_data(0, b"there"));
    assert_eq!(world.states(), [State::Connected, State::Completed]);
    world.signal_restart(0);
    world.run_for(ms(2_000));
    assert_eq!(world.states(), [State::Completed; 2]);
}

#[test]
fn the_former_password_is_refused_once_it_is_replaced() {
    let mut world = World::completed();
    let old =
        world.log.iter().find(|sent| sent.by == 0 && sent.is(Class::Request)).unwrap().clone();
    world.agents[0].restart(world.now);
    world.signal_restart(0);
    world.run_for(ms(500));
    let before = world.log.len();
    world.deliver(1, addr(A), addr(B), &old.payload);
    assert!(world.log[before].is(Class::Success), "the peer may be late");
    world.run_for(ms(5_000));
    let before = world.log.len();
    world.deliver(1, addr(A), addr(B), &old.payload);
    assert!(world.log[before].is(Class::Error));
}

#[test]
fn former_and_own_parameters_are_refused() {
    let mut world = World::completed();
    let [ours, theirs] = all_parameters(&world);
    let now = world.now;
    assert_eq!(world.agents[0].set_remote_parameters(now, theirs.clone()), Ok(()));
    assert_eq!(world.agents[0].set_remote_parameters(now, ours), Err(SetParametersError::Own));
    world.agents[0].restart(now);
    let refused = world.agents[0].set_remote_parameters(now, theirs);
    assert_eq!(refused, Err(SetParametersError::Former));
}

#[test]
fn a_restart_revives_an_agent_that_failed() {
    let mut world = World::completed();
    world.route = Box::new(|_, _| None);
    world.run_for(ms(60_000));
    assert_eq!(world.states(), [State::Failed; 2]);
    world.route = Box::new(|_, sent| Some((sent.source, sent.destination)));
    world.agents[1].restart(world.now);
    world.signal_restart(1);
    let healed = world.now;
    world.run_for(ms(2_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    let back = world.events[0].iter().rfind(|(_, event)| *event == Event::State(State::Connected));
    assert!(back.unwrap().0 - healed <= ms(200));
}

#[test]
fn a_closed_agent_is_silent_for_good() {
    let mut world = World::completed();
    world.agents[0].close(world.now);
    let before = world.log.len();
    world.run_for(ms(60_000));
    assert!(world.log[before..].iter().all(|sent| sent.by == 1));
    assert!(!world.send(0, b"data"));
    assert_eq!(world.agents[0].state(), State::Closed);
    assert_eq!(world.agents[1].state(), State::Failed);
    world.agents[0].restart(world.now);
    assert_eq!(world.agents[0].state(), State::Closed);
    assert_eq!(world.agents[0].role(), Role::Controlling);
}

#[test]
fn candidates_may_come_before_the_parameters_of_their_generation_and_late_ones_are_refused() {
    let mut world = World::completed();
    let late = crate::Candidate {
        ufrag: Some(world.agents[0].local_parameters().ufrag.clone()),
        ..super::checks::candidate(9, addr("192.0.2.99:9"))
    };
    world.agents[0].restart(world.now);
    world.drain();
    // The candidates of the new generation are there; its parameters come only now.
    world.run_for(ms(1_000));
    world.signal_restart(0);
    assert_eq!(world.agents[1].stats().remote_candidates.len(), 1);
    let refused = world.agents[1].add_remote_candidate(world.now, late);
    assert_eq!(refused, Err(crate::AddCandidateError::OtherGeneration));
    world.run_for(ms(1_000));
    assert_eq!(world.states(), [State::Completed; 2]);
}

#[test]
fn a_restart_without_a_path_goes_on_looking_for_one() {
    let mut world = World::new();
    let now = world.now;
    let theirs = world.agents[1].local_parameters().clone();
    world.agents[0].set_remote_parameters(now, theirs).unwrap();
    assert_eq!(world.agents[0].state(), State::Checking);
    world.agents[0].restart(now);
    assert_eq!(world.agents[0].state(), State::Checking);
}

#[test]
fn restarts_on_both_sides_that_outlive_the_consent_begin_when_the_network_is_back() {
    let mut world = World::completed();
    world.route = Box::new(|_, _| None);
    world.run_for(ms(15_000));
    world.agents[0].restart(world.now);
    world.agents[1].restart(world.now);
    world.run_for(ms(40_000));
    assert_eq!(
        world.states(),
        [State::Failed; 2],
        "consent is over, and the answers are not there"
    );
    world.route = Box::new(|_, sent| Some((sent.source, sent.destination)));
    world.exchange();
    world.run_for(ms(2_000));
    assert_eq!(world.states(), [State::Completed; 2]);
}

#[test]
fn parameters_of_a_generation_long_gone_do_not_begin_another() {
    let mut world = World::completed();
    let first = world.agents[1].local_parameters().clone();
    world.agents[1].restart(world.now);
    world.signal_restart(1);
    world.run_for(ms(20_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    let refused = world.agents[0].set_remote_parameters(world.now, first);
    assert_eq!(refused, Err(SetParametersError::Former));
    assert_eq!(world.agents[0].stats().restarts, 1);
}
