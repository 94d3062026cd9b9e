//! TURN, the protocol by which a host has a server relay for it: RFC 8656.
//!
//! | file | holds |
//! |---|---|
//! | `server.rs`, `server/` | [`Server`]: a machine that relays, [`server`]: how it is set up and what it tells |

pub mod server;

pub use server::{Server, ServerConfig, ServerEvent, ServerStats};
