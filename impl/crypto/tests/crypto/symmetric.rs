//! Known answers of ciphers and key derivation.
