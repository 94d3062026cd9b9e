//! After the handshake of version 1.2.

use super::super::Context;
use crate::{
    Misdeed, Side,
    flight::Incoming,
    wire::{Alert, AlertDescription, ClientHello, HandshakeType, HelloRequest, Message as _},
};

/// Most wishes for another handshake that are declined in words; a peer that goes on is ignored.
const MAX_DECLINED: u8 = 4;

/// A handshake of version 1.2 that is over.
#[derive(Debug)]
pub(crate) struct Connected {
    declined: u8,
}

impl Connected {
    pub(super) const fn new() -> Self {
        Self { declined: 0 }
    }

    /// Takes a message that came under the keys of the association. All it may ask for is another
    /// handshake, and that is declined (RFC 5246 §7.2.2, RFC 8827 §6.5).
    pub(crate) fn handle(
        mut self,
        cx: &mut Context<'_>,
        message: Incoming<'_>,
    ) -> Result<Self, Misdeed> {
        match (cx.side, message.kind) {
            (Side::Client, HandshakeType::HELLO_REQUEST) => {
                let _request = HelloRequest::parse(message.body)?;
            }
            (Side::Server, HandshakeType::CLIENT_HELLO) => {
                let _hello = ClientHello::parse(message.body)?;
            }
            _ => return Err(Misdeed::UnexpectedMessage),
        }
        if self.declined < MAX_DECLINED {
            self.declined += 1;
            cx.alerts.push(Alert::warning(AlertDescription::NO_RENEGOTIATION));
        }
        Ok(self)
    }
}
