//! signature_algorithms and signature_algorithms_cert:
//! [RFC 8446 §4.2.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.3).
//!
//! ```text
//! +-----+=========+
//! |  n  | schemes |
//! +-----+=========+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType, Numbers, SignatureScheme};

/// How the peer may sign the handshake, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureAlgorithms<'a> {
    /// At least one scheme.
    pub schemes: Numbers<'a, SignatureScheme>,
}

impl<'a> Extension<'a> for SignatureAlgorithms<'a> {
    const TYPE: ExtensionType = ExtensionType::SIGNATURE_ALGORITHMS;

    fn read(value: Reader<'a>) -> Result<Self, Malformed> {
        read_schemes(value).map(|schemes| Self { schemes })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.schemes.write(writer.u16_length().writer());
    }
}

impl fmt::Display for SignatureAlgorithms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signature_algorithms {:?}", self.schemes)
    }
}

/// How certificates may be signed; without it, as the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureAlgorithmsCert<'a> {
    /// At least one scheme.
    pub schemes: Numbers<'a, SignatureScheme>,
}

impl<'a> Extension<'a> for SignatureAlgorithmsCert<'a> {
    const TYPE: ExtensionType = ExtensionType::SIGNATURE_ALGORITHMS_CERT;

    fn read(value: Reader<'a>) -> Result<Self, Malformed> {
        read_schemes(value).map(|schemes| Self { schemes })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.schemes.write(writer.u16_length().writer());
    }
}

impl fmt::Display for SignatureAlgorithmsCert<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signature_algorithms_cert {:?}", self.schemes)
    }
}

fn read_schemes(mut value: Reader<'_>) -> Result<Numbers<'_, SignatureScheme>, Malformed> {
    let length = usize::from(value.u16()?);
    let schemes = Numbers::read_some(value.sub(length)?)?;
    value.finish().map(|()| schemes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{extension_laws, with_trailing};

    const BYTES: &[u8] = &[0, 4, 4, 3, 8, 7];

    #[test]
    fn reads_capture_round_trips_and_rejects_truncated() {
        let algorithms: SignatureAlgorithms<'_> = extension_laws(BYTES);
        assert_eq!(
            algorithms.to_string(),
            "signature_algorithms [ecdsa_secp256r1_sha256, ed25519]"
        );
        let of_certificates: SignatureAlgorithmsCert<'_> = extension_laws(BYTES);
        assert_eq!(of_certificates.schemes, algorithms.schemes);
        assert!(of_certificates.to_string().starts_with("signature_algorithms_cert ["));
    }

    #[test]
    fn rejects_lists_that_are_empty_or_cut_within_a_number() {
        for value in [&[0, 0][..], &[0, 3, 4, 3, 8], &with_trailing(BYTES)] {
            assert!(SignatureAlgorithms::read(Reader::new(value)).is_err(), "{value:?}");
            assert!(SignatureAlgorithmsCert::read(Reader::new(value)).is_err(), "{value:?}");
        }
    }
}
