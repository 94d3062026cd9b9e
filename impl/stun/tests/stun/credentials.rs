//! Both credential mechanisms, from challenge to bid-down: RFC 8489 §9.

use std::time::Duration;

use base::{Instant, Machine as _};
use rstest::rstest;
use stun::{
    Access, Client, ClientEvent, Credential, DropReason, FailReason, Integrity, Key,
    LongTermAccess, Message, Redirect, Request, Server, ShortTermAccess,
    wire::{
        Algorithm, AlternateServer, AttributeType, Check, Class, Code, ErrorCode, Nonce,
        OfferedAlgorithms, PasswordAlgorithm, Realm, Username, XorMappedAddress,
    },
};

use crate::support::{
    ask, at, client, converse, event, local, message, message_of, millis, provider, remote, says,
    says_nothing, says_one, server, tell,
};

fn short_term_server() -> Server {
    let access = ShortTermAccess::new().with_user(provider(), "user", "pass").unwrap();
    server(|config| config.access = Access::ShortTerm(access))
}

fn short_term_client(password: &str, integrity: Integrity) -> Client {
    let credential = Credential::short_term(provider(), "user", password, integrity).unwrap();
    client(|config| config.credential = Some(credential))
}

fn long_term_server(change: impl FnOnce(&mut LongTermAccess)) -> Server {
    let access = LongTermAccess::new("example.org").unwrap();
    let mut access = access.with_user(provider(), "user", "pass").unwrap();
    change(&mut access);
    server(|config| config.access = Access::LongTerm(access))
}

fn long_term_client(password: &str) -> Client {
    let credential = Credential::long_term("user", password).unwrap();
    client(|config| config.credential = Some(credential))
}

fn request(client: &mut Client, now: Instant) {
    client.request(now, Request::binding(remote()).from_source(local())).unwrap();
}

fn is_authenticated(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::Succeeded { response, .. } if response.is_authenticated)
}

fn reason(event: &ClientEvent) -> Option<FailReason> {
    match event {
        ClientEvent::Failed { reason, .. } => Some(*reason),
        _ => None,
    }
}

fn code(response: &[u8]) -> Option<u16> {
    let error: Option<ErrorCode<'_>> = Message::parse(response).unwrap().get();
    error.map(|error| error.code.number())
}

#[test]
fn short_term_sends_both_integrities_until_it_knows_better() {
    let (mut client, mut server) =
        (short_term_client("pass", Integrity::Both), short_term_server());
    let mut ladder = String::new();
    for _ in 0..2 {
        request(&mut client, Instant::ZERO);
        ladder += &converse(&mut client, &mut server, Instant::ZERO);
        assert!(is_authenticated(&event(&mut client)));
    }
    insta::assert_snapshot!(ladder);
}

#[rstest]
#[case::sha1(Integrity::Sha1)]
#[case::sha256(Integrity::Sha256)]
fn short_term_answers_with_the_integrity_it_got(#[case] integrity: Integrity) {
    let (mut client, mut server) = (short_term_client("pass", integrity), short_term_server());
    request(&mut client, Instant::ZERO);
    let ladder = converse(&mut client, &mut server, Instant::ZERO);
    let response = ladder.lines().find(|line| line.starts_with('<')).unwrap();
    assert_eq!(response.contains("INTEGRITY[20]"), integrity == Integrity::Sha1);
    assert_eq!(response.contains("SHA256[32]"), integrity == Integrity::Sha256);
    assert!(is_authenticated(&event(&mut client)));
}

fn put_username(builder: &mut stun::Builder<'_>, username: &str) {
    builder.put(&Username::new(username).unwrap());
}

#[rstest]
#[case::nothing(None, None, 400)]
#[case::no_integrity(Some("user"), None, 400)]
#[case::no_username(None, Some("pass"), 400)]
#[case::unknown_user(Some("eve"), Some("pass"), 401)]
#[case::wrong_password(Some("user"), Some("word"), 401)]
fn short_term_refuses_in_the_order_of_the_text(
    #[case] username: Option<&str>,
    #[case] password: Option<&str>,
    #[case] expected: u16,
) {
    let fill = |builder: &mut stun::Builder<'_>| {
        if let Some(username) = username {
            put_username(builder, username);
        }
        if let Some(password) = password {
            builder.integrity(&Key::short_term(provider(), password).unwrap());
        }
    };
    let mut server = short_term_server();
    let response = ask(&mut server, Instant::ZERO, &message(Class::Request, fill));
    assert_eq!(code(&response), Some(expected));
    let response = Message::parse(&response).unwrap();
    assert_eq!(response.all_attributes().count(), 1);

    tell(&mut server, Instant::ZERO, (local(), remote()), &message(Class::Indication, fill));
    says_nothing(&mut server, Instant::ZERO);
    assert_eq!(server.stats().dropped.get(DropReason::Unauthenticated), 1);
}

#[test]
fn the_stronger_integrity_decides() {
    let mut bytes = message(Class::Request, |builder| {
        let key = Key::short_term(provider(), "pass").unwrap();
        put_username(builder, "user");
        builder.integrity(&key).integrity_sha256(&key);
    });
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(code(&ask(&mut short_term_server(), Instant::ZERO, &bytes)), Some(401));
}

#[test]
fn a_cut_sha256_is_not_taken() {
    let request = message(Class::Request, |builder| {
        put_username(builder, "user");
        let key = Key::short_term(provider(), "pass").unwrap();
        builder.integrity_sha256_cut(&key, 16);
    });
    let key = Key::short_term(provider(), "pass").unwrap();
    let parsed = Message::parse(&request).unwrap();
    assert_eq!(parsed.check_integrity_sha256(&key, 16), Check::Passed);
    assert_eq!(parsed.check_integrity_sha256(&key, 20), Check::Failed);
    assert_eq!(code(&ask(&mut short_term_server(), Instant::ZERO, &request)), Some(401));
}

#[test]
fn errors_behind_the_check_are_protected() {
    let request = message(Class::Request, |builder| {
        put_username(builder, "user");
        builder.put_raw(AttributeType::new(0x7abc), b"");
        builder.integrity(&Key::short_term(provider(), "pass").unwrap());
    });
    let response = ask(&mut short_term_server(), Instant::ZERO, &request);
    assert_eq!(code(&response), Some(420));
    let response = Message::parse(&response).unwrap();
    let key = Key::short_term(provider(), "pass").unwrap();
    assert_eq!(response.check_integrity(&key), Check::Passed);
}

#[test]
fn forged_responses_are_passed_over_and_end_as_a_violation() {
    let mut client = short_term_client("pass", Integrity::Sha1);
    request(&mut client, Instant::ZERO);
    let (_, bytes) = says_one(&mut client, Instant::ZERO);
    let id = Message::parse(&bytes).unwrap().transaction_id();
    let forge = |key: Option<&str>, sha256: bool| {
        message_of(Class::Success, id, |builder| {
            builder.put(&XorMappedAddress(local()));
            if let Some(key) = key.map(|key| Key::short_term(provider(), key).unwrap()) {
                match sha256 {
                    true => builder.integrity_sha256(&key),
                    false => builder.integrity(&key),
                };
            }
        })
    };
    let forged = [
        (forge(None, false), DropReason::IntegrityMissing),
        (forge(Some("word"), false), DropReason::IntegrityInvalid),
        (forge(Some("pass"), true), DropReason::IntegrityOfOtherAlgorithm),
    ];
    for (bytes, reason) in forged {
        tell(&mut client, millis(10), (remote(), local()), &bytes);
        assert_eq!(client.stats().dropped.get(reason), 1, "{reason:?}");
    }
    assert_eq!(client.poll_event(), None);
    while let Some(now) = client.poll_timeout() {
        client.handle_timeout(now);
    }
    assert_eq!(reason(&event(&mut client)), Some(FailReason::IntegrityViolated));
}

#[test]
fn on_a_reliable_transport_a_forged_response_ends_it_at_once() {
    let mut client = short_term_client("pass", Integrity::Sha1);
    client.request(Instant::ZERO, Request::binding(remote()).over_reliable_transport()).unwrap();
    let (_, bytes) = says_one(&mut client, Instant::ZERO);
    let id = Message::parse(&bytes).unwrap().transaction_id();
    let forged = message_of(Class::Success, id, |builder| {
        builder.put(&XorMappedAddress(local()));
    });
    tell(&mut client, millis(10), (remote(), local()), &forged);
    assert_eq!(reason(&event(&mut client)), Some(FailReason::IntegrityViolated));
}

#[test]
fn indications_carry_short_term_credentials_but_no_long_term_ones() {
    let mut short = short_term_client("pass", Integrity::Sha1);
    short.indicate(Instant::ZERO, &Request::binding(remote())).unwrap();
    let (_, bytes) = says_one(&mut short, Instant::ZERO);
    let key = Key::short_term(provider(), "pass").unwrap();
    assert_eq!(Message::parse(&bytes).unwrap().check_integrity(&key), Check::Passed);
    let mut server = short_term_server();
    tell(&mut server, Instant::ZERO, (local(), remote()), &bytes);
    assert_eq!(server.stats().indications, 1);

    let mut long = long_term_client("pass");
    long.indicate(Instant::ZERO, &Request::binding(remote())).unwrap();
    assert_eq!(says_one(&mut long, Instant::ZERO).1.len(), 20);
}

#[rstest]
#[case::sha256("sha256", |_: &mut LongTermAccess| {})]
#[case::of_rfc_5389("rfc_5389", |access: &mut LongTermAccess| access.algorithms.clear())]
#[case::md5("md5", |access: &mut LongTermAccess| access.algorithms = vec![Algorithm::MD5])]
#[case::anonymous("anonymous", |access: &mut LongTermAccess| access.offers_anonymity = true)]
fn long_term_challenges_and_remembers(#[case] name: &str, #[case] change: fn(&mut LongTermAccess)) {
    let (mut client, mut server) = (long_term_client("pass"), long_term_server(change));
    let mut ladder = String::new();
    for _ in 0..2 {
        request(&mut client, Instant::ZERO);
        ladder += &converse(&mut client, &mut server, Instant::ZERO);
        assert!(is_authenticated(&event(&mut client)));
    }
    insta::assert_snapshot!(format!("long_term_{name}"), ladder);
}

#[test]
fn the_challenge_is_short() {
    let mut server = long_term_server(|_| {});
    let request = message(Class::Request, |builder| {
        builder.fingerprint();
    });
    let response = ask(&mut server, Instant::ZERO, &request);
    assert!(response.len() <= 128, "{}", response.len());
}

#[test]
fn a_wrong_password_is_tried_once() {
    let (mut client, mut server) = (long_term_client("word"), long_term_server(|_| {}));
    request(&mut client, Instant::ZERO);
    let ladder = converse(&mut client, &mut server, Instant::ZERO);
    assert_eq!(ladder.lines().count(), 4);
    let reason = reason(&event(&mut client));
    assert_eq!(reason, Some(FailReason::Rejected(Code::UNAUTHENTICATED)));
}

#[test]
fn a_stale_nonce_is_replaced() {
    let (mut client, mut server) = (long_term_client("pass"), long_term_server(|_| {}));
    request(&mut client, Instant::ZERO);
    converse(&mut client, &mut server, Instant::ZERO);
    event(&mut client);
    let later = Instant::ZERO + Duration::from_secs(600);
    request(&mut client, later);
    let ladder = converse(&mut client, &mut server, later);
    assert!(ladder.contains("438 Stale Nonce"));
    assert!(is_authenticated(&event(&mut client)));
}

#[test]
fn a_server_of_nothing_but_stale_nonces_is_given_up() {
    let (mut client, mut server) = (
        long_term_client("pass"),
        long_term_server(|access| access.nonce_lifetime = Duration::ZERO),
    );
    request(&mut client, Instant::ZERO);
    let ladder = converse(&mut client, &mut server, Instant::ZERO);
    assert_eq!(ladder.matches("438 Stale Nonce").count(), 5);
    assert_eq!(reason(&event(&mut client)), Some(FailReason::Rejected(Code::STALE_NONCE)));
}

/// A server's challenge as the client gets it when somebody on the way has a hand in it.
fn challenged(tamper: impl FnOnce(&mut stun::Builder<'_>)) -> (Client, Option<FailReason>) {
    let mut client = long_term_client("pass");
    request(&mut client, Instant::ZERO);
    let (_, bytes) = says_one(&mut client, Instant::ZERO);
    let id = Message::parse(&bytes).unwrap().transaction_id();
    let challenge = message_of(Class::Error, id, |builder| {
        builder.put(&ErrorCode::new(Code::UNAUTHENTICATED));
        tamper(builder);
    });
    tell(&mut client, millis(1), (remote(), local()), &challenge);
    let reason = client.poll_event().and_then(|event| reason(&event));
    (client, reason)
}

#[test]
fn a_challenge_without_the_algorithms_it_promises_is_not_answered() {
    let (mut client, reason) = challenged(|builder| {
        builder.put(&Realm::new("example.org").unwrap());
        builder.put(&Nonce::new("obMatJos2gAAAxyz").unwrap());
    });
    assert_eq!(reason, Some(FailReason::BidDown));
    says_nothing(&mut client, millis(1));
}

/// The right integrity does not make such an answer one to act upon: RFC 8489 §9.2.5.
#[rstest]
#[case::success(Class::Success)]
#[case::error(Class::Error)]
fn an_answer_without_the_algorithms_its_nonce_promises_is_ignored(#[case] class: Class) {
    let (realm, nonce) = (Realm::new("example.org").unwrap(), "obMatJos2gAAAxyz");
    let nonce = Nonce::new(nonce).unwrap();
    let offer = OfferedAlgorithms(&[Algorithm::SHA256]);
    let (mut client, _) = challenged(|builder| {
        builder.put(&realm).put(&nonce).put(&offer);
    });
    let (_, bytes) = says_one(&mut client, millis(1));
    let id = Message::parse(&bytes).unwrap().transaction_id();
    let key = Key::long_term(provider(), Algorithm::SHA256, "user", "example.org", "pass").unwrap();
    let answer = |is_whole: bool| {
        message_of(class, id, |builder| {
            match class {
                Class::Error => builder.put(&ErrorCode::new(Code::FORBIDDEN)),
                _ => builder.put(&XorMappedAddress(local())),
            };
            builder.put(&realm).put(&nonce);
            if is_whole {
                builder.put(&offer);
            }
            builder.put(&PasswordAlgorithm::plain(Algorithm::SHA256)).integrity_sha256(&key);
        })
    };
    tell(&mut client, millis(2), (remote(), local()), &answer(false));
    assert_eq!(client.poll_event(), None);
    assert_eq!(client.stats().dropped.get(DropReason::BidDown), 1);
    tell(&mut client, millis(3), (remote(), local()), &answer(true));
    let event = event(&mut client);
    let refused = reason(&event) == Some(FailReason::Rejected(Code::FORBIDDEN));
    assert!(if class == Class::Error { refused } else { is_authenticated(&event) }, "{event:?}");
}

#[test]
fn a_challenge_with_no_algorithm_in_common_is_not_answered() {
    let (mut client, reason) = challenged(|builder| {
        builder.put(&Realm::new("example.org").unwrap());
        builder.put(&Nonce::new("obMatJos2gAAAxyz").unwrap());
        builder.put(&OfferedAlgorithms(&[Algorithm::new(9)]));
    });
    assert_eq!(reason, Some(FailReason::NoSupportedAlgorithm));
    says_nothing(&mut client, millis(1));
}

#[test]
fn a_challenge_without_a_realm_is_not_answered() {
    let (_, reason) = challenged(|builder| {
        builder.put(&Nonce::new("nonce").unwrap());
    });
    assert_eq!(reason, Some(FailReason::BadChallenge));
}

#[test]
fn the_first_algorithm_the_client_knows_is_taken_and_the_offer_repeated() {
    let offer = [Algorithm::new(9), Algorithm::MD5, Algorithm::SHA256];
    let (mut client, reason) = challenged(|builder| {
        builder.put(&Realm::new("example.org").unwrap());
        builder.put(&Nonce::new("obMatJos2gAAAxyz").unwrap());
        builder.put(&OfferedAlgorithms(&offer));
    });
    assert_eq!(reason, None);
    let (_, bytes) = says_one(&mut client, millis(1));
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.get(), Some(PasswordAlgorithm::plain(Algorithm::MD5)));
    let repeated: stun::wire::PasswordAlgorithms<'_> = message.get().unwrap();
    assert!(repeated.entries().map(|entry| entry.algorithm).eq(offer));
    assert!(!message.has_integrity());
    let key = Key::long_term(provider(), Algorithm::MD5, "user", "example.org", "pass").unwrap();
    assert_eq!(message.check_integrity_sha256(&key, 32), Check::Passed);
}

/// A request with a good nonce, and otherwise as `fill` will have it.
fn long_term_request(
    server: &mut Server,
    fill: impl FnOnce(&mut stun::Builder<'_>),
) -> (Vec<u8>, u16) {
    let challenge = ask(server, Instant::ZERO, &message(Class::Request, |_| {}));
    let challenge = Message::parse(&challenge).unwrap();
    let nonce: Nonce<'_> = challenge.get().unwrap();
    let request = message(Class::Request, |builder| {
        put_username(builder, "user");
        builder.put(&Realm::new("example.org").unwrap()).put(&nonce);
        fill(builder);
    });
    let response = ask(server, Instant::ZERO, &request);
    let code = code(&response).unwrap_or_default();
    (response, code)
}

fn key(algorithm: Algorithm) -> Key {
    Key::long_term(provider(), algorithm, "user", "example.org", "pass").unwrap()
}

#[test]
fn the_server_sees_a_shortened_offer() {
    let mut server = long_term_server(|_| {});
    let (response, code) = long_term_request(&mut server, |builder| {
        builder.put(&OfferedAlgorithms(&[Algorithm::MD5]));
        builder.put(&PasswordAlgorithm::plain(Algorithm::MD5));
        builder.integrity_sha256(&key(Algorithm::MD5));
    });
    assert_eq!(code, 400);
    let response = Message::parse(&response).unwrap();
    assert_eq!(response.all_attributes().count(), 1);
}

#[rstest]
#[case::offer_alone(true, None)]
#[case::choice_alone(false, Some(Algorithm::SHA256))]
#[case::choice_not_offered(true, Some(Algorithm::new(7)))]
fn offer_and_choice_go_together(#[case] offers: bool, #[case] choice: Option<Algorithm>) {
    let mut server = long_term_server(|_| {});
    let (_, code) = long_term_request(&mut server, |builder| {
        if offers {
            builder.put(&OfferedAlgorithms(&[Algorithm::SHA256, Algorithm::MD5]));
        }
        let choice = choice.map(PasswordAlgorithm::plain);
        builder.put_some(choice.as_ref()).integrity_sha256(&key(Algorithm::SHA256));
    });
    assert_eq!(code, 400);
}

#[test]
fn a_client_of_old_gets_the_integrity_of_old() {
    let mut server = long_term_server(|_| {});
    let (response, code) = long_term_request(&mut server, |builder| {
        builder.integrity(&key(Algorithm::MD5));
    });
    assert_eq!(code, 0);
    let response = Message::parse(&response).unwrap();
    assert_eq!(response.check_integrity(&key(Algorithm::MD5)), Check::Passed);
    assert!(!response.has_integrity_sha256());
}

#[test]
fn a_nonce_of_another_client_is_stale() {
    let mut server = long_term_server(|_| {});
    let bare = message(Class::Request, |_| {});
    tell(&mut server, Instant::ZERO, (at("198.51.100.8:1"), remote()), &bare);
    let (_, challenge) = says_one(&mut server, Instant::ZERO);
    let challenge = Message::parse(&challenge).unwrap();
    let request = message(Class::Request, |builder| {
        put_username(builder, "user");
        builder.put(&Realm::new("example.org").unwrap());
        builder.put(&challenge.get::<Nonce<'_>>().unwrap());
        builder.integrity(&key(Algorithm::MD5));
    });
    assert_eq!(code(&ask(&mut server, Instant::ZERO, &request)), Some(438));
}

#[test]
fn an_incomplete_request_is_a_bad_one() {
    let mut server = long_term_server(|_| {});
    let request = message(Class::Request, |builder| {
        put_username(builder, "user");
        builder.integrity(&key(Algorithm::MD5));
    });
    assert_eq!(code(&ask(&mut server, Instant::ZERO, &request)), Some(400));
}

#[test]
fn an_unprotected_400_is_passed_over() {
    let mut client = long_term_client("pass");
    request(&mut client, Instant::ZERO);
    let (_, bytes) = says_one(&mut client, Instant::ZERO);
    let id = Message::parse(&bytes).unwrap().transaction_id();
    let response = message_of(Class::Error, id, |builder| {
        builder.put(&ErrorCode::new(Code::BAD_REQUEST));
    });
    tell(&mut client, millis(1), (remote(), local()), &response);
    assert_eq!(client.poll_event(), None);
    assert_eq!(client.stats().dropped.get(DropReason::UnprotectedBadRequest), 1);
}

/// Two servers that send everybody on, and a client that follows.
fn redirected(first: &str, second: &str) -> (Client, Server, Server) {
    let sending_to = |other: &str| {
        let access = ShortTermAccess::new().with_user(provider(), "user", "pass").unwrap();
        let redirect = Redirect {
            ipv4: Some(at(other)),
            ipv6: Some(at("[2001:db8::1]:3478")),
            domain: Some("other.example".to_owned()),
        };
        server(|config| {
            config.access = Access::ShortTerm(access);
            config.redirect = Some(redirect);
        })
    };
    let credential = Credential::short_term(provider(), "user", "pass", Integrity::Sha256);
    let client = client(|config| {
        config.credential = Some(credential.unwrap());
        config.follows_alternate_server = true;
    });
    (client, sending_to(second), sending_to(first))
}

#[test]
fn follows_an_authentic_redirection_but_not_in_circles() {
    let (mut client, mut first, mut second) = redirected("192.0.2.1:3478", "192.0.2.2:3478");
    request(&mut client, Instant::ZERO);
    let mut asked = Vec::new();
    loop {
        let said = says(&mut client, Instant::ZERO);
        let Some((transmit, bytes)) = said.into_iter().next() else {
            break;
        };
        asked.push(transmit.destination.to_string());
        let server = if transmit.destination == remote() { &mut first } else { &mut second };
        tell(server, Instant::ZERO, (local(), transmit.destination), &bytes);
        let (back, response) = says_one(server, Instant::ZERO);
        let message = Message::parse(&response).unwrap();
        assert_eq!(message.get_all::<AlternateServer>().count(), 2);
        tell(&mut client, Instant::ZERO, (back.source.unwrap(), local()), &response);
    }
    assert_eq!(asked, ["192.0.2.1:3478", "192.0.2.2:3478"]);
    let redirected = client.poll_event().unwrap();
    assert!(matches!(
        redirected,
        ClientEvent::Redirected { server, domain: Some(domain), .. }
            if server == at("192.0.2.2:3478") && domain == "other.example"
    ));
    assert_eq!(reason(&event(&mut client)), Some(FailReason::RedirectLoop));
}

#[test]
fn follows_no_redirection_that_anybody_could_have_sent() {
    let mut client = client(|config| config.follows_alternate_server = true);
    request(&mut client, Instant::ZERO);
    let (_, bytes) = says_one(&mut client, Instant::ZERO);
    let id = Message::parse(&bytes).unwrap().transaction_id();
    let response = message_of(Class::Error, id, |builder| {
        builder.put(&ErrorCode::new(Code::TRY_ALTERNATE));
        builder.put(&AlternateServer(at("203.0.113.66:53")));
    });
    tell(&mut client, millis(1), (remote(), local()), &response);
    assert_eq!(reason(&event(&mut client)), Some(FailReason::Rejected(Code::TRY_ALTERNATE)));
    says_nothing(&mut client, millis(1));
}

#[test]
fn sends_nobody_on_who_has_not_shown_a_credential() {
    let redirect = Redirect { ipv4: Some(at("192.0.2.2:3478")), ..Redirect::default() };
    let mut server = server(|config| config.redirect = Some(redirect));
    let response = ask(&mut server, Instant::ZERO, &message(Class::Request, |_| {}));
    assert_eq!(code(&response), Some(400));
    assert!(!Message::parse(&response).unwrap().has(AttributeType::ALTERNATE_SERVER));
}
