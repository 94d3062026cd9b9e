//! The back-end on AWS-LC.

pub(crate) mod aead;
pub(crate) mod cipher;
pub(crate) mod ecdh;
pub(crate) mod hash;
pub(crate) mod hmac;
pub(crate) mod kdf;
pub(crate) mod kem;
pub(crate) mod signature;
