//! What a server with a second address does for RFC 5780.

use std::net::SocketAddr;

use super::{Behavior, Request};
use crate::{
    Builder,
    wire::{
        AttributeType, ChangeRequest, Code, OtherAddress, Padding, ResponseOrigin, ResponsePort,
    },
};

/// Where a response is sent from, and where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
}

impl Route {
    /// The way the request came, backwards: RFC 8489 §6.3.1.2.
    pub(super) const fn direct(client: SocketAddr, local: SocketAddr) -> Self {
        Self { source: local, destination: client }
    }
}

impl Behavior {
    /// Whether there is another address to the one a request came in at.
    pub(super) fn has_other(&self, local: SocketAddr) -> bool {
        self.other(local).is_some()
    }

    /// The address and port that are both other than those of `local`: Ca and Cp of RFC 5780 §6.1.
    fn other(&self, local: SocketAddr) -> Option<SocketAddr> {
        let (first, second) = (self.primary, self.alternate?);
        if first.ip() == second.ip() || first.port() == second.port() {
            return None;
        }
        let swap = |is_first, is_second| match (is_first, is_second) {
            (true, _) => Some(second),
            (_, true) => Some(first),
            _ => None,
        };
        let ip = swap(local.ip() == first.ip(), local.ip() == second.ip())?.ip();
        let port = swap(local.port() == first.port(), local.port() == second.port())?.port();
        Some(SocketAddr::new(ip, port))
    }

    /// Where the response to a request goes: RFC 5780 §6.1, table 1.
    pub(super) fn route(&self, request: Request<'_>) -> Result<Route, Code> {
        let message = request.message;
        let port = message.try_get::<ResponsePort>().map_err(|_| Code::BAD_REQUEST)?;
        let change = message.try_get::<ChangeRequest>().map_err(|_| Code::BAD_REQUEST)?;
        // RFC 5780 §7.5: the fragments of padding must not be aimed at another port.
        let has_both = port.is_some() && message.has(AttributeType::PADDING);
        if has_both || port == Some(ResponsePort(0)) {
            return Err(Code::BAD_REQUEST);
        }
        let other = self.other(request.local).unwrap_or(request.local);
        let change = match base::mutant::active("stun-response-from-wrong-address") {
            true => ChangeRequest::default(),
            false => change.unwrap_or_default(),
        };
        let ip = if change.ip { other } else { request.local };
        let source_port = if change.port { other } else { request.local };
        let source = SocketAddr::new(ip.ip(), source_port.port());
        let mut destination = request.client;
        if let Some(ResponsePort(port)) = port
            && !base::mutant::active("stun-response-port-ignored")
        {
            destination.set_port(port);
        }
        Ok(Route { source, destination })
    }

    /// Puts what RFC 5780 §6.1 adds into a success response.
    pub(super) fn put_attributes(
        &self,
        route: &Route,
        request: Request<'_>,
        builder: &mut Builder<'_>,
    ) {
        builder.put(&ResponseOrigin(route.source));
        let other = self.other(request.local).map(OtherAddress);
        builder.put_some(other.as_ref());
        if let (true, Some(mtu)) = (request.message.has(AttributeType::PADDING), self.padding) {
            builder.put(&Padding::filling(mtu));
        }
    }
}
