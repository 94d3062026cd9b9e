//! Data passes an association without allocations.

#![expect(clippy::unwrap_used, reason = "what a test sets up itself is there, or the test fails")]

use std::{sync::Arc, time::Duration};

use base::{Instant, Rng, WallTime};
use crypto::{CertificateParams, EcdsaCurve, HashAlgorithm, Provider};
use dtls::{Association, CipherSuite, Config, Credential, PeerCheck, Version};
use rstest::rstest;

const PAYLOAD: [u8; 1_200] = [0xab; 1_200];

/// Two ends that trust each other.
fn configs(provider: Provider, version: Version, id: Option<usize>) -> [Arc<Config>; 2] {
    let params = CertificateParams {
        common_name: "peer",
        curve: EcdsaCurve::P256,
        not_before: WallTime::from_unix(Duration::ZERO),
        not_after: WallTime::from_unix(Duration::from_secs(2_000_000_000)),
    };
    let credentials = [1, 2].map(|seed| {
        Credential::new(provider.self_signed(&params, &mut Rng::from_seed([seed; 32])).unwrap())
    });
    let fingerprints: Vec<_> = credentials
        .iter()
        .map(|credential| credential.fingerprint(provider, HashAlgorithm::Sha256).unwrap())
        .collect();
    credentials.map(|credential| {
        let mut config = Config::new(provider, credential);
        (config.min_version, config.max_version) = (version, version);
        config.peer_check = PeerCheck::Fingerprints(fingerprints.clone());
        config.connection_id = id;
        Arc::new(config)
    })
}

/// Two ends after their handshake.
fn connected(configs: [Arc<Config>; 2]) -> [Association; 2] {
    let [client, server] = configs;
    let (rng, now) = (Rng::from_seed([3; 32]), Instant::ZERO);
    let mut ends = [
        Association::client(client, rng.fork("client"), now),
        Association::server(server, rng.fork("server"), now),
    ];
    let mut packet = Vec::new();
    for _ in 0..10 {
        let [one, other] = &mut ends;
        while one.poll_packet(now, &mut packet).is_some() {
            other.receive(now, &packet);
            packet.clear();
        }
        ends.reverse();
    }
    for end in &mut ends {
        while end.poll_event().is_some() {}
        assert!(end.is_connected());
    }
    ends
}

#[rstest]
fn records_are_sealed_and_opened_without_allocations(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(None, Some(8))] id: Option<usize>,
) {
    let [mut client, mut server] = connected(configs(provider, version, id));
    assert_eq!(client.session().version(), Some(version));
    let now = Instant::ZERO;
    let mut packet = Vec::with_capacity(2_000);
    let mut received = 0;
    let mut pass = |from: &mut Association, to: &mut Association| {
        packet.clear();
        from.send(now, &PAYLOAD, &mut packet).unwrap();
        to.receive(now, &packet);
        while let Some(data) = to.poll_data() {
            assert_eq!(data, PAYLOAD);
            received += 1;
        }
    };
    // The first records size buffers that are kept, one after the other.
    for _ in 0..16 {
        pass(&mut client, &mut server);
        pass(&mut server, &mut client);
    }
    let info = allocation_counter::measure(|| {
        for _ in 0..1_000 {
            pass(&mut client, &mut server);
            pass(&mut server, &mut client);
        }
    });
    assert_eq!((info.count_total, info.bytes_current), (0, 0));
    assert_eq!(received, 2_032);
    assert_eq!(client.session().suite().map(CipherSuite::version), Some(version));
}

#[rstest]
fn a_stranger_s_records_cost_no_memory(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let [mut client, mut server] = connected(configs(crypto::rust_crypto(), version, None));
    let now = Instant::ZERO;
    let mut forged = Vec::new();
    client.send(now, &PAYLOAD, &mut forged).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    server.receive(now, &forged);
    let info = allocation_counter::measure(|| {
        for _ in 0..1_000 {
            server.receive(now, &forged);
        }
    });
    assert_eq!((info.count_total, info.bytes_current), (0, 0));
    assert_eq!(server.stats().dropped.count(dtls::DropReason::BadTag), 1_001);
}
