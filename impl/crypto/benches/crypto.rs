//! Speed of both providers: what a packet, and what a handshake costs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use crypto::{HmacAlgorithm, Provider};

const PROVIDERS: [(&str, Provider); 2] =
    [("aws-lc-rs", crypto::aws_lc_rs()), ("rust-crypto", crypto::rust_crypto())];

fn hmac(c: &mut Criterion) {
    let mut group = c.benchmark_group("hmac-sha1-92-bytes");
    let message = [0x5a; 92];
    for (name, provider) in PROVIDERS {
        let key = provider.hmac_key(HmacAlgorithm::Sha1, b"VOkJxbRl1RmTxUk/WvJxBt");
        group.bench_function(name, |b| b.iter(|| key.sign(&[black_box(&message)])));
    }
    group.finish();
}

criterion_group!(benches, hmac);
criterion_main!(benches);
