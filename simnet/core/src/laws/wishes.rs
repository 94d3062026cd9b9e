//! What a machine asked its driver for, so that a script can answer.

use std::{collections::VecDeque, net::SocketAddr};

use base::{
    Instant, Machine, SocketCommand, SocketInput, StreamCommand, StreamEnd, StreamId, StreamInput,
};

/// Port of the first socket or listener whose port the system chooses; later ones count on.
const FIRST_PORT: u16 = 50_000;

/// Something about streams that the machine asked for and has not heard of.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Listener(StreamId, SocketAddr),
    Connection(StreamId, SocketAddr, SocketAddr),
    /// The machine has closed it.
    Farewell(StreamId),
}

/// What is asked for, and what there is.
#[derive(Debug)]
pub(super) struct Wishes {
    /// Sockets come before streams, so that it does not matter which were polled first.
    sockets: VecDeque<SocketAddr>,
    streams: VecDeque<Wish>,
    listeners: Vec<(StreamId, SocketAddr)>,
    connections: Vec<StreamId>,
    accepted: u64,
    next_port: u16,
}

impl Wishes {
    pub(super) const fn new() -> Self {
        Self {
            sockets: VecDeque::new(),
            streams: VecDeque::new(),
            listeners: Vec::new(),
            connections: Vec::new(),
            accepted: 0,
            next_port: FIRST_PORT,
        }
    }

    pub(super) fn note_socket(&mut self, command: SocketCommand) {
        if let SocketCommand::Open { local } = command {
            self.sockets.push_back(local);
        }
    }

    pub(super) fn note_stream(&mut self, command: &StreamCommand) {
        match *command {
            StreamCommand::Listen { id, local } => {
                self.streams.push_back(Wish::Listener(id, local));
            }
            StreamCommand::Connect { id, local, remote, .. } => {
                let any = if remote.is_ipv4() {
                    SocketAddr::from(([127, 0, 0, 1], 0))
                } else {
                    SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 0))
                };
                self.streams.push_back(Wish::Connection(id, local.unwrap_or(any), remote));
            }
            StreamCommand::Close { id } => {
                self.forget(id);
                self.streams.push_back(Wish::Farewell(id));
            }
            StreamCommand::Abort { id } => self.forget(id),
            StreamCommand::Send { .. }
            | StreamCommand::Pause { .. }
            | StreamCommand::Resume { .. } => {}
        }
    }

    /// Answers the oldest wish.
    pub(super) fn serve(&mut self, machine: &mut impl Machine, now: Instant, good: bool) {
        if let Some(asked) = self.sockets.pop_front() {
            let local = self.settle(asked);
            let refused = SocketInput::Refused { asked, in_use: true };
            let opened = SocketInput::Opened { asked, local };
            return machine.handle_socket(now, if good { opened } else { refused });
        }
        match self.streams.pop_front() {
            None => {}
            Some(Wish::Farewell(id)) => machine.handle_stream(now, closed(id, StreamEnd::Finished)),
            Some(Wish::Listener(id, local)) if good => {
                let local = self.settle(local);
                self.listeners.push((id, local));
                machine.handle_stream(now, StreamInput::Listening { id, local });
            }
            Some(Wish::Connection(id, local, remote)) if good => {
                let local = self.settle(local);
                self.connections.push(id);
                machine.handle_stream(now, StreamInput::Connected { id, local, remote });
            }
            Some(Wish::Listener(id, _) | Wish::Connection(id, ..)) => {
                machine.handle_stream(now, closed(id, StreamEnd::Refused));
            }
        }
    }

    /// Lets somebody connect to the newest listener.
    pub(super) fn accept(&mut self, machine: &mut impl Machine, now: Instant, remote: SocketAddr) {
        let Some(&(listener, local)) = self.listeners.last() else { return };
        let id = StreamId::accepted(self.accepted);
        self.accepted += 1;
        self.connections.push(id);
        machine.handle_stream(now, StreamInput::Accepted { listener, id, local, remote });
    }

    /// Brings bytes to the newest connection.
    pub(super) fn bring(&self, machine: &mut impl Machine, now: Instant, bytes: &[u8]) {
        let Some(&id) = self.connections.last().filter(|_| !bytes.is_empty()) else { return };
        machine.handle_stream(now, StreamInput::Received { id, bytes });
    }

    /// Says how many bytes of the newest connection wait.
    pub(super) fn hold(&self, machine: &mut impl Machine, now: Instant, bytes: usize) {
        let Some(&id) = self.connections.last() else { return };
        machine.handle_stream(now, StreamInput::Unsent { id, bytes });
    }

    /// Ends the newest connection.
    pub(super) fn end(&mut self, machine: &mut impl Machine, now: Instant, reason: StreamEnd) {
        let Some(id) = self.connections.pop() else { return };
        machine.handle_stream(now, closed(id, reason));
    }

    fn settle(&mut self, asked: SocketAddr) -> SocketAddr {
        let mut local = asked;
        if local.port() == 0 {
            local.set_port(self.next_port);
            self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_PORT);
        }
        local
    }

    fn forget(&mut self, id: StreamId) {
        self.listeners.retain(|entry| entry.0 != id);
        self.connections.retain(|&entry| entry != id);
        self.streams.retain(|wish| match *wish {
            Wish::Listener(it, _) | Wish::Connection(it, ..) | Wish::Farewell(it) => it != id,
        });
    }
}

const fn closed(id: StreamId, reason: StreamEnd) -> StreamInput<'static> {
    StreamInput::Closed { id, reason }
}
