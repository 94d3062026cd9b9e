//! DTLS: RFC 6347, RFC 9147, and what RFC 8446, RFC 5764, RFC 8122 and RFC 8842 add to them.
//!
//! | file | about |
//! |---|---|
//! | `script.rs` | the stage the cases play on, and their props |
//! | `handshake.rs` | handshakes that end well |
//! | `refuse_hello.rs`, `refuse_answer.rs`, `refuse_proof.rs` | what each side of 1.3 refuses, and what it has to take |

mod acks;
mod fragments;
mod handshake;
mod keys;
mod records;
mod refuse_answer;
mod refuse_hello;
mod refuse_proof;
mod retry;
mod script;
mod timers;
mod versions;
