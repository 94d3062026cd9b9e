//! An agent, its sockets and its servers, on simulated networks and alone.

#![expect(clippy::indexing_slicing, reason = "the sides of a world are 0 and 1")]

#[path = "ice_transport/gathering.rs"]
mod gathering;
#[path = "ice_transport/lawful.rs"]
mod lawful;
#[path = "ice_transport/support.rs"]
mod support;
#[path = "ice_transport/through_nats.rs"]
mod through_nats;
#[path = "ice_transport/world.rs"]
mod world;
