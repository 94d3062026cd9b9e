//! Replays of what was true once, and mirrors.

use std::{net::SocketAddr, time::Duration};

use base::Machine;
use ice::{DropReason, Event, MAX_PEER_REFLEXIVE, Received, State};
use stun::{Message, wire::Class};

use crate::support::{Sent, World, elsewhere, our_address, outgoing, their_address};

fn is_of(class: Class) -> impl Fn(&&Sent) -> bool {
    move |sent| Message::parse(&sent.bytes).is_ok_and(|message| message.class() == class)
}

/// What the peer sent us of this class, first to last.
fn heard(world: &World, class: Class) -> Vec<Vec<u8>> {
    let of_peer = world.log.iter().filter(|sent| sent.source == their_address());
    of_peer.filter(is_of(class)).map(|sent| sent.bytes.clone()).collect()
}

#[test]
fn responses_that_were_taken_once_are_not_taken_again() {
    let mut world = World::new();
    world.run(Duration::from_secs(20));
    let old = heard(&world, Class::Success);
    assert!(old.len() > 2);
    let before = world.ours.stats();
    for _ in 0..100 {
        for bytes in &old {
            let received = world.inject(their_address(), bytes);
            assert_eq!(received, Received::Dropped(DropReason::UnknownTransaction));
        }
    }
    assert_eq!(world.ours.stats().pairs, before.pairs);
}

#[test]
fn old_answers_do_not_keep_consent() {
    let mut world = World::connected();
    world.run(Duration::from_secs(10));
    let old = heard(&world, Class::Success);
    world.is_cut = true;
    for _ in 0..31 {
        world.run(Duration::from_secs(1));
        for bytes in &old {
            world.inject(their_address(), bytes);
        }
        // Nor does anything else that one on the path may send again.
        world.inject(their_address(), b"\x80data");
    }
    let refused = world.ours.send(world.now, 1, b"data", &mut Vec::new());
    assert!(refused.is_err(), "RFC 7675 §5.1: nothing is sent 30 s after the last answer");
    world.run(Duration::from_secs(40));
    assert_eq!(world.ours.state(), State::Failed);
}

#[test]
fn a_check_of_the_generation_before_the_last_is_refused() {
    let mut world = World::new();
    world.run(Duration::from_secs(7));
    let old = heard(&world, Class::Request);
    for _ in 0..2 {
        let now = world.now;
        world.ours.restart(now);
        world.theirs.set_remote_parameters(now, world.ours.local_parameters().clone()).unwrap();
        world.ours.set_remote_parameters(now, world.theirs.local_parameters().clone()).unwrap();
        exchange(&mut world);
        world.run(Duration::from_secs(60));
        assert_eq!(world.ours.state(), State::Completed);
    }
    for bytes in old {
        let received = world.inject(their_address(), &bytes);
        assert_eq!(received, Received::Dropped(DropReason::BadCredentials));
    }
}

/// Both tell each other the candidates of the new generation.
fn exchange(world: &mut World) {
    let now = world.now;
    let tell = |from: &mut ice::Agent, to: &mut ice::Agent| {
        while let Some(event) = from.poll_event() {
            if let Event::LocalCandidate(candidate) = event {
                let _ = to.add_remote_candidate(now, candidate);
            }
        }
    };
    tell(&mut world.ours, &mut world.theirs);
    tell(&mut world.theirs, &mut world.ours);
}

/// One who saw a check sends it again from many addresses, which all look like the peer behind a
/// new NAT: RFC 8445 §7.3.1.3 wants them believed. It costs a bounded number of checks to each, and
/// nothing else happens.
#[test]
fn a_check_sent_again_from_everywhere_is_bounded_and_moves_nothing() {
    let mut world = World::connected();
    world.run(Duration::from_secs(10));
    let check = heard(&world, Class::Request).remove(0);
    world.log.clear();
    let sent = 10_000_u32;
    for n in 0..sent {
        world.inject(elsewhere(n), &check);
        world.carry();
    }
    world.run(Duration::from_secs(120));

    let stats = world.ours.stats();
    assert!(stats.remote_candidates.len() <= 1 + MAX_PEER_REFLEXIVE);
    assert!(stats.pairs.len() <= 100);
    assert_eq!(world.ours.path(1).unwrap().remote, their_address());
    assert_eq!(world.ours.state(), State::Completed);

    let ours = world.log.iter().filter(|one| one.source == our_address());
    let astray: Vec<_> = ours.filter(|one| one.destination != their_address()).collect();
    let checks: Vec<_> = astray.iter().copied().filter(is_of(Class::Request)).collect();
    assert!(checks.len() <= 7 * MAX_PEER_REFLEXIVE, "{}", checks.len());
    let last = checks.iter().map(|one| one.at).max().unwrap();
    assert!(last.elapsed() < Duration::from_secs(17 + 60), "{last}");
    let bytes: usize = astray.iter().map(|one| one.bytes.len()).sum();
    let ratio = ratio(bytes, check.len(), sent);
    println!(
        "replayed from {sent} addresses: {} checks back, {ratio:.2} bytes out per byte in",
        checks.len()
    );
    assert!(ratio < 1.0);
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn ratio(out: usize, each: usize, sent: u32) -> f64 {
    out as f64 / (each as f64 * f64::from(sent))
}

#[test]
fn our_own_checks_from_a_mirror_lead_to_no_end_of_them_and_to_no_path() {
    let mut world = World::new();
    world.is_cut = true;
    let mut reflected = 0_u32;
    // Everything that we send comes back as if from the peer.
    for _ in 0..60 {
        world.run(Duration::from_secs(1));
        let mirror = std::mem::take(&mut world.log);
        for sent in mirror.iter().filter(|sent| sent.source == our_address()) {
            let mut bytes = sent.bytes.clone();
            for _ in 0..10 {
                reflected += 1;
                world.inject(their_address(), &bytes);
                let Some(next) = world.answers().into_iter().next() else { break };
                bytes = next.bytes;
            }
        }
    }
    assert!(world.ours.path(1).is_none());
    assert!(!world.ours.stats().pairs.iter().any(|pair| pair.nominated));
    println!("mirror: {reflected} packets in a minute");
    assert!(reflected < 100, "{reflected}");
}

#[test]
fn a_peer_that_claims_our_own_address_makes_us_talk_to_ourselves_for_a_moment() {
    let mut world = World::connected();
    let text =
        format!("1 1 udp 2130706431 {} {} typ host", our_address().ip(), our_address().port());
    let _ = world.ours.add_remote_candidate(world.now, text.parse().unwrap());
    let mut sent = 0;
    for _ in 0..60 {
        world.run(Duration::from_secs(1));
        sent += world
            .log
            .iter()
            .filter(|one| one.destination == our_address() && one.source == our_address())
            .count();
        world.log.clear();
    }
    assert!(sent <= 14, "{sent}");
    assert_eq!(world.ours.path(1).unwrap().remote, their_address());
}

#[test]
fn after_the_end_nothing_brings_it_back() {
    let mut world = World::connected();
    world.run(Duration::from_secs(10));
    let old: Vec<_> = world.log.iter().map(|sent| sent.bytes.clone()).collect();
    world.ours.close(world.now);
    for bytes in old {
        let received = world.inject(their_address(), &bytes);
        assert_eq!(received, Received::Dropped(DropReason::Closed));
    }
    assert!(outgoing(&mut world.ours, world.now).is_empty());
    let somewhere: SocketAddr = elsewhere(1);
    assert_eq!(world.inject(somewhere, b"\0"), Received::Dropped(DropReason::Closed));
}
