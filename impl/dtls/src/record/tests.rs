//! Records of both versions, sealed by one end and opened by the other.
