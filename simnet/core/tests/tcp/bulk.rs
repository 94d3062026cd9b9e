//! Long transfers: how much of a link they fill.

use std::time::Duration;

use rstest::rstest;
use simnet::{Congestion, Link, Loss, Network, QueueLimit, TcpConfig, TcpId, TcpRead};

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

/// One segment in a hundred lost at random costs windows, not round trips of silence: RFC 5681 §3.2.
#[rstest]
#[case::reno(Congestion::Reno)]
#[case::cubic(Congestion::Cubic)]
fn random_loss_is_repaired_without_the_timer(#[case] congestion: Congestion) {
    let config = TcpConfig { congestion, ..TcpConfig::default() };
    let link = Link::delayed(ms(5)).rate(RATE).queue(QueueLimit::packets(50));
    let mut net = world(3, link.loss(Loss::random(0.01)), config, ());
    let (client, server) = connected(&mut net);
    // The loss is on the way back; what the server sends is hit.
    let time = Duration::from_secs(30);
    let bytes = transfer(&mut net, server, client, time);
    let stats = net.tcp_stats(server);
    let goodput = bytes * 8 / time.as_secs();
    println!("{congestion:?} with 1 % loss: {goodput} bit/s, {stats:?}");
    assert!(goodput > 7_000_000, "{goodput}");
    assert!(stats.recoveries > 50, "{stats:?}");
    assert!(stats.timeouts <= 3, "{stats:?}");
    let resent = stats.bytes_resent as f64 / stats.bytes_sent as f64;
    assert!((0.008..0.02).contains(&resent), "{resent}");
    assert!(net.tally().is_conserved());
}

/// Two flows share a bottleneck.
#[test]
fn two_flows_share_fairly() {
    let queue = QueueLimit::bytes(RATE / 8 / 20);
    let link = Link::delayed(ms(25)).rate(RATE).queue(queue);
    let mut net = world(2, link, TcpConfig::default(), ());
    let first = connected(&mut net);
    let second = connected(&mut net);
    let (chunk, mut buffer) = (vec![1; 64 * 1_024], vec![0; 64 * 1_024]);
    let mut shares = [0_u64; 2];
    for _ in 0..12_000 {
        net.run_for(ms(5));
        for (share, (from, to)) in shares.iter_mut().zip([first, second]) {
            while net.tcp_send(from, &chunk) > 0 {}
            while let TcpRead::Data(count) = net.tcp_receive(to, &mut buffer) {
                *share += count as u64;
            }
        }
    }
    let [one, other] = shares.map(|bytes| bytes as f64);
    println!("shares of a minute: {:.2} and {:.2} Mbit/s", one * 8.0 / 6e7, other * 8.0 / 6e7);
    assert!((0.6..1.7).contains(&(one / other)), "{shares:?}");
    assert!((one + other) * 8.0 / 60.0 > 0.9 * RATE as f64 * 1_460.0 / 1_500.0, "{shares:?}");
}
