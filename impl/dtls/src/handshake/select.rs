//! What a server chooses from an offer, and what either end signs with.

use crypto::{NamedGroup, SignatureAlgorithm};

use crate::{
    Authentication, CipherSuite, Config, Misdeed, Version,
    wire::{ClientHello, SignatureAlgorithms, SignatureScheme, SuiteId, SupportedGroups},
};

/// The suite of a server: the first that both speak and that works with what else is there, in the
/// client's order unless [`Config::prefers_own_suites`].
pub(crate) fn suite(
    config: &Config,
    hello: &ClientHello<'_>,
    version: Version,
) -> Result<CipherSuite, Misdeed> {
    let mine = || config.suites.iter().copied().filter(|suite| suite.version() == version);
    let common: Vec<CipherSuite> = if config.prefers_own_suites {
        mine().filter(|suite| hello.suites.contains(SuiteId::from(*suite))).collect()
    } else {
        let known = hello.suites.iter().filter_map(SuiteId::known);
        known.filter(|suite| mine().any(|ours| ours == *suite)).collect()
    };
    if common.is_empty() {
        return Err(Misdeed::NoCommonSuite);
    }
    if version == Version::Dtls13 {
        return common.first().copied().ok_or(Misdeed::NoCommonSuite);
    }
    // RFC 8422 §5.1: a suite is no choice if there is no curve for it. RFC 5246 §7.4.2: the key of the
    // certificate has to be of the suite's kind, and to make a signature that the client takes.
    let _group = group12(config, hello)?;
    let kind = authentication(config).ok_or(Misdeed::NoCommonSuite)?;
    let suite = common.into_iter().find(|suite| suite.authentication() == Some(kind));
    let suite = suite.ok_or(Misdeed::NoCommonSuite)?;
    let _scheme = scheme12(config, hello)?;
    Ok(suite)
}

/// The kind of our key, as the suites of version 1.2 say it.
fn authentication(config: &Config) -> Option<Authentication> {
    Some(Authentication::of(config.credential.as_ref()?.key().key_kind()))
}

/// The group of a server of version 1.2: our first that the client speaks. The hybrid groups are for
/// version 1.3 alone.
pub(crate) fn group12(config: &Config, hello: &ClientHello<'_>) -> Result<NamedGroup, Misdeed> {
    let offered = hello.extensions.get::<SupportedGroups<'_>>()?;
    config
        .groups
        .iter()
        .copied()
        .filter(|group| *group != NamedGroup::X25519MlKem768)
        .find(|group| match offered {
            Some(offered) => offered.groups.contains((*group).into()),
            // RFC 8422 §5.1: a client that says nothing takes any; every one has P-256.
            None => *group == NamedGroup::Secp256r1,
        })
        .ok_or(Misdeed::NoCommonGroup)
}

/// How a server of version 1.2 signs.
pub(crate) fn scheme12(
    config: &Config,
    hello: &ClientHello<'_>,
) -> Result<(SignatureScheme, SignatureAlgorithm), Misdeed> {
    // RFC 5246 §7.4.1.4.1: a client that says nothing takes SHA-1, which is not made any more.
    let offered = hello.extensions.get::<SignatureAlgorithms<'_>>()?;
    let offered = offered.ok_or(Misdeed::NoCommonSignatureScheme)?;
    let peer: Vec<SignatureScheme> = offered.schemes.iter().collect();
    scheme(config, Version::Dtls12, &peer).ok_or(Misdeed::NoCommonSignatureScheme)
}

/// The first scheme of ours that the peer takes, that goes with our key, and that `version` allows.
pub(crate) fn scheme(
    config: &Config,
    version: Version,
    peer: &[SignatureScheme],
) -> Option<(SignatureScheme, SignatureAlgorithm)> {
    let kind = config.credential.as_ref()?.key().key_kind();
    config
        .own_schemes()
        .iter()
        .filter(|scheme| peer.contains(scheme))
        .find_map(|&scheme| Some((scheme, scheme.algorithm(version, kind)?)))
}
