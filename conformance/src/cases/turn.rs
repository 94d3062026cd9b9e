//! TURN: RFC 8656, and TCP by RFC 6062.
//!
//! | file | about |
//! |---|---|
//! | `script.rs` | the stages the cases play on, and their props |
//! | `server_*.rs` | servers on the network, the suite plays clients and peers |
//! | `client_*.rs` | clients on the network, the suite plays server |
//! | `uri.rs` | the names of servers: RFC 7064 and RFC 7065 |

pub(super) mod script;

mod client_allocate;
mod client_peers;
mod client_refresh;
mod client_stream;
mod server_allocate;
mod server_auth;
mod server_channel;
mod server_data;
mod server_permission;
mod server_policy;
mod server_refresh;
mod server_stream;
mod server_tcp_relay;
mod uri;
