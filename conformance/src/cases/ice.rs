//! ICE: RFC 8445 with its companions.
//!
//! | file | about |
//! |---|---|
//! | `script.rs` | the stage the cases play on, and their props |
//! | `candidates.rs`, `syntax.rs`, `names.rs`, `gather.rs` | what agents tell each other |
//! | `checks.rs`, `pacing.rs` | what checks look like, in which order and how fast they come |
//! | `requests.rs`, `early.rs` | how requests are judged and answered |
//! | `responses.rs` | what responses do |
//! | `roles.rs`, `nominate.rs`, `lite.rs` | role conflicts, nomination, lite agents |
//! | `prflx.rs`, `triggered.rs`, `trickle.rs` | candidates nobody named, triggered checks, late candidates |
//! | `restart.rs`, `consent.rs`, `pac.rs`, `data.rs` | the life of a session |
//! | `further.rs` | relays, link-local addresses, keepalives without consent, two components |
//! | `interop.rs` | agents of two stacks |
//! | `robust.rs` | bytes and commands that broke other agents |

mod candidates;
mod checks;
mod consent;
mod data;
mod early;
mod further;
mod gather;
mod interop;
mod lite;
mod names;
mod nominate;
mod pac;
mod pacing;
mod prflx;
mod requests;
mod responses;
mod restart;
mod robust;
mod roles;
mod script;
mod syntax;
mod trickle;
mod triggered;
