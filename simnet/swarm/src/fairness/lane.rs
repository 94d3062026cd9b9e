//! The network, and one meeting in it.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Rng};
use simnet::{
    Attach, Builder, Congestion, Driven, HopId, Host, Link, Network, NodeId, Queue, QueueLimit,
    TcpConfig,
    traffic::{Schedule, TcpSink, TcpSource},
};

use super::{Discipline, Figure, Flow, Kind, Meeting, RATE, bulk::Bulk};

/// How often the queue is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// Buffers of TCP: several times what the longest path holds.
const BUFFER: u64 = 4 << 20;
/// Flows that begin together begin so far apart, so that their first packets are not one burst.
const APART: Duration = Duration::from_micros(1_370);

pub(super) fn run(meeting: &Meeting, span: Duration) -> Figure {
    let mut lane = Lane::new(meeting);
    let last = meeting.flows.iter().map(|flow| flow.start).max().unwrap_or_default();
    let began = Instant::ZERO + last;
    lane.net.run_until(began);
    let before = lane.delivered();
    let end = began + span;
    let mut looks = Vec::new();
    while lane.net.now() < end {
        let next = (lane.net.now() + LOOK).min(end);
        lane.net.run_until(next);
        looks.push(lane.net.queued(lane.queue).1);
    }
    let delivered = lane.delivered();
    let rates: Vec<f64> =
        delivered.iter().zip(&before).map(|(after, before)| (after - before) as f64).collect();
    let whole = RATE as f64 / 8.0 * span.as_secs_f64();
    looks.sort_unstable();
    let wait = |percent: usize| {
        let bytes = looks.get(looks.len() * percent / 100).copied().unwrap_or(0);
        bytes as f64 * 8_000.0 / RATE as f64
    };
    Figure {
        meeting: meeting.clone(),
        jain: jain(&rates),
        shares: rates.iter().map(|bytes| bytes / whole * 100.0).collect(),
        queue: (wait(50), wait(95)),
    }
}

/// Jain's index: the square of the sum over the number times the sum of squares.
fn jain(rates: &[f64]) -> f64 {
    let sum: f64 = rates.iter().sum();
    let squares: f64 = rates.iter().map(|rate| rate * rate).sum();
    if squares > 0.0 { sum * sum / (rates.len() as f64 * squares) } else { 0.0 }
}

struct Lane {
    net: Network,
    sinks: Vec<(NodeId, Kind)>,
    queue: HopId,
}

impl Lane {
    fn new(meeting: &Meeting) -> Self {
        let queue = match meeting.queue {
            Discipline::DropTail => Queue::DropTail(QueueLimit::time(meeting.rtt)),
            Discipline::Codel => Queue::codel(),
        };
        let half = meeting.rtt / 2;
        let mut builder = Network::<()>::builder(1)
            .without_trace_hash()
            .wan("west", "11.0.0.0/8")
            .wan("east", "12.0.0.0/8")
            .router("narrow", Attach::to("west").and_to("east"))
            .link_from("narrow", "east", Link::delayed(half).rate(RATE).queue(queue))
            .link_from("east", "narrow", Link::delayed(half));
        for (index, flow) in meeting.flows.iter().enumerate() {
            builder = seat(builder, index, *flow);
        }
        let net = match builder.build() {
            Ok(net) => net,
            Err(error) => panic!("the description does not fit together: {error}"),
        };
        let flows = meeting.flows.iter().enumerate();
        let sinks = flows.map(|(index, flow)| (net.node(&format!("sink{index}")), flow.kind));
        let queue = net.hop("narrow.eth1");
        #[expect(clippy::expect_used, reason = "a router has an interface for each segment")]
        let queue = queue.expect("the router has two interfaces");
        Self { sinks: sinks.collect(), queue, net }
    }

    /// Bytes that each flow has brought to its application.
    fn delivered(&self) -> Vec<u64> {
        let of = |&(node, kind): &(NodeId, Kind)| match kind {
            Kind::Sctp(_) => {
                let sink = self.net.endpoint::<Driven<Bulk>>(node);
                sink.map_or(0, |sink| sink.machine().delivered())
            }
            Kind::Tcp(_) => self.net.endpoint::<TcpSink>(node).map_or(0, TcpSink::bytes),
        };
        self.sinks.iter().map(of).collect()
    }
}

/// Puts a flow between two hosts of its own.
fn seat(builder: Builder, index: usize, flow: Flow) -> Builder {
    let octet = u8::try_from(index + 10).unwrap_or(u8::MAX);
    let (source, sink) = (format!("11.0.0.{octet}"), format!("12.0.0.{octet}"));
    let address = |host: [u8; 4]| SocketAddr::from((host, 9_899));
    let (near, far) = (address([11, 0, 0, octet]), address([12, 0, 0, octet]));
    let west = Host::on("west").address(&source);
    let east = Host::on("east").address(&sink);
    let start = flow.start + APART * u32::from(octet);
    let (west, east) = match flow.kind {
        Kind::Sctp(algorithm) => {
            let dice = |label: &str| Rng::from_seed([octet; 32]).fork(label);
            let start = Some(Instant::ZERO + start);
            let source = Bulk::new(algorithm, far, start, dice("source"));
            let sink = Bulk::new(algorithm, near, None, dice("sink"));
            (
                west.endpoint(Driven::new(source).bind(near)),
                east.endpoint(Driven::new(sink).bind(far)),
            )
        }
        Kind::Tcp(congestion) => {
            let source = TcpSource::to(far).scheduled(Schedule::from(start));
            (
                west.tcp(tcp(congestion)).endpoint(source),
                east.tcp(tcp(congestion)).endpoint(TcpSink::at(far)),
            )
        }
    };
    builder.host(&format!("source{index}"), west).host(&format!("sink{index}"), east)
}

fn tcp(congestion: Congestion) -> TcpConfig {
    TcpConfig { congestion, send_buffer: BUFFER, receive_buffer: BUFFER, ..TcpConfig::default() }
}
