//! The numbers of the registries.

macro_rules! numbers {
    ($(#[doc = $about:literal])+ $module:ident, $type:ty, $($(#[doc = $doc:literal])+ $name:ident = $value:literal, $word:literal;)+) => {
        $(#[doc = $about])+
        pub mod $module {
            $($(#[doc = $doc])+ pub const $name: $type = $value;)+

            /// The name in ladders.
            #[must_use]
            pub const fn name(code: $type) -> &'static str {
                match code {
                    $($name => $word,)+
                    _ => "?",
                }
            }

            /// The number that has this name.
            #[must_use]
            pub fn by_name(name: &str) -> Option<$type> {
                match name {
                    $($word => Some($name),)+
                    _ => None,
                }
            }
        }
    };
}

numbers! {
    /// Types of chunks.
    chunk, u8,
    /// RFC 9260 §3.3.1.
    DATA = 0, "DATA";
    /// RFC 9260 §3.3.2.
    INIT = 1, "INIT";
    /// RFC 9260 §3.3.3.
    INIT_ACK = 2, "INIT_ACK";
    /// RFC 9260 §3.3.4.
    SACK = 3, "SACK";
    /// RFC 9260 §3.3.5.
    HEARTBEAT = 4, "HEARTBEAT";
    /// RFC 9260 §3.3.6.
    HEARTBEAT_ACK = 5, "HEARTBEAT_ACK";
    /// RFC 9260 §3.3.7.
    ABORT = 6, "ABORT";
    /// RFC 9260 §3.3.8.
    SHUTDOWN = 7, "SHUTDOWN";
    /// RFC 9260 §3.3.9.
    SHUTDOWN_ACK = 8, "SHUTDOWN_ACK";
    /// RFC 9260 §3.3.10.
    ERROR = 9, "ERROR";
    /// RFC 9260 §3.3.11.
    COOKIE_ECHO = 10, "COOKIE_ECHO";
    /// RFC 9260 §3.3.12.
    COOKIE_ACK = 11, "COOKIE_ACK";
    /// RFC 4960 §A.
    ECNE = 12, "ECNE";
    /// RFC 4960 §A.
    CWR = 13, "CWR";
    /// RFC 9260 §3.3.13.
    SHUTDOWN_COMPLETE = 14, "SHUTDOWN_COMPLETE";
    /// RFC 8260 §2.1.
    I_DATA = 64, "I_DATA";
    /// RFC 6525 §3.1.
    RECONFIG = 130, "RECONFIG";
    /// RFC 4820 §3.
    PAD = 132, "PAD";
    /// RFC 3758 §3.2.
    FORWARD_TSN = 192, "FORWARD_TSN";
    /// RFC 8260 §2.3.1.
    I_FORWARD_TSN = 194, "I_FORWARD_TSN";
}

numbers! {
    /// Types of parameters of INIT, INIT ACK, HEARTBEAT and RE-CONFIG.
    parameter, u16,
    /// RFC 9260 §3.3.5.
    HEARTBEAT_INFO = 1, "HEARTBEAT_INFORMATION";
    /// RFC 9260 §3.3.2.1.1.
    IPV4_ADDRESS = 5, "IPV4_ADDRESS";
    /// RFC 9260 §3.3.2.1.2.
    IPV6_ADDRESS = 6, "IPV6_ADDRESS";
    /// RFC 9260 §3.3.3.1.1.
    STATE_COOKIE = 7, "STATE_COOKIE";
    /// RFC 9260 §3.3.3.1.2.
    UNRECOGNIZED = 8, "UNRECOGNIZED_PARAMETER";
    /// RFC 9260 §3.3.2.1.3.
    COOKIE_PRESERVATIVE = 9, "COOKIE_PRESERVATIVE";
    /// RFC 9260 §3.3.2.1.4.
    HOST_NAME = 11, "HOSTNAME_ADDRESS";
    /// RFC 9260 §3.3.2.1.5.
    ADDRESS_TYPES = 12, "SUPPORTED_ADDRESS_TYPES";
    /// RFC 6525 §4.1.
    OUTGOING_RESET = 13, "OUTGOING_SSN_RESET";
    /// RFC 6525 §4.2.
    INCOMING_RESET = 14, "INCOMING_SSN_RESET";
    /// RFC 6525 §4.3.
    TSN_RESET = 15, "SSN_TSN_RESET";
    /// RFC 6525 §4.4.
    RESPONSE = 16, "RECONFIG_RESPONSE";
    /// RFC 6525 §4.5.
    ADD_OUTGOING = 17, "ADD_OUTGOING_STREAMS";
    /// RFC 6525 §4.6.
    ADD_INCOMING = 18, "ADD_INCOMING_STREAMS";
    /// RFC 4960 §A.
    ECN = 0x8000, "ECN_CAPABLE";
    /// RFC 9653: an alternate error detection method.
    ZERO_CHECKSUM = 0x8001, "ZERO_CHECKSUM_ACCEPTABLE";
    /// RFC 5061 §4.2.7.
    SUPPORTED_EXTENSIONS = 0x8008, "SUPPORTED_EXTENSIONS";
    /// RFC 3758 §3.1.
    FORWARD_TSN = 0xc000, "FORWARD_TSN_SUPPORTED";
}

numbers! {
    /// Causes of errors.
    cause, u16,
    /// RFC 9260 §3.3.10.1.
    INVALID_STREAM = 1, "INVALID_STREAM_IDENTIFIER";
    /// RFC 9260 §3.3.10.2.
    MISSING_PARAMETER = 2, "MISSING_MANDATORY_PARAMETER";
    /// RFC 9260 §3.3.10.3.
    STALE_COOKIE = 3, "STALE_COOKIE_ERROR";
    /// RFC 9260 §3.3.10.4.
    OUT_OF_RESOURCE = 4, "OUT_OF_RESOURCE";
    /// RFC 9260 §3.3.10.5.
    UNRESOLVABLE_ADDRESS = 5, "UNRESOLVABLE_ADDRESS";
    /// RFC 9260 §3.3.10.6.
    UNRECOGNIZED_CHUNK = 6, "UNRECOGNIZED_CHUNK_TYPE";
    /// RFC 9260 §3.3.10.7.
    INVALID_PARAMETER = 7, "INVALID_MANDATORY_PARAMETER";
    /// RFC 9260 §3.3.10.8.
    UNRECOGNIZED_PARAMETERS = 8, "UNRECOGNIZED_PARAMETERS";
    /// RFC 9260 §3.3.10.9.
    NO_USER_DATA = 9, "NO_USER_DATA";
    /// RFC 9260 §3.3.10.10.
    COOKIE_WHILE_SHUTTING_DOWN = 10, "COOKIE_RECEIVED_WHILE_SHUTDOWN";
    /// RFC 9260 §3.3.10.11.
    RESTART_WITH_NEW_ADDRESSES = 11, "RESTART_WITH_NEW_ADDRESSES";
    /// RFC 9260 §3.3.10.12.
    USER_ABORT = 12, "USER_INITIATED_ABORT";
    /// RFC 9260 §3.3.10.13.
    PROTOCOL_VIOLATION = 13, "PROTOCOL_VIOLATION";
}

/// Flags of DATA and I-DATA (RFC 9260 §3.3.1, RFC 8260 §2.1).
pub mod data {
    /// The last fragment.
    pub const E: u8 = 1;
    /// The first fragment.
    pub const B: u8 = 2;
    /// Without order.
    pub const U: u8 = 4;
    /// To be acknowledged at once.
    pub const I: u8 = 8;
}

/// The flag of ABORT and SHUTDOWN COMPLETE that says that the tag is the receiver's own (RFC 9260 §8.5.1).
pub const T: u8 = 1;

/// Results of a request to change streams (RFC 6525 §4.4).
pub mod result {
    /// There was nothing to do.
    pub const NOTHING_TO_DO: u32 = 0;
    /// It is done.
    pub const PERFORMED: u32 = 1;
    /// It is refused.
    pub const DENIED: u32 = 2;
    /// The stream number makes no sense.
    pub const WRONG_SSN: u32 = 3;
    /// Another request is being worked on.
    pub const REQUEST_IN_PROGRESS: u32 = 4;
    /// The number of the request is not the one that is expected.
    pub const BAD_SEQUENCE: u32 = 5;
    /// It is being worked on.
    pub const IN_PROGRESS: u32 = 6;
}
