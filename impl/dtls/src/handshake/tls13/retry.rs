//! HelloRetryRequest: the server asks for a share of another group, or to have its cookie back
//! (RFC 8446 §4.1.4).

use crypto::NamedGroup;

use crate::{
    CipherSuite, Misdeed,
    flight::Expect,
    handshake::{Context, Offer, offer::Retry},
    wire::{
        Cookie, ExtensionBlock, ExtensionType, NamedGroupId, ProtocolVersion, RETRY_RANDOM,
        RetryKeyShare, ServerHello, ServerVersion, SuiteId,
    },
};

/// Extensions that a HelloRetryRequest may have (RFC 8446 §4.2).
const IN_RETRY: [ExtensionType; 3] =
    [ExtensionType::SUPPORTED_VERSIONS, ExtensionType::KEY_SHARE, ExtensionType::COOKIE];

/// Changes a client's offer as a HelloRetryRequest asks, which is in the transcript.
pub(crate) fn retry(
    cx: &mut Context<'_>,
    offer: &mut Offer,
    hello: &ServerHello<'_>,
) -> Result<(), Misdeed> {
    let suite = cx.session.suite.ok_or(Misdeed::Internal)?;
    for (kind, _) in hello.extensions.iter() {
        // RFC 8446 §4.2.2: a cookie is the one thing that answers no offer.
        if !offer.sent(kind) && kind != ExtensionType::COOKIE {
            return Err(Misdeed::ExtensionNotOffered);
        }
        if !IN_RETRY.contains(&kind) {
            return Err(Misdeed::ExtensionForbidden);
        }
    }
    let cookie = hello.extensions.get::<Cookie<'_>>()?.map(|cookie| cookie.cookie.to_vec());
    let asked = hello.extensions.get::<RetryKeyShare>()?;
    let group = asked.map(|asked| missing_share(offer, asked.group)).transpose()?;
    let takes_any = base::mutant::active("dtls-13-takes-retry-without-change");
    if group.is_none() && cookie.is_none() && !takes_any {
        return Err(Misdeed::UselessRetry);
    }
    if let Some(group) = group {
        offer.exchanges = vec![cx.config.provider.key_exchange(group, cx.rng)];
    }
    offer.retry = Some(Retry { suite, group, cookie });
    Ok(())
}

/// RFC 8446 §4.2.8: what is asked for is a group that was offered, and no share of it was sent.
fn missing_share(offer: &Offer, group: NamedGroupId) -> Result<NamedGroup, Misdeed> {
    let group = group.known().filter(|group| offer.groups.contains(group));
    let group = group.ok_or(Misdeed::GroupNotOffered)?;
    if offer.exchanges.iter().any(|exchange| exchange.group() == group) {
        return Err(Misdeed::UselessRetry);
    }
    Ok(group)
}

/// The extensions of a HelloRetryRequest.
pub(crate) fn extensions(group: Option<NamedGroup>, cookie: Option<&[u8]>) -> ExtensionBlock {
    let mut block = ExtensionBlock::new();
    block.put(&ServerVersion { version: ProtocolVersion::DTLS_1_3 });
    if let Some(cookie) = cookie {
        block.put(&Cookie { cookie });
    }
    if let Some(group) = group {
        block.put(&RetryKeyShare { group: group.into() });
    }
    block
}

/// The HelloRetryRequest with these extensions.
pub(crate) fn request(suite: CipherSuite, extensions: &ExtensionBlock) -> ServerHello<'_> {
    ServerHello {
        legacy_version: ProtocolVersion::DTLS_1_2,
        random: RETRY_RANDOM,
        // RFC 9147 §5: the client's session identifier is not echoed.
        session_id: &[],
        suite: SuiteId::from(suite),
        compression: 0,
        extensions: extensions.as_extensions(),
    }
}

/// Asks the client, whose ClientHello is in the transcript, for a share of `group`.
///
/// RFC 9147 §3.1 (departure): a server does not repeat this by a timer, so that it needs no state. Here
/// there is state, and repeating it is sooner than the client's own timer where the round trip is known.
pub(super) fn ask(cx: &mut Context<'_>, group: NamedGroup) -> Result<(), Misdeed> {
    let suite = cx.session.suite.ok_or(Misdeed::Internal)?;
    cx.transcript.restart_with_message_hash();
    cx.outbox.begin_flight();
    cx.send(0, &request(suite, &extensions(Some(group), None)));
    cx.outbox.end_flight(cx.now, Expect::Answer);
    cx.session.retried = true;
    Ok(())
}
