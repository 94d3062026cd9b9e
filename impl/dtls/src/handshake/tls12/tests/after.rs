//! What comes after the handshake: nothing but wishes for another one, which are declined.

use super::bench::{Bench, Said, Told, connected_pair, usual_pair};
use crate::{
    Misdeed,
    flight::Message,
    wire::{Alert, AlertDescription, HandshakeType},
};

fn message(kind: HandshakeType, body: Vec<u8>) -> Said {
    Said::Message(Message { kind, message_seq: 9, epoch: 1, body })
}

fn hello() -> Vec<u8> {
    let [mut client, _] = usual_pair();
    client.says()[0].body().clone()
}

fn assert_declines(end: &mut Bench, wish: &Said) {
    for _ in 0..10 {
        assert_eq!(end.told(wish), Told::Taken);
    }
    let declined = Alert::warning(AlertDescription::NO_RENEGOTIATION);
    assert_eq!(end.alerts.as_slice(), [declined; 4], "in words four times, then not at all");
    assert!(end.is_connected() && end.says().is_empty());
}

#[test]
fn a_client_declines_to_begin_anew() {
    let [mut client, mut server] = connected_pair();
    assert_declines(&mut client, &message(HandshakeType::HELLO_REQUEST, Vec::new()));
    let refused = server.told(&message(HandshakeType::HELLO_REQUEST, Vec::new()));
    assert_eq!(refused, Told::Refused(Misdeed::UnexpectedMessage), "servers are not asked");
}

#[test]
fn a_server_declines_a_second_hello() {
    let [mut client, mut server] = connected_pair();
    assert_declines(&mut server, &message(HandshakeType::CLIENT_HELLO, hello()));
    let refused = client.told(&message(HandshakeType::CLIENT_HELLO, hello()));
    assert_eq!(refused, Told::Refused(Misdeed::UnexpectedMessage));
}

#[test]
fn every_other_message_ends_it() {
    for kind in 0..=u8::MAX {
        let kind = HandshakeType::new(kind);
        let [client, server] = connected_pair();
        for (mut end, wish) in
            [(client, HandshakeType::HELLO_REQUEST), (server, HandshakeType::CLIENT_HELLO)]
        {
            let told = end.told(&message(kind, Vec::new()));
            let is_refused = told == Told::Refused(Misdeed::UnexpectedMessage);
            assert_eq!(is_refused, kind != wish, "{kind}: {told:?}");
        }
    }
}

#[test]
fn a_hello_request_during_the_handshake_is_no_part_of_it() {
    let [mut client, mut server] = usual_pair();
    assert_eq!(server.told_all(&client.says()), Told::Taken);
    let mut flight = server.says();
    let Said::Message(request) = message(HandshakeType::HELLO_REQUEST, Vec::new()) else {
        unreachable!()
    };
    flight.insert(2, Said::Message(Message { epoch: 0, ..request }));
    assert_eq!(client.told_all(&flight), Told::Taken);
    assert_eq!(server.told_all(&client.says()), Told::Taken);
    assert_eq!(client.told_all(&server.says()), Told::Taken);
    assert!(client.is_connected() && server.is_connected());
    assert!(client.alerts.is_empty());
}
