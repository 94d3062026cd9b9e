//! Messages left out, doubled, exchanged, under the wrong keys, or changed by a byte: nobody connects.

use super::bench::usual_pair;
use crate::{Misdeed, flight::Message, handshake::tls13::keys::HANDSHAKE, wire::HandshakeType};

/// What a thief of the network makes of a flight.
#[derive(Clone, Copy, Debug)]
enum Theft {
    Omit(usize),
    Repeat(usize),
    Swap(usize),
}

fn tampered(flight: &[Message], theft: Theft) -> Vec<Message> {
    let mut flight = flight.to_vec();
    match theft {
        Theft::Omit(at) => drop(flight.remove(at)),
        Theft::Repeat(at) => flight.insert(at, flight[at].clone()),
        Theft::Swap(at) => flight.swap(at, at + 1),
    }
    flight
}

/// Every flight of the handshake with every message left out, said twice, or exchanged with the next:
/// nobody connects.
#[test]
fn only_the_one_order_of_messages_connects() {
    let thefts = |count: usize| {
        let all = (0..count).map(Theft::Omit).chain((0..count).map(Theft::Repeat));
        all.chain((0..count - 1).map(Theft::Swap))
    };
    for theft in thefts(6) {
        let (mut client, mut server) = usual_pair();
        server.told_all(&client.says()).unwrap();
        let told = client.told_all(&tampered(&server.says(), theft));
        let connected = told.is_ok() && client.is_connected();
        // Without the last message, nothing is wrong yet.
        let waits = matches!(theft, Theft::Omit(5));
        assert!(!connected && (told.is_err() || waits), "server's flight with {theft:?}");
    }
    for theft in thefts(3) {
        let (mut client, mut server) = usual_pair();
        server.told_all(&client.says()).unwrap();
        client.told_all(&server.says()).unwrap();
        let told = server.told_all(&tampered(&client.says(), theft));
        // A second Finished comes after the handshake, and is refused there.
        let waits = matches!(theft, Theft::Omit(2));
        assert!(told.is_err() || waits && !server.is_connected(), "client's flight with {theft:?}");
    }
}

/// A message of each kind, in every state of either end: what is not due is refused.
#[test]
fn a_message_that_is_not_due_is_refused_in_every_state() {
    // Those of the registry, and some of which nobody knows anything.
    for kind in (0..=26).chain([100, 254, 255]).map(HandshakeType::new) {
        for heard in 0..6 {
            let (mut client, mut server) = usual_pair();
            server.told_all(&client.says()).unwrap();
            let flight = server.says();
            client.told_all(&flight[..heard]).unwrap();
            let due = flight[heard].kind;
            let may_skip = heard == 2 && kind == HandshakeType::CERTIFICATE;
            if kind == due || may_skip {
                continue;
            }
            let epoch = flight[heard].epoch;
            let stray = Message { kind, message_seq: 0, epoch, body: Vec::new() };
            // A HelloRetryRequest is a ServerHello; an empty HelloVerifyRequest is malformed where
            // version 1.2 is spoken and out of place here.
            assert!(client.told(&stray).is_err(), "client after {heard}: {kind}");
        }
        for heard in 0..3 {
            let (mut client, mut server) = usual_pair();
            server.told_all(&client.says()).unwrap();
            client.told_all(&server.says()).unwrap();
            let flight = client.says();
            server.told_all(&flight[..heard]).unwrap();
            if kind == flight[heard].kind {
                continue;
            }
            let stray = Message { kind, message_seq: 0, epoch: HANDSHAKE, body: Vec::new() };
            let told = server.told(&stray);
            assert_eq!(told, Err(Misdeed::UnexpectedMessage), "server after {heard}: {kind}");
        }
    }
}

#[test]
fn a_message_under_the_wrong_keys_is_refused() {
    for wrong in [0, 1, 3] {
        let (mut client, mut server) = usual_pair();
        server.told_all(&client.says()).unwrap();
        let mut flight = server.says();
        flight[1].epoch = wrong;
        assert_eq!(client.told_all(&flight), Err(Misdeed::WrongEpoch), "epoch {wrong}");
    }
}

/// Every byte of every message up to the proofs, changed: the handshake ends, whichever byte it is.
#[test]
fn a_changed_byte_anywhere_ends_the_handshake() {
    let (mut client, mut server) = usual_pair();
    let hello = client.says();
    server.told_all(&hello).unwrap();
    let flight = server.says();
    let sizes: Vec<usize> = flight.iter().map(|message| message.body.len()).collect();
    for (index, size) in sizes.into_iter().enumerate() {
        // Each seventh byte of long messages, all of short ones.
        let step = if size > 100 { 7 } else { 1 };
        for at in (0..size).step_by(step) {
            let (mut client, mut server) = usual_pair();
            server.told_all(&client.says()).unwrap();
            let mut flight = server.says();
            // Signatures differ in length from one handshake to the next.
            let Some(byte) = flight[index].body.get_mut(at) else { continue };
            *byte ^= 0x10;
            let told = client.told_all(&flight);
            assert!(told.is_err(), "byte {at} of {}", flight[index].kind);
        }
    }
    for at in (0..hello[0].body.len()).step_by(5) {
        let (mut client, mut server) = usual_pair();
        let mut hello = client.says();
        hello[0].body[at] ^= 0x10;
        let connected = server.told_all(&hello).is_ok()
            && client.told_all(&server.says()).is_ok()
            && client.is_connected();
        assert!(!connected, "byte {at} of ClientHello");
    }
}
