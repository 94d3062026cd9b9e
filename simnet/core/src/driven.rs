//! Machines on hosts: the adapter between [`Machine`] and [`Endpoint`].

mod sockets;
mod streams;

use std::{collections::VecDeque, fmt, net::SocketAddr};

use base::{Datagram, Instant, Machine, SocketError};

use self::{sockets::Sockets, streams::Streams};
use crate::{
    endpoint::{Cx, Endpoint, NetworkChange},
    id::{NodeId, SocketId},
    network::Network,
    observer::Observer,
    socket::{BindError, RecvMeta},
    tcp::TcpEvent,
};

/// A [`Machine`] that lives on a host: bound to its sockets, fed with what arrives, drained and woken.
///
/// It serves the whole border. The machine learns the interfaces of the host when time begins and at each
/// change of the network; sockets that it opens are bound as it asks; its streams are connections of the
/// simulated TCP. A datagram that was polled leaves even if its socket is closed in the same breath.
///
/// A stream with [`StreamSecurity::Tls`](base::StreamSecurity::Tls) is carried as plain TCP, to a listener
/// that expects plain TCP: handshake, records and certificates are the business of real drivers. It is
/// open one round trip earlier than life would have it, and a box that looks for TLS sees none.
///
/// ```
/// # use base::{Datagram, Instant, Machine, Transmit};
/// # struct Echo(Vec<(std::net::SocketAddr, Vec<u8>)>);
/// # impl Machine for Echo {
/// #     type Event = ();
/// #     fn handle_datagram(&mut self, _: Instant, d: Datagram<'_>) {
/// #         self.0.push((d.source, d.payload.to_vec()));
/// #     }
/// #     fn handle_timeout(&mut self, _: Instant) {}
/// #     fn poll_transmit(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
/// #         let (to, payload) = self.0.pop()?;
/// #         buffer.extend_from_slice(&payload);
/// #         Some(Transmit::new(to, payload.len()))
/// #     }
/// #     fn poll_event(&mut self) -> Option<()> { None }
/// #     fn poll_timeout(&self) -> Option<Instant> { None }
/// # }
/// use simnet::{Driven, Host, Network};
/// use std::time::Duration;
///
/// let echo = Driven::new(Echo(Vec::new())).bind("0.0.0.0:7".parse().unwrap());
/// let mut net = Network::builder(1)
///     .wan("wan", "11.0.0.0/8")
///     .host("server", Host::on("wan").address("11.0.0.3").endpoint(echo))
///     .host("alice", Host::on("wan"))
///     .build()
///     .unwrap();
/// let socket = net.bind(net.node("alice"), "0.0.0.0:0".parse().unwrap()).unwrap();
/// net.send(socket, "11.0.0.3:7".parse().unwrap(), b"hello");
/// net.run_for(Duration::from_secs(1));
/// assert_eq!(&net.receive(socket).unwrap().payload[..], b"hello");
/// ```
pub struct Driven<M: Machine> {
    machine: M,
    sockets: Sockets,
    streams: Streams,
    events: VecDeque<(Instant, M::Event)>,
    unsent: u64,
    buffer: Vec<u8>,
}

impl<M: Machine> Driven<M> {
    /// The machine, without sockets.
    #[must_use]
    pub fn new(machine: M) -> Self {
        Self {
            machine,
            sockets: Sockets::default(),
            streams: Streams::default(),
            events: VecDeque::new(),
            unsent: 0,
            buffer: Vec::new(),
        }
    }

    /// Binds a socket for it when time begins; repeat for more. A packet that names its source leaves by
    /// the socket bound there, any other by the first socket of its family.
    #[must_use]
    pub fn bind(mut self, local: SocketAddr) -> Self {
        self.sockets.want(local);
        self
    }

    /// The machine.
    pub const fn machine(&self) -> &M {
        &self.machine
    }

    /// Where its sockets are bound: those of [`bind`](Driven::bind), then those it opened itself.
    pub fn local_addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.sockets.addresses()
    }

    /// The sockets that could not be bound when time began.
    pub fn failed(&self) -> &[(SocketAddr, BindError)] {
        self.sockets.failed()
    }

    /// Packets the machine wanted sent from an address that no socket is bound to.
    pub const fn unsent(&self) -> u64 {
        self.unsent
    }

    /// The machine's oldest event that nobody took yet, with the time it was reported.
    pub fn take_event(&mut self) -> Option<(Instant, M::Event)> {
        self.events.pop_front()
    }

    /// Gives the machine a command, and does what it wants done.
    pub fn command<R>(&mut self, cx: &mut Cx<'_>, act: impl FnOnce(&mut M, Instant) -> R) -> R {
        let result = act(&mut self.machine, cx.now());
        self.drain(cx);
        result
    }

    fn drain(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        // What is told in a round may make the machine ask for more.
        loop {
            let mut told = self.open_and_close(cx);
            self.transmit(cx);
            self.drain_streams(cx);
            while let Some(input) = self.streams.next(cx) {
                told = true;
                self.machine.handle_stream(now, input);
                self.drain_streams(cx);
            }
            if !told {
                break;
            }
        }
        while let Some(event) = self.machine.poll_event() {
            self.events.push_back((now, event));
        }
    }

    /// Opens and closes sockets; says whether the machine was told of any.
    fn open_and_close(&mut self, cx: &mut Cx<'_>) -> bool {
        let mut told = false;
        while let Some(command) = self.machine.poll_socket() {
            if let Some(input) = self.sockets.obey(cx, command) {
                told = true;
                self.machine.handle_socket(cx.now(), input);
            }
        }
        told
    }

    fn transmit(&mut self, cx: &mut Cx<'_>) {
        loop {
            self.buffer.clear();
            let polled = self.machine.poll_transmit(cx.now(), &mut self.buffer);
            let Some(transmit) = polled else { break };
            let payload = self.buffer.get(..transmit.size).unwrap_or(&self.buffer);
            match self.sockets.serving(&transmit) {
                Some(socket) => cx.transmit(socket, &transmit, payload),
                None => self.unsent += 1,
            }
        }
    }

    fn drain_streams(&mut self, cx: &mut Cx<'_>) {
        loop {
            self.buffer.clear();
            let polled = self.machine.poll_stream(cx.now(), &mut self.buffer);
            let Some(command) = polled else { break };
            self.streams.obey(cx, &command, &self.buffer);
        }
    }
}

impl<M: Machine + 'static> Endpoint for Driven<M> {
    fn start(&mut self, cx: &mut Cx<'_>) {
        self.sockets.bind_wanted(cx);
        self.machine.handle_interfaces(cx.now(), &cx.interfaces());
        self.drain(cx);
    }

    fn handle_datagram(&mut self, cx: &mut Cx<'_>, _: SocketId, meta: &RecvMeta, payload: &[u8]) {
        let RecvMeta { source, destination, ecn, .. } = *meta;
        self.machine.handle_datagram(cx.now(), Datagram { source, destination, ecn, payload });
        self.drain(cx);
    }

    fn handle_socket_error(&mut self, cx: &mut Cx<'_>, _: SocketId, error: SocketError) {
        self.machine.handle_socket_error(cx.now(), error);
        self.drain(cx);
    }

    fn handle_tcp(&mut self, cx: &mut Cx<'_>, event: TcpEvent) {
        self.streams.note(cx, event);
        self.drain(cx);
    }

    fn handle_network_change(&mut self, cx: &mut Cx<'_>, _: NetworkChange) {
        self.machine.handle_interfaces(cx.now(), &cx.interfaces());
        self.drain(cx);
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        self.machine.handle_timeout(cx.now());
        self.drain(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }
}

impl<M: Machine> fmt::Debug for Driven<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driven").field("sockets", &self.sockets).finish_non_exhaustive()
    }
}

/// Machines that live on hosts as [`Driven`].
impl<O: Observer> Network<O> {
    /// The machine on a host, if it is an `M`.
    #[must_use]
    pub fn machine<M: Machine + 'static>(&self, host: NodeId) -> Option<&M> {
        self.endpoint::<Driven<M>>(host).map(Driven::machine)
    }

    /// Gives the machine on a host a command, and sends what it wants sent; `None` if it is not an `M`.
    pub fn command<M: Machine + 'static, R>(
        &mut self,
        host: NodeId,
        act: impl FnOnce(&mut M, Instant) -> R,
    ) -> Option<R> {
        self.with_endpoint(host, |driven: &mut Driven<M>, cx| driven.command(cx, act))
    }

    /// The oldest event of the machine on a host that nobody took yet, with the time it was reported.
    pub fn machine_event<M: Machine + 'static>(
        &mut self,
        host: NodeId,
    ) -> Option<(Instant, M::Event)> {
        self.with_endpoint(host, |driven: &mut Driven<M>, _| driven.take_event()).flatten()
    }
}
