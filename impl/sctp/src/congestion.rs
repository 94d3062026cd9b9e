//! Congestion control: how much may be in flight, and how fast it leaves.
//!
//! Detecting loss is not the controller's work: it is told what was delivered and what was lost, and says
//! how large the window is and how fast to send.

mod controller;

pub use controller::{Acked, Congestion, Controller, RateSample, Sent};
