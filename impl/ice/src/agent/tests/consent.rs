//! Consent, and what a path that dies does.

use rstest::rstest;
use stun::{Message, wire::Class};

use super::support::*;
use crate::{Event, FailReason, SendError, State, stats::DropReason};

/// Times in ms at which agent 0 asked for consent, from `from` on.
fn asked(world: &World, from: u64) -> Vec<u64> {
    let asked = world
        .log
        .iter()
        .filter(|sent| sent.by == 0 && sent.is(Class::Request) && sent.at >= at(from));
    asked.map(|sent| sent.at.as_nanos() / 1_000_000).collect()
}

#[test]
fn consent_is_asked_for_every_four_to_six_seconds_once_each() {
    let mut world = World::completed();
    world.run_for(ms(120_000));
    let times = asked(&world, 1_000);
    assert!(times.len() >= 19, "{times:?}");
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (4_000..=6_000).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap < 4_800) && gaps.iter().any(|gap| *gap > 5_200), "{gaps:?}");
    let mut ids: Vec<_> = world
        .log
        .iter()
        .filter(|sent| sent.by == 0 && sent.is(Class::Request))
        .map(|sent| sent.message().unwrap().transaction_id())
        .collect();
    ids.dedup();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "none is sent twice");
}

#[test]
fn sending_stops_thirty_seconds_after_the_last_answer() {
    let mut world = World::completed();
    world.run_for(ms(20_000));
    let last = world.log.iter().rfind(|sent| sent.by == 1 && sent.is(Class::Success)).unwrap().at;
    // Answers stop, everything else still comes.
    world.route = Box::new(|_, sent| {
        let is_answer = sent.by == 1 && sent.is(Class::Success);
        (!is_answer).then_some((sent.source, sent.destination))
    });
    let end = last + ms(50) + ms(30_000);
    let from = world.now.as_nanos() / 1_000_000;
    while world.now < end {
        assert!(world.send(0, b"data"), "{}", world.now);
        world.send(1, b"other data");
        world.run_for(ms(500).min(end - world.now));
    }
    assert!(!world.send(0, b"data"));
    let times = asked(&world, from);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 4_000), "{times:?}");
    world.run_for(ms(10_000));
    assert_eq!(world.agents[0].state(), State::Failed);
    assert_eq!(world.reached(0, State::Failed).map(|at| at.max(end)), Some(end.max(at(39_500))));
    assert!(
        world.events[0]
            .iter()
            .any(|(_, event)| *event == Event::Failed(FailReason::ConsentExpired))
    );
    let after =
        world.log.iter().filter(|sent| sent.by == 0 && sent.at > end && !sent.is(Class::Success));
    assert_eq!(after.count(), 0);
}

#[test]
fn an_answer_after_the_end_does_not_bring_consent_back() {
    let mut world = World::completed();
    world.run_for(ms(50_000));
    let held = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let keep = held.clone();
    world.route = Box::new(move |_, sent| {
        if sent.by == 1 && sent.is(Class::Success) {
            keep.borrow_mut().push(sent.payload.clone());
            return None;
        }
        Some((sent.source, sent.destination))
    });
    world.run_for(ms(31_000));
    assert!(!world.agents[0].state().is_connected());
    for answer in held.borrow().clone() {
        world.deliver(0, addr(B), addr(A), &answer);
    }
    world.run_for(ms(5_000));
    assert_eq!(world.agents[0].path(1), None);
    assert_eq!(world.agents[0].state(), State::Failed);
    assert!(world.agents[0].stats().dropped.get(DropReason::UnknownTransaction) >= 5);
}

#[test]
fn a_late_answer_within_the_time_is_as_good() {
    let mut world = World::completed();
    world.delay = ms(2_500);
    world.run_for(ms(120_000));
    assert_eq!(world.history(0).last(), Some(&State::Completed));
    assert!(!world.history(0).contains(&State::Disconnected));
}

#[rstest]
#[case::one_answer(1, false)]
#[case::two_answers(2, true)]
fn one_lost_answer_changes_nothing_and_two_do(#[case] lost: usize, #[case] shows: bool) {
    let mut world = World::completed();
    let mut left = lost;
    world.route = Box::new(move |_, sent| {
        // Silence on the whole path while answers are being lost.
        if sent.by == 1 && left > 0 {
            left -= usize::from(sent.is(Class::Success));
            return None;
        }
        Some((sent.source, sent.destination))
    });
    world.run_for(ms(40_000));
    assert_eq!(world.history(0).contains(&State::Disconnected), shows);
    assert_eq!(world.agents[0].state(), State::Completed, "it recovers");
    assert_eq!(world.agents[0].stats().path_changes, 1);
}

#[test]
fn data_from_the_peer_keeps_a_path_from_being_doubted_for_longer() {
    let mut world = World::completed();
    let from = world.now;
    world.route = Box::new(|_, sent| {
        (sent.by == 0 || !sent.is(Class::Success)).then_some((sent.source, sent.destination))
    });
    while world.now < from + ms(14_000) {
        world.send(1, b"data");
        world.run_for(ms(200));
    }
    assert!(!world.history(0).contains(&State::Disconnected));
    while world.now < from + ms(26_000) {
        world.send(1, b"data");
        world.run_for(ms(200));
    }
    assert_eq!(world.agents[0].state(), State::Disconnected);
}

#[test]
fn a_path_whose_stream_of_data_has_ended_is_looked_at_again_with_the_first_missing_answer() {
    for offset in 0..12 {
        let mut world = World::completed();
        let (mut died, end) = (None, world.now + ms(20_000 + 500 * offset));
        while world.now < end + ms(10_000) {
            if world.now >= end && died.is_none() {
                died = Some(world.now);
                world.route = Box::new(|_, _| None);
            }
            world.send(1, b"data");
            world.run_for(ms(200));
        }
        let noticed = world.reached(0, State::Disconnected).unwrap() - died.unwrap();
        assert!((ms(2_000)..=ms(7_500)).contains(&noticed), "{noticed:?}");
    }
}

#[test]
fn a_pause_of_data_and_one_lost_answer_change_nothing() {
    let mut world = World::completed();
    for _ in 0..60 {
        world.send(1, b"data");
        world.run_for(ms(200));
    }
    let mut left = 1;
    world.route = Box::new(move |_, sent| {
        if sent.by == 1 && left > 0 {
            left -= usize::from(sent.is(Class::Success));
            return None;
        }
        Some((sent.source, sent.destination))
    });
    world.run_for(ms(40_000));
    assert!(!world.history(0).contains(&State::Disconnected));
    assert_eq!(world.agents[0].stats().path_changes, 1);
}

#[test]
fn a_dead_path_is_noticed_after_5_to_13_seconds_and_its_recovery_within_6() {
    for offset in 0..12 {
        let mut world = World::completed();
        world.run_for(ms(500 * offset));
        let died = world.now;
        world.route = Box::new(move |now, sent| {
            (now >= died + ms(20_000)).then_some((sent.source, sent.destination))
        });
        world.run_for(ms(40_000));
        for who in [0, 1] {
            let noticed = world.reached(who, State::Disconnected).unwrap() - died;
            assert!((ms(5_000)..=ms(13_000)).contains(&noticed), "{noticed:?}");
            let back = world.events[who]
                .iter()
                .rfind(|(_, event)| *event == Event::State(State::Completed));
            assert!(back.unwrap().0 <= died + ms(26_200), "{:?}", world.events[who]);
        }
    }
}

#[test]
fn a_403_revokes_consent_at_once() {
    let mut world = World::completed();
    world.route = Box::new(|_, _| None);
    let before = world.log.len();
    world.run_for(ms(6_000));
    let request = world.log[before..].iter().find(|sent| sent.by == 0).unwrap();
    let id = request.message().unwrap().transaction_id();
    let password = world.agents[1].local_parameters().pwd.as_str().to_owned();
    let key = stun::Key::short_term(crypto::Provider::default(), &password).unwrap();
    let mut bytes = Vec::new();
    let mut builder = stun::Builder::new(&mut bytes, stun::wire::Method::BINDING, Class::Error, id);
    builder.put(&stun::wire::ErrorCode::new(stun::wire::Code::FORBIDDEN));
    builder.integrity(&key).fingerprint();
    assert!(Message::parse(&bytes).is_ok());
    world.deliver(0, addr(B), addr(A), &bytes);
    let sent = world.agents[0].send(world.now, 1, b"data", &mut Vec::new());
    assert_eq!(sent, Err(SendError::NoPath));
    world.run_for(ms(40_000));
    assert!(
        world.events[0]
            .iter()
            .any(|(_, event)| *event == Event::Failed(FailReason::ConsentRevoked))
    );
}
