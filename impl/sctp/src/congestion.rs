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
//! | `cubic.rs`, `curve.rs`, `slow_start.rs` | CUBIC: RFC 9438, RFC 9406 |
//! | `model.rs`, `model/` | the controller that asks a model of the path what a loss means |
//! | `idle.rs` | what an idle path does to a window |
//! | `control.rs` | the sender's one door: a controller joined with the three below |
//! | `sampler.rs` | how fast the path delivers, measured from acknowledgements |
//! | `reduction.rs` | a smaller window reached over a round trip instead of at once |
//! | `pacer.rs` | packets spread over time |

mod algorithm;
mod control;
mod controller;
mod cubic;
mod curve;
mod idle;
mod model;
mod pacer;
mod reduction;
mod rfc9260;
mod sampler;
mod slow_start;
#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub(crate) use control::{Control, Summary};
pub use controller::{Acked, Congestion, Controller, RateSample, Sent};
pub(crate) use sampler::Snapshot;
