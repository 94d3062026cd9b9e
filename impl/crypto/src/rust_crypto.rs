//! The back-end in pure Rust, by the RustCrypto project and friends.

pub(crate) mod hash;
pub(crate) mod hmac;
