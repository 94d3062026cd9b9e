//! STUN: RFC 8489, with the vectors of RFC 5769.
//!
//! | file | about |
//! |---|---|
//! | `script.rs` | the stages the cases play on, and their props |
//! | `server_*.rs` | servers on the network, the suite's peer asks |
//! | `client_*.rs` | clients on the network, the suite's peer answers |
//! | `codec_*.rs` | readers and writers of messages |

mod client_alternate;
mod client_errors;
mod client_long_term;
mod client_long_term_errors;
mod client_receive;
mod client_request;
mod client_retransmission;
mod client_rto;
mod client_short_term;
mod client_stream;
mod codec_limits;
mod codec_streams;
mod codec_vectors;
pub(super) mod script;
mod server_attributes;
mod server_basics;
mod server_extensions;
mod server_fingerprint;
mod server_long_term;
mod server_long_term_errors;
mod server_receive;
mod server_short_term;
