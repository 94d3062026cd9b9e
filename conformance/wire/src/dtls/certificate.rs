//! Certificates: one that the suite makes, and the key of one that arrives (RFC 5280 §4.1).

use std::fmt;

use super::{
    crypto::{self, Signing, sha256},
    cursor::Cursor,
};

/// A self-signed certificate on P-256 with its key. The same seed and number make the same bytes.
pub struct Identity {
    /// The certificate in DER.
    pub certificate: Vec<u8>,
    /// The private key in the form of RFC 5958 §2.
    pub pkcs8: Vec<u8>,
    key: Signing,
}

impl Identity {
    /// The identity number `number` of a seed.
    ///
    /// # Panics
    ///
    /// Never in practice: if a hundred draws in a row are no key.
    #[must_use]
    pub fn new(seed: &[u8; 32], number: u32) -> Self {
        let mut drawn = (number * 100..).map(|index| crypto::dice(seed, "identity", index));
        let found = drawn.by_ref().take(100).find_map(|bytes| Some((bytes, Signing::new(&bytes)?)));
        let Some((scalar, key)) = found else { panic!("a hundred draws are no key") };
        let serial = [&[0x40], &scalar.map(|byte| byte ^ 0x5a)[..8]].concat();
        let unsigned = to_be_signed(&serial, &key.point());
        let signature = der(0x03, &[&[0], &key.sign(&unsigned)]);
        let certificate = der(0x30, &[&unsigned, &ecdsa_sha256(), &signature]);
        let pkcs8 = pkcs8(&scalar, &key.point());
        Self { certificate, pkcs8, key }
    }

    /// SHA-256 over the certificate: its fingerprint (RFC 8122 §5).
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        fingerprint(&self.certificate)
    }

    /// ECDSA with SHA-256 over `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message)
    }
}

/// SHA-256 over a certificate (RFC 8122 §5).
#[must_use]
pub fn fingerprint(certificate: &[u8]) -> [u8; 32] {
    sha256(certificate)
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// An element with this tag around these contents, which are at most 65,535 bytes.
fn der(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let body = contents.concat();
    let [high, low] = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    let head = match (high, low) {
        (0, 0..=0x7f) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, body].concat()
}

fn ec_key_algorithm() -> Vec<u8> {
    der(0x30, &[&der(0x06, &[EC_PUBLIC_KEY]), &der(0x06, &[PRIME256V1])])
}

fn ecdsa_sha256() -> Vec<u8> {
    der(0x30, &[&der(0x06, &[ECDSA_WITH_SHA256])])
}

fn to_be_signed(serial: &[u8], point: &[u8]) -> Vec<u8> {
    let name = der(0x30, &[&der(0x06, &[COMMON_NAME]), &der(0x0c, &[b"suite"])]);
    let name = der(0x30, &[&der(0x31, &[&name])]);
    let validity = [der(0x17, &[b"200101000000Z"]), der(0x17, &[b"491231235959Z"])].concat();
    let key = der(0x30, &[&ec_key_algorithm(), &der(0x03, &[&[0], point])]);
    der(
        0x30,
        &[
            &der(0xa0, &[&der(0x02, &[&[2]])]),
            &der(0x02, &[serial]),
            &ecdsa_sha256(),
            &name,
            &der(0x30, &[&validity]),
            &name,
            &key,
        ],
    )
}

fn pkcs8(scalar: &[u8], point: &[u8]) -> Vec<u8> {
    let public = der(0xa1, &[&der(0x03, &[&[0], point])]);
    let inner = der(0x30, &[&der(0x02, &[&[1]]), &der(0x04, &[scalar]), &public]);
    der(0x30, &[&der(0x02, &[&[0]]), &ec_key_algorithm(), &der(0x04, &[&inner])])
}

/// The public point of a certificate on P-256.
pub(super) fn public_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let mut outer = Cursor::new(element(&mut Cursor::new(certificate), 0x30)?);
    let mut fields = Cursor::new(element(&mut outer, 0x30)?);
    let mut rest = fields;
    if element(&mut rest, 0xa0).is_some() {
        fields = rest;
    }
    element(&mut fields, 0x02)?;
    for _ in 0..4 {
        element(&mut fields, 0x30)?;
    }
    let mut key = Cursor::new(element(&mut fields, 0x30)?);
    let algorithm = element(&mut key, 0x30)?;
    if ec_key_algorithm().get(2..) != Some(algorithm) {
        return None;
    }
    let (unused, point) = element(&mut key, 0x03)?.split_first()?;
    (*unused == 0).then(|| point.to_vec())
}

/// The contents of the next element, if it has this tag.
fn element<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Option<&'a [u8]> {
    if cursor.u8()? != tag {
        return None;
    }
    let length = match cursor.u8()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(cursor.u8()?),
        0x82 => usize::from(cursor.u16()?),
        _ => return None,
    };
    cursor.take(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_certificate_is_found_again_and_verifies_it() {
        let identity = Identity::new(&[1; 32], 0);
        let point = public_point(&identity.certificate).unwrap();
        assert_eq!(point.len(), 65);
        assert!(crypto::verify(&point, b"message", &identity.sign(b"message")));
        assert_eq!(identity.certificate, Identity::new(&[1; 32], 0).certificate);
        assert_ne!(identity.certificate, Identity::new(&[1; 32], 1).certificate);
    }
}
