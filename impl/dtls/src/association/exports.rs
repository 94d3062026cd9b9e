//! Keys for applications.

use std::fmt;

use zeroize::Zeroizing;

use super::{Association, Phase};
use crate::{ExportError, Side, SrtpProfile, handshake::Handshake};

/// RFC 5764 §4.2.
const SRTP_LABEL: &[u8] = b"EXTRACTOR-dtls_srtp";
/// What a planted bug takes for it.
const WRONG_LABEL: &[u8] = b"EXTRACTOR-dtls-srtp";

/// Labels that the handshake itself uses (RFC 5705 §4, RFC 7627 §4).
const TAKEN_LABELS: [&[u8]; 5] = [
    b"client finished",
    b"server finished",
    b"master secret",
    b"extended master secret",
    b"key expansion",
];

/// The keys of SRTP for both directions. Wiped when dropped.
#[derive(Debug)]
pub struct SrtpKeys {
    /// The profile.
    pub profile: SrtpProfile,
    /// What this end protects with.
    pub local: SrtpMaster,
    /// What the peer protects with.
    pub remote: SrtpMaster,
}

/// A master key with its salt. Wiped when dropped, and not shown by `Debug`.
pub struct SrtpMaster {
    key: Zeroizing<Vec<u8>>,
    salt: Zeroizing<Vec<u8>>,
}

impl SrtpMaster {
    /// The master key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The master salt.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }
}

impl fmt::Debug for SrtpMaster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpMaster").finish_non_exhaustive()
    }
}

impl Association {
    /// Fills `out` with a key for an application, bound to `label` and to `context` if there is one
    /// (RFC 5705 §4, RFC 8446 §7.5). Both ends get the same.
    ///
    /// In version 1.3, no context and an empty one give the same key.
    ///
    /// # Errors
    ///
    /// [`ExportError`]; `out` is as it was then.
    pub fn export(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportError> {
        if self.phase != Phase::Connected {
            return Err(ExportError::NotConnected);
        }
        if TAKEN_LABELS.contains(&label) {
            return Err(ExportError::Label);
        }
        if let Some(Handshake::Connected13(connected)) = &self.handshake {
            return connected
                .exporter()
                .export(label, context, out)
                .map_err(|_| ExportError::TooLong);
        }
        let session = &self.session;
        let randoms = [&session.client_random, &session.server_random];
        let master = session.exporter.as_ref().ok_or(ExportError::NotConnected)?;
        master.export(label, context, randoms, out).map_err(|_| ExportError::TooLong)
    }

    /// The keys of SRTP, if a profile was agreed on and the peer is who it should be (RFC 5764 §4.2).
    #[must_use]
    pub fn srtp_keys(&self) -> Option<SrtpKeys> {
        let profile = self.session.srtp_profile?;
        let (key_len, salt_len) = (profile.key_len(), profile.salt_len());
        let mut material = Zeroizing::new(vec![0; 2 * (key_len + salt_len)]);
        let is_wrong = base::mutant::active("dtls-srtp-label-wrong");
        let label = if is_wrong { WRONG_LABEL } else { SRTP_LABEL };
        self.export(label, None, &mut material).ok()?;
        let (keys, salts) = material.split_at(2 * key_len);
        let (client_key, server_key) = keys.split_at(key_len);
        let (client_salt, server_salt) = salts.split_at(salt_len);
        let master = |key: &[u8], salt: &[u8]| SrtpMaster {
            key: Zeroizing::new(key.to_vec()),
            salt: Zeroizing::new(salt.to_vec()),
        };
        let client = master(client_key, client_salt);
        let server = master(server_key, server_salt);
        Some(match self.side {
            Side::Client => SrtpKeys { profile, local: client, remote: server },
            Side::Server => SrtpKeys { profile, local: server, remote: client },
        })
    }
}
