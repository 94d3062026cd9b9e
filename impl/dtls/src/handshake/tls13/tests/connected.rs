//! What comes after the handshake: new keys, connection ids, tickets.

use std::time::Duration;

use base::{Instant, Writer};
use rstest::rstest;

use super::bench::{Bench, connected_pair};
use crate::{
    Misdeed, UpdateKeysError,
    flight::{Message, Outbox},
    handshake::tls13::{
        connection_ids::{MAX_GIVEN, MAX_REQUESTS, MAX_SPARE},
        key_update::{MAX_IDLE_UPDATES, OLD_EPOCH_LIFE},
    },
    wire::{
        self, ConnectionIdUsage, HandshakeType, KeyUpdate, NewConnectionId, NewSessionTicket,
        RequestConnectionId,
    },
};

/// A message after the handshake, as it comes in `epoch`.
fn message<'m, M: wire::Message<'m>>(epoch: u64, message: &M) -> Message {
    let mut body = Vec::new();
    message.write(&mut Writer::new(&mut body));
    Message { kind: M::KIND, message_seq: 9, epoch, body }
}

fn update(epoch: u64, update_requested: bool) -> Message {
    message(epoch, &KeyUpdate { update_requested })
}

fn kinds(messages: &[Message]) -> Vec<HandshakeType> {
    messages.iter().map(|message| message.kind).collect()
}

fn usual() -> (Bench, Bench) {
    connected_pair(|_| ())
}

#[test]
fn new_keys_are_used_once_the_update_is_acknowledged_and_not_before() {
    let (mut client, mut server) = usual();
    client.with_connected(|connected, cx| connected.update_keys(cx, false)).unwrap();
    let said = client.says();
    assert_eq!(kinds(&said), [HandshakeType::KEY_UPDATE]);
    assert_eq!(said[0].epoch, 3, "under the old keys");
    assert_eq!(client.records.write_epoch(), 3);
    server.told_all(&said).unwrap();
    assert!(server.records.reads(4) && server.records.reads(3));
    assert!(server.says().is_empty(), "nobody asked for the server's keys");
    client.acknowledged();
    assert_eq!(client.records.write_epoch(), 4);
}

#[test]
fn two_updates_are_never_under_way() {
    let (mut client, _) = usual();
    let mut update = || client.with_connected(|connected, cx| connected.update_keys(cx, true));
    assert_eq!(update(), Ok(()));
    assert_eq!(update(), Err(UpdateKeysError::UnderWay));
    client.acknowledged();
    let mut update = || client.with_connected(|connected, cx| connected.update_keys(cx, true));
    assert_eq!(update(), Ok(()));
}

#[test]
fn several_requests_are_answered_by_one_update() {
    let (mut client, _) = usual();
    client.told_all(&[update(3, true), update(4, true), update(5, true)]).unwrap();
    let said = client.says();
    assert_eq!(kinds(&said), [HandshakeType::KEY_UPDATE]);
    assert_eq!(said[0].body, [0], "the answer asks for nothing");
    client.acknowledged();
    assert!(client.says().is_empty());
    assert_eq!(client.records.write_epoch(), 4);
}

#[test]
fn updates_that_cross_and_ask_lead_both_ends_two_epochs_on() {
    let (mut client, mut server) = usual();
    for end in [&mut client, &mut server] {
        end.with_connected(|connected, cx| connected.update_keys(cx, true)).unwrap();
    }
    let (of_client, of_server) = (client.says(), server.says());
    client.told_all(&of_server).unwrap();
    server.told_all(&of_client).unwrap();
    for end in [&mut client, &mut server] {
        assert!(end.says().is_empty(), "one at a time");
        end.acknowledged();
        assert_eq!(end.says(), [Message { message_seq: end_seq(end), ..update(4, false) }]);
        end.acknowledged();
        assert!(end.says().is_empty());
        assert_eq!(end.records.write_epoch(), 5);
    }
}

fn end_seq(end: &Bench) -> u16 {
    end.outbox.next_message_seq().unwrap() - 1
}

#[test]
fn nothing_follows_an_update_in_the_old_epoch() {
    let (mut client, _) = usual();
    client.told(&update(3, false)).unwrap();
    assert_eq!(client.told(&update(3, false)), Err(Misdeed::DataAcrossKeyChange));
}

#[test]
fn an_update_before_the_handshake_is_over_is_refused() {
    let (mut client, mut server) = super::bench::usual_pair();
    server.told_all(&client.says()).unwrap();
    assert_eq!(server.told(&update(2, false)), Err(Misdeed::UnexpectedMessage));
    client.told_all(&server.says()).unwrap();
}

#[rstest]
#[case::unknown_request(&[2], Misdeed::BadKeyUpdate)]
#[case::trailing_bytes(&[0, 0], Misdeed::Malformed(base::Malformed { what: "trailing bytes", at: 1 }))]
fn a_malformed_update_is_refused(#[case] body: &[u8], #[case] misdeed: Misdeed) {
    let (mut client, _) = usual();
    let mut wrong = update(3, false);
    wrong.body = body.to_vec();
    assert_eq!(client.told(&wrong), Err(misdeed));
}

#[test]
fn updates_without_data_between_them_come_to_an_end() {
    let (mut client, _) = usual();
    let epochs = || (3..).take(usize::try_from(MAX_IDLE_UPDATES).unwrap());
    for epoch in epochs() {
        client.told(&update(epoch, false)).unwrap();
    }
    let next = 3 + u64::from(MAX_IDLE_UPDATES);
    client.with_connected(|connected, cx| connected.opened(cx.now, next, true));
    client.told(&update(next, false)).unwrap();
    for epoch in epochs().skip(1) {
        let epoch = epoch + u64::from(MAX_IDLE_UPDATES);
        client.told(&update(epoch, false)).unwrap();
    }
    let last = 3 + 2 * u64::from(MAX_IDLE_UPDATES);
    assert_eq!(client.told(&update(last, false)), Err(Misdeed::TooManyKeyUpdates));
}

#[test]
fn updates_that_were_asked_for_come_to_no_end() {
    let (mut client, _) = usual();
    for epoch in (3..).take(2 * usize::try_from(MAX_IDLE_UPDATES).unwrap()) {
        client.with_connected(|connected, cx| connected.update_keys(cx, true)).unwrap();
        assert_eq!(client.says().last().map(|asked| asked.body.clone()), Some(vec![1]));
        client.acknowledged();
        client.told(&update(epoch, false)).unwrap();
    }
}

#[test]
fn old_keys_stay_until_the_new_ones_are_seen_and_a_while_longer() {
    let (mut client, _) = usual();
    let long = Instant::ZERO + Duration::from_secs(3_600);
    let expire = |client: &mut Bench, now: Instant| {
        client.now = now;
        client.with_connected(|connected, cx| connected.expire(cx));
    };
    client.told(&update(3, false)).unwrap();
    assert!(!client.records.reads(2), "the peer has left the handshake's epoch");
    expire(&mut client, long);
    assert!(client.records.reads(3), "nothing came in epoch 4");
    client.with_connected(|connected, cx| connected.opened(cx.now, 3, true));
    client.with_connected(|connected, cx| connected.opened(cx.now, 4, true));
    expire(&mut client, long + (OLD_EPOCH_LIFE - Duration::from_millis(1)));
    assert!(client.records.reads(3));
    expire(&mut client, long + OLD_EPOCH_LIFE);
    assert!(!client.records.reads(3) && client.records.reads(4));
}

#[test]
fn message_numbers_have_an_end() {
    let (mut client, _) = usual();
    client.outbox = Outbox::starting_at(u16::MAX - 1, client.config.initial_timeout);
    for epoch in [4, 5] {
        let updated = client.with_connected(|connected, cx| connected.update_keys(cx, false));
        assert_eq!(updated, Ok(()), "to epoch {epoch}");
        client.acknowledged();
    }
    let one_more = client.with_connected(|connected, cx| connected.update_keys(cx, false));
    assert_eq!(one_more, Err(UpdateKeysError::UsedUp));
    client.told(&update(3, true)).unwrap();
    assert!(client.says().is_empty(), "a request cannot be answered any more");
}

#[test]
fn a_ticket_is_read_and_forgotten_by_a_client_and_refused_by_a_server() {
    let (mut client, mut server) = usual();
    let ticket = NewSessionTicket {
        lifetime: 7_200,
        age_add: 1,
        nonce: &[0],
        ticket: b"ticket",
        extensions: wire::Extensions::EMPTY,
    };
    let ticket = message(3, &ticket);
    client.told(&ticket).unwrap();
    assert!(client.says().is_empty());
    assert_eq!(server.told(&ticket), Err(Misdeed::UnexpectedMessage));
}

#[test]
fn a_message_of_the_handshake_after_it_is_refused() {
    let kinds = (0..=255).map(HandshakeType::new).filter(|kind| {
        ![
            HandshakeType::KEY_UPDATE,
            HandshakeType::NEW_SESSION_TICKET,
            HandshakeType::NEW_CONNECTION_ID,
            HandshakeType::REQUEST_CONNECTION_ID,
        ]
        .contains(kind)
    });
    for kind in kinds.step_by(16).chain([HandshakeType::FINISHED, HandshakeType::CLIENT_HELLO]) {
        let (client, server) = usual();
        for mut end in [client, server] {
            let stray = Message { kind, message_seq: 9, epoch: 3, body: Vec::new() };
            assert_eq!(end.told(&stray), Err(Misdeed::UnexpectedMessage), "{kind}");
        }
    }
}

fn with_ids() -> (Bench, Bench) {
    connected_pair(|config| config.connection_id = Some(4))
}

fn ids_of(message: &Message) -> (Vec<Vec<u8>>, ConnectionIdUsage) {
    let given: NewConnectionId<'_> = wire::Message::parse(&message.body).unwrap();
    (given.ids().map(<[u8]>::to_vec).collect(), given.usage)
}

#[test]
fn a_request_for_connection_ids_is_answered_with_spare_ones() {
    let (mut client, mut server) = with_ids();
    assert!(client.with_connected(|connected, cx| connected.request_connection_ids(cx, 3)));
    assert!(!client.with_connected(|connected, cx| connected.request_connection_ids(cx, 3)));
    let asked = client.says();
    assert_eq!(kinds(&asked), [HandshakeType::REQUEST_CONNECTION_ID]);
    server.told_all(&asked).unwrap();
    client.acknowledged();
    let given = server.says();
    assert_eq!(kinds(&given), [HandshakeType::NEW_CONNECTION_ID]);
    let (ids, usage) = ids_of(&given[0]);
    assert_eq!((ids.len(), usage), (3, ConnectionIdUsage::CID_SPARE));
    let first = client.session.peer_connection_id().to_vec();
    client.told_all(&given).unwrap();
    assert_eq!(client.session.peer_connection_id(), first, "a spare one changes nothing");
    for id in &ids {
        assert!(client.with_connected(|connected, cx| connected.change_connection_id(cx)));
        assert_eq!(client.session.peer_connection_id(), id, "in the order in which they came");
    }
    assert!(!client.with_connected(|connected, cx| connected.change_connection_id(cx)));
    server.acknowledged();
    assert!(client.with_connected(|connected, cx| connected.request_connection_ids(cx, 1)));
}

#[test]
fn an_immediate_connection_id_is_used_at_once() {
    let (mut client, mut server) = with_ids();
    let immediate = ConnectionIdUsage::CID_IMMEDIATE;
    assert!(server.with_connected(|connected, cx| connected.give_connection_ids(cx, 2, immediate)));
    let given = server.says();
    let (ids, _) = ids_of(&given[0]);
    client.told_all(&given).unwrap();
    assert_eq!(client.session.peer_connection_id(), ids[0]);
    assert!(client.with_connected(|connected, cx| connected.change_connection_id(cx)));
    assert_eq!(client.session.peer_connection_id(), ids[1]);
}

#[test]
fn no_more_connection_ids_are_given_or_kept_than_the_limits_say() {
    let (mut client, mut server) = with_ids();
    server.told(&message(3, &RequestConnectionId { count: 255 })).unwrap();
    let (ids, _) = ids_of(&server.says()[0]);
    assert_eq!(ids.len(), MAX_GIVEN);
    server.acknowledged();
    server.told(&message(3, &RequestConnectionId { count: 1 })).unwrap();
    assert!(ids_of(&server.says()[0]).0.is_empty(), "RFC 9147 §9 allows an answer with none");

    let mut list = Vec::new();
    (0..100).for_each(|id| NewConnectionId::append(&mut list, &[id; 4]));
    let spare = NewConnectionId::from_list(&list, ConnectionIdUsage::CID_SPARE).unwrap();
    client.told(&message(3, &spare)).unwrap();
    for _ in 0..MAX_SPARE {
        assert!(client.with_connected(|connected, cx| connected.change_connection_id(cx)));
    }
    assert!(!client.with_connected(|connected, cx| connected.change_connection_id(cx)));
}

#[test]
fn a_peer_that_asks_for_connection_ids_without_end_is_left() {
    let (_, mut server) = with_ids();
    let request = message(3, &RequestConnectionId { count: 1 });
    for _ in 0..MAX_REQUESTS {
        server.told(&request).unwrap();
        let _ = server.says();
        server.acknowledged();
    }
    assert_eq!(server.told(&request), Err(Misdeed::TooManyConnectionIds));
}

#[rstest]
#[case::not_negotiated(None)]
#[case::empty(Some(0))]
fn messages_about_connection_ids_need_some(#[case] length: Option<usize>) {
    let ends = || connected_pair(|config| config.connection_id = length);
    let (mut client, _) = ends();
    let request = message(3, &RequestConnectionId { count: 1 });
    assert_eq!(client.told(&request), Err(Misdeed::BadConnectionIds));
    let (mut client, _) = ends();
    let mut list = Vec::new();
    NewConnectionId::append(&mut list, &[1, 2, 3, 4]);
    let spare = NewConnectionId::from_list(&list, ConnectionIdUsage::CID_SPARE).unwrap();
    assert_eq!(client.told(&message(3, &spare)), Err(Misdeed::BadConnectionIds));
    let (mut client, _) = ends();
    assert!(!client.with_connected(|connected, cx| connected.request_connection_ids(cx, 1)));
    let spare = ConnectionIdUsage::CID_SPARE;
    assert!(!client.with_connected(|connected, cx| connected.give_connection_ids(cx, 1, spare)));
}

#[test]
fn an_update_waits_for_the_messages_before_it() {
    let (mut client, _) = with_ids();
    assert!(client.with_connected(|connected, cx| connected.request_connection_ids(cx, 1)));
    client.with_connected(|connected, cx| connected.update_keys(cx, false)).unwrap();
    assert_eq!(kinds(&client.says()), [HandshakeType::REQUEST_CONNECTION_ID]);
    client.acknowledged();
    assert_eq!(kinds(&client.says()), [HandshakeType::KEY_UPDATE]);
    client.acknowledged();
    assert_eq!(client.records.write_epoch(), 4);
}
