//! Its codec.

use rtc_stun::{
    addr::MappedAddress,
    attributes::{ATTR_NONCE, ATTR_REALM, ATTR_SOFTWARE, ATTR_USERNAME, AttrType, RawAttribute},
    crypto::{RTCCrypto, default_provider},
    error_code::{ErrorCode, ErrorCodeAttribute},
    fingerprint::FINGERPRINT,
    integrity::MessageIntegrity,
    message::{
        CLASS_ERROR_RESPONSE, CLASS_INDICATION, CLASS_REQUEST, CLASS_SUCCESS_RESPONSE, Getter,
        METHOD_BINDING, Message, MessageType, Setter,
    },
    textattrs::TextAttribute,
    uattrs::UnknownAttributes,
    uri::{SCHEME_SECURE, Uri},
    xoraddr::XorMappedAddress,
};

use crate::subjects::stun::{
    Credential, Decoded, Field, HostName, Integrity, Refusal, ServerUri, StunCodec, Wanted,
};

pub(super) struct Codec;

fn parse(bytes: &[u8]) -> Result<Message, Refusal> {
    let mut message = Message::new();
    message.unmarshal_binary(bytes).map_err(Refusal::because)?;
    Ok(message)
}

fn get<G: Getter>(message: &Message, mut into: G) -> Result<G, Refusal> {
    into.get_from(message).map_err(Refusal::because)?;
    Ok(into)
}

impl StunCodec for Codec {
    fn decode(&self, bytes: &[u8]) -> Result<Decoded, Refusal> {
        let message = parse(bytes)?;
        let classes =
            [CLASS_REQUEST, CLASS_INDICATION, CLASS_SUCCESS_RESPONSE, CLASS_ERROR_RESPONSE];
        let class = (0..).zip(classes).find(|(_, class)| *class == message.typ.class);
        Ok(Decoded {
            class: class.map_or(u8::MAX, |(number, _)| number),
            method: {
                // The number of the method is out of reach but for the type they make of it.
                let kind = message.typ.value();
                kind & 0x000f | kind >> 1 & 0x0070 | kind >> 2 & 0x0f80
            },
            transaction: message.transaction_id.0,
            attributes: message
                .attributes
                .0
                .iter()
                .map(|found| (found.typ.0, found.value.clone()))
                .collect(),
        })
    }

    fn read(&self, bytes: &[u8], wanted: Wanted) -> Result<Field, Refusal> {
        let message = parse(bytes)?;
        let text = |kind| get(&message, TextAttribute::new(kind, String::new()));
        Ok(match wanted {
            Wanted::XorMappedAddress => {
                let found = get(&message, XorMappedAddress::default())?;
                Field::XorMappedAddress((found.ip, found.port).into())
            }
            Wanted::MappedAddress => {
                let found = get(&message, MappedAddress::default())?;
                Field::MappedAddress((found.ip, found.port).into())
            }
            Wanted::Username => Field::Username(text(ATTR_USERNAME)?.text),
            Wanted::Realm => Field::Realm(text(ATTR_REALM)?.text),
            Wanted::Nonce => Field::Nonce(text(ATTR_NONCE)?.text),
            Wanted::Software => Field::Software(text(ATTR_SOFTWARE)?.text),
            Wanted::ErrorCode => {
                let found = get(&message, ErrorCodeAttribute::default())?;
                let reason = String::from_utf8(found.reason).map_err(Refusal::because)?;
                Field::ErrorCode(found.code.0, reason)
            }
            Wanted::UnknownAttributes => {
                let found = get(&message, UnknownAttributes(Vec::new()))?;
                Field::UnknownAttributes(found.0.iter().map(|kind| kind.0).collect())
            }
            _ => return Err(Refusal::Unsupported),
        })
    }

    fn verify(
        &self,
        bytes: &[u8],
        kind: Integrity,
        credential: &Credential,
        _algorithm: Integrity,
    ) -> Result<(), Refusal> {
        if kind == Integrity::Sha256 {
            return Err(Refusal::Unsupported);
        }
        let provider = default_provider().map_err(Refusal::because)?;
        let key = key(credential, provider.crypto())?;
        let mut message = parse(bytes)?;
        MessageIntegrity::check(&mut message, &key, provider.crypto()).map_err(Refusal::because)
    }

    fn verify_fingerprint(&self, bytes: &[u8]) -> Result<(), Refusal> {
        FINGERPRINT.check(&parse(bytes)?).map_err(Refusal::because)
    }

    fn encode(
        &self,
        class: u8,
        transaction: [u8; 12],
        fields: &[Field],
    ) -> Result<Vec<u8>, Refusal> {
        let class = match class {
            0 => CLASS_REQUEST,
            1 => CLASS_INDICATION,
            2 => CLASS_SUCCESS_RESPONSE,
            _ => CLASS_ERROR_RESPONSE,
        };
        let mut message = Message::new();
        message.transaction_id.0 = transaction;
        message.set_type(MessageType::new(METHOD_BINDING, class));
        message.write_header();
        fields.iter().try_for_each(|field| add(&mut message, field))?;
        message.marshal_binary().map_err(Refusal::because)
    }

    fn read_uri(&self, text: &str) -> Result<ServerUri, Refusal> {
        if text.to_ascii_lowercase().starts_with("turn") {
            return Err(Refusal::Unsupported);
        }
        let uri = Uri::parse_uri(text).map_err(Refusal::because)?;
        let secure = uri.scheme == SCHEME_SECURE;
        let host = uri.host.parse().map_or(HostName::Name(uri.host), HostName::Address);
        let port = uri.port.unwrap_or(if secure { 5349 } else { 3478 });
        Ok(ServerUri { relay: false, secure, host, port, transport: None })
    }
}

fn add(message: &mut Message, field: &Field) -> Result<(), Refusal> {
    let text = |kind, text: &String| Box::new(TextAttribute::new(kind, text.clone()));
    let setter: Box<dyn Setter> = match field {
        Field::XorMappedAddress(address) => {
            Box::new(XorMappedAddress { ip: address.ip(), port: address.port() })
        }
        Field::MappedAddress(address) => {
            Box::new(MappedAddress { ip: address.ip(), port: address.port() })
        }
        Field::Username(name) => text(ATTR_USERNAME, name),
        Field::Realm(realm) => text(ATTR_REALM, realm),
        Field::Nonce(nonce) => text(ATTR_NONCE, nonce),
        Field::Software(name) => text(ATTR_SOFTWARE, name),
        Field::ErrorCode(code, reason) => Box::new(ErrorCodeAttribute {
            code: ErrorCode(*code),
            reason: reason.clone().into_bytes(),
        }),
        Field::UnknownAttributes(kinds) => {
            Box::new(UnknownAttributes(kinds.iter().map(|kind| AttrType(*kind)).collect()))
        }
        Field::Other(kind, value) => Box::new(RawAttribute {
            typ: AttrType(*kind),
            value: value.clone(),
            ..RawAttribute::default()
        }),
        Field::Fingerprint => Box::new(FINGERPRINT),
        Field::Integrity(Integrity::Sha1, credential, Integrity::Sha1) => {
            let provider = default_provider().map_err(Refusal::because)?;
            let key = key(credential, provider.crypto())?;
            let tag = MessageIntegrity::new_raw_integrity_with_provider(key, provider.crypto());
            return tag.add_to(message).map_err(Refusal::because);
        }
        _ => return Err(Refusal::Unsupported),
    };
    setter.add_to(message).map_err(Refusal::because)
}

/// The key of a credential, by its own means where it has any.
fn key(credential: &Credential, crypto: &dyn RTCCrypto) -> Result<Vec<u8>, Refusal> {
    let Credential { username, realm, password } = credential.clone();
    match realm {
        None => Ok(password.into_bytes()),
        Some(realm) => MessageIntegrity::long_term_integrity_key(username, realm, password, crypto)
            .map_err(Refusal::because),
    }
}
