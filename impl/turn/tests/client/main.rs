//! The TURN client against a server made by hand.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

mod allocate;
mod connections;
mod credentials;
mod data;
mod keeping;
mod laws;
mod redirect;
mod refusals;
mod relay;
mod streams;
mod support;
