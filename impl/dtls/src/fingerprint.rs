//! Fingerprints of certificates, as the signalling carries them (RFC 8122 §5).

use std::{fmt, str::FromStr};

use crypto::{Certificate, HashAlgorithm, Provider, constant_time_eq};

/// The value of an `a=fingerprint` line: a hash of the certificate that the peer will present.
///
/// ```
/// let text = "sha-256 12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:\
///             18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD";
/// let fingerprint: dtls::Fingerprint = text.parse()?;
/// assert_eq!(fingerprint.to_string(), text);
/// assert!("md5 00:11".parse::<dtls::Fingerprint>().is_err(), "hashes that are broken");
/// # Ok::<(), dtls::BadFingerprint>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    algorithm: HashAlgorithm,
    bytes: Vec<u8>,
}

impl Fingerprint {
    /// The fingerprint of the certificate `der` under `algorithm`.
    ///
    /// # Errors
    ///
    /// `BadFingerprint` if the hash is broken, or the bytes are no certificate.
    pub fn of(
        provider: Provider,
        algorithm: HashAlgorithm,
        der: &[u8],
    ) -> Result<Self, BadFingerprint> {
        let _name = name(algorithm).ok_or(BadFingerprint::UnknownHash)?;
        let certificate = Certificate::parse(der).map_err(|_| BadFingerprint::Malformed)?;
        let digest = certificate.fingerprint(provider, algorithm);
        Ok(Self { algorithm, bytes: digest.as_ref().to_vec() })
    }

    /// The hash.
    #[must_use]
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The value.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it is the fingerprint of the certificate `der`. Takes the same time wherever they
    /// differ.
    #[must_use]
    pub fn matches(&self, provider: Provider, der: &[u8]) -> bool {
        constant_time_eq(provider.hash(self.algorithm, &[der]).as_ref(), &self.bytes)
    }
}

/// RFC 8122 §5: the name of a hash that may be relied on. MD2, MD5 and SHA-1 may not.
const fn name(algorithm: HashAlgorithm) -> Option<&'static str> {
    match algorithm {
        HashAlgorithm::Sha256 => Some("sha-256"),
        HashAlgorithm::Sha384 => Some("sha-384"),
        HashAlgorithm::Sha512 => Some("sha-512"),
        HashAlgorithm::Md5 | HashAlgorithm::Sha1 => None,
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name(self.algorithm).unwrap_or("unknown"))?;
        for (index, byte) in self.bytes.iter().enumerate() {
            let separator = if index == 0 { ' ' } else { ':' };
            write!(f, "{separator}{byte:02X}")?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = BadFingerprint;

    /// Reads the value of an `a=fingerprint` line: the name of a hash, one space, pairs of hexadecimal
    /// digits between colons. Letters of either case are taken.
    fn from_str(text: &str) -> Result<Self, BadFingerprint> {
        let (hash, value) = text.split_once(' ').ok_or(BadFingerprint::Malformed)?;
        let algorithm = [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512]
            .into_iter()
            .find(|algorithm| name(*algorithm).is_some_and(|name| hash.eq_ignore_ascii_case(name)))
            .ok_or(BadFingerprint::UnknownHash)?;
        let bytes: Option<Vec<u8>> = value.split(':').map(byte).collect();
        let bytes = bytes.ok_or(BadFingerprint::Malformed)?;
        if bytes.len() != algorithm.output_len() {
            return Err(BadFingerprint::Malformed);
        }
        Ok(Self { algorithm, bytes })
    }
}

fn byte(pair: &str) -> Option<u8> {
    let digits = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
}

/// Why a fingerprint is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadFingerprint {
    /// A hash that is unknown, or too weak to be relied on (RFC 8122 §5).
    #[error("unknown or broken hash")]
    UnknownHash,
    /// Not of the form of RFC 8122 §5, or not as long as the hash.
    #[error("malformed fingerprint")]
    Malformed,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::no_value("sha-256")]
    #[case::too_short("sha-256 00:11")]
    #[case::no_colons(&format!("sha-256 {}", "00".repeat(32)))]
    #[case::signs(&format!("sha-256 +0{}", ":00".repeat(31)))]
    #[case::two_spaces(&format!("sha-256  00{}", ":00".repeat(31)))]
    fn refuses_what_is_no_fingerprint(#[case] text: &str) {
        assert_eq!(text.parse::<Fingerprint>(), Err(BadFingerprint::Malformed));
    }

    #[rstest]
    #[case("sha-1")]
    #[case("md5")]
    #[case("sha-224")]
    fn refuses_hashes_that_say_little(#[case] hash: &str) {
        let text = format!("{hash} 00{}", ":00".repeat(19));
        assert_eq!(text.parse::<Fingerprint>(), Err(BadFingerprint::UnknownHash));
    }

    #[test]
    fn letters_of_either_case_are_read() {
        let upper: Fingerprint = format!("SHA-256 AB{}", ":CD".repeat(31)).parse().unwrap();
        let lower: Fingerprint = format!("sha-256 ab{}", ":cd".repeat(31)).parse().unwrap();
        assert_eq!(upper, lower);
    }
}
