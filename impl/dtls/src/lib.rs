//! DTLS, the security of datagrams: versions 1.2 and 1.3, client and server.
//!
//! One set of rooms serves both versions. The *record layer* seals and opens records under the keys of
//! an *epoch*; the *flight* cuts handshake messages into fragments, repeats them until they are
//! answered, and puts the peer's together again; the *handshake* decides. What differs between the
//! versions is small and has a place of its own in each room: a kind of protection, a key schedule, a
//! folder of handshake steps.
//!
//! | file | holds |
//! |---|---|
//! | `version.rs`, `suite.rs`, `side.rs`, `number.rs`, `srtp.rs` | the words that every room speaks |
//! | `credential.rs`, `fingerprint.rs` | [`Credential`], [`Fingerprint`]: who an end is |
//! | `record/` | records sealed and opened under the keys of an epoch |
//! | `schedule/` | the keys of an epoch, from what the key exchange agreed on |
//! | `config.rs` | [`Config`], [`PeerCheck`]: how an association is set up |
//! | `session.rs`, `event.rs` | [`Session`], [`Event`]: what was agreed on, and what happens |
//! | `misdeed.rs` | [`Misdeed`]: how a peer breaks the protocol, and the alert that says so |
//! | `flight/` | handshake messages in pieces: transcript, reassembly, retransmission, acknowledgements |
//! | `association/` | [`Association`]: receiving, sending, timers, alerts, keys for applications |
//! | `endpoint.rs`, `listener.rs` | [`Endpoint`], [`Listener`]: one peer with an address, many behind one |
//! | `cookie.rs`, `gate.rs` | what a server does before it keeps anything |
//! | `handshake/` | who decides what: the hellos of both versions, then the steps of each |
//! | `stats.rs`, `error.rs` | [`Stats`], [`DropReason`]; why a command was not taken |
//! | `wire/` | messages, extensions and alerts as bytes |

mod association;
mod config;
mod cookie;
mod credential;
mod endpoint;
mod error;
mod event;
mod fingerprint;
mod flight;
mod gate;
mod handshake;
mod listener;
mod misdeed;
mod number;
mod record;
mod schedule;
mod session;
mod side;
mod srtp;
mod stats;
mod suite;
mod version;
pub mod wire;

pub use association::{Association, SrtpKeys, SrtpMaster};
pub use config::{
    Config, DEFAULT_HANDSHAKE_TIMEOUT, DEFAULT_INITIAL_TIMEOUT, DEFAULT_MAX_TIMEOUTS, DEFAULT_MTU,
    MAX_CONNECTION_ID, MIN_MTU, PeerCheck, Verifier,
};
pub use credential::Credential;
pub use endpoint::Endpoint;
pub use error::{ExportError, SendError, SetFingerprintsError, UpdateKeysError};
pub use event::{CloseReason, Event};
pub use fingerprint::{BadFingerprint, Fingerprint};
pub use listener::{DEFAULT_CAPACITY, Listener, PeerId};
pub use misdeed::Misdeed;
pub use number::RecordNumber;
pub use session::Session;
pub use side::Side;
pub use srtp::SrtpProfile;
pub use stats::{DropReason, Drops, Stats};
pub use suite::{Authentication, CipherSuite};
pub use version::Version;
