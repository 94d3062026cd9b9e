//! ICE, the protocol by which two peers find a way to each other through whatever is between them: RFC 8445.
