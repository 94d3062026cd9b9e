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
    // Words first, and their differences gathered: one comparison then hides behind the barrier of
    // `subtle`, where one for each byte of a tag would cost a tenth of the tag.
    let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let words = a_words.iter().zip(b_words);
    let words = words.map(|(a, b)| u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b));
    let bytes = a_rest.iter().zip(b_rest).map(|(a, b)| u64::from(a ^ b));
    words.chain(bytes).fold(0, |all, difference| all | difference).ct_eq(&0).into()
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
