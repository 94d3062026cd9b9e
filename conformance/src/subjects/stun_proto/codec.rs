//! Their codec.

use stun_types::{
    attribute::{
        AlternateDomain, AlternateServer, AttributeType, ErrorCode, MessageIntegrity,
        MessageIntegritySha256, Nonce, PasswordAlgorithm, PasswordAlgorithmValue,
        PasswordAlgorithms, RawAttribute, Realm, Software, UnknownAttributes, Userhash, Username,
        XorMappedAddress,
    },
    message::{
        BINDING, IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass,
        MessageIntegrityCredentials, MessageType, MessageWriteVec, ShortTermCredentials,
        TransactionId,
    },
    prelude::*,
};

use crate::subjects::stun::{Credential, Decoded, Field, Integrity, Refusal, StunCodec, Wanted};

pub(super) struct Codec;

impl StunCodec for Codec {
    fn decode(&self, bytes: &[u8]) -> Result<Decoded, Refusal> {
        let message = Message::from_bytes(bytes).map_err(Refusal::because)?;
        let attributes = message
            .iter_attributes()
            .map(|(_, attribute)| (attribute.get_type().value(), attribute.value.to_vec()))
            .collect();
        Ok(Decoded {
            class: match message.class() {
                MessageClass::Request => 0,
                MessageClass::Indication => 1,
                MessageClass::Success => 2,
                MessageClass::Error => 3,
            },
            method: message.method().value(),
            transaction: id_bytes(message.transaction_id()),
            attributes,
        })
    }

    fn read(&self, bytes: &[u8], wanted: Wanted) -> Result<Field, Refusal> {
        let message = Message::from_bytes(bytes).map_err(Refusal::because)?;
        let read = match wanted {
            Wanted::XorMappedAddress => message
                .attribute::<XorMappedAddress>()
                .map(|found| Field::XorMappedAddress(found.addr(message.transaction_id()))),
            Wanted::Username => message
                .attribute::<Username>()
                .map(|found| Field::Username(found.username().to_owned())),
            Wanted::Realm => {
                message.attribute::<Realm>().map(|found| Field::Realm(found.realm().to_owned()))
            }
            Wanted::Nonce => {
                message.attribute::<Nonce>().map(|found| Field::Nonce(found.nonce().to_owned()))
            }
            Wanted::Software => message
                .attribute::<Software>()
                .map(|found| Field::Software(found.software().to_owned())),
            Wanted::ErrorCode => message
                .attribute::<ErrorCode>()
                .map(|found| Field::ErrorCode(found.code(), found.reason().to_owned())),
            Wanted::AlternateDomain => message
                .attribute::<AlternateDomain>()
                .map(|found| Field::AlternateDomain(found.domain().to_owned())),
            Wanted::AlternateServer => message
                .attribute::<AlternateServer>()
                .map(|found| Field::AlternateServer(found.server())),
            Wanted::UnknownAttributes => message.attribute::<UnknownAttributes>().map(|found| {
                let listed = (0..=u16::MAX).filter(|kind| found.has_attribute((*kind).into()));
                Field::UnknownAttributes(listed.collect())
            }),
            Wanted::UserHash => {
                message.attribute::<Userhash>().map(|found| Field::UserHashBytes(*found.hash()))
            }
            Wanted::PasswordAlgorithms => message.attribute::<PasswordAlgorithms>().map(|found| {
                let numbers = found.algorithms().iter().map(|value| number(*value));
                Field::PasswordAlgorithms(numbers.collect())
            }),
            Wanted::PasswordAlgorithm => message
                .attribute::<PasswordAlgorithm>()
                .map(|found| Field::PasswordAlgorithm(number(found.algorithm()))),
            _ => return Err(Refusal::Unsupported),
        };
        read.map_err(Refusal::because)
    }

    fn verify(
        &self,
        bytes: &[u8],
        kind: Integrity,
        credential: &Credential,
        algorithm: Integrity,
    ) -> Result<(), Refusal> {
        let message = Message::from_bytes(bytes).map_err(Refusal::because)?;
        let key = credentials(credential).make_key(their(algorithm));
        let found = message.validate_integrity_with_key(&key).map_err(Refusal::because)?;
        let asked = match kind {
            Integrity::Sha1 => MessageIntegrity::TYPE,
            Integrity::Sha256 => MessageIntegritySha256::TYPE,
        };
        match found == their(kind) {
            true => Ok(()),
            // Of two attributes, their library checks one, and it is the other.
            false if message.has_attribute(asked) => Err(Refusal::Unsupported),
            false => Err(Refusal::because("absent")),
        }
    }

    fn verify_fingerprint(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let message = Message::from_bytes(bytes).map_err(Refusal::because)?;
        let found = message.attribute::<stun_types::attribute::Fingerprint>();
        found.map(|_| ()).map_err(Refusal::because)
    }

    fn encode(
        &self,
        class: u8,
        transaction: [u8; 12],
        fields: &[Field],
    ) -> Result<Vec<u8>, Refusal> {
        let class = match class {
            0 => MessageClass::Request,
            1 => MessageClass::Indication,
            2 => MessageClass::Success,
            _ => MessageClass::Error,
        };
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().skip(4).zip(transaction) {
            *to = from;
        }
        let id = TransactionId::from(u128::from_be_bytes(id));
        let kind = MessageType::from_class_method(class, BINDING);
        let mut message = Message::builder(kind, id, MessageWriteVec::new());
        fields.iter().try_for_each(|field| add(&mut message, id, field))?;
        Ok(message.finish())
    }
}

fn add(message: &mut MessageWriteVec, id: TransactionId, field: &Field) -> Result<(), Refusal> {
    let no = Refusal::because;
    match field {
        Field::XorMappedAddress(address) => {
            message.add_attribute(&XorMappedAddress::new(*address, id))
        }
        Field::AlternateServer(address) => message.add_attribute(&AlternateServer::new(*address)),
        Field::Username(name) => message.add_attribute(&Username::new(name).map_err(no)?),
        Field::Realm(realm) => message.add_attribute(&Realm::new(realm).map_err(no)?),
        Field::Nonce(nonce) => message.add_attribute(&Nonce::new(nonce).map_err(no)?),
        Field::Software(text) => message.add_attribute(&Software::new(text).map_err(no)?),
        Field::ErrorCode(code, reason) => {
            message.add_attribute(&ErrorCode::new(*code, reason).map_err(no)?)
        }
        Field::UnknownAttributes(kinds) => {
            let kinds: Vec<AttributeType> = kinds.iter().map(|kind| (*kind).into()).collect();
            message.add_attribute(&UnknownAttributes::new(&kinds))
        }
        Field::UserHash(name, realm) => {
            message.add_attribute(&Userhash::new(Userhash::compute(name, realm)))
        }
        Field::UserHashBytes(hash) => message.add_attribute(&Userhash::new(*hash)),
        Field::PasswordAlgorithms(numbers) => {
            let values: Result<Vec<_>, Refusal> = numbers.iter().map(|n| value(*n)).collect();
            message.add_attribute(&PasswordAlgorithms::new(&values?))
        }
        Field::PasswordAlgorithm(number) => {
            message.add_attribute(&PasswordAlgorithm::new(value(*number)?))
        }
        Field::AlternateDomain(name) => message.add_attribute(&AlternateDomain::new(name)),
        Field::Other(kind, bytes) => {
            message.add_attribute(&RawAttribute::new((*kind).into(), bytes))
        }
        Field::Integrity(kind, credential, algorithm) => {
            let key = credentials(credential).make_key(their(*algorithm));
            message.add_message_integrity_with_key(&key, their(*kind))
        }
        Field::Fingerprint => message.add_fingerprint(),
        _ => return Err(Refusal::Unsupported),
    }
    .map_err(no)
}

fn value(number: u16) -> Result<PasswordAlgorithmValue, Refusal> {
    match number {
        1 => Ok(PasswordAlgorithmValue::MD5),
        2 => Ok(PasswordAlgorithmValue::SHA256),
        _ => Err(Refusal::Unsupported),
    }
}

const fn number(value: PasswordAlgorithmValue) -> u16 {
    match value {
        PasswordAlgorithmValue::MD5 => 1,
        PasswordAlgorithmValue::SHA256 => 2,
    }
}

const fn their(kind: Integrity) -> IntegrityAlgorithm {
    match kind {
        Integrity::Sha1 => IntegrityAlgorithm::Sha1,
        Integrity::Sha256 => IntegrityAlgorithm::Sha256,
    }
}

fn credentials(credential: &Credential) -> MessageIntegrityCredentials {
    match &credential.realm {
        None => ShortTermCredentials::new(credential.password.clone()).into(),
        Some(realm) => LongTermKeyCredentials::new(
            credential.username.clone(),
            credential.password.clone(),
            realm.clone(),
        )
        .into(),
    }
}

fn id_bytes(id: TransactionId) -> [u8; 12] {
    let mut out = [0; 12];
    for (to, from) in out.iter_mut().zip(u128::from(id).to_be_bytes().into_iter().skip(4)) {
        *to = from;
    }
    out
}
