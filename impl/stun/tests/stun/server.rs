//! What the server answers, from where, and to whom not at all.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Machine as _};
use rstest::rstest;
use stun::{
    Behavior, DropReason, MAX_RESPONSES, Message, RateLimit, ServerTransport,
    wire::{
        AttributeType, ChangeRequest, Class, Code, ErrorCode, HEADER_LENGTH, MappedAddress, Method,
        OtherAddress, Padding, Realm, ResponseOrigin, ResponsePort, Software, TransactionId,
        UnknownAttributes, XorMappedAddress,
    },
};

use crate::support::{
    ID, ask, at, local, message, millis, remote, says, says_nothing, says_one, server, tell,
};

fn code(response: &[u8]) -> Option<u16> {
    let error: Option<ErrorCode<'_>> = Message::parse(response).unwrap().get();
    error.map(|error| error.code.number())
}

#[rstest]
#[case::v4("198.51.100.7:40000", 32)]
#[case::v6("[2001:db8::7]:40000", 44)]
fn answers_a_bare_request_with_little_more_than_it_got(
    #[case] client: &str,
    #[case] length: usize,
) {
    let mut server = server(|_| {});
    let request = message(Class::Request, |_| {});
    tell(&mut server, Instant::ZERO, (at(client), remote()), &request);
    let (transmit, bytes) = says_one(&mut server, Instant::ZERO);
    assert_eq!((transmit.source, transmit.destination), (Some(remote()), at(client)));
    let response = Message::parse(&bytes).unwrap();
    assert_eq!((response.class(), response.transaction_id()), (Class::Success, ID));
    assert_eq!(response.get(), Some(XorMappedAddress(at(client))));
    assert_eq!(response.all_attributes().count(), 1);
    assert_eq!((request.len(), bytes.len()), (HEADER_LENGTH, length));
}

#[test]
fn answers_a_retransmission_alike() {
    let mut server = server(|_| {});
    let request = message(Class::Request, |_| {});
    assert_eq!(ask(&mut server, millis(0), &request), ask(&mut server, millis(500), &request));
}

#[test]
fn a_fingerprint_is_answered_with_one() {
    let mut server = server(|_| {});
    let request = message(Class::Request, |builder| {
        builder.fingerprint();
    });
    let response = ask(&mut server, Instant::ZERO, &request);
    let response = Message::parse(&response).unwrap();
    assert_eq!(response.check_fingerprint(), stun::wire::Check::Passed);
    let mut wrong = request;
    *wrong.last_mut().unwrap() ^= 1;
    tell(&mut server, Instant::ZERO, (local(), remote()), &wrong);
    says_nothing(&mut server, Instant::ZERO);
    assert_eq!(server.stats().dropped.get(DropReason::BadFingerprint), 1);
}

#[test]
fn lists_what_it_did_not_understand_once_each() {
    let mut server = server(|_| {});
    let strange = [0x7abc, 0x0003, 0x7abd].map(AttributeType::new);
    let request = message(Class::Request, |builder| {
        for kind in [strange[0], strange[1], strange[0], strange[2]] {
            builder.put_raw(kind, b"abc");
        }
        builder.put_raw(AttributeType::new(0xfabc), b"");
    });
    let response = ask(&mut server, Instant::ZERO, &request);
    assert_eq!(code(&response), Some(420));
    let message = Message::parse(&response).unwrap();
    assert!(message.get::<UnknownAttributes<'_>>().unwrap().types().eq(strange));
}

#[test]
fn passes_over_what_it_knows_and_does_not_expect() {
    let mut server = server(|_| {});
    let request = message(Class::Request, |builder| {
        builder.put(&Realm::new("example.org").unwrap()).put(&Software::new("x").unwrap());
        builder.put_raw(AttributeType::new(0xfabc), b"?");
    });
    assert_eq!(code(&ask(&mut server, Instant::ZERO, &request)), None);
}

#[rstest]
#[case::success(Class::Success, Method::BINDING, DropReason::UnexpectedClass)]
#[case::error(Class::Error, Method::BINDING, DropReason::UnexpectedClass)]
#[case::allocate(Class::Request, Method::ALLOCATE, DropReason::UnsupportedMethod)]
#[case::unheard_of(Class::Request, Method::new(0xabc), DropReason::UnsupportedMethod)]
fn drops_what_is_not_for_it(
    #[case] class: Class,
    #[case] method: Method,
    #[case] reason: DropReason,
) {
    let mut server = server(|_| {});
    let mut bytes = Vec::new();
    stun::Builder::new(&mut bytes, method, class, ID);
    tell(&mut server, Instant::ZERO, (local(), remote()), &bytes);
    says_nothing(&mut server, Instant::ZERO);
    assert_eq!(server.stats().dropped.get(reason), 1);
}

#[test]
fn answers_no_indication() {
    let mut server = server(|_| {});
    let plain = message(Class::Indication, |_| {});
    let strange = message(Class::Indication, |builder| {
        builder.put_raw(AttributeType::new(0x7abc), b"");
    });
    for bytes in [plain, strange] {
        tell(&mut server, Instant::ZERO, (local(), remote()), &bytes);
    }
    says_nothing(&mut server, Instant::ZERO);
    assert_eq!(server.stats().indications, 1);
    assert_eq!(server.stats().dropped.get(DropReason::UnknownAttribute), 1);
}

#[test]
fn says_what_it_is_only_when_told_to() {
    let mut server = server(|config| config.software = Some("peerlab".to_owned()));
    let response = ask(&mut server, Instant::ZERO, &message(Class::Request, |_| {}));
    let response = Message::parse(&response).unwrap();
    assert_eq!(response.get(), Some(Software::new("peerlab").unwrap()));
}

/// A request of RFC 3489: 128 bits of transaction id and no cookie.
fn classic(class: Class) -> Vec<u8> {
    let mut bytes = message(class, |_| {});
    bytes[4..8].copy_from_slice(&[1, 2, 3, 4]);
    bytes
}

#[test]
fn a_classic_client_gets_its_cookie_and_its_address_in_clear() {
    let mut server = server(|_| {});
    let response = ask(&mut server, Instant::ZERO, &classic(Class::Request));
    let response = Message::parse_any_cookie(&response).unwrap();
    assert!(response.is_classic());
    assert_eq!((response.cookie(), response.transaction_id()), (0x0102_0304, ID));
    assert_eq!(response.get(), Some(MappedAddress(local())));
    assert_eq!(response.to_string(), "classic Binding success mapped=198.51.100.7:40000");
}

#[test]
fn a_classic_client_may_be_refused() {
    let mut server = server(|config| config.serves_classic_clients = false);
    tell(&mut server, Instant::ZERO, (local(), remote()), &classic(Class::Request));
    says_nothing(&mut server, Instant::ZERO);
    assert_eq!(server.stats().dropped.get(DropReason::Classic), 1);
}

#[test]
fn a_classic_client_over_dtls_is_told_off() {
    let mut server = server(|config| config.transport = ServerTransport::Dtls);
    tell(&mut server, Instant::ZERO, (local(), remote()), &classic(Class::Indication));
    says_nothing(&mut server, Instant::ZERO);
    let response = ask(&mut server, Instant::ZERO, &classic(Class::Request));
    let response = Message::parse_any_cookie(&response).unwrap();
    let error: ErrorCode<'_> = response.get().unwrap();
    assert_eq!(error.code, Code::SERVER_ERROR);
}

#[test]
fn one_source_gets_no_more_than_its_share() {
    let limit = RateLimit { per_second: 10, burst: 5 };
    let mut server = server(|config| config.rate_limit = limit);
    let request = message(Class::Request, |_| {});
    let mut ask_hundred = |now, source: &str| {
        for _ in 0..100 {
            tell(&mut server, now, (at(source), remote()), &request);
        }
        says(&mut server, now).len()
    };
    assert_eq!(ask_hundred(millis(0), "198.51.100.7:1"), 5);
    assert_eq!(ask_hundred(millis(0), "198.51.100.7:2"), 0);
    assert_eq!(ask_hundred(millis(0), "198.51.100.8:1"), 5);
    assert_eq!(ask_hundred(millis(300), "198.51.100.7:1"), 3);
    assert_eq!(server.stats().dropped.get(DropReason::RateLimited), 387);
}

#[test]
fn responses_that_wait_are_bounded() {
    let mut server = server(|config| config.rate_limit.per_second = 0);
    let request = message(Class::Request, |_| {});
    for _ in 0..MAX_RESPONSES + 7 {
        tell(&mut server, Instant::ZERO, (local(), remote()), &request);
    }
    assert_eq!(says(&mut server, Instant::ZERO).len(), MAX_RESPONSES);
    assert_eq!(server.stats().dropped.get(DropReason::QueueFull), 7);
}

const FIRST: &str = "192.0.2.1:3478";
const SECOND: &str = "192.0.2.2:3479";

fn behaving() -> stun::Server {
    server(|config| config.behavior = Some(Behavior::new(at(FIRST), at(SECOND))))
}

#[rstest]
#[case::none(false, false, "192.0.2.1:3478")]
#[case::ip(true, false, "192.0.2.2:3478")]
#[case::port(false, true, "192.0.2.1:3479")]
#[case::both(true, true, "192.0.2.2:3479")]
fn answers_from_where_it_is_asked_to(#[case] ip: bool, #[case] port: bool, #[case] from: &str) {
    let request = message(Class::Request, |builder| {
        builder.put(&ChangeRequest { ip, port });
    });
    let mut server = behaving();
    tell(&mut server, Instant::ZERO, (local(), at(FIRST)), &request);
    let (transmit, bytes) = says_one(&mut server, Instant::ZERO);
    assert_eq!((transmit.source, transmit.destination), (Some(at(from)), local()));
    let response = Message::parse(&bytes).unwrap();
    assert_eq!(response.get(), Some(ResponseOrigin(at(from))));
    assert_eq!(response.get(), Some(OtherAddress(at(SECOND))));
    assert_eq!(response.get(), Some(MappedAddress(local())));
    assert_eq!(response.get(), Some(XorMappedAddress(local())));
}

#[rstest]
#[case("192.0.2.1:3478", "192.0.2.2:3479")]
#[case("192.0.2.1:3479", "192.0.2.2:3478")]
#[case("192.0.2.2:3478", "192.0.2.1:3479")]
#[case("192.0.2.2:3479", "192.0.2.1:3478")]
fn the_other_address_is_other_in_both_parts(#[case] asked: &str, #[case] other: &str) {
    let mut server = behaving();
    let request = message(Class::Request, |_| {});
    tell(&mut server, Instant::ZERO, (local(), at(asked)), &request);
    let (_, bytes) = says_one(&mut server, Instant::ZERO);
    assert_eq!(Message::parse(&bytes).unwrap().get(), Some(OtherAddress(at(other))));
}

#[test]
fn answers_to_the_port_it_is_asked_to() {
    let request = message(Class::Request, |builder| {
        builder.put(&ResponsePort(55_555));
    });
    let mut server = behaving();
    tell(&mut server, Instant::ZERO, (local(), at(FIRST)), &request);
    let (transmit, _) = says_one(&mut server, Instant::ZERO);
    assert_eq!(transmit.destination, SocketAddr::new(local().ip(), 55_555));
}

#[test]
fn padding_is_answered_with_padding_but_not_to_another_port() {
    let mut server = behaving();
    let padded = message(Class::Request, |builder| {
        builder.put(&Padding(1_001));
    });
    let response = ask(&mut server, Instant::ZERO, &padded);
    assert_eq!(Message::parse(&response).unwrap().get(), Some(Padding(1_500)));
    let both = message(Class::Request, |builder| {
        builder.put(&Padding(1_001)).put(&ResponsePort(7));
    });
    assert_eq!(code(&ask(&mut server, Instant::ZERO, &both)), Some(400));
}

#[rstest]
#[case::change_request(AttributeType::CHANGE_REQUEST, &[0, 0, 0, 6])]
#[case::response_port(AttributeType::RESPONSE_PORT, &[1, 1, 0, 0])]
#[case::padding(AttributeType::PADDING, &[0; 8])]
fn a_plain_server_does_not_understand_discovery(#[case] kind: AttributeType, #[case] value: &[u8]) {
    let mut server = server(|_| {});
    let request = message(Class::Request, |builder| {
        builder.put_raw(kind, value);
    });
    assert_eq!(code(&ask(&mut server, Instant::ZERO, &request)), Some(420));
}

#[test]
fn a_server_with_one_address_has_no_other() {
    let one = Behavior { alternate: None, ..Behavior::new(at(FIRST), at(SECOND)) };
    let mut server = server(|config| config.behavior = Some(one));
    let response = ask(&mut server, Instant::ZERO, &message(Class::Request, |_| {}));
    let response = Message::parse(&response).unwrap();
    assert_eq!(response.get(), Some(ResponseOrigin(at(FIRST))));
    assert!(!response.has(AttributeType::OTHER_ADDRESS));
    let change = message(Class::Request, |builder| {
        builder.put(&ChangeRequest { ip: true, port: true });
    });
    assert_eq!(code(&ask(&mut server, Instant::ZERO, &change)), Some(420));
}

#[test]
fn responses_come_in_the_order_of_the_requests() {
    let mut server = server(|_| {});
    let ids = [[1; 12], [2; 12], [3; 12]].map(TransactionId::new);
    for id in ids {
        let request = crate::support::message_of(Class::Request, id, |_| {});
        tell(&mut server, Instant::ZERO, (local(), remote()), &request);
    }
    let said = says(&mut server, Instant::ZERO);
    let answered = said.iter().map(|(_, bytes)| Message::parse(bytes).unwrap().transaction_id());
    assert!(answered.eq(ids));
    assert_eq!(server.poll_timeout(), None);
    server.handle_timeout(Instant::ZERO + Duration::from_secs(1));
    says_nothing(&mut server, Instant::ZERO);
}
