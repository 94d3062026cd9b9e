//! What the server promises, told in bytes.

#![expect(clippy::unwrap_used, reason = "what a test sets up itself is there, or the test fails")]

mod abuse;
mod access;
mod allocations;
mod data;
mod laws;
mod peers;
mod rig;
mod tcp;
