//! The NAT as a box alone: one packet at a time, without a network around it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

#[path = "nat/any.rs"]
mod any;
#[path = "nat/asked_for.rs"]
mod asked_for;
#[path = "nat/behaviour.rs"]
mod behaviour;
#[path = "nat/bench.rs"]
mod bench;
#[path = "nat/icmp_fragments.rs"]
mod icmp_fragments;
#[path = "nat/meddling.rs"]
mod meddling;
#[path = "nat/over_time.rs"]
mod over_time;
#[path = "nat/ports.rs"]
mod ports;
#[path = "nat/tcp.rs"]
mod tcp;
