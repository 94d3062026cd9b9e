//! The contract every Peerlab machine keeps.
//!
//! A *machine* is one protocol endpoint without I/O: a STUN server, an ICE agent, an SCTP
//! association. It is told the time ([`Instant`]), told the dice ([`Rng`]), told what arrived
//! ([`Datagram`]), and asked what to send ([`Transmit`]), what happened and when to be woken. The
//! trait [`Machine`] says so in a few methods, and its documentation lists the laws that go with them.
//!
//! This crate knows no protocol. It holds what all of them share:
//!
//! | file | holds |
//! |---|---|
//! | `instant.rs` | [`Instant`]: nanoseconds since the endpoint began |
//! | `wall_time.rs` | [`WallTime`]: dates, for the few fields that carry one |
//! | `timer.rs` | [`TimerTable`]: all deadlines of a machine on one screen |
//! | `rng.rs` | [`Rng`]: seeded, forked by label, public and secret draws apart |
//! | `datagram.rs` | [`Datagram`], [`Transmit`], [`Ecn`], [`Dscp`] |
//! | `border.rs` | [`SocketError`], [`Interface`]: what else crosses the socket border |
//! | `stream.rs` | [`StreamCommand`], [`StreamInput`], [`SocketCommand`]: connections and sockets of its own |
//! | `reader.rs`, `writer.rs` | [`Reader`], [`Writer`], [`Malformed`]: bytes, checked |
//! | `serial.rs` | [`serial_number!`](crate::serial_number): RFC 1982 arithmetic as types |
//! | `machine.rs` | [`Machine`] and its laws |
//! | `mutant.rs` | [`mutant`]: planted bugs that the conformance suite must find |
//!
//! ```
//! use base::{Instant, Rng};
//! use std::time::Duration;
//!
//! let later = Instant::ZERO + Duration::from_millis(12_345);
//! assert_eq!(later.to_string(), "12.345000s");
//!
//! let rng = Rng::from_seed([7; 32]);
//! let mut once = rng.fork("ice");
//! let mut again = rng.fork("ice");
//! assert_eq!(once.public_array::<8>(), again.public_array::<8>());
//! ```

mod border;
mod datagram;
mod instant;
mod machine;
pub mod mutant;
mod reader;
mod rng;
mod serial;
mod stream;
mod timer;
mod wall_time;
mod writer;

pub use border::{Interface, InterfaceAddress, InterfaceKind, SocketError, SocketErrorKind};
pub use datagram::{Datagram, Dscp, Ecn, Transmit};
pub use instant::Instant;
pub use machine::Machine;
pub use reader::{Malformed, Reader};
pub use rng::Rng;
pub use stream::{
    SocketCommand, SocketInput, StreamCommand, StreamEnd, StreamId, StreamInput, StreamSecurity,
};
pub use timer::TimerTable;
pub use wall_time::WallTime;
pub use writer::{LengthGuard, Writer};
