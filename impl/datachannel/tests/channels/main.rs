//! Two ends and a cable: channels beside channels, and channels beside an association that says what a test
//! has it say.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

mod cable;
mod closing;
mod data;
mod faults;
mod ladders;
mod laws;
mod limits;
mod opening;
mod streams;
