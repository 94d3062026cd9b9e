//! How a request went: RFC 6887 §7.4.

use std::fmt;

/// A result code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResultCode(pub u8);

macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $value:literal, $lifetime:literal;)*) => {
        impl ResultCode {
            $($(#[$meta])* pub const $name: Self = Self($value);)*

            /// For how many seconds the same request need not be tried again: half a minute or half an
            /// hour, as RFC 6887 §7.4 says of each.
            #[must_use]
            pub const fn lifetime(self) -> u32 {
                match self.0 { $($value => $lifetime,)* _ => 1_800 }
            }

            const fn name(self) -> Option<&'static str> {
                match self.0 { $($value => Some(stringify!($name)),)* _ => None }
            }
        }
    };
}

codes! {
    /// It was done.
    SUCCESS = 0, 0;
    /// The version is not spoken here.
    UNSUPP_VERSION = 1, 1_800;
    /// The box does not allow it.
    NOT_AUTHORIZED = 2, 1_800;
    /// The request cannot be read.
    MALFORMED_REQUEST = 3, 1_800;
    /// The opcode is not served here.
    UNSUPP_OPCODE = 4, 1_800;
    /// A mandatory option is not served here.
    UNSUPP_OPTION = 5, 1_800;
    /// An option cannot be read, or makes no sense.
    MALFORMED_OPTION = 6, 1_800;
    /// The box has no external address.
    NETWORK_FAILURE = 7, 30;
    /// The box has no room.
    NO_RESOURCES = 8, 30;
    /// The protocol is not served here.
    UNSUPP_PROTOCOL = 9, 1_800;
    /// The host has as many mappings as it may.
    USER_EX_QUOTA = 10, 30;
    /// The external endpoint is not to be had.
    CANNOT_PROVIDE_EXTERNAL = 11, 30;
    /// A NAT is between client and server.
    ADDRESS_MISMATCH = 12, 1_800;
    /// So many filters cannot be held.
    EXCESSIVE_REMOTE_PEERS = 13, 1_800;
}

impl fmt::Debug for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "ResultCode({})", self.0),
        }
    }
}
