//! TCP at the border.

use std::{
    fmt, io,
    net::SocketAddr,
    task::{Context, Poll},
};

/// A socket that waits for connections.
pub trait TcpListener: fmt::Debug + Send + Sync + 'static {
    /// The address and port it listens on.
    ///
    /// # Errors
    ///
    /// If the host went down.
    fn local_address(&self) -> io::Result<SocketAddr>;

    /// Takes the next connection that is established.
    ///
    /// # Errors
    ///
    /// If the host went down. One connection that failed is not an error of the listener.
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Box<dyn TcpStream>>>;
}

/// An established TCP connection. Reading and writing may be done by two tasks.
pub trait TcpStream: fmt::Debug + Send + Sync + 'static {
    /// Address and port on this side.
    ///
    /// # Errors
    ///
    /// If the host went down.
    fn local_address(&self) -> io::Result<SocketAddr>;

    /// Address and port on the other side.
    ///
    /// # Errors
    ///
    /// If the host went down.
    fn remote_address(&self) -> io::Result<SocketAddr>;

    /// Sends small pieces at once, where they would otherwise wait for acknowledgments (RFC 1122 §4.2.3.4).
    ///
    /// # Errors
    ///
    /// If the host went down.
    fn set_nodelay(&self, on: bool) -> io::Result<()>;

    /// Reads into `buffer` and says how many bytes; 0 after the peer's last byte, or if the buffer is
    /// empty.
    ///
    /// # Errors
    ///
    /// If the connection was reset (`ConnectionReset`) or given up (`TimedOut`).
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Takes a first part of `bytes` for sending and says how many; at least one unless `bytes` is
    /// empty.
    ///
    /// # Errors
    ///
    /// As [`poll_read`](TcpStream::poll_read); `BrokenPipe` after
    /// [`poll_shutdown`](TcpStream::poll_shutdown).
    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Says that nothing more will be written. What was written before is still sent.
    ///
    /// # Errors
    ///
    /// If the connection is gone.
    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}
