//! Credentials that change, tokens, and what a client tells those who share its port.

use base::Instant;
use rstest::rstest;
use stun::{
    Access, Client, ClientEvent, Credential, FailReason, Key, LongTermAccess, Message, Request,
    wire::{
        AccessToken, Algorithm, AlternateServer, Check, Class, Code, ErrorCode, Method, Nonce,
        OfferedAlgorithms, PasswordAlgorithm, Realm, ThirdPartyAuthorization, TransactionId,
        Username,
    },
};

use crate::support::{
    ID, at, client, converse, event, local, message_of, provider, remote, says_one, server, tell,
};

const NOW: Instant = Instant::ZERO;

fn credential(username: &str, password: &str) -> Credential {
    Credential::long_term(username, password).unwrap()
}

fn request(client: &mut Client, method: Method) {
    client.request(NOW, Request::new(method, remote()).from_source(local())).unwrap();
}

/// Answers the request that the client sends now, and says what it sends next.
fn answered(client: &mut Client, fill: impl FnOnce(&mut stun::Builder<'_>)) -> Vec<u8> {
    let (_, bytes) = says_one(client, NOW);
    let id = Message::parse(&bytes).unwrap().transaction_id();
    let method = Message::parse(&bytes).unwrap().method();
    let mut answer = Vec::new();
    let mut builder = stun::Builder::new(&mut answer, method, Class::Error, id);
    fill(&mut builder);
    builder.finish().unwrap();
    tell(client, NOW, (remote(), local()), &answer);
    says_one(client, NOW).1
}

fn challenge(builder: &mut stun::Builder<'_>) {
    builder.put(&ErrorCode::new(Code::UNAUTHENTICATED)).put(&Realm::new("realm").unwrap());
    builder.put(&Nonce::new("nonce").unwrap());
}

#[test]
fn shows_a_new_credential_from_the_next_request_on() {
    let access = LongTermAccess::new("example.org").unwrap();
    let access = access.with_user(provider(), "old", "pass").unwrap();
    let access = access.with_user(provider(), "new", "word").unwrap();
    let mut server = server(|config| config.access = Access::LongTerm(access));
    let mut client = client(|config| config.credential = Some(credential("old", "pass")));
    request(&mut client, Method::BINDING);
    assert!(converse(&mut client, &mut server, NOW).contains("username=old"));
    event(&mut client);

    // One request is under way with the old one while the credential changes.
    request(&mut client, Method::BINDING);
    client.set_credential(NOW, Some(credential("new", "word")));
    converse(&mut client, &mut server, NOW);
    assert!(matches!(event(&mut client), ClientEvent::Succeeded { .. }));
    request(&mut client, Method::BINDING);
    let ladder = converse(&mut client, &mut server, NOW);
    assert!(ladder.starts_with("> 192.0.2.1:3478 Binding request\n"), "{ladder}");
    assert!(ladder.contains("username=new"), "{ladder}");
    assert!(matches!(event(&mut client), ClientEvent::Succeeded { .. }));
}

#[test]
fn awaits_the_answers_to_its_own_requests() {
    let mut client = client(|_| {});
    assert!(!client.awaits(ID));
    request(&mut client, Method::BINDING);
    let (_, bytes) = says_one(&mut client, NOW);
    let id = Message::parse(&bytes).unwrap().transaction_id();
    assert!(client.awaits(id) && !client.awaits(TransactionId::new([9; 12])));
    let response = message_of(Class::Error, id, |builder| {
        builder.put(&ErrorCode::new(Code::BAD_REQUEST));
    });
    tell(&mut client, NOW, (remote(), local()), &response);
    assert!(!client.awaits(id));
}

#[rstest]
#[case::the_list_of_the_server(false, Algorithm::MD5)]
#[case::turn(true, Algorithm::SHA256)]
fn takes_the_first_algorithm_or_the_better_one(
    #[case] prefers_sha256: bool,
    #[case] taken: Algorithm,
) {
    let mut client = client(|config| {
        config.credential = Some(credential("user", "pass"));
        config.prefers_sha256 = prefers_sha256;
    });
    request(&mut client, Method::BINDING);
    let again = answered(&mut client, |builder| {
        challenge(builder);
        builder.put(&OfferedAlgorithms(&[Algorithm::MD5, Algorithm::SHA256]));
    });
    let again = Message::parse(&again).unwrap();
    assert_eq!(again.get::<PasswordAlgorithm<'_>>().map(|it| it.algorithm), Some(taken));
}

#[rstest]
#[case::binding(Method::BINDING, true)]
#[case::allocate(Method::ALLOCATE, true)]
#[case::refresh(Method::REFRESH, true)]
#[case::permission(Method::CREATE_PERMISSION, false)]
#[case::channel(Method::CHANNEL_BIND, false)]
#[case::connect(Method::CONNECT, false)]
#[case::connection(Method::CONNECTION_BIND, false)]
fn puts_a_token_where_it_belongs(#[case] method: Method, #[case] has_token: bool) {
    let token = Credential::access_token(provider(), "kid", b"token", b"mac key").unwrap();
    assert!(!format!("{token:?}").contains("mac key"));
    let mut client = client(|config| config.credential = Some(token));
    request(&mut client, method);
    let again = answered(&mut client, |builder| {
        challenge(builder);
        builder.put(&ThirdPartyAuthorization::new("auth.example").unwrap());
    });
    let again = Message::parse(&again).unwrap();
    assert_eq!(again.get::<AccessToken<'_>>(), has_token.then_some(AccessToken(b"token")));
    assert_eq!(again.get::<Username<'_>>().map(Username::as_str), Some("kid"));
    let key = Key::from_bytes(provider(), b"mac key");
    assert_eq!(again.check_integrity(&key), Check::Passed);
}

#[test]
fn says_whether_a_refusal_was_signed() {
    let mut client = client(|config| config.credential = Some(credential("user", "pass")));
    request(&mut client, Method::BINDING);
    let signed = answered(&mut client, challenge);
    let id = Message::parse(&signed).unwrap().transaction_id();
    let key = Key::long_term(provider(), Algorithm::MD5, "user", "realm", "pass").unwrap();
    let redirection = message_of(Class::Error, id, |builder| {
        builder.put(&ErrorCode::new(Code::TRY_ALTERNATE));
        builder.put(&AlternateServer(at("192.0.2.9:3478"))).integrity(&key);
    });
    tell(&mut client, NOW, (remote(), local()), &redirection);
    let ClientEvent::Failed { reason, response: Some(response), .. } = event(&mut client) else {
        panic!("it was refused");
    };
    assert_eq!(reason, FailReason::Rejected(Code::TRY_ALTERNATE));
    assert!(response.is_authenticated);
}
