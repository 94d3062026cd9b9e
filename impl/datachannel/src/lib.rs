//! Data channels: many conversations over one association, each with its own order and reliability.
//!
//! A *channel* is a pair of streams, one in each direction, with one number. It is opened by a message of
//! the Data Channel Establishment Protocol (RFC 8832), or by both sides knowing of it already, and closed
//! by resetting both streams (RFC 8831 §6.7).
