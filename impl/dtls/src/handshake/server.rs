//! The server until it has a ClientHello: which version takes over.

mod retried;

pub(crate) use retried::{First, Retried};

use super::{Context, Handshake, extensions, select, tls12, tls13};
use crate::{
    Config, Misdeed, Version, cookie,
    flight::Incoming,
    wire::{
        ClientHello, ClientKeyShares, ClientVersions, DOWNGRADE_TO_1_2, ExtensionType,
        HandshakeType, Message as _, NamedGroupId,
    },
};

/// A server that waits for a ClientHello.
#[derive(Default)]
pub(crate) struct Waiting {
    /// What a stateless answer asked for, which the cookie of this ClientHello tells.
    pub(crate) retried: Option<Retried>,
}

impl Waiting {
    /// Takes the ClientHello.
    pub(crate) fn handle(
        self,
        cx: &mut Context<'_>,
        message: Incoming<'_>,
    ) -> Result<Handshake, Misdeed> {
        if message.kind != HandshakeType::CLIENT_HELLO {
            return Err(Misdeed::UnexpectedMessage);
        }
        let hello = ClientHello::parse(message.body)?;
        let version = choose_version(cx.config, &hello)?;
        check_form(&hello, version)?;
        cx.session.version = Some(version);
        cx.session.client_random = hello.random;
        let suite = match self.retried {
            Some(retried) => {
                retried.take_up(cx, &message, &hello, version)?;
                retried.suite
            }
            None => select::suite(cx.config, &hello, version)?,
        };
        cx.session.suite = Some(suite);
        cx.transcript.choose(cx.config.provider, version, suite.hash());
        cx.hear(&message);
        extensions::choose(cx, &hello)?;
        cx.session.server_random = random(cx, version);
        Ok(match version {
            Version::Dtls12 => Handshake::Server12(tls12::Server::start(cx, &hello)?),
            Version::Dtls13 => {
                cx.session.retried = self.retried.is_some();
                Handshake::Server13(tls13::Server::start(cx, &hello, message.body, self.retried)?)
            }
        })
    }
}

/// The newest version that both speak (RFC 8446 §4.2.1, RFC 6347 §4.2.1).
pub(crate) fn choose_version(config: &Config, hello: &ClientHello<'_>) -> Result<Version, Misdeed> {
    let offered = hello.extensions.get::<ClientVersions<'_>>()?;
    [Version::Dtls13, Version::Dtls12]
        .into_iter()
        .filter(|version| config.speaks(*version))
        .find(|&version| match offered {
            Some(offered) => offered.versions.contains(version.into()),
            // Version 1.3 is offered by the extension alone.
            None => version == Version::Dtls12 && hello.legacy_version.reaches(version),
        })
        .ok_or(Misdeed::UnsupportedVersion)
}

/// Checks the fields that a client of each version has no choice about.
fn check_form(hello: &ClientHello<'_>, version: Version) -> Result<(), Misdeed> {
    // RFC 5246 §7.4.1.2: no compression has to be among the methods; RFC 8446 §4.1.2: and alone.
    let compression_is_none = match version {
        Version::Dtls12 => hello.compression.contains(&0),
        Version::Dtls13 => hello.compression == [0],
    };
    if !compression_is_none {
        return Err(Misdeed::Compression);
    }
    // RFC 9147 §5.3: the cookie of version 1.2 is empty in version 1.3.
    if version == Version::Dtls13
        && !hello.cookie.is_empty()
        && !base::mutant::active("dtls-13-takes-old-cookie-field")
    {
        return Err(Misdeed::BadCookie);
    }
    if version == Version::Dtls13 { check_known_keys(hello) } else { Ok(()) }
}

/// Checks that keys known beforehand, of which there are none here, are offered as they must be: at the
/// end, and with a way to use them (RFC 8446 §4.2.9, §4.2.11).
fn check_known_keys(hello: &ClientHello<'_>) -> Result<(), Misdeed> {
    if !hello.extensions.has(ExtensionType::PRE_SHARED_KEY) {
        return Ok(());
    }
    if !hello.extensions.has(ExtensionType::PSK_KEY_EXCHANGE_MODES) {
        return Err(Misdeed::ExtensionMissing);
    }
    let last = hello.extensions.iter().last().map(|(kind, _)| kind);
    if last == Some(ExtensionType::PRE_SHARED_KEY) {
        Ok(())
    } else {
        Err(Misdeed::ExtensionForbidden)
    }
}

/// The random of a ServerHello. RFC 8446 §4.1.3: a server of version 1.3 that chose 1.2 says so at its
/// end, where no one on the way can take it out.
fn random(cx: &mut Context<'_>, version: Version) -> [u8; 32] {
    let mut random: [u8; 32] = cx.rng.public_array();
    if version == Version::Dtls12
        && cx.config.speaks(Version::Dtls13)
        && !base::mutant::active("dtls-13-sentinel-missing")
        && let Some(end) = random.last_chunk_mut::<8>()
    {
        *end = DOWNGRADE_TO_1_2;
    }
    random
}

/// Checks that the ClientHello after a HelloRetryRequest is the one before it with the changes that were
/// asked for and allowed, and no others (RFC 8446 §4.1.2, RFC 9147 §5.1).
///
/// `first` is the body of the first ClientHello, `group` what a share was asked of, `sent_cookie` what was
/// to be sent back.
pub(crate) fn check_second(
    first: &[u8],
    second: &ClientHello<'_>,
    group: Option<NamedGroupId>,
    sent_cookie: Option<&[u8]>,
) -> Result<(), Misdeed> {
    let first = ClientHello::parse(first)?;
    let same = first.legacy_version == second.legacy_version
        && first.random == second.random
        && first.session_id == second.session_id
        && first.cookie == second.cookie
        && first.suites == second.suites
        && first.compression == second.compression;
    let stays = |&(kind, _): &(ExtensionType, &[u8])| cookie::stays(kind);
    let unchanged =
        first.extensions.iter().filter(stays).eq(second.extensions.iter().filter(stays));
    if !same || !unchanged || second.extensions.has(ExtensionType::EARLY_DATA) {
        return Err(Misdeed::SecondHelloChanged);
    }
    check_shares(&first, second, group)?;
    check_cookie(second, sent_cookie)
}

/// The one share that was asked for, or the same shares if none was.
fn check_shares(
    first: &ClientHello<'_>,
    second: &ClientHello<'_>,
    group: Option<NamedGroupId>,
) -> Result<(), Misdeed> {
    let Some(group) = group else {
        let share = |hello: &ClientHello<'_>| {
            hello.extensions.raw(ExtensionType::KEY_SHARE).map(<[u8]>::to_vec)
        };
        return if share(first) == share(second) {
            Ok(())
        } else {
            Err(Misdeed::SecondHelloChanged)
        };
    };
    check_asked_share(second, group)
}

/// The one share that was asked for, and no other (RFC 8446 §4.1.2).
fn check_asked_share(second: &ClientHello<'_>, group: NamedGroupId) -> Result<(), Misdeed> {
    let shares =
        second.extensions.get::<ClientKeyShares<'_>>()?.ok_or(Misdeed::ExtensionMissing)?;
    let mut entries = shares.entries();
    match (entries.next(), entries.next()) {
        (Some(entry), None) if entry.group == group => Ok(()),
        _ => Err(Misdeed::GroupChanged),
    }
}

/// The cookie that was sent, and only if one was.
fn check_cookie(second: &ClientHello<'_>, sent: Option<&[u8]>) -> Result<(), Misdeed> {
    let returned = second.extensions.get::<crate::wire::Cookie<'_>>()?.map(|cookie| cookie.cookie);
    if returned == sent { Ok(()) } else { Err(Misdeed::BadCookie) }
}
