//! TCP connections and listeners as the world keeps them.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::SocketAddr,
    task::{Context, Poll, Waker},
};

use simnet::{
    ListenerId, NodeId, TcpClosed, TcpConfig, TcpConnectError, TcpEvent, TcpId, TcpRead, TcpState,
};

use crate::{
    fabric::Fabric,
    udp::{bind_error, report},
    wakers::Wakers,
    world::{World, gone},
};

/// Connections and listeners that software holds.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    streams: BTreeMap<TcpId, Stream>,
    listeners: BTreeMap<ListenerId, Listener>,
}

/// A connection.
#[derive(Debug)]
struct Stream {
    host: NodeId,
    readers: Wakers,
    writers: Wakers,
    /// Whether the software has said that it will write no more.
    shut: bool,
    /// Whether the software let go of it, and the host alone brings it to its end.
    orphan: bool,
}

/// A port that takes connections.
#[derive(Debug)]
struct Listener {
    host: NodeId,
    ready: VecDeque<TcpId>,
    waiters: Wakers,
}

impl Stream {
    fn new(host: NodeId) -> Self {
        let (readers, writers, shut, orphan) = (Wakers::new(), Wakers::new(), false, false);
        Self { host, readers, writers, shut, orphan }
    }

    fn wake(&mut self, woken: &mut Vec<Waker>) {
        self.readers.wake(woken);
        self.writers.wake(woken);
    }
}

impl Connections {
    /// Forgets what belonged to a host that crashed.
    pub(crate) fn fall(&mut self, host: NodeId, woken: &mut Vec<Waker>) {
        self.streams.values_mut().filter(|it| it.host == host).for_each(|it| it.wake(woken));
        self.streams.retain(|_, it| it.host != host);
        let listeners = self.listeners.values_mut().filter(|it| it.host == host);
        listeners.for_each(|it| it.waiters.wake(woken));
        self.listeners.retain(|_, it| it.host != host);
    }
}

impl<N: Fabric + ?Sized> World<N> {
    /// Takes in what happened to a connection or listener.
    pub(crate) fn hear_tcp(&mut self, host: NodeId, event: TcpEvent) {
        match event {
            TcpEvent::Accepted { listener, id } => self.enqueue(host, listener, id),
            TcpEvent::Readable(id) if self.is_orphan(id) => {
                // Bytes that nobody will read are answered with a reset, so that the peer learns.
                if matches!(self.net.tcp_receive(id, &mut [0]), TcpRead::Data(_)) {
                    self.net.tcp_abort(id);
                }
            }
            TcpEvent::Closed(id, _) if self.is_orphan(id) => {
                self.tcp.streams.remove(&id);
            }
            TcpEvent::Connected(id)
            | TcpEvent::Readable(id)
            | TcpEvent::Writable(id)
            | TcpEvent::Closed(id, _) => {
                if let Some(stream) = self.tcp.streams.get_mut(&id) {
                    stream.wake(&mut self.woken);
                }
            }
        }
    }

    fn enqueue(&mut self, host: NodeId, listener: ListenerId, id: TcpId) {
        let backlog = self.net.tcp_config(host).backlog as usize;
        match self.tcp.listeners.get_mut(&listener) {
            Some(it) if it.ready.len() < backlog => {
                it.ready.push_back(id);
                it.waiters.wake(&mut self.woken);
                self.tcp.streams.insert(id, Stream::new(host));
            }
            _ => self.net.tcp_abort(id),
        }
    }

    fn is_orphan(&self, id: TcpId) -> bool {
        self.tcp.streams.get(&id).is_some_and(|stream| stream.orphan)
    }

    pub(crate) fn listen_tcp(&mut self, host: NodeId, local: SocketAddr) -> io::Result<ListenerId> {
        let id = self.net.tcp_listen(host, local).ok_or_else(gone)?.map_err(bind_error)?;
        let listener = Listener { host, ready: VecDeque::new(), waiters: Wakers::new() };
        self.tcp.listeners.insert(id, listener);
        Ok(id)
    }

    pub(crate) fn stop_listening(&mut self, id: ListenerId) {
        if let Some(listener) = self.tcp.listeners.remove(&id) {
            for stream in listener.ready {
                self.tcp.streams.remove(&stream);
                self.net.tcp_abort(stream);
            }
            self.net.tcp_stop_listening(id);
        }
    }

    pub(crate) fn listener_address(&mut self, id: ListenerId) -> io::Result<SocketAddr> {
        let known = self.tcp.listeners.contains_key(&id);
        known.then(|| self.net.tcp_listener_address(id)).ok_or_else(gone)
    }

    pub(crate) fn poll_accept(
        &mut self,
        id: ListenerId,
        cx: &Context<'_>,
    ) -> Poll<io::Result<TcpId>> {
        let listener = self.tcp.listeners.get_mut(&id).ok_or_else(gone)?;
        if let Some(stream) = listener.ready.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        listener.waiters.add(cx);
        Poll::Pending
    }

    pub(crate) fn connect_tcp(
        &mut self,
        host: NodeId,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> io::Result<TcpId> {
        let id = self.net.tcp_connect(host, local, remote).ok_or_else(gone)?;
        let id = id.map_err(connect_error)?;
        self.tcp.streams.insert(id, Stream::new(host));
        Ok(id)
    }

    /// Ready once the connection is made, or cannot be.
    pub(crate) fn poll_connected(&mut self, id: TcpId, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let state = self.net.tcp_state(id);
        let stream = self.stream(id)?;
        match state {
            TcpState::SynSent | TcpState::SynReceived => {
                stream.writers.add(cx);
                Poll::Pending
            }
            TcpState::Closed(why) => Poll::Ready(Err(ended(why))),
            _ => Poll::Ready(Ok(())),
        }
    }

    pub(crate) fn tcp_addresses(&mut self, id: TcpId) -> io::Result<(SocketAddr, SocketAddr)> {
        self.stream(id)?;
        Ok(self.net.tcp_addresses(id))
    }

    /// Reads what is there: no bytes at the end of the stream, `WouldBlock` before there are any.
    pub(crate) fn read_tcp(&mut self, id: TcpId, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream(id)?;
        if buffer.is_empty() {
            return Ok(0);
        }
        match self.net.tcp_receive(id, buffer) {
            TcpRead::Data(count) => Ok(count),
            TcpRead::Empty => Err(io::ErrorKind::WouldBlock.into()),
            TcpRead::Closed => Ok(0),
            TcpRead::Reset => match self.net.tcp_state(id) {
                TcpState::Closed(why) => Err(ended(why)),
                _ => Err(io::ErrorKind::ConnectionReset.into()),
            },
        }
    }

    /// Writes what there is room for: `WouldBlock` if there is none.
    pub(crate) fn write_tcp(&mut self, id: TcpId, bytes: &[u8]) -> io::Result<usize> {
        let shut = self.stream(id)?.shut;
        match self.net.tcp_state(id) {
            TcpState::Closed(TcpClosed::Finished) => Err(io::ErrorKind::BrokenPipe.into()),
            TcpState::Closed(why) => Err(ended(why)),
            _ if shut => Err(io::ErrorKind::BrokenPipe.into()),
            _ if bytes.is_empty() => Ok(0),
            _ => match self.net.tcp_send(id, bytes) {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                count => Ok(count),
            },
        }
    }

    pub(crate) fn shut_tcp(&mut self, id: TcpId) -> io::Result<()> {
        let stream = self.stream(id)?;
        if !std::mem::replace(&mut stream.shut, true) {
            self.net.tcp_shutdown(id);
        }
        Ok(())
    }

    /// Lets go of a connection, as a system does when the last descriptor is closed: with a reset if
    /// something was not read, otherwise in order.
    pub(crate) fn close_tcp(&mut self, id: TcpId) {
        let Ok(stream) = self.stream(id) else { return };
        stream.orphan = true;
        let over = matches!(self.net.tcp_state(id), TcpState::Closed(_));
        let unread = matches!(self.net.tcp_receive(id, &mut [0]), TcpRead::Data(_));
        if over {
            self.tcp.streams.remove(&id);
        } else if unread {
            self.net.tcp_abort(id);
        } else {
            self.net.tcp_shutdown(id);
        }
    }

    pub(crate) fn set_nodelay(&mut self, id: TcpId, on: bool) -> io::Result<()> {
        let host = self.stream(id)?.host;
        let config = self.net.tcp_config(host);
        self.net.tcp_configure(id, TcpConfig { nagle: !on, ..config });
        Ok(())
    }

    pub(crate) fn wait_to_read(&mut self, id: TcpId, cx: &Context<'_>) {
        if let Ok(stream) = self.stream(id) {
            stream.readers.add(cx);
        }
    }

    pub(crate) fn wait_to_write(&mut self, id: TcpId, cx: &Context<'_>) {
        if let Ok(stream) = self.stream(id) {
            stream.writers.add(cx);
        }
    }

    fn stream(&mut self, id: TcpId) -> io::Result<&mut Stream> {
        self.tcp.streams.get_mut(&id).ok_or_else(gone)
    }
}

fn connect_error(error: TcpConnectError) -> io::Error {
    match error {
        TcpConnectError::Bind(error) => bind_error(error),
        TcpConnectError::TooMany(_) => io::Error::new(io::ErrorKind::AddrNotAvailable, error),
        _ => io::Error::new(io::ErrorKind::InvalidInput, error),
    }
}

/// The end of a connection, as a system tells it.
fn ended(why: TcpClosed) -> io::Error {
    match why {
        TcpClosed::Finished => io::ErrorKind::NotConnected.into(),
        TcpClosed::Refused => io::ErrorKind::ConnectionRefused.into(),
        TcpClosed::TimedOut => io::ErrorKind::TimedOut.into(),
        TcpClosed::Unreachable(kind) => report(kind),
        TcpClosed::Aborted => io::ErrorKind::ConnectionAborted.into(),
        _ => io::ErrorKind::ConnectionReset.into(),
    }
}
