//! The border between asynchronous code and its surroundings: sockets, time, interfaces, names, seeds.
//!
//! A driver moves bytes between machines without I/O and the world. What it asks of the world stands
//! here, as traits that are all usable as `dyn`: a driver compiled once runs on the sockets of an
//! operating system, or on those of a simulated network, and cannot tell which.
//!
//! ```
//! use std::{future::poll_fn, io::{self, IoSliceMut}};
//!
//! use base::Transmit;
//! use runtime::{RecvMeta, Runtime};
//!
//! /// Sends every datagram back to where it came from, with the congestion mark it came with.
//! async fn echo(runtime: &dyn Runtime) -> io::Result<()> {
//!     let socket = runtime.bind_udp("0.0.0.0:7".parse().unwrap(), None)?;
//!     let (mut bytes, mut meta) = ([0; 1500], [RecvMeta::EMPTY]);
//!     loop {
//!         poll_fn(|cx| socket.poll_recv(cx, &mut [IoSliceMut::new(&mut bytes)], &mut meta)).await?;
//!         let RecvMeta { source, destination, ecn, len, .. } = meta[0];
//!         let answer = Transmit { ecn, ..Transmit::new(source, len).from(destination) };
//!         poll_fn(|cx| socket.poll_send(cx, &answer, &bytes[..len])).await?;
//!     }
//! }
//! # let _ = echo;
//! ```
//!
//! # What every implementation keeps
//!
//! * **Polls and wakers.** A poll that answers `Pending` keeps the waker of its context and wakes it when
//!   asking again may help. Each direction of each object remembers one waker, the last one: a socket is
//!   read by one task and written by one task at a time.
//! * **One clock.** [`Runtime::now`], timers and [`Runtime::wall_time`] move together and never go back.
//! * **Nothing is invented.** What the system does not say is `None`, never a guess.
//! * **Any thread.** Everything here is `Send` and `Sync`, so that a driver may live in a runtime of many
//!   threads. An implementation bound to one thread answers with an error on others.
//! * **Dropping closes.** There is no `close`.
//!
//! # Errors
//!
//! Commands fail with [`std::io::Error`], as sockets do. What the network reports *about datagrams that
//! were sent* (ICMP) is not an error of the call that happens to notice it: it has its own way out,
//! [`UdpSocket::poll_error`], with the addresses of the datagram it speaks of.
//!
//! # Map
//!
//! | file | holds |
//! |---|---|
//! | `lib.rs` | [`Runtime`]: where everything else comes from |
//! | `udp.rs` | [`UdpSocket`], [`RecvMeta`] |
//! | `tcp.rs` | [`TcpListener`], [`TcpStream`] |
//! | `time.rs` | [`Timer`] |
//! | `interfaces.rs` | [`InterfaceIndex`], [`InterfaceWatch`] |
//! | `names.rs` | [`Resolver`] |

use std::{fmt, future::Future, io, net::SocketAddr, pin::Pin};

use base::{Instant, Interface, WallTime};

mod interfaces;
mod names;
mod tcp;
mod time;
mod udp;

pub use interfaces::{InterfaceIndex, InterfaceWatch};
pub use names::Resolver;
pub use tcp::{TcpListener, TcpStream};
pub use time::Timer;
pub use udp::{RecvMeta, UdpSocket};

/// A future behind a pointer, as methods of `dyn` traits return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One host, as a program on it sees it: the origin of sockets, timers and names.
pub trait Runtime: fmt::Debug + Send + Sync + 'static {
    /// The time on this host's monotonic clock. The beginning is the implementation's choice, and the
    /// same for all objects of one runtime.
    fn now(&self) -> Instant;

    /// The date and time of day on this host's clock, in UTC.
    fn wall_time(&self) -> WallTime;

    /// A seed for a [`base::Rng`], different at each call: the only chance that a driver draws by itself.
    /// A system gives entropy, a simulation what follows from its own seed.
    ///
    /// # Errors
    ///
    /// If the system has no entropy to give.
    fn seed(&self) -> io::Result<[u8; 32]>;

    /// Runs `task` beside the others until it ends. It is dropped when the host goes down.
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// A timer that fires at `deadline`.
    fn timer(&self, deadline: Instant) -> Pin<Box<dyn Timer>>;

    /// Binds a UDP socket. Port 0 asks for an ephemeral port; the unspecified address for all addresses
    /// of the host in that family. With `interface`, the socket sends and receives through this one only,
    /// whatever the routes say.
    ///
    /// # Errors
    ///
    /// If the address is not one of the host (`AddrNotAvailable`), if another socket has the port
    /// (`AddrInUse`), if there is no such interface (`NotFound`).
    fn bind_udp(
        &self,
        address: SocketAddr,
        interface: Option<InterfaceIndex>,
    ) -> io::Result<Box<dyn UdpSocket>>;

    /// Listens for TCP connections. Address and port mean the same as in
    /// [`bind_udp`](Runtime::bind_udp).
    ///
    /// # Errors
    ///
    /// As [`bind_udp`](Runtime::bind_udp).
    fn listen_tcp(&self, address: SocketAddr) -> io::Result<Box<dyn TcpListener>>;

    /// Opens a TCP connection to `remote`, from `local` if that is given.
    ///
    /// # Errors
    ///
    /// If `local` cannot be bound; if the peer refuses (`ConnectionRefused`), cannot be reached
    /// (`HostUnreachable`, `NetworkUnreachable`) or does not answer (`TimedOut`).
    fn connect_tcp(
        &self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn TcpStream>>>;

    /// Who turns names into addresses on this host.
    fn resolver(&self) -> Box<dyn Resolver>;

    /// The interfaces that are there now, without the loopback, in the system's order. One that is down
    /// has no addresses.
    ///
    /// # Errors
    ///
    /// If the system refuses to tell.
    fn interfaces(&self) -> io::Result<Vec<(InterfaceIndex, Interface)>>;

    /// Hears of every later change of what [`interfaces`](Runtime::interfaces) returns.
    ///
    /// # Errors
    ///
    /// If the system refuses to tell.
    fn watch_interfaces(&self) -> io::Result<Box<dyn InterfaceWatch>>;
}
