//! Long transfers: how much of a link they fill.

use std::time::Duration;

use rstest::rstest;
use simnet::{Congestion, Link, Network, QueueLimit, TcpConfig, TcpId, TcpRead};

use super::{connected, ms, world};

/// Rate of the bottleneck in bit/s.
const RATE: u64 = 10_000_000;
/// Payload bytes of a full segment over IPv4, of 1500 on the wire.
const SEGMENT: u64 = 1_460;

/// Bytes that reach the other side in `time`, with the sender always having more.
fn transfer(net: &mut Network, from: TcpId, to: TcpId, time: Duration) -> u64 {
    let end = net.now() + time;
    let chunk = vec![7; 64 * 1_024];
    let mut buffer = vec![0; 64 * 1_024];
    let mut total = 0;
    while net.now() < end {
        while net.tcp_send(from, &chunk) > 0 {}
        net.run_for(ms(5));
        while let TcpRead::Data(count) = net.tcp_receive(to, &mut buffer) {
            total += count as u64;
        }
    }
    total
}

/// Goodput in bit/s over a minute, and its share of what the link can carry as payload.
fn measure(congestion: Congestion, one_way: Duration, queue: QueueLimit) -> (f64, f64) {
    let config = TcpConfig { congestion, ..TcpConfig::default() };
    let link = Link::delayed(one_way).rate(RATE).queue(queue);
    let mut net = world(1, link, config, ());
    let (client, server) = connected(&mut net);
    let time = Duration::from_secs(60);
    let bytes = transfer(&mut net, client, server, time);
    let stats = net.tcp_stats(client);
    assert!(net.tally().is_conserved());
    let goodput = bytes as f64 * 8.0 / time.as_secs_f64();
    let possible = RATE as f64 * SEGMENT as f64 / 1_500.0;
    let share = goodput / possible;
    println!(
        "{congestion:?} rtt {:?}: {:.3} Mbit/s of {:.3} possible: {:.1} %, resent {} bytes",
        one_way * 2,
        goodput / 1e6,
        possible / 1e6,
        share * 100.0,
        stats.bytes_resent,
    );
    (goodput, share)
}

#[rstest]
#[case::reno_50ms(Congestion::Reno, 25)]
#[case::cubic_50ms(Congestion::Cubic, 25)]
#[case::cubic_100ms(Congestion::Cubic, 50)]
#[case::reno_100ms(Congestion::Reno, 50)]
fn a_long_transfer_fills_a_link_with_one_bdp_of_queue(
    #[case] congestion: Congestion,
    #[case] one_way: u64,
) {
    let bdp = RATE / 8 * 2 * one_way / 1_000;
    let (_, share) = measure(congestion, ms(one_way), QueueLimit::bytes(bdp));
    assert!(share >= 0.9, "{share}");
}
