//! A host that counts the datagrams of flows.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use base::Instant;
use serde::{Deserialize, Serialize};
use simnet::{Cx, Endpoint, RecvMeta, SocketId};

use super::{Inhabitant, Parameters, flow::Stamp};
use crate::{
    run::{Figure, Report},
    scenario::Scenario,
};

/// Parameters of a host that counts the datagrams of flows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Sink {
    /// The UDP port it listens on.
    pub port: u16,
}

impl Default for Sink {
    /// Port 9, where data is thrown away: RFC 863.
    fn default() -> Self {
        Self { port: super::flow::PORT }
    }
}

/// The host at work.
#[derive(Debug)]
pub(crate) struct Counting {
    port: u16,
    flows: BTreeMap<SocketAddr, Received>,
}

/// What came of one flow.
#[derive(Debug, Default)]
struct Received {
    datagrams: u64,
    bytes: u64,
    /// Bytes of the first datagram, which took no time between the first and the last.
    head: u64,
    /// Datagrams that were sent up to the latest that arrived.
    sent: u64,
    delays: Vec<Duration>,
    first: Option<Instant>,
    last: Instant,
    reordered: u64,
}

impl Parameters for Sink {
    type Endpoint = Counting;

    fn endpoint(&self, _: &str, _: &Scenario) -> Counting {
        Counting { port: self.port, flows: BTreeMap::new() }
    }
}

impl Inhabitant for Counting {
    fn report(&self) -> Report {
        let sum = |of: fn(&Received) -> u64| self.flows.values().map(of).sum::<u64>();
        let (received, bytes) = (sum(|flow| flow.datagrams), sum(|flow| flow.bytes - flow.head));
        let mut report = Report::default()
            .with("received", Figure::Count(received))
            .with("reordered", Figure::Count(sum(|flow| flow.reordered)));
        let first = self.flows.values().filter_map(|flow| flow.first).min();
        let last = self.flows.values().map(|flow| flow.last).max();
        if let (Some(first), Some(last)) = (first, last) {
            let nanos = (last - first).as_nanos();
            let bits = u128::from(bytes) * 8 * 1_000_000_000;
            let rate = bits.checked_div(nanos).and_then(|rate| u64::try_from(rate).ok());
            report = report.with("goodput", Figure::Rate(rate.unwrap_or(0)));
        }
        let mut delays: Vec<_> =
            self.flows.values().flat_map(|flow| flow.delays.iter().copied()).collect();
        delays.sort_unstable();
        let at = |percent: usize| delays.get((delays.len() * percent).div_ceil(100).max(1) - 1);
        for (name, percent) in [("delay-p50", 50), ("delay-p95", 95), ("delay-max", 100)] {
            if let Some(&delay) = at(percent) {
                report = report.with(name, Figure::Time(delay));
            }
        }
        report
    }
}

impl Endpoint for Counting {
    fn start(&mut self, cx: &mut Cx<'_>) {
        super::listen(cx, self.port);
    }

    fn handle_datagram(&mut self, cx: &mut Cx<'_>, _: SocketId, meta: &RecvMeta, payload: &[u8]) {
        let Some(stamp) = Stamp::read(payload) else { return };
        let flow = self.flows.entry(meta.source).or_default();
        flow.datagrams += 1;
        flow.bytes += payload.len() as u64;
        if flow.first.is_none() {
            flow.head = payload.len() as u64;
        }
        flow.reordered += u64::from(stamp.number < flow.sent);
        flow.sent = flow.sent.max(stamp.number + 1);
        flow.delays.push(cx.now() - stamp.sent);
        flow.first.get_or_insert_with(|| cx.now());
        flow.last = cx.now();
    }
}
