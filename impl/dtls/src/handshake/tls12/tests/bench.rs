//! One end of a handshake of version 1.2 without records: messages go in and come out as they are.

use std::{fmt::Write as _, time::Duration};

use base::{Instant, Reader, Rng, WallTime};
use crypto::{
    CertificateParams, EcdsaCurve, HashAlgorithm, Identity, Provider, SignatureAlgorithm,
    SigningKey,
};
use smallvec::SmallVec;

use crate::{
    Config, Credential, Misdeed, PeerCheck, RecordNumber, Session, Side, Version,
    flight::{Message, Outbox, Seal, Transcript},
    handshake::{Context, Handshake, client, server},
    record::{Limits, Records},
    wire::{
        Alert, Certificate12, CertificateRequest12, CertificateVerify, ClientHello,
        ClientKeyExchange, ContentType, Finished, HandshakeHeader, HandshakeType, Message as Body,
        ServerHello, ServerHelloDone, ServerKeyExchange,
    },
};

/// One end.
pub(super) struct Bench {
    pub(super) config: Config,
    pub(super) side: Side,
    pub(super) rng: Rng,
    pub(super) records: Records,
    pub(super) outbox: Outbox,
    pub(super) transcript: Transcript,
    pub(super) session: Session,
    pub(super) alerts: SmallVec<[Alert; 2]>,
    pub(super) handshake: Option<Handshake>,
}

/// What an end says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A handshake message.
    Message(Message),
    /// The change to the new keys.
    ChangeCipherSpec,
}

/// What came of something that an end was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Taken,
    /// There are no keys for its epoch.
    NotOpened,
    Refused(Misdeed),
}

/// The kinds of key that certificates have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    P256,
    P384,
    Rsa,
}

/// A configuration of version 1.2 alone that trusts nobody yet.
pub(super) fn config(provider: Provider, key: Key, seed: u8) -> Config {
    let mut config = Config::new(provider, credential(provider, key, seed));
    config.max_version = Version::Dtls12;
    config
}

/// A certificate and its key.
pub(super) fn credential(provider: Provider, key: Key, seed: u8) -> Credential {
    let curve = match key {
        Key::P256 => EcdsaCurve::P256,
        Key::P384 => EcdsaCurve::P384,
        Key::Rsa => return rsa(provider),
    };
    let params = CertificateParams {
        common_name: "peerlab",
        curve,
        not_before: WallTime::from_unix(Duration::from_secs(1_700_000_000)),
        not_after: WallTime::from_unix(Duration::from_secs(1_800_000_000)),
    };
    let mut rng = Rng::from_seed([seed; 32]);
    Credential::new(provider.self_signed(&params, &mut rng).unwrap())
}

fn rsa(provider: Provider) -> Credential {
    let key = include_bytes!("../../../../../crypto/tests/crypto/keys/rsa_2048.pk8");
    let certificate = include_bytes!("../../../../../crypto/tests/crypto/keys/rsa_2048.crt");
    let key = SigningKey::from_pkcs8(provider, key).unwrap();
    Credential::new(Identity::from_parts(certificate.to_vec(), key).unwrap())
}

/// A signature of a key on P-256.
pub(super) fn sign(credential: &Credential, message: &[u8]) -> Vec<u8> {
    let algorithm = SignatureAlgorithm::EcdsaP256Sha256;
    credential.key().sign_with(algorithm, message, &mut Rng::from_seed([0; 32])).unwrap()
}

/// What the peer of `config` has to be told to trust it alone.
pub(super) fn fingerprint(config: &Config) -> PeerCheck {
    let own = config.credential.as_ref().unwrap();
    PeerCheck::Fingerprints(vec![own.fingerprint(config.provider, HashAlgorithm::Sha256).unwrap()])
}

/// Two ends with these configurations, told of each other's certificates.
pub(super) fn pair(mut client: Config, mut server: Config) -> [Bench; 2] {
    client.peer_check = fingerprint(&server);
    server.peer_check = fingerprint(&client);
    [Bench::new(Side::Client, client, 1), Bench::new(Side::Server, server, 2)]
}

/// The same with RustCrypto and P-256.
pub(super) fn usual_pair() -> [Bench; 2] {
    let provider = crypto::rust_crypto();
    pair(config(provider, Key::P256, 11), config(provider, Key::P256, 12))
}

/// The usual pair when the server has answered the ClientHello: what it said is still to be told.
pub(super) fn answered_pair() -> ([Bench; 2], Vec<Said>) {
    let [mut client, mut server] = usual_pair();
    assert_eq!(server.told_all(&client.says()), Told::Taken);
    let flight = server.says();
    ([client, server], flight)
}

/// The usual pair when the client has answered that: what it said is still to be told.
pub(super) fn keyed_pair() -> ([Bench; 2], Vec<Said>) {
    let ([mut client, server], flight) = answered_pair();
    assert_eq!(client.told_all(&flight), Told::Taken);
    let flight = client.says();
    ([client, server], flight)
}

/// The usual pair when both are connected.
pub(super) fn connected_pair() -> [Bench; 2] {
    let [mut client, mut server] = usual_pair();
    talk(&mut client, &mut server).unwrap();
    [client, server]
}

/// Has both talk until nobody has anything to say, and tells what they said.
pub(super) fn talk(client: &mut Bench, server: &mut Bench) -> Result<Vec<Said>, Misdeed> {
    let mut said = Vec::new();
    for _ in 0..8 {
        let flight = client.says();
        said.extend(flight.iter().cloned());
        refusal(server.told_all(&flight))?;
        let answer = server.says();
        said.extend(answer.iter().cloned());
        refusal(client.told_all(&answer))?;
    }
    Ok(said)
}

fn refusal(told: Told) -> Result<(), Misdeed> {
    match told {
        Told::Taken => Ok(()),
        Told::NotOpened => panic!("a message before its keys"),
        Told::Refused(misdeed) => Err(misdeed),
    }
}

impl Bench {
    /// An end that has said nothing yet, but the ClientHello.
    pub(super) fn new(side: Side, config: Config, seed: u8) -> Self {
        let mut bench = Self {
            side,
            rng: Rng::from_seed([seed; 32]),
            records: Records::new(Limits::default()),
            outbox: Outbox::new(config.initial_timeout),
            transcript: Transcript::new(),
            session: Session::default(),
            alerts: SmallVec::new(),
            handshake: None,
            config,
        };
        bench.handshake = Some(match side {
            Side::Server => Handshake::ClientHello(server::Waiting::default()),
            Side::Client => Handshake::ServerHello(client::Waiting::start(&mut bench.context())),
        });
        bench
    }

    /// What a step may touch.
    pub(super) fn context(&mut self) -> Context<'_> {
        Context {
            now: Instant::ZERO,
            config: &self.config,
            side: self.side,
            rng: &mut self.rng,
            records: &mut self.records,
            outbox: &mut self.outbox,
            transcript: &mut self.transcript,
            session: &mut self.session,
            alerts: &mut self.alerts,
        }
    }

    /// Tells it something.
    pub(super) fn told(&mut self, said: &Said) -> Told {
        let Some(handshake) = self.handshake.take() else {
            panic!("an end that refused something is told no more");
        };
        let next = match said {
            Said::ChangeCipherSpec => Ok(handshake.handle_change_cipher_spec(&mut self.context())),
            Said::Message(message) if !self.records.reads(message.epoch) => {
                self.handshake = Some(handshake);
                return Told::NotOpened;
            }
            Said::Message(message) => handshake.handle(&mut self.context(), message.incoming()),
        };
        match next {
            Ok(next) => {
                self.handshake = Some(next);
                Told::Taken
            }
            Err(misdeed) => Told::Refused(misdeed),
        }
    }

    /// Tells it one thing after the other until it does not take one.
    pub(super) fn told_all(&mut self, said: &[Said]) -> Told {
        let mut all = said.iter().map(|said| self.told(said));
        all.find(|told| *told != Told::Taken).unwrap_or(Told::Taken)
    }

    /// What it says now.
    pub(super) fn says(&mut self) -> Vec<Said> {
        let mut capture = Capture::default();
        let mut out = Vec::new();
        while self.outbox.poll(&mut capture, 1 << 20, &mut out).unwrap() {}
        capture.said
    }

    /// Whether the handshake is over.
    pub(super) fn is_connected(&self) -> bool {
        self.handshake.as_ref().is_some_and(Handshake::is_connected)
    }

    /// Keys for an application.
    pub(super) fn exports(&self) -> [u8; 32] {
        let Some(master) = &self.session.exporter else {
            panic!("no exporter");
        };
        let mut out = [0; 32];
        let randoms = [&self.session.client_random, &self.session.server_random];
        master.export(b"EXPORTER-test", None, randoms, &mut out).unwrap();
        out
    }
}

/// Takes flights as they are. Records have no limit, so that each message comes in one piece.
#[derive(Default)]
struct Capture {
    said: Vec<Said>,
    sequence: u64,
}

impl Seal for Capture {
    type Error = std::convert::Infallible;

    fn overhead(&self, _: u64) -> usize {
        0
    }

    fn max_payload(&self, _: u64) -> usize {
        1 << 16
    }

    fn seal(
        &mut self,
        epoch: u64,
        kind: ContentType,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<RecordNumber, Self::Error> {
        out.push(0);
        self.sequence += 1;
        if kind == ContentType::CHANGE_CIPHER_SPEC {
            assert_eq!(epoch, 0, "a ChangeCipherSpec has no keys");
            self.said.push(Said::ChangeCipherSpec);
            return Ok(RecordNumber::new(epoch, self.sequence));
        }
        assert_eq!(kind, ContentType::HANDSHAKE);
        let mut reader = Reader::new(payload);
        while !reader.is_empty() {
            let header = HandshakeHeader::read(&mut reader).unwrap();
            assert!(header.is_whole(), "a fragment");
            let (kind, message_seq) = (header.kind, header.message_seq);
            let body = reader.bytes(header.range().unwrap().len()).unwrap().to_vec();
            self.said.push(Said::Message(Message { kind, message_seq, epoch, body }));
        }
        Ok(RecordNumber::new(epoch, self.sequence))
    }
}

impl Said {
    /// The kind of a message.
    pub(super) fn kind(&self) -> Option<HandshakeType> {
        match self {
            Self::Message(message) => Some(message.kind),
            Self::ChangeCipherSpec => None,
        }
    }

    /// The body of a message, to be spoiled.
    pub(super) fn body(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Message(message) => &mut message.body,
            Self::ChangeCipherSpec => panic!("a ChangeCipherSpec has no body"),
        }
    }
}

/// The place of a message in a flight.
pub(super) fn place(flight: &[Said], kind: HandshakeType) -> usize {
    flight.iter().position(|said| said.kind() == Some(kind)).expect("it is in the flight")
}

/// A line for each thing that was said, without what changes with the dice.
pub(super) fn ladder(said: &[Said]) -> String {
    let mut text = String::new();
    for said in said {
        match said {
            Said::ChangeCipherSpec => text.push_str("0   [ChangeCipherSpec]\n"),
            Said::Message(message) => {
                let Message { epoch, message_seq, .. } = message;
                writeln!(text, "{epoch} {message_seq} {}", describe(message)).unwrap();
            }
        }
    }
    text
}

fn describe(message: &Message) -> String {
    let body = &message.body;
    match message.kind {
        HandshakeType::CLIENT_HELLO => ClientHello::parse(body).unwrap().to_string(),
        HandshakeType::SERVER_HELLO => ServerHello::parse(body).unwrap().to_string(),
        HandshakeType::CERTIFICATE => Certificate12::parse(body).unwrap().to_string(),
        HandshakeType::SERVER_KEY_EXCHANGE => {
            let exchange = ServerKeyExchange::parse(body).unwrap();
            format!("ServerKeyExchange {} {}", exchange.group, exchange.scheme)
        }
        HandshakeType::CERTIFICATE_REQUEST => {
            CertificateRequest12::parse(body).unwrap().to_string()
        }
        HandshakeType::SERVER_HELLO_DONE => ServerHelloDone::parse(body).unwrap().to_string(),
        HandshakeType::CLIENT_KEY_EXCHANGE => ClientKeyExchange::parse(body).unwrap().to_string(),
        HandshakeType::CERTIFICATE_VERIFY => {
            format!("CertificateVerify {}", CertificateVerify::parse(body).unwrap().scheme)
        }
        HandshakeType::FINISHED => Finished::parse(body).unwrap().to_string(),
        other => other.to_string(),
    }
}
