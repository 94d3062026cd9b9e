//! Speed of both providers: what a packet costs, and what a handshake.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use base::Rng;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use crypto::{
    AEAD_NONCE_LEN, AeadAlgorithm, CtrAlgorithm, EcdsaCurve, HmacAlgorithm, NamedGroup, Provider,
};

const PROVIDERS: [(&str, Provider); 2] =
    [("aws-lc-rs", crypto::aws_lc_rs()), ("rust-crypto", crypto::rust_crypto())];

/// Length in bytes of a Binding request of ICE.
const STUN: usize = 92;

/// Length in bytes of a media packet.
const PACKET: usize = 1_200;

fn hmac(c: &mut Criterion) {
    for length in [STUN, PACKET] {
        let mut group = c.benchmark_group(format!("hmac-sha1 of {length} bytes"));
        let message = vec![0x5a; length];
        for (name, provider) in PROVIDERS {
            let key = provider.hmac_key(HmacAlgorithm::Sha1, b"VOkJxbRl1RmTxUk/WvJxBt");
            let tag = key.sign(&[&message]);
            group.bench_function(format!("{name} sign"), |b| {
                b.iter(|| key.sign(&[black_box(&message)]));
            });
            group.bench_function(format!("{name} verify"), |b| {
                b.iter(|| key.verify(&[black_box(&message)], tag.as_ref()).unwrap());
            });
        }
    }
}

fn ciphers(c: &mut Criterion) {
    let nonce = [7; AEAD_NONCE_LEN];
    let aad = [1; 13];
    for algorithm in
        [AeadAlgorithm::Aes128Gcm, AeadAlgorithm::Aes256Gcm, AeadAlgorithm::ChaCha20Poly1305]
    {
        let mut group = c.benchmark_group(format!("{algorithm:?} of {PACKET} bytes"));
        group.throughput(Throughput::Bytes(1_200));
        for (name, provider) in PROVIDERS {
            let key = provider.aead_key(algorithm, &vec![9; algorithm.key_len()]).unwrap();
            let mut packet = [0; PACKET];
            group.bench_function(format!("{name} seal"), |b| {
                b.iter(|| key.seal(&nonce, &aad, black_box(&mut packet)));
            });
            let tag = key.seal(&nonce, &aad, &mut packet);
            group.bench_function(format!("{name} open"), |b| {
                b.iter_batched_ref(
                    || packet,
                    |packet| key.open(&nonce, &aad, packet, &tag).unwrap(),
                    BatchSize::SmallInput,
                );
            });
        }
    }
    let mut group = c.benchmark_group(format!("Aes128Ctr of {PACKET} bytes"));
    group.throughput(Throughput::Bytes(1_200));
    for (name, provider) in PROVIDERS {
        let key = provider.ctr_key(CtrAlgorithm::Aes128Ctr, &[9; 16]).unwrap();
        let mut packet = [0; PACKET];
        group.bench_function(name, |b| b.iter(|| key.apply(&[3; 16], black_box(&mut packet))));
    }
}

fn handshake(c: &mut Criterion) {
    let mut group = c.benchmark_group("handshake");
    let rng = &mut Rng::from_seed([1; 32]);
    for (name, provider) in PROVIDERS {
        for curve in [EcdsaCurve::P256, EcdsaCurve::P384] {
            let key = provider.signing_key(curve, rng);
            let public = provider.public_key(key.public_key_info()).unwrap();
            let algorithm = curve.signature_algorithm();
            let signature = key.sign_with(algorithm, b"message", rng).unwrap();
            group.bench_function(format!("{name} ecdsa {curve:?} sign"), |b| {
                b.iter(|| key.sign_with(algorithm, black_box(b"message"), rng).unwrap());
            });
            group.bench_function(format!("{name} ecdsa {curve:?} verify"), |b| {
                b.iter(|| public.verify(algorithm, black_box(b"message"), &signature).unwrap());
            });
        }
        for named in [NamedGroup::Secp256r1, NamedGroup::X25519, NamedGroup::X25519MlKem768] {
            group.bench_function(format!("{name} {named:?} both sides"), |b| {
                b.iter(|| {
                    let offer = provider.key_exchange(named, rng);
                    let answer = provider.answer_key_exchange(named, offer.share(), rng);
                    offer.finish(&answer.unwrap().0).unwrap()
                });
            });
        }
    }
}

criterion_group!(benches, hmac, ciphers, handshake);
criterion_main!(benches);
