//! Machines on hosts: the adapter between [`Machine`] and [`Endpoint`].

use std::{collections::VecDeque, fmt, net::SocketAddr};

use base::{Datagram, Instant, Machine, SocketError};

use crate::{
    endpoint::{Cx, Endpoint},
    id::{NodeId, SocketId},
    network::Network,
    observer::Observer,
    socket::{BindError, RecvMeta},
};

/// A [`Machine`] that lives on a host: bound to its sockets, fed with what arrives, drained and woken.
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
    /// Where to bind when time begins.
    wanted: Vec<SocketAddr>,
    sockets: Vec<(SocketAddr, SocketId)>,
    failed: Vec<(SocketAddr, BindError)>,
    events: VecDeque<(Instant, M::Event)>,
    unsent: u64,
    buffer: Vec<u8>,
}

impl<M: Machine> Driven<M> {
    /// The machine, without sockets.
    #[must_use]
    pub const fn new(machine: M) -> Self {
        Self {
            machine,
            wanted: Vec::new(),
            sockets: Vec::new(),
            failed: Vec::new(),
            events: VecDeque::new(),
            unsent: 0,
            buffer: Vec::new(),
        }
    }

    /// Binds a socket for it when time begins; repeat for more. A packet that names its source leaves by
    /// the socket bound there, any other by the first socket of its family.
    #[must_use]
    pub fn bind(mut self, local: SocketAddr) -> Self {
        self.wanted.push(local);
        self
    }

    /// The machine.
    pub const fn machine(&self) -> &M {
        &self.machine
    }

    /// Where its sockets are bound.
    pub fn local_addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.sockets.iter().map(|entry| entry.0)
    }

    /// The sockets that could not be bound.
    pub fn failed(&self) -> &[(SocketAddr, BindError)] {
        &self.failed
    }

    /// Packets the machine wanted sent from an address that no socket is bound to.
    pub const fn unsent(&self) -> u64 {
        self.unsent
    }

    /// The machine's oldest event that nobody took yet, with the time it was reported.
    pub fn take_event(&mut self) -> Option<(Instant, M::Event)> {
        self.events.pop_front()
    }

    fn drain(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        loop {
            self.buffer.clear();
            let Some(transmit) = self.machine.poll_transmit(now, &mut self.buffer) else { break };
            let serves = |local: &SocketAddr| match transmit.source {
                Some(source) => {
                    let anywhere = local.ip().is_unspecified() || source.ip().is_unspecified();
                    (anywhere || local.ip() == source.ip())
                        && local.port() == source.port()
                        && local.is_ipv4() == source.is_ipv4()
                }
                None => local.is_ipv4() == transmit.destination.is_ipv4(),
            };
            let payload = self.buffer.get(..transmit.size).unwrap_or(&self.buffer);
            match self.sockets.iter().find(|entry| serves(&entry.0)) {
                Some(&(_, socket)) => cx.transmit(socket, &transmit, payload),
                None => self.unsent += 1,
            }
        }
        while let Some(event) = self.machine.poll_event() {
            self.events.push_back((now, event));
        }
    }
}

impl<M: Machine + 'static> Endpoint for Driven<M> {
    fn start(&mut self, cx: &mut Cx<'_>) {
        for local in std::mem::take(&mut self.wanted) {
            match cx.bind(local) {
                Ok(socket) => self.sockets.push((cx.local_address(socket), socket)),
                Err(error) => self.failed.push((local, error)),
            }
        }
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
        self.with_endpoint(host, |driven: &mut Driven<M>, cx| {
            let result = act(&mut driven.machine, cx.now());
            driven.drain(cx);
            result
        })
    }

    /// The oldest event of the machine on a host that nobody took yet, with the time it was reported.
    pub fn machine_event<M: Machine + 'static>(
        &mut self,
        host: NodeId,
    ) -> Option<(Instant, M::Event)> {
        self.with_endpoint(host, |driven: &mut Driven<M>, _| driven.take_event()).flatten()
    }
}
