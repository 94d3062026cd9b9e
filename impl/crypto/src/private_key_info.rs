//! PKCS#8: how files hold private keys (RFC 5958 §2).

use crate::{
    BadPrivateKeyInfo, EcdsaCurve,
    der::{DerReader, INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE},
    public_key_info::{EC_PUBLIC_KEY, ED25519, RSA_ENCRYPTION, curve_of},
};

/// The parts of a private key, in form but not in substance checked.
#[derive(Clone, Copy)]
pub(crate) enum PrivateKeyInfo<'a> {
    /// A big-endian scalar.
    Ec(EcdsaCurve, &'a [u8]),
    /// An RSA key of two primes.
    Rsa(RsaParts<'a>),
    /// The seed of an Ed25519 key.
    Ed25519(&'a [u8; 32]),
}

/// The big-endian numbers of an RSAPrivateKey, with the DER that holds them (RFC 8017 §A.1.2).
#[derive(Clone, Copy)]
pub(crate) struct RsaParts<'a> {
    pub(crate) encoded: &'a [u8],
    pub(crate) modulus: &'a [u8],
    pub(crate) public_exponent: &'a [u8],
    pub(crate) private_exponent: &'a [u8],
    pub(crate) primes: [&'a [u8]; 2],
}

impl<'a> PrivateKeyInfo<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, BadPrivateKeyInfo> {
        let mut outer = DerReader::new(der);
        let mut info = outer.enter(SEQUENCE)?;
        outer.finish()?;
        let version = info.contents(INTEGER)?;
        if !matches!(version, [0 | 1]) {
            return Err(BadPrivateKeyInfo::Unsupported);
        }
        let mut algorithm = info.enter(SEQUENCE)?;
        let key = info.contents(OCTET_STRING)?;
        // Attributes and a copy of the public key may follow; nothing here needs them.
        let _ = info.rest();
        match algorithm.contents(OBJECT_IDENTIFIER)? {
            EC_PUBLIC_KEY => {
                let curve = curve_of(algorithm.contents(OBJECT_IDENTIFIER)?);
                let curve = curve.ok_or(BadPrivateKeyInfo::Unsupported)?;
                algorithm.finish()?;
                Self::parse_ec(curve, key)
            }
            RSA_ENCRYPTION => {
                let _ = algorithm.contents(NULL)?;
                algorithm.finish()?;
                Self::parse_rsa(key)
            }
            ED25519 => {
                algorithm.finish()?;
                // RFC 8410 §7: an octet string within the octet string.
                let mut outer = DerReader::new(key);
                let seed = outer.contents(OCTET_STRING)?;
                outer.finish()?;
                seed.try_into().map(Self::Ed25519).map_err(|_| BadPrivateKeyInfo::Unsound)
            }
            _ => Err(BadPrivateKeyInfo::Unsupported),
        }
    }

    /// An ECPrivateKey (RFC 5915 §3). Its scalar is as long as the order of the curve.
    fn parse_ec(curve: EcdsaCurve, encoded: &'a [u8]) -> Result<Self, BadPrivateKeyInfo> {
        let mut outer = DerReader::new(encoded);
        let mut key = outer.enter(SEQUENCE)?;
        outer.finish()?;
        if key.contents(INTEGER)? != [1] {
            return Err(BadPrivateKeyInfo::Unsupported);
        }
        let scalar = key.contents(OCTET_STRING)?;
        let _parameters_and_public_key = key.rest();
        Ok(Self::Ec(curve, scalar))
    }

    /// An RSAPrivateKey of version 0: two primes, no more.
    fn parse_rsa(encoded: &'a [u8]) -> Result<Self, BadPrivateKeyInfo> {
        let mut outer = DerReader::new(encoded);
        let mut key = outer.enter(SEQUENCE)?;
        outer.finish()?;
        if key.contents(INTEGER)? != [0] {
            return Err(BadPrivateKeyInfo::Unsupported);
        }
        let parts = RsaParts {
            encoded,
            modulus: key.positive()?,
            public_exponent: key.positive()?,
            private_exponent: key.positive()?,
            primes: [key.positive()?, key.positive()?],
        };
        // Both back-ends check or compute what follows for themselves.
        let _exponents_and_coefficient = [key.positive()?, key.positive()?, key.positive()?];
        key.finish()?;
        Ok(Self::Rsa(parts))
    }
}
