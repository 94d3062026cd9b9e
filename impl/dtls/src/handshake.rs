//! The handshake: who decides what, from the first ClientHello to the last message after it.
//!
//! A state owns its data and is replaced by value. What both versions do alike is here: the hellos
//! ([`client`], [`server`]), what is chosen ([`select`]), what the extensions say ([`extensions`]). From
//! the ServerHello on, [`tls12`] and [`tls13`] take over.
//!
//! The one who takes a message also adds it to the transcript ([`Context::hear`]), since a Finished
//! covers what came before it. Hellos are in the transcript before `start` is called.

pub(crate) mod client;
pub(crate) mod context;
pub(crate) mod extensions;
pub(crate) mod offer;
pub(crate) mod select;
pub(crate) mod server;
pub(crate) mod tls12;
pub(crate) mod tls13;

pub(crate) use context::Context;
pub(crate) use offer::Offer;

use crate::{Misdeed, flight::Incoming};

/// Where a handshake stands.
#[expect(
    clippy::large_enum_variant,
    reason = "an association has one, and moves it a dozen times in its life"
)]
pub(crate) enum Handshake {
    /// A client has sent a ClientHello.
    ServerHello(client::Waiting),
    /// A server has not seen a ClientHello that it can answer.
    ClientHello(server::Waiting),
    /// A client of version 1.2.
    Client12(tls12::Client),
    /// A server of version 1.2.
    Server12(tls12::Server),
    /// A client of version 1.3.
    Client13(tls13::Client),
    /// A server of version 1.3.
    Server13(tls13::Server),
    /// Over, in version 1.2.
    Connected12(tls12::Connected),
    /// Over, in version 1.3.
    Connected13(tls13::Connected),
}

/// What became of a state that was told a message.
pub(crate) enum Step<S, C> {
    /// The handshake goes on.
    Stay(S),
    /// It is over.
    Connected(C),
}

impl Handshake {
    /// Takes the next message of the peer, in order.
    pub(crate) fn handle(
        self,
        cx: &mut Context<'_>,
        message: Incoming<'_>,
    ) -> Result<Self, Misdeed> {
        Ok(match self {
            Self::ServerHello(waiting) => waiting.handle(cx, message)?,
            Self::ClientHello(waiting) => waiting.handle(cx, message)?,
            Self::Client12(client) => match client.handle(cx, message)? {
                Step::Stay(client) => Self::Client12(client),
                Step::Connected(connected) => Self::Connected12(connected),
            },
            Self::Server12(server) => match server.handle(cx, message)? {
                Step::Stay(server) => Self::Server12(server),
                Step::Connected(connected) => Self::Connected12(connected),
            },
            Self::Client13(client) => match client.handle(cx, message)? {
                Step::Stay(client) => Self::Client13(client),
                Step::Connected(connected) => Self::Connected13(connected),
            },
            Self::Server13(server) => match server.handle(cx, message)? {
                Step::Stay(server) => Self::Server13(server),
                Step::Connected(connected) => Self::Connected13(connected),
            },
            Self::Connected12(connected) => Self::Connected12(connected.handle(cx, message)?),
            Self::Connected13(connected) => Self::Connected13(connected.handle(cx, message)?),
        })
    }

    /// The peer of version 1.2 says that it has changed to its new keys.
    pub(crate) fn handle_change_cipher_spec(self, cx: &mut Context<'_>) -> Self {
        match self {
            Self::Client12(client) => Self::Client12(client.handle_change_cipher_spec(cx)),
            Self::Server12(server) => Self::Server12(server.handle_change_cipher_spec(cx)),
            other => other,
        }
    }

    /// Whether the handshake is over.
    pub(crate) const fn is_connected(&self) -> bool {
        matches!(self, Self::Connected12(_) | Self::Connected13(_))
    }
}
