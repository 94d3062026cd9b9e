//! SCTP: RFC 9260 and what extends it.
//!
//! | file | about |
//! |---|---|
//! | `script.rs` | the stage the cases play on, and their props |
//! | `lossy.rs` | hearing an endpoint while something is lost |
//! | `partial_send.rs`, `partial_receive.rs` | messages that are given up: RFC 3758, RFC 7496 |
//! | `reset_answer.rs`, `reset_request.rs` | changes of streams: RFC 6525 |
//! | `interleave.rs`, `discovery.rs` | RFC 8260; RFC 8899 |
//! | `congestion.rs` | RFC 9260 §7.2 |
//! | `regress.rs`, `regress_data.rs` | what other stacks once got wrong |
//! | `immediate.rs`, `zero_checksum.rs` | RFC 7053; RFC 9653 |
//! | `set_up.rs`, `set_up_loss.rs` | associations set up from either side, and with packets lost |
//! | `refused.rs`, `cookies.rs` | what sets up nothing |
//! | `collision.rs`, `restart.rs` | both ends begin at once, or one of them again |
//! | `acknowledge.rs` | what is acknowledged, and when |
//! | `data.rs` | messages on streams |
//! | `repair.rs`, `window.rs` | losses repaired, windows closed |
//! | `heartbeat.rs`, `shutdown.rs`, `abort.rs` | paths that are idle, and the end |
//! | `scripted.rs` | exchanges written down in `conformance/scripts/sctp` |
//! | `snap.rs` | associations set up by signalling |
//! | `unknown.rs`, `guard.rs` | types that nobody knows, and packets that are not let in |

mod abort;
mod acknowledge;
mod collision;
mod congestion;
mod cookies;
mod data;
mod discovery;
mod guard;
mod heartbeat;
mod immediate;
mod interleave;
mod lossy;
mod partial_receive;
mod partial_send;
mod refused;
mod regress;
mod regress_data;
mod repair;
mod reset_answer;
mod reset_request;
mod restart;
mod script;
pub(crate) mod scripted;
mod set_up;
mod set_up_loss;
mod shutdown;
mod snap;
mod unknown;
mod window;
mod zero_checksum;
