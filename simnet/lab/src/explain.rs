//! What a NAT does and what that means, in plain words.

mod points;
mod walk;

pub use points::{Point, points};
pub use walk::{Walk, walk};
