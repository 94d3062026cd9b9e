//! The back-end on AWS-LC.

pub(crate) mod hash;
pub(crate) mod hmac;
