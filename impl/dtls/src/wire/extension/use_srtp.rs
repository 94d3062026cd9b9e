//! use_srtp: [RFC 5764 §4.1.1](https://www.rfc-editor.org/rfc/rfc5764#section-4.1.1).
//!
//! ```text
//! +-----+==========+---+=====+
//! |  n  | profiles | n | MKI |
//! +-----+==========+---+=====+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::{
    SrtpProfile,
    wire::{Extension, ExtensionType, Numbers, number::number},
};

number! {
    /// A protection profile by its number, spoken here or not (RFC 5764 §4.1.2, RFC 7714 §14.2).
    SrtpProfileId: u16 {
        /// AES-128 in counter mode with a tag of 80 bits.
        AES128_CM_HMAC_SHA1_80 = 1 "SRTP_AES128_CM_HMAC_SHA1_80",
        /// AES-128 in counter mode with a tag of 32 bits.
        AES128_CM_HMAC_SHA1_32 = 2 "SRTP_AES128_CM_HMAC_SHA1_32",
        /// No encryption, a tag of 80 bits; never spoken (RFC 8827 §6.5).
        NULL_HMAC_SHA1_80 = 5 "SRTP_NULL_HMAC_SHA1_80",
        /// No encryption, a tag of 32 bits; never spoken.
        NULL_HMAC_SHA1_32 = 6 "SRTP_NULL_HMAC_SHA1_32",
        /// AES-128 in Galois/counter mode.
        AEAD_AES_128_GCM = 7 "SRTP_AEAD_AES_128_GCM",
        /// AES-256 in Galois/counter mode.
        AEAD_AES_256_GCM = 8 "SRTP_AEAD_AES_256_GCM",
    }
}

impl SrtpProfileId {
    /// The profile, if it is spoken here.
    #[must_use]
    pub fn known(self) -> Option<SrtpProfile> {
        SrtpProfile::from_code_point(self.number())
    }
}

impl From<SrtpProfile> for SrtpProfileId {
    fn from(profile: SrtpProfile) -> Self {
        Self::new(profile.code_point())
    }
}

/// The profiles that the client offers, the best first, or the one that the server chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseSrtp<'a> {
    /// At least one profile; exactly one from a server.
    pub profiles: Numbers<'a, SrtpProfileId>,
    /// The master key identifier, at most 255 bytes; empty in WebRTC.
    pub mki: &'a [u8],
}

impl<'a> Extension<'a> for UseSrtp<'a> {
    const TYPE: ExtensionType = ExtensionType::USE_SRTP;

    fn read(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let length = usize::from(value.u16()?);
        let profiles = Numbers::read_some(value.sub(length)?)?;
        let mki_length = usize::from(value.u8()?);
        let mki = value.bytes(mki_length)?;
        value.finish().map(|()| Self { profiles, mki })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.profiles.write(writer.u16_length().writer());
        writer.u8_length().writer().bytes(self.mki);
    }
}

impl fmt::Display for UseSrtp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "use_srtp {:?} mki={}", self.profiles, self.mki.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{extension_laws, with_trailing};

    const BYTES: &[u8] = &[0, 4, 0, 7, 0, 5, 1, 9];

    #[test]
    fn reads_capture_round_trips_and_rejects_truncated() {
        let srtp: UseSrtp<'_> = extension_laws(BYTES);
        assert_eq!(
            srtp.to_string(),
            "use_srtp [SRTP_AEAD_AES_128_GCM, SRTP_NULL_HMAC_SHA1_80] mki=1"
        );
        let known: Vec<_> = srtp.profiles.iter().filter_map(SrtpProfileId::known).collect();
        assert_eq!(known, [SrtpProfile::AeadAes128Gcm]);
    }

    #[test]
    fn every_profile_spoken_has_a_name() {
        for &profile in SrtpProfile::ALL {
            let id = SrtpProfileId::from(profile);
            assert_eq!(id.known(), Some(profile));
            assert!(id.to_string().starts_with("SRTP_"));
        }
    }

    #[test]
    fn rejects_lists_that_are_empty_or_cut_within_a_number() {
        for value in [&[0, 0, 0][..], &[0, 3, 0, 7, 0, 0], &with_trailing(BYTES)] {
            assert!(UseSrtp::read(Reader::new(value)).is_err(), "{value:?}");
        }
    }
}
