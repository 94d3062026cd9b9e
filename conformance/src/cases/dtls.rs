//! DTLS: RFC 6347, RFC 9147, and what RFC 8446, RFC 5764, RFC 8122 and RFC 8842 add to them.
//!
//! | file | about |
//! |---|---|
//! | `script.rs` | the stage the cases play on, and their props |
//! | `judge.rs` | what many cases ask at their end |
//! | `handshake.rs` | handshakes that end well |
//! | `versions.rs` | which version is spoken; hellos of several datagrams |
//! | `hello12.rs`, `answer12.rs`, `cookies12.rs`, `order12.rs` | the handshake of 1.2 |
//! | `refuse_hello.rs`, `refuse_answer.rs`, `refuse_proof.rs` | what each side of 1.3 refuses, and what it has to take |
//! | `retry.rs` | HelloRetryRequest and cookies of 1.3 |
//! | `certificates.rs` | fingerprints and proofs of both versions |
//! | `pieces.rs`, `records.rs`, `loss.rs`, `close.rs` | both versions below the handshake and after it |
//! | `fragments.rs`, `acks.rs`, `timers.rs` | flights: in pieces, acknowledged, repeated |
//! | `records12.rs` | the numbers on records of 1.2 |
//! | `records13.rs`, `keys.rs` | records of 1.3, and what comes after the handshake |
//! | `peers.rs`, `srtp.rs` | who the peer is, and what is exported for it |
//! | `close13.rs`, `ids.rs` | alerts; connection ids and the limit of the record size |

mod acks;
mod answer12;
mod certificates;
mod close;
mod close13;
mod cookies12;
mod fragments;
mod handshake;
mod hello12;
mod ids;
mod judge;
mod keys;
mod loss;
mod order12;
mod peers;
mod pieces;
mod records;
mod records12;
mod records13;
mod refuse_answer;
mod refuse_hello;
mod refuse_proof;
mod retry;
mod script;
mod srtp;
mod timers;
mod versions;
