//! Who is served: RFC 8489 §9.2, RFC 8656 §5, RFC 7635, and time-limited credentials.

use std::time::Duration;

use base::WallTime;
use crypto::Provider;
use rstest::rstest;
use stun::wire::{
    Algorithm, AttributeType, Family, Method, RequestedAddressFamily, ThirdPartyAuthorization,
    TokenContent, UnknownAttributes,
};
use turn::{
    ServerEvent,
    server::{Accounts, ReleaseReason, TokenKey, Tokens},
};

use crate::rig::{DATE, PASSWORD, REALM, Rig, User, accounts, config, peer, udp};

#[rstest]
#[case::sha256(Some(Algorithm::SHA256))]
#[case::md5_named(Some(Algorithm::MD5))]
#[case::of_rfc_5389(None)]
fn a_password_is_taken_with_every_algorithm(#[case] algorithm: Option<Algorithm>) {
    let mut rig = Rig::new(config());
    let mut alice = User { algorithm, ..User::new("alice") };
    let answer = rig.ask(&mut alice, Method::ALLOCATE, &udp);
    assert_eq!(answer.code(), 0);
    assert_eq!(answer.message().has_integrity_sha256(), algorithm.is_some());
    assert_eq!(rig.permit(&mut alice, &[peer()]), 0);
}

#[test]
fn a_wrong_password_or_user_is_a_401() {
    let mut rig = Rig::new(config());
    for (username, password) in [("alice", "wrong"), ("carol", PASSWORD), ("", PASSWORD)] {
        let mut user = User { password: password.to_owned(), ..User::new(username) };
        assert_eq!(rig.ask(&mut user, Method::ALLOCATE, &udp).code(), 401);
    }
    assert_eq!((rig.server.stats().allocations, rig.events.len()), (0, 3));
}

#[test]
fn an_allocation_is_its_makers_own() {
    let mut rig = Rig::new(config());
    let (mut alice, mut bob) = (User::new("alice"), User::new("bob"));
    rig.allocate(&mut alice);
    // Bob, from the very same address.
    assert_eq!(rig.permit(&mut bob, &[peer()]), 441);
    assert_eq!(rig.bind(&mut bob, 0x4000, peer()), 441);
    assert_eq!(rig.refresh(&mut bob, 0).code(), 441);
    assert_eq!(rig.server.stats().allocations, 1);
}

#[test]
fn without_an_allocation_there_is_a_437() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    assert_eq!(rig.permit(&mut alice, &[peer()]), 437);
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 437);
    assert_eq!(rig.refresh(&mut alice, 600).code(), 437);
}

#[test]
fn a_stale_nonce_is_a_438_for_every_method() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.allocate(&mut alice);
    for method in [Method::REFRESH, Method::CREATE_PERMISSION, Method::CHANNEL_BIND] {
        assert_eq!(rig.refresh(&mut alice, 3_600).code(), 0);
        rig.wait(600.0);
        let stale = rig.ask_once(&alice, method, &|_| {}).unwrap();
        assert_eq!(stale.code(), 438);
        let nonce = stale.message().get::<stun::wire::Nonce<'_>>().unwrap();
        assert_ne!(nonce.as_str(), alice.challenge.as_ref().unwrap().nonce);
    }
    assert_eq!(rig.server.stats().allocations, 1);
}

#[test]
fn a_nonce_is_good_for_one_source() {
    // T19.
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    assert_eq!(rig.permit(&mut alice, &[peer()]), 437);
    let elsewhere = alice.clone().on_port(1);
    assert_eq!(rig.ask_once(&elsewhere, Method::REFRESH, &|_| {}).unwrap().code(), 438);
}

fn secret_rig() -> Rig {
    let mut with_secret = config();
    let accounts = Accounts::new(REALM).unwrap();
    let accounts = accounts.with_secret(Provider::default(), b"old");
    with_secret.accounts = accounts.with_secret(Provider::default(), b"new");
    Rig::new(with_secret)
}

fn time_limited(secret: &[u8], seconds: u64, user: &str) -> User {
    let end = WallTime::from_unix(Duration::from_secs(DATE + seconds));
    let (username, password) = Accounts::time_limited(Provider::default(), secret, end, user);
    User { password, ..User::new(&username) }
}

#[test]
fn a_time_limited_credential_is_what_every_web_service_makes() {
    // The HMAC-SHA-1 of the username in base64, computed elsewhere.
    let end = WallTime::from_unix(Duration::from_secs(1_433_895_918));
    let (username, password) = Accounts::time_limited(Provider::default(), b"north", end, "joe");
    assert_eq!(username, "1433895918:joe");
    assert_eq!(password.len(), 28);
}

#[rstest]
#[case::new_secret(b"new", 60, 0)]
#[case::old_secret(b"old", 60, 0)]
#[case::other_secret(b"xxx", 60, 401)]
#[case::over(b"new", 0, 401)]
fn a_time_limited_credential_holds_until_its_end(
    #[case] secret: &[u8],
    #[case] seconds: u64,
    #[case] code: u16,
) {
    let mut rig = secret_rig();
    let mut user = time_limited(secret, seconds, "joe");
    assert_eq!(rig.ask(&mut user, Method::ALLOCATE, &udp).code(), code);
}

#[test]
fn an_allocation_outlives_its_credential_and_the_secret() {
    let mut rig = secret_rig();
    let mut user = time_limited(b"old", 100, "joe");
    rig.allocate(&mut user);
    rig.wait(200.0);
    let accounts = Accounts::new(REALM).unwrap().with_secret(Provider::default(), b"newer");
    rig.server.set_accounts(rig.now, accounts).unwrap();
    assert_eq!(rig.permit(&mut user, &[peer()]), 0);
    assert_eq!(rig.refresh(&mut user, 600).code(), 0);
    let mut again = user.clone().on_port(5);
    again.challenge = None;
    assert_eq!(rig.ask(&mut again, Method::ALLOCATE, &udp).code(), 401);
}

#[test]
fn credentials_of_one_user_share_one_quota() {
    let mut rig = secret_rig();
    for (port, seconds) in (1..=10).zip(60..) {
        rig.allocate(&mut time_limited(b"new", seconds, "joe").on_port(port));
    }
    let mut more = time_limited(b"new", 500, "joe").on_port(11);
    assert_eq!(rig.ask(&mut more, Method::ALLOCATE, &udp).code(), 486);
    assert_eq!(rig.ask(&mut time_limited(b"new", 500, "ann"), Method::ALLOCATE, &udp).code(), 0);
}

#[test]
fn a_user_who_is_gone_loses_the_allocation() {
    let mut rig = Rig::new(config());
    let (mut alice, mut bob) = (User::new("alice"), User::new("bob").on_port(3));
    rig.allocate(&mut alice);
    rig.allocate(&mut bob);
    let provider = Provider::default();
    let accounts = Accounts::new(REALM).unwrap().with_user(provider, "bob", "changed").unwrap();
    rig.server.set_accounts(rig.now, accounts).unwrap();
    rig.settle();
    assert!(matches!(
        rig.events.last(),
        Some(ServerEvent::Released { reason: ReleaseReason::Revoked, client, .. })
            if client.username.as_str() == "alice"
    ));
    assert_eq!(rig.refresh(&mut bob, 600).code(), 0, "bob goes on with the old password");
}

const SERVER_NAME: &str = "turn.example.org";

fn token(key: &TokenKey, lifetime: u32, mac_key: &[u8]) -> Vec<u8> {
    let content = TokenContent { mac_key, timestamp: DATE << 16, lifetime };
    // Tokens that differ need nonces that differ: it is enough that the contents of a test do.
    let mut nonce = [5; 12];
    let [a, b, c, d, e, ..] = &mut nonce;
    [*a, *b, *c, *d] = lifetime.to_be_bytes();
    *e = mac_key.first().copied().unwrap_or(0);
    key.seal(SERVER_NAME, nonce, content)
}

fn token_rig() -> (Rig, TokenKey) {
    let key = TokenKey::new(Provider::default(), &[9; 32]).unwrap();
    let mut with_tokens = config();
    let tokens = Tokens::new(SERVER_NAME).with_key("kid", key.clone());
    with_tokens.accounts = accounts().with_tokens(tokens);
    (Rig::new(with_tokens), key)
}

fn bearer(key: &TokenKey, lifetime: u32, mac_key: &[u8]) -> User {
    let token = token(key, lifetime, mac_key);
    User { token: Some((token, mac_key.to_vec())), algorithm: None, ..User::new("kid") }
}

#[test]
fn a_token_is_asked_for_and_taken() {
    let (mut rig, key) = token_rig();
    let mut user = bearer(&key, 3_600, &[1; 20]);
    let challenge = rig.ask_once(&user, Method::ALLOCATE, &udp).unwrap();
    let name: ThirdPartyAuthorization<'_> = challenge.message().get().unwrap();
    assert_eq!((challenge.code(), name.as_str()), (401, SERVER_NAME));
    assert!(challenge.bytes.len() <= 128);
    assert_eq!(rig.ask(&mut user, Method::ALLOCATE, &udp).code(), 0);
    // RFC 7635 §9: the token goes with Allocate and Refresh alone; its key stays.
    user.sends_token = false;
    assert_eq!(rig.permit(&mut user, &[peer()]), 0);
    assert_eq!(rig.bind(&mut user, 0x4000, peer()), 0);
}

#[test]
fn an_allocation_lives_no_longer_than_its_token() {
    let (mut rig, key) = token_rig();
    let mut user = bearer(&key, 100, &[1; 20]);
    let answer = rig.ask(&mut user, Method::ALLOCATE, &udp);
    assert_eq!(answer.lifetime(), 105);
    rig.wait(50.0);
    assert_eq!(rig.refresh(&mut user, 600).lifetime(), 55);
    // A new token takes the place of the old one.
    let mut renewed = bearer(&key, 300, &[2; 20]);
    renewed.challenge = user.challenge.clone();
    assert_eq!(rig.refresh(&mut renewed, 600).lifetime(), 255);
    renewed.sends_token = false;
    assert_eq!(rig.permit(&mut renewed, &[peer()]), 0);
}

#[test]
fn the_key_of_a_token_ends_with_the_token() {
    let (mut rig, key) = token_rig();
    let mut user = bearer(&key, 100, &[1; 20]);
    assert_eq!(rig.ask(&mut user, Method::ALLOCATE, &udp).lifetime(), 105);
    user.sends_token = false;
    rig.wait(50.0);
    assert_eq!(rig.refresh(&mut user, 600).lifetime(), 55, "no longer than with the token");
    rig.wait(55.0);
    assert_eq!(rig.server.stats().allocations, 0);
    // With a new token the end is the new one's.
    let mut user = bearer(&key, 200, &[1; 20]);
    assert_eq!(rig.ask(&mut user, Method::ALLOCATE, &udp).lifetime(), 100);
    let mut renewed = bearer(&key, 300, &[2; 20]);
    renewed.challenge = user.challenge.clone();
    assert_eq!(rig.refresh(&mut renewed, 600).lifetime(), 200);
    renewed.sends_token = false;
    rig.wait(150.0);
    assert_eq!(rig.refresh(&mut renewed, 600).lifetime(), 50);
}

#[test]
fn a_bad_token_is_a_401_and_an_unasked_one_a_420() {
    let (mut rig, key) = token_rig();
    let other = TokenKey::new(Provider::default(), &[8; 32]).unwrap();
    let mut user = bearer(&other, 600, &[1; 20]);
    assert_eq!(rig.ask(&mut user, Method::ALLOCATE, &udp).code(), 401);
    let mut rig = Rig::new(config());
    let mut user = bearer(&key, 600, &[1; 20]);
    let answer = rig.ask(&mut user, Method::ALLOCATE, &udp);
    assert_eq!(answer.code(), 420);
    let unknown: UnknownAttributes<'_> = answer.message().get().unwrap();
    assert_eq!(unknown.types().collect::<Vec<_>>(), [AttributeType::ACCESS_TOKEN]);
}

#[test]
fn what_follows_the_integrity_is_nothing_to_the_server() {
    // T07: an attribute that somebody put behind the integrity on the way.
    let mut rig = Rig::new(config());
    let mut alice = User { algorithm: None, ..User::new("alice") };
    assert_eq!(rig.refresh(&mut alice, 600).code(), 437);
    let tampered = |bytes: &[u8], kind: AttributeType, value: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes.extend_from_slice(&kind.number().to_be_bytes());
        bytes.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(value);
        let length = u16::try_from(bytes.len() - 20).unwrap();
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        bytes
    };
    let id = rig.next_id();
    let request = alice.request(id, Method::ALLOCATE, &udp);
    rig.send(&alice, &tampered(&request, AttributeType::LIFETIME, &[0, 0, 14, 16]));
    let answer = crate::rig::Answer { bytes: rig.next_to(&alice).unwrap() };
    assert_eq!((answer.code(), answer.lifetime()), (0, 600));
    let id = rig.next_id();
    let request = alice.request(id, Method::CREATE_PERMISSION, &|_| {});
    let peer = [0, 1, 0x32, 0x9a, 0xea, 0x12, 0xd5, 0x4b];
    rig.send(&alice, &tampered(&request, AttributeType::XOR_PEER_ADDRESS, &peer));
    let answer = crate::rig::Answer { bytes: rig.next_to(&alice).unwrap() };
    assert_eq!(answer.code(), 400);
}

#[test]
fn mobility_is_not_offered() {
    // T12 to T14: there is nothing to resume.
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    let answer = rig.ask(&mut alice, Method::ALLOCATE, &|builder| {
        udp(builder);
        builder.put(&stun::wire::MobilityTicket(&[]));
        builder.put(&RequestedAddressFamily(Family::IPV4));
    });
    assert_eq!(answer.code(), 0);
    assert!(!answer.message().has(AttributeType::MOBILITY_TICKET));
}
