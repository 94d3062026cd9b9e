//! NAT behaviour discovery: RFC 5780.
//!
//! | file | about |
//! |---|---|
//! | `props.rs` | the servers of this usage, and what their whole responses look like |
//! | `server_*.rs` | servers on the network, the suite's peer asks |
//! | `client_stage.rs` | a server of the suite that plays the NAT as well |
//! | `client_*.rs` | clients on the network, that server answers |

mod client_behavior;
mod client_lifetime;
mod client_rules;
mod client_stage;
mod props;
mod server_access;
mod server_padding;
mod server_response_port;
mod server_single;
mod server_source;
