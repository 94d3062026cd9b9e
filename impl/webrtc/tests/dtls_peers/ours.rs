//! Our end: an endpoint or a listener on a socket of loopback.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use base::{Rng, WallTime};
use crypto::{CertificateParams, EcdsaCurve, Identity, SigningKey};
use dtls::{
    Association, CipherSuite, Config, Credential, Endpoint, Event, Listener, PeerCheck, PeerId,
    Version,
};
use libtest_mimic::Failed;
use peerlab::{Driver, System};
use runtime::Runtime as _;

use super::tools::{Folder, LIMIT};

/// A key of 2,048 bits, made for these tests and good for nothing else.
const RSA_KEY: &[u8] = include_bytes!("rsa.key.der");
/// Its certificate, signed by itself.
const RSA_CERTIFICATE: &[u8] = include_bytes!("rsa.certificate.der");

/// The label of what both ends export.
pub(crate) const LABEL: &str = "EXPORTER-peerlab";
/// How many bytes of it.
pub(crate) const EXPORTED: usize = 32;

/// The kind of key that an end proves itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ecdsa,
    Rsa,
}

impl Kind {
    /// Who an end with such a key is: another one for each seed, of ECDSA.
    pub(crate) fn identity(self, seed: u8) -> Result<Identity, Failed> {
        let provider = crypto::Provider::default();
        if self == Self::Rsa {
            let key = SigningKey::from_pkcs8(provider, RSA_KEY)?;
            return Ok(Identity::from_parts(RSA_CERTIFICATE.to_vec(), key)?);
        }
        let params = CertificateParams {
            common_name: "peerlab",
            not_before: WallTime::from_unix(Duration::ZERO),
            not_after: WallTime::from_unix(Duration::from_secs(4_000_000_000)),
            curve: EcdsaCurve::P256,
        };
        Ok(provider.self_signed(&params, &mut Rng::from_seed([seed; 32]))?)
    }
}

/// The files of the other program: its certificate and its key.
pub(crate) fn files(folder: &Folder, kind: Kind) -> Result<[String; 2], Failed> {
    let (certificate, key) = match kind {
        Kind::Rsa => (RSA_CERTIFICATE.to_vec(), RSA_KEY.to_vec()),
        Kind::Ecdsa => (ECDSA_CERTIFICATE.to_vec(), ECDSA_KEY.to_vec()),
    };
    let certificate = folder.pem("certificate.pem", "CERTIFICATE", &certificate)?;
    let key = folder.pem("key.pem", "PRIVATE KEY", &key)?;
    Ok([certificate, key].map(|path| path.to_string_lossy().into_owned()))
}

const ECDSA_KEY: &[u8] = include_bytes!("ecdsa.key.der");
const ECDSA_CERTIFICATE: &[u8] = include_bytes!("ecdsa.certificate.der");

/// What our end speaks: version 1.2, one suite, and anybody's certificate, which is the other program's.
pub(crate) fn config(kind: Kind, suite: CipherSuite, theirs: Kind) -> Result<Config, Failed> {
    let provider = crypto::Provider::default();
    let mut config = Config::new(provider, Credential::new(kind.identity(1)?));
    config.suites = vec![suite];
    config.alpn = vec![b"webrtc".to_vec()];
    let certificate = match theirs {
        Kind::Rsa => RSA_CERTIFICATE,
        Kind::Ecdsa => ECDSA_CERTIFICATE,
    };
    let sha256 = crypto::HashAlgorithm::Sha256;
    let fingerprint = dtls::Fingerprint::of(provider, sha256, certificate)?;
    config.peer_check = PeerCheck::Fingerprints(vec![fingerprint]);
    Ok(config)
}

/// Our end on a socket.
pub(crate) struct Ours {
    system: Arc<System>,
    side: Side,
}

enum Side {
    Client(Box<Driver<Endpoint>>),
    /// With the peer that was let in.
    Server(Box<Driver<Listener>>, Option<PeerId>),
}

impl Ours {
    /// A client of whoever is at `there`.
    pub(crate) fn client(config: Config, there: SocketAddr) -> Result<Self, Failed> {
        let system = Arc::new(System::new(Vec::new()));
        let rng = Rng::from_seed(system.seed()?);
        let association = Association::client(Arc::new(config), rng, system.now());
        let mut driver = Driver::new(system.clone(), Endpoint::new(association, there));
        driver.bind("127.0.0.1:0".parse()?)?;
        Ok(Self { system, side: Side::Client(Box::new(driver)) })
    }

    /// A server, and where it listens.
    pub(crate) fn server(config: Config) -> Result<(Self, SocketAddr), Failed> {
        let system = Arc::new(System::new(Vec::new()));
        let rng = Rng::from_seed(system.seed()?);
        let mut driver = Driver::new(system.clone(), Listener::new(Arc::new(config), &rng));
        let here = driver.bind("127.0.0.1:0".parse()?)?;
        Ok((Self { system, side: Side::Server(Box::new(driver), None) }, here))
    }

    /// Waits until both ends are connected.
    pub(crate) async fn connects(&mut self) -> Result<(), Failed> {
        loop {
            match self.event().await? {
                Event::Connected => return Ok(()),
                Event::Closed(reason) => return Err(format!("closed: {reason}").into()),
                _ => {}
            }
        }
    }

    /// Waits for data with `words` in it.
    pub(crate) async fn hears(&mut self, words: &str) -> Result<(), Failed> {
        let mut heard = String::new();
        loop {
            match self.event().await? {
                Event::Data(data) => heard.push_str(&String::from_utf8_lossy(&data)),
                Event::Closed(reason) => {
                    return Err(format!("closed: {reason}, after `{heard}`").into());
                }
                _ => {}
            }
            if heard.contains(words) {
                return Ok(());
            }
        }
    }

    async fn event(&mut self) -> Result<Event, Failed> {
        let next = async {
            match &mut self.side {
                Side::Client(driver) => driver.next_event().await,
                Side::Server(driver, peer) => {
                    let (who, event) = driver.next_event().await?;
                    *peer = Some(who);
                    Ok(event)
                }
            }
        };
        let next = tokio::time::timeout(LIMIT, next).await;
        Ok(next.map_err(|_| Failed::from("nothing happened for 20 s"))??)
    }

    /// Works on while something else is waited for.
    pub(crate) async fn while_waiting<T>(
        &mut self,
        other: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, Failed> {
        let mut other = std::pin::pin!(other);
        loop {
            tokio::select! {
                done = &mut other => return done,
                event = self.event() => if let Event::Closed(reason) = event? {
                    return Err(format!("closed: {reason}").into());
                },
            }
        }
    }

    /// Sends data.
    pub(crate) fn says(&mut self, words: &str) -> Result<(), Failed> {
        let (mut sealed, now) = (Vec::new(), self.system.now());
        let words = words.as_bytes();
        match &mut self.side {
            Side::Client(driver) => {
                let sent = driver.command(|endpoint, _| endpoint.send(now, words, &mut sealed))?;
                driver.send(&sent, &sealed);
            }
            Side::Server(driver, peer) => {
                let peer = peer.ok_or("nobody came")?;
                let sent =
                    driver.command(|listener, _| listener.send(now, peer, words, &mut sealed))?;
                driver.send(&sent, &sealed);
            }
        }
        Ok(())
    }

    /// What it exports, in hexadecimal digits as the tools write them.
    pub(crate) fn exported(&self) -> Result<String, Failed> {
        let mut out = [0; EXPORTED];
        self.association()?.export(LABEL.as_bytes(), None, &mut out)?;
        Ok(out.iter().map(|byte| format!("{byte:02X}")).collect())
    }

    /// The association, to be asked.
    fn association(&self) -> Result<&Association, Failed> {
        let association = match &self.side {
            Side::Client(driver) => Some(driver.machine().state()),
            Side::Server(driver, peer) => peer.and_then(|peer| driver.machine().peer(peer)),
        };
        association.ok_or_else(|| Failed::from("there is no association"))
    }

    /// Whether version, suite, protocol and the presence of a profile of SRTP are what was wanted.
    pub(crate) fn speaks(&self, suite: CipherSuite) -> Result<(), Failed> {
        let session = self.association()?.session();
        let (version, spoken) = (session.version(), session.suite());
        let srtp = session.srtp_profile().is_some() && session.alpn() == Some(b"webrtc");
        if version == Some(Version::Dtls12) && spoken == Some(suite) && srtp {
            return Ok(());
        }
        Err(format!("{session:?} was agreed on").into())
    }

    /// Says goodbye.
    pub(crate) fn closes(&mut self) {
        match &mut self.side {
            Side::Client(driver) => {
                driver.command(|endpoint, now| endpoint.association().close(now));
            }
            Side::Server(driver, peer) => {
                let Some(peer) = *peer else { return };
                driver.command(|listener, now| {
                    listener.command(peer, |association| association.close(now));
                });
            }
        }
    }
}
