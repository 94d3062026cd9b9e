//! The reader and writer of messages.

use crypto::Provider;
use stun::{
    Builder, Key, Message,
    wire::{
        Algorithm, AlternateDomain, AlternateServer, AttributeType, ChangeRequest, Check, Class,
        Code, Decode, ErrorCode, MappedAddress, Method, Nonce, NotUnderstood, OfferedAlgorithms,
        OtherAddress, Padding, PasswordAlgorithm, PasswordAlgorithms, Realm, ResponseOrigin,
        ResponsePort, Software, TransactionId, UnknownAttributes, Userhash, Username,
        XorMappedAddress,
    },
};

use crate::subjects::stun::{
    Credential, Decoded, Field, HostName, Integrity, Refusal, ServerUri, StunCodec, Wanted,
};

pub(super) struct Codec {
    provider: Provider,
}

impl Codec {
    pub(super) const fn new(provider: Provider) -> Self {
        Self { provider }
    }
}

impl StunCodec for Codec {
    fn decode(&self, bytes: &[u8]) -> Result<Decoded, Refusal> {
        let message = parse(bytes)?;
        let attributes = message.all_attributes();
        Ok(Decoded {
            class: match message.class() {
                Class::Request => 0,
                Class::Indication => 1,
                Class::Success => 2,
                Class::Error => 3,
            },
            method: message.method().number(),
            transaction: *message.transaction_id().as_bytes(),
            attributes: attributes.map(|found| (found.kind.number(), found.value.into())).collect(),
        })
    }

    fn read(&self, bytes: &[u8], wanted: Wanted) -> Result<Field, Refusal> {
        let message = &parse(bytes)?;
        Ok(match wanted {
            Wanted::XorMappedAddress => {
                Field::XorMappedAddress(get::<XorMappedAddress>(message)?.0)
            }
            Wanted::MappedAddress => Field::MappedAddress(get::<MappedAddress>(message)?.0),
            Wanted::AlternateServer => Field::AlternateServer(get::<AlternateServer>(message)?.0),
            Wanted::ResponseOrigin => Field::ResponseOrigin(get::<ResponseOrigin>(message)?.0),
            Wanted::OtherAddress => Field::OtherAddress(get::<OtherAddress>(message)?.0),
            Wanted::Username => Field::Username(get::<Username<'_>>(message)?.as_str().into()),
            Wanted::Realm => Field::Realm(get::<Realm<'_>>(message)?.as_str().into()),
            Wanted::Nonce => Field::Nonce(get::<Nonce<'_>>(message)?.as_str().into()),
            Wanted::Software => Field::Software(get::<Software<'_>>(message)?.as_str().into()),
            Wanted::AlternateDomain => {
                Field::AlternateDomain(get::<AlternateDomain<'_>>(message)?.as_str().into())
            }
            Wanted::ErrorCode => {
                let found = get::<ErrorCode<'_>>(message)?;
                Field::ErrorCode(found.code.number(), found.reason.into())
            }
            Wanted::UnknownAttributes => {
                let found = get::<UnknownAttributes<'_>>(message)?;
                Field::UnknownAttributes(found.types().map(AttributeType::number).collect())
            }
            Wanted::UserHash => Field::UserHashBytes(get::<Userhash>(message)?.0),
            Wanted::PasswordAlgorithms => {
                let found = get::<PasswordAlgorithms<'_>>(message)?;
                let numbers = found.entries().map(|entry| entry.algorithm.number());
                Field::PasswordAlgorithms(numbers.collect())
            }
            Wanted::PasswordAlgorithm => {
                let found = get::<PasswordAlgorithm<'_>>(message)?;
                Field::PasswordAlgorithm(found.algorithm.number())
            }
            Wanted::ChangeRequest => {
                let ChangeRequest { ip, port } = get(message)?;
                Field::ChangeRequest { ip, port }
            }
            Wanted::ResponsePort => Field::ResponsePort(get::<ResponsePort>(message)?.0),
            Wanted::Padding => Field::Padding(get::<Padding>(message)?.0.into()),
        })
    }

    fn verify(
        &self,
        bytes: &[u8],
        kind: Integrity,
        credential: &Credential,
        algorithm: Integrity,
    ) -> Result<(), Refusal> {
        let (message, key) = (parse(bytes)?, self.key(credential, algorithm)?);
        passed(match kind {
            Integrity::Sha1 => message.check_integrity(&key),
            Integrity::Sha256 => message.check_integrity_sha256(&key, 32),
        })
    }

    fn verify_cut(
        &self,
        bytes: &[u8],
        credential: &Credential,
        algorithm: Integrity,
        shortest: usize,
    ) -> Result<(), Refusal> {
        let (message, key) = (parse(bytes)?, self.key(credential, algorithm)?);
        passed(message.check_integrity_sha256(&key, shortest))
    }

    fn verify_fingerprint(&self, bytes: &[u8]) -> Result<(), Refusal> {
        passed(parse(bytes)?.check_fingerprint())
    }

    fn encode(
        &self,
        class: u8,
        transaction: [u8; 12],
        fields: &[Field],
    ) -> Result<Vec<u8>, Refusal> {
        let class = match class {
            0 => Class::Request,
            1 => Class::Indication,
            2 => Class::Success,
            _ => Class::Error,
        };
        let mut bytes = Vec::new();
        let id = TransactionId::new(transaction);
        let mut builder = Builder::new(&mut bytes, Method::BINDING, class, id);
        fields.iter().try_for_each(|field| self.put(field, &mut builder))?;
        builder.finish().map_err(Refusal::because)?;
        Ok(bytes)
    }

    fn cut_stream(&self, pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, Refusal> {
        let mut deframer = stun::Deframer::new(stun::ChannelData::Refused);
        let mut messages = Vec::new();
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                let taken = deframer.push(rest);
                rest = rest.get(taken..).unwrap_or_default();
                let before = messages.len();
                while let Some(frame) = deframer.next_frame().map_err(Refusal::because)? {
                    let stun::Frame::Message(bytes) = frame else { continue };
                    messages.push(bytes.to_vec());
                }
                if taken == 0 && messages.len() == before {
                    return Err(Refusal::because("it takes no more"));
                }
            }
        }
        Ok(messages)
    }

    fn read_uri(&self, text: &str) -> Result<ServerUri, Refusal> {
        let uri: stun::Uri = text.parse().map_err(Refusal::because)?;
        if !uri.is_verifiable() {
            return Err(Refusal::because("no name to check a certificate against"));
        }
        let host =
            uri.ip().map_or_else(|| HostName::Name(uri.host().to_string()), HostName::Address);
        Ok(ServerUri {
            relay: uri.scheme().is_turn(),
            secure: uri.scheme().is_secure(),
            host,
            port: uri.port(),
            transport: uri.transport().map(|transport| match transport {
                stun::UriTransport::Udp => "udp".to_owned(),
                stun::UriTransport::Tcp => "tcp".to_owned(),
                stun::UriTransport::Other(name) => name.clone(),
            }),
        })
    }
}

impl Codec {
    fn key(&self, credential: &Credential, algorithm: Integrity) -> Result<Key, Refusal> {
        let Credential { username, realm, password } = credential;
        let algorithm = match algorithm {
            Integrity::Sha1 => Algorithm::MD5,
            Integrity::Sha256 => Algorithm::SHA256,
        };
        match realm {
            None => Key::short_term(self.provider, password),
            Some(realm) => Key::long_term(self.provider, algorithm, username, realm, password),
        }
        .map_err(Refusal::because)
    }

    fn put(&self, field: &Field, builder: &mut Builder<'_>) -> Result<(), Refusal> {
        let prepared = |text| stun::prepare(text).map_err(Refusal::because);
        match field {
            Field::XorMappedAddress(address) => builder.put(&XorMappedAddress(*address)),
            Field::MappedAddress(address) => builder.put(&MappedAddress(*address)),
            Field::AlternateServer(address) => builder.put(&AlternateServer(*address)),
            Field::ResponseOrigin(address) => builder.put(&ResponseOrigin(*address)),
            Field::OtherAddress(address) => builder.put(&OtherAddress(*address)),
            Field::Username(name) => {
                builder.put(&Username::new(&prepared(name)?).map_err(Refusal::because)?)
            }
            Field::Realm(realm) => {
                builder.put(&Realm::new(&prepared(realm)?).map_err(Refusal::because)?)
            }
            Field::Nonce(nonce) => builder.put(&Nonce::new(nonce).map_err(Refusal::because)?),
            Field::Software(text) => builder.put(&Software::new(text).map_err(Refusal::because)?),
            Field::ErrorCode(code, reason) => {
                let code = Code::new(*code).ok_or_else(|| Refusal::because("no such code"))?;
                builder.put(&ErrorCode { code, reason })
            }
            Field::UnknownAttributes(kinds) => {
                let kinds: Vec<_> = kinds.iter().map(|kind| AttributeType::new(*kind)).collect();
                builder.put(&NotUnderstood(&kinds))
            }
            Field::UserHash(name, realm) => {
                let hash = Userhash::of(self.provider, name, realm).map_err(Refusal::because)?;
                builder.put(&hash)
            }
            Field::UserHashBytes(hash) => builder.put(&Userhash(*hash)),
            Field::PasswordAlgorithms(numbers) => {
                let numbers: Vec<_> =
                    numbers.iter().map(|number| Algorithm::new(*number)).collect();
                builder.put(&OfferedAlgorithms(&numbers))
            }
            Field::PasswordAlgorithm(number) => {
                builder.put(&PasswordAlgorithm::plain(Algorithm::new(*number)))
            }
            Field::AlternateDomain(name) => {
                builder.put(&AlternateDomain::new(name).map_err(Refusal::because)?)
            }
            Field::ChangeRequest { ip, port } => {
                builder.put(&ChangeRequest { ip: *ip, port: *port })
            }
            Field::ResponsePort(port) => builder.put(&ResponsePort(*port)),
            Field::Padding(length) => {
                builder.put(&Padding(u16::try_from(*length).map_err(Refusal::because)?))
            }
            Field::Other(kind, bytes) => builder.put_raw(AttributeType::new(*kind), bytes),
            Field::Integrity(kind, credential, algorithm) => {
                let key = self.key(credential, *algorithm)?;
                match kind {
                    Integrity::Sha1 => builder.integrity(&key),
                    Integrity::Sha256 => builder.integrity_sha256(&key),
                }
            }
            Field::Fingerprint => builder.fingerprint(),
        };
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Result<Message<'_>, Refusal> {
    Message::parse(bytes).map_err(Refusal::because)
}

fn get<'a, A: Decode<'a>>(message: &Message<'a>) -> Result<A, Refusal> {
    message.try_get().map_err(Refusal::because)?.ok_or_else(|| Refusal::because("absent"))
}

fn passed(check: Check) -> Result<(), Refusal> {
    match check {
        Check::Passed => Ok(()),
        other => Err(Refusal::because(format_args!("{other:?}"))),
    }
}
