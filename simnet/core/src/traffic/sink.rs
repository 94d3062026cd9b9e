//! Where TCP flows end.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use super::series::Series;
use crate::{
    endpoint::{Cx, Endpoint},
    id::{SocketId, TcpId},
    socket::{BindError, RecvMeta},
    tcp::{TcpEvent, TcpRead},
};

/// Takes connections, reads everything, and is done when the other side is.
#[derive(Debug)]
pub struct TcpSink {
    local: SocketAddr,
    failed: Option<BindError>,
    series: Series,
    flows: BTreeMap<TcpId, u64>,
    bytes: u64,
    finished: u64,
    buffer: Vec<u8>,
}

impl TcpSink {
    /// A sink that listens at `local`.
    #[must_use]
    pub fn at(local: SocketAddr) -> Self {
        Self {
            local,
            failed: None,
            series: Series::default(),
            flows: BTreeMap::new(),
            bytes: 0,
            finished: 0,
            buffer: vec![0; 16 * 1_024],
        }
    }

    /// Counts bytes in intervals of this length, instead of 100 ms.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.series = Series::new(interval);
        self
    }

    /// Bytes that came, of all connections.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that came in each interval, of all connections.
    #[must_use]
    pub const fn series(&self) -> &Series {
        &self.series
    }

    /// Bytes that came by each connection that is still open.
    pub fn flows(&self) -> impl Iterator<Item = (TcpId, u64)> + '_ {
        self.flows.iter().map(|(id, bytes)| (*id, *bytes))
    }

    /// Connections that ended.
    #[must_use]
    pub const fn finished(&self) -> u64 {
        self.finished
    }

    /// Why it does not listen, if it does not.
    #[must_use]
    pub const fn failed(&self) -> Option<BindError> {
        self.failed
    }

    fn read(&mut self, cx: &mut Cx<'_>, id: TcpId) {
        loop {
            match cx.tcp_receive(id, &mut self.buffer) {
                TcpRead::Data(count) => {
                    self.bytes += count as u64;
                    *self.flows.entry(id).or_default() += count as u64;
                    self.series.add(cx.now(), count as u64);
                }
                TcpRead::Closed => return cx.tcp_shutdown(id),
                TcpRead::Empty | TcpRead::Reset => return,
            }
        }
    }
}

impl Endpoint for TcpSink {
    fn start(&mut self, cx: &mut Cx<'_>) {
        self.failed = cx.tcp_listen(self.local).err();
    }

    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, _: &[u8]) {}

    fn handle_tcp(&mut self, cx: &mut Cx<'_>, event: TcpEvent) {
        match event {
            TcpEvent::Accepted { id, .. } => {
                self.flows.insert(id, 0);
            }
            TcpEvent::Readable(id) => self.read(cx, id),
            TcpEvent::Closed(id, _) => {
                self.read(cx, id);
                self.finished += u64::from(self.flows.remove(&id).is_some());
            }
            TcpEvent::Connected(_) | TcpEvent::Writable(_) => {}
        }
    }
}
