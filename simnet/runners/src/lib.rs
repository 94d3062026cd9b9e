//! Asynchronous code on the deterministic network.
