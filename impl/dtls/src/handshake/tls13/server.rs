//! The server of version 1.3, from the ClientHello to the client's Finished (RFC 8446 §2,
//! RFC 9147 §5.7).

use crypto::{NamedGroup, PublicKey};

use super::{
    Connected,
    authentication::{self, Proof},
    groups::{self, Choice},
    hello,
    key_update::{Reading, Writing},
    keys::{self, ApplicationKeys, HANDSHAKE, HandshakeKeys},
    retry,
};
use crate::{
    Misdeed,
    flight::{Expect, Incoming},
    handshake::{
        Context, Step, extensions,
        server::{self, First, Retried},
    },
    schedule::tls13::{ExporterSecret, TrafficSecret},
    wire::{
        Certificate13, CertificateRequest13, ClientHello, EncryptedExtensions, ExtensionBlock,
        HandshakeType, Message as _, SignatureAlgorithms,
    },
};

/// A server between the first ClientHello and the client's Finished.
#[expect(clippy::large_enum_variant, reason = "there is one, and it is soon gone")]
pub(crate) enum Server {
    /// It asked for another ClientHello.
    Asked(Asked),
    /// It has sent everything up to its Finished.
    Answered(Answered),
}

/// A server that asked for a share of another group.
pub(crate) struct Asked {
    /// The first ClientHello, to hold the second against.
    first: Vec<u8>,
    group: NamedGroup,
}

/// A server that has sent everything up to its Finished.
pub(crate) struct Answered {
    keys: HandshakeKeys,
    writing: Writing,
    /// What opens the client's data once its Finished has come.
    reading: TrafficSecret,
    exporter: ExporterSecret,
    awaiting: Awaiting,
}

/// The message that is due from the client.
#[expect(clippy::large_enum_variant, reason = "there is one, and it is soon gone")]
enum Awaiting {
    Certificate,
    CertificateVerify(PublicKey),
    Finished,
}

impl Server {
    /// Answers a ClientHello, which is in the transcript: `body` is its bytes, and `retried` what a
    /// stateless HelloRetryRequest before it asked for.
    pub(crate) fn start(
        cx: &mut Context<'_>,
        hello: &ClientHello<'_>,
        body: &[u8],
        retried: Option<Retried>,
    ) -> Result<Self, Misdeed> {
        match (groups::choose(cx.config, hello)?, retried) {
            (Choice::Share(group, _), Some(Retried { group: Some(asked), .. }))
                if group != asked =>
            {
                Err(Misdeed::GroupChanged)
            }
            (Choice::Share(group, share), _) => {
                Answered::start(cx, hello, group, share).map(Self::Answered)
            }
            // RFC 8446 §4.1.4: a client is asked once. Where its shares had not been seen then, it did
            // nothing wrong, and there is still no handshake.
            (Choice::Ask(_), Some(Retried { first: First::Beginning, .. })) => {
                Err(Misdeed::NoCommonGroup)
            }
            (Choice::Ask(_), Some(_)) => Err(Misdeed::GroupChanged),
            (Choice::Ask(group), None) => {
                retry::ask(cx, group)?;
                Ok(Self::Asked(Asked { first: body.to_vec(), group }))
            }
        }
    }

    /// Takes the client's next message.
    pub(crate) fn handle(
        self,
        cx: &mut Context<'_>,
        message: Incoming<'_>,
    ) -> Result<Step<Self, Connected>, Misdeed> {
        match self {
            Self::Asked(asked) => Ok(Step::Stay(Self::Answered(asked.handle(cx, message)?))),
            Self::Answered(answered) => Ok(match answered.handle(cx, message)? {
                Step::Stay(answered) => Step::Stay(Self::Answered(answered)),
                Step::Connected(connected) => Step::Connected(connected),
            }),
        }
    }
}

impl Asked {
    /// Takes the second ClientHello.
    fn handle(self, cx: &mut Context<'_>, message: Incoming<'_>) -> Result<Answered, Misdeed> {
        super::check_epoch(&message, 0)?;
        if message.kind != HandshakeType::CLIENT_HELLO {
            return Err(Misdeed::UnexpectedMessage);
        }
        let hello = ClientHello::parse(message.body)?;
        server::check_second(&self.first, &hello, Some(self.group.into()), None)?;
        let Choice::Share(group, share) = groups::choose(cx.config, &hello)? else {
            return Err(Misdeed::GroupChanged);
        };
        cx.hear(&message);
        Answered::start(cx, &hello, group, share)
    }
}

impl Answered {
    /// Sends the server's one flight.
    fn start(
        cx: &mut Context<'_>,
        hello: &ClientHello<'_>,
        group: NamedGroup,
        share: &[u8],
    ) -> Result<Self, Misdeed> {
        // RFC 8446 §9.2: a client that wants a certificate says how it may sign.
        let schemes = hello.extensions.get::<SignatureAlgorithms<'_>>()?;
        let schemes: Vec<_> = schemes.ok_or(Misdeed::ExtensionMissing)?.schemes.iter().collect();
        let proof = Proof::choose(cx, &schemes).ok_or(Misdeed::NoCommonSignatureScheme)?;
        cx.outbox.begin_flight();
        let shared = hello::send(cx, group, share)?;
        let (secrets, schedule) = HandshakeKeys::agree(cx, &shared)?;
        keys::agree_on_limits(cx);
        let mut block = ExtensionBlock::new();
        extensions::put_answers(cx, &mut block);
        cx.send(HANDSHAKE, &EncryptedExtensions { extensions: block.as_extensions() });
        let asks = cx.requests_certificate();
        if asks {
            request_certificate(cx);
        }
        proof.send(cx)?;
        authentication::send_finished(cx, &secrets);
        cx.outbox.end_flight(cx.now, Expect::Answer);
        let application = ApplicationKeys::derive(cx, schedule);
        Ok(Self {
            keys: secrets,
            writing: Writing::start(cx.records, application.writing),
            reading: application.reading,
            exporter: application.exporter,
            awaiting: if asks { Awaiting::Certificate } else { Awaiting::Finished },
        })
    }

    /// Takes the next message of the client's flight.
    fn handle(
        mut self,
        cx: &mut Context<'_>,
        message: Incoming<'_>,
    ) -> Result<Step<Self, Connected>, Misdeed> {
        super::check_epoch(&message, HANDSHAKE)?;
        self.awaiting = match (self.awaiting, message.kind) {
            (Awaiting::Certificate, HandshakeType::CERTIFICATE) => {
                let certificate = Certificate13::parse(message.body)?;
                match authentication::judge_certificate(cx, &certificate)? {
                    Some(key) => Awaiting::CertificateVerify(key),
                    None => {
                        cx.judge_missing_certificate()?;
                        Awaiting::Finished
                    }
                }
            }
            (Awaiting::CertificateVerify(key), HandshakeType::CERTIFICATE_VERIFY) => {
                authentication::check_proof(cx, &key, message.body)?;
                Awaiting::Finished
            }
            (Awaiting::Finished, HandshakeType::FINISHED) => {
                authentication::check_finished(cx, &self.keys, message.body)?;
                cx.hear(&message);
                let reading = Reading::start(cx.records, self.reading);
                let connected = Connected::start(reading, self.writing, self.exporter);
                return Ok(Step::Connected(connected));
            }
            _ => return Err(Misdeed::UnexpectedMessage),
        };
        cx.hear(&message);
        Ok(Step::Stay(self))
    }
}

/// Asks the client for a certificate (RFC 8446 §4.3.2).
fn request_certificate(cx: &mut Context<'_>) {
    let mut block = ExtensionBlock::new();
    block.put(&SignatureAlgorithms { schemes: cx.config.signature_schemes.as_slice().into() });
    cx.send(HANDSHAKE, &CertificateRequest13 { context: &[], extensions: block.as_extensions() });
}
