//! Passwords, tokens, and who tampers with the choice between them.

use rstest::rstest;
use stun::{
    Credential, FailReason, Message, SecurityFeatures,
    wire::{Class, Code, ErrorCode, Nonce, Realm},
};
use turn::{Allocate, AllocateFailure, ClientEvent};

use crate::{
    relay::{Demand, response},
    support::{World, peer, provider, secs},
};

fn token() -> Credential {
    Credential::access_token(provider(), "kid", b"token", b"mac key").unwrap()
}

#[test]
fn hides_its_name_and_uses_sha256_where_the_server_can() {
    let mut world = World::allocated(|_, relay| relay.demand = Demand::Sha256);
    world.bind(peer());
    world.run(secs(3_600));
    assert!(!world.ladder.contains("username="), "{}", world.ladder);
    assert!(!world.ladder.contains("MESSAGE-INTEGRITY["), "{}", world.ladder);
    assert!(world.ladder.contains("USERHASH[32]"));
    assert_eq!(world.take_events(), []);
}

#[test]
fn shows_a_token_where_it_is_asked_for_and_nowhere_else() {
    let mut world = World::allocated(|config, relay| {
        relay.demand = Demand::Token;
        config.credential = Some(token());
    });
    world.bind(peer());
    world.run(secs(3_600));
    let asked = world.relay.asked.iter().map(|(_, line)| line.as_str());
    for line in asked {
        let about_allocation = line.starts_with("Allocate") || line.starts_with("Refresh");
        assert_eq!(line.contains("ACCESS-TOKEN"), about_allocation, "{line}");
    }
    assert_eq!(world.take_events(), []);
}

#[test]
fn keeps_a_token_from_servers_that_ask_for_a_password() {
    let mut world = World::new(|config, _| config.credential = Some(token()));
    world.client.allocate(world.now, Allocate::default()).unwrap();
    world.run(secs(60));
    let rejected = FailReason::Rejected(Code::UNAUTHENTICATED);
    let failure = AllocateFailure::Request(rejected);
    assert_eq!(world.take_events(), [ClientEvent::Failed(failure)]);
    assert!(!world.ladder.contains("ACCESS-TOKEN"), "{}", world.ladder);
}

#[test]
fn refreshes_at_once_with_a_new_credential() {
    let mut world = World::allocated(|_, _| {});
    let credential = Credential::long_term("user", "password").unwrap();
    world.command(|client, now| client.set_credential(now, credential));
    world.run(secs(1));
    assert_eq!(world.client.stats().refreshes, 1);
}

#[test]
fn a_credential_that_ended_may_be_replaced_in_time() {
    let mut world = World::allocated(|config, _| {
        config.credential = Some(Credential::long_term("user", "password").unwrap());
    });
    let wrong = Credential::long_term("user", "expired").unwrap();
    world.command(|client, now| client.set_credential(now, wrong));
    world.run(secs(100));
    let events = world.take_events();
    let reason = FailReason::Rejected(Code::UNAUTHENTICATED);
    assert!(
        matches!(events[..], [ClientEvent::RefreshFailed { reason: it, .. }] if it == reason),
        "{events:?}"
    );
    let right = Credential::long_term("user", "password").unwrap();
    world.command(|client, now| client.set_credential(now, right));
    world.run(secs(3_600));
    assert_eq!(world.take_events(), []);
    assert!(world.client.allocation().is_some());
}

#[test]
fn gives_up_on_a_wrong_password_after_one_try() {
    let mut world = World::new(|config, _| {
        config.credential = Some(Credential::long_term("user", "guess").unwrap());
    });
    world.client.allocate(world.now, Allocate::default()).unwrap();
    world.run(secs(60));
    let rejected = FailReason::Rejected(Code::UNAUTHENTICATED);
    let failure = AllocateFailure::Request(rejected);
    assert_eq!(world.take_events(), [ClientEvent::Failed(failure)]);
    assert_eq!(world.ladder.lines().filter(|line| line.contains('>')).count(), 2);
}

#[rstest]
#[case::challenge(Code::UNAUTHENTICATED)]
#[case::stale(Code::STALE_NONCE)]
fn sees_that_algorithms_were_taken_out(#[case] code: Code) {
    let mut world = World::new(|_, _| {});
    world.command(|client, now| client.allocate(now, Allocate::default())).unwrap();
    let (_, request) = world.take_sent().unwrap();
    let features = SecurityFeatures { password_algorithms: true, username_anonymity: false };
    let nonce = format!("{}n", features.cookie());
    let forged = response(&Message::parse(&request).unwrap(), Class::Error, |builder| {
        builder.put(&ErrorCode::new(code)).put(&Realm::new("relay.example").unwrap());
        builder.put(&Nonce::new(&nonce).unwrap());
    });
    world.hear(&forged);
    let failure = AllocateFailure::Request(FailReason::BidDown);
    assert_eq!(world.take_events(), [ClientEvent::Failed(failure)]);
}

#[test]
fn without_a_credential_a_challenge_is_the_end() {
    let mut world = World::new(|config, _| config.credential = None);
    world.client.allocate(world.now, Allocate::default()).unwrap();
    world.run(secs(60));
    assert!(matches!(world.take_events()[..], [ClientEvent::Failed(_)]));
}

#[test]
fn forged_answers_change_nothing() {
    let mut world = World::allocated(|_, _| {});
    world.command(|client, now| client.permit(now, peer().ip())).unwrap();
    let (_, request) = world.take_sent().unwrap();
    for code in [Code::ALLOCATION_MISMATCH, Code::FORBIDDEN, Code::BAD_REQUEST] {
        let forged = response(&Message::parse(&request).unwrap(), Class::Error, |builder| {
            builder.put(&ErrorCode::new(code));
        });
        world.hear(&forged);
    }
    world.run(secs(1));
    assert_eq!(world.take_events(), [ClientEvent::Permitted { peer: peer().ip() }]);
}
