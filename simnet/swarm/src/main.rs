//! `cargo xtask sim`: worlds by the thousand.

fn main() {}
