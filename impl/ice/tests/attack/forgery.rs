//! Forgeries of those who see nothing and guess addresses, or even transaction ids.

use std::time::Duration;

use ice::{DropReason, PairState, Received, State};
use rstest::rstest;
use stun::{
    Message,
    wire::{Class, Code, ErrorCode, TransactionId, UseCandidate, XorMappedAddress},
};

use crate::support::{World, check, elsewhere, key, message, our_address, their_address, username};

/// A response to nothing we asked.
fn forged_success(id: TransactionId) -> Vec<u8> {
    message(Class::Success, id, |builder| {
        builder.put(&XorMappedAddress(elsewhere(1))).fingerprint();
    })
}

#[test]
fn responses_with_guessed_transaction_ids_change_nothing() {
    let mut world = World::new();
    for n in 0..10_000_u32 {
        let mut id = [0; 12];
        id[..4].copy_from_slice(&n.to_be_bytes());
        world.inject(their_address(), &forged_success(TransactionId::new(id)));
    }
    assert_eq!(world.dropped(DropReason::UnknownTransaction), 10_000);
    assert!(world.ours.path(1).is_none());
    world.run(Duration::from_secs(7));
    assert_eq!(world.ours.state(), State::Completed);
}

#[rstest]
#[case::success_without_integrity(Class::Success, false)]
#[case::success_with_a_wrong_key(Class::Success, true)]
#[case::error_without_integrity(Class::Error, false)]
#[case::error_with_a_wrong_key(Class::Error, true)]
fn even_with_the_transaction_id_a_response_needs_the_password(
    #[case] class: Class,
    #[case] is_signed: bool,
) {
    let mut world = World::new();
    // The first check is seen by the attacker, who is faster than the peer.
    let sent = world.answers().remove(0);
    let id = Message::parse(&sent.bytes).unwrap().transaction_id();
    let wrong = key(world.ours.local_parameters());
    let forged = message(class, id, |builder| {
        match class {
            Class::Error => builder.put(&ErrorCode::new(Code::ROLE_CONFLICT)),
            _ => builder.put(&XorMappedAddress(elsewhere(1))),
        };
        if is_signed {
            builder.integrity(&wrong);
        }
        builder.fingerprint();
    });
    for _ in 0..1_000 {
        world.inject(their_address(), &forged);
    }
    assert_eq!(world.dropped(DropReason::BadIntegrity), 1_000);
    assert_eq!(world.ours.role(), ice::Role::Controlled);
    let pairs = world.ours.stats().pairs;
    assert_eq!(pairs[0].state, PairState::InProgress);
    world.run(Duration::from_secs(7));
    assert_eq!(world.ours.state(), State::Completed);
}

#[rstest]
#[case::unsigned(false, true)]
#[case::wrong_key(true, true)]
#[case::wrong_name(true, false)]
fn requests_without_the_password_are_refused_and_forgotten(
    #[case] is_signed: bool,
    #[case] is_named: bool,
) {
    let mut world = World::connected();
    let before = world.ours.stats();
    let (ours, theirs) = (world.ours.local_parameters(), world.theirs.local_parameters());
    let name = if is_named { username(ours, theirs) } else { "abcd:efgh".to_owned() };
    let wrong = key(theirs);
    let forged = check(&name, is_signed.then_some(&wrong), |builder| {
        builder.put(&UseCandidate);
    });
    for n in 0..1_000 {
        let received = world.inject(elsewhere(n), &forged);
        assert!(matches!(received, Received::Dropped(_)), "{received:?}");
        let answers = world.answers();
        let [answer] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!(answer.destination, elsewhere(n));
        let refusal = Message::parse(&answer.bytes).unwrap();
        let code = refusal.get::<ErrorCode<'_>>().unwrap().code;
        let expected = if is_signed { Code::UNAUTHENTICATED } else { Code::BAD_REQUEST };
        assert_eq!((refusal.class(), code), (Class::Error, expected));
        assert!(!refusal.has_integrity(), "nothing is proved to who proves nothing");
    }
    let after = world.ours.stats();
    assert_eq!((before.pairs, before.remote_candidates), (after.pairs, after.remote_candidates));
    assert_eq!(world.ours.path(1).unwrap().remote, their_address());
}

#[test]
fn what_is_put_behind_the_integrity_is_not_heeded() {
    // One on the path appends a nomination to a check of the controlling peer.
    let mut world = World::new();
    let plain = world.peers_check(|_| {});
    let mut longer = plain[..plain.len() - 8].to_vec();
    longer.extend([0, 0x25, 0, 0]);
    let length = u16::try_from(longer.len() + 8 - 20).unwrap();
    longer[2..4].copy_from_slice(&length.to_be_bytes());
    let fingerprint = fingerprint(&longer);
    longer.extend([0x80, 0x28, 0, 4]);
    longer.extend(fingerprint.to_be_bytes());
    let nominates = |world: &World| world.ours.stats().pairs.iter().any(|pair| pair.nominated);
    world.carry();
    assert!(!nominates(&world), "the peer waits for something better");
    let received = world.inject(their_address(), &longer);
    assert_eq!((received, nominates(&world)), (Received::Handled, false));
    // The same before the integrity is the peer's own word.
    let nominated = world.peers_check(|builder| {
        builder.put(&UseCandidate);
    });
    world.inject(their_address(), &nominated);
    assert!(nominates(&world));
}

/// CRC-32 of ISO 3309, with the twist of RFC 8489 §14.7.
fn fingerprint(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc ^ 0x5354_554e
}

#[test]
fn data_from_elsewhere_is_not_the_peers() {
    let mut world = World::connected();
    for n in 0..1_000 {
        let received = world.inject(elsewhere(n), b"\x80data that claims to be media");
        assert_eq!(received, Received::Dropped(DropReason::Unvalidated));
    }
    assert_eq!(world.answers().len(), 0);
    let received = world.inject(their_address(), b"\x80data");
    assert_eq!(received, Received::Application { component: 1 });
    assert_eq!(world.ours.stats().pairs[0].counters.packets_received, 1);
    assert_eq!(world.ours.path(1).unwrap().local, our_address());
}

#[test]
fn data_before_any_check_is_dropped_and_not_held() {
    let mut world = World::new();
    for _ in 0..1_000 {
        let received = world.inject(their_address(), b"\x80data");
        assert_eq!(received, Received::Dropped(DropReason::Unvalidated));
    }
}
