//! SubjectPublicKeyInfo: how certificates write public keys (RFC 5280 §4.1.2.7).

use crate::{
    BadPublicKey, EcdsaCurve, KeyKind,
    der::{BIT_STRING, DerReader, NULL, OBJECT_IDENTIFIER, SEQUENCE, element, unsigned},
};

/// The parts of a public key, in form but not in substance checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicKeyInfo<'a> {
    /// An uncompressed point.
    Ec(EcdsaCurve, &'a [u8]),
    /// The big-endian modulus and exponent, with the RSAPublicKey that holds them.
    Rsa { modulus: &'a [u8], exponent: &'a [u8], encoded: &'a [u8] },
    /// A compressed point.
    Ed25519(&'a [u8; 32]),
}

impl<'a> PublicKeyInfo<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, BadPublicKey> {
        let mut outer = DerReader::new(der);
        let mut info = outer.enter(SEQUENCE)?;
        outer.finish()?;
        let mut algorithm = info.enter(SEQUENCE)?;
        let key = info.bit_string()?;
        info.finish()?;
        match algorithm.contents(OBJECT_IDENTIFIER)? {
            EC_PUBLIC_KEY => Self::parse_ec(algorithm, key),
            RSA_ENCRYPTION => {
                // RFC 3279 §2.3.1: the parameters are NULL, not absent.
                let _ = algorithm.contents(NULL)?;
                algorithm.finish()?;
                Self::parse_rsa(key)
            }
            ED25519 => {
                // RFC 8410 §3: the parameters are absent.
                algorithm.finish()?;
                key.try_into().map(Self::Ed25519).map_err(|_| BadPublicKey::Unsound)
            }
            _ => Err(BadPublicKey::Unsupported),
        }
    }

    pub(crate) const fn kind(&self) -> KeyKind {
        match self {
            Self::Ec(EcdsaCurve::P256, _) => KeyKind::EcdsaP256,
            Self::Ec(EcdsaCurve::P384, _) => KeyKind::EcdsaP384,
            Self::Rsa { .. } => KeyKind::Rsa,
            Self::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// RFC 5480 §2.1.1: the parameters name the curve. Points are taken uncompressed only, as
    /// RFC 8422 §5.4.1 has it for everything else on the wire.
    fn parse_ec(mut algorithm: DerReader<'a>, key: &'a [u8]) -> Result<Self, BadPublicKey> {
        let curve = curve_of(algorithm.contents(OBJECT_IDENTIFIER)?);
        let curve = curve.ok_or(BadPublicKey::Unsupported)?;
        algorithm.finish()?;
        match key {
            [0x04, coordinates @ ..] if coordinates.len() == 2 * curve.scalar_len() => {
                Ok(Self::Ec(curve, key))
            }
            _ => Err(BadPublicKey::Unsound),
        }
    }

    /// Bounds what one verification may cost, and refuses keys that are no keys: a modulus of 2,048 to
    /// 8,192 bits, an odd exponent from 3 to 33 bits long.
    fn parse_rsa(encoded: &'a [u8]) -> Result<Self, BadPublicKey> {
        let mut outer = DerReader::new(encoded);
        let mut key = outer.enter(SEQUENCE)?;
        outer.finish()?;
        let (modulus, exponent) = (key.positive()?, key.positive()?);
        key.finish()?;
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        let sound = (2_048..=8_192).contains(&bits(modulus))
            && odd(modulus)
            && (2..=33).contains(&bits(exponent))
            && odd(exponent);
        if sound {
            Ok(Self::Rsa { modulus, exponent, encoded })
        } else {
            Err(BadPublicKey::Unsound)
        }
    }
}

/// Length in bits of a big-endian number without leading zeros.
fn bits(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |byte| byte.leading_zeros());
    (8 * number.len()).saturating_sub(usize::try_from(leading).unwrap_or(0))
}

/// The SubjectPublicKeyInfo of an uncompressed point.
pub(crate) fn encode_ec(curve: EcdsaCurve, point: &[u8]) -> Vec<u8> {
    let name = match curve {
        EcdsaCurve::P256 => SECP256R1,
        EcdsaCurve::P384 => SECP384R1,
    };
    let algorithm = element(
        SEQUENCE,
        &[&element(OBJECT_IDENTIFIER, &[EC_PUBLIC_KEY]), &element(OBJECT_IDENTIFIER, &[name])],
    );
    element(SEQUENCE, &[&algorithm, &element(BIT_STRING, &[&[0], point])])
}

/// The SubjectPublicKeyInfo of an RSA key, given by its big-endian modulus and exponent.
pub(crate) fn encode_rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let algorithm =
        element(SEQUENCE, &[&element(OBJECT_IDENTIFIER, &[RSA_ENCRYPTION]), &element(NULL, &[])]);
    let key = element(SEQUENCE, &[&unsigned(modulus), &unsigned(exponent)]);
    element(SEQUENCE, &[&algorithm, &element(BIT_STRING, &[&[0], &key])])
}

/// The SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 §4).
pub(crate) fn encode_ed25519(point: &[u8; 32]) -> Vec<u8> {
    let algorithm = element(SEQUENCE, &[&element(OBJECT_IDENTIFIER, &[ED25519])]);
    element(SEQUENCE, &[&algorithm, &element(BIT_STRING, &[&[0], point])])
}

/// The curve of an object identifier, if it is supported.
pub(crate) fn curve_of(identifier: &[u8]) -> Option<EcdsaCurve> {
    match identifier {
        SECP256R1 => Some(EcdsaCurve::P256),
        SECP384R1 => Some(EcdsaCurve::P384),
        _ => None,
    }
}

/// 1.2.840.10045.2.1 (RFC 5480 §2.1.1).
pub(crate) const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// 1.2.840.10045.3.1.7 (RFC 5480 §2.1.1.1).
const SECP256R1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// 1.3.132.0.34 (RFC 5480 §2.1.1.1).
const SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

/// 1.3.101.112 (RFC 8410 §3).
pub(crate) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// 1.2.840.113549.1.1.1 (RFC 3279 §2.3.1).
pub(crate) const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
