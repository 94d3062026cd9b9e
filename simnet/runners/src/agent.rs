//! The runner's ear on a host.

use std::{cell::RefCell, rc::Rc};

use simnet::{Cx, Endpoint, NetworkChange, NodeId, RecvMeta, SocketId, TcpEvent};

/// What a host has to tell its runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A datagram or an error waits in a socket.
    Ready(SocketId),
    /// Something happened to a TCP connection or listener.
    Tcp(NodeId, TcpEvent),
    /// Interfaces, addresses or routes changed.
    Changed(NodeId),
    /// The host crashed, and with it whatever ran there.
    Crashed(NodeId),
}

/// Notices, oldest first. The network writes while the world that owns it is busy, hence a cell of its
/// own.
pub(crate) type Notices = Rc<RefCell<Vec<Notice>>>;

/// An endpoint that does nothing but pass on notices. TCP is begun in its name, so that it hears of it.
#[derive(Debug)]
pub(crate) struct Agent {
    host: NodeId,
    notices: Notices,
}

impl Agent {
    pub(crate) const fn new(host: NodeId, notices: Notices) -> Self {
        Self { host, notices }
    }

    fn tell(&self, notice: Notice) {
        self.notices.borrow_mut().push(notice);
    }
}

impl Endpoint for Agent {
    /// Sockets of software belong to the caller of the network: none is bound through this endpoint.
    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, _: &[u8]) {}

    fn handle_ready(&mut self, _: &mut Cx<'_>, socket: SocketId) {
        self.tell(Notice::Ready(socket));
    }

    fn handle_tcp(&mut self, _: &mut Cx<'_>, event: TcpEvent) {
        self.tell(Notice::Tcp(self.host, event));
    }

    fn handle_network_change(&mut self, _: &mut Cx<'_>, _: NetworkChange) {
        self.tell(Notice::Changed(self.host));
    }
}

/// A host loses its endpoint when it crashes, whoever made it crash.
impl Drop for Agent {
    fn drop(&mut self) {
        self.tell(Notice::Crashed(self.host));
    }
}
