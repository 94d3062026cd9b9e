//! Floods, and what is left of them in memory: nothing.

use std::time::Duration;

use base::{Instant, Machine};
use ice::{DropReason, MAX_EARLY_CHECKS, Received, Role, State};
use rstest::rstest;
use stun::wire::{Class, TransactionId, UseCandidate};

use crate::support::{
    World, agent, check, elsewhere, key, message, our_address, outgoing, tell, their_address,
    username,
};

const FLOOD: u32 = 100_000;

/// The kinds of request that prove nothing.
fn unauthenticated(world: &World, kind: &str) -> Vec<u8> {
    let (ours, theirs) = (world.ours.local_parameters(), world.theirs.local_parameters());
    let name = username(ours, theirs);
    let nominate = |builder: &mut stun::Builder<'_>| {
        builder.put(&UseCandidate);
    };
    match kind {
        "bare" => message(Class::Request, TransactionId::new([1; 12]), |_| {}),
        "fingerprint" => message(Class::Request, TransactionId::new([1; 12]), |builder| {
            builder.fingerprint();
        }),
        "unsigned" => check(&name, None, nominate),
        "wrong key" => check(&name, Some(&key(theirs)), nominate),
        "wrong name" => check("abcd:efgh", Some(&key(theirs)), nominate),
        other => panic!("no kind {other}"),
    }
}

#[rstest]
#[case::bare("bare")]
#[case::fingerprint("fingerprint")]
#[case::unsigned("unsigned")]
#[case::wrong_key("wrong key")]
#[case::wrong_name("wrong name")]
fn a_hundred_thousand_requests_without_proof_leave_nothing(#[case] kind: &str) {
    let mut world = World::connected();
    let request = unauthenticated(&world, kind);
    let before = world.ours.stats();
    let now = world.now;
    let mut buffer = Vec::with_capacity(2_048);
    let (mut answers, mut bytes, mut longest) = (0_usize, 0_usize, 0_usize);
    let mut flood = |world: &mut World, count| {
        for n in 0..count {
            world.inject(elsewhere(n), &request);
            buffer.clear();
            while let Some(sent) = world.ours.poll_transmit(now, &mut buffer) {
                assert_eq!(sent.destination, elsewhere(n));
                answers += 1;
                bytes += sent.size;
                longest = longest.max(sent.size);
            }
        }
    };
    // The first few fill the buffers that are used again and again.
    flood(&mut world, 100);
    let info = allocation_counter::measure(|| flood(&mut world, FLOOD));
    assert_eq!(info.bytes_current, 0, "nothing is kept");
    assert!(info.bytes_max < 4_096, "{}", info.bytes_max);
    // 2.2 times a bare request, which is what a plain STUN server may answer with.
    assert!(longest * 10 <= request.len().max(20) * 22, "{longest} for {}", request.len());
    println!(
        "{kind}: {} bytes asked, {longest} answered; {answers} answers, {bytes} bytes; \
         at most {} bytes in use",
        request.len(),
        info.bytes_max
    );
    let after = world.ours.stats();
    assert_eq!(before.pairs, after.pairs);
    assert_eq!(before.remote_candidates, after.remote_candidates);
    assert_eq!((after.state, after.role), (State::Completed, Role::Controlled));
    assert_eq!(after.dropped.total() - before.dropped.total(), u64::from(FLOOD) + 100);
}

#[test]
fn answers_nobody_takes_are_bounded() {
    let mut world = World::connected();
    let request = unauthenticated(&world, "fingerprint");
    let info = allocation_counter::measure(|| {
        for n in 0..FLOOD {
            world.inject(elsewhere(n), &request);
        }
    });
    assert!(info.bytes_max < 256 * 1_024, "{}", info.bytes_max);
    assert!(world.dropped(DropReason::QueueFull) > 99_000);
    assert!(world.answers().len() <= 400);
}

#[test]
fn a_flood_does_not_keep_the_peers_checks_from_being_answered() {
    let mut world = World::connected();
    let request = unauthenticated(&world, "wrong key");
    for second in 0..60 {
        for n in 0..200 {
            world.inject(elsewhere(second * 200 + n), &request);
            world.carry();
        }
        world.run(Duration::from_secs(1));
    }
    assert_eq!((world.ours.state(), world.theirs.state()), (State::Completed, State::Completed));
    let mut sent = Vec::new();
    assert!(world.ours.send(world.now, 1, b"data", &mut sent).is_ok());
}

#[test]
fn early_checks_without_the_password_are_not_kept() {
    let mut ours = agent(Role::Controlled, our_address());
    let theirs = agent(Role::Controlling, their_address());
    let name = username(ours.local_parameters(), theirs.local_parameters());
    let forged = check(&name, Some(&key(theirs.local_parameters())), |_| {});
    let mut flood = |count| {
        for n in 0..count {
            let path = (elsewhere(n), our_address());
            let received = tell(&mut ours, Instant::ZERO, path, &forged);
            assert_eq!(received, Received::Dropped(DropReason::BadCredentials));
            outgoing(&mut ours, Instant::ZERO);
        }
    };
    flood(100);
    let info = allocation_counter::measure(|| flood(10_000));
    assert_eq!(info.bytes_current, 0);
    assert_eq!(ours.stats().dropped.get(DropReason::TooManyEarlyChecks), 0);
    assert!(ours.stats().remote_candidates.is_empty());
}

#[test]
fn early_checks_with_the_password_are_kept_up_to_the_limit() {
    let mut ours = agent(Role::Controlled, our_address());
    let theirs = agent(Role::Controlling, their_address());
    let name = username(ours.local_parameters(), theirs.local_parameters());
    let early = check(&name, Some(&key(ours.local_parameters())), |_| {});
    outgoing(&mut ours, Instant::ZERO);
    let count = 10_000_u64;
    let info = allocation_counter::measure(|| {
        for n in 0..10_000 {
            tell(&mut ours, Instant::ZERO, (elsewhere(n), our_address()), &early);
            outgoing(&mut ours, Instant::ZERO);
        }
    });
    let kept = u64::try_from(MAX_EARLY_CHECKS).unwrap();
    assert_eq!(ours.stats().dropped.get(DropReason::TooManyEarlyChecks), count - kept);
    // 64 bytes for each, and the buffers for answers.
    assert!(info.bytes_current < 64 * 64 + 16 * 1_024, "{}", info.bytes_current);
    let parameters = theirs.local_parameters().clone();
    ours.set_remote_parameters(Instant::ZERO, parameters).unwrap();
    assert!(ours.stats().remote_candidates.len() <= MAX_EARLY_CHECKS);
}

#[test]
fn data_nobody_may_send_leaves_nothing() {
    let mut world = World::connected();
    let data = [0x80; 1_200];
    let info = allocation_counter::measure(|| {
        for n in 0..FLOOD {
            let received = world.inject(elsewhere(n), &data);
            assert_eq!(received, Received::Dropped(DropReason::Unvalidated));
        }
    });
    assert_eq!((info.bytes_current, info.count_total), (0, 0));
}
