//! The nonce cookie, by which a server says under the protection of its nonce what it can do:
//! RFC 8489 §9.2, §9.2.1, §18.1.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What every nonce of a server that knows RFC 8489 begins with.
const PREFIX: &str = "obMatJos2";
/// Characters of the cookie: the prefix and four of base64.
pub(crate) const COOKIE_LENGTH: usize = 13;

const PASSWORD_ALGORITHMS: u8 = 0x80;
const USERNAME_ANONYMITY: u8 = 0x40;

/// The security features of a server: RFC 8489 §18.1. Features without a name are not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SecurityFeatures {
    /// The server sends PASSWORD-ALGORITHMS (bit 0).
    pub password_algorithms: bool,
    /// The server takes USERHASH instead of USERNAME (bit 1).
    pub username_anonymity: bool,
}

impl SecurityFeatures {
    /// The features `nonce` tells of; `None` if it does not begin with a nonce cookie, which means
    /// that the server is one of RFC 5389.
    #[must_use]
    pub fn of_nonce(nonce: &str) -> Option<Self> {
        let encoded = nonce.strip_prefix(PREFIX)?.get(..4)?;
        let bits = STANDARD.decode(encoded).ok()?;
        let [first, _, _] = <[u8; 3]>::try_from(bits).ok()?;
        Some(Self {
            password_algorithms: first & PASSWORD_ALGORITHMS != 0,
            username_anonymity: first & USERNAME_ANONYMITY != 0,
        })
    }

    /// The thirteen characters that go in front of a nonce.
    #[must_use]
    pub fn cookie(self) -> String {
        let bit = |set, bit| if set { bit } else { 0 };
        let first = bit(self.password_algorithms, PASSWORD_ALGORITHMS)
            | bit(self.username_anonymity, USERNAME_ANONYMITY);
        format!("{PREFIX}{}", STANDARD.encode([first, 0, 0]))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none(false, false, "obMatJos2AAAA")]
    #[case::algorithms(true, false, "obMatJos2gAAA")]
    #[case::anonymity(false, true, "obMatJos2QAAA")]
    #[case::both(true, true, "obMatJos2wAAA")]
    fn round_trips(
        #[case] password_algorithms: bool,
        #[case] username_anonymity: bool,
        #[case] cookie: &str,
    ) {
        let features = SecurityFeatures { password_algorithms, username_anonymity };
        assert_eq!(features.cookie(), cookie);
        assert_eq!(cookie.len(), COOKIE_LENGTH);
        assert_eq!(SecurityFeatures::of_nonce(&format!("{cookie}tail")), Some(features));
    }

    #[rstest]
    #[case::of_rfc_5389("f//499k954d6OL34oL9FSTvy64sA")]
    #[case::cut("obMatJos2AA")]
    #[case::not_base64("obMatJos2A*AA")]
    #[case::within_a_character("obMatJos2AA\u{e9}x")]
    fn other_nonces_have_no_cookie(#[case] nonce: &str) {
        assert_eq!(SecurityFeatures::of_nonce(nonce), None);
    }

    #[test]
    fn passes_over_features_without_a_name() {
        let features = SecurityFeatures::of_nonce("obMatJos2AAAC").unwrap();
        assert_eq!(features, SecurityFeatures::default());
    }
}
