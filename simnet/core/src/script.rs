//! Changes of the world that are planned ahead.

use crate::{id::HopId, link::Link};

/// A change of the world at a certain time.
#[derive(Clone, Debug)]
pub enum Change {
    /// The interface comes up.
    Up(HopId),
    /// The interface goes down.
    Down(HopId),
    /// The direction away from the interface gets new parameters.
    Link(HopId, Box<Link>),
}
