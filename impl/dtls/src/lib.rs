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

mod number;
mod side;
mod srtp;
mod suite;
mod version;

pub use number::RecordNumber;
pub use side::Side;
pub use srtp::SrtpProfile;
pub use suite::{Authentication, CipherSuite};
pub use version::Version;
