//! The token of third-party authorization: [RFC 7635 §6.2](https://www.rfc-editor.org/rfc/rfc7635#section-6.2).
//! The name that goes with it, THIRD-PARTY-AUTHORIZATION, is with the other texts.
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        Nonce length           |      Nonce (variable)       ...
//! |                    Encrypted block (variable)               ...
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use base::{Malformed, Reader};

use super::numbers::bytes_attribute;

bytes_attribute! {
    /// ACCESS-TOKEN, which the client passes on unread; the server takes it apart with
    /// [`AccessToken::split`].
    AccessToken, ACCESS_TOKEN
}

impl<'a> AccessToken<'a> {
    /// The nonce and the encrypted block of a self-contained token.
    ///
    /// # Errors
    ///
    /// `Malformed` if the nonce does not fit.
    pub fn split(self) -> Result<(&'a [u8], &'a [u8]), Malformed> {
        let mut reader = Reader::new(self.0);
        let length = usize::from(reader.u16()?);
        let nonce = reader.bytes(length)?;
        Ok((nonce, reader.rest()))
    }
}

/// What the encrypted block of an access token holds once it is decrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenContent<'a> {
    /// The session key; twenty bytes for HMAC-SHA-1.
    pub mac_key: &'a [u8],
    /// When the token was made: seconds since 1970 in the upper 48 bits, 1/64,000 s in the lower 16.
    pub timestamp: u64,
    /// Seconds for which it holds.
    pub lifetime: u32,
}

impl<'a> TokenContent<'a> {
    /// Reads a decrypted block.
    ///
    /// # Errors
    ///
    /// `Malformed` if it is not of the form.
    pub fn parse(block: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(block);
        let length = usize::from(reader.u16()?);
        let mac_key = reader.bytes(length)?;
        let content = Self { mac_key, timestamp: reader.u64()?, lifetime: reader.u32()? };
        reader.finish()?;
        Ok(content)
    }
}

impl std::fmt::Debug for TokenContent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenContent")
            .field("timestamp", &self.timestamp)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        TransactionId,
        testing::{read, truncations, written},
    };

    const ID: TransactionId = TransactionId::new([0; 12]);
    const BLOCK: [u8; 17] = [0, 3, b'k', b'e', b'y', 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 14, 16];

    #[test]
    fn reads_capture() {
        let token: AccessToken<'_> = read(&[0, 2, 7, 8, 9], &ID).unwrap();
        assert_eq!(token.split(), Ok((&[7, 8][..], &[9][..])));
        let content = TokenContent::parse(&BLOCK).unwrap();
        assert_eq!(content, TokenContent { mac_key: b"key", timestamp: 1 << 16, lifetime: 3_600 });
        assert!(!format!("{content:?}").contains("key"));
    }

    #[test]
    fn round_trips() {
        let token = AccessToken(&[0, 1, 5]);
        assert_eq!(read(&written(&token, &ID), &ID), Ok(token));
    }

    #[test]
    fn rejects_truncated() {
        for (length, bytes) in truncations(&BLOCK) {
            assert!(TokenContent::parse(&bytes).is_err(), "{length}");
        }
        assert!(AccessToken(&[0, 2, 7]).split().is_err());
    }
}
