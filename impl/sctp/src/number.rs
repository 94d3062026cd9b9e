//! Numbers that wrap: RFC 9260 §1.6.

base::serial_number! {
    /// A transmission sequence number: one for each chunk of user data (RFC 9260 §1.6).
    pub struct Tsn(u32);
}

base::serial_number! {
    /// A stream sequence number: one for each ordered message of a stream (RFC 9260 §1.6).
    pub struct Ssn(u16);
}

base::serial_number! {
    /// A message identifier, which replaces the stream sequence number where messages are interleaved
    /// (RFC 8260 §2.1).
    pub struct Mid(u32);
}

base::serial_number! {
    /// A fragment sequence number within an interleaved message (RFC 8260 §2.1).
    pub struct Fsn(u32);
}

base::serial_number! {
    /// The number of a request to change streams (RFC 6525 §4.1).
    pub struct RequestNumber(u32);
}
