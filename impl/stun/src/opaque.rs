//! The OpaqueString profile of RFC 8265 §4.2, through which usernames, realms and passwords go before
//! anything is computed with them: RFC 8489 §9.1.1, §9.2.2, §14.3.

use std::borrow::Cow;

use precis_profiles::{OpaqueString, precis_core::profile::PrecisFastInvocation};

/// A text has characters that no username, realm or password may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("text with characters the OpaqueString profile disallows")]
pub struct Unprepared;

/// Prepares and enforces `text`: spaces of all kinds become U+0020, the rest is brought to
/// normalisation form C. Printable ASCII, which is nearly all there is, is as it should be.
///
/// The profile demands that a text is not empty. An empty one is let through here, because an empty
/// username or realm on the wire is a wrong credential, not a malformed one.
///
/// # Errors
///
/// `Unprepared` if the text has control characters or others that are disallowed.
pub fn prepare(text: &str) -> Result<Cow<'_, str>, Unprepared> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(Cow::Borrowed(text));
    }
    OpaqueString::enforce(text).map_err(|_| Unprepared)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::ascii("evtj:h6vY", Ok("evtj:h6vY"))]
    #[case::katakana("\u{30de}\u{30c8}", Ok("\u{30de}\u{30c8}"))]
    #[case::composed("u\u{308}", Ok("\u{fc}"))]
    #[case::other_spaces("a\u{3000}b", Ok("a b"))]
    #[case::compatibility_forms_stay("\u{2168}", Ok("\u{2168}"))]
    #[case::control("a\u{7}b", Err(Unprepared))]
    #[case::soft_hyphen("The\u{ad}M", Err(Unprepared))]
    #[case::empty("", Ok(""))]
    fn follows_the_profile(#[case] text: &str, #[case] prepared: Result<&str, Unprepared>) {
        assert_eq!(prepare(text).as_deref().map_err(|error| *error), prepared);
    }
}
