//! Messages of every shape, from the peer's own address.

use base::Instant;
use ice::{DropReason, Received, Role, State};
use stun::{
    Builder,
    wire::{AttributeType, Class, IceControlling, Method, Priority, TransactionId, Username},
};

use crate::support::{
    World, agent, check, elsewhere, key, our_address, outgoing, tell, their_address, username,
};

const ID: TransactionId = TransactionId::new([3; 12]);

#[test]
fn a_check_cut_anywhere_is_dropped() {
    let mut world = World::connected();
    let whole = world.peers_check(|_| {});
    for length in 0..whole.len() {
        let received = world.inject(their_address(), &whole[..length]);
        assert!(!matches!(received, Received::Handled), "{length}");
    }
    assert_eq!(world.inject(their_address(), &whole), Received::Handled);
}

#[test]
fn a_check_changed_anywhere_is_dropped() {
    let mut world = World::connected();
    let whole = world.peers_check(|_| {});
    let before = world.ours.stats();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            // An indication proves nothing and does nothing.
            let received = world.inject(elsewhere(1), &changed);
            assert!(!matches!(received, Received::Application { .. }), "{at} {bit}");
            world.answers();
        }
    }
    let after = world.ours.stats();
    assert_eq!((before.pairs, before.remote_candidates), (after.pairs, after.remote_candidates));
}

#[test]
fn every_class_and_method_is_survived() {
    let mut world = World::connected();
    let ours = key(world.ours.local_parameters());
    for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
        for method in 0..0x1000 {
            let mut bytes = Vec::new();
            let mut builder = Builder::new(&mut bytes, Method::new(method), class, ID);
            builder.integrity(&ours).fingerprint();
            world.inject(their_address(), &bytes);
            world.answers();
        }
    }
    assert_eq!(world.ours.state(), State::Completed);
}

#[test]
fn every_attribute_of_every_length_is_survived() {
    let mut world = World::connected();
    let (ours, theirs) = (world.ours.local_parameters(), world.theirs.local_parameters());
    let (name, key) = (username(ours, theirs), key(ours));
    let kinds = (0..0x40).chain(0x8000..0x8040).chain([0xc001, 0xffff]).map(AttributeType::new);
    for kind in kinds {
        for length in 0..24 {
            let with = |builder: &mut Builder<'_>| {
                builder.put_raw(kind, &vec![0; length]);
            };
            for class in [Class::Request, Class::Success, Class::Error] {
                let mut bytes = Vec::new();
                let mut builder = Builder::new(&mut bytes, Method::BINDING, class, ID);
                with(&mut builder);
                builder.integrity(&key).fingerprint();
                world.inject(their_address(), &bytes);
            }
            world.inject(their_address(), &check(&name, Some(&key), with));
            world.answers();
        }
    }
    assert_eq!(world.ours.path(1).unwrap().remote, their_address());
}

#[test]
fn integrity_may_stand_anywhere_and_covers_what_is_before_it() {
    let mut world = World::connected();
    let (ours, theirs) = (world.ours.local_parameters(), world.theirs.local_parameters());
    let (name, key) = (username(ours, theirs), key(ours));
    let before = world.dropped(DropReason::Unauthenticated);
    let mut bytes = Vec::new();
    Builder::new(&mut bytes, Method::BINDING, Class::Request, ID).integrity(&key).fingerprint();
    // Behind it stands all that a check needs; nobody heeds it.
    bytes.truncate(bytes.len() - 8);
    let mut behind = Vec::new();
    let mut builder = Builder::new(&mut behind, Method::BINDING, Class::Request, ID);
    builder.put(&Username::new(&name).unwrap()).put(&Priority(1)).put(&IceControlling(1));
    builder.finish().unwrap();
    bytes.extend_from_slice(&behind[20..]);
    let length = u16::try_from(bytes.len() - 20).unwrap();
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    world.inject(their_address(), &bytes);
    let refused = world.dropped(DropReason::Unauthenticated) - before
        + world.dropped(DropReason::BadFingerprint);
    assert_eq!(refused, 1);
}

#[test]
fn what_comes_before_there_are_parameters_or_addresses_is_survived() {
    let mut ours = agent(Role::Controlled, our_address());
    let theirs = agent(Role::Controlling, their_address());
    let name = username(ours.local_parameters(), theirs.local_parameters());
    let good = check(&name, Some(&key(ours.local_parameters())), |_| {});
    let unknown = "192.0.2.77:7".parse().unwrap();
    let received = tell(&mut ours, Instant::ZERO, (their_address(), unknown), &good);
    assert_eq!(received, Received::Dropped(DropReason::UnknownLocalAddress));
    let received = tell(&mut ours, Instant::ZERO, (their_address(), our_address()), &good);
    assert_eq!(received, Received::Handled);
    assert_eq!(outgoing(&mut ours, Instant::ZERO).len(), 1);
}

#[test]
fn a_check_to_an_address_that_was_taken_away_is_dropped() {
    let mut world = World::connected();
    let check = world.peers_check(|_| {});
    world.ours.remove_local(world.now, our_address());
    let received = world.inject(their_address(), &check);
    assert_eq!(received, Received::Dropped(DropReason::UnknownLocalAddress));
    assert!(world.answers().is_empty());
}
