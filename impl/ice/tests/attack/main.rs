//! The attacker's suite: what those get who know the addresses, and those who know the passwords.
//!
//! The promises: nothing is kept of what cannot prove who sent it, and what it is answered with is
//! hardly longer than itself; what a peer sends that does know the password is kept within named
//! limits; nobody is shot at through us for long; and the path in use stays in use.

#![expect(clippy::unwrap_used, reason = "what a test sets up itself is there, or the test fails")]

mod candidates;
mod flood;
mod forgery;
mod replay;
mod shapes;
mod support;
