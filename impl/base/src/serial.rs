//! Serial numbers as types: RFC 1982 §3.

/// Declares a serial-number type over `u8`, `u16`, `u32` or `u64`.
///
/// Such a number wraps, so "greater" is not an order: of two numbers exactly half the space apart
/// neither is newer (RFC 1982 §3.2). The type therefore has `is_newer_than` and `distance_to`, and
/// never `Ord`.
///
/// ```
/// base::serial_number! {
///     /// A transmission sequence number (RFC 9260 §1.4).
///     pub struct Tsn(u32);
/// }
///
/// let last = Tsn::new(u32::MAX);
/// assert!(last.next().is_newer_than(last));
/// assert_eq!(last.distance_to(Tsn::new(3)), 4);
/// ```
#[macro_export]
macro_rules! serial_number {
    ($(#[$meta:meta])* $visibility:vis struct $name:ident($inner:ty);) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        $visibility struct $name($inner);

        #[expect(clippy::allow_attributes, reason = "a type that uses all of it expects nothing")]
        #[allow(dead_code, reason = "each type uses the part of the arithmetic it needs")]
        impl $name {
            /// Wraps `value`.
            #[must_use]
            $visibility const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The number itself.
            #[must_use]
            $visibility const fn get(self) -> $inner {
                self.0
            }

            /// The number after this one.
            #[must_use]
            $visibility const fn next(self) -> Self {
                Self(self.0.wrapping_add(1))
            }

            /// The number `count` after this one.
            #[must_use]
            $visibility const fn add(self, count: $inner) -> Self {
                Self(self.0.wrapping_add(count))
            }

            /// Steps forward from this number to `later`, around the wrap if need be.
            #[must_use]
            $visibility const fn distance_to(self, later: Self) -> $inner {
                later.0.wrapping_sub(self.0)
            }

            /// Whether this number comes after `other`: less than half the space ahead of it.
            #[must_use]
            $visibility const fn is_newer_than(self, other: Self) -> bool {
                let ahead = other.distance_to(self);
                ahead != 0 && ahead < (<$inner>::MAX / 2 + 1)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    serial_number! {
        /// Small enough to try every pair.
        struct Small(u8);
    }

    #[test]
    fn of_any_two_numbers_at_most_one_is_newer() {
        for a in 0..=u8::MAX {
            for b in 0..=u8::MAX {
                let (x, y) = (Small::new(a), Small::new(b));
                let undecided = a == b || a.wrapping_sub(b) == 128;
                assert_eq!(x.is_newer_than(y) ^ y.is_newer_than(x), !undecided, "{a} {b}");
            }
        }
    }

    #[test]
    fn newer_survives_the_wrap() {
        assert!(Small::new(2).is_newer_than(Small::new(250)));
        assert_eq!(Small::new(250).distance_to(Small::new(2)), 8);
        assert_eq!(Small::new(255).next().get(), 0);
        assert_eq!(Small::new(255).add(2).to_string(), "1");
    }
}
