//! All connections and listeners of a world.

use std::{collections::VecDeque, net::SocketAddr};

use bytes::Bytes;

use super::{
    connection::Connection,
    state::{TcpClosed, TcpEvent, TcpStats},
};
use crate::{
    id::{ListenerId, NodeId, TcpId},
    table::Table,
};

/// Connections and listeners, and what is to be done about them.
#[derive(Debug)]
pub(crate) struct TcpStore {
    pub(super) connections: Table<TcpId, Entry>,
    pub(super) listeners: Table<ListenerId, Listener>,
    /// Connections that have something to do.
    pub(super) touched: VecDeque<TcpId>,
    /// What endpoints are to be told.
    pub(super) events: VecDeque<(NodeId, TcpEvent)>,
}

/// A connection, as long as anyone may ask about it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) host: NodeId,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// Whether the host's endpoint is called for it.
    pub(super) driven: bool,
    /// The listener it came to, if it was not begun here.
    pub(super) listener: Option<ListenerId>,
    /// Whether it is in `touched`.
    pub(super) touched: bool,
    pub(super) stage: Stage,
}

/// What is there of a connection.
#[derive(Debug)]
pub(super) enum Stage {
    /// To be begun as soon as the caller lets go.
    Planned,
    /// At work.
    Open(Box<Connection>),
    /// At work this very moment.
    Away,
    /// Over.
    Ended(Ended),
}

/// What remains of a connection.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) why: TcpClosed,
    pub(super) unread: Bytes,
    pub(super) stats: TcpStats,
}

/// A port that takes connections.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) host: NodeId,
    pub(super) local: SocketAddr,
    pub(super) driven: bool,
    pub(super) open: bool,
    /// Connections being made.
    pub(super) half_open: usize,
    /// Connections to be accepted by the caller.
    pub(super) ready: VecDeque<TcpId>,
}

impl Listener {
    pub(super) fn accepts(&self, local: SocketAddr) -> bool {
        self.open
            && self.local.port() == local.port()
            && self.local.is_ipv4() == local.is_ipv4()
            && (self.local.ip().is_unspecified() || self.local.ip() == local.ip())
    }
}

impl TcpStore {
    pub(crate) const fn new() -> Self {
        Self {
            connections: Table::new(),
            listeners: Table::new(),
            touched: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Whether nothing waits to be done.
    pub(crate) fn is_idle(&self) -> bool {
        self.touched.is_empty() && self.events.is_empty()
    }

    /// Sees to it that the connection is looked at.
    pub(super) fn touch(&mut self, id: TcpId) {
        let entry = self.connections.at_mut(id);
        if !entry.touched {
            entry.touched = true;
            self.touched.push_back(id);
        }
    }

    pub(super) fn open(&self, id: TcpId) -> Option<&Connection> {
        match &self.connections.at(id).stage {
            Stage::Open(connection) => Some(connection),
            Stage::Planned | Stage::Away | Stage::Ended(_) => None,
        }
    }

    pub(super) fn open_mut(&mut self, id: TcpId) -> Option<&mut Connection> {
        match &mut self.connections.at_mut(id).stage {
            Stage::Open(connection) => Some(connection),
            Stage::Planned | Stage::Away | Stage::Ended(_) => None,
        }
    }

    /// Takes the connection out, to be put back.
    pub(super) fn take(&mut self, id: TcpId) -> Option<Box<Connection>> {
        let stage = &mut self.connections.at_mut(id).stage;
        match std::mem::replace(stage, Stage::Away) {
            Stage::Open(connection) => Some(connection),
            other => {
                *stage = other;
                None
            }
        }
    }
}
