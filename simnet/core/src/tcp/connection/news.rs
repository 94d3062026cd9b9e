//! What a connection has to tell its user.

use bytes::Bytes;
use smoltcp::socket::tcp::State;

use super::Connection;
use crate::tcp::state::{TcpClosed, TcpStats};

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) open: bool,
    pub(super) readable: usize,
    finished: bool,
    closed: bool,
    /// Whether bytes did not fit, and the user waits for room.
    pub(super) wants_room: bool,
}

/// What changed for the user of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::tcp) struct News {
    pub(in crate::tcp) opened: bool,
    pub(in crate::tcp) readable: bool,
    pub(in crate::tcp) writable: bool,
    /// It is over for its user.
    pub(in crate::tcp) closed: Option<TcpClosed>,
    /// Nothing of it is left.
    pub(in crate::tcp) ended: Option<TcpClosed>,
}

impl Connection {
    /// Its figures.
    pub(in crate::tcp) const fn stats(&self) -> TcpStats {
        TcpStats {
            window: self.sender.window(),
            threshold: self.sender.threshold(),
            round_trip: self.sender.round_trip(),
            recoveries: self.sender.recoveries,
            timeouts: self.sender.timeouts,
            ..self.stats
        }
    }

    /// What changed since it was last asked.
    pub(in crate::tcp) fn news(&mut self) -> News {
        let mut news = News { ended: self.ended, ..News::default() };
        let state = self.socket().state();
        let over = (state == State::TimeWait).then_some(TcpClosed::Finished).or(self.ended);
        if !self.told.closed && over.is_some() {
            self.told.closed = true;
            news.closed = over;
        }
        let made =
            !matches!(state, State::Closed | State::Listen | State::SynSent | State::SynReceived);
        if made && !self.told.open {
            self.told.open = true;
            news.opened = true;
        }
        if !self.told.open {
            return news;
        }
        let readable = self.readable();
        let finished = self.no_more_to_come();
        news.readable = readable > self.told.readable || (finished && !self.told.finished);
        self.told.readable = readable;
        self.told.finished = finished;
        let socket = self.socket();
        let room = socket.send_capacity() - socket.send_queue();
        if self.told.wants_room && socket.may_send() && room >= socket.send_capacity() / 4 {
            self.told.wants_room = false;
            news.writable = true;
        }
        news
    }

    /// Whether it ever was made.
    pub(in crate::tcp) const fn was_open(&self) -> bool {
        self.told.open
    }

    /// What can still be read when the connection is over. A connection that broke has lost it
    /// (RFC 9293 §3.10.7.4).
    pub(in crate::tcp) fn last_bytes(&mut self) -> Bytes {
        if self.ended != Some(TcpClosed::Finished) {
            return Bytes::new();
        }
        self.save_unread();
        std::mem::take(&mut self.unread)
    }
}
