//! Numbers with names, and what to do about those without.

/// Declares a number of the wire: named constants, any other value kept, names when printed.
macro_rules! number {
    (
        $(#[$meta:meta])* $name:ident: $repr:ident
        { $($(#[$doc:meta])* $constant:ident = $value:literal $label:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($repr);

        impl $name {
            $($(#[$doc])* pub const $constant: Self = Self($value);)*

            /// The one with this number.
            #[must_use]
            pub const fn new(number: $repr) -> Self {
                Self(number)
            }

            /// The number.
            #[must_use]
            pub const fn number(self) -> $repr {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.0 {
                    $($value => f.pad($label),)*
                    other => f.pad(&format!("{other:#x}")),
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}

pub(super) use number;

/// What the sender of a chunk or parameter wants done where its type is not known: the two highest bits
/// of the type say it (RFC 9260 §3.2, §3.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownAction {
    /// Do not go on with the packet, or with the parameters of the chunk.
    Stop,
    /// The same, and report it.
    StopReport,
    /// Go on as if it were not there.
    Skip,
    /// The same, and report it.
    SkipReport,
}

impl UnknownAction {
    /// Reads the two lowest bits of `bits`.
    pub(super) const fn from_bits(bits: u16) -> Self {
        match bits & 3 {
            0 => Self::Stop,
            1 => Self::StopReport,
            2 => Self::Skip,
            _ => Self::SkipReport,
        }
    }

    /// Whether what follows is to be left unread.
    #[must_use]
    pub const fn stops(self) -> bool {
        matches!(self, Self::Stop | Self::StopReport)
    }

    /// Whether the peer is to be told.
    #[must_use]
    pub const fn reports(self) -> bool {
        matches!(self, Self::StopReport | Self::SkipReport)
    }
}
