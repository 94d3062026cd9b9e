//! A TCP flow that always has more to send: RFC 8868 §5.1.

use std::net::SocketAddr;

use base::Instant;

use super::schedule::Schedule;
use crate::{
    endpoint::{Cx, Endpoint},
    id::{SocketId, TcpId},
    socket::RecvMeta,
    tcp::{TcpClosed, TcpEvent},
};

/// Bytes that are written at a time.
static CHUNK: [u8; 16 * 1_024] = [0; 16 * 1_024];

/// Connects and sends as much as the connection takes, without end or up to a limit.
#[derive(Debug)]
pub struct TcpSource {
    remote: SocketAddr,
    schedule: Schedule,
    limit: u64,
    start: Option<Instant>,
    stop: Option<Instant>,
    connection: Option<TcpId>,
    written: u64,
    closed: Option<(Instant, TcpClosed)>,
}

impl TcpSource {
    /// A source for the sink at `remote`, from the beginning and without end.
    #[must_use]
    pub fn to(remote: SocketAddr) -> Self {
        Self {
            remote,
            schedule: Schedule::default(),
            limit: u64::MAX,
            start: None,
            stop: None,
            connection: None,
            written: 0,
            closed: None,
        }
    }

    /// When it is active. At the end it says that it is done, and sends what was accepted before.
    #[must_use]
    pub const fn scheduled(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// How many bytes it sends before it is done.
    #[must_use]
    pub const fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// The connection, once it was begun: [`Network::tcp_stats`](crate::Network::tcp_stats) has its
    /// figures.
    #[must_use]
    pub const fn connection(&self) -> Option<TcpId> {
        self.connection
    }

    /// Bytes that the connection took.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// When and why the connection ended, if it did.
    #[must_use]
    pub const fn closed(&self) -> Option<(Instant, TcpClosed)> {
        self.closed
    }

    fn write(&mut self, cx: &mut Cx<'_>, id: TcpId) {
        loop {
            let left = usize::try_from(self.limit - self.written).unwrap_or(usize::MAX);
            if left == 0 {
                return cx.tcp_shutdown(id);
            }
            let chunk = CHUNK.get(..left).unwrap_or(&CHUNK);
            let count = cx.tcp_send(id, chunk);
            self.written += count as u64;
            if count < chunk.len() {
                return;
            }
        }
    }
}

impl Endpoint for TcpSource {
    fn start(&mut self, cx: &mut Cx<'_>) {
        let (start, stop) = self.schedule.times(cx.now());
        (self.start, self.stop) = (Some(start), stop);
        self.handle_timeout(cx);
    }

    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, _: &[u8]) {}

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        if self.start.is_some_and(|at| at <= cx.now()) {
            self.start = None;
            match cx.tcp_connect(None, self.remote) {
                Ok(id) => self.connection = Some(id),
                Err(_) => self.closed = Some((cx.now(), TcpClosed::Aborted)),
            }
        }
        if self.stop.is_some_and(|at| at <= cx.now()) {
            self.stop = None;
            self.limit = self.written;
            if let Some(id) = self.connection {
                cx.tcp_shutdown(id);
            }
        }
    }

    fn handle_tcp(&mut self, cx: &mut Cx<'_>, event: TcpEvent) {
        match event {
            TcpEvent::Connected(id) | TcpEvent::Writable(id) => self.write(cx, id),
            TcpEvent::Closed(_, why) => self.closed = Some((cx.now(), why)),
            TcpEvent::Accepted { .. } | TcpEvent::Readable(_) => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.start, self.stop].into_iter().flatten().min()
    }
}
