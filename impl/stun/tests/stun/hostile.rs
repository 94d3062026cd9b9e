//! Bytes meant to do harm: none panics, none is believed.

use base::{Instant, Machine as _};
use stun::{
    Access, Behavior, Builder, ClientEvent, Credential, DropReason, Integrity, Key, Message,
    Request, ShortTermAccess,
    wire::{
        AccessToken, AdditionalAddressFamily, AddressErrorCode, AlternateDomain, AlternateServer,
        AttributeType, BuildError, ChangeRequest, ChannelNumber, Check, Class, Code, ConnectionId,
        Data, DontFragment, ErrorCode, EvenPort, HEADER_LENGTH, IceControlled, IceControlling,
        Icmp, Lifetime, MappedAddress, Method, MobilityTicket, Nonce, OtherAddress, Padding,
        PasswordAlgorithm, PasswordAlgorithms, Priority, Realm, RequestedAddressFamily,
        RequestedTransport, ReservationToken, ResponseOrigin, ResponsePort, Software,
        ThirdPartyAuthorization, UnknownAttributes, UseCandidate, Userhash, Username,
        XorMappedAddress, XorPeerAddress, XorRelayedAddress,
    },
};

use crate::support::{
    ID, ask, at, client, event, local, message, message_of, millis, provider, remote, says,
    says_one, server, tell,
};

/// Asks a message for every attribute there is, in every way there is.
fn read_all(message: &Message<'_>) -> String {
    macro_rules! read {
        ($($attribute:ty),* $(,)?) => {
            $({
                let seen = message.get::<$attribute>();
                assert_eq!(message.get_all::<$attribute>().next().is_some(), seen.is_some());
                let _ = message.try_get::<$attribute>();
            })*
        };
    }
    read!(
        AccessToken<'_>,
        AdditionalAddressFamily,
        AddressErrorCode<'_>,
        AlternateDomain<'_>,
        AlternateServer,
        ChangeRequest,
        ChannelNumber,
        ConnectionId,
        Data<'_>,
        DontFragment,
        ErrorCode<'_>,
        EvenPort,
        IceControlled,
        IceControlling,
        Icmp,
        Lifetime,
        MappedAddress,
        MobilityTicket<'_>,
        Nonce<'_>,
        OtherAddress,
        Padding,
        PasswordAlgorithm<'_>,
        PasswordAlgorithms<'_>,
        Priority,
        Realm<'_>,
        RequestedAddressFamily,
        RequestedTransport,
        ReservationToken,
        ResponseOrigin,
        ResponsePort,
        Software<'_>,
        ThirdPartyAuthorization<'_>,
        UnknownAttributes<'_>,
        UseCandidate,
        Userhash,
        Username<'_>,
        XorMappedAddress,
        XorPeerAddress,
        XorRelayedAddress,
    );
    let _ = message.get::<AccessToken<'_>>().map(AccessToken::split);
    let key = Key::from_bytes(provider(), b"key");
    let _ = message.check_fingerprint();
    let _ = (message.check_integrity(&key), message.check_integrity_sha256(&key, 16));
    format!("{message} {message:?}")
}

/// Gives bytes to a server of every kind and to a client with a request under way.
fn throw_at_everybody(bytes: &[u8]) {
    if let Ok(message) = Message::parse_any_cookie(bytes) {
        read_all(&message);
    }
    let access = ShortTermAccess::new().with_user(provider(), "user", "pass").unwrap();
    let behavior = Behavior::new(remote(), at("192.0.2.2:3479"));
    for mut server in [
        server(|config| config.behavior = Some(behavior)),
        server(|config| config.access = Access::ShortTerm(access)),
    ] {
        tell(&mut server, Instant::ZERO, (local(), remote()), bytes);
        says(&mut server, Instant::ZERO);
    }
    let mut client = client(|_| {});
    client.request(Instant::ZERO, Request::binding(remote())).unwrap();
    tell(&mut client, Instant::ZERO, (remote(), local()), bytes);
}

fn full_request() -> Vec<u8> {
    message(Class::Request, |builder| {
        builder.put(&Username::new("user").unwrap()).put(&Priority(7)).put(&IceControlling(9));
        builder.integrity(&Key::short_term(provider(), "pass").unwrap()).fingerprint();
    })
}

#[test]
fn a_message_cut_anywhere_is_none() {
    let whole = full_request();
    for length in 0..whole.len() {
        let cut = whole[..length].to_vec().into_boxed_slice();
        assert!(Message::parse(&cut).is_err(), "{length}");
        throw_at_everybody(&cut);
    }
}

#[test]
fn a_message_cut_and_mended_panics_nowhere() {
    let whole = full_request();
    for length in HEADER_LENGTH..whole.len() {
        let mut cut = whole[..length].to_vec();
        let field = u16::try_from(length - HEADER_LENGTH).unwrap();
        cut[2..4].copy_from_slice(&field.to_be_bytes());
        throw_at_everybody(&cut);
    }
}

#[test]
fn bytes_behind_the_message_make_it_none() {
    let mut bytes = full_request();
    bytes.extend([0; 4]);
    assert!(Message::parse(&bytes).is_err());
}

#[test]
fn every_attribute_at_every_length_panics_nowhere() {
    for kind in AttributeType::NAMED {
        for length in 0..=40 {
            for filling in [0x00, 0x01, 0x02, 0xff] {
                let bytes = message(Class::Request, |builder| {
                    builder.put_raw(*kind, &vec![filling; length]);
                });
                throw_at_everybody(&bytes);
            }
        }
    }
}

#[test]
fn every_class_and_method_panics_nowhere() {
    for method in (0..=0xfff).map(Method::new) {
        for class in Class::ALL {
            let mut bytes = Vec::new();
            Builder::new(&mut bytes, method, class, ID);
            let parsed = Message::parse(&bytes).unwrap();
            assert_eq!((parsed.method(), parsed.class()), (method, class));
            if method.number() < 16 {
                throw_at_everybody(&bytes);
            }
        }
    }
}

#[test]
fn attributes_in_any_order_panic_nowhere() {
    let parts: Vec<(AttributeType, Vec<u8>)> = vec![
        (AttributeType::MESSAGE_INTEGRITY, vec![1; 20]),
        (AttributeType::MESSAGE_INTEGRITY_SHA256, vec![2; 32]),
        (AttributeType::USERNAME, b"user".to_vec()),
        (AttributeType::PRIORITY, vec![0, 0, 0, 7]),
        (AttributeType::FINGERPRINT, vec![4; 4]),
    ];
    let mut orders = vec![vec![]];
    for part in 0..parts.len() {
        orders = orders
            .iter()
            .flat_map(|order: &Vec<usize>| {
                (0..=order.len()).map(move |at| {
                    let mut order = order.clone();
                    order.insert(at, part);
                    order
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 120);
    for order in orders {
        let bytes = message(Class::Request, |builder| {
            for part in &order {
                builder.put_raw(parts[*part].0, &parts[*part].1);
            }
        });
        let is_last = order.last() == Some(&4);
        assert_eq!(Message::parse(&bytes).is_ok(), is_last, "{order:?}");
        throw_at_everybody(&bytes);
    }
}

#[test]
fn integrity_alone_is_checked_and_refused() {
    let bytes = message(Class::Request, |builder| {
        builder.put_raw(AttributeType::MESSAGE_INTEGRITY, &[0; 20]);
    });
    let parsed = Message::parse(&bytes).unwrap();
    assert_eq!(parsed.check_integrity(&Key::from_bytes(provider(), b"key")), Check::Failed);
}

/// A message with `kinds` smuggled in behind its integrity, the length mended, and a new fingerprint.
fn smuggled(kinds: &[(AttributeType, &[u8])], sha256: bool) -> Vec<u8> {
    let key = Key::short_term(provider(), "pass").unwrap();
    let mut bytes = message(Class::Request, |builder| {
        builder.put(&Username::new("user").unwrap()).put(&Priority(1));
        match sha256 {
            true => builder.integrity_sha256(&key),
            false => builder.integrity(&key),
        };
    });
    for (kind, value) in kinds {
        bytes.extend(kind.number().to_be_bytes());
        bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        bytes.extend(*value);
    }
    let field = u16::try_from(bytes.len() + 8 - HEADER_LENGTH).unwrap();
    bytes[2..4].copy_from_slice(&field.to_be_bytes());
    let crc = crc32fast::hash(&bytes) ^ 0x5354_554e;
    bytes.extend([0x80, 0x28, 0, 4]);
    bytes.extend(crc.to_be_bytes());
    bytes
}

#[test]
fn what_is_smuggled_in_behind_the_integrity_is_not_heeded() {
    let kinds: [(AttributeType, &[u8]); 5] = [
        (AttributeType::USE_CANDIDATE, b""),
        (AttributeType::PRIORITY, &[0xff; 4]),
        (AttributeType::XOR_PEER_ADDRESS, &[0, 1, 1, 1, 1, 1, 1, 1]),
        (AttributeType::LIFETIME, &[0xff; 4]),
        (AttributeType::new(0x7abc), b""),
    ];
    let key = Key::short_term(provider(), "pass").unwrap();
    for sha256 in [false, true] {
        let bytes = smuggled(&kinds, sha256);
        let parsed = Message::parse(&bytes).unwrap();
        assert_eq!(parsed.check_fingerprint(), Check::Passed);
        let check = match sha256 {
            true => parsed.check_integrity_sha256(&key, 32),
            false => parsed.check_integrity(&key),
        };
        assert_eq!(check, Check::Passed);
        assert_eq!(parsed.get(), Some(Priority(1)));
        assert!(!parsed.has(AttributeType::USE_CANDIDATE));
        assert!(parsed.get::<XorPeerAddress>().is_none() && parsed.get::<Lifetime>().is_none());
        assert!(parsed.not_understood(AttributeType::is_known).is_empty());
        assert!(parsed.to_string().ends_with("(+5 ignored)"));

        let access = ShortTermAccess::new().with_user(provider(), "user", "pass").unwrap();
        let mut server = server(|config| config.access = Access::ShortTerm(access));
        let response = ask(&mut server, Instant::ZERO, &bytes);
        assert_eq!(Message::parse(&response).unwrap().class(), Class::Success);
    }
}

#[test]
fn an_integrity_behind_sha256_does_not_cover_what_it_does_not() {
    // MESSAGE-INTEGRITY behind MESSAGE-INTEGRITY-SHA256 would make what stands between them count,
    // though the integrity that decides does not cover it.
    let made_up: (AttributeType, &[u8]) = (AttributeType::MESSAGE_INTEGRITY, &[0; 20]);
    let bytes = smuggled(&[(AttributeType::USE_CANDIDATE, b""), made_up], true);
    let parsed = Message::parse(&bytes).unwrap();
    assert!(!parsed.has(AttributeType::USE_CANDIDATE) && !parsed.has_integrity());
}

#[test]
fn a_reason_that_is_no_text_fails_the_request_and_nothing_else() {
    let mut client = client(|_| {});
    client.request(Instant::ZERO, Request::binding(remote())).unwrap();
    let (_, request) = says_one(&mut client, Instant::ZERO);
    let id = Message::parse(&request).unwrap().transaction_id();
    let response = message_of(Class::Error, id, |builder| {
        builder.put_raw(AttributeType::ERROR_CODE, b"\0\0\x04\x03\xff\xfe\xfd");
    });
    tell(&mut client, millis(1), (remote(), local()), &response);
    let ClientEvent::Failed { reason, .. } = event(&mut client) else {
        panic!("it should have failed");
    };
    assert_eq!(reason, stun::FailReason::Rejected(Code::FORBIDDEN));
}

#[test]
fn the_builder_writes_no_more_than_a_datagram_carries() {
    let mut bytes = vec![0xaa; 3];
    let mut builder = Builder::new(&mut bytes, Method::BINDING, Class::Request, ID);
    builder.put(&Padding(65_480));
    assert_eq!(builder.finish(), Ok(HEADER_LENGTH + 65_484));
    builder.put(&UseCandidate);
    assert_eq!(builder.finish(), Err(BuildError::TooLong));
    assert_eq!(builder.len(), HEADER_LENGTH + 65_484);
    assert!(Message::parse(&bytes[3..]).is_ok());

    let mut builder = Builder::new(&mut bytes, Method::BINDING, Class::Request, ID);
    builder.put_raw(AttributeType::DATA, &[0; 65_536]).put(&Priority(1));
    assert_eq!(builder.finish(), Err(BuildError::TooLong));
    assert_eq!(builder.len(), HEADER_LENGTH + 8);
}

#[test]
fn the_builder_puts_nothing_where_nobody_would_heed_it() {
    let key = Key::from_bytes(provider(), b"key");
    let mut bytes = Vec::new();
    let mut builder = Builder::new(&mut bytes, Method::BINDING, Class::Request, ID);
    builder.integrity(&key).put(&Priority(1));
    assert_eq!(builder.finish(), Err(BuildError::Misplaced(AttributeType::PRIORITY)));
    let mut bytes = Vec::new();
    let mut builder = Builder::new(&mut bytes, Method::BINDING, Class::Request, ID);
    builder.fingerprint().integrity_sha256(&key);
    let kind = AttributeType::MESSAGE_INTEGRITY_SHA256;
    assert_eq!(builder.finish(), Err(BuildError::Misplaced(kind)));
    assert_eq!(Message::parse(&bytes).unwrap().check_fingerprint(), Check::Passed);
}

#[test]
fn padding_is_zero_whatever_the_buffer_held() {
    for length in 1..=4 {
        let mut bytes = vec![0xaa; 64];
        bytes.clear();
        let mut builder = Builder::new(&mut bytes, Method::BINDING, Class::Request, ID);
        builder.put_raw(AttributeType::DATA, &vec![0xff; length]);
        let padding = &bytes[HEADER_LENGTH + 4 + length..];
        assert_eq!(padding, vec![0; 4 - length]);
    }
}

#[test]
fn a_message_full_of_strangers_gets_a_bounded_answer() {
    let bytes = message(Class::Request, |builder| {
        for number in 0x4000..0x7000 {
            builder.put_raw(AttributeType::new(number), b"");
        }
    });
    let mut server = server(|_| {});
    let response = ask(&mut server, Instant::ZERO, &bytes);
    assert!(response.len() < 256);
}

#[test]
fn a_username_that_does_not_fit_is_never_sent() {
    let credential =
        Credential::short_term(provider(), &"x".repeat(600), "pass", Integrity::Sha1).unwrap();
    let mut client = client(|config| config.credential = Some(credential));
    let refused = client.request(Instant::ZERO, Request::binding(remote()));
    assert_eq!(refused, Err(stun::RequestError::TooLong));
    assert_eq!(client.poll_timeout(), None);
}

#[test]
fn what_is_dropped_is_counted() {
    let mut server = server(|_| {});
    for length in 0..HEADER_LENGTH {
        tell(&mut server, Instant::ZERO, (local(), remote()), &vec![0; length]);
    }
    assert_eq!(server.stats().dropped.get(DropReason::Malformed), 20);
    assert_eq!((server.stats().received, server.stats().dropped.total()), (20, 20));
}
