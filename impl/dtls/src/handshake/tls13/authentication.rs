//! Certificate, CertificateVerify and Finished, which both ends send and judge alike (RFC 8446 §4.4).

use crypto::{Digest, PublicKey, SignatureAlgorithm};

use super::keys::{HANDSHAKE, HandshakeKeys};
use crate::{
    Credential, Misdeed, Side, Version,
    handshake::{Context, select},
    wire::{Certificate13, CertificateVerify, Finished, Message as _, SignatureScheme},
};

/// What this end proves itself with, and how.
pub(super) struct Proof {
    credential: Credential,
    scheme: SignatureScheme,
    algorithm: SignatureAlgorithm,
}

impl Proof {
    /// What this end can prove itself with to a peer that takes signatures of `schemes`.
    ///
    /// `None` if there is no credential, or its key can make none of them.
    pub(super) fn choose(cx: &Context<'_>, schemes: &[SignatureScheme]) -> Option<Self> {
        let credential = cx.config.credential.clone()?;
        let (scheme, algorithm) = select::scheme(cx.config, Version::Dtls13, schemes)?;
        Some(Self { credential, scheme, algorithm })
    }

    /// Sends the certificate and the signature over all that was said so far.
    pub(super) fn send(&self, cx: &mut Context<'_>) -> Result<(), Misdeed> {
        send_certificate(cx, self.credential.chain())?;
        let content = content(cx.side, &cx.transcript.digest());
        let key = self.credential.key();
        let signature = key.sign_with(self.algorithm, &content, cx.rng);
        let signature = signature.map_err(|_| Misdeed::Internal)?;
        cx.session.own_scheme = Some(self.scheme);
        cx.send(HANDSHAKE, &CertificateVerify { scheme: self.scheme, signature: &signature });
        Ok(())
    }
}

/// Sends a chain of certificates; an empty one says that there is none.
pub(super) fn send_certificate(cx: &mut Context<'_>, chain: &[Vec<u8>]) -> Result<(), Misdeed> {
    let mut list = Vec::new();
    chain.iter().for_each(|der| Certificate13::append(&mut list, der));
    // RFC 8446 §4.4.2: outside of authentication after the handshake the context is empty.
    let certificate = Certificate13::from_list(&[], &list).map_err(|_| Misdeed::Internal)?;
    cx.send(HANDSHAKE, &certificate);
    Ok(())
}

/// Sends this end's Finished.
pub(super) fn send_finished(cx: &mut Context<'_>, keys: &HandshakeKeys) {
    let verify_data = keys.finished(cx.side, &cx.transcript.digest());
    cx.send(HANDSHAKE, &Finished { verify_data: verify_data.as_ref() });
}

/// Judges the peer's certificates; `None` if it has none.
pub(super) fn judge_certificate(
    cx: &mut Context<'_>,
    certificate: &Certificate13<'_>,
) -> Result<Option<PublicKey>, Misdeed> {
    if !certificate.context.is_empty() {
        return Err(Misdeed::BadCertificateContext);
    }
    // RFC 8446 §4.4.2: what is said of a certificate answers an offer, and none is made.
    if certificate.entries().any(|entry| !entry.extensions.is_empty()) {
        return Err(Misdeed::ExtensionNotOffered);
    }
    let chain: Vec<&[u8]> = certificate.entries().map(|entry| entry.der).collect();
    if chain.is_empty() { Ok(None) } else { cx.judge_peer(&chain).map(Some) }
}

/// Checks that the peer holds `key`. The transcript ends with the peer's Certificate.
pub(super) fn check_proof(
    cx: &mut Context<'_>,
    key: &PublicKey,
    body: &[u8],
) -> Result<(), Misdeed> {
    let proof = CertificateVerify::parse(body)?;
    // RFC 8446 §4.4.3: one of the schemes that were offered, and one that goes with the key.
    if !cx.config.signature_schemes.contains(&proof.scheme) {
        return Err(Misdeed::SchemeNotOffered);
    }
    let algorithm = proof.scheme.algorithm(Version::Dtls13, key.kind());
    let algorithm = algorithm.ok_or(Misdeed::SchemeNotOffered)?;
    let content = content(cx.side.peer(), &cx.transcript.digest());
    if !base::mutant::active("dtls-13-signature-unchecked") {
        key.verify(algorithm, &content, proof.signature).map_err(|_| Misdeed::BadSignature)?;
    }
    cx.session.peer_scheme = Some(proof.scheme);
    Ok(())
}

/// Checks the peer's Finished against the transcript before it (RFC 8446 §4.4.4).
pub(super) fn check_finished(
    cx: &Context<'_>,
    keys: &HandshakeKeys,
    body: &[u8],
) -> Result<(), Misdeed> {
    let finished = Finished::parse(body)?;
    if base::mutant::active("dtls-13-finished-unchecked") {
        return Ok(());
    }
    keys.verify_finished(cx.side.peer(), &cx.transcript.digest(), finished.verify_data)
}

/// What `side` signs: padding and a context that keep the signature from meaning anything elsewhere, and
/// the hash of the transcript up to its Certificate (RFC 8446 §4.4.3).
///
/// The context says "TLS" in DTLS too; the label of the key schedule is what keeps the two apart.
pub(super) fn content(side: Side, transcript: &Digest) -> Vec<u8> {
    let context: &[u8] = match side {
        Side::Client if base::mutant::active("dtls-13-signs-as-server") => {
            b"TLS 1.3, server CertificateVerify"
        }
        Side::Client => b"TLS 1.3, client CertificateVerify",
        Side::Server => b"TLS 1.3, server CertificateVerify",
    };
    let mut content = vec![b' '; 64];
    content.extend_from_slice(context);
    content.push(0);
    content.extend_from_slice(transcript.as_ref());
    content
}

#[cfg(test)]
mod tests {
    use crypto::HashAlgorithm;

    use super::*;

    #[test]
    fn the_two_sides_sign_different_things() {
        let digest = crypto::rust_crypto().hash(HashAlgorithm::Sha256, &[b"transcript"]);
        let (client, server) = (content(Side::Client, &digest), content(Side::Server, &digest));
        assert_eq!(client.len(), 64 + 33 + 1 + 32);
        assert!(client.starts_with(&[0x20; 64]));
        assert!(client.ends_with(digest.as_ref()));
        assert_ne!(client, server);
    }
}
