//! UDP of constant rate: RFC 8868 §5.3.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use base::{Ecn, Instant, Reader, Transmit};

use super::{delays::Delays, schedule::Schedule, series::Series};
use crate::{
    endpoint::{Cx, Endpoint},
    id::SocketId,
    packet::{IPV4_HEADER, IPV6_HEADER, UDP_HEADER},
    socket::{BindError, RecvMeta},
};

/// Bytes of the number and the time in each datagram.
const STAMP: usize = 16;
/// Numbers that are remembered as missing; older ones count as lost for good.
const MAX_MISSING: usize = 1 << 16;

/// Sends datagrams of one size at a constant rate, numbered and with their time.
#[derive(Debug)]
pub struct CbrSource {
    remote: SocketAddr,
    rate: u64,
    size: usize,
    ecn: Ecn,
    schedule: Schedule,
    socket: Option<SocketId>,
    origin: Instant,
    next: Option<Instant>,
    stop: Option<Instant>,
    sent: u64,
}

impl CbrSource {
    /// A source for the sink at `remote`, of `rate` bit/s in IP packets of 1500 bytes.
    #[must_use]
    pub fn to(remote: SocketAddr, rate: u64) -> Self {
        Self {
            remote,
            rate,
            size: 1_500,
            ecn: Ecn::NotEct,
            schedule: Schedule::default(),
            socket: None,
            origin: Instant::ZERO,
            next: None,
            stop: None,
            sent: 0,
        }
    }

    /// Bytes of its IP packets, as far as number and time have room.
    #[must_use]
    pub const fn size(mut self, bytes: usize) -> Self {
        self.size = bytes;
        self
    }

    /// The congestion mark it sends with.
    #[must_use]
    pub const fn ecn(mut self, ecn: Ecn) -> Self {
        self.ecn = ecn;
        self
    }

    /// When it is active.
    #[must_use]
    pub const fn scheduled(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Datagrams that were sent.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    fn payload(&self) -> usize {
        let ip = if self.remote.is_ipv6() { IPV6_HEADER } else { IPV4_HEADER };
        self.size.saturating_sub(ip + UDP_HEADER).max(STAMP)
    }

    /// When datagram `number` is due: counted from the first, so that no error adds up.
    fn due(&self, number: u64) -> Option<Instant> {
        let ip = if self.remote.is_ipv6() { IPV6_HEADER } else { IPV4_HEADER };
        let bits = (self.payload() + ip + UDP_HEADER) as u128 * 8 * u128::from(number);
        let nanos = (bits * 1_000_000_000).checked_div(u128::from(self.rate))?;
        self.origin.checked_add(Duration::from_nanos(u64::try_from(nanos).ok()?))
    }
}

impl Endpoint for CbrSource {
    fn start(&mut self, cx: &mut Cx<'_>) {
        let any = if self.remote.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
        self.socket = any.parse().ok().and_then(|any| cx.bind(any).ok());
        let (start, stop) = self.schedule.times(cx.now());
        (self.origin, self.stop) = (start, stop);
        self.next = self.socket.and_then(|_| self.due(0));
        self.handle_timeout(cx);
    }

    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, _: &[u8]) {}

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        while let (Some(socket), Some(at)) = (self.socket, self.next)
            && at <= now
        {
            if self.stop.is_some_and(|stop| stop <= at) {
                self.next = None;
                return;
            }
            let mut payload = vec![0; self.payload()];
            let stamp = self.sent.to_be_bytes().into_iter().chain(now.as_nanos().to_be_bytes());
            for (byte, value) in payload.iter_mut().zip(stamp) {
                *byte = value;
            }
            let mut transmit = Transmit::new(self.remote, payload.len());
            transmit.ecn = self.ecn;
            cx.transmit(socket, &transmit, &payload);
            self.sent += 1;
            self.next = self.due(self.sent);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }
}

/// Receives datagrams of [`CbrSource`]s and measures delay, loss and marks of each.
#[derive(Debug)]
pub struct CbrSink {
    local: SocketAddr,
    failed: Option<BindError>,
    interval: Duration,
    flows: BTreeMap<SocketAddr, CbrFlow>,
}

/// What a sink has seen of one source.
#[derive(Clone, Debug, Default)]
pub struct CbrFlow {
    /// Datagrams that came, duplicates aside.
    pub received: u64,
    /// Those that came once more.
    pub duplicates: u64,
    /// Those that came after one with a higher number.
    pub late: u64,
    /// IP bytes that came in each interval.
    pub series: Series,
    /// How long datagrams took.
    pub delays: Delays,
    /// Datagrams by the mark they came with: Not-ECT, ECT(1), ECT(0), CE.
    pub marks: [u64; 4],
    /// The number after the highest.
    next: u64,
    missing: BTreeSet<u64>,
    /// Numbers that are missing for good.
    given_up: u64,
}

impl CbrSink {
    /// A sink bound to `local`.
    #[must_use]
    pub const fn at(local: SocketAddr) -> Self {
        let interval = Duration::from_millis(100);
        Self { local, failed: None, interval, flows: BTreeMap::new() }
    }

    /// Counts bytes in intervals of this length, instead of 100 ms.
    #[must_use]
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// What was seen of each source, by its address as seen here.
    pub fn flows(&self) -> impl Iterator<Item = (SocketAddr, &CbrFlow)> + '_ {
        self.flows.iter().map(|(source, flow)| (*source, flow))
    }

    /// What was seen of the only source, or of the one with the lowest address.
    #[must_use]
    pub fn flow(&self) -> Option<&CbrFlow> {
        self.flows.values().next()
    }

    /// Why it does not receive, if it does not.
    #[must_use]
    pub const fn failed(&self) -> Option<BindError> {
        self.failed
    }
}

impl CbrFlow {
    /// Datagrams that have not come though later ones have.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.missing.len() as u64 + self.given_up
    }

    fn take(&mut self, number: u64) -> bool {
        if number < self.next {
            let fresh = self.missing.remove(&number);
            self.late += u64::from(fresh);
            self.duplicates += u64::from(!fresh);
            return fresh;
        }
        let gap = number - self.next;
        let kept = gap.min(MAX_MISSING as u64);
        self.given_up += gap - kept;
        self.missing.extend(number - kept..number);
        while self.missing.len() > MAX_MISSING {
            self.missing.pop_first();
            self.given_up += 1;
        }
        self.next = number.saturating_add(1);
        true
    }
}

impl Endpoint for CbrSink {
    fn start(&mut self, cx: &mut Cx<'_>) {
        self.failed = cx.bind(self.local).err();
    }

    fn handle_datagram(&mut self, cx: &mut Cx<'_>, _: SocketId, meta: &RecvMeta, payload: &[u8]) {
        let mut reader = Reader::new(payload);
        let (Ok(number), Ok(sent)) = (reader.u64(), reader.u64()) else { return };
        let (interval, now) = (self.interval, cx.now());
        let flow = self
            .flows
            .entry(meta.source)
            .or_insert_with(|| CbrFlow { series: Series::new(interval), ..CbrFlow::default() });
        if !flow.take(number) {
            return;
        }
        flow.received += 1;
        let ip = if meta.source.is_ipv6() { IPV6_HEADER } else { IPV4_HEADER };
        flow.series.add(now, (payload.len() + ip + UDP_HEADER) as u64);
        flow.delays.add(now.saturating_duration_since(Instant::from_nanos(sent)));
        if let Some(count) = flow.marks.get_mut(usize::from(meta.ecn.bits())) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_tell_loss_from_lateness() {
        let mut flow = CbrFlow::default();
        for number in [0, 1, 4, 3, 3, 6] {
            flow.take(number);
        }
        assert_eq!((flow.lost(), flow.late, flow.duplicates), (2, 1, 1));
        flow.take(u64::MAX - 1);
        assert!(flow.missing.len() <= MAX_MISSING);
        assert_eq!(flow.lost(), u64::MAX - 1 - 7 + 2);
    }

    #[test]
    fn the_rate_has_no_drift() {
        let source = CbrSource::to("11.0.0.3:9".parse().unwrap(), 7_000_000);
        assert_eq!(source.due(7_000_000 / 12_000 * 3).unwrap().as_nanos(), 2_998_285_714);
        let idle = CbrSource::to("11.0.0.3:9".parse().unwrap(), 0);
        assert_eq!(idle.due(1), None);
    }
}
