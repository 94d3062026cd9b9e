//! TURN, the protocol by which a host has a server relay for it: RFC 8656.
