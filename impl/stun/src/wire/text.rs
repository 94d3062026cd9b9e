//! Attributes that carry text: USERNAME, REALM, NONCE, SOFTWARE, ALTERNATE-DOMAIN and the name in
//! THIRD-PARTY-AUTHORIZATION: [RFC 8489 §14.3](https://www.rfc-editor.org/rfc/rfc8489#section-14.3).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                     UTF-8 text (variable)                   ...
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{AttributeType, Decode, Encode, TransactionId};

/// Most bytes of text that are read: RFC 8489 §14.3.
const MAX_READ: usize = 763;
/// Most bytes of a username that are written: RFC 8489 §14.3.
const MAX_USERNAME: usize = 508;
/// Most characters of other texts that are written: RFC 8489 §14.9.
const MAX_CHARACTERS: usize = 127;
/// Most bytes of a domain name: RFC 8489 §14.16.
const MAX_DOMAIN: usize = 255;

/// A text longer than its attribute may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("text too long for {0}")]
pub struct TextTooLong(pub AttributeType);

/// Reads text of at most 763 bytes.
pub(super) fn read_text<'a>(value: &mut Reader<'a>) -> Result<&'a str, Malformed> {
    if value.remaining() > MAX_READ {
        return Err(value.malformed("text too long"));
    }
    let at = value.position();
    let not_utf8 = |_| Malformed { what: "text is not UTF-8", at };
    std::str::from_utf8(value.rest()).map_err(not_utf8)
}

fn fits_characters(text: &str) -> bool {
    text.chars().count() <= MAX_CHARACTERS
}

macro_rules! text_attribute {
    ($(#[$docs:meta])* $name:ident, $kind:ident, $fits:expr) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name<'a>(&'a str);

        impl<'a> $name<'a> {
            /// Takes `text` if it is short enough to be sent.
            ///
            /// # Errors
            ///
            /// `TextTooLong` if it is not.
            pub fn new(text: &'a str) -> Result<Self, TextTooLong> {
                let fits: fn(&str) -> bool = $fits;
                if fits(text) { Ok(Self(text)) } else { Err(TextTooLong(AttributeType::$kind)) }
            }

            /// The text.
            #[must_use]
            pub const fn as_str(self) -> &'a str {
                self.0
            }
        }

        impl Encode for $name<'_> {
            const TYPE: AttributeType = AttributeType::$kind;

            fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
                writer.bytes(self.0.as_bytes());
            }
        }

        impl<'a> Decode<'a> for $name<'a> {
            fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
                read_text(&mut value).map(Self)
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.escape_debug())
            }
        }
    };
}

text_attribute! {
    /// USERNAME, which names the credential, already prepared as an opaque string: RFC 8489 §14.3.
    Username, USERNAME, |text| text.len() <= MAX_USERNAME
}
text_attribute! {
    /// REALM, the domain a long-term credential belongs to: RFC 8489 §14.9.
    Realm, REALM, fits_characters
}
text_attribute! {
    /// NONCE, the server's challenge: RFC 8489 §14.10.
    Nonce, NONCE, fits_characters
}
text_attribute! {
    /// SOFTWARE, what the sender runs, for diagnosis only: RFC 8489 §14.14.
    Software, SOFTWARE, fits_characters
}
text_attribute! {
    /// ALTERNATE-DOMAIN, the name in the alternate server's certificate: RFC 8489 §14.16.
    AlternateDomain, ALTERNATE_DOMAIN, |text| text.is_ascii() && text.len() <= MAX_DOMAIN
}
text_attribute! {
    /// THIRD-PARTY-AUTHORIZATION, the name by which the authorization server knows this server:
    /// RFC 7635 §6.1.
    ThirdPartyAuthorization, THIRD_PARTY_AUTHORIZATION, |text| text.len() <= MAX_READ
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{read, written};

    const ID: TransactionId = TransactionId::new([0; 12]);

    #[test]
    fn reads_capture() {
        // RFC 5769 §2.4: six katakana in eighteen bytes.
        let value = b"\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9";
        let username: Username<'_> = read(value, &ID).unwrap();
        assert_eq!(username.as_str(), "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}");
    }

    #[test]
    fn round_trips() {
        let realm = Realm::new("example.org").unwrap();
        assert_eq!(read(&written(&realm, &ID), &ID), Ok(realm));
        let empty = Software::new("").unwrap();
        assert_eq!(read(&written(&empty, &ID), &ID), Ok(empty));
    }

    #[test]
    fn rejects_truncated() {
        // A text has no length of its own, but it may end within a character.
        assert!(read::<Realm<'_>>(b"\xe3\x83", &ID).is_err());
    }

    #[test]
    fn reads_more_than_it_writes() {
        let long = "x".repeat(764);
        assert!(read::<Username<'_>>(&long.as_bytes()[..763], &ID).is_ok());
        assert!(read::<Username<'_>>(long.as_bytes(), &ID).is_err());
        assert!(Username::new(&long[..508]).is_ok());
        assert_eq!(Username::new(&long[..509]), Err(TextTooLong(AttributeType::USERNAME)));
        assert!(Nonce::new(&"\u{1d11e}".repeat(127)).is_ok());
        assert!(Nonce::new(&"x".repeat(128)).is_err());
        assert!(AlternateDomain::new("b\u{fc}cher.example").is_err());
    }

    #[test]
    fn prints_control_characters_escaped() {
        assert_eq!(Software::new("a\nb").unwrap().to_string(), "a\\nb");
    }
}
