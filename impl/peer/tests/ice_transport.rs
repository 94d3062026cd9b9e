//! An agent, its sockets and its servers, on simulated networks and alone.

#[path = "ice_transport/gathering.rs"]
mod gathering;
#[path = "ice_transport/lawful.rs"]
mod lawful;
#[path = "ice_transport/support.rs"]
mod support;
