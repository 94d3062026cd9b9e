//! The NAT as a box alone: one packet at a time, without a network around it.

#[path = "nat/behaviour.rs"]
mod behaviour;
#[path = "nat/bench.rs"]
mod bench;
#[path = "nat/icmp_fragments.rs"]
mod icmp_fragments;
