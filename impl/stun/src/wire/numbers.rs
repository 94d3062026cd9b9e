//! Attributes that are one number, or nothing at all.

/// An attribute that holds one number and nothing else.
macro_rules! number_attribute {
    ($(#[$docs:meta])* $name:ident, $kind:ident, $number:ident) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub $number);

        impl $crate::wire::Encode for $name {
            const TYPE: $crate::wire::AttributeType = $crate::wire::AttributeType::$kind;

            fn write(&self, writer: &mut base::Writer<'_>, _: &$crate::wire::TransactionId) {
                writer.$number(self.0);
            }
        }

        impl<'a> $crate::wire::Decode<'a> for $name {
            fn read(
                mut value: base::Reader<'a>,
                _: &$crate::wire::TransactionId,
            ) -> Result<Self, base::Malformed> {
                let number = value.$number()?;
                value.finish()?;
                Ok(Self(number))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

/// An attribute whose presence is all it says.
macro_rules! flag_attribute {
    ($(#[$docs:meta])* $name:ident, $kind:ident) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name;

        impl $crate::wire::Encode for $name {
            const TYPE: $crate::wire::AttributeType = $crate::wire::AttributeType::$kind;

            fn write(&self, _: &mut base::Writer<'_>, _: &$crate::wire::TransactionId) {}
        }

        impl<'a> $crate::wire::Decode<'a> for $name {
            fn read(
                value: base::Reader<'a>,
                _: &$crate::wire::TransactionId,
            ) -> Result<Self, base::Malformed> {
                value.finish()?;
                Ok(Self)
            }
        }
    };
}

/// An attribute of bytes that mean nothing to this crate.
macro_rules! bytes_attribute {
    ($(#[$docs:meta])* $name:ident, $kind:ident) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name<'a>(pub &'a [u8]);

        impl $crate::wire::Encode for $name<'_> {
            const TYPE: $crate::wire::AttributeType = $crate::wire::AttributeType::$kind;

            fn write(&self, writer: &mut base::Writer<'_>, _: &$crate::wire::TransactionId) {
                writer.bytes(self.0);
            }
        }

        impl<'a> $crate::wire::Decode<'a> for $name<'a> {
            fn read(
                mut value: base::Reader<'a>,
                _: &$crate::wire::TransactionId,
            ) -> Result<Self, base::Malformed> {
                Ok(Self(value.rest()))
            }
        }
    };
}

pub(super) use {bytes_attribute, flag_attribute, number_attribute};
