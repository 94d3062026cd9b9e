//! Congestion control: how much may be in flight, and how fast it leaves.
//!
//! Detecting loss is not the controller's work: it is told what was delivered and what was lost, and says
//! how large the window is and how fast to send.
//!
//! | file | holds |
//! |---|---|
//! | `controller.rs` | [`Controller`], the trait, and what it is told |
//! | `algorithm.rs` | [`Algorithm`], the choice of one |
//! | `rfc9260.rs` | the controller of RFC 9260 §7.2 |
//! | `control.rs` | the sender's one door: a controller joined with the three below |
//! | `sampler.rs` | how fast the path delivers, measured from acknowledgements |
//! | `reduction.rs` | a smaller window reached over a round trip instead of at once |
//! | `pacer.rs` | packets spread over time |

mod algorithm;
mod control;
mod controller;
mod pacer;
mod reduction;
mod rfc9260;
mod sampler;

pub use algorithm::Algorithm;
pub(crate) use control::{Control, Summary};
pub use controller::{Acked, Congestion, Controller, RateSample, Sent};
pub(crate) use sampler::Snapshot;
