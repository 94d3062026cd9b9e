//! Small numbers that name the parts of a world.

use std::fmt;

macro_rules! id {
    ($(#[$meta:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) $inner);

        impl $name {
            /// The number itself: dense, from zero, in the order of declaration.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

id! {
    /// A node: a host, a switch, a router or a middlebox.
    NodeId(u32), "n"
}
id! {
    /// One interface of one node. Each is an end of a wire, and a hop in traces and captures.
    HopId(u32), "h"
}
id! {
    /// A UDP socket of a host.
    SocketId(u32), "s"
}
id! {
    /// A TCP connection of a host. Numbers are not used again.
    TcpId(u32), "t"
}
id! {
    /// A port of a host that takes TCP connections.
    ListenerId(u32), "l"
}
id! {
    /// An IP packet, from its origin to its end: translation, queueing and duplication keep the number.
    PacketId(u64), "p"
}

impl PacketId {
    /// A number of the caller's choosing, for packets that no network will carry: a box on the bench is
    /// asked about them.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}
