//! The flows that compete with those under test.

use std::{net::SocketAddr, time::Duration};

use base::{Ecn, Instant};
use simnet::{
    Endpoint, Host, Link, Loss, Network, QueueLimit, TcpClosed,
    traffic::{CbrSink, CbrSource, Schedule, ShortFlows, TcpSink, TcpSource},
};

const SINK: &str = "11.0.0.3:5001";

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address and port")
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn world(link: Link, source: impl Endpoint, sink: impl Endpoint) -> Network {
    Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .host("source", Host::on("wan").endpoint(source))
        .host("sink", Host::on("wan").address("11.0.0.3").endpoint(sink))
        .link("sink", "wan", link)
        .build()
        .expect("the description fits together")
}

/// The bottleneck of RFC 8867 §4.3: a queue of 300 ms and 50 ms one way.
fn bottleneck(rate: u64) -> Link {
    let queue = QueueLimit::time(Duration::from_millis(300));
    Link::delayed(Duration::from_millis(50)).rate(rate).queue(queue)
}

#[test]
fn a_long_flow_fills_the_bottleneck_until_it_is_told_to_stop() {
    let source = TcpSource::to(at(SINK)).scheduled(Schedule::from(seconds(5)).until(seconds(65)));
    let mut net = world(bottleneck(2_000_000), source, TcpSink::at(at(SINK)));
    net.run_for(seconds(80));
    let source: &TcpSource = net.endpoint(net.node("source")).unwrap();
    let sink: &TcpSink = net.endpoint(net.node("sink")).unwrap();
    assert_eq!(sink.bytes(), source.written(), "what was accepted arrives");
    assert_eq!(source.closed().map(|closed| closed.1), Some(TcpClosed::Finished));
    assert_eq!(sink.finished(), 1);
    let from = |second| Instant::ZERO + seconds(second);
    assert_eq!(sink.series().between(from(0), from(5)), 0);
    let rate = sink.series().between(from(5), from(65)) * 8 / 60;
    assert!((1_850_000..1_950_000).contains(&rate), "{rate} bit/s");
    assert!(net.tally().is_conserved());
}

#[test]
fn a_limited_flow_sends_so_much() {
    let source = TcpSource::to(at(SINK)).limit(1_000_000);
    let mut net = world(bottleneck(2_000_000), source, TcpSink::at(at(SINK)));
    net.run_for(seconds(20));
    let sink: &TcpSink = net.endpoint(net.node("sink")).unwrap();
    assert_eq!((sink.bytes(), sink.finished()), (1_000_000, 1));
}

#[test]
fn short_flows_come_and_go() {
    let flows = ShortFlows::to(at(SINK)).scheduled(Schedule::from(seconds(1)).until(seconds(280)));
    let mut net = world(bottleneck(2_000_000), flows, TcpSink::at(at(SINK)));
    net.run_for(Duration::from_millis(1_100));
    let flows: &ShortFlows = net.endpoint(net.node("source")).unwrap();
    assert_eq!(flows.busy(), 2, "two begin at once");
    net.run_for(seconds(300));
    let flows: &ShortFlows = net.endpoint(net.node("source")).unwrap();
    let sink: &TcpSink = net.endpoint(net.node("sink")).unwrap();
    // Ten users, 280 s, an object about every 10.6 s.
    let count = flows.times().count();
    assert!((200..330).contains(&count), "{count} objects");
    assert_eq!((flows.failed(), flows.busy(), sink.finished()), (0, 0, count));
    let mean = sink.bytes() / count;
    assert!((38_000..42_000).contains(&mean), "{mean} bytes an object");
    let (least, _) = flows.times().range();
    assert!(least > Duration::from_millis(300), "three round trips: {least:?}");
    assert!(net.tally().is_conserved());
}

/// Nobody accepts connections and nothing takes time, so that every attempt fails at once.
#[test]
fn time_passes_between_short_flows_without_rest() {
    let flows = ShortFlows::to(at("11.0.0.3:9")).rest(Duration::ZERO);
    let mut net = world(Link::perfect(), flows, TcpSink::at(at(SINK)));
    net.run_for(seconds(1));
    let flows: &ShortFlows = net.endpoint(net.node("source")).unwrap();
    assert!((9_000..=10_010).contains(&flows.failed()), "{} attempts", flows.failed());
}

#[test]
fn constant_rate_measures_delay_loss_and_marks() {
    let source = CbrSource::to(at(SINK), 1_000_000)
        .ecn(Ecn::Ect0)
        .scheduled(Schedule::from(seconds(1)).until(seconds(61)));
    let link = Link::delayed(Duration::from_millis(50)).rate(2_000_000).loss(Loss::random(0.05));
    let mut net = world(link, source, CbrSink::at(at(SINK)));
    net.run_for(seconds(100));
    let source: &CbrSource = net.endpoint(net.node("source")).unwrap();
    let sink: &CbrSink = net.endpoint(net.node("sink")).unwrap();
    let flow = sink.flow().unwrap();
    assert_eq!(source.sent(), 5_000, "60 s of 1 Mbit/s in packets of 12,000 bits");
    assert_eq!(flow.received + flow.lost(), 5_000, "the last came");
    let share = flow.lost() as f64 / 5_000.0;
    assert!((share - 0.05).abs() < 0.012, "{share}");
    assert_eq!(flow.marks, [0, 0, flow.received, 0]);
    let delay = Duration::from_millis(56); // 50 ms on the way, 6 ms on the wire.
    assert_eq!((flow.delays.range(), flow.delays.mean()), ((delay, delay), delay));
    assert_eq!(flow.delays.percentile(99), delay);
    assert!(net.tally().is_conserved());
}
