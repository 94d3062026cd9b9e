//! The handshake: who decides what, from the first ClientHello to the last message after it.
//!
//! A state owns its data and is replaced by value. What both versions do alike is here: the hellos
//! (`client`, [`server`]), what is chosen ([`select`]), what the extensions say ([`extensions`]). From
//! the ServerHello on, [`tls12`] and [`tls13`] take over.
//!
//! The one who takes a message also adds it to the transcript ([`Context::hear`]), since a Finished
//! covers what came before it. Hellos are in the transcript before `start` is called.

pub(crate) mod context;
pub(crate) mod extensions;
pub(crate) mod offer;
pub(crate) mod select;
pub(crate) mod server;
pub(crate) mod tls12;
pub(crate) mod tls13;

pub(crate) use context::Context;
pub(crate) use offer::Offer;

/// What became of a state that was told a message.
pub(crate) enum Step<S, C> {
    /// The handshake goes on.
    Stay(S),
    /// It is over.
    Connected(C),
}
