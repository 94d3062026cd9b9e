//! What nobody may do to an agent.

use rstest::rstest;
use stun::{
    Builder, Key,
    wire::{
        AttributeType, Class, Code, ErrorCode, IceControlled, IceControlling, Method, Priority,
        TransactionId, UseCandidate, Username,
    },
};

use super::support::*;
use crate::{DropReason, Role, State};

const STRANGER: &str = "203.0.113.66:6666";

/// A request for agent `who`, with what `put` puts in front of the integrity.
fn request(world: &World, who: usize, put: impl FnOnce(&mut Builder<'_>)) -> Vec<u8> {
    let [ours, theirs] = [who, 1 - who].map(|who| world.agents[who].local_parameters());
    let key = Key::short_term(crypto::Provider::default(), ours.pwd.as_str()).unwrap();
    let name = format!("{}:{}", ours.ufrag, theirs.ufrag);
    let mut bytes = Vec::new();
    let id = TransactionId::new([7; 12]);
    let mut builder = Builder::new(&mut bytes, Method::BINDING, Class::Request, id);
    builder.put(&Username::new(&name).unwrap());
    put(&mut builder);
    builder.integrity(&key).fingerprint();
    builder.finish().unwrap();
    bytes
}

fn error_of(world: &World) -> Option<Code> {
    let last = world.log.last()?;
    last.message()?.get::<ErrorCode<'_>>().map(|error| error.code)
}

fn drops(world: &World, reason: DropReason) -> u64 {
    world.agents[1].stats().dropped.get(reason)
}

#[test]
fn requests_without_or_with_wrong_credentials_are_refused_shortly_and_forgotten() {
    let mut world = World::completed();
    let id = TransactionId::new([7; 12]);
    let pairs = world.agents[1].stats().pairs.len();
    let mut bare = Vec::new();
    Builder::new(&mut bare, Method::BINDING, Class::Request, id).fingerprint();
    world.deliver(1, addr(STRANGER), addr(B), &bare);
    assert_eq!(error_of(&world), Some(Code::BAD_REQUEST));
    // Less than 2.2 times a request with nothing in it.
    assert!(world.log.last().unwrap().payload.len() <= 44);
    let mut wrong = request(&world, 1, |builder| {
        builder.put(&Priority(1));
    });
    wrong[21] ^= 0; // The message is right; its password is not.
    let key = Key::short_term(crypto::Provider::default(), &"x".repeat(22)).unwrap();
    let name = format!("{}:x", world.agents[1].local_parameters().ufrag);
    let mut forged = Vec::new();
    let mut builder = Builder::new(&mut forged, Method::BINDING, Class::Request, id);
    builder.put(&Username::new(&name).unwrap()).put(&Priority(1)).integrity(&key).fingerprint();
    world.deliver(1, addr(STRANGER), addr(B), &forged);
    assert_eq!(error_of(&world), Some(Code::UNAUTHENTICATED));
    let stats = world.agents[1].stats();
    assert_eq!(stats.pairs.len(), pairs);
    assert_eq!(drops(&world, DropReason::Unauthenticated), 1);
    assert_eq!(drops(&world, DropReason::BadCredentials), 1);
    // Nothing but checks is taken from a stranger.
    world.deliver(1, addr(STRANGER), addr(B), b"data");
    assert_eq!(drops(&world, DropReason::Unvalidated), 1);
    assert!(!world.has_data(1, b"data"));
}

#[test]
fn without_a_fingerprint_nothing_is_answered() {
    let mut world = World::completed();
    let mut bare = Vec::new();
    let id = TransactionId::new([7; 12]);
    Builder::new(&mut bare, Method::BINDING, Class::Request, id).finish().unwrap();
    let before = world.log.len();
    world.deliver(1, addr(STRANGER), addr(B), &bare);
    assert_eq!(world.log.len(), before);
    assert_eq!(drops(&world, DropReason::BadFingerprint), 1);
}

#[test]
fn attributes_behind_the_integrity_are_not_heeded() {
    let mut world = World::completed();
    let (role, path) = (world.agents[1].role(), world.agents[1].path(1));
    let good = request(&world, 1, |builder| {
        builder.put(&Priority(1)).put(&IceControlling(1));
    });
    // Strip the fingerprint, append USE-CANDIDATE, and make a new fingerprint.
    let mut bytes = good[..good.len() - 8].to_vec();
    bytes.extend_from_slice(&[0x00, 0x25, 0x00, 0x00]);
    let length = u16::try_from(bytes.len() - 20 + 8).unwrap();
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let crc = crc32(&bytes) ^ 0x5354_554e;
    bytes.extend_from_slice(&[0x80, 0x28, 0x00, 0x04]);
    bytes.extend_from_slice(&crc.to_be_bytes());
    world.deliver(1, addr(STRANGER), addr(B), &bytes);
    assert!(
        world.log.last().unwrap().is(Class::Request)
            || world.log.last().unwrap().is(Class::Success)
    );
    world.run_for(ms(100));
    assert_eq!((world.agents[1].role(), world.agents[1].path(1)), (role, path));
    let stats = world.agents[1].stats();
    let discovered = stats.pairs.iter().find(|pair| pair.remote == addr(STRANGER)).unwrap();
    assert!(!discovered.nominated);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

#[rstest]
#[case::no_priority(false, false)]
#[case::controlled_nominates(true, true)]
fn checks_that_break_the_rules_are_refused(#[case] priority: bool, #[case] nominates: bool) {
    let mut world = World::completed();
    let bytes = request(&world, 1, |builder| {
        if priority {
            builder.put(&Priority(1));
        }
        builder.put(&IceControlled(1));
        if nominates {
            builder.put(&UseCandidate);
        }
    });
    world.deliver(1, addr(STRANGER), addr(B), &bytes);
    assert_eq!(error_of(&world), Some(Code::BAD_REQUEST));
    assert_eq!(drops(&world, DropReason::BadCheck), 1);
}

#[test]
fn an_attribute_that_must_be_understood_and_is_not_gets_a_420() {
    let mut world = World::completed();
    let bytes = request(&world, 1, |builder| {
        builder.put(&Priority(1)).put_raw(AttributeType::new(0x7abc), &[1, 2, 3, 4]);
    });
    world.deliver(1, addr(STRANGER), addr(B), &bytes);
    assert_eq!(error_of(&world), Some(Code::UNKNOWN_ATTRIBUTE));
    assert!(world.log.last().unwrap().message().unwrap().has_integrity());
}

#[test]
fn early_checks_are_bounded() {
    let mut world = World::new();
    world.add(0, A);
    world.add(1, B);
    let bytes = request(&world, 1, |builder| {
        builder.put(&Priority(1)).put(&IceControlling(u64::MAX));
    });
    for port in 1..=1_000 {
        let source = std::net::SocketAddr::new([203, 0, 113, 9].into(), port);
        world.deliver(1, source, addr(B), &bytes);
    }
    assert_eq!(drops(&world, DropReason::TooManyEarlyChecks), 1_000 - 32);
    world.exchange();
    world.run_for(ms(3_000));
    assert!(world.agents[1].stats().pairs.len() <= 40);
    assert_eq!(world.states(), [State::Completed; 2]);
}

#[test]
fn peer_reflexive_candidates_are_bounded() {
    let mut world = World::completed();
    let bytes = request(&world, 1, |builder| {
        builder.put(&Priority(1)).put(&IceControlling(u64::MAX));
    });
    for port in 1..=1_000 {
        let source = std::net::SocketAddr::new([203, 0, 113, 9].into(), port);
        world.deliver(1, source, addr(B), &bytes);
    }
    let stats = world.agents[1].stats();
    assert!(stats.pairs.len() <= 100 && stats.remote_candidates.len() <= 64 + 32);
    assert_eq!(world.agents[1].role(), Role::Controlled);
    world.run_for(ms(60_000));
    assert_eq!(world.states(), [State::Completed; 2]);
}

#[test]
fn every_method_class_length_and_bit_is_survived() {
    let mut world = World::completed();
    let good = request(&world, 1, |builder| {
        builder.put(&Priority(1)).put(&IceControlling(1));
    });
    for kind in 0..=0x3fff_u16 {
        let mut bytes = good.clone();
        bytes[..2].copy_from_slice(&kind.to_be_bytes());
        world.agents[1].receive(world.now, datagram(&bytes));
    }
    for end in 0..good.len() {
        world.agents[1].receive(world.now, datagram(&good[..end]));
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[end] ^= 1 << bit;
            world.agents[1].receive(world.now, datagram(&bytes));
        }
    }
    let mut truncated = good.clone();
    truncated.truncate(19);
    world.agents[1].receive(world.now, datagram(&truncated));
    world.run_for(ms(20_000));
    assert_eq!(world.states(), [State::Completed; 2]);
}

fn datagram(payload: &[u8]) -> base::Datagram<'_> {
    let (source, destination) = (addr(STRANGER), addr(B));
    base::Datagram { source, destination, ecn: base::Ecn::NotEct, payload }
}

#[test]
fn packets_to_addresses_that_are_not_ours_are_counted() {
    let mut world = World::completed();
    let good = request(&world, 1, |builder| {
        builder.put(&Priority(1));
    });
    world.deliver(1, addr(STRANGER), addr("192.0.2.77:7"), &good);
    world.deliver(1, addr(STRANGER), addr("192.0.2.77:7"), b"data");
    assert_eq!(drops(&world, DropReason::UnknownLocalAddress), 2);
}

#[test]
fn answers_to_nothing_or_without_the_password_are_dropped() {
    let mut world = World::simple();
    let check = world.log.iter().find(|sent| sent.by == 1).unwrap();
    let id = check.message().unwrap().transaction_id();
    let key = Key::short_term(crypto::Provider::default(), &"x".repeat(22)).unwrap();
    let mapped = stun::wire::XorMappedAddress(addr(B));
    let mut forged = Vec::new();
    let mut builder = Builder::new(&mut forged, Method::BINDING, Class::Success, id);
    builder.put(&mapped).integrity(&key).fingerprint();
    world.deliver(1, addr(A), addr(B), &forged);
    assert_eq!(drops(&world, DropReason::BadIntegrity), 1);
    let other = TransactionId::new([9; 12]);
    let mut unknown = Vec::new();
    let mut builder = Builder::new(&mut unknown, Method::BINDING, Class::Success, other);
    builder.put(&mapped).integrity(&key).fingerprint();
    world.deliver(1, addr(A), addr(B), &unknown);
    assert_eq!(drops(&world, DropReason::UnknownTransaction), 1);
    world.run_for(ms(1_000));
    assert_eq!(world.states(), [State::Completed; 2]);
}
