//! TCP connections and listeners of a subject, on the simulated host it lives on.

use base::{Instant, StreamCommand, StreamEnd, StreamId, StreamInput, StreamSecurity};
use simnet::{ListenerId, NodeId, TcpClosed, TcpId, TcpRead, TcpState};

use super::{Net, Player};

/// Bytes read from a connection at a time.
const CHUNK: usize = 4096;

/// The connections and listeners of one machine.
#[derive(Default)]
pub(super) struct Streams {
    connections: Vec<Connection>,
    listeners: Vec<(StreamId, ListenerId)>,
    accepted: u64,
}

struct Connection {
    id: StreamId,
    tcp: TcpId,
    /// Whether the machine knows that it is open.
    open: bool,
    paused: bool,
    /// Whether the machine wants it closed once everything is sent.
    closing: bool,
    /// Bytes taken from the machine that TCP has not taken.
    unsent: Vec<u8>,
}

impl Connection {
    const fn new(id: StreamId, tcp: TcpId, open: bool) -> Self {
        Self { id, tcp, open, paused: false, closing: false, unsent: Vec::new() }
    }
}

impl Streams {
    /// Tells the machine what happened on its connections; says whether anything did.
    pub(super) fn tell(&mut self, net: &mut Net, player: &mut Player) -> bool {
        if self.connections.is_empty() && self.listeners.is_empty() {
            return false;
        }
        let now = net.now();
        let mut busy = self.accept(net, player, now);
        let mut index = 0;
        while let Some(connection) = self.connections.get_mut(index) {
            let (moved, end) = connection.serve(net, player, now);
            busy |= moved || end.is_some();
            match end {
                None => index += 1,
                Some(reason) => {
                    let id = self.connections.remove(index).id;
                    player.handle_stream(now, StreamInput::Closed { id, reason });
                }
            }
        }
        busy
    }

    fn accept(&mut self, net: &mut Net, player: &mut Player, now: Instant) -> bool {
        let mut busy = false;
        for &(listener, at) in &self.listeners {
            while let Some(tcp) = net.tcp_accept(at) {
                let id = StreamId::accepted(self.accepted);
                self.accepted += 1;
                let (local, remote) = net.tcp_addresses(tcp);
                self.connections.push(Connection::new(id, tcp, true));
                let input = StreamInput::Accepted { listener, id, local, remote };
                player.handle_stream(now, input);
                busy = true;
            }
        }
        busy
    }

    /// Does what the machine asks for; says whether it asked for anything.
    pub(super) fn obey(&mut self, net: &mut Net, host: NodeId, player: &mut Player) -> bool {
        let mut buffer = Vec::new();
        let mut busy = false;
        loop {
            buffer.clear();
            let Some(command) = player.poll_stream(net.now(), &mut buffer) else { return busy };
            busy = true;
            self.carry_out(net, host, player, command, &buffer);
        }
    }

    fn carry_out(
        &mut self,
        net: &mut Net,
        host: NodeId,
        player: &mut Player,
        command: StreamCommand,
        bytes: &[u8],
    ) {
        let now = net.now();
        let refused = |id, reason| StreamInput::Closed { id, reason };
        match command {
            StreamCommand::Listen { id, local } => match net.tcp_listen(host, local) {
                Ok(listener) => {
                    let local = net.tcp_listener_address(listener);
                    self.listeners.push((id, listener));
                    player.handle_stream(now, StreamInput::Listening { id, local });
                }
                Err(_) => player.handle_stream(now, refused(id, StreamEnd::Unavailable)),
            },
            StreamCommand::Connect { id, security: StreamSecurity::Tls { .. }, .. } => {
                // The suite speaks no TLS.
                player.handle_stream(now, refused(id, StreamEnd::Insecure));
            }
            StreamCommand::Connect { id, local, remote, .. } => {
                match net.tcp_connect(host, local, remote) {
                    Ok(tcp) => self.connections.push(Connection::new(id, tcp, false)),
                    Err(_) => player.handle_stream(now, refused(id, StreamEnd::Unavailable)),
                }
            }
            StreamCommand::Send { id, size } => {
                if let Some(connection) = self.find(id) {
                    connection.unsent.extend(bytes.iter().take(size));
                    if connection.push(net) && !connection.unsent.is_empty() {
                        let bytes = connection.unsent.len();
                        player.handle_stream(now, StreamInput::Unsent { id, bytes });
                    }
                }
            }
            StreamCommand::Pause { id } => self.change(id, |connection| connection.paused = true),
            StreamCommand::Resume { id } => self.change(id, |connection| connection.paused = false),
            StreamCommand::Close { id } => self.close(net, id),
            StreamCommand::Abort { id } => {
                if let Some(place) = self.connections.iter().position(|c| c.id == id) {
                    net.tcp_abort(self.connections.remove(place).tcp);
                }
                self.close(net, id);
            }
        }
    }

    fn find(&mut self, id: StreamId) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.id == id)
    }

    fn change(&mut self, id: StreamId, change: impl FnOnce(&mut Connection)) {
        if let Some(connection) = self.find(id) {
            change(connection);
        }
    }

    fn close(&mut self, net: &mut Net, id: StreamId) {
        if let Some(place) = self.listeners.iter().position(|(known, _)| *known == id) {
            let (_, listener) = self.listeners.remove(place);
            net.tcp_stop_listening(listener);
        }
        if let Some(connection) = self.find(id) {
            connection.closing = true;
            connection.finish(net);
        }
    }
}

impl Connection {
    /// Tells the machine what is new; says whether anything is, and how the connection ended.
    fn serve(
        &mut self,
        net: &mut Net,
        player: &mut Player,
        now: Instant,
    ) -> (bool, Option<StreamEnd>) {
        let state = net.tcp_state(self.tcp);
        if !self.open {
            match state {
                TcpState::SynSent | TcpState::SynReceived => return (false, None),
                TcpState::Closed(closed) => return (true, Some(end(closed))),
                _ => {}
            }
            self.open = true;
            let (local, remote) = net.tcp_addresses(self.tcp);
            let input = StreamInput::Connected { id: self.id, local, remote };
            player.handle_stream(now, input);
        }
        let mut busy = self.push(net);
        if busy {
            let (id, bytes) = (self.id, self.unsent.len());
            player.handle_stream(now, StreamInput::Unsent { id, bytes });
        }
        self.finish(net);
        if self.paused {
            return (busy, None);
        }
        let (read, end) = self.read(net, player, now);
        busy |= read;
        (busy, end)
    }

    /// Hands the machine what came; says whether anything did, and how the connection ended.
    fn read(&self, net: &mut Net, player: &mut Player, now: Instant) -> (bool, Option<StreamEnd>) {
        let mut chunk = [0; CHUNK];
        let mut busy = false;
        loop {
            match net.tcp_receive(self.tcp, &mut chunk) {
                TcpRead::Data(count) => {
                    let bytes = chunk.get(..count).unwrap_or_default();
                    // What comes after the machine closed is nobody's.
                    if !self.closing && !bytes.is_empty() {
                        player.handle_stream(now, StreamInput::Received { id: self.id, bytes });
                    }
                    busy = true;
                }
                TcpRead::Empty => return (busy, None),
                TcpRead::Closed => {
                    net.tcp_shutdown(self.tcp);
                    return (true, Some(StreamEnd::Finished));
                }
                TcpRead::Reset => {
                    let end = match net.tcp_state(self.tcp) {
                        TcpState::Closed(closed) => end(closed),
                        _ => StreamEnd::Reset,
                    };
                    return (true, Some(end));
                }
            }
        }
    }

    /// Hands TCP what it takes; says whether it took anything.
    fn push(&mut self, net: &mut Net) -> bool {
        if self.unsent.is_empty() {
            return false;
        }
        let count = net.tcp_send(self.tcp, &self.unsent);
        self.unsent.drain(..count.min(self.unsent.len()));
        count > 0
    }

    /// Says that nothing follows, once everything is sent.
    fn finish(&self, net: &mut Net) {
        if self.closing && self.unsent.is_empty() {
            net.tcp_shutdown(self.tcp);
        }
    }
}

const fn end(closed: TcpClosed) -> StreamEnd {
    match closed {
        TcpClosed::Finished | TcpClosed::Aborted => StreamEnd::Finished,
        TcpClosed::Refused => StreamEnd::Refused,
        TcpClosed::TimedOut => StreamEnd::TimedOut,
        TcpClosed::Unreachable(_) => StreamEnd::Unavailable,
        _ => StreamEnd::Reset,
    }
}
