//! The server of version 1.2, from the ClientHello on.

use crypto::{KeyExchange, PublicKey};

use super::{
    super::{Context, Step, extensions, select},
    CLEAR, Connected,
    keys::{self, Change},
};
use crate::{
    Misdeed, Side,
    flight::{Expect, Incoming},
    schedule::{TrafficKeys, tls12::MasterSecret},
    wire::{
        Certificate12, CertificateRequest12, CertificateVerify, ClientCertificateType, ClientHello,
        ClientKeyExchange, EcPointFormats, ExtendedMasterSecret, ExtensionBlock, ExtensionType,
        HandshakeType, Message as _, ProtocolVersion, RenegotiationInfo, ServerHello,
        ServerHelloDone, ServerKeyExchange, SuiteId,
    },
};

/// A server that has answered a ClientHello.
pub(crate) struct Server {
    state: State,
    change: Change,
}

enum State {
    /// The client's certificate comes next.
    Certificate(KeyExchange),
    /// The client's key share comes next; then the proof that it holds this key, if there is one.
    KeyExchange(KeyExchange, Option<PublicKey>),
    /// The proof comes next.
    Verify(Box<Keyed>, PublicKey),
    /// The client's Finished comes next.
    Finished(Box<Keyed>),
}

/// What the key exchange gave.
struct Keyed {
    master: MasterSecret,
    /// What we seal with from our Finished on.
    own: TrafficKeys,
}

impl Server {
    /// Answers a ClientHello, of which version, suite and extensions are chosen.
    pub(crate) fn start(cx: &mut Context<'_>, hello: &ClientHello<'_>) -> Result<Self, Misdeed> {
        let group = select::group12(cx.config, hello)?;
        let scheme = select::scheme12(cx.config, hello)?;
        cx.session.group = Some(group);
        cx.outbox.begin_flight();
        send_hello(cx, hello)?;
        keys::send_certificate(cx, true)?;
        let exchange = cx.config.provider.key_exchange(group, cx.rng);
        let signed = keys::signed_params(cx, group.into(), exchange.share());
        let signature = keys::sign(cx, scheme, &signed)?;
        cx.send(
            CLEAR,
            &ServerKeyExchange {
                group: group.into(),
                share: exchange.share(),
                scheme: scheme.0,
                signature: &signature,
            },
        );
        let requests = cx.requests_certificate();
        if requests {
            let schemes = cx.config.signature_schemes.as_slice();
            cx.send(CLEAR, &CertificateRequest12::new(&CERTIFICATE_TYPES, schemes.into()));
        }
        cx.send(CLEAR, &ServerHelloDone);
        cx.outbox.end_flight(cx.now, Expect::Answer);
        let state = if requests {
            State::Certificate(exchange)
        } else {
            State::KeyExchange(exchange, None)
        };
        Ok(Self { state, change: Change::default() })
    }

    /// The client says that it has changed to its new keys.
    pub(crate) fn handle_change_cipher_spec(mut self, cx: &mut Context<'_>) -> Self {
        self.change = self.change.announce(cx);
        self
    }

    /// Takes the next message of the client.
    pub(crate) fn handle(
        self,
        cx: &mut Context<'_>,
        message: Incoming<'_>,
    ) -> Result<Step<Self, Connected>, Misdeed> {
        let Self { state, change } = self;
        match state {
            State::Certificate(exchange) => {
                let key = certificate(cx, &message)?;
                Ok(Step::Stay(Self { state: State::KeyExchange(exchange, key), change }))
            }
            State::KeyExchange(exchange, key) => {
                key_exchange(cx, exchange, key, change, &message).map(Step::Stay)
            }
            State::Verify(keyed, key) => {
                certificate_verify(cx, &key, &message)?;
                Ok(Step::Stay(Self { state: State::Finished(keyed), change }))
            }
            State::Finished(keyed) => {
                let Keyed { master, own } = *keyed;
                keys::check_finished(cx, &master, &message)?;
                cx.outbox.begin_flight();
                keys::change_own(cx, own);
                keys::send_finished(cx, &master);
                // RFC 6347 §4.2.4: nothing answers it; it is sent again if the client repeats its own.
                cx.outbox.end_flight(cx.now, Expect::Nothing);
                Ok(keys::connect(cx, master))
            }
        }
    }
}

fn send_hello(cx: &mut Context<'_>, hello: &ClientHello<'_>) -> Result<(), Misdeed> {
    let mut block = ExtensionBlock::new();
    let signals = hello.suites.contains(SuiteId::EMPTY_RENEGOTIATION_INFO_SCSV);
    if signals || hello.extensions.has(ExtensionType::RENEGOTIATION_INFO) {
        // RFC 5746 §3.6: a signal among the suites is answered like the extension.
        block.put(&RenegotiationInfo::INITIAL);
    }
    if cx.session.extended_master_secret {
        block.put(&ExtendedMasterSecret);
    }
    if hello.extensions.has(ExtensionType::EC_POINT_FORMATS) {
        block.put(&EcPointFormats::UNCOMPRESSED);
    }
    extensions::put_answers(cx, &mut block);
    extensions::put_connection_id(cx, &mut block);
    let message = ServerHello {
        legacy_version: ProtocolVersion::DTLS_1_2,
        random: cx.session.server_random,
        // RFC 5246 §7.4.1.3: empty, since the session will not be resumed.
        session_id: &[],
        suite: keys::suite(cx)?.into(),
        compression: 0,
        extensions: block.as_extensions(),
    };
    cx.send(CLEAR, &message);
    Ok(())
}

/// The client's certificate, or none (RFC 5246 §7.4.6).
fn certificate(cx: &mut Context<'_>, message: &Incoming<'_>) -> Result<Option<PublicKey>, Misdeed> {
    keys::expect(message, HandshakeType::CERTIFICATE)?;
    let certificate = Certificate12::parse(message.body)?;
    cx.hear(message);
    if certificate.is_empty() {
        return cx.judge_missing_certificate().map(|()| None);
    }
    let chain: Vec<&[u8]> = certificate.certificates().collect();
    cx.judge_peer(&chain).map(Some)
}

fn key_exchange(
    cx: &mut Context<'_>,
    exchange: KeyExchange,
    key: Option<PublicKey>,
    change: Change,
    message: &Incoming<'_>,
) -> Result<Server, Misdeed> {
    keys::expect(message, HandshakeType::CLIENT_KEY_EXCHANGE)?;
    let theirs = ClientKeyExchange::parse(message.body)?;
    cx.hear(message);
    let secret = exchange.finish(theirs.share).map_err(|_| Misdeed::BadKeyShare)?;
    let master = keys::master_secret(cx, &secret)?;
    let block = master.key_block(&cx.session.client_random, &cx.session.server_random);
    let (own, theirs) = keys::own_keys(Side::Server, block);
    let change = change.ready(cx, theirs);
    let keyed = Box::new(Keyed { master, own });
    let state = match key {
        Some(key) => State::Verify(keyed, key),
        None => {
            cx.transcript.drop_messages();
            State::Finished(keyed)
        }
    };
    Ok(Server { state, change })
}

/// The proof that the client holds the key of its certificate (RFC 5246 §7.4.8).
fn certificate_verify(
    cx: &mut Context<'_>,
    key: &PublicKey,
    message: &Incoming<'_>,
) -> Result<(), Misdeed> {
    keys::expect(message, HandshakeType::CERTIFICATE_VERIFY)?;
    let proof = CertificateVerify::parse(message.body)?;
    let signed = cx.transcript.messages().to_vec();
    let offered = cx.config.signature_schemes.as_slice();
    keys::verify(cx, offered, key, proof.scheme, &signed, proof.signature)?;
    cx.hear(message);
    cx.transcript.drop_messages();
    Ok(())
}

/// The kinds of certificate that a client may show.
const CERTIFICATE_TYPES: [u8; 2] =
    [ClientCertificateType::ECDSA_SIGN.number(), ClientCertificateType::RSA_SIGN.number()];
