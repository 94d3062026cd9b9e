//! Handshakes on a path that delivers everything.

use dtls::{Event, Side, Version};
use rstest::rstest;

use crate::support::{Pair, configs};

#[rstest]
#[case::dtls12(Version::Dtls12)]
#[case::dtls13(Version::Dtls13)]
fn two_ends_that_trust_each_other_connect(#[case] version: Version) {
    let mut pair = Pair::connected(version);
    assert_eq!(pair.client.session().version(), Some(version));
    assert_eq!(pair.server.session().version(), Some(version));
    assert!(pair.events.contains(&(Side::Client, Event::Connected)));
    assert!(pair.events.contains(&(Side::Server, Event::Connected)));
    pair.assert_alive();
}

#[rstest]
fn the_newest_version_of_both_is_spoken(
    #[values((Version::Dtls12, Version::Dtls13), (Version::Dtls12, Version::Dtls12))] client: (
        Version,
        Version,
    ),
    #[values((Version::Dtls12, Version::Dtls13), (Version::Dtls12, Version::Dtls12))] server: (
        Version,
        Version,
    ),
) {
    let [mut ours, mut theirs] = configs(Version::Dtls12);
    (ours.min_version, ours.max_version) = client;
    (theirs.min_version, theirs.max_version) = server;
    let mut pair = Pair::new([ours, theirs]);
    pair.run_until_connected();
    assert_eq!(pair.client.session().version(), Some(client.1.min(server.1)));
    pair.assert_alive();
}

#[rstest]
#[case::dtls12(Version::Dtls12)]
#[case::dtls13(Version::Dtls13)]
fn both_ends_export_the_same_keys(#[case] version: Version) {
    let pair = Pair::connected(version);
    let export = |end: &dtls::Association, context| {
        let mut out = [0; 40];
        end.export(b"EXPERIMENTAL", context, &mut out).unwrap();
        out
    };
    for context in [None, Some(&b"context"[..])] {
        assert_eq!(export(&pair.client, context), export(&pair.server, context));
    }
    assert_ne!(export(&pair.client, None), export(&pair.client, Some(b"context")));
    let [ours, theirs] = [&pair.client, &pair.server].map(|end| end.srtp_keys().unwrap());
    assert_eq!(ours.profile, theirs.profile);
    assert_eq!(ours.local.key(), theirs.remote.key());
    assert_eq!(ours.local.salt(), theirs.remote.salt());
    assert_eq!(ours.remote.key(), theirs.local.key());
    assert_ne!(ours.local.key(), ours.remote.key());
}
