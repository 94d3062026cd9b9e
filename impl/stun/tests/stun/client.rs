//! The client's timers, and what it makes of responses.

use std::{fmt::Write as _, time::Duration};

use base::{Instant, Machine as _, SocketError, SocketErrorKind};
use rstest::rstest;
use stun::{
    Client, ClientEvent, DropReason, FailReason, MAX_OUTSTANDING_PER_SERVER, Message, Request,
    RequestError, Timing,
    wire::{
        AttributeType, Class, Code, ErrorCode, MappedAddress, Method, NotUnderstood, Priority,
        Software, TransactionId, XorMappedAddress,
    },
};

use crate::support::{
    at, client, event, local, message_of, millis, remote, says, says_nothing, says_one, tell,
};

/// A client that has sent a request, and the id it has on the wire.
fn client_asking() -> (Client, TransactionId) {
    let mut client = client(|_| {});
    client.request(Instant::ZERO, Request::binding(remote()).from_source(local())).unwrap();
    let id = asked(&mut client, Instant::ZERO);
    (client, id)
}

fn asked(client: &mut Client, now: Instant) -> TransactionId {
    let (_, request) = says_one(client, now);
    Message::parse(&request).unwrap().transaction_id()
}

fn success(id: TransactionId) -> Vec<u8> {
    message_of(Class::Success, id, |builder| {
        builder.put(&XorMappedAddress(local()));
    })
}

fn error(id: TransactionId, code: u16) -> Vec<u8> {
    message_of(Class::Error, id, |builder| {
        builder.put(&ErrorCode::new(Code::new(code).unwrap()));
    })
}

fn failure(client: &mut Client) -> FailReason {
    match event(client) {
        ClientEvent::Failed { reason, .. } => reason,
        other => panic!("not a failure: {other:?}"),
    }
}

#[test]
fn retransmits_and_gives_up_as_the_text_has_it() {
    let mut client = client(|_| {});
    client.request(Instant::ZERO, Request::binding(remote())).unwrap();
    let mut told = String::new();
    let mut now = Instant::ZERO;
    let mut first = None;
    loop {
        for (transmit, request) in says(&mut client, now) {
            let message = Message::parse(&request).unwrap();
            writeln!(told, "{now} > {} {message}", transmit.destination).unwrap();
            assert_eq!(*first.get_or_insert_with(|| request.clone()), request);
        }
        if let Some(event) = client.poll_event() {
            writeln!(told, "{now} = {event:?}").unwrap();
        }
        let Some(next) = client.poll_timeout() else {
            break;
        };
        now = next;
        client.handle_timeout(now);
    }
    insta::assert_snapshot!(told);
    assert_eq!((client.stats().transactions, client.stats().retransmissions), (1, 6));
}

#[test]
fn a_reliable_transport_gets_one_request_and_ti() {
    let mut client = client(|_| {});
    let request = Request::binding(remote()).over_reliable_transport();
    client.request(Instant::ZERO, request).unwrap();
    says_one(&mut client, Instant::ZERO);
    assert_eq!(client.poll_timeout(), Some(millis(39_500)));
    client.handle_timeout(millis(39_500));
    says_nothing(&mut client, millis(39_500));
    assert_eq!(failure(&mut client), FailReason::TimedOut);
}

#[test]
fn a_broken_connection_fails_what_was_sent_over_it() {
    let mut client = client(|_| {});
    let request = Request::binding(remote());
    client.request(Instant::ZERO, request.clone().over_reliable_transport()).unwrap();
    client.request(Instant::ZERO, request).unwrap();
    client.handle_connection_lost(millis(5), remote());
    assert_eq!(failure(&mut client), FailReason::ConnectionLost);
    assert_eq!(client.requests_in_progress(), 1);
}

#[test]
fn reports_the_mapped_address_and_the_round_trip_time() {
    let (mut client, id) = client_asking();
    tell(&mut client, millis(30), (remote(), local()), &success(id));
    let ClientEvent::Succeeded { response, .. } = event(&mut client) else {
        panic!("it should have succeeded");
    };
    assert_eq!(response.mapped_address(), Some(local()));
    assert_eq!(response.rtt, Some(Duration::from_millis(30)));
    assert!(!response.is_authenticated);
    assert_eq!(client.poll_timeout(), None);
}

#[test]
fn measures_only_requests_that_were_sent_once() {
    let slow = Duration::from_secs(2);
    let (mut client, id) = client_asking();
    client.handle_timeout(millis(500));
    says_one(&mut client, millis(500));
    tell(&mut client, Instant::ZERO + slow, (remote(), local()), &success(id));
    let ClientEvent::Succeeded { response, .. } = event(&mut client) else {
        panic!("it should have succeeded");
    };
    assert_eq!(response.rtt, None);
    client.request(Instant::ZERO + slow, Request::binding(remote())).unwrap();
    assert_eq!(client.poll_timeout(), Some(Instant::ZERO + slow + Duration::from_millis(500)));
}

#[test]
fn begins_the_next_transaction_with_the_rto_it_learnt() {
    let (mut client, id) = client_asking();
    tell(&mut client, millis(400), (remote(), local()), &success(id));
    event(&mut client);
    client.request(millis(1_000), Request::binding(remote())).unwrap();
    assert_eq!(client.poll_timeout(), Some(millis(1_000 + 400 + 4 * 200)));
    let other = Request::binding(at("192.0.2.2:3478"));
    client.request(millis(1_000), other).unwrap();
    assert_eq!(client.poll_timeout(), Some(millis(1_500)));
}

#[test]
fn discards_response_from_unknown_address() {
    let (mut client, id) = client_asking();
    for path in [(at("192.0.2.9:3478"), local()), (remote(), at("198.51.100.7:40001"))] {
        tell(&mut client, millis(30), path, &success(id));
    }
    assert_eq!(client.stats().dropped.get(DropReason::WrongPath), 2);
    tell(&mut client, millis(31), (remote(), local()), &success(id));
    assert!(matches!(event(&mut client), ClientEvent::Succeeded { .. }));
}

#[test]
fn takes_a_response_on_any_path_when_told_so() {
    let mut client = client(|_| {});
    let request = Request::binding(remote()).from_source(local()).answered_on_any_path();
    client.request(Instant::ZERO, request).unwrap();
    let id = asked(&mut client, Instant::ZERO);
    let path = (at("192.0.2.9:3479"), at("198.51.100.7:40001"));
    tell(&mut client, millis(30), path, &success(id));
    assert!(matches!(event(&mut client), ClientEvent::Succeeded { .. }));
}

#[test]
fn late_duplicate_and_unsolicited_responses_do_nothing() {
    let (mut client, id) = client_asking();
    tell(&mut client, millis(1), (remote(), local()), &success(TransactionId::new([9; 12])));
    tell(&mut client, millis(2), (remote(), local()), &success(id));
    tell(&mut client, millis(3), (remote(), local()), &success(id));
    tell(&mut client, millis(4), (remote(), local()), &error(id, 500));
    assert!(matches!(event(&mut client), ClientEvent::Succeeded { .. }));
    assert_eq!(client.stats().dropped.get(DropReason::UnknownTransaction), 3);
}

#[test]
fn a_response_about_another_method_is_not_ours() {
    let (mut client, id) = client_asking();
    let mut other = Vec::new();
    stun::Builder::new(&mut other, Method::ALLOCATE, Class::Success, id);
    tell(&mut client, millis(1), (remote(), local()), &other);
    assert_eq!(client.stats().dropped.get(DropReason::UnknownTransaction), 1);
    assert_eq!(client.requests_in_progress(), 1);
}

#[rstest]
#[case::redirected(300)]
#[case::refused(400)]
#[case::unauthenticated(401)]
#[case::forbidden(403)]
#[case::of_no_class(699)]
fn an_error_fails_the_request(#[case] code: u16) {
    let (mut client, id) = client_asking();
    tell(&mut client, millis(1), (remote(), local()), &error(id, code));
    assert_eq!(failure(&mut client), FailReason::Rejected(Code::new(code).unwrap()));
}

#[test]
fn a_420_comes_with_its_list() {
    let (mut client, id) = client_asking();
    let list = [AttributeType::PRIORITY];
    let response = message_of(Class::Error, id, |builder| {
        builder.put(&ErrorCode::new(Code::UNKNOWN_ATTRIBUTE)).put(&NotUnderstood(&list));
    });
    tell(&mut client, millis(1), (remote(), local()), &response);
    let ClientEvent::Failed { response: Some(response), .. } = event(&mut client) else {
        panic!("it should have failed");
    };
    let message = response.message().unwrap();
    let unknown: stun::wire::UnknownAttributes<'_> = message.get().unwrap();
    assert!(unknown.types().eq(list));
}

#[test]
fn an_error_without_a_code_fails_the_request() {
    let (mut client, id) = client_asking();
    let response = message_of(Class::Error, id, |_| {});
    tell(&mut client, millis(1), (remote(), local()), &response);
    assert_eq!(failure(&mut client), FailReason::NoErrorCode);
}

#[test]
fn attributes_that_must_be_understood_fail_the_request() {
    let (mut client, id) = client_asking();
    let response = message_of(Class::Success, id, |builder| {
        builder.put(&XorMappedAddress(local())).put_raw(AttributeType::new(0x7abc), b"");
    });
    tell(&mut client, millis(1), (remote(), local()), &response);
    assert_eq!(failure(&mut client), FailReason::UnknownAttributes);
}

#[test]
fn attributes_that_need_not_be_understood_are_passed_over() {
    let (mut client, id) = client_asking();
    let response = message_of(Class::Success, id, |builder| {
        builder.put_raw(AttributeType::new(0xfabc), b"??").put(&Priority(7));
        builder.put(&XorMappedAddress(local()));
    });
    tell(&mut client, millis(1), (remote(), local()), &response);
    assert!(matches!(event(&mut client), ClientEvent::Succeeded { .. }));
}

#[test]
fn a_success_without_an_address_fails_the_request() {
    let (mut client, id) = client_asking();
    let response = message_of(Class::Success, id, |builder| {
        builder.put(&MappedAddress(local())).put_raw(AttributeType::XOR_MAPPED_ADDRESS, b"");
    });
    tell(&mut client, millis(1), (remote(), local()), &response);
    assert_eq!(failure(&mut client), FailReason::NoMappedAddress);
}

#[test]
fn a_classic_server_is_understood_when_told_so() {
    let mut client = client(|config| config.accepts_classic_servers = true);
    client.request(Instant::ZERO, Request::binding(remote())).unwrap();
    let id = asked(&mut client, Instant::ZERO);
    let response = message_of(Class::Success, id, |builder| {
        builder.put(&MappedAddress(local()));
        builder.put_raw(AttributeType::SOURCE_ADDRESS, &[0, 1, 0, 1, 1, 2, 3, 4]);
        builder.put_raw(AttributeType::CHANGED_ADDRESS, &[0, 1, 0, 1, 1, 2, 3, 4]);
    });
    tell(&mut client, millis(1), (remote(), local()), &response);
    let ClientEvent::Succeeded { response, .. } = event(&mut client) else {
        panic!("it should have succeeded");
    };
    assert_eq!(response.mapped_address(), Some(local()));
}

#[test]
fn asks_again_four_times_after_errors_of_the_server() {
    let mut client = client(|_| {});
    client.request(Instant::ZERO, Request::binding(remote())).unwrap();
    let mut now = Instant::ZERO;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let id = asked(&mut client, now);
        assert!(!ids.contains(&id));
        ids.push(id);
        tell(&mut client, now, (remote(), local()), &error(id, 500));
        if let Some(next) = client.poll_timeout() {
            assert!(next > now);
            now = next;
            client.handle_timeout(now);
        }
    }
    says_nothing(&mut client, now);
    assert_eq!(failure(&mut client), FailReason::Rejected(Code::SERVER_ERROR));
    assert_eq!(now, millis(500 + 1_000 + 2_000 + 4_000));
}

#[rstest]
#[case::port(SocketErrorKind::PortUnreachable, true)]
#[case::firewall(SocketErrorKind::Prohibited, true)]
#[case::host(SocketErrorKind::HostUnreachable, false)]
#[case::too_big(SocketErrorKind::TooBig { mtu: 1_280 }, false)]
fn a_hard_icmp_error_fails_the_request(#[case] kind: SocketErrorKind, #[case] is_hard: bool) {
    let (mut client, _) = client_asking();
    for (local, remote) in [(local(), at("192.0.2.9:3478")), (at("0.0.0.0:1"), remote())] {
        client.handle_socket_error(millis(1), SocketError { local, remote, kind });
    }
    assert_eq!(client.poll_event(), None);
    let error = SocketError { local: local(), remote: remote(), kind };
    client.handle_socket_error(millis(2), error);
    if is_hard {
        assert_eq!(failure(&mut client), FailReason::Unreachable(kind));
    } else {
        assert_eq!(client.poll_event(), None);
    }
}

#[test]
fn ten_transactions_with_a_server_at_most() {
    let mut client = client(|_| {});
    for _ in 0..MAX_OUTSTANDING_PER_SERVER {
        client.request(Instant::ZERO, Request::binding(remote())).unwrap();
    }
    let eleventh = client.request(Instant::ZERO, Request::binding(remote()));
    assert_eq!(eleventh, Err(RequestError::Busy));
    assert!(client.request(Instant::ZERO, Request::binding(at("192.0.2.2:1"))).is_ok());
    assert_eq!(says(&mut client, Instant::ZERO).len(), 11);
}

#[test]
fn requests_and_events_are_bounded_together() {
    let mut client = client(|config| config.timing = Timing { rc: 1, ..Timing::default() });
    let mut taken = 0;
    for round in 0..100_u64 {
        let now = millis(round * 10_000);
        client.handle_timeout(now);
        for _ in 0..10 {
            taken += usize::from(client.request(now, Request::binding(remote())).is_ok());
        }
    }
    assert_eq!(taken, stun::MAX_REQUESTS);
}

#[test]
fn a_cancelled_request_is_never_heard_of_again() {
    let mut client = client(|_| {});
    let request = client.request(Instant::ZERO, Request::binding(remote())).unwrap();
    let id = asked(&mut client, Instant::ZERO);
    client.cancel(millis(1), request);
    tell(&mut client, millis(2), (remote(), local()), &success(id));
    assert_eq!((client.poll_event(), client.poll_timeout()), (None, None));
}

#[test]
fn an_indication_is_sent_once() {
    let mut client = client(|config| config.uses_fingerprint = true);
    client.indicate(Instant::ZERO, &Request::binding(remote()).from_source(local())).unwrap();
    let (transmit, bytes) = says_one(&mut client, Instant::ZERO);
    assert_eq!((transmit.source, transmit.destination), (Some(local()), remote()));
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.to_string(), "Binding indication FINGERPRINT[4]");
    assert_eq!(client.poll_timeout(), None);
    says_nothing(&mut client, millis(500));
}

#[test]
fn indications_are_taken_unless_they_must_be_understood() {
    let mut client = client(|_| {});
    let plain = message_of(Class::Indication, TransactionId::new([1; 12]), |_| {});
    let strange = message_of(Class::Indication, TransactionId::new([1; 12]), |builder| {
        builder.put_raw(AttributeType::new(0x7abc), b"");
    });
    tell(&mut client, Instant::ZERO, (remote(), local()), &plain);
    tell(&mut client, Instant::ZERO, (remote(), local()), &strange);
    says_nothing(&mut client, Instant::ZERO);
    assert_eq!(client.stats().indications_received, 1);
    assert_eq!(client.stats().dropped.get(DropReason::UnknownAttribute), 1);
}

#[test]
fn where_the_fingerprint_is_used_it_must_be_there_and_right() {
    let mut client = client(|config| config.uses_fingerprint = true);
    client.request(Instant::ZERO, Request::binding(remote())).unwrap();
    let id = asked(&mut client, Instant::ZERO);
    let with_fingerprint = message_of(Class::Success, id, |builder| {
        builder.put(&XorMappedAddress(local())).fingerprint();
    });
    let mut wrong = with_fingerprint.clone();
    *wrong.last_mut().unwrap() ^= 1;
    tell(&mut client, millis(1), (remote(), local()), &success(id));
    tell(&mut client, millis(2), (remote(), local()), &wrong);
    assert_eq!(client.stats().dropped.get(DropReason::BadFingerprint), 2);
    tell(&mut client, millis(3), (remote(), local()), &with_fingerprint);
    assert!(matches!(event(&mut client), ClientEvent::Succeeded { .. }));
}

#[test]
fn says_what_it_is_only_when_told_to() {
    let mut silent = client(|_| {});
    silent.request(Instant::ZERO, Request::binding(remote())).unwrap();
    assert_eq!(says_one(&mut silent, Instant::ZERO).1.len(), 20);
    let mut open = client(|config| config.software = Some("peerlab".to_owned()));
    open.request(Instant::ZERO, Request::binding(remote())).unwrap();
    let (_, bytes) = says_one(&mut open, Instant::ZERO);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.get(), Some(Software::new("peerlab").unwrap()));
}

#[test]
fn a_request_that_does_not_fit_is_refused() {
    let mut client = client(|_| {});
    let request = (0..2)
        .fold(Request::binding(remote()), |request, _| request.with(&stun::wire::Padding(40_000)));
    assert_eq!(client.request(Instant::ZERO, request), Err(RequestError::TooLong));
    assert_eq!(client.requests_in_progress(), 0);
}
