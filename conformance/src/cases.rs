//! The cases, by layer. Each file registers its own.

mod discovery;
mod nat;
mod stun;
