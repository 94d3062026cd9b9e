//! What both ends said, hashed.

use std::fmt;

use base::Writer;
use crypto::{Digest, HashAlgorithm, Hasher, Provider};

use crate::{
    Version,
    wire::{HandshakeHeader, HandshakeType},
};

/// Every handshake message so far, in order, under a hash.
///
/// Which hash, and over which form of the messages, is known only when the server has chosen: until
/// [`Transcript::choose`] the messages are kept as they are. Version 1.2 hashes each with the header it
/// would have as a single fragment (RFC 6347 §4.2.6), version 1.3 with the header of TLS, type and length
/// (RFC 9147 §5.2).
#[derive(Clone)]
pub(crate) struct Transcript {
    form: Form,
}

#[derive(Clone)]
enum Form {
    /// The version is not known yet.
    Open(Vec<Kept>),
    Tls12 {
        hasher: Hasher,
        /// The bytes themselves, for a signature whose hash is another than the suite's.
        bytes: Vec<u8>,
        keeps_bytes: bool,
    },
    Tls13 {
        provider: Provider,
        algorithm: HashAlgorithm,
        hasher: Hasher,
    },
}

#[derive(Clone)]
struct Kept {
    kind: HandshakeType,
    message_seq: u16,
    body: Vec<u8>,
}

impl Default for Transcript {
    fn default() -> Self {
        Self::new()
    }
}

impl Transcript {
    /// Nothing said yet.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self { form: Form::Open(Vec::new()) }
    }

    /// The transcript of version 1.3 after a ClientHello that was answered with a HelloRetryRequest,
    /// of which only the hash was kept, in the cookie (RFC 8446 §4.4.1). The HelloRetryRequest itself is
    /// to be added next.
    #[must_use]
    pub(crate) fn after_retry(
        provider: Provider,
        algorithm: HashAlgorithm,
        client_hello_hash: &[u8],
    ) -> Self {
        let mut hasher = provider.hasher(algorithm);
        hasher.update(&tls_header(HandshakeType::MESSAGE_HASH, client_hello_hash.len()));
        hasher.update(client_hello_hash);
        Self { form: Form::Tls13 { provider, algorithm, hasher } }
    }

    /// Adds a message, ours or the peer's.
    pub(crate) fn add(&mut self, kind: HandshakeType, message_seq: u16, body: &[u8]) {
        match &mut self.form {
            Form::Open(kept) => kept.push(Kept { kind, message_seq, body: body.to_vec() }),
            Form::Tls12 { hasher, bytes, keeps_bytes } => {
                let header = dtls_header(kind, message_seq, body.len());
                hasher.update(&header);
                hasher.update(body);
                if *keeps_bytes {
                    bytes.extend_from_slice(&header);
                    bytes.extend_from_slice(body);
                }
            }
            Form::Tls13 { hasher, .. } => {
                if base::mutant::active("dtls-13-transcript-of-dtls") {
                    hasher.update(&dtls_header(kind, message_seq, body.len()));
                } else {
                    hasher.update(&tls_header(kind, body.len()));
                }
                hasher.update(body);
            }
        }
    }

    /// Settles how messages are hashed, those that are there and those to come. Later calls do nothing.
    pub(crate) fn choose(
        &mut self,
        provider: Provider,
        version: Version,
        algorithm: HashAlgorithm,
    ) {
        let Form::Open(kept) = &mut self.form else { return };
        let kept = std::mem::take(kept);
        let hasher = provider.hasher(algorithm);
        self.form = match version {
            Version::Dtls12 => Form::Tls12 { hasher, bytes: Vec::new(), keeps_bytes: true },
            Version::Dtls13 => Form::Tls13 { provider, algorithm, hasher },
        };
        for message in kept {
            self.add(message.kind, message.message_seq, &message.body);
        }
    }

    /// Forgets what was said: a ClientHello that was answered with a HelloVerifyRequest, and that
    /// request, are not part of the handshake (RFC 6347 §4.2.1).
    pub(crate) fn forget(&mut self) {
        self.form = Form::Open(Vec::new());
    }

    /// Puts the hash of the first ClientHello in its place, because a HelloRetryRequest follows (RFC 8446
    /// §4.4.1).
    pub(crate) fn restart_with_message_hash(&mut self) {
        if let Form::Tls13 { provider, algorithm, hasher } = &self.form {
            *self = Self::after_retry(*provider, *algorithm, hasher.digest().as_ref());
        }
    }

    /// The hash over everything so far.
    ///
    /// # Panics
    ///
    /// Before [`Transcript::choose`], which is a fault of the handshake.
    #[must_use]
    pub(crate) fn digest(&self) -> Digest {
        match &self.form {
            Form::Open(_) => unreachable!("the hash was asked for before it was chosen"),
            Form::Tls12 { hasher, .. } | Form::Tls13 { hasher, .. } => hasher.digest(),
        }
    }

    /// The messages themselves in version 1.2, for a CertificateVerify, which signs them under a hash of
    /// its own (RFC 5246 §7.4.8); nothing else has them.
    #[must_use]
    pub(crate) fn messages(&self) -> &[u8] {
        match &self.form {
            Form::Tls12 { bytes, .. } => bytes,
            Form::Open(_) | Form::Tls13 { .. } => &[],
        }
    }

    /// Keeps only the hash from here on: nobody will ask for [`Transcript::messages`] any more.
    pub(crate) fn drop_messages(&mut self) {
        if let Form::Tls12 { bytes, keeps_bytes, .. } = &mut self.form {
            (*bytes, *keeps_bytes) = (Vec::new(), false);
        }
    }

    /// Bytes that are kept.
    #[must_use]
    pub(crate) fn held(&self) -> usize {
        match &self.form {
            Form::Open(kept) => kept.iter().map(|message| message.body.len()).sum(),
            Form::Tls12 { bytes, .. } => bytes.len(),
            Form::Tls13 { .. } => 0,
        }
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.form {
            Form::Open(_) => "Transcript(open)",
            Form::Tls12 { .. } => "Transcript(1.2)",
            Form::Tls13 { .. } => "Transcript(1.3)",
        })
    }
}

/// The header of a message in one piece, as version 1.2 hashes it.
fn dtls_header(kind: HandshakeType, message_seq: u16, length: usize) -> Vec<u8> {
    let mut header = Vec::with_capacity(12);
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    HandshakeHeader::whole(kind, message_seq, length).write(&mut Writer::new(&mut header));
    header
}

/// The header of TLS.
fn tls_header(kind: HandshakeType, length: usize) -> Vec<u8> {
    let mut header = Vec::with_capacity(4);
    let mut writer = Writer::new(&mut header);
    writer.u8(kind.number());
    writer.u24(u32::try_from(length).unwrap_or(u32::MAX));
    header
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HELLO: HandshakeType = HandshakeType::CLIENT_HELLO;

    fn sha256(parts: &[&[u8]]) -> Digest {
        crypto::rust_crypto().hash(HashAlgorithm::Sha256, parts)
    }

    #[rstest]
    #[case::dtls12(Version::Dtls12, &[1, 0, 0, 3, 0, 7, 0, 0, 0, 0, 0, 3])]
    #[case::dtls13(Version::Dtls13, &[1, 0, 0, 3])]
    fn each_version_hashes_its_own_header(#[case] version: Version, #[case] header: &[u8]) {
        let mut transcript = Transcript::new();
        transcript.add(HELLO, 7, b"abc");
        transcript.choose(crypto::rust_crypto(), version, HashAlgorithm::Sha256);
        assert_eq!(transcript.digest(), sha256(&[header, b"abc"]));
        transcript.add(HELLO, 7, b"abc");
        assert_eq!(transcript.digest(), sha256(&[header, b"abc", header, b"abc"]));
    }

    #[test]
    fn a_retry_leaves_the_hash_of_the_first_hello() {
        let mut transcript = Transcript::new();
        transcript.add(HELLO, 0, b"abc");
        transcript.choose(crypto::rust_crypto(), Version::Dtls13, HashAlgorithm::Sha256);
        let first = transcript.digest();
        transcript.restart_with_message_hash();
        let wanted = sha256(&[&[254, 0, 0, 32], first.as_ref()]);
        assert_eq!(transcript.digest(), wanted);

        let server =
            Transcript::after_retry(crypto::rust_crypto(), HashAlgorithm::Sha256, first.as_ref());
        assert_eq!(server.digest(), wanted, "a server that kept only the cookie agrees");
    }

    #[test]
    fn what_a_hello_verify_request_answered_is_not_hashed() {
        let mut transcript = Transcript::new();
        transcript.add(HELLO, 0, b"first");
        transcript.forget();
        transcript.add(HELLO, 1, b"abc");
        transcript.choose(crypto::rust_crypto(), Version::Dtls12, HashAlgorithm::Sha256);
        assert_eq!(transcript.digest(), sha256(&[&[1, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0, 3], b"abc"]));
    }

    #[test]
    fn version_1_2_keeps_the_messages_until_told_otherwise() {
        let mut transcript = Transcript::new();
        transcript.add(HELLO, 0, b"abc");
        transcript.choose(crypto::rust_crypto(), Version::Dtls12, HashAlgorithm::Sha384);
        assert_eq!(
            transcript.messages(),
            [&[1, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3], &b"abc"[..]].concat()
        );
        let before = transcript.digest();
        transcript.drop_messages();
        transcript.add(HELLO, 1, b"def");
        assert_eq!((transcript.messages().len(), transcript.held()), (0, 0));
        assert_ne!(transcript.digest(), before);
    }
}
