//! Protection profiles of SRTP that the handshake can choose.

/// A protection profile for SRTP keys that come from the handshake (RFC 5764 §4.1.2, RFC 7714 §14.2).
///
/// Profiles without encryption are not among them: WebRTC must not use them (RFC 8827 §6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SrtpProfile {
    /// AES-128 in counter mode with a tag of 80 bits.
    Aes128CmHmacSha1_80,
    /// AES-128 in counter mode with a tag of 32 bits for RTP.
    Aes128CmHmacSha1_32,
    /// AES-128 in Galois/counter mode.
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode.
    AeadAes256Gcm,
}

impl SrtpProfile {
    /// Every profile, the strongest first.
    pub const ALL: &'static [Self] = &[
        Self::AeadAes256Gcm,
        Self::AeadAes128Gcm,
        Self::Aes128CmHmacSha1_80,
        Self::Aes128CmHmacSha1_32,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn code_point(self) -> u16 {
        match self {
            Self::Aes128CmHmacSha1_80 => 0x0001,
            Self::Aes128CmHmacSha1_32 => 0x0002,
            Self::AeadAes128Gcm => 0x0007,
            Self::AeadAes256Gcm => 0x0008,
        }
    }

    /// The profile of a number on the wire, if it is one of these.
    #[must_use]
    pub fn from_code_point(code_point: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|profile| profile.code_point() == code_point)
    }

    /// Length in bytes of a master key.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128CmHmacSha1_80 | Self::Aes128CmHmacSha1_32 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Length in bytes of a master salt.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::Aes128CmHmacSha1_80 | Self::Aes128CmHmacSha1_32 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }
}
