//! Two associations, a path between them, and what the network does.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

mod attack;
mod basic;
mod connection_ids;
mod keys;
mod ladders;
mod loss;
mod scattered;
mod strangers;
mod support;
mod tls12;
mod unusual;
mod world;
