//! SCTP: RFC 9260 and what extends it.
//!
//! | file | about |
//! |---|---|
//! | `script.rs` | the stage the cases play on, and their props |
//! | `set_up.rs`, `set_up_loss.rs` | associations set up from either side, and with packets lost |

mod script;
mod set_up;
mod set_up_loss;
