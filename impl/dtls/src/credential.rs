//! What an end proves itself with.

use std::{fmt, sync::Arc};

use crypto::{HashAlgorithm, Identity, Provider, SigningKey};

use crate::{BadFingerprint, Fingerprint};

/// A chain of certificates and the private key of the first. Cheap to clone.
#[derive(Clone)]
pub struct Credential {
    chain: Arc<[Vec<u8>]>,
    identity: Arc<Identity>,
}

impl Credential {
    /// The one certificate of `identity`, as WebRTC uses them.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self::with_issuers(identity, Vec::new())
    }

    /// The certificate of `identity`, followed by the DER of those that vouch for it.
    #[must_use]
    pub fn with_issuers(identity: Identity, issuers: Vec<Vec<u8>>) -> Self {
        let chain = std::iter::once(identity.certificate().to_vec()).chain(issuers).collect();
        Self { chain, identity: Arc::new(identity) }
    }

    /// The certificates in DER, the end's own first.
    #[must_use]
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The private key.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        self.identity.key()
    }

    /// The fingerprint for the signalling.
    ///
    /// # Errors
    ///
    /// `BadFingerprint` if the hash is broken, or the certificate is none.
    pub fn fingerprint(
        &self,
        provider: Provider,
        algorithm: HashAlgorithm,
    ) -> Result<Fingerprint, BadFingerprint> {
        Fingerprint::of(provider, algorithm, self.identity.certificate())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("certificates", &self.chain.len())
            .field("key", self.key())
            .finish()
    }
}
