//! TCP connections of a server, and its listeners.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use base::{Machine as _, StreamEnd, StreamId, StreamInput};
use runtime::Runtime as _;
use tokio::{
    io::{AsyncRead as _, AsyncWrite as _, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
};

use super::Host;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;
/// Bytes read in one go.
const READ: usize = 16_384;
/// How long a connection that is to be closed may take to have everything read by the other side: who reads
/// nothing must not hold a socket that no quota counts any more.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// A connection, as far as the rest of the host is concerned with it. Its task has the socket.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// Bytes that the system has not taken yet.
    unsent: RefCell<VecDeque<u8>>,
    is_paused: Cell<bool>,
    end: Cell<Option<End>>,
    waker: RefCell<Option<Waker>>,
}

/// How the server wants a connection to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    AfterAll,
    Now,
}

impl Connection {
    pub(super) fn send(&self, bytes: &[u8]) {
        self.unsent.borrow_mut().extend(bytes);
        self.wake();
    }

    pub(super) fn pause(&self) {
        self.is_paused.set(true);
    }

    pub(super) fn resume(&self) {
        self.is_paused.set(false);
        self.wake();
    }

    pub(super) fn close(self: &Rc<Self>) {
        self.end.set(Some(End::AfterAll));
        self.wake();
        let weak = Rc::downgrade(self);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(CLOSE_PATIENCE).await;
            if let Some(connection) = weak.upgrade() {
                connection.abort();
            }
        });
    }

    pub(super) fn abort(&self) {
        self.end.set(Some(End::Now));
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Accepts connections at `local`, and tells the server of each.
pub(super) fn listen(host: &Rc<Host>, id: StreamId, local: SocketAddr) {
    let is_for_clients = host.server.borrow().config().tcp.contains(&local);
    let listener = match open_listener(local, is_for_clients) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::debug!(%local, %error, "cannot listen");
            let reason = match error.kind() {
                io::ErrorKind::AddrInUse => StreamEnd::Refused,
                _ => StreamEnd::Unavailable,
            };
            return host
                .server
                .borrow_mut()
                .handle_stream(host.system.now(), StreamInput::Closed { id, reason });
        }
    };
    let bound = listener.local_addr().unwrap_or(local);
    let input = StreamInput::Listening { id, local: bound };
    host.server.borrow_mut().handle_stream(host.system.now(), input);
    let weak = Rc::downgrade(host);
    let accept = async move {
        loop {
            let accepted = listener.accept().await;
            let Some(host) = weak.upgrade() else { return };
            match accepted {
                Ok((stream, remote)) => accept_one(&host, id, stream, remote),
                // No more descriptors, most likely: wait until some are closed.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    };
    host.listeners.borrow_mut().insert(id, tokio::task::spawn_local(accept));
}

/// Where a port is relayed from, connections to peers leave from the port that is listened on.
fn open_listener(local: SocketAddr, is_for_clients: bool) -> io::Result<TcpListener> {
    let socket = socket_for(local)?;
    // So that a server that was restarted need not wait for connections of its former life to end.
    socket.set_reuseaddr(true)?;
    if !is_for_clients {
        share_port(&socket)?;
    }
    socket.bind(local)?;
    socket.listen(BACKLOG)
}

fn socket_for(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if address.is_ipv6() {
        socket2::SockRef::from(&socket).set_only_v6(true)?;
    }
    Ok(socket)
}

#[cfg(unix)]
fn share_port(socket: &TcpSocket) -> io::Result<()> {
    socket.set_reuseport(true)
}

#[cfg(not(unix))]
fn share_port(_: &TcpSocket) -> io::Result<()> {
    Ok(())
}

fn accept_one(host: &Rc<Host>, listener: StreamId, stream: TcpStream, remote: SocketAddr) {
    let Ok(local) = stream.local_addr() else { return };
    let number = host.next_connection.get();
    host.next_connection.set(number + 1);
    let id = StreamId::accepted(number);
    let connection = Rc::new(Connection::default());
    host.connections.borrow_mut().insert(id, Rc::clone(&connection));
    let input = StreamInput::Accepted { listener, id, local, remote };
    host.server.borrow_mut().handle_stream(host.system.now(), input);
    host.settle();
    start(host, id, connection, stream);
}

/// Opens a connection to a peer.
pub(super) fn connect(
    host: &Rc<Host>,
    id: StreamId,
    local: Option<SocketAddr>,
    remote: SocketAddr,
) {
    let connection = Rc::new(Connection::default());
    host.connections.borrow_mut().insert(id, Rc::clone(&connection));
    let weak = Rc::downgrade(host);
    tokio::task::spawn_local(async move {
        // The attempt ends with the server's interest in it: the system's own may take minutes.
        let mut opening = Box::pin(open(local, remote));
        let opened = poll_fn(|cx| {
            connection.waker.replace(Some(cx.waker().clone()));
            match connection.end.get() {
                Some(_) => Poll::Ready(None),
                None => opening.as_mut().poll(cx).map(Some),
            }
        });
        let (Some(opened), Some(host)) = (opened.await, weak.upgrade()) else { return };
        match opened {
            Ok((stream, local)) => {
                let input = StreamInput::Connected { id, local, remote };
                host.server.borrow_mut().handle_stream(host.system.now(), input);
                host.settle();
                start(&host, id, connection, stream);
            }
            Err(error) => ended(&host, id, reason_of(&error)),
        }
    });
}

async fn open(
    local: Option<SocketAddr>,
    remote: SocketAddr,
) -> io::Result<(TcpStream, SocketAddr)> {
    let socket = socket_for(remote)?;
    if let Some(local) = local {
        socket.set_reuseaddr(true)?;
        share_port(&socket)?;
        socket.bind(local)?;
    }
    let stream = socket.connect(remote).await?;
    let local = stream.local_addr()?;
    Ok((stream, local))
}

fn start(host: &Rc<Host>, id: StreamId, connection: Rc<Connection>, stream: TcpStream) {
    // Messages are small and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let weak = Rc::downgrade(host);
    let mut work = Work { id, connection, stream, told: 0 };
    tokio::task::spawn_local(poll_fn(move |cx| {
        weak.upgrade().map_or(Poll::Ready(()), |host| work.poll(&host, cx))
    }));
}

/// The connection is gone: tells the server, and does what comes of it.
fn ended(host: &Rc<Host>, id: StreamId, reason: StreamEnd) {
    if host.connections.borrow_mut().remove(&id).is_some() {
        let input = StreamInput::Closed { id, reason };
        host.server.borrow_mut().handle_stream(host.system.now(), input);
        host.settle();
    }
}

fn reason_of(error: &io::Error) -> StreamEnd {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => StreamEnd::Refused,
        io::ErrorKind::TimedOut => StreamEnd::TimedOut,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => StreamEnd::Reset,
        _ => StreamEnd::Unavailable,
    }
}

/// What the task of a connection has.
struct Work {
    id: StreamId,
    connection: Rc<Connection>,
    stream: TcpStream,
    /// Unsent bytes that the server knows of.
    told: usize,
}

impl Work {
    fn poll(&mut self, host: &Rc<Host>, cx: &mut Context<'_>) -> Poll<()> {
        self.connection.waker.replace(Some(cx.waker().clone()));
        loop {
            if self.connection.end.get() == Some(End::Now) {
                let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
                return Poll::Ready(());
            }
            let written = self.write(cx);
            self.tell_unsent(host);
            let is_empty = self.connection.unsent.borrow().is_empty();
            if self.connection.end.get() == Some(End::AfterAll) {
                return match (is_empty, written) {
                    (true, _) => Pin::new(&mut self.stream).poll_shutdown(cx).map(drop),
                    (false, Ok(())) => Poll::Pending,
                    (false, Err(_)) => Poll::Ready(()),
                };
            }
            let read = written.and_then(|()| self.read(host, cx));
            match read {
                Ok(Some(0)) => return self.end(host, StreamEnd::Finished),
                Ok(Some(_)) => host.settle(),
                // What the server had to say to that may be there already.
                Ok(None) if self.has_news(is_empty) => {}
                Ok(None) => return Poll::Pending,
                Err(error) => return self.end(host, reason_of(&error)),
            }
        }
    }

    fn has_news(&self, was_empty: bool) -> bool {
        self.connection.end.get().is_some()
            || (was_empty && !self.connection.unsent.borrow().is_empty())
    }

    fn end(&self, host: &Rc<Host>, reason: StreamEnd) -> Poll<()> {
        ended(host, self.id, reason);
        Poll::Ready(())
    }

    /// Hands the system as much as it takes.
    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut unsent = self.connection.unsent.borrow_mut();
        while !unsent.is_empty() {
            let (first, _) = unsent.as_slices();
            match Pin::new(&mut self.stream).poll_write(cx, first) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::BrokenPipe.into()),
                Poll::Ready(Ok(count)) => drop(unsent.drain(..count)),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    fn tell_unsent(&mut self, host: &Rc<Host>) {
        let bytes = self.connection.unsent.borrow().len();
        if bytes == self.told {
            return;
        }
        self.told = bytes;
        let input = StreamInput::Unsent { id: self.id, bytes };
        host.server.borrow_mut().handle_stream(host.system.now(), input);
        host.settle();
    }

    /// Reads once and tells the server; says how many bytes, `None` if there is nothing now.
    fn read(&mut self, host: &Rc<Host>, cx: &mut Context<'_>) -> io::Result<Option<usize>> {
        if self.connection.is_paused.get() {
            return Ok(None);
        }
        let mut memory = host.buffers.borrow_mut();
        let Some(memory) = memory.get_mut(..READ) else { return Ok(None) };
        let mut buffer = ReadBuf::new(memory);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => return Ok(None),
            Poll::Ready(result) => result?,
        }
        let bytes = buffer.filled();
        let count = bytes.len();
        if count > 0 {
            let input = StreamInput::Received { id: self.id, bytes };
            host.server.borrow_mut().handle_stream(host.system.now(), input);
        }
        Ok(Some(count))
    }
}

/// How long no connection is accepted after the system could not.
const PAUSE: Duration = Duration::from_millis(50);
