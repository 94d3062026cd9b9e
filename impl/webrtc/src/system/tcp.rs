//! TCP of the system.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpSocket,
};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// A listening socket.
#[derive(Debug)]
pub(super) struct TcpListener(tokio::net::TcpListener);

fn socket_for(address: SocketAddr) -> io::Result<TcpSocket> {
    if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}

impl TcpListener {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = socket_for(address)?;
        // So that a server that was restarted need not wait for connections of its former life to end.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self(socket.listen(BACKLOG)?))
    }
}

impl runtime::TcpListener for TcpListener {
    fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Box<dyn runtime::TcpStream>>> {
        loop {
            match ready!(self.0.poll_accept(cx)) {
                Ok((stream, _)) => return Poll::Ready(TcpStream::new(stream).map(boxed)),
                // It failed before anybody took it.
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

fn boxed(stream: TcpStream) -> Box<dyn runtime::TcpStream> {
    Box::new(stream)
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

/// A connection. The lock is held for the length of a system call, so that one task may read and another
/// write.
#[derive(Debug)]
pub(super) struct TcpStream {
    local: SocketAddr,
    remote: SocketAddr,
    stream: Mutex<tokio::net::TcpStream>,
}

impl TcpStream {
    fn new(stream: tokio::net::TcpStream) -> io::Result<Self> {
        let (local, remote) = (stream.local_addr()?, stream.peer_addr()?);
        Ok(Self { local, remote, stream: Mutex::new(stream) })
    }

    pub(super) async fn connect(local: Option<SocketAddr>, remote: SocketAddr) -> io::Result<Self> {
        let socket = socket_for(remote)?;
        if let Some(local) = local {
            socket.bind(local)?;
        }
        Self::new(socket.connect(remote).await?)
    }

    fn with<R>(&self, act: impl FnOnce(Pin<&mut tokio::net::TcpStream>) -> R) -> R {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        act(Pin::new(&mut *stream))
    }
}

impl runtime::TcpStream for TcpStream {
    fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn remote_address(&self) -> io::Result<SocketAddr> {
        Ok(self.remote)
    }

    fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.with(|stream| stream.set_nodelay(on))
    }

    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        ready!(self.with(|stream| stream.poll_read(cx, &mut read)))?;
        Poll::Ready(Ok(read.filled().len()))
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }
}
