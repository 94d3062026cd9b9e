//! The one comparison for secrets.

use subtle::ConstantTimeEq;

/// Whether `a` and `b` are equal, in a time that depends on their lengths alone.
///
/// Every comparison with a secret, a tag or a fingerprint goes through here. The lengths themselves
/// are not secret: slices of different length are unequal at once.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::empty(b"", b"", true)]
    #[case::equal(b"abc", b"abc", true)]
    #[case::first_byte(b"xbc", b"abc", false)]
    #[case::last_byte(b"abx", b"abc", false)]
    #[case::prefix(b"ab", b"abc", false)]
    fn compares_like_slices(#[case] a: &[u8], #[case] b: &[u8], #[case] equal: bool) {
        assert_eq!(constant_time_eq(a, b), equal);
    }
}
