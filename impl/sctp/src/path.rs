//! The path: round-trip time, retransmission timeout, packet size.
