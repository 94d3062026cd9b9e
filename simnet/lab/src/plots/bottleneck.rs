//! A home behind a bottleneck, and flows into it.

use std::{net::SocketAddr, time::Duration};

use simnet::{
    Attach, Congestion, Endpoint, Host, Link, Network, Queue, TcpConfig,
    traffic::{CbrSink, CbrSource, Schedule, TcpSink, TcpSource},
};

use super::{
    reactive::{Reaction, ReactiveSink, ReactiveSource},
    sojourn::{Kind, Sojourns},
};

/// The port of every sink.
const PORT: u16 = 5_001;
/// The interface before the bottleneck, as the wide-area network calls it.
const HOP: &str = "wan.router";
/// From the start of one flow to that of the next, so that they do not all move as one.
const STAGGER: Duration = Duration::from_millis(230);

/// One of the flows that share the bottleneck.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flow {
    /// A long TCP flow.
    Tcp(Congestion),
    /// UDP of constant rate, in bits per second, in IP packets of so many bytes.
    Cbr(u64, usize),
    /// UDP that reacts to marks.
    Reactive(Reaction),
}

/// A load: the bottleneck, the round trip and the flows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load<'a> {
    pub(super) rate: u64,
    pub(super) round_trip: Duration,
    pub(super) flows: &'a [Flow],
    pub(super) length: Duration,
    pub(super) kind: Kind,
}

impl Load<'_> {
    /// Runs it with this queue before the bottleneck.
    pub(super) fn run(&self, queue: impl Into<Queue>) -> Sojourns {
        let delay = self.round_trip / 2;
        let bottleneck = Link::delayed(delay).rate(self.rate).queue(queue);
        let mut builder = Network::builder(8)
            .wan("wan", "11.0.0.0/8")
            .lan("home", "10.0.0.0/24")
            .router("router", Attach::to("home").and_to("wan"))
            .link_from("wan", "router", bottleneck)
            .link_from("router", "wan", Link::delayed(delay));
        for (number, flow) in (0_u8..).zip(self.flows) {
            let address = SocketAddr::from(([10, 0, 0, number.saturating_add(10)], PORT));
            let start = STAGGER * u32::from(number);
            let (source, sink) = (format!("source-{number}"), format!("sink-{number}"));
            let inside = Host::on("home").address(&address.ip().to_string());
            builder = builder
                .host(&source, flow.source(address, start))
                .host(&sink, flow.sink(inside, address));
        }
        let watch = Sojourns::at(HOP, delay, self.rate, self.kind);
        let world = builder.without_trace_hash().build_observed(watch);
        let mut net = world.expect("the description fits together");
        net.run_for(self.length);
        net.into_observer()
    }
}

impl Flow {
    fn source(self, sink: SocketAddr, start: Duration) -> Host {
        let host = Host::on("wan");
        let schedule = Schedule::from(start);
        match self {
            Self::Tcp(congestion) => host
                .tcp(TcpConfig { congestion, ..TcpConfig::default() })
                .endpoint(TcpSource::to(sink).scheduled(schedule)),
            Self::Cbr(rate, size) => {
                host.endpoint(CbrSource::to(sink, rate).size(size).scheduled(schedule))
            }
            Self::Reactive(reaction) => host.endpoint(ReactiveSource::to(sink, reaction)),
        }
    }

    fn sink(self, host: Host, local: SocketAddr) -> Host {
        fn with(host: Host, endpoint: impl Endpoint) -> Host {
            host.endpoint(endpoint)
        }
        match self {
            Self::Tcp(_) => with(host, TcpSink::at(local)),
            Self::Cbr(..) => with(host, CbrSink::at(local)),
            Self::Reactive(_) => with(host, ReactiveSink::at(local)),
        }
    }
}
