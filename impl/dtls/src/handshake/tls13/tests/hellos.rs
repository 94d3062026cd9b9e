//! ClientHellos that no client makes which keeps the rules.

use base::Writer;
use crypto::{HashAlgorithm, NamedGroup};
use rstest::rstest;

use super::bench::{Bench, Key, config, pair};
use crate::{
    CipherSuite, Misdeed,
    cookie::extensions_digest,
    flight::{Message, Transcript},
    handshake::{
        Handshake,
        server::{First, Retried, Waiting},
    },
    wire::{ClientHello, ExtensionBlock, ExtensionType, Message as _},
};

/// The suite that the requests of these tests asked for.
const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256;

/// A client with shares of `groups` and a server.
fn ends(groups: &[NamedGroup]) -> (Bench, Bench) {
    let provider = crypto::aws_lc_rs();
    let mut client = config(provider, Key::P256, 15);
    client.key_shares = groups.to_vec();
    pair(client, config(provider, Key::P256, 16))
}

/// The only message of `client` with more extensions, which come before or after the others.
fn with_extensions(
    client: &mut Bench,
    before: &[ExtensionType],
    after: &[ExtensionType],
) -> Message {
    let message = client.says().remove(0);
    let hello = ClientHello::parse(&message.body).unwrap();
    let mut block = ExtensionBlock::new();
    let more =
        |kinds: &[ExtensionType]| kinds.iter().map(|kind| (*kind, vec![1])).collect::<Vec<_>>();
    let own = hello.extensions.iter().map(|(kind, value)| (kind, value.to_vec()));
    for (kind, value) in more(before).into_iter().chain(own).chain(more(after)) {
        block.put_raw(kind, &value);
    }
    let mut body = Vec::new();
    let changed = ClientHello { extensions: block.as_extensions(), ..hello };
    changed.write(&mut Writer::new(&mut body));
    Message { body, ..message }
}

#[rstest]
#[case::as_it_must_be(
    &[ExtensionType::PSK_KEY_EXCHANGE_MODES],
    &[ExtensionType::PRE_SHARED_KEY],
    Ok(())
)]
#[case::not_last(
    &[ExtensionType::PRE_SHARED_KEY, ExtensionType::PSK_KEY_EXCHANGE_MODES],
    &[],
    Err(Misdeed::ExtensionForbidden)
)]
#[case::without_a_mode(&[], &[ExtensionType::PRE_SHARED_KEY], Err(Misdeed::ExtensionMissing))]
fn known_keys_come_last_and_with_a_way_to_use_them(
    #[case] before: &[ExtensionType],
    #[case] after: &[ExtensionType],
    #[case] told: Result<(), Misdeed>,
) {
    let (mut client, mut server) = ends(&[NamedGroup::X25519]);
    let hello = with_extensions(&mut client, before, after);
    assert_eq!(server.told(&hello), told);
}

#[rstest]
#[case::the_share(&[NamedGroup::Secp256r1], &[], Ok(()))]
#[case::another_too(
    &[NamedGroup::Secp256r1, NamedGroup::X25519],
    &[],
    Err(Misdeed::GroupChanged)
)]
#[case::early_data(
    &[NamedGroup::Secp256r1],
    &[ExtensionType::EARLY_DATA],
    Err(Misdeed::SecondHelloChanged)
)]
fn what_was_asked_for_without_state_is_all_that_may_change(
    #[case] groups: &[NamedGroup],
    #[case] more: &[ExtensionType],
    #[case] told: Result<(), Misdeed>,
) {
    let (mut client, mut server) = ends(groups);
    server.config.groups = vec![NamedGroup::Secp256r1];
    let message = with_extensions(&mut client, more, &[]);
    let hello = ClientHello::parse(&message.body).unwrap();
    let first = First::Whole(extensions_digest(server.config.provider, &hello));
    let retried = Retried { suite: SUITE, group: Some(NamedGroup::Secp256r1), first };
    let provider = server.config.provider;
    server.transcript = Transcript::after_retry(provider, HashAlgorithm::Sha256, &[7; 32]);
    server.handshake = Some(Handshake::ClientHello(Waiting { retried: Some(retried) }));
    assert_eq!(server.told(&message), told);
}
