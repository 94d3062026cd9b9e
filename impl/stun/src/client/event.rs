//! What a client reports.

use std::{net::SocketAddr, time::Duration};

use base::SocketErrorKind;

use super::RequestId;
use crate::{
    Message,
    wire::{Code, MappedAddress, XorMappedAddress},
};

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// A success response came. This is the last event of the request.
    Succeeded {
        /// The request.
        request: RequestId,
        /// What came.
        response: Response,
    },
    /// The request will not succeed. This is its last event.
    Failed {
        /// The request.
        request: RequestId,
        /// Why.
        reason: FailReason,
        /// The response that said so, if one did.
        response: Option<Response>,
    },
    /// The server sent the client on, and the request now goes to another one: RFC 8489 §10.
    Redirected {
        /// The request.
        request: RequestId,
        /// Where it goes now.
        server: SocketAddr,
        /// The name the certificate of that server must have, if it differs.
        domain: Option<String>,
    },
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailReason {
    /// No response came in time: RFC 8489 §6.2.1, §6.2.2.
    TimedOut,
    /// Responses came, and none was authentic: RFC 8489 §9.1.4, §9.2.5.
    IntegrityViolated,
    /// The network said the server cannot be reached: RFC 8489 §6.2.1.
    Unreachable(SocketErrorKind),
    /// The connection to the server broke: RFC 8489 §6.2.2.
    ConnectionLost,
    /// The server refused, and there is nothing left to try.
    Rejected(Code),
    /// The response has attributes that must be understood and were not: RFC 8489 §6.3.3.
    UnknownAttributes,
    /// An error response without a readable ERROR-CODE: RFC 8489 §6.3.4.
    NoErrorCode,
    /// A Binding success without an address: RFC 8489 §6.3.3.
    NoMappedAddress,
    /// Servers sent the client in a circle: RFC 8489 §10.
    RedirectLoop,
    /// Somebody took PASSWORD-ALGORITHMS out of the challenge: RFC 8489 §9.2.5.
    BidDown,
    /// The server takes no password algorithm that this client knows: RFC 8489 §9.2.5.
    NoSupportedAlgorithm,
    /// The challenge lacks what an answer needs, or has texts that no answer can repeat.
    BadChallenge,
    /// With its credentials the request does not fit a message.
    TooLong,
}

/// A response that passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub(crate) bytes: Vec<u8>,
    /// Where it came from.
    pub source: SocketAddr,
    /// The local address it came to.
    pub destination: SocketAddr,
    /// Time from the request to the response, if the request was sent only once.
    pub rtt: Option<Duration>,
    /// Whether an integrity attribute protected it.
    pub is_authenticated: bool,
}

impl Response {
    /// The message. It was checked when it came.
    #[must_use]
    pub fn message(&self) -> Option<Message<'_>> {
        Message::parse(&self.bytes).ok()
    }

    /// The bytes as they came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The reflexive address, from XOR-MAPPED-ADDRESS or else from MAPPED-ADDRESS.
    #[must_use]
    pub fn mapped_address(&self) -> Option<SocketAddr> {
        let message = self.message()?;
        let xored = message.get::<XorMappedAddress>().map(|mapped| mapped.0);
        xored.or_else(|| message.get::<MappedAddress>().map(|mapped| mapped.0))
    }
}
