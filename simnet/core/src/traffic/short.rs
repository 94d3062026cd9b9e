//! Short TCP flows, as the web makes them: RFC 8868 §5.1.

use std::{net::SocketAddr, ops::RangeInclusive, time::Duration};

use base::Instant;

use super::{delays::Delays, schedule::Schedule};
use crate::{
    endpoint::{Cx, Endpoint},
    id::{SocketId, TcpId},
    socket::RecvMeta,
    tcp::{TcpClosed, TcpEvent},
};

/// Bytes that are written at a time.
static CHUNK: [u8; 16 * 1_024] = [0; 16 * 1_024];

/// Nobody rests for less, so that time passes even where an object takes none.
const SHORTEST_REST: Duration = Duration::from_millis(1);

/// Users who each send a small object by a connection of its own, rest, and send the next.
#[derive(Debug)]
pub struct ShortFlows {
    remote: SocketAddr,
    count: u32,
    on: u32,
    sizes: RangeInclusive<u64>,
    rest: Duration,
    schedule: Schedule,
    stop: Option<Instant>,
    users: Vec<User>,
    times: Delays,
    failed: u64,
}

#[derive(Clone, Copy, Debug)]
enum User {
    /// Until then.
    Resting(Instant),
    /// Sends the bytes that are left by the connection, which began then.
    Busy { id: TcpId, left: u64, since: Instant },
    /// For good.
    Gone,
}

impl ShortFlows {
    /// Ten users for the sink at `remote`, of whom two begin at once (RFC 8867 §5.7); objects of 30 to
    /// 50 kB, each size equally likely; rests from an exponential distribution with a mean of ten seconds
    /// (RFC 8868 §5.1).
    #[must_use]
    pub fn to(remote: SocketAddr) -> Self {
        Self {
            remote,
            count: 10,
            on: 2,
            sizes: 30_000..=50_000,
            rest: Duration::from_secs(10),
            schedule: Schedule::default(),
            stop: None,
            users: Vec::new(),
            times: Delays::default(),
            failed: 0,
        }
    }

    /// So many users, of whom `on` begin at once and the others with a rest.
    #[must_use]
    pub const fn users(mut self, count: u32, on: u32) -> Self {
        (self.count, self.on) = (count, on);
        self
    }

    /// Bytes of an object, each size equally likely.
    #[must_use]
    pub const fn sizes(mut self, sizes: RangeInclusive<u64>) -> Self {
        self.sizes = sizes;
        self
    }

    /// The mean rest between two objects. No rest takes less than a millisecond.
    #[must_use]
    pub const fn rest(mut self, mean: Duration) -> Self {
        self.rest = mean;
        self
    }

    /// When objects are begun. Those begun before the end are finished.
    #[must_use]
    pub const fn scheduled(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// How long the objects took, from the first SYN until both sides were done.
    #[must_use]
    pub const fn times(&self) -> &Delays {
        &self.times
    }

    /// Objects whose connection broke, or was never made.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.failed
    }

    /// Objects on their way.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.users.iter().filter(|user| matches!(user, User::Busy { .. })).count()
    }

    fn rested(&self, cx: &mut Cx<'_>) -> User {
        let seconds = self.rest.as_secs_f64() * cx.stream().exponential();
        let rest = Duration::from_secs_f64(seconds.min(1e9)).max(SHORTEST_REST);
        let at = cx.now() + rest;
        if self.stop.is_some_and(|stop| at >= stop) { User::Gone } else { User::Resting(at) }
    }

    fn begin(&mut self, cx: &mut Cx<'_>) -> User {
        let (least, most) = self.sizes.clone().into_inner();
        let left = least + cx.stream().below(most.saturating_sub(least).saturating_add(1));
        if let Ok(id) = cx.tcp_connect(None, self.remote) {
            return User::Busy { id, left, since: cx.now() };
        }
        self.failed += 1;
        self.rested(cx)
    }

    fn write(&mut self, cx: &mut Cx<'_>, wanted: TcpId) {
        for user in &mut self.users {
            let User::Busy { id, left, .. } = user else { continue };
            while *id == wanted && *left > 0 {
                let size = usize::try_from(*left).unwrap_or(usize::MAX);
                let chunk = CHUNK.get(..size).unwrap_or(&CHUNK);
                let count = cx.tcp_send(wanted, chunk);
                *left -= count as u64;
                if count < chunk.len() {
                    return;
                }
            }
            if *id == wanted {
                return cx.tcp_shutdown(wanted);
            }
        }
    }

    fn ended(&mut self, cx: &mut Cx<'_>, ended: TcpId, why: TcpClosed) {
        let busy = |user: &User| matches!(user, User::Busy { id, .. } if *id == ended);
        let Some(at) = self.users.iter().position(busy) else { return };
        if let Some(User::Busy { since, .. }) = self.users.get(at)
            && why == TcpClosed::Finished
        {
            self.times.add(cx.now().saturating_duration_since(*since));
        } else {
            self.failed += 1;
        }
        let next = self.rested(cx);
        if let Some(user) = self.users.get_mut(at) {
            *user = next;
        }
    }
}

impl Endpoint for ShortFlows {
    fn start(&mut self, cx: &mut Cx<'_>) {
        let (start, stop) = self.schedule.times(cx.now());
        self.stop = stop;
        for number in 0..self.count {
            let rest = if number < self.on {
                Duration::ZERO
            } else {
                let seconds = self.rest.as_secs_f64() * cx.stream().exponential();
                Duration::from_secs_f64(seconds.min(1e9))
            };
            self.users.push(User::Resting(start + rest));
        }
        self.handle_timeout(cx);
    }

    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, _: &[u8]) {}

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        for at in 0..self.users.len() {
            let due = self
                .users
                .get(at)
                .is_some_and(|user| matches!(user, User::Resting(until) if *until <= now));
            if due {
                let late = self.stop.is_some_and(|stop| now >= stop);
                let next = if late { User::Gone } else { self.begin(cx) };
                if let Some(user) = self.users.get_mut(at) {
                    *user = next;
                }
            }
        }
    }

    fn handle_tcp(&mut self, cx: &mut Cx<'_>, event: TcpEvent) {
        match event {
            TcpEvent::Connected(id) | TcpEvent::Writable(id) => self.write(cx, id),
            TcpEvent::Closed(id, why) => self.ended(cx, id, why),
            TcpEvent::Accepted { .. } | TcpEvent::Readable(_) => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let resting = |user: &User| match user {
            User::Resting(until) => Some(*until),
            User::Busy { .. } | User::Gone => None,
        };
        self.users.iter().filter_map(resting).min()
    }
}
