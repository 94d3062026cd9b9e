//! One end of a handshake without a record layer: messages go in and come out as they are.

use std::time::Duration;

use base::{Instant, Reader, Rng, WallTime};
use crypto::{CertificateParams, EcdsaCurve, HashAlgorithm, Identity, Provider, SigningKey};
use smallvec::SmallVec;

use crate::{
    Config, Credential, Fingerprint, Misdeed, PeerCheck, RecordNumber, Session, Side, Version,
    flight::{Message, Outbox, Seal, Transcript},
    handshake::{Context, Handshake, client, server, tls13::Connected},
    record::{Limits, Records},
    wire::{Alert, ContentType, HandshakeHeader, HandshakeType},
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
    pub(super) now: Instant,
}

/// The kinds of key that certificates have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key {
    P256,
    P384,
    Rsa,
}

/// A configuration that trusts everybody, with a key of its own.
pub(super) fn config(provider: Provider, key: Key, seed: u8) -> Config {
    let mut config = Config::new(provider, credential(provider, key, seed));
    config.min_version = Version::Dtls13;
    config.peer_check = PeerCheck::Later;
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
    // Made with `openssl genpkey` and `openssl pkcs8 -topk8`, for tests alone.
    let key = include_bytes!("../../../../tests/keys/rsa_2048.pk8");
    let certificate = include_bytes!("../../../../tests/keys/rsa_2048.crt");
    let key = SigningKey::from_pkcs8(provider, key).unwrap();
    Credential::new(Identity::from_parts(certificate.to_vec(), key).unwrap())
}

/// What the peer of `config` has to be told to trust it alone.
pub(super) fn fingerprint(config: &Config) -> PeerCheck {
    let own = config.credential.as_ref().unwrap();
    let fingerprint: Fingerprint = own.fingerprint(config.provider, HashAlgorithm::Sha256).unwrap();
    PeerCheck::Fingerprints(vec![fingerprint])
}

impl Bench {
    /// An end as it begins: a client has its ClientHello to say.
    pub(super) fn new(side: Side, config: Config, seed: u8) -> Self {
        let mut bench = Self::silent(side, config, seed);
        bench.handshake = Some(match side {
            Side::Server => Handshake::ClientHello(server::Waiting::default()),
            Side::Client => {
                let waiting = client::Waiting::start(&mut bench.context());
                Handshake::ServerHello(waiting)
            }
        });
        bench
    }

    /// An end without a handshake of its own: the test says what it says.
    pub(super) fn silent(side: Side, config: Config, seed: u8) -> Self {
        Self {
            side,
            rng: Rng::from_seed([seed; 32]),
            records: Records::new(Limits::default()),
            outbox: Outbox::new(config.initial_timeout),
            transcript: Transcript::new(),
            session: Session::default(),
            alerts: SmallVec::new(),
            handshake: None,
            now: Instant::ZERO,
            config,
        }
    }

    /// What a step may touch.
    pub(super) fn context(&mut self) -> Context<'_> {
        Context {
            now: self.now,
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

    /// Tells it a message.
    pub(super) fn told(&mut self, message: &Message) -> Result<(), Misdeed> {
        self.outbox.answered(self.now);
        let handshake =
            self.handshake.take().expect("an end that refused a message is told no more");
        let mut cx = self.context();
        let next = handshake.handle(&mut cx, message.incoming())?;
        self.handshake = Some(next);
        Ok(())
    }

    /// Tells it messages until it refuses one.
    pub(super) fn told_all(&mut self, messages: &[Message]) -> Result<(), Misdeed> {
        messages.iter().try_for_each(|message| self.told(message))
    }

    /// What it says now.
    pub(super) fn says(&mut self) -> Vec<Message> {
        let mut capture = Capture::default();
        let mut out = Vec::new();
        while self.outbox.poll(&mut capture, 1 << 20, &mut out).unwrap() {}
        capture.messages
    }

    /// Everything it said has arrived.
    pub(super) fn acknowledged(&mut self) {
        self.outbox.clear();
        self.with_connected(|connected, cx| {
            let _ = connected.acknowledged(cx);
        });
    }

    /// Does something with an end whose handshake is over.
    pub(super) fn with_connected<T>(
        &mut self,
        act: impl FnOnce(&mut Connected, &mut Context<'_>) -> T,
    ) -> T {
        let Some(Handshake::Connected13(mut connected)) = self.handshake.take() else {
            panic!("the handshake is not over");
        };
        let result = act(&mut connected, &mut self.context());
        self.handshake = Some(Handshake::Connected13(connected));
        result
    }

    /// Whether the handshake is over.
    pub(super) fn is_connected(&self) -> bool {
        self.handshake.as_ref().is_some_and(Handshake::is_connected)
    }

    /// Keys for an application.
    pub(super) fn exports(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        self.with_connected(|connected, _| {
            connected.exporter().export(b"EXPORTER-test", Some(b"context"), &mut out).unwrap();
        });
        out
    }
}

/// Takes flights as they are. Records have no limit, so that each message comes in one piece.
#[derive(Default)]
struct Capture {
    messages: Vec<Message>,
    sequence: u64,
}

impl Seal for Capture {
    type Error = std::convert::Infallible;

    fn overhead(&self, _epoch: u64) -> usize {
        0
    }

    fn max_payload(&self, _epoch: u64) -> usize {
        1 << 16
    }

    fn seal(
        &mut self,
        epoch: u64,
        kind: ContentType,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<RecordNumber, Self::Error> {
        assert_eq!(kind, ContentType::HANDSHAKE);
        out.push(0);
        let mut reader = Reader::new(payload);
        while !reader.is_empty() {
            let header = HandshakeHeader::read(&mut reader).unwrap();
            let range = header.range().unwrap();
            assert_eq!(range.len(), usize::try_from(header.length).unwrap(), "a fragment");
            self.messages.push(Message {
                kind: header.kind,
                message_seq: header.message_seq,
                epoch,
                body: reader.bytes(range.len()).unwrap().to_vec(),
            });
        }
        self.sequence += 1;
        Ok(RecordNumber::new(epoch, self.sequence))
    }
}

/// Two ends with the configurations `client` and `server`, told of each other's certificates.
pub(super) fn pair(mut client: Config, mut server: Config) -> (Bench, Bench) {
    if matches!(client.peer_check, PeerCheck::Later) {
        client.peer_check = fingerprint(&server);
    }
    if matches!(server.peer_check, PeerCheck::Later) {
        server.peer_check = fingerprint(&client);
    }
    (Bench::new(Side::Client, client, 1), Bench::new(Side::Server, server, 2))
}

/// The same with P-256 and the faster provider.
pub(super) fn usual_pair() -> (Bench, Bench) {
    let provider = crypto::aws_lc_rs();
    pair(config(provider, Key::P256, 11), config(provider, Key::P256, 12))
}

/// Has both talk until nobody has anything to say.
pub(super) fn talk(client: &mut Bench, server: &mut Bench) -> Result<Vec<HandshakeType>, Misdeed> {
    let mut said = Vec::new();
    for _ in 0..8 {
        let flight = client.says();
        said.extend(flight.iter().map(|message| message.kind));
        server.told_all(&flight)?;
        let answer = server.says();
        said.extend(answer.iter().map(|message| message.kind));
        client.told_all(&answer)?;
        if flight.is_empty() && answer.is_empty() {
            break;
        }
    }
    Ok(said)
}

/// Two ends whose handshake is over and acknowledged.
pub(super) fn connected_pair(change: impl Fn(&mut Config)) -> (Bench, Bench) {
    let provider = crypto::aws_lc_rs();
    let (mut client, mut server) =
        (config(provider, Key::P256, 13), config(provider, Key::P256, 14));
    change(&mut client);
    change(&mut server);
    let (mut client, mut server) = pair(client, server);
    talk(&mut client, &mut server).unwrap();
    client.acknowledged();
    server.acknowledged();
    (client, server)
}
