//! Checks and data over TCP: RFC 6544.

use base::{Instant, StreamCommand, StreamId, StreamInput};

use super::{
    Agent,
    local::{Base, LocalSocket, is_active},
    request::Via,
    transaction::Purpose,
};
use crate::{
    DropReason, Event, FailReason, Frame, PairId, TcpEvent, TcpType, Transport, stats::PairState,
};

impl Agent {
    /// A TCP socket: an active one is a candidate at once, another when it listens.
    pub(super) fn add_tcp(&mut self, now: Instant, socket: LocalSocket, tcp_type: TcpType) {
        match tcp_type {
            TcpType::Active => self.add_host(&socket),
            TcpType::Passive | TcpType::So => {
                if self.tcp.listen(now, socket.address, tcp_type).is_ok() {
                    self.listening.push(socket);
                }
            }
        }
    }

    /// What the driver says of connections.
    pub(super) fn take_stream_input(&mut self, now: Instant, input: StreamInput<'_>) {
        if !self.tcp.handle_stream(now, input) {
            return;
        }
        if let StreamInput::Received { id, bytes } = input {
            self.take_frames(now, id, bytes);
        }
        self.take_tcp_events(now);
    }

    /// What became of connections, when asked for or in time.
    pub(super) fn take_tcp_events(&mut self, now: Instant) {
        while let Some(event) = self.tcp.poll_event() {
            match event {
                TcpEvent::Listening { asked, local, tcp_type } => {
                    let is_it = |socket: &LocalSocket| {
                        socket.address == asked && socket.transport == Transport::Tcp(tcp_type)
                    };
                    if let Some(place) = self.listening.iter().position(is_it) {
                        let socket = self.listening.remove(place);
                        self.add_host(&LocalSocket { address: local, ..socket });
                    }
                }
                TcpEvent::NotListening { asked, tcp_type, .. } => {
                    let is_it = |socket: &LocalSocket| {
                        socket.address == asked && socket.transport == Transport::Tcp(tcp_type)
                    };
                    if let Some(place) = self.listening.iter().position(is_it) {
                        self.listening.remove(place);
                    }
                }
                TcpEvent::Opened { id, local, .. } => {
                    let opened = self.checklist.iter_mut().find(|pair| pair.stream == Some(id));
                    if let Some(pair) = opened {
                        pair.local = local;
                        let pair = pair.id;
                        self.check_over(now, pair);
                    }
                }
                TcpEvent::Closed { id, .. } => self.take_end(now, id),
            }
        }
    }

    /// The connection of a pair that is being checked is open: RFC 6544 §7.1.
    fn check_over(&mut self, now: Instant, id: PairId) {
        let waits = |state| state == PairState::InProgress;
        if self.checklist.get(id).is_some_and(|pair| waits(pair.state)) {
            self.start_check(now, id, Purpose::Check);
        }
    }

    /// A connection is gone, and so is what a pair has of it. If data went over it, the pair is checked
    /// again like the others (RFC 7675 §5.2).
    fn take_end(&mut self, now: Instant, stream: StreamId) {
        self.outbox.forget_stream(stream);
        let hit: Vec<PairId> = self
            .checklist
            .pairs()
            .iter()
            .filter(|pair| pair.stream == Some(stream))
            .map(|pair| pair.id)
            .collect();
        for id in hit {
            self.transactions.retain(|transaction| transaction.pair != id);
            if let Some(pair) = self.checklist.get_mut(id) {
                pair.stream = None;
                pair.state = PairState::Failed;
                pair.valid = None;
                pair.pending = None;
            }
            self.lose_pair(now, id, FailReason::ConnectionLost);
        }
    }

    fn take_frames(&mut self, now: Instant, id: StreamId, bytes: &[u8]) {
        let mut rest = bytes;
        let mut scratch = std::mem::take(&mut self.scratch);
        while let Some(frame) = self.tcp.next_frame(now, id, &mut rest, &mut scratch) {
            match frame {
                Frame::Here(content) => self.take_frame(now, id, content),
                Frame::Scratch => self.take_frame(now, id, &scratch),
            }
        }
        scratch.clear();
        self.scratch = scratch;
    }

    fn take_frame(&mut self, now: Instant, id: StreamId, content: &[u8]) {
        if stun::Message::is_likely(content) {
            let (Some(base), Some((local, remote))) = (self.base_of(id), self.tcp.endpoints(id))
            else {
                self.dropped.count(DropReason::UnknownLocalAddress);
                return;
            };
            let via = Via { base, local, remote, stream: Some(id) };
            self.handle_message(now, &via, content);
            return;
        }
        let validated =
            |pair: &&mut super::pair::Pair| pair.stream == Some(id) && pair.is_validated();
        let Some(pair) = self.checklist.iter_mut().find(validated) else {
            self.dropped.count(DropReason::Unvalidated);
            return;
        };
        pair.took_data(now, content.len());
        let component = pair.component;
        self.report(Event::Data { component, payload: content.to_vec() });
    }

    /// The connection an early check came over.
    pub(super) fn checklist_stream(
        &self,
        base: &Base,
        remote: std::net::SocketAddr,
    ) -> Option<StreamId> {
        let Transport::Tcp(tcp_type) = base.transport else { return None };
        self.tcp.find(base.address, remote, tcp_type)
    }

    /// The base a connection belongs to.
    fn base_of(&self, id: StreamId) -> Option<Base> {
        let by_pair = self.checklist.pairs().iter().find(|pair| pair.stream == Some(id));
        if let Some(pair) = by_pair {
            return self.locals.get(pair.base).cloned();
        }
        let (local, _) = self.tcp.endpoints(id)?;
        let is_base = |base: &&Base| {
            base.transport.is_tcp() && !is_active(base.transport) && base.address == local
        };
        self.locals.bases().iter().find(is_base).cloned()
    }

    /// The connection to check a pair over, if it is open. Otherwise it is being opened now, and the check
    /// goes out when it is (RFC 6544 §7.1); or it cannot be, and the pair fails.
    pub(super) fn ensure_stream(&mut self, now: Instant, id: PairId) -> Connected {
        let Some(pair) = self.checklist.get(id) else { return Connected::Not };
        let Transport::Tcp(tcp_type) = pair.transport else { return Connected::Yes };
        if let Some(stream) = pair.stream {
            return if self.tcp.is_open(stream) { Connected::Yes } else { Connected::Opening };
        }
        let base = self.locals.get(pair.base).map(|base| base.address);
        let stream = base.and_then(|base| self.tcp.connect(now, base, pair.remote, tcp_type).ok());
        let Some(stream) = stream else { return Connected::Not };
        let endpoints = self.tcp.endpoints(stream);
        if let Some(pair) = self.checklist.get_mut(id) {
            pair.stream = Some(stream);
            pair.local = endpoints.map_or(pair.local, |(local, _)| local);
        }
        if endpoints.is_some() { Connected::Yes } else { Connected::Opening }
    }

    /// Closes the connections of pairs that were not chosen: RFC 6544 §8.
    pub(super) fn close_stream(&mut self, id: PairId) {
        let Some(pair) = self.checklist.get_mut(id) else { return };
        let Some(stream) = pair.stream.take() else { return };
        pair.valid = None;
        if pair.state == PairState::Succeeded {
            pair.state = PairState::Waiting;
        }
        if !self.checklist.pairs().iter().any(|pair| pair.stream == Some(stream)) {
            self.tcp.close(self.now, stream);
            self.outbox.forget_stream(stream);
        }
    }

    /// The next thing to do with connections: open, close, send.
    pub(super) fn next_stream_command(&mut self, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        if let Some(command) = self.tcp.poll_stream() {
            return Some(command);
        }
        loop {
            let (stream, bytes) = self.outbox.pop_stream()?;
            let written = self.tcp.write(stream, buffer, |out| out.extend_from_slice(&bytes));
            self.outbox.recycle(bytes);
            if let Ok(command) = written {
                return Some(command);
            }
        }
    }
}

/// Whether a check can be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connected {
    Yes,
    Opening,
    Not,
}
