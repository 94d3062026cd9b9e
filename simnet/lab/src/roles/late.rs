//! Endpoints that are made when their role begins.

use base::{Instant, SocketError};
use simnet::{Cx, Endpoint, NetworkChange, RecvMeta, SocketId, TcpEvent};

/// An endpoint that is not there yet, and hears of nothing until it is.
#[derive(Debug)]
pub(super) struct Late<E>(Option<E>);

impl<E> Late<E> {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    pub(super) const fn get(&self) -> Option<&E> {
        self.0.as_ref()
    }

    pub(super) const fn get_mut(&mut self) -> Option<&mut E> {
        self.0.as_mut()
    }
}

impl<E: Endpoint> Late<E> {
    /// Lets it begin.
    pub(super) fn begin(&mut self, cx: &mut Cx<'_>, mut endpoint: E) {
        endpoint.start(cx);
        self.0 = Some(endpoint);
    }
}

impl<E: Endpoint> Endpoint for Late<E> {
    fn handle_datagram(
        &mut self,
        cx: &mut Cx<'_>,
        socket: SocketId,
        meta: &RecvMeta,
        payload: &[u8],
    ) {
        if let Some(it) = &mut self.0 {
            it.handle_datagram(cx, socket, meta, payload);
        }
    }

    fn handle_socket_error(&mut self, cx: &mut Cx<'_>, socket: SocketId, error: SocketError) {
        if let Some(it) = &mut self.0 {
            it.handle_socket_error(cx, socket, error);
        }
    }

    fn handle_network_change(&mut self, cx: &mut Cx<'_>, change: NetworkChange) {
        if let Some(it) = &mut self.0 {
            it.handle_network_change(cx, change);
        }
    }

    fn handle_tcp(&mut self, cx: &mut Cx<'_>, event: TcpEvent) {
        if let Some(it) = &mut self.0 {
            it.handle_tcp(cx, event);
        }
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        if let Some(it) = &mut self.0 {
            it.handle_timeout(cx);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.as_ref()?.poll_timeout()
    }
}
