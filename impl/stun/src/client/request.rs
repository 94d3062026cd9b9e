//! What a client is asked to send.

use std::net::SocketAddr;

use base::Writer;

use crate::{
    Timing,
    wire::{AttributeType, Builder, Encode, Method, TransactionId},
};

/// Names a request from the command to its last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// A request or an indication to be made, before it has a transaction id: one request may take
/// several transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) server: SocketAddr,
    pub(crate) source: Option<SocketAddr>,
    pub(crate) is_reliable: bool,
    pub(crate) any_path: bool,
    pub(crate) timing: Option<Timing>,
    attributes: Vec<Stored>,
}

/// A value as it is for the transaction id zero.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    kind: AttributeType,
    value: Vec<u8>,
    xored: bool,
}

impl Request {
    /// About `method`, for `server`, over UDP from whatever address the socket has.
    #[must_use]
    pub const fn new(method: Method, server: SocketAddr) -> Self {
        Self {
            method,
            server,
            source: None,
            is_reliable: false,
            any_path: false,
            timing: None,
            attributes: Vec::new(),
        }
    }

    /// A Binding request for `server`.
    #[must_use]
    pub const fn binding(server: SocketAddr) -> Self {
        Self::new(Method::BINDING, server)
    }

    /// The same, sent from `source`. A response to another local address is not taken.
    #[must_use]
    pub fn from_source(self, source: SocketAddr) -> Self {
        Self { source: Some(source), ..self }
    }

    /// The same over a reliable transport: sent once, and given up after Ti (RFC 8489 §6.2.2).
    #[must_use]
    pub fn over_reliable_transport(self) -> Self {
        Self { is_reliable: true, ..self }
    }

    /// The same, with a response welcome from and at any address: for requests that ask the server to
    /// answer otherwise than directly (RFC 5780 §7.2, §7.5).
    #[must_use]
    pub fn answered_on_any_path(self) -> Self {
        Self { any_path: true, ..self }
    }

    /// The same with timers of its own instead of the client's.
    #[must_use]
    pub fn timed(self, timing: Timing) -> Self {
        Self { timing: Some(timing), ..self }
    }

    /// The same with one more attribute.
    #[must_use]
    pub fn with<A: Encode>(mut self, attribute: &A) -> Self {
        let mut value = Vec::new();
        attribute.write(&mut Writer::new(&mut value), &TransactionId::default());
        self.attributes.push(Stored { kind: A::TYPE, value, xored: A::XORED });
        self
    }

    /// Where it goes.
    #[must_use]
    pub const fn server(&self) -> SocketAddr {
        self.server
    }

    /// Puts the attributes into a message of the transaction `id`.
    pub(crate) fn put_attributes(&self, builder: &mut Builder<'_>, id: TransactionId) {
        for stored in &self.attributes {
            if stored.xored {
                let mut value = stored.value.clone();
                // Behind family, port and the 32 bits that meet the cookie (RFC 8489 §14.2).
                for (byte, mask) in value.iter_mut().skip(8).zip(id.as_bytes()) {
                    *byte ^= mask;
                }
                builder.put_raw(stored.kind, &value);
            } else {
                builder.put_raw(stored.kind, &stored.value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Message,
        wire::{Class, Priority, XorPeerAddress},
    };

    #[test]
    fn hides_addresses_behind_the_id_of_each_transaction() {
        let peer = XorPeerAddress("[2001:db8::7]:9".parse().unwrap());
        let v4 = XorPeerAddress("192.0.2.7:9".parse().unwrap());
        let server = "192.0.2.1:3478".parse().unwrap();
        let request = Request::binding(server).with(&Priority(7)).with(&peer).with(&v4);
        for id in [TransactionId::new([0xa5; 12]), TransactionId::new([0x11; 12])] {
            let mut buffer = Vec::new();
            let mut builder = Builder::new(&mut buffer, Method::BINDING, Class::Request, id);
            request.put_attributes(&mut builder, id);
            builder.finish().unwrap();
            let message = Message::parse(&buffer).unwrap();
            assert_eq!(message.get_all::<XorPeerAddress>().collect::<Vec<_>>(), [peer, v4]);
            assert_eq!(message.get(), Some(Priority(7)));
        }
    }
}
