//! The TCP connections of a machine on a host.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
};

use base::{StreamCommand, StreamEnd, StreamId, StreamInput};

use crate::{
    endpoint::Cx,
    id::{ListenerId, TcpId},
    tcp::{TcpClosed, TcpEvent, TcpRead},
};

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;

/// Listeners and connections, and what the machine is to be told of them.
#[derive(Debug, Default)]
pub(super) struct Streams {
    places: BTreeMap<StreamId, Place>,
    listeners: BTreeMap<ListenerId, StreamId>,
    connections: BTreeMap<TcpId, Connection>,
    /// Connections that may have something to read.
    readable: BTreeSet<TcpId>,
    /// What the machine is to be told, apart from bytes.
    news: VecDeque<StreamInput<'static>>,
    /// Connections that were accepted so far.
    accepted: u64,
    chunk: Vec<u8>,
}

/// What a number of the machine stands for.
#[derive(Clone, Copy, Debug)]
enum Place {
    Listener(ListenerId),
    Connection(TcpId),
}

#[derive(Debug)]
struct Connection {
    id: StreamId,
    phase: Phase,
    paused: bool,
    /// Bytes of the machine that TCP has not taken yet.
    unsent: VecDeque<u8>,
    /// How many of them the machine was told of last.
    told: usize,
    /// Why TCP says that it is over.
    ended: Option<TcpClosed>,
}

/// Where a connection is, for the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It is being made.
    Opening,
    Open,
    /// The machine is done with it; the last bytes wait to be taken.
    Closing,
    /// The machine has heard the last word; TCP goes on for a while.
    Lingering,
}

impl Connection {
    /// Whether the machine wants to hear nothing more from it.
    const fn is_deaf(&self) -> bool {
        matches!(self.phase, Phase::Closing | Phase::Lingering)
    }
}

impl Streams {
    /// Does what the machine asks for. The bytes of a `Send` are `bytes`.
    pub(super) fn obey(&mut self, cx: &mut Cx<'_>, command: &StreamCommand, bytes: &[u8]) {
        match *command {
            StreamCommand::Listen { id, local } => self.listen(cx, id, local),
            // TLS adds nothing that the simulated network could see of a connection it carries.
            StreamCommand::Connect { id, local, remote, .. } => {
                self.connect(cx, id, local, remote);
            }
            StreamCommand::Send { id, .. } => self.send(cx, id, bytes),
            StreamCommand::Pause { id } => {
                if let Some((_, connection)) = self.connection(id) {
                    connection.paused = true;
                }
            }
            StreamCommand::Resume { id } => {
                if let Some((tcp, connection)) = self.connection(id) {
                    connection.paused = false;
                    self.readable.insert(tcp);
                }
            }
            StreamCommand::Close { id } => self.close(cx, id),
            StreamCommand::Abort { id } => self.abort(cx, id),
        }
    }

    /// Notes what happened to a connection or a listener.
    pub(super) fn note(&mut self, cx: &mut Cx<'_>, event: TcpEvent) {
        match event {
            TcpEvent::Accepted { listener, id } => self.accept(cx, listener, id),
            TcpEvent::Connected(tcp) => self.connected(cx, tcp),
            TcpEvent::Readable(tcp) => {
                self.readable.insert(tcp);
            }
            TcpEvent::Writable(tcp) => self.flush(cx, tcp),
            TcpEvent::Closed(tcp, why) => {
                let Some(connection) = self.connections.get_mut(&tcp) else { return };
                connection.ended = Some(why);
                if connection.phase == Phase::Lingering {
                    self.connections.remove(&tcp);
                } else {
                    self.readable.insert(tcp);
                }
            }
        }
    }

    /// The next thing the machine is to be told.
    pub(super) fn next(&mut self, cx: &mut Cx<'_>) -> Option<StreamInput<'_>> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Some(news);
            }
            let ready = |tcp: &&TcpId| self.connections.get(tcp).is_none_or(|it| !it.paused);
            let tcp = self.readable.iter().find(ready).copied()?;
            let Some(connection) = self.connections.get(&tcp) else {
                self.readable.remove(&tcp);
                continue;
            };
            let (id, deaf) = (connection.id, connection.is_deaf());
            self.chunk.resize(CHUNK, 0);
            match cx.tcp_receive(tcp, &mut self.chunk) {
                TcpRead::Data(_) if deaf => {}
                TcpRead::Data(count) => {
                    let bytes = self.chunk.get(..count).unwrap_or_default();
                    return Some(StreamInput::Received { id, bytes });
                }
                TcpRead::Empty => {
                    self.readable.remove(&tcp);
                }
                TcpRead::Reset if connection.ended.is_none() => {
                    self.readable.remove(&tcp); // The news of its end are on the way.
                }
                TcpRead::Closed | TcpRead::Reset => self.read_out(cx, tcp),
            }
        }
    }

    fn connection(&mut self, id: StreamId) -> Option<(TcpId, &mut Connection)> {
        let Some(&Place::Connection(tcp)) = self.places.get(&id) else { return None };
        self.connections.get_mut(&tcp).map(|connection| (tcp, connection))
    }

    fn listen(&mut self, cx: &mut Cx<'_>, id: StreamId, local: SocketAddr) {
        match cx.tcp_listen(local) {
            Ok(listener) => {
                self.places.insert(id, Place::Listener(listener));
                self.listeners.insert(listener, id);
                let local = cx.tcp_listener_address(listener);
                self.news.push_back(StreamInput::Listening { id, local });
            }
            Err(_) => self.say_closed(id, StreamEnd::Unavailable),
        }
    }

    fn connect(
        &mut self,
        cx: &mut Cx<'_>,
        id: StreamId,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) {
        match cx.tcp_connect(local, remote) {
            Ok(tcp) => self.enter(id, tcp, Phase::Opening),
            Err(_) => self.say_closed(id, StreamEnd::Unavailable),
        }
    }

    fn enter(&mut self, id: StreamId, tcp: TcpId, phase: Phase) {
        let (paused, unsent, told, ended) = (false, VecDeque::new(), 0, None);
        self.connections.insert(tcp, Connection { id, phase, paused, unsent, told, ended });
        self.places.insert(id, Place::Connection(tcp));
    }

    fn accept(&mut self, cx: &mut Cx<'_>, listener: ListenerId, tcp: TcpId) {
        let Some(&listener) = self.listeners.get(&listener) else {
            return cx.tcp_abort(tcp); // It came when the machine had stopped listening.
        };
        let id = StreamId::accepted(self.accepted);
        self.accepted += 1;
        self.enter(id, tcp, Phase::Open);
        let (local, remote) = cx.tcp_addresses(tcp);
        self.news.push_back(StreamInput::Accepted { listener, id, local, remote });
        self.readable.insert(tcp);
    }

    fn connected(&mut self, cx: &mut Cx<'_>, tcp: TcpId) {
        let Some(connection) = self.connections.get_mut(&tcp) else {
            return cx.tcp_abort(tcp); // The machine has given it up before it was made.
        };
        if connection.phase == Phase::Opening {
            connection.phase = Phase::Open;
        }
        if connection.phase == Phase::Open {
            let (local, remote) = cx.tcp_addresses(tcp);
            self.news.push_back(StreamInput::Connected { id: connection.id, local, remote });
        }
        self.flush(cx, tcp);
    }

    fn send(&mut self, cx: &mut Cx<'_>, id: StreamId, bytes: &[u8]) {
        let Some((tcp, connection)) = self.connection(id) else { return };
        let taken = match connection.phase {
            Phase::Opening => 0,
            Phase::Open if connection.unsent.is_empty() => cx.tcp_send(tcp, bytes),
            Phase::Open => 0,
            Phase::Closing | Phase::Lingering => return,
        };
        connection.unsent.extend(bytes.get(taken..).unwrap_or_default());
        self.tell_unsent(tcp);
    }

    /// Gives TCP what it takes, and ends what waits for that.
    fn flush(&mut self, cx: &mut Cx<'_>, tcp: TcpId) {
        let Some(connection) = self.connections.get_mut(&tcp) else { return };
        while !connection.unsent.is_empty() {
            let taken = cx.tcp_send(tcp, connection.unsent.as_slices().0);
            if taken == 0 {
                break;
            }
            connection.unsent.drain(..taken);
        }
        let (id, phase, done) = (connection.id, connection.phase, connection.unsent.is_empty());
        match phase {
            Phase::Open => self.tell_unsent(tcp),
            Phase::Closing if done => {
                cx.tcp_shutdown(tcp);
                self.linger(tcp);
                self.say_closed(id, StreamEnd::Finished);
            }
            Phase::Lingering if done => cx.tcp_shutdown(tcp),
            Phase::Opening | Phase::Closing | Phase::Lingering => {}
        }
    }

    fn tell_unsent(&mut self, tcp: TcpId) {
        let Some(connection) = self.connections.get_mut(&tcp) else { return };
        let (id, bytes) = (connection.id, connection.unsent.len());
        if std::mem::replace(&mut connection.told, bytes) != bytes {
            self.news.push_back(StreamInput::Unsent { id, bytes });
        }
    }

    /// Everything was read, and nothing more will come.
    fn read_out(&mut self, cx: &mut Cx<'_>, tcp: TcpId) {
        self.readable.remove(&tcp);
        let Some(connection) = self.connections.get_mut(&tcp) else { return };
        let (id, phase, ended) = (connection.id, connection.phase, connection.ended);
        if ended.is_some() {
            self.connections.remove(&tcp);
            self.places.remove(&id);
        } else if connection.is_deaf() {
            return; // The machine hears the last word once everything it sent is on its way.
        } else {
            // The other side is done. So are we, once what the machine sent before is on its way.
            self.linger(tcp);
            self.flush(cx, tcp);
        }
        if phase != Phase::Lingering {
            self.say_closed(id, ended.map_or(StreamEnd::Finished, end));
        }
    }

    fn linger(&mut self, tcp: TcpId) {
        if let Some(connection) = self.connections.get_mut(&tcp) {
            connection.phase = Phase::Lingering;
            connection.paused = false;
            self.places.remove(&connection.id);
            self.readable.insert(tcp);
        }
    }

    fn close(&mut self, cx: &mut Cx<'_>, id: StreamId) {
        match self.places.get(&id) {
            Some(&Place::Listener(listener)) => {
                self.stop_listening(cx, id, listener);
                self.say_closed(id, StreamEnd::Finished);
            }
            Some(&Place::Connection(tcp)) => {
                let Some(connection) = self.connections.get_mut(&tcp) else { return };
                let idle = connection.unsent.is_empty();
                connection.paused = false;
                match connection.phase {
                    // Nothing waits for the connection any more; it ends when it is made.
                    Phase::Opening if idle => {
                        self.abort(cx, id);
                        self.say_closed(id, StreamEnd::Finished);
                    }
                    Phase::Opening => connection.phase = Phase::Closing,
                    Phase::Open => {
                        connection.phase = Phase::Closing;
                        self.flush(cx, tcp);
                    }
                    Phase::Closing | Phase::Lingering => {}
                }
            }
            None => {}
        }
    }

    fn abort(&mut self, cx: &mut Cx<'_>, id: StreamId) {
        match self.places.remove(&id) {
            Some(Place::Listener(listener)) => self.stop_listening(cx, id, listener),
            Some(Place::Connection(tcp)) => {
                cx.tcp_abort(tcp);
                self.connections.remove(&tcp);
                self.readable.remove(&tcp);
            }
            None => {}
        }
        self.news.retain(|news| about(news) != id);
    }

    fn stop_listening(&mut self, cx: &mut Cx<'_>, id: StreamId, listener: ListenerId) {
        cx.tcp_stop_listening(listener);
        self.listeners.remove(&listener);
        self.places.remove(&id);
    }

    fn say_closed(&mut self, id: StreamId, reason: StreamEnd) {
        self.news.push_back(StreamInput::Closed { id, reason });
    }
}

/// The connection or listener that news are about.
const fn about(news: &StreamInput<'_>) -> StreamId {
    match *news {
        StreamInput::Listening { id, .. }
        | StreamInput::Connected { id, .. }
        | StreamInput::Accepted { id, .. }
        | StreamInput::Received { id, .. }
        | StreamInput::Unsent { id, .. }
        | StreamInput::Closed { id, .. } => id,
    }
}

/// What a machine is told of the end of a connection.
const fn end(why: TcpClosed) -> StreamEnd {
    match why {
        TcpClosed::Finished => StreamEnd::Finished,
        TcpClosed::Refused => StreamEnd::Refused,
        TcpClosed::Reset => StreamEnd::Reset,
        TcpClosed::TimedOut => StreamEnd::TimedOut,
        TcpClosed::Unreachable(_) | TcpClosed::Aborted => StreamEnd::Unavailable,
    }
}
