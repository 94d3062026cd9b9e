//! Wycheproof.
