//! ICE, the protocol by which two peers find a way to each other through whatever is between them: RFC 8445.
//!
//! An agent offers *candidates*, addresses at which it may be reached ([`Candidate`]), and for each side
//! there are *parameters* ([`Parameters`]) by which the two recognise each other.
//!
//! | file | holds |
//! |---|---|
//! | `candidate.rs`, `candidate/` | [`Candidate`], its text, [`Foundation`], [`priority`] |
//! | `parameters.rs` | [`Parameters`]: username fragment, password, options |

mod candidate;
mod parameters;

pub use candidate::{
    Address, Candidate, CandidateError, DISCARD_PORT, Extension, Foundation, Foundations, Kind,
    MAX_EXTENSIONS, MAX_LINE, Origin, TcpType, Transport, priority,
};
pub use parameters::{
    MAX_CREDENTIAL, MAX_OPTIONS, Options, Parameters, ParametersError, Password, Ufrag,
};
