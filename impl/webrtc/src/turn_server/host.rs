//! Sockets, connections and time for a TURN server.
//!
//! Everything runs on one thread: a task for each socket and connection, which tells the machine what
//! came and then does what the machine wants. The machine is borrowed for that alone, never across a wait.

mod connections;
mod datagrams;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use base::{Instant, Machine as _, SocketCommand, SocketInput, StreamCommand, StreamId, Transmit};
use runtime::{RecvMeta, Runtime};
use tokio::{sync::Notify, task::JoinHandle};
use turn::{Server, ServerEvent};

use self::{connections::Connection, datagrams::Udp};
use super::load::Load;
use crate::System;

/// Buffers of one receive call: as many as quinn-udp takes at once.
const BATCH: usize = 32;
/// Bytes of one of them: the longest batch of datagrams the kernel makes.
const BUFFER: usize = 65_536;
/// Batches that one socket may bring before the others get a turn.
const MAX_ROUNDS: usize = 16;

/// What the system did not do for the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostStats {
    /// Batches of datagrams that came.
    pub receives: u64,
    /// Batches of datagrams that went.
    pub sends: u64,
    /// Datagrams or batches that found the queue of a socket full.
    pub queue_full: u64,
    /// Datagrams or batches that the system refused to send.
    pub refused: u64,
}

/// A server on the sockets of the system.
#[derive(Debug)]
pub struct Host {
    server: RefCell<Server>,
    system: System,
    udp: RefCell<BTreeMap<SocketAddr, Rc<Udp>>>,
    listeners: RefCell<BTreeMap<StreamId, JoinHandle<()>>>,
    connections: RefCell<BTreeMap<StreamId, Rc<Connection>>>,
    next_connection: Cell<u64>,
    /// Where all sockets receive: they do so one at a time.
    buffers: RefCell<Vec<u8>>,
    meta: RefCell<Vec<RecvMeta>>,
    /// Bytes for streams on their way from the machine.
    outgoing: RefCell<Vec<u8>>,
    deadline: Cell<Option<Instant>>,
    deadline_changed: Notify,
    events: RefCell<Vec<ServerEvent>>,
    happened: Notify,
    stats: Cell<HostStats>,
    load: Arc<Load>,
}

impl Host {
    /// A host for `server`, which begins to work with [`Host::run`]. Must be used within a
    /// [`tokio::task::LocalSet`].
    #[must_use]
    pub(super) fn new(system: System, server: Server, load: Arc<Load>) -> Rc<Self> {
        Rc::new(Self {
            server: RefCell::new(server),
            system,
            udp: RefCell::default(),
            listeners: RefCell::default(),
            connections: RefCell::default(),
            next_connection: Cell::new(0),
            buffers: RefCell::new(vec![0; BATCH * BUFFER]),
            meta: RefCell::new(vec![RecvMeta::EMPTY; BATCH]),
            outgoing: RefCell::default(),
            deadline: Cell::new(None),
            deadline_changed: Notify::new(),
            events: RefCell::default(),
            happened: Notify::new(),
            stats: Cell::default(),
            load,
        })
    }

    /// What the system did not do.
    #[must_use]
    pub fn stats(&self) -> HostStats {
        self.stats.get()
    }

    /// Gives the server a command and does what comes of it.
    pub fn command<R>(self: &Rc<Self>, act: impl FnOnce(&mut Server, Instant) -> R) -> R {
        let now = self.system.now();
        let result = act(&mut self.server.borrow_mut(), now);
        self.settle();
        result
    }

    /// Keeps the deadlines of the server, for good.
    pub async fn run(self: Rc<Self>) {
        self.settle();
        loop {
            let now = self.system.now();
            let wait = self.deadline.get().map(|deadline| deadline - now);
            let sleep = tokio::time::sleep(wait.unwrap_or(Duration::from_secs(3_600)));
            tokio::select! {
                () = sleep => {
                    let now = self.system.now();
                    self.server.borrow_mut().handle_timeout(now);
                    self.settle();
                }
                () = self.deadline_changed.notified() => {}
            }
        }
    }

    /// The next thing the server has to tell.
    pub async fn next_event(&self) -> ServerEvent {
        loop {
            let event = {
                let mut events = self.events.borrow_mut();
                if events.is_empty() { None } else { Some(events.remove(0)) }
            };
            match event {
                Some(event) => return event,
                None => self.happened.notified().await,
            }
        }
    }

    /// Does everything the server wants done.
    fn settle(self: &Rc<Self>) {
        while self.serve_socket() || self.serve_stream() {}
        self.send_all();
        let mut server = self.server.borrow_mut();
        let before = self.events.borrow().len();
        self.events.borrow_mut().extend(std::iter::from_fn(|| server.poll_event()));
        if self.events.borrow().len() > before {
            self.happened.notify_one();
        }
        let deadline = server.poll_timeout();
        if self.deadline.replace(deadline) != deadline {
            self.deadline_changed.notify_one();
        }
    }

    fn serve_socket(self: &Rc<Self>) -> bool {
        let command = self.server.borrow_mut().poll_socket();
        match command {
            None => return false,
            Some(SocketCommand::Open { local }) => {
                let input = match self.open(local) {
                    Ok(bound) => SocketInput::Opened { asked: local, local: bound },
                    Err(error) => {
                        tracing::debug!(%local, %error, "cannot bind");
                        let in_use = error.kind() == io::ErrorKind::AddrInUse;
                        SocketInput::Refused { asked: local, in_use }
                    }
                };
                let now = self.system.now();
                self.server.borrow_mut().handle_socket(now, input);
            }
            Some(SocketCommand::Close { local }) => {
                // What was to leave by it leaves first.
                self.send_all();
                self.udp.borrow_mut().remove(&local);
            }
        }
        true
    }

    fn open(self: &Rc<Self>, local: SocketAddr) -> io::Result<SocketAddr> {
        let socket = self.system.bind_udp(local, None)?;
        let bound = socket.local_address()?;
        let udp = Rc::new(Udp::new(socket));
        udp.start(self);
        self.udp.borrow_mut().insert(bound, udp);
        Ok(bound)
    }

    fn serve_stream(self: &Rc<Self>) -> bool {
        let now = self.system.now();
        let mut outgoing = self.outgoing.take();
        outgoing.clear();
        let command = self.server.borrow_mut().poll_stream(now, &mut outgoing);
        let is_some = command.is_some();
        if let Some(command) = command {
            self.obey(command, &outgoing);
        }
        self.outgoing.replace(outgoing);
        is_some
    }

    fn obey(self: &Rc<Self>, command: StreamCommand, bytes: &[u8]) {
        match command {
            StreamCommand::Listen { id, local } => connections::listen(self, id, local),
            StreamCommand::Connect { id, local, remote, .. } => {
                connections::connect(self, id, local, remote);
            }
            StreamCommand::Close { id } => {
                if let Some(listener) = self.listeners.borrow_mut().remove(&id) {
                    return listener.abort();
                }
                if let Some(connection) = self.connections.borrow_mut().remove(&id) {
                    connection.close();
                }
            }
            StreamCommand::Abort { id } => {
                if let Some(connection) = self.connections.borrow_mut().remove(&id) {
                    connection.abort();
                }
            }
            StreamCommand::Send { id, .. } => self.with(id, |it| it.send(bytes)),
            StreamCommand::Pause { id } => self.with(id, Connection::pause),
            StreamCommand::Resume { id } => self.with(id, Connection::resume),
        }
    }

    fn with(&self, id: StreamId, act: impl FnOnce(&Connection)) {
        if let Some(connection) = self.connections.borrow().get(&id) {
            act(connection);
        }
    }

    /// Sends every datagram that waits.
    fn send_all(&self) {
        let mut server = self.server.borrow_mut();
        let sockets = self.udp.borrow();
        let mut stats = self.stats.get();
        while let Some((transmit, bytes)) = server.take_transmit() {
            let Some(socket) = socket_for(&sockets, &transmit) else {
                stats.refused += 1;
                continue;
            };
            stats.sends += 1;
            match socket.send(&transmit, bytes) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => stats.queue_full += 1,
                Err(_) => stats.refused += 1,
            }
        }
        self.stats.set(stats);
    }
}

/// The socket bound to the source of a datagram, or to all addresses with its port.
fn socket_for<'s>(
    sockets: &'s BTreeMap<SocketAddr, Rc<Udp>>,
    transmit: &Transmit,
) -> Option<&'s Rc<Udp>> {
    let source = transmit.source?;
    sockets.get(&source).or_else(|| {
        let unspecified: std::net::IpAddr = match source {
            SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
        };
        sockets.get(&SocketAddr::new(unspecified, source.port()))
    })
}
