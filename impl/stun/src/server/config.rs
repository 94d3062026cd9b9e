//! How a server is set up.

use std::{collections::BTreeMap, fmt, net::SocketAddr, time::Duration};

use crypto::Provider;

use crate::{
    Key, Unprepared,
    opaque::prepare,
    wire::{Algorithm, Userhash},
};

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The cryptography.
    pub provider: Provider,
    /// What the messages come over.
    pub transport: ServerTransport,
    /// Who is served.
    pub access: Access,
    /// Whether and how the server helps discover the behaviour of NATs: RFC 5780 §6. Off by default:
    /// its responses are longer than those of a plain server.
    pub behavior: Option<Behavior>,
    /// Where to send clients instead of serving them: RFC 8489 §10. Authenticated requests get a 300,
    /// others a 400 (§14.8).
    pub redirect: Option<Redirect>,
    /// How much one source gets.
    pub rate_limit: RateLimit,
    /// Whether messages must carry FINGERPRINT, as where a port is shared with other protocols: RFC 8489
    /// §7. Off by default, as §12 wants it of a stand-alone server. Requests that have one are answered
    /// in kind in any case.
    pub requires_fingerprint: bool,
    /// Whether clients of RFC 3489 are served, over UDP and without credentials: RFC 8489 §11, §12.
    pub serves_classic_clients: bool,
    /// What the server says of itself. Nothing by default: RFC 8489 §6.3.1.1 would have it said,
    /// §16.1.2 would have it be a choice, and it would make of the server a better amplifier.
    pub software: Option<String>,
}

impl ServerConfig {
    /// A server for everybody over UDP, with the cryptography of `provider`.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self {
            provider,
            transport: ServerTransport::Udp,
            access: Access::Open,
            behavior: None,
            redirect: None,
            rate_limit: RateLimit::default(),
            requires_fingerprint: false,
            serves_classic_clients: true,
            software: None,
        }
    }
}

/// What the messages come over. On the reliable ones, the driver takes messages off the stream with
/// a [`Deframer`](crate::Deframer) and sends responses on the connection they belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ServerTransport {
    /// UDP.
    #[default]
    Udp,
    /// TCP, or TLS over it.
    Tcp,
    /// DTLS over UDP, where messages of RFC 3489 are errors: RFC 8489 §11.
    Dtls,
}

/// Who is served.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Access {
    /// Everybody, as RFC 8489 §12 has it for a basic server.
    #[default]
    Open,
    /// Who has a short-term credential: RFC 8489 §9.1.
    ShortTerm(ShortTermAccess),
    /// Who has a long-term credential: RFC 8489 §9.2.
    LongTerm(LongTermAccess),
}

/// The short-term credentials a server takes.
#[derive(Clone, Default)]
pub struct ShortTermAccess {
    keys: BTreeMap<String, Key>,
}

impl ShortTermAccess {
    /// Takes nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes `username` with `password`.
    ///
    /// # Errors
    ///
    /// `Unprepared` if one of the texts has characters it may not have.
    pub fn with_user(
        mut self,
        provider: Provider,
        username: &str,
        password: &str,
    ) -> Result<Self, Unprepared> {
        let key = Key::short_term(provider, password)?;
        self.keys.insert(prepare(username)?.into_owned(), key);
        Ok(self)
    }

    pub(super) fn key(&self, username: &str) -> Option<&Key> {
        self.keys.get(username)
    }
}

impl fmt::Debug for ShortTermAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

/// The long-term credentials a server takes, and how it challenges.
#[derive(Clone)]
pub struct LongTermAccess {
    realm: String,
    users: BTreeMap<String, LongTermKeys>,
    hashes: BTreeMap<Userhash, String>,
    /// The password algorithms offered, best first; none makes it a server of RFC 5389.
    pub algorithms: Vec<Algorithm>,
    /// Whether clients are asked to hide their usernames: RFC 8489 §9.2.4.
    pub offers_anonymity: bool,
    /// For how long a nonce holds.
    pub nonce_lifetime: Duration,
}

#[derive(Clone)]
struct LongTermKeys {
    md5: Key,
    sha256: Key,
}

impl LongTermAccess {
    /// Takes nobody yet. Offers SHA-256 and MD5 and no anonymity; nonces hold for ten minutes.
    ///
    /// # Errors
    ///
    /// `Unprepared` if the realm has characters it may not have.
    pub fn new(realm: &str) -> Result<Self, Unprepared> {
        Ok(Self {
            realm: prepare(realm)?.into_owned(),
            users: BTreeMap::new(),
            hashes: BTreeMap::new(),
            algorithms: vec![Algorithm::SHA256, Algorithm::MD5],
            offers_anonymity: false,
            nonce_lifetime: Duration::from_secs(600),
        })
    }

    /// Takes `username` with `password`.
    ///
    /// # Errors
    ///
    /// `Unprepared` if one of the texts has characters it may not have.
    pub fn with_user(
        mut self,
        provider: Provider,
        username: &str,
        password: &str,
    ) -> Result<Self, Unprepared> {
        let key = |algorithm| Key::long_term(provider, algorithm, username, &self.realm, password);
        let keys = LongTermKeys { md5: key(Algorithm::MD5)?, sha256: key(Algorithm::SHA256)? };
        let hash = Userhash::of(provider, username, &self.realm)?;
        let username = prepare(username)?.into_owned();
        self.hashes.insert(hash, username.clone());
        self.users.insert(username, keys);
        Ok(self)
    }

    pub(super) fn realm(&self) -> &str {
        &self.realm
    }

    pub(super) fn username_of(&self, hash: Userhash) -> Option<&str> {
        self.hashes.get(&hash).map(String::as_str)
    }

    pub(super) fn key(&self, username: &str, algorithm: Algorithm) -> Option<&Key> {
        let keys = self.users.get(username)?;
        match algorithm {
            Algorithm::MD5 => Some(&keys.md5),
            Algorithm::SHA256 => Some(&keys.sha256),
            _ => None,
        }
    }
}

impl fmt::Debug for LongTermAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LongTermAccess")
            .field("realm", &self.realm)
            .field("users", &self.users.keys())
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// How a server helps discover the behaviour of NATs: RFC 5780 §6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behavior {
    /// The first address and port, A1 and P1.
    pub primary: SocketAddr,
    /// The second address and port, A2 and P2; both must differ from the first. The server is given
    /// datagrams of all four combinations and sends from all four. `None` for a server with one
    /// address, which cannot change where responses come from.
    pub alternate: Option<SocketAddr>,
    /// Whether RESPONSE-PORT is heeded.
    pub takes_response_port: bool,
    /// MTU in bytes of the outgoing interface: the length of PADDING in responses to requests that
    /// have it (RFC 5780 §6.1). `None` refuses PADDING, which makes long responses of short requests.
    pub padding: Option<u16>,
}

impl Behavior {
    /// Everything RFC 5780 asks for between these addresses, with an MTU of 1,500 bytes.
    #[must_use]
    pub const fn new(primary: SocketAddr, alternate: SocketAddr) -> Self {
        Self {
            primary,
            alternate: Some(alternate),
            takes_response_port: true,
            padding: Some(1_500),
        }
    }
}

/// Where to send clients instead of serving them: RFC 8489 §10.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirect {
    /// For clients that come over IPv4.
    pub ipv4: Option<SocketAddr>,
    /// For clients that come over IPv6.
    pub ipv6: Option<SocketAddr>,
    /// The name in the other server's certificate, if it is another: ALTERNATE-DOMAIN.
    pub domain: Option<String>,
}

/// How many responses one source gets: an IPv4 address, or an IPv6 network of 64 bits. A server
/// answers whom it cannot know, so a limit protects whoever's address is forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Responses per second in the long run; 0 for no limit.
    pub per_second: u32,
    /// Responses in one go.
    pub burst: u32,
}

impl Default for RateLimit {
    /// Fifty a second and a hundred in one go: more than a household behind one address needs.
    fn default() -> Self {
        Self { per_second: 50, burst: 100 }
    }
}
