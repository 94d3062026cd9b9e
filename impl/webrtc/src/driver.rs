//! The driver: sockets, connections and time for a machine.

mod sockets;
mod streams;
mod tls;

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use base::{Datagram, Instant, Interface, Machine, StreamId, Transmit};
use runtime::{Runtime, Timer};
use tokio_rustls::rustls;

use self::{
    sockets::Sockets,
    streams::{Streams, Told},
};

/// Things told to the machine in one go before other tasks get a turn.
const MAX_ROUNDS: usize = 64;
/// Bytes that one receive may bring: the longest batch of datagrams the kernel makes, and a good piece of
/// a stream.
const RECEIVE_BUFFER: usize = 65_536;

/// Runs one [`Machine`] on the sockets of a [`Runtime`]: the system's ([`System`](crate::System)) or a
/// simulated network's.
///
/// It binds the UDP sockets the machine asks for and those it is told to [bind](Driver::bind), opens and
/// accepts TCP connections, puts TLS around those that want it, keeps the machine's deadlines, and tells it
/// the interfaces it is told. It works while somebody waits in [`Driver::next_event`]; nothing is lost
/// when the wait is broken off. Many connections of one machine are looked at one by one each time it
/// wakes up: it is a driver for endpoints, which have a handful.
///
/// ```no_run
/// use base::Rng;
/// use peerlab::{Driver, System};
/// use runtime::Runtime;
/// use std::sync::Arc;
/// use stun::{Client, ClientConfig, ClientEvent, Request, Server, ServerConfig};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let (system, provider) = (Arc::new(System::new(Vec::new())), crypto::Provider::default());
/// let (rng, now) = (Rng::from_seed(system.seed()?), system.now());
/// let server = Server::new(ServerConfig::new(provider), rng.fork("server"), now);
/// let mut server = Driver::new(system.clone(), server);
/// let there = server.bind("127.0.0.1:0".parse().unwrap())?;
/// tokio::spawn(async move { server.next_event().await });
///
/// let client = Client::new(ClientConfig::new(provider), rng.fork("client"), now);
/// let mut client = Driver::new(system, client);
/// let here = client.bind("127.0.0.1:0".parse().unwrap())?;
/// client.command(|client, now| client.request(now, Request::binding(there))).unwrap();
/// let ClientEvent::Succeeded { response, .. } = client.next_event().await? else {
///     panic!("nothing gets lost here");
/// };
/// assert_eq!(response.mapped_address(), Some(here));
/// # std::io::Result::Ok(()) })?;
/// # std::io::Result::Ok(())
/// ```
pub struct Driver<M: Machine> {
    runtime: Arc<dyn Runtime>,
    machine: M,
    sockets: Sockets,
    streams: Streams,
    events: VecDeque<M::Event>,
    timer: Option<(Instant, Pin<Box<dyn Timer>>)>,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

/// What a driver could not do for its machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriverStats {
    /// Datagrams that were to be sent from an address no socket is bound to.
    pub without_socket: u64,
    /// Datagrams that found the queue of a socket full.
    pub queue_full: u64,
    /// Datagrams that the system refused to send.
    pub refused: u64,
    /// Streams that were reset because the machine put more into them than the driver holds.
    pub overrun_streams: u64,
}

impl<M: Machine> Driver<M> {
    /// A driver of `machine`, without sockets.
    pub fn new(runtime: Arc<dyn Runtime>, machine: M) -> Self {
        Self {
            runtime,
            machine,
            sockets: Sockets::default(),
            streams: Streams::default(),
            events: VecDeque::new(),
            timer: None,
            outgoing: Vec::new(),
            incoming: vec![0; RECEIVE_BUFFER],
        }
    }

    /// The same with TLS for connections that want it: roots, versions and client certificates are those of
    /// `config`. Without it, connections that want TLS end as [`base::StreamEnd::Insecure`].
    #[must_use]
    pub fn with_tls(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.streams.set_tls(config);
        self
    }

    /// Binds a UDP socket for a machine that binds none itself, and says where it is bound. A datagram
    /// that names its source leaves by the socket bound there, any other by the first one of its family.
    ///
    /// # Errors
    ///
    /// As [`Runtime::bind_udp`].
    pub fn bind(&mut self, local: SocketAddr) -> io::Result<SocketAddr> {
        self.sockets.bind(&*self.runtime, local)
    }

    /// Tells the machine which interfaces the host has: first of all, and after each change.
    pub fn set_interfaces(&mut self, interfaces: &[Interface]) {
        let now = self.runtime.now();
        self.machine.handle_interfaces(now, interfaces);
        self.settle();
    }

    /// The machine.
    pub const fn machine(&self) -> &M {
        &self.machine
    }

    /// Where its sockets are bound, in the order in which they were.
    pub fn local_addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.sockets.addresses()
    }

    /// What could not be done.
    #[must_use]
    pub fn stats(&self) -> DriverStats {
        let overrun_streams = self.streams.overruns();
        DriverStats { overrun_streams, ..self.sockets.stats() }
    }

    /// The time that the machine is told.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.runtime.now()
    }

    /// Gives the machine a command, and does at once what it wants done, as far as it can be done without
    /// waiting.
    pub fn command<R>(&mut self, act: impl FnOnce(&mut M, Instant) -> R) -> R {
        let now = self.runtime.now();
        let result = act(&mut self.machine, now);
        self.settle();
        result
    }

    /// Sends a datagram that a command of the machine put into a buffer.
    pub fn send(&mut self, transmit: &Transmit, payload: &[u8]) {
        self.sockets.send(transmit, payload);
    }

    /// Sends bytes that a command of the machine put into a buffer over a stream; they leave while somebody
    /// waits for events.
    pub fn write(&mut self, stream: StreamId, bytes: &[u8]) {
        self.streams.write(stream, bytes);
    }

    /// Works until the machine has something to report.
    ///
    /// # Errors
    ///
    /// If the host went down; what happens to one socket or connection is the machine's business.
    pub async fn next_event(&mut self) -> io::Result<M::Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Works until nothing can be done without waiting, or the machine has something to report.
    ///
    /// # Errors
    ///
    /// As [`Driver::next_event`].
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<M::Event>> {
        for _ in 0..MAX_ROUNDS {
            self.settle();
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Ok(event));
            }
            let heard = self.hear_datagrams(cx)? | self.hear_streams(cx) | self.keep_deadline(cx);
            if !heard {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Does what the machine wants done, until it wants nothing more.
    fn settle(&mut self) {
        let Self { runtime, machine, sockets, streams, events, outgoing, .. } = self;
        loop {
            let now = runtime.now();
            let mut told = false;
            while let Some(command) = machine.poll_socket() {
                if let Some(input) = sockets.obey(&**runtime, command) {
                    machine.handle_socket(now, input);
                    told = true;
                }
            }
            outgoing.clear();
            while let Some(transmit) = machine.poll_transmit(now, outgoing) {
                sockets.send(&transmit, outgoing);
                outgoing.clear();
            }
            while let Some(command) = machine.poll_stream(now, outgoing) {
                streams.obey(runtime, command, outgoing);
                outgoing.clear();
            }
            events.extend(std::iter::from_fn(|| machine.poll_event()));
            if let Some(error) = sockets.take_error() {
                machine.handle_socket_error(now, error);
                told = true;
            } else if let Some(input) = streams.take_news() {
                machine.handle_stream(now, input);
                told = true;
            }
            if !told {
                return;
            }
        }
    }

    /// Tells the machine what arrived at one socket. Says whether anything did.
    fn hear_datagrams(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        self.sockets.flush(cx);
        let Some((socket, meta)) = self.sockets.receive(cx, &mut self.incoming)? else {
            return Ok(false);
        };
        let incoming = std::mem::take(&mut self.incoming);
        for payload in meta.datagrams(&incoming) {
            let datagram = Datagram {
                source: meta.source,
                destination: self.sockets.destination(socket, meta.destination),
                ecn: meta.ecn,
                payload,
            };
            let now = self.runtime.now();
            self.machine.handle_datagram(now, datagram);
            self.settle();
        }
        self.incoming = incoming;
        Ok(true)
    }

    /// Tells the machine what happened to one stream. Says whether anything did.
    fn hear_streams(&mut self, cx: &mut Context<'_>) -> bool {
        let runtime = &*self.runtime;
        let Some(told) = self.streams.next(runtime, cx, &mut self.incoming) else {
            return false;
        };
        let now = runtime.now();
        if let Told::Received { id, size } = told {
            let bytes = self.incoming.get(..size).unwrap_or_default();
            self.machine.handle_stream(now, base::StreamInput::Received { id, bytes });
        }
        self.settle();
        true
    }

    /// Wakes the machine if it is time, or sees to being woken when it is. Says whether it was time.
    fn keep_deadline(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = self.machine.poll_timeout() else {
            return false;
        };
        let now = self.runtime.now();
        if deadline > now {
            let (armed, timer) =
                self.timer.get_or_insert_with(|| (deadline, self.runtime.timer(deadline)));
            if *armed != deadline {
                *armed = deadline;
                timer.as_mut().reset(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return false;
            }
        }
        let now = self.runtime.now();
        self.machine.handle_timeout(now.max(deadline));
        self.settle();
        true
    }
}

impl<M: Machine + fmt::Debug> fmt::Debug for Driver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("machine", &self.machine).finish_non_exhaustive()
    }
}
