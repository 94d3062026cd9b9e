//! Self-signed certificates, as WebRTC uses them: the fingerprint in the signalling is what counts
//! (RFC 8827 §6.5), so a certificate is little more than a wrapper of its public key.

use base::{Malformed, Reader, Rng, WallTime};

use crate::{
    Digest, EcdsaCurve, HashAlgorithm, Provider, SigningKey,
    der::{
        self, BIT_STRING, CONTEXT_0, DerReader, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER,
        SEQUENCE, SET, UTC_TIME, UTF8_STRING, element,
    },
};

/// What to write into a self-signed certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateParams<'a> {
    /// The common name of issuer and subject, 1 to 64 characters. Choose one that says nothing about
    /// the user: every peer sees it.
    pub common_name: &'a str,
    /// The curve of the key.
    pub curve: EcdsaCurve,
    /// Since when it is valid, cut to seconds.
    pub not_before: WallTime,
    /// Until when it is valid, cut to seconds.
    pub not_after: WallTime,
}

/// Why a certificate cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificateParams {
    /// RFC 5280 §A.1 bounds common names.
    #[error("common name empty or longer than 64 characters")]
    CommonName,
    /// It would end before it begins, or after the year 9999.
    #[error("validity empty or beyond the year 9999")]
    Validity,
}

/// Why a certificate and a key do not make an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadIdentity {
    /// Not the DER of a certificate.
    #[error("certificate malformed: {0}")]
    Malformed(#[from] Malformed),
    /// The certificate is about another key.
    #[error("certificate is for another key")]
    OtherKey,
}

/// A certificate with its private key: who an endpoint is for the length of a session.
#[derive(Debug)]
pub struct Identity {
    certificate: Vec<u8>,
    key: SigningKey,
}

impl Identity {
    /// Joins a certificate with the private key of its public key.
    ///
    /// # Errors
    ///
    /// `BadIdentity` if the certificate is malformed or about another key.
    pub fn from_parts(certificate: Vec<u8>, key: SigningKey) -> Result<Self, BadIdentity> {
        if Certificate::parse(&certificate)?.public_key_info() != key.public_key_info() {
            return Err(BadIdentity::OtherKey);
        }
        Ok(Self { certificate, key })
    }

    /// The certificate and the key, apart.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u8>, SigningKey) {
        (self.certificate, self.key)
    }

    #[expect(clippy::expect_used, reason = "a key signs with its own algorithm")]
    pub(crate) fn self_signed(
        provider: Provider,
        params: &CertificateParams<'_>,
        rng: &mut Rng,
    ) -> Result<Self, BadCertificateParams> {
        if !(1..=64).contains(&params.common_name.chars().count()) {
            return Err(BadCertificateParams::CommonName);
        }
        if params.not_after < params.not_before || params.not_after.civil().0 > 9_999 {
            return Err(BadCertificateParams::Validity);
        }
        let key = provider.signing_key(params.curve, rng);
        let algorithm = algorithm_identifier(params.curve);
        let to_be_signed = to_be_signed(params, &algorithm, &key, rng);
        let signature = key
            .sign_with(params.curve.signature_algorithm(), &to_be_signed, rng)
            .expect("the algorithm is the curve's own");
        let signature = element(BIT_STRING, &[&[0], &signature]);
        let certificate = element(SEQUENCE, &[&to_be_signed, &algorithm, &signature]);
        Ok(Self { certificate, key })
    }

    /// The DER of the certificate.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The private key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }
}

/// RFC 5280 §4.1.2, version 3 without extensions.
fn to_be_signed(
    params: &CertificateParams<'_>,
    algorithm: &[u8],
    key: &SigningKey,
    rng: &mut Rng,
) -> Vec<u8> {
    let version = element(CONTEXT_0, &[&element(INTEGER, &[&[2]])]);
    // RFC 5280 §4.1.2.2: positive, of at most 20 bytes. Everyone sees it: a public draw.
    let mut serial: [u8; 16] = rng.public_array();
    let [first, ..] = &mut serial;
    *first = *first & 0x7f | 0x40;
    let name = element(
        SEQUENCE,
        &[
            &element(OBJECT_IDENTIFIER, &[COMMON_NAME]),
            &element(UTF8_STRING, &[params.common_name.as_bytes()]),
        ],
    );
    let name = element(SEQUENCE, &[&element(SET, &[&name])]);
    let validity = element(SEQUENCE, &[&time(params.not_before), &time(params.not_after)]);
    element(
        SEQUENCE,
        &[
            &version,
            &der::unsigned(&serial),
            algorithm,
            &name,
            &validity,
            &name,
            key.public_key_info(),
        ],
    )
}

/// RFC 5280 §4.1.2.5: two digits of the year up to 2049, four from then on.
fn time(at: WallTime) -> Vec<u8> {
    let (year, month, day, hour, minute, second) = at.civil();
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if year < 2_050 {
        element(UTC_TIME, &[format!("{:02}", year % 100).as_bytes(), rest.as_bytes()])
    } else {
        element(GENERALIZED_TIME, &[format!("{year:04}").as_bytes(), rest.as_bytes()])
    }
}

/// RFC 5758 §3.2: ECDSA algorithms have no parameters.
fn algorithm_identifier(curve: EcdsaCurve) -> Vec<u8> {
    let name = match curve {
        EcdsaCurve::P256 => ECDSA_WITH_SHA256,
        EcdsaCurve::P384 => ECDSA_WITH_SHA384,
    };
    element(SEQUENCE, &[&element(OBJECT_IDENTIFIER, &[name])])
}

/// A certificate as a peer presents it.
///
/// WebRTC trusts a certificate because its fingerprint is in the signalling (RFC 8122 §5), whoever
/// issued it, whatever its names and dates. So this reads the public key and checks that all around it
/// is well-formed, but neither validates a chain nor looks at extensions.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    der: &'a [u8],
    to_be_signed: &'a [u8],
    public_key_info: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads one certificate, which must be all of `der` (RFC 5280 §4.1).
    ///
    /// # Errors
    ///
    /// `Malformed` with the offset of what is not as it should be.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = DerReader::new(der);
        let mut certificate = outer.enter(SEQUENCE)?;
        outer.finish()?;
        let mut ahead = certificate;
        let to_be_signed = ahead.whole(SEQUENCE)?;
        let mut inner = certificate.enter(SEQUENCE)?;
        let algorithm = certificate.whole(SEQUENCE)?;
        let signature = certificate.bit_string()?;
        certificate.finish()?;
        if inner.is_next(CONTEXT_0) {
            let _version = inner.contents(CONTEXT_0)?;
        }
        let _serial = inner.contents(INTEGER)?;
        // RFC 5280 §4.1.1.2: the algorithm stands inside and outside the signed part, alike.
        if inner.whole(SEQUENCE)? != algorithm {
            return Err(Reader::new(der).malformed("two signature algorithms"));
        }
        let _issuer = inner.contents(SEQUENCE)?;
        let _validity = inner.contents(SEQUENCE)?;
        let _subject = inner.contents(SEQUENCE)?;
        let public_key_info = inner.whole(SEQUENCE)?;
        let _unique_ids_and_extensions = inner.rest();
        Ok(Self { der, to_be_signed, public_key_info, signature })
    }

    /// The bytes it was read from.
    #[must_use]
    pub const fn der(&self) -> &'a [u8] {
        self.der
    }

    /// The DER of the SubjectPublicKeyInfo, for [`Provider::public_key`].
    #[must_use]
    pub const fn public_key_info(&self) -> &'a [u8] {
        self.public_key_info
    }

    /// The part that the signature covers.
    #[must_use]
    pub const fn to_be_signed(&self) -> &'a [u8] {
        self.to_be_signed
    }

    /// The issuer's signature.
    #[must_use]
    pub const fn signature(&self) -> &'a [u8] {
        self.signature
    }

    /// The hash of the whole certificate, as `a=fingerprint` carries it (RFC 8122 §5). Compare it with
    /// [`constant_time_eq`](crate::constant_time_eq).
    #[must_use]
    pub fn fingerprint(&self, provider: Provider, algorithm: HashAlgorithm) -> Digest {
        provider.hash(algorithm, &[self.der])
    }
}

/// 2.5.4.3 (RFC 5280 §A.1).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// 1.2.840.10045.4.3.2 (RFC 5758 §3.2).
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// 1.2.840.10045.4.3.3 (RFC 5758 §3.2).
const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
