//! Words and pictures that need to know more than a packet's addresses.

mod recording;
mod words;

pub use recording::Recording;
pub use words::words;
