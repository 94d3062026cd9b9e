//! The client of version 1.3, from the ServerHello to its own Finished (RFC 8446 §2, RFC 9147 §5.7).

use crypto::PublicKey;

use super::{
    Connected,
    authentication::{self, Proof},
    hello,
    key_update::{Reading, Writing},
    keys::{self, ApplicationKeys, HANDSHAKE, HandshakeKeys},
};
use crate::{
    Misdeed,
    flight::{Expect, Incoming},
    handshake::{Context, Offer, Step, extensions},
    schedule::tls13::KeySchedule,
    wire::{
        Certificate13, CertificateRequest13, EncryptedExtensions, ExtensionType, HandshakeType,
        Message as _, ServerHello, SignatureAlgorithms, SignatureScheme,
    },
};

/// A client that has agreed on keys and awaits the rest of the server's flight.
pub(crate) struct Client {
    offer: Offer,
    keys: HandshakeKeys,
    schedule: KeySchedule,
    awaiting: Awaiting,
}

/// The message that is due.
#[expect(clippy::large_enum_variant, reason = "there is one, and it is soon gone")]
enum Awaiting {
    EncryptedExtensions,
    /// A Certificate, or before it the request of one.
    Certificate(Option<Request>),
    CertificateVerify(Option<Request>, PublicKey),
    Finished(Option<Request>),
}

/// What the server asked for: a certificate with a key that makes signatures of one of these schemes.
struct Request {
    schemes: Vec<SignatureScheme>,
}

impl Client {
    /// Takes the ServerHello, which is in the transcript, and agrees on the keys of the handshake.
    pub(crate) fn start(
        cx: &mut Context<'_>,
        mut offer: Offer,
        hello: &ServerHello<'_>,
    ) -> Result<Self, Misdeed> {
        let shared = hello::accept(cx, &mut offer, hello)?;
        let (keys, schedule) = HandshakeKeys::agree(cx, &shared)?;
        Ok(Self { offer, keys, schedule, awaiting: Awaiting::EncryptedExtensions })
    }

    /// Takes the next message of the server's flight.
    pub(crate) fn handle(
        self,
        cx: &mut Context<'_>,
        message: Incoming<'_>,
    ) -> Result<Step<Self, Connected>, Misdeed> {
        super::check_epoch(&message, HANDSHAKE)?;
        let Self { offer, keys: secrets, schedule, awaiting } = self;
        let awaiting = match (awaiting, message.kind) {
            (Awaiting::EncryptedExtensions, HandshakeType::ENCRYPTED_EXTENSIONS) => {
                let answers = EncryptedExtensions::parse(message.body)?;
                extensions::accept_encrypted(cx, &offer, &answers.extensions)?;
                keys::agree_on_limits(cx);
                Awaiting::Certificate(None)
            }
            (Awaiting::Certificate(None), HandshakeType::CERTIFICATE_REQUEST) => {
                Awaiting::Certificate(Some(Request::parse(message.body)?))
            }
            (Awaiting::Certificate(request), HandshakeType::CERTIFICATE) => {
                let certificate = Certificate13::parse(message.body)?;
                let key = authentication::judge_certificate(cx, &certificate)?;
                Awaiting::CertificateVerify(request, key.ok_or(Misdeed::NoServerCertificate)?)
            }
            (Awaiting::CertificateVerify(request, key), HandshakeType::CERTIFICATE_VERIFY) => {
                authentication::check_proof(cx, &key, message.body)?;
                Awaiting::Finished(request)
            }
            (Awaiting::Finished(request), HandshakeType::FINISHED) => {
                authentication::check_finished(cx, &secrets, message.body)?;
                cx.hear(&message);
                return finish(cx, &secrets, schedule, request).map(Step::Connected);
            }
            _ => return Err(Misdeed::UnexpectedMessage),
        };
        cx.hear(&message);
        Ok(Step::Stay(Self { offer, keys: secrets, schedule, awaiting }))
    }
}

/// Extensions that are known here and have no place in a CertificateRequest; others in it are not looked at
/// (RFC 8446 §4.2).
const NOT_IN_REQUEST: [ExtensionType; 12] = [
    ExtensionType::SERVER_NAME,
    ExtensionType::SUPPORTED_GROUPS,
    ExtensionType::USE_SRTP,
    ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
    ExtensionType::RECORD_SIZE_LIMIT,
    ExtensionType::PRE_SHARED_KEY,
    ExtensionType::EARLY_DATA,
    ExtensionType::SUPPORTED_VERSIONS,
    ExtensionType::COOKIE,
    ExtensionType::PSK_KEY_EXCHANGE_MODES,
    ExtensionType::KEY_SHARE,
    ExtensionType::CONNECTION_ID,
];

impl Request {
    fn parse(body: &[u8]) -> Result<Self, Misdeed> {
        let request = CertificateRequest13::parse(body)?;
        // RFC 8446 §4.3.2: the context is for authentication after the handshake.
        if !request.context.is_empty() {
            return Err(Misdeed::BadCertificateContext);
        }
        if request.extensions.iter().any(|(kind, _)| NOT_IN_REQUEST.contains(&kind)) {
            return Err(Misdeed::ExtensionForbidden);
        }
        let schemes = request.extensions.get::<SignatureAlgorithms<'_>>()?;
        let schemes = schemes.ok_or(Misdeed::ExtensionMissing)?.schemes.iter().collect();
        Ok(Self { schemes })
    }

    /// Answers with a certificate and its proof, or with none if there is none that the server takes
    /// (RFC 8446 §4.4.2).
    fn answer(&self, cx: &mut Context<'_>) -> Result<(), Misdeed> {
        match Proof::choose(cx, &self.schemes) {
            Some(proof) => proof.send(cx),
            None => authentication::send_certificate(cx, &[]),
        }
    }
}

/// Sends the client's last flight; data may follow it at once.
fn finish(
    cx: &mut Context<'_>,
    keys: &HandshakeKeys,
    schedule: KeySchedule,
    request: Option<Request>,
) -> Result<Connected, Misdeed> {
    // The transcript ends with the server's Finished, which is what these secrets cover.
    let secrets = ApplicationKeys::derive(cx, schedule);
    cx.outbox.begin_flight();
    if let Some(request) = request {
        request.answer(cx)?;
    }
    authentication::send_finished(cx, keys);
    // RFC 9147 §7.1: nothing answers this flight but its acknowledgement.
    cx.outbox.end_flight(cx.now, Expect::Acknowledgement);
    let writing = Writing::start(cx.records, secrets.writing);
    let reading = Reading::start(cx.records, secrets.reading);
    Ok(Connected::start(reading, writing, secrets.exporter))
}
