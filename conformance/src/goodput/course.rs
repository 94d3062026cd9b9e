//! The network, and one run through it.

use std::{net::SocketAddr, time::Duration};

use base::Rng;
use simnet::{Driven, DropReason, HopId, Host, Link, Loss, Network, NodeId, QueueLimit};

use super::{Cell, Outcome, PACKET, Plan, RATE, bulk::Bulk};
use crate::subjects::sctp::SctpConfig;

/// How long an association may take to be set up, in round trips.
const SET_UP: u32 = 100;
/// How often the queue is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Runs one cell.
pub(super) fn run(plan: &Plan, cell: &Cell) -> Outcome {
    match Course::new(plan, cell) {
        Ok(mut course) => course.run(plan.span),
        Err(why) => Outcome {
            delivered: 0,
            overflowed: 0,
            queue: (Duration::ZERO, Duration::ZERO),
            ended: Some(why),
        },
    }
}

struct Course {
    net: Network,
    source: NodeId,
    sink: NodeId,
    /// Where the bottleneck begins.
    queue: HopId,
    rtt: Duration,
}

impl Course {
    fn new(plan: &Plan, cell: &Cell) -> Result<Self, String> {
        let rtt = Duration::from_millis(cell.rtt);
        let source: SocketAddr = ([11, 0, 0, 10], 9_899).into();
        let sink: SocketAddr = ([11, 0, 0, 20], 9_899).into();
        let dice = |label: &str| Rng::from_seed(*blake3::hash(label.as_bytes()).as_bytes());
        let seat = |label: &str, local: SocketAddr, remote: SocketAddr, sends: bool| {
            let mut config = SctpConfig::new(local, remote);
            config.max_packet = Some(PACKET);
            config.receive_window = plan.window;
            let dice = dice(&format!("{label} {}", cell.seed));
            let endpoint =
                cell.stack.endpoint(&config, dice).ok_or("the stack has no such endpoint")?;
            Ok::<_, String>(Driven::new(Bulk::new(endpoint, sends)).bind(local))
        };
        let forth = Link::delayed(rtt / 2)
            .rate(RATE)
            .queue(QueueLimit::time(rtt))
            .loss(Loss::random(f64::from(cell.loss) / 100_000.0));
        let back = Link::delayed(rtt / 2).rate(RATE);
        let host = |address: &str| Host::on("wan").address(address);
        let net = Network::<()>::builder(cell.seed)
            .wan("wan", "11.0.0.0/8")
            .host("source", host("11.0.0.10").endpoint(seat("source", source, sink, true)?))
            .host("sink", host("11.0.0.20").endpoint(seat("sink", sink, source, false)?))
            .link_from("source", "wan", forth)
            .link_from("wan", "source", back)
            .build()
            .map_err(|error| error.to_string())?;
        let (source, sink) = (net.node("source"), net.node("sink"));
        let queue = net.hop("source.eth0").ok_or("the source has no interface")?;
        Ok(Self { net, source, sink, queue, rtt })
    }

    fn run(&mut self, span: Duration) -> Outcome {
        self.net.run_for(Duration::from_millis(1));
        self.net.with_endpoint(self.source, |bulk: &mut Driven<Bulk>, cx| {
            bulk.command(cx, Bulk::connect);
        });
        let limit = self.net.now() + self.rtt * SET_UP + Duration::from_secs(10);
        while self.source().connected().is_none() && self.net.now() < limit {
            if self.net.step().is_none() {
                break;
            }
        }
        let Some(began) = self.source().connected() else {
            return self.outcome(Vec::new(), Some("the association does not stand".to_owned()));
        };
        let end = began + span;
        let mut looks = Vec::new();
        while self.net.now() < end {
            let next = (self.net.now() + LOOK).min(end);
            self.net.run_until(next);
            looks.push(self.net.queued(self.queue).1);
        }
        let ended = self.source().ended().map(str::to_owned);
        self.outcome(looks, ended)
    }

    fn outcome(&self, mut looks: Vec<u64>, ended: Option<String>) -> Outcome {
        looks.sort_unstable();
        let at = |percent: usize| {
            let bytes = looks.get(looks.len() * percent / 100).copied().unwrap_or(0);
            Duration::from_nanos(bytes * 8 * 1_000_000_000 / RATE)
        };
        let sink = self.net.endpoint::<Driven<Bulk>>(self.sink);
        Outcome {
            delivered: sink.map_or(0, |sink| sink.machine().delivered()),
            overflowed: self.net.tally().dropped(DropReason::QueueFull),
            queue: (at(50), at(95)),
            ended,
        }
    }

    fn source(&self) -> &Bulk {
        let source = self.net.endpoint::<Driven<Bulk>>(self.source);
        source.map(Driven::machine).unwrap_or_else(|| unreachable!("the host has its endpoint"))
    }
}
