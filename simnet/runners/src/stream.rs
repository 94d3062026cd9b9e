//! TCP in the shape of tokio's.

use std::{
    fmt,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use simnet::{ListenerId, TcpId};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    home::{self, Home},
    names::{ToSocketAddrs, addresses},
    world::World,
};

/// A listener of a simulated host, with the methods of `tokio::net::TcpListener`.
pub struct TcpListener {
    pub(crate) world: u64,
    pub(crate) id: ListenerId,
}

impl TcpListener {
    /// Listens on the running host.
    ///
    /// # Errors
    ///
    /// If no simulated host is running here, or none of the addresses can be bound.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let home = home::current()?;
        let mut last = None;
        for address in addresses(&address)? {
            match Self::bind_on(home, address) {
                Ok(listener) => return Ok(listener),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::ErrorKind::InvalidInput.into()))
    }

    pub(crate) fn bind_on(home: Home, address: SocketAddr) -> io::Result<Self> {
        let Home { world, host } = home;
        let id = home::with_world(world, |world| world.listen_tcp(host, address))??;
        Ok(Self { world, id })
    }

    /// Takes the next connection, and says who is at the other end.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// Takes the next connection, and says who is at the other end.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let id = ready!(home::with_world(self.world, |world| world.poll_accept(self.id, cx))?)?;
        let stream = TcpStream { world: self.world, id };
        let peer = stream.peer_addr()?;
        Poll::Ready(Ok((stream, peer)))
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        home::with_world(self.world, |world| world.listener_address(self.id))?
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        // A world that has ended has nothing to close.
        let _ = home::with_world(self.world, |world| world.stop_listening(self.id));
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A connection of a simulated host, with the methods of `tokio::net::TcpStream`.
///
/// Dropping it closes the connection as a system does: in order, or with a reset if bytes came that were
/// not read.
pub struct TcpStream {
    pub(crate) world: u64,
    pub(crate) id: TcpId,
}

impl TcpStream {
    /// Connects from the running host to the first of the addresses that answers.
    ///
    /// # Errors
    ///
    /// If no simulated host is running here, or none of the addresses can be reached.
    pub async fn connect(address: impl ToSocketAddrs) -> io::Result<Self> {
        let home = home::current()?;
        let mut last = None;
        for address in addresses(&address)? {
            match Self::connect_on(home, None, address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::ErrorKind::InvalidInput.into()))
    }

    /// Connects from the running host, from a certain address and port; port 0 asks for an ephemeral one.
    /// With tokio this takes a `TcpSocket`.
    ///
    /// # Errors
    ///
    /// As [`connect`](TcpStream::connect), and if the local address cannot be bound.
    pub async fn connect_from(local: SocketAddr, remote: SocketAddr) -> io::Result<Self> {
        Self::connect_on(home::current()?, Some(local), remote).await
    }

    pub(crate) async fn connect_on(
        home: Home,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> io::Result<Self> {
        let Home { world, host } = home;
        let id = home::with_world(world, |world| world.connect_tcp(host, local, remote))??;
        let stream = Self { world, id };
        poll_fn(|cx| stream.with(|world| world.poll_connected(id, cx))?).await?;
        Ok(stream)
    }

    /// Address and port on this side.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.with(|world| world.tcp_addresses(self.id))??.0)
    }

    /// Address and port on the other side.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.with(|world| world.tcp_addresses(self.id))??.1)
    }

    /// Sends small pieces at once, instead of letting them wait for acknowledgments.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.with(|world| world.set_nodelay(self.id, on))?
    }

    /// Reads what is there.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if nothing is; otherwise as reading does.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.with(|world| world.read_tcp(self.id, buffer))?
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if there is none; otherwise as writing does.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|world| world.write_tcp(self.id, bytes))?
    }

    /// Splits the connection into halves that borrow it.
    pub const fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        (ReadHalf(self), WriteHalf(self))
    }

    /// Splits the connection into halves that own it together. Dropping the writing half says that
    /// nothing more will be written.
    #[must_use]
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        let whole = Arc::new(self);
        (OwnedReadHalf(Arc::clone(&whole)), OwnedWriteHalf(whole))
    }

    pub(crate) fn read(&self, cx: &Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.with(|world| match world.read_tcp(self.id, buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                world.wait_to_read(self.id, cx);
                Poll::Pending
            }
            done => Poll::Ready(done),
        })?
    }

    pub(crate) fn write(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|world| match world.write_tcp(self.id, bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                world.wait_to_write(self.id, cx);
                Poll::Pending
            }
            done => Poll::Ready(done),
        })?
    }

    pub(crate) fn shut(&self) -> io::Result<()> {
        self.with(|world| world.shut_tcp(self.id))?
    }

    fn read_into(&self, cx: &Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let count = ready!(self.read(cx, buffer.initialize_unfilled()))?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }

    fn with<R>(&self, act: impl FnOnce(&mut World) -> R) -> io::Result<R> {
        home::with_world(self.world, act)
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        // A world that has ended has nothing to close.
        let _ = home::with_world(self.world, |world| world.close_tcp(self.id));
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStream").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The reading half of a connection, borrowed.
#[derive(Debug)]
pub struct ReadHalf<'a>(&'a TcpStream);

/// The writing half of a connection, borrowed.
#[derive(Debug)]
pub struct WriteHalf<'a>(&'a TcpStream);

/// The reading half of a connection.
#[derive(Debug)]
pub struct OwnedReadHalf(Arc<TcpStream>);

/// The writing half of a connection.
#[derive(Debug)]
pub struct OwnedWriteHalf(Arc<TcpStream>);

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        // A connection that is gone needs no farewell.
        let _ = self.0.shut();
    }
}

macro_rules! reads {
    ($($half:ty => |$it:ident| $stream:expr;)*) => {$(
        impl AsyncRead for $half {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let $it = &*self;
                $stream.read_into(cx, buffer)
            }
        }
    )*};
}

macro_rules! writes {
    ($($half:ty => |$it:ident| $stream:expr;)*) => {$(
        impl AsyncWrite for $half {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                let $it = &*self;
                $stream.write(cx, bytes)
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(())) // What was written is the network's already.
            }

            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                let $it = &*self;
                Poll::Ready($stream.shut())
            }
        }
    )*};
}

reads! {
    TcpStream => |it| it;
    ReadHalf<'_> => |it| it.0;
    OwnedReadHalf => |it| it.0;
}

writes! {
    TcpStream => |it| it;
    WriteHalf<'_> => |it| it.0;
    OwnedWriteHalf => |it| it.0;
}
