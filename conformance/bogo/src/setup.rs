//! From the arguments of a test to the configuration of an association.

use std::{fs, sync::Arc, time::Duration};

use crypto::{Identity, NamedGroup, Provider, SigningKey};
use dtls::{
    Config, Credential, PeerCheck, SrtpProfile, Verifier, Version,
    wire::{AlertDescription, SignatureScheme},
};

use crate::{failure::Failure, options::Options, pem};

/// Tests let hours of virtual time pass in one handshake: only the count of repetitions may end it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Makes the configuration.
///
/// # Errors
///
/// What the test needs and we do not have; files that cannot be read.
pub(crate) fn config(options: &Options) -> Result<Config, Failure> {
    let provider = match options.provider.as_deref() {
        None | Some("aws-lc-rs") => crypto::aws_lc_rs(),
        Some("rust-crypto") => crypto::rust_crypto(),
        Some(other) => return Err(Failure::Unimplemented(format!("-provider {other}"))),
    };
    let mut config = Config::without_credential(provider);
    config.credential = credential(provider, options)?;
    // The tests take it for granted that servers give tickets.
    config.shows_ticket_modes = true;
    config.handshake_timeout = HANDSHAKE_TIMEOUT;
    (config.min_version, config.max_version) = versions(options)?;
    config.peer_check = peer_check(options);
    config.requires_client_certificate = options.require_client_certificate;
    config.srtp_profiles = srtp_profiles(options)?;
    config.alpn = alpn(options);
    // The groups and the key share that the tests take for granted.
    config.groups = vec![NamedGroup::X25519, NamedGroup::Secp256r1, NamedGroup::Secp384r1];
    if !options.curves.is_empty() {
        config.groups = options.curves.iter().map(|&it| group(it)).collect::<Result<_, _>>()?;
        config.key_shares = config.groups.iter().take(1).copied().collect();
    }
    if !options.verify_prefs.is_empty() {
        config.signing_schemes = Some(config.signature_schemes);
        config.signature_schemes =
            options.verify_prefs.iter().map(|&it| SignatureScheme::new(it)).collect();
    }
    if let Some(mtu) = options.mtu {
        config.mtu = mtu;
    }
    if let Some(timeout) = options.initial_timeout_ms {
        config.initial_timeout = Duration::from_millis(timeout);
    }
    Ok(config)
}

fn versions(options: &Options) -> Result<(Version, Version), Failure> {
    let at_least = options.min_version.and_then(Version::from_code_point);
    // Version 1.0 as the lowest one leaves both of ours; as the highest one, none.
    let at_most = options.max_version.map_or(Some(Version::Dtls13), Version::from_code_point);
    let allowed = |version: Version| {
        let wanted = match version {
            Version::Dtls12 => !options.no_tls12,
            Version::Dtls13 => !options.no_tls13,
        };
        wanted && at_least.is_none_or(|least| version >= least) && at_most >= Some(version)
    };
    match (allowed(Version::Dtls12), allowed(Version::Dtls13)) {
        (true, true) => Ok((Version::Dtls12, Version::Dtls13)),
        (true, false) => Ok((Version::Dtls12, Version::Dtls12)),
        (false, true) => Ok((Version::Dtls13, Version::Dtls13)),
        (false, false) => Err(Failure::Failed("NoVersionEnabled".to_owned())),
    }
}

fn credential(provider: Provider, options: &Options) -> Result<Option<Credential>, Failure> {
    let (Some(key), Some(chain)) = (&options.key_file, &options.cert_file) else {
        return Ok(None);
    };
    let read = |path: &String| {
        fs::read_to_string(path).map_err(|error| Failure::Broken(format!("{path}: {error}")))
    };
    let key = pem::blocks(&read(key)?, "PRIVATE KEY").into_iter().next();
    let key = key.ok_or_else(|| Failure::Broken("no private key in its file".to_owned()))?;
    let key = SigningKey::from_pkcs8(provider, &key)
        .map_err(|error| Failure::Unimplemented(format!("-key-file: {error}")))?;
    let mut chain = pem::blocks(&read(chain)?, "CERTIFICATE").into_iter();
    let own =
        chain.next().ok_or_else(|| Failure::Broken("no certificate in its file".to_owned()))?;
    let identity = Identity::from_parts(own, key)
        .map_err(|error| Failure::Unimplemented(format!("-cert-file: {error}")))?;
    Ok(Some(Credential::with_issuers(identity, chain.collect())))
}

fn peer_check(options: &Options) -> PeerCheck {
    let asks = options.verify_peer || options.require_client_certificate || options.verify_fail;
    if options.server && !asks {
        return PeerCheck::NoCertificate;
    }
    // The older of the two callbacks of the tests lets a handshake fail, the newer one a certificate.
    let alert = match (options.verify_fail, options.custom_verify_callback) {
        (false, _) => None,
        (true, false) => Some(AlertDescription::HANDSHAKE_FAILURE),
        (true, true) => Some(AlertDescription::CERTIFICATE_UNKNOWN),
    };
    PeerCheck::Verifier(Arc::new(Answer(alert)))
}

/// A verifier that gives every certificate the same answer.
struct Answer(Option<AlertDescription>);

impl Verifier for Answer {
    fn verify(&self, _: &[Vec<u8>]) -> Result<(), AlertDescription> {
        self.0.map_or(Ok(()), Err)
    }
}

fn srtp_profiles(options: &Options) -> Result<Vec<SrtpProfile>, Failure> {
    let names = options.srtp_profiles.iter().flat_map(|names| names.split(':'));
    let profile = |name| match name {
        "SRTP_AES128_CM_SHA1_80" => Ok(SrtpProfile::Aes128CmHmacSha1_80),
        "SRTP_AES128_CM_SHA1_32" => Ok(SrtpProfile::Aes128CmHmacSha1_32),
        "SRTP_AEAD_AES_128_GCM" => Ok(SrtpProfile::AeadAes128Gcm),
        "SRTP_AEAD_AES_256_GCM" => Ok(SrtpProfile::AeadAes256Gcm),
        other => Err(Failure::Unimplemented(format!("-srtp-profiles {other}"))),
    };
    names.map(profile).collect()
}

/// The protocols that a client offers, or the one that a server chooses.
fn alpn(options: &Options) -> Vec<Vec<u8>> {
    if options.server {
        return options.select_alpn.iter().map(|name| name.clone().into_bytes()).collect();
    }
    let mut rest = options.advertise_alpn.as_deref().unwrap_or_default().as_bytes();
    let mut names = Vec::new();
    while let [length, after @ ..] = rest {
        let (name, after) = after.split_at(usize::from(*length).min(after.len()));
        names.push(name.to_vec());
        rest = after;
    }
    names
}

fn group(number: u16) -> Result<NamedGroup, Failure> {
    let groups = [
        NamedGroup::X25519MlKem768,
        NamedGroup::X25519,
        NamedGroup::Secp256r1,
        NamedGroup::Secp384r1,
    ];
    let known = groups.into_iter().find(|group| group.code_point() == number);
    known.ok_or_else(|| Failure::Unimplemented(format!("-curves {number}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Options {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Options::parse(&words).unwrap()
    }

    #[rstest::rstest]
    #[case::all("-dtls", Some((Version::Dtls12, Version::Dtls13)))]
    #[case::from_1_0("-dtls -min-version 65279", Some((Version::Dtls12, Version::Dtls13)))]
    #[case::only_1_0("-dtls -max-version 65279", None)]
    #[case::only_1_2("-dtls -max-version 65277", Some((Version::Dtls12, Version::Dtls12)))]
    #[case::only_1_3("-dtls -min-version 65276", Some((Version::Dtls13, Version::Dtls13)))]
    #[case::without_1_3("-dtls -no-tls13", Some((Version::Dtls12, Version::Dtls12)))]
    #[case::none("-dtls -no-tls13 -no-tls12", None)]
    fn flags_leave_versions(#[case] line: &str, #[case] expected: Option<(Version, Version)>) {
        assert_eq!(versions(&options(line)).ok(), expected);
    }

    #[test]
    fn protocols_have_their_length_before_them() {
        let options = options("-dtls -advertise-alpn \u{3}foo\u{6}webrtc");
        assert_eq!(alpn(&options), [b"foo".to_vec(), b"webrtc".to_vec()]);
    }
}
