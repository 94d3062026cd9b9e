//! The client of version 1.2, from the ServerHello on.

use crypto::{NamedGroup, PublicKey, SharedSecret};

use super::{
    super::{Context, Offer, Step, extensions, select},
    CLEAR, Connected,
    keys::{self, Change},
};
use crate::{
    Authentication, Misdeed, Side, Version,
    flight::{Expect, Incoming},
    schedule::tls12::MasterSecret,
    wire::{
        Certificate12, CertificateRequest12, CertificateVerify, ClientCertificateType,
        ClientKeyExchange, HandshakeType, HelloRequest, Message as _, ServerHello, ServerHelloDone,
        ServerKeyExchange, SignatureScheme,
    },
};

/// A client that has had its ServerHello.
pub(crate) struct Client {
    state: State,
    change: Change,
}

enum State {
    /// The server's certificate comes next.
    Certificate(Offered),
    /// Its key share comes next, signed with this key.
    KeyExchange(Offered, PublicKey),
    /// A CertificateRequest may come, or the end of the server's flight.
    Request(Agreed),
    /// The end of the server's flight comes next.
    Done(Agreed, Option<Request>),
    /// The server's Finished comes next.
    Finished(MasterSecret),
}

/// What the ClientHello offered, as far as it matters still.
struct Offered {
    groups: Vec<NamedGroup>,
    schemes: Vec<SignatureScheme>,
}

/// What came of the key exchange.
struct Agreed {
    /// Our share.
    share: Vec<u8>,
    secret: SharedSecret,
}

/// What the server wants to see of us.
struct Request {
    /// Whether our kind of certificate will do.
    takes_our_kind: bool,
    schemes: Vec<SignatureScheme>,
}

impl Client {
    /// Takes what a ServerHello of version 1.2 says beyond version and suite.
    pub(crate) fn start(
        cx: &mut Context<'_>,
        offer: Offer,
        hello: &ServerHello<'_>,
    ) -> Result<Self, Misdeed> {
        extensions::accept_hello12(cx, &offer, hello)?;
        let groups = offer.groups.into_iter().filter(|group| *group != NamedGroup::X25519MlKem768);
        let offered = Offered { groups: groups.collect(), schemes: offer.schemes };
        Ok(Self { state: State::Certificate(offered), change: Change::default() })
    }

    /// The server says that it has changed to its new keys.
    pub(crate) fn handle_change_cipher_spec(mut self, cx: &mut Context<'_>) -> Self {
        self.change = self.change.announce(cx);
        self
    }

    /// Takes the next message of the server.
    pub(crate) fn handle(
        self,
        cx: &mut Context<'_>,
        message: Incoming<'_>,
    ) -> Result<Step<Self, Connected>, Misdeed> {
        if message.kind == HandshakeType::HELLO_REQUEST {
            // RFC 5246 §7.4.1.1: no answer during a handshake, and no part of what is hashed.
            let _request = HelloRequest::parse(message.body)?;
            return Ok(Step::Stay(self));
        }
        let Self { state, change } = self;
        let stay = |state, change| Ok(Step::Stay(Self { state, change }));
        match state {
            State::Certificate(offered) => {
                let key = certificate(cx, &message)?;
                stay(State::KeyExchange(offered, key), change)
            }
            State::KeyExchange(offered, key) => {
                let agreed = key_exchange(cx, &offered, &key, &message)?;
                stay(State::Request(agreed), change)
            }
            State::Request(agreed) if message.kind == HandshakeType::CERTIFICATE_REQUEST => {
                let request = certificate_request(cx, &message)?;
                stay(State::Done(agreed, Some(request)), change)
            }
            State::Request(agreed) => done(cx, agreed, None, change, &message),
            State::Done(agreed, request) => done(cx, agreed, request, change, &message),
            State::Finished(master) => {
                keys::check_finished(cx, &master, &message)?;
                cx.outbox.answered(cx.now);
                Ok(keys::connect(cx, master))
            }
        }
    }
}

/// The server's certificate, of the kind that the suite says (RFC 5246 §7.4.2).
fn certificate(cx: &mut Context<'_>, message: &Incoming<'_>) -> Result<PublicKey, Misdeed> {
    keys::expect(message, HandshakeType::CERTIFICATE)?;
    let certificate = Certificate12::parse(message.body)?;
    cx.hear(message);
    if certificate.is_empty() {
        return Err(Misdeed::NoServerCertificate);
    }
    let chain: Vec<&[u8]> = certificate.certificates().collect();
    let key = cx.judge_peer(&chain)?;
    let authentication = keys::suite(cx)?.authentication();
    if authentication != Some(Authentication::of(key.kind())) {
        return Err(Misdeed::UnsupportedCertificate);
    }
    Ok(key)
}

/// The server's key share, in a group that we offered, and its signature (RFC 8422 §5.4).
fn key_exchange(
    cx: &mut Context<'_>,
    offered: &Offered,
    key: &PublicKey,
    message: &Incoming<'_>,
) -> Result<Agreed, Misdeed> {
    keys::expect(message, HandshakeType::SERVER_KEY_EXCHANGE)?;
    let theirs = ServerKeyExchange::parse(message.body)?;
    cx.hear(message);
    let group = theirs.group.known().filter(|group| offered.groups.contains(group));
    let group = group.ok_or(Misdeed::GroupNotOffered)?;
    let signed = keys::signed_params(cx, theirs.group, theirs.share);
    keys::verify(cx, &offered.schemes, key, theirs.scheme, &signed, theirs.signature)?;
    let exchange = cx.config.provider.key_exchange(group, cx.rng);
    let share = exchange.share().to_vec();
    let secret = exchange.finish(theirs.share).map_err(|_| Misdeed::BadKeyShare)?;
    cx.session.group = Some(group);
    Ok(Agreed { share, secret })
}

fn certificate_request(cx: &mut Context<'_>, message: &Incoming<'_>) -> Result<Request, Misdeed> {
    keys::expect(message, HandshakeType::CERTIFICATE_REQUEST)?;
    let request = CertificateRequest12::parse(message.body)?;
    cx.hear(message);
    let ours = cx.config.credential.as_ref().map(|credential| credential.key().key_kind());
    let ours = ours.map(|kind| match Authentication::of(kind) {
        Authentication::Ecdsa => ClientCertificateType::ECDSA_SIGN,
        Authentication::Rsa => ClientCertificateType::RSA_SIGN,
    });
    Ok(Request {
        takes_our_kind: ours.is_some_and(|ours| request.types().any(|kind| kind == ours)),
        schemes: request.schemes.iter().collect(),
    })
}

/// The end of the server's flight, which ours answers.
fn done(
    cx: &mut Context<'_>,
    agreed: Agreed,
    request: Option<Request>,
    change: Change,
    message: &Incoming<'_>,
) -> Result<Step<Client, Connected>, Misdeed> {
    keys::expect(message, HandshakeType::SERVER_HELLO_DONE)?;
    let _done = ServerHelloDone::parse(message.body)?;
    cx.hear(message);
    cx.outbox.begin_flight();
    let scheme = request
        .as_ref()
        .filter(|request| request.takes_our_kind)
        .filter(|_| !base::mutant::active("dtls-12-certificate-withheld"))
        .and_then(|request| select::scheme(cx.config, Version::Dtls12, &request.schemes));
    if request.is_some() {
        // RFC 5246 §7.4.6: who has no certificate that will do sends none.
        keys::send_certificate(cx, scheme.is_some())?;
    }
    cx.send(CLEAR, &ClientKeyExchange { share: &agreed.share });
    let master = keys::master_secret(cx, &agreed.secret)?;
    if let Some(scheme) = scheme {
        let messages = cx.transcript.messages().to_vec();
        let signature = keys::sign(cx, scheme, &messages)?;
        cx.send(CLEAR, &CertificateVerify { scheme: scheme.0, signature: &signature });
    }
    cx.transcript.drop_messages();
    let block = master.key_block(&cx.session.client_random, &cx.session.server_random);
    let (own, theirs) = keys::own_keys(Side::Client, block);
    keys::change_own(cx, own);
    keys::send_finished(cx, &master);
    cx.outbox.end_flight(cx.now, Expect::Answer);
    let change = change.ready(cx, theirs);
    Ok(Step::Stay(Client { state: State::Finished(master), change }))
}
