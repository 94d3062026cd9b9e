//! Ends that hold the keys of the handshake and break its rules.

use crypto::Provider;

use super::bench::{Bench, Key, config, fingerprint};
use crate::{
    Config, Misdeed, Side, Version,
    flight::Expect,
    handshake::{
        Context, Offer,
        tls13::{hello, keys::HandshakeKeys},
    },
    wire::{ClientHello, ClientKeyShares, Message as _, ServerHello},
};

/// What a forger says once there are keys.
pub(super) type Forge<'f> = &'f dyn Fn(&mut Context<'_>, &HandshakeKeys);

/// The configurations of two ends that trust each other.
pub(super) fn trusting(provider: Provider) -> (Config, Config) {
    let mut client = config(provider, Key::P256, 101);
    let mut server = config(provider, Key::P256, 102);
    (client.peer_check, server.peer_check) = (fingerprint(&server), fingerprint(&client));
    (client, server)
}

/// Has an honest server talk to a client that says what `forge` says in place of its last flight.
pub(super) fn forge_client(forge: Forge<'_>) -> Result<Bench, Misdeed> {
    let (client, server) = trusting(crypto::rust_crypto());
    let mut server = Bench::new(Side::Server, server, 2);
    let mut client = Bench::silent(Side::Client, client, 1);
    let mut cx = client.context();
    let mut offer = Offer::new(&mut cx);
    cx.session.client_random = offer.random;
    cx.outbox.begin_flight();
    offer.send(&mut cx);
    cx.outbox.end_flight(cx.now, Expect::Answer);
    server.told_all(&client.says())?;
    let flight = server.says();
    let (first, rest) = flight.split_first().unwrap();
    let hello = ServerHello::parse(&first.body).unwrap();
    let mut cx = client.context();
    let suite = hello.suite.known().unwrap();
    (cx.session.version, cx.session.suite) = (Some(Version::Dtls13), Some(suite));
    cx.transcript.choose(cx.config.provider, Version::Dtls13, suite.hash());
    cx.hear(&first.incoming());
    let shared = hello::accept(&mut cx, &mut offer, &hello).unwrap();
    let (keys, _) = HandshakeKeys::agree(&mut cx, &shared).unwrap();
    rest.iter().for_each(|message| cx.hear(&message.incoming()));
    cx.outbox.begin_flight();
    forge(&mut cx, &keys);
    cx.outbox.end_flight(cx.now, Expect::Acknowledgement);
    server.told_all(&client.says())?;
    Ok(server)
}

/// Has an honest client talk to a server that says what `forge` says after its ServerHello.
pub(super) fn forge_server(forge: Forge<'_>) -> Result<Bench, Misdeed> {
    let (client, server) = trusting(crypto::rust_crypto());
    let mut client = Bench::new(Side::Client, client, 1);
    let mut server = Bench::silent(Side::Server, server, 2);
    let said = client.says();
    let first = said.first().unwrap();
    let hello = ClientHello::parse(&first.body).unwrap();
    let share = hello.extensions.get::<ClientKeyShares<'_>>().unwrap().unwrap();
    let share = share.entries().next().unwrap();
    let mut cx = server.context();
    let suite = cx.config.suites.iter().copied().find(|suite| suite.version() == Version::Dtls13);
    let suite = suite.unwrap();
    (cx.session.version, cx.session.suite) = (Some(Version::Dtls13), Some(suite));
    cx.session.client_random = hello.random;
    cx.session.server_random = cx.rng.public_array();
    cx.transcript.choose(cx.config.provider, Version::Dtls13, suite.hash());
    cx.hear(&first.incoming());
    cx.outbox.begin_flight();
    let shared = hello::send(&mut cx, share.group.known().unwrap(), share.share).unwrap();
    let (keys, _) = HandshakeKeys::agree(&mut cx, &shared).unwrap();
    forge(&mut cx, &keys);
    cx.outbox.end_flight(cx.now, Expect::Answer);
    client.told_all(&server.says())?;
    Ok(client)
}
