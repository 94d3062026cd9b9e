//! The one comparison for secrets.

use subtle::ConstantTimeEq;

/// Whether `a` and `b` are equal, in a time that depends on their lengths alone.
///
/// Every comparison with a secret, a tag or a fingerprint goes through here. The lengths themselves
/// are not secret: slices of different length are unequal at once.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // Words first: a tag of 20 bytes then takes six steps that the compiler may not see through,
    // not twenty.
    let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let words = a_words.iter().zip(b_words);
    let words = words.map(|(a, b)| u64::from_ne_bytes(*a).ct_eq(&u64::from_ne_bytes(*b)));
    bool::from(words.fold(a_rest.ct_eq(b_rest), |all, word| all & word))
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
    #[case::beyond_a_word(b"0123456789abcdef0", b"0123456789abcdef0", true)]
    #[case::in_the_first_word(b"x123456789abcdef0", b"0123456789abcdef0", false)]
    #[case::in_the_last_word(b"0123456789abcdex0", b"0123456789abcdef0", false)]
    #[case::after_the_words(b"0123456789abcdefx", b"0123456789abcdef0", false)]
    #[case::prefix(b"ab", b"abc", false)]
    fn compares_like_slices(#[case] a: &[u8], #[case] b: &[u8], #[case] equal: bool) {
        assert_eq!(constant_time_eq(a, b), equal);
    }
}
