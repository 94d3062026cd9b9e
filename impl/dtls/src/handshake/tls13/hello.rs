//! ServerHello: agreed keys, on either side (RFC 8446 §4.1.3, RFC 9147 §5.4).

use crypto::{NamedGroup, SharedSecret};

use crate::{
    Misdeed,
    handshake::{Context, Offer, extensions},
    wire::{
        ExtensionBlock, ExtensionType, KeyShareEntry, ProtocolVersion, ServerHello, ServerKeyShare,
        ServerVersion, SuiteId,
    },
};

/// Extensions that a ServerHello may have (RFC 8446 §4.2, RFC 9147 §9.1).
const IN_SERVER_HELLO: [ExtensionType; 3] =
    [ExtensionType::SUPPORTED_VERSIONS, ExtensionType::KEY_SHARE, ExtensionType::CONNECTION_ID];

/// Takes a ServerHello whose version and suite are checked: the secret comes back.
pub(super) fn accept(
    cx: &mut Context<'_>,
    offer: &mut Offer,
    hello: &ServerHello<'_>,
) -> Result<SharedSecret, Misdeed> {
    extensions::check(offer, &hello.extensions, &IN_SERVER_HELLO)?;
    let share = hello.extensions.get::<ServerKeyShare<'_>>()?;
    let share = share.ok_or(Misdeed::ExtensionMissing)?.entry;
    let group = share.group.known().ok_or(Misdeed::GroupNotOffered)?;
    // RFC 8446 §4.2.8: after a retry, the group that was asked for.
    let asked = offer.retry.as_ref().and_then(|retry| retry.group);
    if asked.is_some_and(|asked| asked != group) {
        return Err(Misdeed::GroupChanged);
    }
    let exchange = offer.take_exchange(group).ok_or(Misdeed::GroupNotOffered)?;
    let shared = exchange.finish(share.share).map_err(|_| Misdeed::BadKeyShare)?;
    cx.session.group = Some(group);
    extensions::accept_connection_id(cx, offer, &hello.extensions)?;
    Ok(shared)
}

/// Answers the client's share of `group` with a ServerHello: the secret comes back.
pub(super) fn send(
    cx: &mut Context<'_>,
    group: NamedGroup,
    share: &[u8],
) -> Result<SharedSecret, Misdeed> {
    let suite = cx.session.suite.ok_or(Misdeed::Internal)?;
    let provider = cx.config.provider;
    let answer = provider.answer_key_exchange(group, share, cx.rng);
    let (share, shared) = answer.map_err(|_| Misdeed::BadKeyShare)?;
    let mut block = ExtensionBlock::new();
    block.put(&ServerVersion { version: ProtocolVersion::DTLS_1_3 });
    let entry = KeyShareEntry { group: group.into(), share: &share };
    block.put(&ServerKeyShare { entry });
    extensions::put_connection_id(cx, &mut block);
    let hello = ServerHello {
        legacy_version: ProtocolVersion::DTLS_1_2,
        random: cx.session.server_random,
        // RFC 9147 §5: the client's session identifier is not echoed.
        session_id: &[],
        suite: SuiteId::from(suite),
        compression: 0,
        extensions: block.as_extensions(),
    };
    cx.send(0, &hello);
    cx.session.group = Some(group);
    Ok(shared)
}
