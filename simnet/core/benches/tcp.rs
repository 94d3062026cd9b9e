//! How fast TCP is simulated.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use simnet::{
    Host, Link, Network, QueueLimit,
    traffic::{TcpSink, TcpSource},
};

/// Bytes of one transfer.
const BYTES: u64 = 10_000_000;

/// One transfer of ten million bytes through a bottleneck of 100 Mbit/s and 20 ms.
fn transfer() -> u64 {
    let address = "11.0.0.3:80".parse().expect("an address and port");
    let queue = QueueLimit::bytes(250_000);
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .host("source", Host::on("wan").endpoint(TcpSource::to(address).limit(BYTES)))
        .host("sink", Host::on("wan").address("11.0.0.3").endpoint(TcpSink::at(address)))
        .link(
            "sink",
            "wan",
            Link::delayed(Duration::from_millis(10)).rate(100_000_000).queue(queue),
        )
        .without_trace_hash()
        .build()
        .expect("the description fits together");
    net.run_for(Duration::from_secs(20));
    let sink: &TcpSink = net.endpoint(net.node("sink")).expect("the sink");
    assert_eq!(sink.bytes(), BYTES);
    net.tally().carried
}

fn tcp(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tcp");
    group.throughput(Throughput::Bytes(BYTES)).sample_size(10);
    group.bench_function("goodput", |bencher| bencher.iter(transfer));
    group.finish();
}

criterion_group!(benches, tcp);
criterion_main!(benches);
