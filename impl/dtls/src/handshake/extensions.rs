//! What the extensions of both versions say: chosen by the server, checked by the client.

use super::{Context, Offer};
use crate::{
    Misdeed, SrtpProfile, Version,
    config::MAX_CONNECTION_ID,
    wire::{
        ClientHello, ConnectionId, EcPointFormats, ExtendedMasterSecret, ExtensionBlock,
        ExtensionType, Extensions, ProtocolNames, RecordSizeLimit, RenegotiationInfo, ServerHello,
        UseSrtp,
    },
};

/// Chooses what a server answers to the client's extensions, and notes it in the session.
pub(crate) fn choose(cx: &mut Context<'_>, hello: &ClientHello<'_>) -> Result<(), Misdeed> {
    let extensions = &hello.extensions;
    if cx.session.version == Some(Version::Dtls12) {
        choose_for_12(cx, extensions)?;
    }
    if let Some(offered) = extensions.get::<UseSrtp<'_>>()? {
        let mine = cx.config.srtp_profiles.iter().copied();
        cx.session.srtp_profile =
            mine.into_iter().find(|profile| offered.profiles.contains((*profile).into()));
    }
    if let Some(offered) = extensions.get::<ProtocolNames<'_>>()?
        && !cx.config.alpn.is_empty()
    {
        let mine = cx.config.alpn.iter();
        let chosen = mine.into_iter().find(|name| offered.names().any(|other| other == **name));
        cx.session.alpn = Some(chosen.ok_or(Misdeed::NoCommonProtocol)?.clone());
    }
    if let Some(offered) = extensions.get::<RecordSizeLimit>()? {
        note_record_limit(cx, offered)?;
    }
    if let Some(offered) = extensions.get::<ConnectionId<'_>>()?
        && let Some(length) = cx.config.connection_id
    {
        let mut id = vec![0; length.min(MAX_CONNECTION_ID)];
        cx.rng.fill_public(&mut id);
        agree_on_ids(cx, id, offered.id);
    }
    Ok(())
}

fn choose_for_12(cx: &mut Context<'_>, extensions: &Extensions<'_>) -> Result<(), Misdeed> {
    // RFC 7627 §5.3: without the extension, the server of a careful application goes no further.
    let extended = extensions.get::<ExtendedMasterSecret>()?.is_some();
    let is_lenient = base::mutant::active("dtls-legacy-master-secret-accepted");
    if !extended && !cx.config.allows_legacy_master_secret && !is_lenient {
        return Err(Misdeed::NoExtendedMasterSecret);
    }
    cx.session.extended_master_secret = extended;
    check_12(extensions)
}

/// What an end of version 1.2 cannot say otherwise, whichever end it is.
fn check_12(extensions: &Extensions<'_>) -> Result<(), Misdeed> {
    // RFC 5746 §3.4, §3.6: the first handshake renegotiates nothing.
    let renegotiation = extensions.get::<RenegotiationInfo<'_>>()?;
    let is_blind = base::mutant::active("dtls-renegotiation-info-unchecked");
    if renegotiation.is_some_and(|info| !info.renegotiated.is_empty()) && !is_blind {
        return Err(Misdeed::BadRenegotiationInfo);
    }
    // RFC 8422 §5.1.2: points without compression have to be among the forms.
    let formats = extensions.get::<EcPointFormats<'_>>()?;
    let is_blind = base::mutant::active("dtls-point-formats-unchecked");
    if formats.is_some_and(|formats| !formats.has_uncompressed()) && !is_blind {
        return Err(Misdeed::BadPointFormats);
    }
    Ok(())
}

/// RFC 8449 §4: a limit below 64 is refused. One above what a record can hold is as good as that.
fn note_record_limit(cx: &mut Context<'_>, offered: RecordSizeLimit) -> Result<(), Misdeed> {
    if offered.limit < RecordSizeLimit::MIN {
        return Err(Misdeed::BadRecordSizeLimit);
    }
    if let Some(own) = cx.config.record_size_limit {
        cx.session.peer_record_limit = Some(offered.limit);
        cx.records.set_send_limit(offered.limit);
        cx.records.set_receive_limit(own);
    }
    Ok(())
}

/// Appends what was chosen of the extensions that version 1.2 answers in its ServerHello and version 1.3
/// in its EncryptedExtensions.
pub(crate) fn put_answers(cx: &Context<'_>, block: &mut ExtensionBlock) {
    if let Some(profile) = cx.session.srtp_profile {
        // RFC 5764 §4.1.3: a master key identifier is not taken up.
        let profiles = [profile.into()];
        block.put(&UseSrtp { profiles: profiles.as_slice().into(), mki: &[] });
    }
    if let Some(name) = &cx.session.alpn {
        let mut list = Vec::new();
        ProtocolNames::append(&mut list, name);
        if let Ok(names) = ProtocolNames::from_list(&list) {
            block.put(&names);
        }
    }
    if let (Some(limit), Some(_)) = (cx.config.record_size_limit, cx.session.peer_record_limit) {
        block.put(&RecordSizeLimit { limit });
    }
}

/// Appends our connection id, which both versions answer in the ServerHello (RFC 9146 §3, RFC 9147 §9).
pub(crate) fn put_connection_id(cx: &Context<'_>, block: &mut ExtensionBlock) {
    if let Some(id) = &cx.session.own_connection_id {
        block.put(&ConnectionId { id });
    }
}

/// Checks that a message of the server holds no extensions but `allowed` ones, all of which were
/// offered.
pub(crate) fn check(
    offer: &Offer,
    extensions: &Extensions<'_>,
    allowed: &[ExtensionType],
) -> Result<(), Misdeed> {
    extensions.iter().try_for_each(|(kind, _)| {
        if !offer.sent(kind) && !base::mutant::active("dtls-unasked-extension-accepted") {
            // RFC 8446 §4.2, RFC 5246 §7.4.1.4: no answer to what was not asked.
            Err(Misdeed::ExtensionNotOffered)
        } else if allowed.contains(&kind) {
            Ok(())
        } else {
            Err(Misdeed::ExtensionForbidden)
        }
    })
}

/// Takes the extensions of a ServerHello of version 1.2.
pub(crate) fn accept_hello12(
    cx: &mut Context<'_>,
    offer: &Offer,
    hello: &ServerHello<'_>,
) -> Result<(), Misdeed> {
    let extensions = &hello.extensions;
    check(offer, extensions, &IN_HELLO_12)?;
    check_12(extensions)?;
    // RFC 7627 §5.2: a client that wants it goes no further without it.
    let extended = extensions.get::<ExtendedMasterSecret>()?.is_some();
    if !extended && !cx.config.allows_legacy_master_secret {
        return Err(Misdeed::NoExtendedMasterSecret);
    }
    cx.session.extended_master_secret = extended;
    accept_connection_id(cx, offer, extensions)?;
    accept_answers(cx, offer, extensions)
}

/// Takes the extensions of the EncryptedExtensions of version 1.3.
pub(crate) fn accept_encrypted(
    cx: &mut Context<'_>,
    offer: &Offer,
    extensions: &Extensions<'_>,
) -> Result<(), Misdeed> {
    check(offer, extensions, &IN_ENCRYPTED_EXTENSIONS)?;
    accept_answers(cx, offer, extensions)
}

/// Takes the server's connection id out of a ServerHello.
pub(crate) fn accept_connection_id(
    cx: &mut Context<'_>,
    offer: &Offer,
    extensions: &Extensions<'_>,
) -> Result<(), Misdeed> {
    if let Some(answer) = extensions.get::<ConnectionId<'_>>()? {
        agree_on_ids(cx, offer.connection_id.clone().unwrap_or_default(), answer.id);
    }
    Ok(())
}

/// Both ends have said which id they want in records to them; an empty one says none. Records without
/// protection have no room for it.
fn agree_on_ids(cx: &mut Context<'_>, own: Vec<u8>, peer: &[u8]) {
    cx.records.accept_connection_id(&own);
    cx.records.use_connection_id(peer);
    cx.session.own_connection_id = Some(own);
    cx.session.peer_connection_id = Some(peer.to_vec());
}

fn accept_answers(
    cx: &mut Context<'_>,
    offer: &Offer,
    extensions: &Extensions<'_>,
) -> Result<(), Misdeed> {
    if let Some(answer) = extensions.get::<UseSrtp<'_>>()? {
        cx.session.srtp_profile = Some(chosen_profile(offer, &answer)?);
    }
    if let Some(answer) = extensions.get::<ProtocolNames<'_>>()? {
        // RFC 7301 §3.1: exactly one, of those that were offered.
        let name = answer.single().filter(|name| offer.alpn.iter().any(|ours| ours == name));
        cx.session.alpn = Some(name.ok_or(Misdeed::BadProtocolAnswer)?.to_vec());
    }
    if let Some(answer) = extensions.get::<RecordSizeLimit>()? {
        note_record_limit(cx, answer)?;
    }
    Ok(())
}

/// RFC 5764 §4.1.1: exactly one profile, of those that were offered, and no master key identifier but
/// ours, which is none.
fn chosen_profile(offer: &Offer, answer: &UseSrtp<'_>) -> Result<SrtpProfile, Misdeed> {
    let mut profiles = answer.profiles.iter();
    let (Some(profile), None) = (profiles.next(), profiles.next()) else {
        return Err(Misdeed::BadSrtpAnswer);
    };
    let offered = profile.known().filter(|profile| offer.srtp_profiles.contains(profile));
    offered.filter(|_| answer.mki.is_empty()).ok_or(Misdeed::BadSrtpAnswer)
}

/// What a ServerHello of version 1.2 may answer.
const IN_HELLO_12: [ExtensionType; 7] = [
    ExtensionType::EXTENDED_MASTER_SECRET,
    ExtensionType::RENEGOTIATION_INFO,
    ExtensionType::EC_POINT_FORMATS,
    ExtensionType::USE_SRTP,
    ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
    ExtensionType::RECORD_SIZE_LIMIT,
    ExtensionType::CONNECTION_ID,
];

/// What EncryptedExtensions may answer (RFC 8446 §4.2).
const IN_ENCRYPTED_EXTENSIONS: [ExtensionType; 4] = [
    ExtensionType::SUPPORTED_GROUPS,
    ExtensionType::USE_SRTP,
    ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
    ExtensionType::RECORD_SIZE_LIMIT,
];
