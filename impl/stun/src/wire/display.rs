//! A message as one line for people, as a packet analyser would print it.

use std::fmt;

use base::Reader;

use super::{
    AlternateServer, AttributeType, ChangeRequest, ChannelNumber, Decode, ErrorCode, IceControlled,
    IceControlling, Lifetime, MappedAddress, Message, Nonce, OtherAddress, Priority, RawAttribute,
    Realm, ResponseOrigin, ResponsePort, Software, TransactionId, Username, XorMappedAddress,
    XorPeerAddress, XorRelayedAddress,
};

/// Type, the attributes that count, and how many there are besides.
pub(super) fn write_line(message: &Message<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if message.is_classic() {
        f.write_str("classic ")?;
    }
    write!(f, "{}", message.message_type())?;
    let id = message.transaction_id();
    let mut counted = 0;
    for attribute in message.attributes() {
        f.write_str(" ")?;
        write_attribute(attribute, &id, f)?;
        counted += 1;
    }
    match message.all_attributes().count() - counted {
        0 => Ok(()),
        ignored => write!(f, " (+{ignored} ignored)"),
    }
}

/// `name=value` for what people look for, the name alone for the rest.
fn write_attribute(
    attribute: RawAttribute<'_>,
    id: &TransactionId,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match attribute.kind {
        AttributeType::MAPPED_ADDRESS => show::<MappedAddress>("mapped", attribute, id, f),
        AttributeType::XOR_MAPPED_ADDRESS => show::<XorMappedAddress>("mapped", attribute, id, f),
        AttributeType::XOR_PEER_ADDRESS => show::<XorPeerAddress>("peer", attribute, id, f),
        AttributeType::XOR_RELAYED_ADDRESS => {
            show::<XorRelayedAddress>("relayed", attribute, id, f)
        }
        AttributeType::ALTERNATE_SERVER => show::<AlternateServer>("alternate", attribute, id, f),
        AttributeType::RESPONSE_ORIGIN => show::<ResponseOrigin>("origin", attribute, id, f),
        AttributeType::OTHER_ADDRESS => show::<OtherAddress>("other", attribute, id, f),
        AttributeType::USERNAME => show::<Username<'_>>("username", attribute, id, f),
        AttributeType::REALM => show::<Realm<'_>>("realm", attribute, id, f),
        AttributeType::NONCE => show::<Nonce<'_>>("nonce", attribute, id, f),
        AttributeType::SOFTWARE => show::<Software<'_>>("software", attribute, id, f),
        AttributeType::ERROR_CODE => show::<ErrorCode<'_>>("error", attribute, id, f),
        AttributeType::PRIORITY => show::<Priority>("priority", attribute, id, f),
        AttributeType::ICE_CONTROLLED => show::<IceControlled>("controlled", attribute, id, f),
        AttributeType::ICE_CONTROLLING => show::<IceControlling>("controlling", attribute, id, f),
        AttributeType::LIFETIME => show::<Lifetime>("lifetime", attribute, id, f),
        AttributeType::RESPONSE_PORT => show::<ResponsePort>("response-port", attribute, id, f),
        AttributeType::CHANGE_REQUEST => show::<ChangeRequest>("change", attribute, id, f),
        AttributeType::CHANNEL_NUMBER => show::<ChannelNumber>("channel", attribute, id, f),
        kind => write!(f, "{kind}[{}]", attribute.value.len()),
    }
}

fn show<'a, A: Decode<'a> + fmt::Display>(
    name: &str,
    attribute: RawAttribute<'a>,
    id: &TransactionId,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match A::read(Reader::new(attribute.value), id) {
        Ok(value) => write!(f, "{name}={value}"),
        Err(malformed) => write!(f, "{name}=<{malformed}>"),
    }
}
