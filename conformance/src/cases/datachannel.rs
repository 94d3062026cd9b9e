//! Data channels: RFC 8831 and RFC 8832.
//!
//! | file | about |
//! |---|---|
//! | `script.rs` | the stage: the subject's channels, and a peer of the suite's own that speaks DCEP |
//! | `opened.rs`, `answered.rs` | channels that the endpoint opens, and that its peer opens |
//! | `refused.rs` | what closes a channel |
//! | `messages.rs` | what messages are on the wire |
//! | `closed.rs` | channels closed from either side, and numbers used again |
//! | `pairs.rs` | two endpoints of the subject's |

mod answered;
mod closed;
mod messages;
mod opened;
mod pairs;
mod refused;
mod script;
