//! A field that a test may spoil.

/// One field of a message under construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum F<T> {
    /// What the specification asks for, computed at the last moment.
    #[default]
    Auto,
    /// This value.
    Set(T),
    /// The computed value with the bits of this mask flipped.
    Xor(T),
    /// These bytes, whatever their number.
    Raw(Vec<u8>),
    /// No bytes at all.
    Omit,
}

impl<T: Octets> F<T> {
    /// The bytes on the wire, where `auto` is what the specification asks for.
    #[must_use]
    pub fn resolve(&self, auto: T) -> Vec<u8> {
        match self {
            Self::Auto => auto.octets(),
            Self::Set(value) => value.octets(),
            Self::Xor(mask) => {
                let mut octets = auto.octets();
                for (octet, flip) in octets.iter_mut().zip(mask.octets()) {
                    *octet ^= flip;
                }
                octets
            }
            Self::Raw(octets) => octets.clone(),
            Self::Omit => Vec::new(),
        }
    }

    /// Whether the field is left to the codec.
    #[must_use]
    pub const fn is_auto(&self) -> bool {
        matches!(self, Self::Auto)
    }
}

/// Something that has one form on the wire.
pub trait Octets {
    /// That form, most significant byte first.
    fn octets(&self) -> Vec<u8>;
}

impl Octets for u16 {
    fn octets(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }
}

impl Octets for u32 {
    fn octets(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }
}

impl Octets for Vec<u8> {
    fn octets(&self) -> Vec<u8> {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_spoiling_shows() {
        assert_eq!(F::Auto.resolve(0x0102_u16), [1, 2]);
        assert_eq!(F::Set(3_u16).resolve(0x0102), [0, 3]);
        assert_eq!(F::Xor(0xff00_u16).resolve(0x0102), [0xfe, 2]);
        assert_eq!(F::Raw(vec![9]).resolve(0x0102_u16), [9]);
        assert_eq!(F::Omit.resolve(0x0102_u16), []);
    }

    #[test]
    fn a_short_mask_flips_leading_bytes_only() {
        assert_eq!(F::Xor(vec![0xff]).resolve(vec![1, 2, 3]), [0xfe, 2, 3]);
    }
}
