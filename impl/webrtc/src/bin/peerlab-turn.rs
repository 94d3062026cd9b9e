//! A TURN server: RFC 8656.

fn main() {}
