//! The answer to a ClientHello of which nothing but the first fragment is looked at.
//!
//! A key share of a post-quantum group fills a datagram by itself, so that its ClientHello comes in
//! several. Keeping the first until the others are there is what a server without state cannot do. It
//! answers the first alone, and drops the others:
//!
//! * The fragment has to tell the version: by supported_versions, or by suites that version 1.3 has no use
//!   for. Otherwise it is dropped.
//! * The HelloRetryRequest of version 1.3 asks for the cookie and for no share, since it is not known which
//!   shares came. If none of those will do, the handshake fails, because a client is asked once (RFC 8446
//!   §4.1.4).
//! * The second ClientHello shows its cookie in its first fragment, and an association puts it together.
//!   The transcript needs the first one too: it is the second without the cookie (RFC 8446 §4.1.2). If a
//!   client changed anything else, the ends disagree about the transcript, and no Finished is right.

use crate::{
    Config, DropReason, Misdeed, Version,
    cookie::Memory,
    handshake::{select, server::choose_version, tls13},
    wire::{ClientHello, ExtensionType, SupportedGroups},
};

use super::{Guard, Knock, Verdict};

/// Judges the first fragment of a ClientHello.
pub(super) fn examine(guard: &Guard<'_>, knock: &Knock<'_>) -> Result<Verdict, Misdeed> {
    let hello = &knock.hello;
    let version = version(guard.config, hello)?;
    if version != Some(Version::Dtls13) && guard.is_verified(hello) {
        return Ok(Verdict::Admit(knock.admission(None)));
    }
    if version == Some(Version::Dtls12) {
        return Ok(guard.ask_to_verify(knock));
    }
    if let Some(verdict) = guard.check_cookie13(knock)? {
        return Ok(verdict);
    }
    if knock.message_seq > 0 {
        // Were it asked for a cookie again, a client would give up (RFC 8446 §4.1.4).
        return Ok(Verdict::Drop(DropReason::CookieOutOfSight));
    }
    if version.is_none() {
        return Ok(Verdict::Drop(DropReason::BadHello));
    }
    let suite = select::suite(guard.config, hello, Version::Dtls13)?;
    check_groups(guard.config, hello)?;
    let cookie = guard.make(hello, &Memory::Beginning { suite });
    let extensions = tls13::retry_extensions(None, Some(&cookie));
    Ok(Verdict::Answer(knock.answer(&tls13::retry_request(suite, &extensions))))
}

/// The version of the handshake, if the fragment tells it.
fn version(config: &Config, hello: &ClientHello<'_>) -> Result<Option<Version>, Misdeed> {
    let tells = hello.extensions.has(ExtensionType::SUPPORTED_VERSIONS)
        || !config.speaks(Version::Dtls13)
        || select::suite(config, hello, Version::Dtls13).is_err();
    if tells { choose_version(config, hello).map(Some) } else { Ok(None) }
}

/// No cookie helps a client that has no group in common, if the fragment tells that.
fn check_groups(config: &Config, hello: &ClientHello<'_>) -> Result<(), Misdeed> {
    let Some(offered) = hello.extensions.get::<SupportedGroups<'_>>()? else { return Ok(()) };
    let works = config.groups.iter().any(|group| offered.groups.contains((*group).into()));
    if works { Ok(()) } else { Err(Misdeed::NoCommonGroup) }
}
