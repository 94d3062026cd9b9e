//! Dialogues of two ends, and of one end with a peer that breaks the rules.

mod after;
mod bench;
mod dialogue;
mod misdeeds;
mod order;
mod proofs;
