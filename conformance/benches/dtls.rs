//! DTLS of this crate beside dimpl: handshakes, and records of 1,200 bytes beside the cipher alone.
//!
//! The work is made equal within each group:
//!
//! * `handshake`: both ends of one stack in one thread, on AWS-LC, without cookies: AES-128-GCM, X25519,
//!   ECDSA on P-256 with the same certificates on both sides, each fingerprint checked, and keys for SRTP
//!   exported at both ends.
//! * `record`: one end seals, the other opens, and the data is looked at. The cipher alone is AWS-LC as
//!   its own Rust interface gives it, sealing and opening in place.
//!
//! A table of ratios comes first, of medians of rounds that take turns, so that a busy machine slows all
//! of them alike. OpenSSL's figure is what `openssl speed` says of its own cipher, if it is installed.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::{hint::black_box, process::Command, sync::Arc};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base::{Instant, Rng};
use conformance::clock::{ForeignClock, Stopwatch};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crypto::{HashAlgorithm, NamedGroup, SigningKey};
use dtls::{Association, CipherSuite, Config, Credential, PeerCheck, Version};
use wire::dtls::Identity;

/// Bytes of application data in a record.
const PAYLOAD: usize = 1_200;

const VERSIONS: [Version; 2] = [Version::Dtls12, Version::Dtls13];

/// One stack, both ends.
trait Pair {
    /// From nothing to keys for SRTP at both ends.
    fn handshake(&mut self);

    /// Seals a record at one end. After a handshake.
    fn seal(&mut self);

    /// Seals a record at one end and opens it at the other.
    fn pass(&mut self);
}

fn identities() -> [Identity; 2] {
    [0, 1].map(|number| Identity::new(&[7; 32], number))
}

/// This crate.
struct Ours {
    configs: [Arc<Config>; 2],
    rng: Rng,
    round: u64,
    ends: Option<[Association; 2]>,
    packet: Vec<u8>,
}

impl Ours {
    fn new(version: Version) -> Self {
        let provider = crypto::aws_lc_rs();
        let credentials = identities().map(|identity| {
            let key = SigningKey::from_pkcs8(provider, &identity.pkcs8).unwrap();
            Credential::new(crypto::Identity::from_parts(identity.certificate, key).unwrap())
        });
        let fingerprint = |credential: &Credential| {
            credential.fingerprint(provider, HashAlgorithm::Sha256).unwrap()
        };
        let mut fingerprints: Vec<_> = credentials.iter().map(fingerprint).collect();
        let configs = credentials.map(|credential| {
            let mut config = Config::new(provider, credential);
            (config.min_version, config.max_version) = (version, version);
            config.suites =
                vec![CipherSuite::Aes128GcmSha256, CipherSuite::EcdheEcdsaAes128GcmSha256];
            config.groups = vec![NamedGroup::X25519];
            config.peer_check = PeerCheck::Fingerprints(fingerprints.pop().into_iter().collect());
            Arc::new(config)
        });
        let rng = Rng::from_seed([3; 32]);
        Self { configs, rng, round: 0, ends: None, packet: Vec::with_capacity(2_000) }
    }
}

impl Pair for Ours {
    fn handshake(&mut self) {
        let now = Instant::ZERO;
        let [client, server] = &self.configs;
        self.round += 1;
        let rng = self.rng.fork_numbered("round", self.round);
        let mut client = Association::client(Arc::clone(client), rng.fork("client"), now);
        let mut server = Association::server(Arc::clone(server), rng.fork("server"), now);
        while !(client.is_connected() && server.is_connected()) {
            let packet = &mut self.packet;
            for (from, to) in [(0, 1), (1, 0)] {
                let [one, other] =
                    if from < to { [&mut client, &mut server] } else { [&mut server, &mut client] };
                packet.clear();
                while one.poll_packet(now, packet).is_some() {
                    other.receive(now, packet);
                    packet.clear();
                }
            }
        }
        for end in [&mut client, &mut server] {
            while let Some(event) = end.poll_event() {
                black_box(event);
            }
            black_box(end.srtp_keys().unwrap());
        }
        self.ends = Some([client, server]);
    }

    fn seal(&mut self) {
        let [client, _] = self.ends.as_mut().unwrap();
        self.packet.clear();
        let payload = black_box(&[0xab; PAYLOAD]);
        client.send(Instant::ZERO, payload, &mut self.packet).unwrap();
    }

    fn pass(&mut self) {
        self.seal();
        let [_, server] = self.ends.as_mut().unwrap();
        server.receive(Instant::ZERO, &self.packet);
        assert_eq!(black_box(server.poll_data().unwrap()).len(), PAYLOAD);
    }
}

/// The package `dimpl`.
struct Theirs {
    version: Version,
    config: Arc<dimpl::Config>,
    identities: [Identity; 2],
    clock: ForeignClock,
    ends: Option<[dimpl::Dtls; 2]>,
    buffer: Vec<u8>,
}

/// What one end of theirs told.
#[derive(Default)]
struct Told {
    is_connected: bool,
    has_keys: bool,
    packets: Vec<Vec<u8>>,
}

impl Theirs {
    fn new(version: Version) -> Self {
        let config = dimpl::Config::builder()
            .with_crypto_provider(dimpl::crypto::aws_lc_rs::default_provider())
            .use_server_cookie(false)
            .dtls12_cipher_suites(&[
                dimpl::crypto::Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256,
            ])
            .dtls13_cipher_suites(&[dimpl::crypto::Dtls13CipherSuite::AES_128_GCM_SHA256])
            .kx_groups(&[dimpl::NamedGroup::X25519])
            .build()
            .unwrap();
        Self {
            version,
            config: Arc::new(config),
            identities: identities(),
            clock: ForeignClock::start(),
            ends: None,
            buffer: vec![0; 4_096],
        }
    }

    fn end(&self, index: usize) -> dimpl::Dtls {
        let identity = self.identities.get(index).unwrap();
        let certificate = dimpl::DtlsCertificate {
            certificate: identity.certificate.clone(),
            private_key: identity.pkcs8.clone(),
        };
        let (config, zero) = (Arc::clone(&self.config), self.clock.at(Instant::ZERO));
        let mut end = match self.version {
            Version::Dtls12 => dimpl::Dtls::new_12(config, certificate, zero),
            Version::Dtls13 => dimpl::Dtls::new_13(config, certificate, zero),
        };
        end.set_active(index == 0);
        end.handle_timeout(zero).unwrap();
        end
    }
}

/// Asks for everything an end has.
fn drain(end: &mut dimpl::Dtls, buffer: &mut [u8], told: &mut Told) {
    loop {
        match end.poll_output(buffer) {
            dimpl::Output::Packet(packet) => told.packets.push(packet.to_vec()),
            dimpl::Output::Timeout(_) => return,
            dimpl::Output::Connected => told.is_connected = true,
            dimpl::Output::PeerCert(der) => {
                let fingerprint = crypto::aws_lc_rs().hash(HashAlgorithm::Sha256, &[der]);
                black_box(fingerprint);
            }
            dimpl::Output::KeyingMaterial(keys, _) => {
                black_box(keys);
                told.has_keys = true;
            }
            _ => {}
        }
    }
}

impl Pair for Theirs {
    fn handshake(&mut self) {
        let mut ends = [self.end(0), self.end(1)];
        let mut told = [Told::default(), Told::default()];
        let is_done = |told: &[Told; 2]| told.iter().all(|end| end.is_connected && end.has_keys);
        while !is_done(&told) {
            let ([client, server], [of_client, of_server]) = (&mut ends, &mut told);
            drain(client, &mut self.buffer, of_client);
            for packet in of_client.packets.drain(..) {
                server.handle_packet(&packet).unwrap();
            }
            drain(server, &mut self.buffer, of_server);
            for packet in of_server.packets.drain(..) {
                client.handle_packet(&packet).unwrap();
            }
        }
        self.ends = Some(ends);
    }

    fn seal(&mut self) {
        let [client, _] = self.ends.as_mut().unwrap();
        client.send_application_data(black_box(&[0xab; PAYLOAD])).unwrap();
        loop {
            match client.poll_output(&mut self.buffer) {
                dimpl::Output::Packet(packet) => {
                    black_box(packet);
                }
                dimpl::Output::Timeout(_) => return,
                _ => {}
            }
        }
    }

    fn pass(&mut self) {
        let [client, server] = self.ends.as_mut().unwrap();
        client.send_application_data(black_box(&[0xab; PAYLOAD])).unwrap();
        loop {
            match client.poll_output(&mut self.buffer) {
                dimpl::Output::Packet(packet) => server.handle_packet(packet).unwrap(),
                dimpl::Output::Timeout(_) => break,
                _ => {}
            }
        }
        let mut received = 0;
        loop {
            match server.poll_output(&mut self.buffer) {
                dimpl::Output::ApplicationData(data) => received = black_box(data).len(),
                dimpl::Output::Timeout(_) => break,
                _ => {}
            }
        }
        assert_eq!(received, PAYLOAD);
    }
}

/// The cipher alone.
struct Raw {
    key: LessSafeKey,
    number: u64,
    buffer: Vec<u8>,
}

impl Raw {
    fn new() -> Self {
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).unwrap());
        Self { key, number: 0, buffer: vec![0xab; PAYLOAD] }
    }

    fn nonce(&self) -> Nonce {
        let mut nonce = [0; 12];
        nonce.iter_mut().skip(4).zip(self.number.to_be_bytes()).for_each(|(to, from)| *to = from);
        Nonce::assume_unique_for_key(nonce)
    }
}

impl Pair for Raw {
    fn handshake(&mut self) {}

    fn seal(&mut self) {
        self.number += 1;
        let (nonce, aad) = (self.nonce(), Aad::from([0; 13]));
        let sealed = self.key.seal_in_place_separate_tag(nonce, aad, black_box(&mut self.buffer));
        let _tag = black_box(sealed.unwrap());
    }

    fn pass(&mut self) {
        self.number += 1;
        let (nonce, aad) = (self.nonce(), Aad::from([0; 13]));
        self.key.seal_in_place_append_tag(nonce, aad, &mut self.buffer).unwrap();
        let (nonce, aad) = (self.nonce(), Aad::from([0; 13]));
        let opened = self.key.open_in_place(nonce, aad, black_box(&mut self.buffer)).unwrap();
        assert_eq!(black_box(opened).len(), PAYLOAD);
        self.buffer.truncate(PAYLOAD);
    }
}

/// Median microseconds of one call of `work` for each stack, over rounds in which they take turns.
fn race(
    stacks: &mut [Box<dyn Pair>],
    rounds: usize,
    calls: u32,
    work: fn(&mut dyn Pair),
) -> Vec<f64> {
    let mut times = vec![Vec::new(); stacks.len()];
    for _ in 0..rounds {
        for (stack, times) in stacks.iter_mut().zip(&mut times) {
            let watch = Stopwatch::start();
            (0..calls).for_each(|_| work(stack.as_mut()));
            times.push(watch.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
        }
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
    };
    times.into_iter().map(median).collect()
}

fn table(_: &mut Criterion) {
    let [ours_12, ours_13] = VERSIONS.map(|version| Box::new(Ours::new(version)) as Box<dyn Pair>);
    let [theirs_12, theirs_13] =
        VERSIONS.map(|version| Box::new(Theirs::new(version)) as Box<dyn Pair>);
    let raw = Box::new(Raw::new()) as Box<dyn Pair>;
    let mut stacks = vec![ours_12, theirs_12, ours_13, theirs_13, raw];

    println!("\nhandshakes per second, both ends in one thread");
    let handshakes = race(stacks.get_mut(..4).unwrap(), 41, 10, |pair| pair.handshake());
    for (version, pair) in VERSIONS.iter().zip(handshakes.chunks(2)) {
        let [ours, theirs] = [0, 1].map(|index| pair.get(index).copied().unwrap());
        let (ours, theirs) = (1e6 / ours, 1e6 / theirs);
        println!("{version}: ours {ours:.0}, dimpl {theirs:.0}, ratio {:.2}", ours / theirs);
    }
    for (title, work) in [
        ("sealed", (|pair| pair.seal()) as fn(&mut dyn Pair)),
        ("sealed and opened", |pair| pair.pass()),
    ] {
        println!("\nrecords of {PAYLOAD} bytes, {title}, per second");
        // Records that were sealed and never delivered leave the other end behind.
        stacks.iter_mut().for_each(|stack| stack.handshake());
        let records = race(&mut stacks, 101, 1_000, work);
        let raw = 1e6 / records.last().copied().unwrap();
        for (version, pair) in VERSIONS.iter().zip(records.chunks(2)) {
            let [ours, theirs] = [0, 1].map(|index| pair.get(index).copied().unwrap());
            let (ours, theirs) = (1e6 / ours, 1e6 / theirs);
            let (of_theirs, of_raw) = (ours / theirs, 100.0 * ours / raw);
            println!(
                "{version}: ours {ours:.0}, dimpl {theirs:.0}, ratio {of_theirs:.2}; the cipher \
                 alone {raw:.0}, ours is {of_raw:.1} % of it"
            );
        }
    }
    println!(
        "\nOpenSSL, cipher alone, records of {PAYLOAD} bytes sealed per second: {}",
        openssl()
    );
}

/// What OpenSSL says of its own AES-128-GCM.
fn openssl() -> String {
    let arguments = "speed -mr -evp aes-128-gcm -aead -bytes 1200 -seconds 1";
    let output = Command::new("openssl").args(arguments.split(' ')).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let rate = text.ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("+F:"))?.to_owned();
        line.rsplit(':').next()?.parse::<f64>().ok()
    });
    rate.map_or_else(|| "not run".to_owned(), |bytes| format!("{:.0}", bytes / 1_200.0))
}

fn stacks(version: Version) -> [(&'static str, Box<dyn Pair>); 2] {
    [("peerlab", Box::new(Ours::new(version))), ("dimpl", Box::new(Theirs::new(version)))]
}

fn handshake(c: &mut Criterion) {
    let mut group = c.benchmark_group("handshake");
    group.throughput(Throughput::Elements(1));
    for version in VERSIONS {
        for (name, mut pair) in stacks(version) {
            group.bench_function(format!("{version} {name}"), |b| b.iter(|| pair.handshake()));
        }
    }
}

fn record(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("record of {PAYLOAD} bytes, sealed and opened"));
    group.throughput(Throughput::Bytes(1_200));
    let mut raw = Raw::new();
    group.bench_function("cipher alone", |b| b.iter(|| raw.pass()));
    for version in VERSIONS {
        for (name, mut pair) in stacks(version) {
            pair.handshake();
            group.bench_function(format!("{version} {name}"), |b| b.iter(|| pair.pass()));
        }
    }
}

criterion_group!(benches, table, handshake, record);
criterion_main!(benches);
