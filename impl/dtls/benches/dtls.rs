//! What DTLS costs: a handshake with certificates on both sides, and a record of application data sealed
//! by one association and opened by the other, beside the cipher alone.
//!
//! Allocations are counted and printed before the times. For a record they are 0.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::{hint::black_box, sync::Arc, time::Duration};

use base::{Instant, Rng, WallTime};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use crypto::{AeadAlgorithm, CertificateParams, EcdsaCurve, HashAlgorithm, NamedGroup, Provider};
use dtls::{Association, CipherSuite, Config, Credential, PeerCheck, Version};

/// Bytes of application data in a record.
const PAYLOAD: usize = 1_200;

const PROVIDERS: [(&str, Provider); 2] =
    [("aws-lc-rs", crypto::aws_lc_rs()), ("rust-crypto", crypto::rust_crypto())];

const VERSIONS: [Version; 2] = [Version::Dtls12, Version::Dtls13];

/// Two ends that trust each other and agree on AES-128-GCM and X25519.
fn configs(provider: Provider, version: Version) -> [Arc<Config>; 2] {
    let params = CertificateParams {
        common_name: "peer",
        curve: EcdsaCurve::P256,
        not_before: WallTime::from_unix(Duration::ZERO),
        not_after: WallTime::from_unix(Duration::from_secs(2_000_000_000)),
    };
    let credentials = [1, 2].map(|seed| {
        Credential::new(provider.self_signed(&params, &mut Rng::from_seed([seed; 32])).unwrap())
    });
    let fingerprint =
        |credential: &Credential| credential.fingerprint(provider, HashAlgorithm::Sha256).unwrap();
    let fingerprints: Vec<_> = credentials.iter().map(fingerprint).collect();
    credentials.map(|credential| {
        let mut config = Config::new(provider, credential);
        (config.min_version, config.max_version) = (version, version);
        config.suites = vec![CipherSuite::Aes128GcmSha256, CipherSuite::EcdheEcdsaAes128GcmSha256];
        config.groups = vec![NamedGroup::X25519];
        config.peer_check = PeerCheck::Fingerprints(fingerprints.clone());
        Arc::new(config)
    })
}

/// Two ends after their handshake.
fn connect([client, server]: &[Arc<Config>; 2], rng: &Rng) -> [Association; 2] {
    let now = Instant::ZERO;
    let mut ends = [
        Association::client(Arc::clone(client), rng.fork("client"), now),
        Association::server(Arc::clone(server), rng.fork("server"), now),
    ];
    let mut packet = Vec::with_capacity(2_000);
    while ends.iter().any(|end| !end.is_connected()) {
        let [one, other] = &mut ends;
        while one.poll_packet(now, &mut packet).is_some() {
            other.receive(now, &packet);
            packet.clear();
        }
        ends.reverse();
    }
    if ends.first().is_some_and(|end| end.side() == dtls::Side::Server) {
        ends.reverse();
    }
    ends
}

fn handshake(c: &mut Criterion) {
    let mut group = c.benchmark_group("handshake");
    group.throughput(Throughput::Elements(1));
    for (name, provider) in PROVIDERS {
        for version in VERSIONS {
            let configs = configs(provider, version);
            let mut rng = Rng::from_seed([3; 32]);
            group.bench_function(format!("{name} {version}"), |b| {
                b.iter_batched(
                    || Rng::from_seed(rng.public_array()),
                    |rng| connect(&configs, &rng),
                    BatchSize::SmallInput,
                );
            });
        }
    }
}

fn record(c: &mut Criterion) {
    let now = Instant::ZERO;
    let mut group = c.benchmark_group(format!("record of {PAYLOAD} bytes"));
    group.throughput(Throughput::Bytes(1_200));
    for (name, provider) in PROVIDERS {
        let key = provider.aead_key(AeadAlgorithm::Aes128Gcm, &[7; 16]).unwrap();
        let mut plain = vec![0; PAYLOAD];
        group.bench_function(format!("{name} cipher alone, sealed"), |b| {
            b.iter(|| key.seal(&[3; 12], &[0; 13], black_box(&mut plain)));
        });
        for version in VERSIONS {
            let [mut client, mut server] =
                connect(&configs(provider, version), &Rng::from_seed([3; 32]));
            let (payload, mut packet) = ([0xab; PAYLOAD], Vec::with_capacity(2_000));
            let id = format!("{name} {version}, sealed");
            group.bench_function(id, |b| {
                b.iter(|| {
                    packet.clear();
                    client.send(now, black_box(&payload), &mut packet).unwrap()
                });
            });
            let id = format!("{name} {version}, sealed and opened");
            group.bench_function(id, |b| {
                b.iter(|| {
                    packet.clear();
                    client.send(now, black_box(&payload), &mut packet).unwrap();
                    server.receive(now, &packet);
                    assert_eq!(server.poll_data().unwrap().len(), PAYLOAD);
                });
            });
        }
    }
}

fn allocations(_: &mut Criterion) {
    let now = Instant::ZERO;
    for version in VERSIONS {
        let configs = configs(Provider::default(), version);
        let rng = Rng::from_seed([3; 32]);
        let mut ends = None;
        let info = allocation_counter::measure(|| ends = Some(connect(&configs, &rng)));
        println!("{version}: {} allocations in a handshake, both sides", info.count_total);
        let [mut client, mut server] = ends.unwrap();
        let (payload, mut packet) = ([0xab; PAYLOAD], Vec::with_capacity(2_000));
        let mut pass = || {
            packet.clear();
            client.send(now, &payload, &mut packet).unwrap();
            server.receive(now, &packet);
            assert_eq!(server.poll_data().unwrap().len(), PAYLOAD);
        };
        (0..16).for_each(|_| pass());
        let info = allocation_counter::measure(|| (0..1_000).for_each(|_| pass()));
        println!("{version}: {} allocations in 1,000 records", info.count_total);
    }
}

criterion_group!(benches, allocations, handshake, record);
criterion_main!(benches);
